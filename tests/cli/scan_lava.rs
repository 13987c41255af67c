//! The jobs of a LAVA, in the tables of a real one: damage planted by hand.

use halfbuilt::exit::Exit;

use crate::support::{Report, Run, TIMES, TestDatabase, halfbuilt, repository};

fn lava() -> TestDatabase {
    let database = TestDatabase::empty();
    database.load("fixtures/lava/schema.sql");
    database.load("fixtures/lava/damage.sql");
    database
}

fn reads(database: &TestDatabase, command: &str) -> Run {
    halfbuilt(&[command, "--profile", "lava", "--base-url", "https://lava.example"]).args(&TIMES).on(database)
}

#[test]
fn what_the_backup_cut_is_found_and_nothing_else() {
    let done = reads(&lava(), "scan").run().exits(Exit::Clean);
    let expected = Report::read(&repository("fixtures/lava/damage.expected.csv"));
    assert_eq!(Report::parse(&done.stdout).without_fingerprints(), expected);
}

#[test]
fn a_job_that_a_worker_may_start_once_more_is_deletable_only_after_a_while() {
    let database = lava();
    // Until a job that started after R shows that the server is at work, and both waits are over since.
    database.run("DELETE FROM lava_scheduler_app_testjob WHERE start_time > '2026-11-20T06:30:00Z'");
    let report = Report::parse(&reads(&database, "scan").run().exits(Exit::Clean).stdout);
    assert_eq!(report.count("deletable", "no"), report.rows.len());
    assert!(report.row("qemu", "101")["note"].contains("this CI may resume what ran at the backup"), "{report:?}");
}

#[test]
fn a_lava_without_the_damage_has_nothing_abnormal() {
    let database = lava();
    for table in
        ["testcase WHERE suite_id IN (1, 2, 3, 4)", "testsuite WHERE job_id < 200", "testdata WHERE testjob_id < 200"]
    {
        database.run(&format!("DELETE FROM lava_results_app_{table}"));
    }
    database.run("DELETE FROM lava_scheduler_app_testjob WHERE id < 200");
    reads(&database, "verify")
        .run()
        .exits(Exit::Clean)
        .says("nothing abnormal was seen in 8 builds, but not everything was checked");
}

#[test]
fn a_job_is_deletable_by_its_own_request() {
    let done = halfbuilt(&["profiles", "--check", "lava"]).on(&lava()).run().exits(Exit::Clean);
    let expected = "a build is deleted by DELETE of its delete_path, with the token in Authorization Token";
    for line in ["    delete_path = /api/v0.2/jobs/", expected] {
        assert!(done.stdout.contains(line), "{line}: {}", done.stdout);
    }
}
