//! Servers that delete others along with a build: by a foreign key, by their own retention. More builds are gone then than were sent.

use std::path::Path;

use halfbuilt::exit::Exit;
use tempfile::TempDir;

use crate::support::{Done, Report, TIMES, TestDatabase, admin, halfbuilt, scanned};

/// What a server that cascades has: builds that go with their parent.
const CASCADE: &str = "ALTER TABLE builds ADD parent bigint REFERENCES builds (build_id) ON DELETE CASCADE;
                       CREATE INDEX ON builds (parent);";

/// A database of project acme/api with so many stuck builds, numbered from 1, and 100 sound ones after them.
fn stuck(builds: u32) -> TestDatabase {
    let database = TestDatabase::circleci_on_own_host(&[]);
    add(&database, "api", builds);
    database.run(CASCADE);
    database
}

fn add(database: &TestDatabase, project: &str, stuck: u32) {
    database.run(&format!(
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time)
         SELECT 'github', 'acme', '{project}', n, 'https://{}/gh/acme/{project}/' || n,
                CASE WHEN n <= {stuck} THEN 'running' ELSE 'finished' END, 'x', '2026-11-20T01:00:00Z',
                '2026-11-20T01:01:00Z', CASE WHEN n > {stuck} THEN timestamptz '2026-11-20T01:02:00Z' END
           FROM generate_series(1, {stuck} + 100) AS n",
        database.host
    ));
}

/// From now on these sound builds of a project go with the build of acme/api of this number.
fn go_along(database: &TestDatabase, (project, children): (&str, &str), parent: u32) {
    database.run(&format!(
        "UPDATE builds SET parent = (SELECT build_id FROM builds WHERE reponame = 'api' AND build_num = {parent})
          WHERE reponame = '{project}' AND build_num IN ({children})"
    ));
}

/// Has the server do something whenever a build of acme/api is deleted, whose number is `OLD.build_num`; not for what goes along.
fn at_each_deletion(database: &TestDatabase, statement: &str) {
    database.run(&format!(
        "CREATE FUNCTION also() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statement}; RETURN OLD; END $$;
         CREATE TRIGGER also AFTER DELETE ON builds FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION also()"
    ));
}

fn delete(database: &TestDatabase, report: &Path, flags: &[&str]) -> Done {
    let real = ["--execute", "--confirm", &database.host, "--max-percent", "100"];
    let run = halfbuilt(&["delete"]).args(&[report]).args(&TIMES).args(&real).args(flags).on(database);
    run.via_nrepl(&admin(database)).run()
}

/// Scans, and deletes what is stuck.
fn deleted(database: &TestDatabase, flags: &[&str]) -> (TempDir, Done) {
    let (folder, report) = scanned(database);
    let done = delete(database, &report, flags);
    (folder, done)
}

#[test]
fn children_that_go_with_the_first_build_stop_the_run() {
    let database = stuck(3);
    go_along(&database, ("api", "50, 51"), 1);
    let (folder, done) = deleted(&database, &[]);
    let question = "3 builds of acme/api are gone and only 1 deletion was sent: does the server delete others along";
    let done = done.exits(Exit::NotAllDeleted).says(&format!("error: {question}"));
    let done =
        done.says("hint: find out which ones: ").says("--allow collateral=2 allows it").says("3 chosen: 1 deleted");
    let done = done.says("to look at them again: ").does_not_say("to continue");
    assert_eq!(Report::parse(&done.stdout).column("state"), ["deleted", "not-attempted", "not-attempted"]);
    assert_eq!(database.builds(), 100);

    let report = folder.path().join("report.csv");
    let journal = std::fs::read_to_string(format!("{}.journal.jsonl", report.display())).expect("a journal");
    let end = journal.lines().last().expect("a line");
    assert!(end.contains("\"ending\":\"stopped\"") && end.contains(question), "{end}");
    halfbuilt(&["journal", "verify"]).args(&[format!("{}.journal.jsonl", report.display())]).run().exits(Exit::Clean);
    let page = folder.path().join("audit.html");
    halfbuilt(&["report"]).args(&[&report]).args(&["--html"]).args(&[&page]).run();
    let page = std::fs::read_to_string(page).expect("a page");
    assert!(page.contains("3 builds of acme/api are gone and only 1 deletion was sent"), "{page}");
}

