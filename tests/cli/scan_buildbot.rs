//! The two real CI databases: all of the truth found, nothing else.

use std::collections::BTreeSet;

use halfbuilt::exit::Exit;

use crate::support::{Report, TestDatabase, halfbuilt, repository};

/// When restored.dump was taken.
const BACKUP_TIME: &str = "2026-11-22T12:59:06.133920Z";
/// It ended within 2 ms of the backup time: counted neither way.
const TOO_CLOSE_TO_CALL: (&str, &str) = ("acme/web", "31");

fn truth(file: &str) -> BTreeSet<(String, String)> {
    let truth = Report::read(&repository("fixtures/buildbot").join(file));
    truth.rows.iter().map(|row| (row["builder"].clone(), row["number"].clone())).collect()
}

fn found(report: &Report, rule: &str) -> BTreeSet<(String, String)> {
    let rows = report.rows.iter().filter(|row| row["reasons"].split(';').any(|reason| reason == rule));
    let builds = rows.map(|row| (row["project"].clone(), row["build_num"].clone()));
    builds.filter(|(project, number)| (project.as_str(), number.as_str()) != TOO_CLOSE_TO_CALL).collect()
}

#[test]
fn all_of_the_truth_is_found_and_nothing_else() {
    let database = TestDatabase::buildbot("restored.dump");
    let arguments = ["scan", "--profile", "buildbot", "--backup-time", BACKUP_TIME];
    let done = halfbuilt(&arguments).on(&database).run().exits(Exit::Clean);
    let report = Report::parse(&done.stdout);
    assert_eq!(found(&report, "stuck-running"), truth("truth_builds.csv"));
    assert_eq!(found(&report, "output-truncated"), truth("truth_output.csv"));
    for silent in ["output-gap", "output-missing", "closed-after-restore"] {
        assert_eq!(found(&report, silent), BTreeSet::new(), "{silent}");
    }
    assert_eq!(report.count("timing", "in-flight"), report.rows.len());
}

#[test]
fn the_cut_logs_are_named_with_the_lines_that_are_left() {
    let database = TestDatabase::buildbot("restored.dump");
    let arguments = ["scan", "--profile", "buildbot", "--backup-time", BACKUP_TIME];
    let report = Report::parse(&halfbuilt(&arguments).on(&database).run().exits(Exit::Clean).stdout);
    let truth = Report::read(&repository("fixtures/buildbot/truth_output.csv"));
    for log in &truth.rows {
        let evidence = &report.row(&log["builder"], &log["number"])["evidence"];
        let step = format!("step {}/{} \"{}\"", log["step_number"], log["log_name"], log["step_name"]);
        let lines = format!("its output ends at {} lines", log["lines_at_backup"]);
        assert!(evidence.contains(&step) && evidence.contains(&lines), "{step}, {lines}: {evidence}");
    }
}

#[test]
fn the_control_is_clean() {
    let database = TestDatabase::buildbot("clean.dump");
    let ended = database.run("SELECT to_char(to_timestamp(max(complete_at) + 1) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SSZ') FROM builds");
    let verify = |times: &[&str]| halfbuilt(&["verify", "--profile", "buildbot"]).args(times).on(&database).run();
    verify(&["--backup-time", &ended]).exits(Exit::Clean).says("verdict: clean: none of 385 builds is abnormal");
    verify(&[]).exits(Exit::Clean).says("nothing abnormal was seen in 385 builds, but not everything was checked");
}

#[test]
fn a_build_has_an_address_where_the_master_is_named() {
    let database = TestDatabase::buildbot("restored.dump");
    let arguments = ["scan", "--profile", "buildbot", "--backup-time", BACKUP_TIME];
    let without = Report::parse(&halfbuilt(&arguments).on(&database).run().exits(Exit::Clean).stdout);
    assert_eq!(without.count("build_url", ""), without.rows.len());
    let with = halfbuilt(&arguments).args(&["--base-url", "https://bb.example.com"]).on(&database).run();
    let with = Report::parse(&with.exits(Exit::Clean).stdout);
    assert_eq!(with.row("acme/release", "7")["build_url"], "https://bb.example.com/#/builders/2/builds/7");
    // Buildbot has no admin path that takes such an address.
    assert_eq!(with.count("deletable", "no"), with.rows.len());
}

#[test]
fn housekeeping_that_closes_what_was_cut_does_not_hide_it() {
    let database = TestDatabase::buildbot("restored.dump");
    database.run(
        "UPDATE builds SET complete_at = extract(epoch FROM timestamptz '2026-11-22T13:30:00Z')::int, results = 5
          WHERE complete_at IS NULL",
    );
    let arguments = ["scan", "--profile", "buildbot", "--backup-time", BACKUP_TIME];
    let report = Report::parse(&halfbuilt(&arguments).on(&database).run().exits(Exit::Clean).stdout);
    assert_eq!(found(&report, "closed-after-restore"), truth("truth_builds.csv"));
    assert_eq!(found(&report, "stuck-running"), BTreeSet::new());
}
