//! `halfbuilt verify`: verdicts and their exit codes.

use halfbuilt::exit::Exit;

use crate::support::{Ended, Report, Seen, TIMES, TestDatabase, VerdictFiles, expected_report, halfbuilt};
use crate::what_a_person_sees::{Says, shows};

#[test]
fn a_healthy_database_is_clean() {
    let database = TestDatabase::circleci(&["healthy"]);
    let done = halfbuilt(&["verify"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    assert_eq!(done.stdout, "");
}

#[test]
fn a_damaged_one_is_not() {
    let database = TestDatabase::circleci(&["healthy", "output-gap"]);
    let done = halfbuilt(&["verify"]).args(&TIMES).on(&database).run().exits(Exit::Found);
    assert_eq!(done.stdout, "");
}

#[test]
fn what_is_allowed_passes_and_one_more_does_not() {
    let database = TestDatabase::circleci(&["healthy", "output-gap"]);
    let expected = expected_report("output-gap");
    let counts =
        ["stuck-running", "closed-after-restore", "output-truncated", "output-gap", "output-missing"].map(|rule| {
            (rule, expected.column("reasons").iter().filter(|all| all.split(';').any(|one| one == rule)).count())
        });
    let allow = |less: usize| {
        counts
            .iter()
            .flat_map(|(rule, count)| {
                let count = if *rule == "output-gap" { count - less } else { *count };
                ["--allow".to_owned(), format!("{rule}={count}")]
            })
            .collect::<Vec<_>>()
    };
    let verify = |less| halfbuilt(&["verify"]).args(&TIMES).args(&allow(less)).on(&database).run();
    let mut seen = Seen::default();
    seen.add("all that is found is allowed", &verify(0).exits(Exit::Clean));
    seen.add("one less is allowed", &verify(1).exits(Exit::Found));
    shows(&seen, "verify_allowed");
}

#[test]
fn nothing_to_check_is_never_green() {
    let database = TestDatabase::circleci(&[]);
    let done = halfbuilt(&["verify"]).args(&TIMES).on(&database).run();
    done.exits(Exit::NothingInScope).says_all_of("verify_nothing_to_check");
}

#[test]
fn what_was_not_checked_is_in_the_verdict() {
    let database = TestDatabase::circleci(&["healthy"]);
    database.run("DELETE FROM builds WHERE lifecycle IN ('running', 'queued', 'scheduled', 'not_running')");
    let done = halfbuilt(&["verify"]).on(&database).run().exits(Exit::Clean);
    done.does_not_say("clean").says("not checked: times-contradicted, closed-after-restore (it needs --backup-time)");
    // With T alone, R is not known, and nobody knows what lies between.
    let done = halfbuilt(&["verify"]).args(&TIMES[..2]).on(&database).run().exits(Exit::Clean);
    done.does_not_say("verdict: clean").says("not checked: times-contradicted");
}

#[test]
fn the_report_is_the_one_of_scan() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.csv");
    let database = TestDatabase::circleci(&["stuck-running"]);
    halfbuilt(&["verify", "-o"]).args(&[&path]).args(&TIMES).on(&database).run().exits(Exit::Found);
    assert_eq!(Report::read(&path).without_fingerprints(), expected_report("stuck-running"));
}

#[test]
fn a_typing_mistake_allows_nothing() {
    let database = TestDatabase::circleci(&["healthy"]);
    let mut seen = Seen::default();
    for allow in ["stuck-runing=2", "stuck-running"] {
        let done = halfbuilt(&["verify", "--allow", allow]).args(&TIMES).on(&database).run();
        seen.add(&format!("halfbuilt verify --allow {allow}"), &done.exits(Exit::Usage).fails_with("error:"));
    }
    shows(&seen, "allowances_that_cannot_be_read");
}

#[test]
fn a_backup_time_before_everything_judges_nothing() {
    let database = TestDatabase::circleci(&["healthy"]);
    let early = ["--backup-time", "2025-11-20T02:00:00Z"];
    let warning = "warning: no build in scope had been asked for by 2025-11-20T02:00:00Z: is the backup time right?";
    let done = halfbuilt(&["verify"]).args(&early).on(&database).run().exits(Exit::NothingInScope);
    done.says(warning).says("verdict: nothing was checked: no build in scope had been asked for by the backup time");
    halfbuilt(&["scan"]).args(&early).on(&database).run().exits(Exit::Clean).says(warning);
    // Of a build without a time nobody knows; one that was there suffices.
    database.run("UPDATE builds SET queued_at = NULL, start_time = NULL, stop_time = NULL");
    let done = halfbuilt(&["verify"]).args(&early).on(&database).run().exits(Exit::Clean);
    done.does_not_say("asked for by");
    database.run("UPDATE builds SET queued_at = '2026-01-01Z' WHERE build_id % 2 = 0");
    halfbuilt(&["verify"]).args(&early).on(&database).run().exits(Exit::NothingInScope).says(warning);
    database.run("UPDATE builds SET queued_at = '2025-01-01Z' WHERE build_id % 5 = 0");
    let done =
        halfbuilt(&["verify"]).args(&early).args(&["--allow", "stuck-queued=999", "--allow", "stuck-running=999"]);
    done.on(&database).run().exits(Exit::Clean).does_not_say("asked for by");
}

#[test]
fn what_is_left_of_builds_that_are_gone_is_reported_where_no_build_is() {
    let database = TestDatabase::circleci(&["orphan-step", "orphan-output"]);
    database.run("SET session_replication_role = replica; DELETE FROM builds");
    let files = VerdictFiles::new();
    let done = files.verify().args(&TIMES).on(&database).run().exits(Exit::Found);
    let (junit, _) = files.agree(&done);
    let mut seen = Seen::default();
    seen.add("no build is left, and some of their rows are", &done);
    assert!(matches!(junit.case("orphan-step").ended, Ended::Failed(_)), "{}", junit.text);
    let allow = ["--allow", "orphan-step=99", "--allow", "orphan-output=99"];
    let done = files.verify().args(&TIMES).args(&allow).on(&database).run().exits(Exit::NothingInScope);
    seen.add("those rows are allowed", &done);
    shows(&seen, "verify_no_build_in_scope");
    let (junit, _) = files.agree(&done);
    // They were looked for and found.
    assert_eq!(junit.case("orphan-step").ended, Ended::Passed);
    assert_eq!(junit.case("stuck-running").ended, Ended::Skipped("no build is in scope".to_owned()));
}
