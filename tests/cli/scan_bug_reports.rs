//! Shapes from public bug reports (fixtures/cases): what is reported of each, what is said, and what `verify` and `delete` make of it.

use std::path::PathBuf;

use halfbuilt::exit::Exit;
use tempfile::TempDir;

use crate::support::{
    BACKUP_TIME, Done, NOBODY, RESTORED_AT, Report, Run, Seen, TIMES, TestDatabase, halfbuilt, repository,
};
use crate::what_a_person_sees::{Says, shows};

/// T, a whole day too early.
const A_DAY_EARLY: [&str; 4] = ["--backup-time", "2026-11-19T02:00:00Z", "--restored-at", RESTORED_AT];

/// Why a build that did something after R is not deletable.
const OVER: &str = "it ran after the restore and is over: the backup did not cut it";
const MAY_BE_ALIVE: &str = "it did something after the restore and may be alive";

/// The database of a case, on top of the CircleCI schema.
fn case(name: &str) -> TestDatabase {
    let database = TestDatabase::empty();
    database.load("sql/schema.sql");
    database.load(&format!("fixtures/cases/{name}.sql"));
    database
}

/// The report that stands beside a case, made by hand.
fn expected(name: &str) -> Report {
    Report::read(&repository(&format!("fixtures/cases/{name}.expected.csv")))
}

fn scan(database: &TestDatabase, arguments: &[&str]) -> Done {
    halfbuilt(&["scan"]).args(arguments).on(database).run().exits(Exit::Clean)
}

#[track_caller]
fn finds(database: &TestDatabase, arguments: &[&str], report: &str) -> Done {
    let done = scan(database, arguments);
    assert_eq!(Report::parse(&done.stdout).without_fingerprints(), expected(report));
    done
}

fn verify(database: &TestDatabase, times: &[&str]) -> Run {
    halfbuilt(&["verify"]).args(times).on(database)
}

/// A scan's report in a file.
fn scanned(database: &TestDatabase, times: &[&str]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.csv");
    halfbuilt(&["scan", "-o"]).args(&[&path]).args(times).on(database).run().exits(Exit::Clean);
    (folder, path)
}

/// The line that says how many builds contradict T and R, and when the latest of them did something.
#[track_caller]
fn contradicted(done: &Done, builds: &str, last: &str) {
    let mut lines = done.stderr.lines().filter(|line| line.contains("between the backup and the restore"));
    let line = lines.find(|line| line.contains(builds)).unwrap_or_else(|| panic!("{builds}: {}", done.stderr));
    assert!(line.contains(last), "expected {last}: {line}");
}

/// What is said once: how many builds, and how many steps, have a time that is not on record.
#[track_caller]
fn off_record(done: &Done, expected: &[&str]) {
    let said: Vec<&str> = done.stderr.lines().filter(|line| line.contains("that is not on record")).collect();
    assert_eq!(said.len(), expected.len(), "{}", done.stderr);
    for (line, expected) in said.iter().zip(expected) {
        assert!(line.contains(expected), "{expected}: {line}");
    }
}

#[test]
fn case_01_an_outcome_and_no_stop() {
    finds(&case("01-no-stop-on-record"), &TIMES, "01-no-stop-on-record").does_not_say("between the backup");
}

#[test]
fn case_01_a_habit_of_the_ci_is_no_damage() {
    let database = case("01-a-habit");
    finds(&database, &TIMES, "01-a-habit");
    // It is one of the whole database, whichever projects are in scope.
    let some = finds(&database, &[&TIMES[..], &["--project", "acme/habit"]].concat(), "01-a-habit");
    some.does_not_say("no project has such a name");
    // One more whole build of that status, and it is none.
    database.run(
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, outcome, status, queued_at, start_time, stop_time)
         VALUES ('github', 'acme', 'other', 1, 'https://ci.acme.example/gh/acme/other/1', 'finished', 'success', 'imported',
                 '2026-11-18T08:00:00Z', '2026-11-18T08:00:10Z', '2026-11-18T08:01:00Z')",
    );
    let report = Report::parse(&scan(&database, &[&TIMES[..], &["--project", "acme/habit"]].concat()).stdout);
    assert_eq!(report.rows.len(), 8);
    assert_eq!(report.count("deletable", "yes"), 8);
}

