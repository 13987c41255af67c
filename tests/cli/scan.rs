//! `halfbuilt scan` on the CircleCI fixtures.

use std::collections::BTreeSet;

use halfbuilt::exit::Exit;

use crate::support::{
    BACKUP_TIME, Done, Report, Seen, Signal, TIMES, TestDatabase, expected_report, halfbuilt, repository, signal,
    wait_until,
};
use crate::what_a_person_sees::{Says, shows};

pub(crate) const FAULTS: [&str; 14] = [
    "stuck-running",
    "closed-after-restore",
    "stuck-queued",
    "step-unfinished",
    "output-truncated",
    "output-gap",
    "output-missing",
    "orphan-step",
    "orphan-output",
    "duplicate-number",
    "impossible-times",
    "output-excess",
    "unexplained",
    "hostile",
];

fn scan(database: &TestDatabase, more: &[&str]) -> Report {
    let done = halfbuilt(&["scan"]).args(&TIMES).args(more).on(database).run().exits(Exit::Clean);
    Report::parse(&done.stdout)
}

#[track_caller]
fn finds_exactly(fixture: &str) {
    let database = TestDatabase::circleci(&["healthy", fixture]);
    assert_eq!(scan(&database, &[]).without_fingerprints(), expected_report(fixture));
}

#[test]
fn stuck_running() {
    finds_exactly("stuck-running");
}

#[test]
fn closed_after_restore() {
    finds_exactly("closed-after-restore");
}

#[test]
fn output_truncated() {
    finds_exactly("output-truncated");
}

#[test]
fn output_gap() {
    finds_exactly("output-gap");
}

#[test]
fn output_missing() {
    finds_exactly("output-missing");
}

#[test]
fn stuck_queued() {
    finds_exactly("stuck-queued");
}

#[test]
fn step_unfinished() {
    finds_exactly("step-unfinished");
}

#[test]
fn orphan_step() {
    finds_exactly("orphan-step");
}

#[test]
fn orphan_output() {
    finds_exactly("orphan-output");
}

#[test]
fn duplicate_number() {
    finds_exactly("duplicate-number");
}

#[test]
fn impossible_times() {
    finds_exactly("impossible-times");
}

#[test]
fn output_excess() {
    finds_exactly("output-excess");
}

#[test]
fn unexplained() {
    finds_exactly("unexplained");
}

#[test]
fn hostile_text() {
    finds_exactly("hostile");
}

#[test]
fn everything_together() {
    let database = TestDatabase::circleci(&[&["healthy"], &FAULTS[..]].concat());
    assert_eq!(scan(&database, &[]).without_fingerprints(), expected_report("all"));
}

#[test]
fn each_file_alone_gives_the_same_as_with_healthy_builds() {
    let database = TestDatabase::circleci(&["stuck-queued"]);
    assert_eq!(scan(&database, &[]).without_fingerprints(), expected_report("stuck-queued"));
}

#[test]
fn builds_that_contradict_the_times_are_counted_with_everything_together() {
    let database = TestDatabase::circleci(&[&["healthy"], &FAULTS[..]].concat());
    let done = halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    done.says_all_of("scan_all_faults");
}

#[test]
fn healthy_builds_of_every_kind_are_left_in_peace() {
    let database = TestDatabase::circleci(&["healthy"]);
    let done = halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    assert_eq!(Report::parse(&done.stdout).rows, []);
    let done = done.says("0 abnormal builds").says("checked 6 projects, 326 builds");
    done.does_not_say("between the backup and the restore").does_not_say("not on record");
}

#[test]
fn the_report_is_rfc_4180() {
    let database = TestDatabase::circleci(&["output-gap"]);
    let done = halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    let header = "build_url,project,build_num,lifecycle,status,queued_at,started_at,stopped_at,last_activity_at,timing,\
                  reasons,evidence,steps,steps_unfinished,output_expected,output_stored,deletable,fingerprint,note\r\n";
    assert!(done.stdout.starts_with(header), "{}", done.stdout);
    assert!(done.stdout.ends_with("\r\n"));
    assert_eq!(done.stdout.matches('\n').count(), done.stdout.matches("\r\n").count());
}