#[test]
fn a_child_of_the_last_build_is_missed_at_the_end_whatever_was_queued_meanwhile() {
    let database = stuck(3);
    go_along(&database, ("api", "50"), 3);
    at_each_deletion(
        &database,
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at)
         VALUES ('github', 'acme', 'api', 1000 + OLD.build_num, OLD.build_url || '000', 'queued', 'x', clock_timestamp())",
    );
    let (_folder, done) = deleted(&database, &[]);
    let done =
        done.exits(Exit::NotAllDeleted).says("error: 4 builds of acme/api are gone and only 3 deletions were sent");
    // What the run deleted keeps its state.
    assert_eq!(Report::parse(&done.stdout).column("state"), ["deleted"; 3]);
    assert_eq!(database.builds(), 102);
}

#[test]
fn builds_that_are_queued_or_start_meanwhile_are_no_loss() {
    let database = stuck(3);
    database.run("UPDATE builds SET lifecycle = 'queued', queued_at = NULL, start_time = NULL, stop_time = NULL WHERE build_num = 60");
    at_each_deletion(
        &database,
        "UPDATE builds SET lifecycle = 'running', start_time = clock_timestamp() WHERE build_num = 60;
         INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at)
         VALUES ('github', 'acme', 'api', 1000 + OLD.build_num, OLD.build_url || '000', 'queued', 'x', clock_timestamp())",
    );
    let (_folder, done) = deleted(&database, &[]);
    done.exits(Exit::Clean).says("3 chosen: 3 deleted").does_not_say("not checked: whether the server");
}

#[test]
fn a_retention_that_deletes_meanwhile_stops_the_run_too() {
    let database = stuck(3);
    at_each_deletion(&database, "DELETE FROM builds WHERE build_num = 60 + OLD.build_num");
    let (_folder, done) = deleted(&database, &[]);
    let done = done.exits(Exit::NotAllDeleted).says("or did its own retention or somebody else delete them?");
    done.says("error: 2 builds of acme/api are gone and only 1 deletion was sent");
}

#[test]
fn only_projects_of_which_something_is_deleted_are_counted() {
    let database = stuck(3);
    add(&database, "web", 0);
    go_along(&database, ("web", "50"), 1);
    let (_folder, done) = deleted(&database, &[]);
    done.exits(Exit::Clean).says("3 chosen: 3 deleted");

    // Of both projects something is deleted, and each is compared by itself.
    let database = stuck(3);
    add(&database, "web", 2);
    go_along(&database, ("web", "50"), 1);
    let (_folder, done) = deleted(&database, &[]);
    let done = done.exits(Exit::NotAllDeleted).says("error: 1 build of acme/web is gone and no deletion was sent");
    assert_eq!(Report::parse(&done.stdout).count("state", "deleted"), 1);
}

#[test]
fn a_child_that_is_chosen_itself_is_no_loss() {
    let database = stuck(3);
    go_along(&database, ("api", "3"), 1);
    let (_folder, done) = deleted(&database, &[]);
    let done = done.exits(Exit::Clean).says("3 chosen: 2 deleted, 1 already-gone");
    assert_eq!(Report::parse(&done.stdout).count("state", "already-gone"), 1);
}

#[test]
fn what_goes_along_later_stops_the_run_at_the_next_thousand() {
    let database = stuck(1200);
    go_along(&database, ("api", "1250"), 900);
    let (_folder, done) = deleted(&database, &["--max", "2000"]);
    let done = done.exits(Exit::NotAllDeleted);
    let done = done.says("error: 1001 builds of acme/api are gone and only 1000 deletions were sent");
    let results = Report::parse(&done.stdout);
    assert_eq!((results.count("state", "deleted"), results.count("state", "not-attempted")), (1000, 200));
}