#[test]
fn case_02_every_state_that_no_sound_build_can_be_in() {
    finds(&case("02-every-state"), &TIMES, "02-every-state");
}

#[test]
fn case_03_running_though_over() {
    let done = finds(&case("03-running-though-over"), &TIMES, "03-running-though-over");
    contradicted(&done, "1 build ", "2026-11-20T02:20:00Z");
}

#[test]
fn case_04_a_backup_that_took_long() {
    let database = case("04-long-backup");
    let done = finds(&database, &TIMES, "04-long-backup");
    contradicted(&done, "6 builds ", "2026-11-20T02:19:00Z");
    // Told right, nothing contradicts it.
    let right = ["--backup-time", "2026-11-20T02:25:00Z", "--restored-at", RESTORED_AT];
    let right = scan(&database, &right).does_not_say("between the backup and the restore");
    let report = Report::parse(&right.stdout);
    assert_eq!(report.column("build_num"), ["107", "108"]);
    assert_eq!(report.count("deletable", "yes"), 2);
}

#[test]
fn case_04_with_t_a_whole_day_early() {
    let done = finds(&case("04-long-backup"), &A_DAY_EARLY, "04-a-day-early");
    contradicted(&done, "8 builds ", "2026-11-20T02:19:00Z");
}

#[test]
fn verify_fails_while_builds_contradict_the_times_and_more_than_are_allowed() {
    let database = case("04-long-backup");
    let allow = |number: &'static str| ["--allow", number];
    let mut seen = Seen::default();
    seen.add("verify", &verify(&database, &TIMES).run().exits(Exit::Found));
    // What is damaged is found all the same.
    let allowed = verify(&database, &TIMES).args(&allow("times-contradicted=6")).run().exits(Exit::Found);
    seen.add("verify --allow times-contradicted=6", &allowed);
    database.run("DELETE FROM builds WHERE build_num IN (107, 108)");
    seen.add("verify, without damage", &verify(&database, &TIMES).run().exits(Exit::Found));
    let five = verify(&database, &TIMES).args(&allow("times-contradicted=5")).run().exits(Exit::Found);
    seen.add("verify --allow times-contradicted=5, without damage", &five);
    let six = verify(&database, &TIMES).args(&allow("times-contradicted=6")).run().exits(Exit::Clean);
    seen.add("verify --allow times-contradicted=6, without damage", &six);
    // With the right T there is nothing to allow.
    let right = ["--backup-time", "2026-11-20T02:25:00Z", "--restored-at", RESTORED_AT];
    seen.add("verify with the right T", &verify(&database, &right).run().exits(Exit::Clean));
    shows(&seen, "scan_bug_reports_verify_contradicted");
}

#[test]
fn delete_declines_while_builds_contradict_the_times() {
    let database = case("04-long-backup");
    let (_folder, report) = scanned(&database, &TIMES);
    let delete = |more: &[&str]| halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).args(more).on(&database).run();
    let mut seen = Seen::default();
    for (by, times) in [("with T and R again", &TIMES[..]), ("with the times of the report", &[])] {
        // The plan is shown first.
        let done = delete(times).exits(Exit::Declined);
        assert_eq!(Report::parse(&done.stdout).count("decision", "delete"), 2);
        seen.add_talk(&format!("delete, {by}"), &done);
        delete(&[times, &["--allow", "times-contradicted=5"]].concat()).exits(Exit::Declined);
        let done = delete(&[times, &["--allow", "times-contradicted=6"]].concat()).exits(Exit::Clean);
        assert_eq!(Report::parse(&done.stdout).count("decision", "delete"), 2);
        seen.add_talk(&format!("delete --allow times-contradicted=6, {by}"), &done);
    }
    // So does the real run, before anything is sent.
    let real = delete(&["--execute", "--confirm", "ci.acme.example"]).exits(Exit::Declined);
    seen.add_talk("delete --execute", &real);
    assert_eq!(database.builds(), 8);
    shows(&seen, "scan_bug_reports_delete_contradicted");
}