#[test]
fn two_runs_give_the_same_bytes() {
    let database = TestDatabase::circleci(&FAULTS);
    let run = || halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean).stdout;
    assert_eq!(run(), run());
}

#[test]
fn a_fingerprint_shows_a_build_that_has_changed_and_no_other() {
    let database = TestDatabase::circleci(&["stuck-running", "output-gap"]);
    let before = scan(&database, &[]);
    let prints: BTreeSet<&str> = before.column("fingerprint").into_iter().collect();
    assert_eq!(prints.len(), before.rows.len(), "each build has its own");
    assert!(prints.iter().all(|print| print.len() == 32 && print.bytes().all(|b| b.is_ascii_hexdigit())));

    // It is the build's state and nothing else: the flags of the scan make no difference.
    let told_less = halfbuilt(&["scan", "--backup-time", BACKUP_TIME]).on(&database).run().exits(Exit::Clean);
    assert_eq!(Report::parse(&told_less.stdout).column("fingerprint"), before.column("fingerprint"));

    database.run("UPDATE actions SET output_size = output_size + 1 WHERE build_id = 900402");
    let after = scan(&database, &[]);
    let changed = before.rows.iter().zip(&after.rows).filter(|(a, b)| a["fingerprint"] != b["fingerprint"]);
    assert_eq!(changed.count(), 1);
}

#[test]
fn a_scan_sees_one_moment_and_writes_nothing() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    database.run("CREATE ROLE auditor LOGIN PASSWORD 'read'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO auditor");
    let done = halfbuilt(&["scan"])
        .args(&TIMES)
        .on(&database)
        .env("PGUSER", "auditor")
        .env("PGPASSWORD", "read")
        .run()
        .exits(Exit::Clean);
    assert_eq!(Report::parse(&done.stdout).without_fingerprints(), expected_report("stuck-running"));
}

#[test]
fn without_a_backup_time_nothing_is_deletable_and_that_is_said() {
    let database = TestDatabase::circleci(&["stuck-running", "closed-after-restore"]);
    let done = halfbuilt(&["scan"]).on(&database).run().exits(Exit::Clean);
    let report = Report::parse(&done.stdout);
    assert!(!report.rows.is_empty());
    assert_eq!(report.count("timing", "unknown"), report.rows.len());
    assert_eq!(report.count("deletable", "no"), report.rows.len());
    assert_eq!(report.count("note", "no backup time was given"), report.rows.len());
    assert!(report.column("reasons").iter().all(|reasons| !reasons.contains("closed-after-restore")));
    done.says("warning: no --backup-time").says("closed-after-restore, times-contradicted: it needs --backup-time");
}

#[test]
fn a_note_says_why_a_build_is_not_deletable_and_only_then() {
    let database = TestDatabase::circleci(&[&["healthy"], &FAULTS[..]].concat());
    for times in [&TIMES[..], &TIMES[..2], &[]] {
        let done = halfbuilt(&["scan"]).args(times).on(&database).run().exits(Exit::Clean);
        let report = Report::parse(&done.stdout);
        assert_eq!(report.header.last().map(String::as_str), Some("note"));
        for row in &report.rows {
            assert_eq!(row["note"].is_empty(), row["deletable"] == "yes", "{row:?}");
        }
    }
}