#[test]
fn so_many_as_a_flag_or_a_policy_allows_may_go_along() {
    let database = stuck(3);
    go_along(&database, ("api", "50, 51"), 1);
    let (folder, report) = scanned(&database);
    let policy = folder.path().join("halfbuilt.toml");
    std::fs::write(&policy, "[delete]\ncollateral = 1\n").expect("a file");
    let ruled = ["--policy", policy.to_str().expect("UTF-8")];
    let looser = delete(&database, &report, &[&ruled[..], &["--allow", "collateral=2"]].concat());
    looser.exits(Exit::Declined).fails_with("--allow collateral 2 would allow more than collateral in");
    assert_eq!(database.builds(), 103);

    let done = delete(&database, &report, &ruled).exits(Exit::NotAllDeleted);
    done.says("error: 3 builds of acme/api are gone").says("only collateral in").says("can allow more");
    // What was lost is not forgotten: the next run of the journal has to allow it, and what it loses itself comes on top.
    let lost = "error: 2 builds are gone that earlier runs of this journal did not send: that is more than the ";
    let more = ["--allow", "times-contradicted=0"];
    let done = delete(&database, &report, &more).exits(Exit::Declined).says(&format!("{lost}0 that the default of "));
    done.says("hint: find out first which ones and why: ").says("--allow collateral=2 allows it");
    delete(&database, &report, &ruled).exits(Exit::Declined).says(&format!("{lost}1 that collateral in "));
    assert_eq!(database.builds(), 100);
    go_along(&database, ("api", "52"), 2);
    let done = delete(&database, &report, &["--allow", "collateral=2"]).exits(Exit::NotAllDeleted);
    done.says("error: 2 builds of acme/api are gone and only 1 deletion was sent")
        .says("--allow collateral=3 allows it");
    go_along(&database, ("api", "53"), 3);
    let done = delete(&database, &report, &["--allow", "collateral=4"]);
    let done = done.exits(Exit::Clean).says("3 chosen: 3 deleted");
    done.says("warning: 1 build went along that no deletion was sent for: 2 builds of acme/api are gone and only 1 ");
    let journal = std::fs::read_to_string(format!("{}.journal.jsonl", report.display())).expect("a journal");
    assert!(journal.contains("--allow collateral=4"), "{journal}");
    let lost: Vec<&str> = journal.matches("\"lost\":2").chain(journal.matches("\"lost\":1")).collect();
    assert_eq!(lost.len(), 3, "{journal}");
    assert_eq!(database.builds(), 96);
}

#[test]
fn another_build_that_is_deleted_instead_is_missed_with_the_first() {
    let database = stuck(3);
    // As a server to which the address means another build: the one that was meant stays.
    at_each_deletion(
        &database,
        "INSERT INTO builds OVERRIDING SYSTEM VALUE SELECT OLD.*; DELETE FROM builds WHERE build_num = 60",
    );
    let (_folder, done) = deleted(&database, &[]);
    let done = done.exits(Exit::NotAllDeleted);
    let done = done.says("error: 1 build of acme/api is gone that was not sent, and 1 that was sent is still there: ");
    let done = done.says("The run had stopped before: the first build ended as failed: ");
    done.does_not_say("to continue").does_not_say("without line").says("--allow collateral=1 allows it");
    assert_eq!(database.builds(), 102);
}

#[test]
fn an_allowance_that_stands_twice_or_means_nothing_is_a_usage_error() {
    let database = stuck(1);
    let (_folder, report) = scanned(&database);
    let twice = delete(&database, &report, &["--allow", "collateral=1", "--allow", "collateral=2"]);
    twice.exits(Exit::Usage).fails_with("--allow names \"collateral\" more than once");
    delete(&database, &report, &["--allow", "collateral"]).exits(Exit::Usage).fails_with("or collateral=N");
}

#[test]
fn a_lost_connection_loses_no_count() {
    let database = stuck(3);
    go_along(&database, ("api", "50"), 1);
    at_each_deletion(
        &database,
        "PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name LIKE 'halfbuilt%' AND pid <> pg_backend_pid()",
    );
    let (_folder, done) = deleted(&database, &[]);
    let done = done.exits(Exit::NotAllDeleted).says("the database is away, trying again");
    done.says("error: 2 builds of acme/api are gone and only 1 deletion was sent");
}

#[test]
fn builds_that_cannot_be_counted_any_more_are_said_once_and_the_run_goes_on() {
    let database = stuck(3);
    let folder = tempfile::tempdir().expect("a folder");
    let profile = folder.path().join("mine.sql");
    let text = std::fs::read_to_string(crate::support::repository("sql/profiles/circleci.sql")).expect("a profile");
    // A value that no build can have: as a damaged page, it fails whoever reads it.
    let fails = "CASE WHEN b.branch = 'damaged' THEN b.start_time + interval '1 s' * (1 / (b.build_num - b.build_num)) ELSE b.start_time END";
    let text = text.replace("b.start_time                           AS started_at", &format!("{fails} AS started_at"));
    assert!(text.contains(fails), "{text}");
    std::fs::write(&profile, text).expect("a file");
    let profile = ["--profile", profile.to_str().expect("UTF-8")];
    let report = folder.path().join("report.csv");
    halfbuilt(&["scan", "-o"]).args(&[&report]).args(&TIMES).args(&profile).on(&database).run().exits(Exit::Clean);
    at_each_deletion(&database, "UPDATE builds SET branch = 'damaged' WHERE build_num = 60");
    let done = delete(&database, &report, &profile).exits(Exit::Clean).says("3 chosen: 3 deleted");
    let said = "not checked: whether the server deletes others along: ";
    assert_eq!(done.stderr.matches(said).count(), 1, "{}", done.stderr);
    assert!(done.stderr.contains("division by zero"), "{}", done.stderr);
}