#[test]
fn only_part_of_the_database_in_scope_hides_no_contradiction() {
    let database = case("04-long-backup");
    database.run(
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time)
         VALUES ('github', 'acme', 'other', 1, 'https://ci.acme.example/gh/acme/other/1', 'running', 'running',
                 '2026-11-20T01:40:00Z', '2026-11-20T01:41:00Z')",
    );
    let mut seen = Seen::default();
    for part in [["--project", "acme/other"], ["--rule", "output-gap"]] {
        seen.add_talk(&format!("scan {}", part.join(" ")), &scan(&database, &[&TIMES[..], &part].concat()));
    }
    let other = verify(&database, &TIMES).args(&["--project", "acme/other"]).run().exits(Exit::Found);
    seen.add("verify --project acme/other", &other);
    shows(&seen, "scan_bug_reports_part_of_the_database");
}

#[test]
fn case_05_no_time_is_no_time() {
    let done = finds(&case("05-zero-times"), &TIMES, "05-zero-times");
    off_record(&done, &["8 builds", "1 step"]);
}

#[test]
fn case_11_what_was_queued_again_after_the_restore_is_alive() {
    let done = scan(&case("11-queued-again"), &TIMES);
    let mut report = Report::parse(&done.stdout).without_fingerprints();
    for (number, reasons) in [("102", "impossible-state;impossible-times"), ("103", "stuck-running;impossible-times")] {
        let row = report.row("acme/again", number);
        assert_eq!((row["timing"].as_str(), row["deletable"].as_str()), ("after-restore", "no"), "{row:?}");
        assert_eq!((row["reasons"].as_str(), row["note"].as_str()), (reasons, MAY_BE_ALIVE));
        assert_eq!(row["last_activity_at"], row["queued_at"]);
    }
    report.rows.retain(|row| !["102", "103"].contains(&row["build_num"].as_str()));
    assert_eq!(report, expected("11-queued-again"));
}

#[test]
fn case_12_what_waits_on_purpose_is_left_in_peace() {
    let database = TestDatabase::empty();
    database.load("fixtures/cases/12-hold.sql");
    let profile = repository("fixtures/cases/12-hold.profile.sql");
    let profile = ["--profile", profile.to_str().expect("a path")];
    let arguments = [&profile[..], &TIMES[..]].concat();
    finds(&database, &arguments, "12-hold").does_not_say("not checked").does_not_say("between the backup");
    // Without the one that has lost its queue all is well, and that can be said.
    database.run("DELETE FROM jobs WHERE id = 1");
    verify(&database, &arguments).run().exits(Exit::Clean).says("verdict: clean: none of 8 builds");
}

#[test]
fn case_16_zero_times_neither_mislead_nor_count() {
    let database = case("16-zero-times-mislead");
    let done = finds(&database, &TIMES, "16-zero-times-mislead");
    off_record(&done, &["40 builds"]);
    let done = scan(&database, &[]);
    // How long ago the last write was is said too, so that no snapshot holds.
    done.says("--backup-time 2026-11-20T01:59")
        .says("--restored-at ")
        .does_not_say("--backup-time 1970")
        .does_not_say("after 1970");
    let long_ago = ["--backup-time", "2001-01-01T00:00:00Z", "--restored-at", RESTORED_AT];
    let done = verify(&database, &long_ago).run().exits(Exit::NothingInScope);
    done.says_all_of("scan_bug_reports_16_t_long_ago");
}