#[test]
fn one_rule_alone() {
    let database = TestDatabase::circleci(&["stuck-running", "output-gap"]);
    let done = halfbuilt(&["scan", "--rule", "output-gap"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    let report = Report::parse(&done.stdout);
    assert_eq!(report.count("reasons", "output-gap"), report.rows.len());
    assert!(!report.rows.is_empty());
    done.says_all_of("scan_one_rule");
}

#[test]
fn some_projects_alone() {
    let database = TestDatabase::circleci(&[&["healthy"], &FAULTS[..]].concat());
    let some = scan(&database, &["--project", "acme/w*", "--project", "tools/lib"]);
    let projects: BTreeSet<&str> = some.column("project").into_iter().collect();
    assert_eq!(projects, BTreeSet::from(["acme/web", "tools/lib"]));
    let all = expected_report("all");
    assert_eq!(some.rows.len(), all.count("project", "acme/web") + all.count("project", "tools/lib"));
}

#[test]
fn a_project_that_is_not_there_is_not_clean() {
    let database = TestDatabase::circleci(&["healthy"]);
    let none = halfbuilt(&["scan", "--project", "amce/*"]).args(&TIMES).on(&database).run();
    let mut seen = Seen::default();
    seen.add_talk("scan --project amce/*", &none.exits(Exit::NothingInScope));
    let one_of_two =
        halfbuilt(&["scan", "--project", "amce/*", "--project", "acme/*"]).args(&TIMES).on(&database).run();
    seen.add_talk("scan --project amce/* --project acme/*", &one_of_two.exits(Exit::Clean));
    shows(&seen, "scan_project_that_is_not_there");
}

#[test]
fn an_empty_database_is_not_clean() {
    let database = TestDatabase::circleci(&[]);
    let done = halfbuilt(&["scan"]).args(&TIMES).on(&database).run();
    done.exits(Exit::NothingInScope).says_all_of("scan_empty_database");
}

#[test]
fn another_name_of_the_server_rebuilds_the_addresses() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let report = scan(&database, &["--base-url", "https://new.example.com/"]);
    let urls = report.column("build_url");
    assert!(!urls.is_empty());
    assert!(urls.iter().all(|url| url.starts_with("https://new.example.com/gh/") || url.starts_with("https://new.example.com/bb/")), "{urls:?}");
}

#[test]
fn the_maximum_run_time_divides_stuck_from_cut() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let stale = |time| scan(&database, &["--max-run-time", time]).count("timing", "stale");
    assert_eq!(stale("5h"), expected_report("stuck-running").count("timing", "stale"));
    assert_eq!(stale("30 days"), 0);
}

