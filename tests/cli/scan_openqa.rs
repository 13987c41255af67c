//! The jobs of an openQA, in the tables of a real one: damage planted by hand.

use halfbuilt::exit::Exit;

use crate::support::{Report, Run, TIMES, TestDatabase, halfbuilt, repository};

fn openqa() -> TestDatabase {
    let database = TestDatabase::empty();
    database.load("fixtures/openqa/schema.sql");
    database.load("fixtures/openqa/damage.sql");
    database
}

fn reads(database: &TestDatabase, command: &str) -> Run {
    halfbuilt(&[command, "--profile", "openqa", "--base-url", "https://openqa.example"]).args(&TIMES).on(database)
}

#[test]
fn what_the_backup_cut_is_found_and_nothing_else() {
    let done = reads(&openqa(), "scan").run().exits(Exit::Clean);
    let expected = Report::read(&repository("fixtures/openqa/damage.expected.csv"));
    assert_eq!(Report::parse(&done.stdout).without_fingerprints(), expected);
}

#[test]
fn what_waits_starts_by_itself_and_is_not_looked_for() {
    let done = reads(&openqa(), "scan").run().exits(Exit::Clean);
    done.says("stuck-queued: profile openqa keeps its queue in the database: what waits starts");
}

#[test]
fn an_openqa_without_the_damage_has_nothing_abnormal() {
    let database = openqa();
    database.run("DELETE FROM job_modules WHERE job_id BETWEEN 100 AND 199");
    database.run("DELETE FROM jobs WHERE id BETWEEN 100 AND 199");
    // Output is not in the database, and so it is not checked.
    reads(&database, "verify")
        .run()
        .exits(Exit::Clean)
        .says("nothing abnormal was seen in 8 builds, but not everything was checked");
}

#[test]
fn a_job_is_deletable_by_its_own_request() {
    let done = halfbuilt(&["profiles", "--check", "openqa"]).on(&openqa()).run().exits(Exit::Clean);
    for line in [
        "    delete_path = /api/v1/jobs/",
        "a build is deleted by DELETE of its delete_path, with the token in Authorization Basic",
    ] {
        assert!(done.stdout.contains(line), "{line}: {}", done.stdout);
    }
}