#[test]
fn case_18_a_queue_that_is_in_the_database_needs_no_rule() {
    let database = TestDatabase::buildbot("clean.dump");
    database.load("fixtures/cases/18-buildbot-requests.sql");
    let times = ["--backup-time", "2026-11-22T13:30:00Z", "--restored-at", "2026-11-22T14:00:00Z"];
    let done = finds(&database, &[&["--profile", "buildbot"], &times[..]].concat(), "18-buildbot-requests");
    let needless = done.stderr.split_once("not needed:").expect("it is said").1;
    assert!(needless.contains("stuck-queued: "), "{}", done.stderr);
    assert_eq!(done.stderr.matches("stuck-queued").count(), 1, "{}", done.stderr);
    // What is not needed does not make a verdict incomplete.
    let verify = verify(&database, &times).args(&["--profile", "buildbot"]).run().exits(Exit::Clean);
    verify.says_all_of("scan_bug_reports_18_verify");
}

#[test]
fn case_22_what_is_silent_since_a_second_crash_is_shown_and_not_deletable() {
    let database = case("22-crashed-after-the-restore");
    finds(&database, &TIMES, "22-crashed-after-the-restore").does_not_say("between the backup");
    verify(&database, &TIMES).run().exits(Exit::Found).does_not_say("verdict: clean");
    // Nothing is silent for longer than a year.
    let patient = scan(&database, &[&TIMES[..], &["--max-run-time", "365d"]].concat());
    assert_eq!(Report::parse(&patient.stdout).rows, []);
}

#[test]
fn case_23_a_slow_clock_makes_no_build_deletable() {
    let done = finds(&case("23-slow-clock"), &TIMES, "23-slow-clock");
    let said: Vec<&str> =
        done.stderr.lines().filter(|line| line.contains("40 builds") && line.contains("79")).collect();
    assert_eq!(said.len(), 1, "{}", done.stderr);
    assert!(said[0].contains("acme/skew"), "{}", said[0]);
}

#[test]
fn case_26_t_of_the_wrong_day() {
    let database = case("26-a-wrong-day");
    let done = finds(&database, &A_DAY_EARLY, "26-a-wrong-day");
    contradicted(&done, "74 builds ", "2026-11-20T01:51:00Z");
    verify(&database, &A_DAY_EARLY).run().exits(Exit::Found).says_all_of("scan_bug_reports_26_verify");
    finds(&database, &TIMES, "26-the-right-day").does_not_say("between the backup");
}

#[test]
fn case_30_a_time_in_the_future_is_no_sign_of_life() {
    let done = finds(&case("30-future-times"), &TIMES, "30-future-times");
    off_record(&done, &["2 builds", "1 step", "1 piece"]);
}

#[test]
fn what_the_server_closes_while_it_starts_contradicts_nothing() {
    let database = case("closed-by-start-up");
    finds(&database, &TIMES, "closed-by-start-up").does_not_say("between the backup");
    verify(&database, &TIMES).run().exits(Exit::Found).does_not_say("times-contradicted");
    // Who knows that it was the start-up gives R as it was.
    let up = ["--backup-time", BACKUP_TIME, "--restored-at", "2026-11-20T06:15:00Z"];
    assert_eq!(Report::parse(&scan(&database, &up).stdout).count("deletable", "yes"), 4);
    // A build that was queued then says that the server was up already.
    database.run(
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, outcome, status, queued_at, stop_time)
         VALUES ('github', 'acme', 'start', 120, 'https://ci.acme.example/gh/acme/start/120', 'finished', 'canceled', 'canceled',
                 '2026-11-20T06:20:00Z', '2026-11-20T06:25:00Z')",
    );
    let done = scan(&database, &TIMES);
    contradicted(&done, "6 builds ", "2026-11-20T06:29:43Z");
    let report = Report::parse(&done.stdout);
    assert_eq!((report.rows.len(), report.count("timing", "between"), report.count("deletable", "no")), (1, 1, 1));
}

#[test]
fn what_ran_after_the_restore_is_described_truly() {
    let database = case("01-no-stop-on-record");
    let report = Report::parse(&scan(&database, &TIMES).stdout);
    assert_eq!(report.row("acme/ends", "103")["note"], OVER);
    // Without R it is not even known whether it did.
    let alone = Report::parse(&scan(&database, &["--backup-time", BACKUP_TIME]).stdout);
    assert_eq!(alone.count("deletable", "no"), alone.rows.len());
}