#[test]
fn json_says_the_same() {
    let database = TestDatabase::circleci(&[&["healthy"], &FAULTS[..]].concat());
    let csv = scan(&database, &[]);
    let done = halfbuilt(&["scan", "--format", "json"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    let json: serde_json::Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!(json["schema_version"], 1);
    let findings = json["findings"].as_array().expect("findings");
    assert_eq!(findings.len(), csv.rows.len());
    for (finding, row) in findings.iter().zip(&csv.rows) {
        assert_eq!(finding["fingerprint"], row["fingerprint"].as_str());
        let number = finding["build_num"].as_i64().map(|number| number.to_string()).unwrap_or_default();
        assert_eq!(number, row["build_num"]);
        assert_eq!(finding["deletable"], row["deletable"] == "yes");
    }
    assert_eq!(json["summary"]["abnormal"], csv.rows.len());
    assert_eq!(json["summary"]["builds"], database.builds());
}

#[test]
fn a_table_for_eyes_drives_no_terminal() {
    let database = TestDatabase::circleci(&["hostile"]);
    let done = halfbuilt(&["scan", "--format", "table"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    assert!(done.stdout.contains("by rule:"), "{}", done.stdout);
    let control = |c: char| c.is_control() && c != '\n';
    assert!(!done.stdout.contains(control), "{:?}", done.stdout);
    assert!(!done.stderr.contains(control), "{:?}", done.stderr);
}

#[test]
fn a_report_file_appears_only_when_it_is_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.csv");
    let database = TestDatabase::circleci(&["stuck-running"]);
    database.run("ALTER TABLE output RENAME TO gone");
    let failing = halfbuilt(&["scan", "-o"]).args(&[&path]).args(&TIMES).on(&database).run();
    failing.exits(Exit::Failed);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    database.run("ALTER TABLE gone RENAME TO output");
    let done = halfbuilt(&["scan", "-o"]).args(&[&path]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    assert_eq!(done.stdout, "");
    assert_eq!(Report::read(&path).without_fingerprints(), expected_report("stuck-running"));
}

#[test]
fn infinite_times_count_as_not_known() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    database.run(
        "UPDATE builds SET queued_at = '-infinity'; UPDATE actions SET end_time = 'infinity' WHERE end_time IS NULL",
    );
    let report = scan(&database, &[]);
    assert_eq!(report.count("queued_at", ""), report.rows.len());
}

#[test]
fn an_interrupted_scan_stops_on_the_server_too_and_leaves_no_report() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let folder = tempfile::tempdir().expect("a folder");
    let profile = folder.path().join("slow.sql");
    let circleci = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("a file");
    let slow = circleci.replace("FROM :\"schema\".builds AS b;", "FROM :\"schema\".builds AS b, pg_sleep(600);");
    assert_ne!(slow, circleci);
    std::fs::write(&profile, slow).expect("a file");
    let report = folder.path().join("report.csv");
    let run = halfbuilt(&["scan", "--profile"]).args(&[&profile]).args(&["-o"]).args(&[&report]).args(&TIMES);
    let child = run.on(&database).start();
    let running = || {
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'halfbuilt' AND state = 'active'
                           AND datname = current_database()";
        database.run(sleeping).parse::<u64>().expect("a number")
    };
    wait_until(|| running() == 1);
    signal(&child, Signal::SIGINT);
    let done = Done::new(child.wait_with_output().expect("it ends")).exits(Exit::Interrupted);
    done.fails_with("error: interrupted");
    wait_until(|| running() == 0);
    assert!(!report.exists());
}

#[test]
fn a_build_that_runs_without_a_start_counts_from_when_it_was_queued() {
    // The CI is back for long, and its queue moves: what has not started by now never will.
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    let before = scan(&database, &["--rule", "stuck-running"]);
    database.run("UPDATE builds SET start_time = NULL WHERE lifecycle = 'running'");
    let after = scan(&database, &["--rule", "stuck-running"]);
    assert!(!before.rows.is_empty());
    for row in before.rows.iter().filter(|row| !row["queued_at"].is_empty()) {
        assert_eq!(after.row(&row["project"], &row["build_num"])["deletable"], row["deletable"], "{row:?}");
    }
}

#[test]
fn builds_without_a_project_are_not_left_out_in_silence() {
    let database = TestDatabase::circleci(&["healthy"]);
    let profile = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("a file");
    let some = "CASE WHEN b.reponame <> 'docs' THEN b.username || '/' || b.reponame END";
    let without = profile.replace("b.username || '/' || b.reponame        AS project", &format!("{some} AS project"));
    assert_ne!(without, profile);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("some.sql");
    std::fs::write(&file, without).expect("a file");
    let run = halfbuilt(&["scan", "--project", "*", "--profile"]).args(&[file]).args(&TIMES).on(&database).run();
    run.exits(Exit::Clean).says_all_of("scan_builds_without_a_project");
}

#[test]
fn where_most_builds_are_damaged_all_of_them_are_found() {
    let database = TestDatabase::circleci(&[]);
    // More than the sums are worth: the rules look at everything.
    database.run(
        "INSERT INTO builds (build_id, vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time)
         OVERRIDING SYSTEM VALUE
         SELECT n, 'github', 'a', 'b', n, 'https://ci.example/gh/a/b/' || n, 'finished', 'success', t, t, t + interval '1 minute'
           FROM generate_series(1, 12000) AS n, (SELECT timestamptz '2026-11-19T00:00:00Z') AS x (t);
         INSERT INTO steps (build_id, step) SELECT n, 0 FROM generate_series(1, 12000) AS n;
         INSERT INTO actions (build_id, step, index, status, start_time, end_time, has_output, output_size)
         SELECT n, 0, 0, 'success', '2026-11-19T00:00:00Z', '2026-11-19T00:01:00Z', true, 10 FROM generate_series(1, 12000) AS n;
         INSERT INTO output (build_id, step, index, first_byte, type, message)
         SELECT n, 0, 0, n % 2 * 4, 'out', 'hello!' FROM generate_series(1, 11999) AS n",
    );
    let report = scan(&database, &[]);
    assert_eq!(report.rows.len(), 12000);
    assert_eq!(report.count("reasons", "output-gap"), 6000);
    assert_eq!(report.count("reasons", "output-truncated"), 5999);
    assert_eq!(report.count("reasons", "output-missing"), 1);
}
