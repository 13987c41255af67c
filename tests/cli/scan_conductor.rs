//! The jobs of a CircleCI Server 4.x, in tables made after what is public of them.

use halfbuilt::exit::Exit;

use crate::support::{ALL_TIMINGS, Report, Run, Seen, TIMES, TestDatabase, halfbuilt, psql, repository};
use crate::what_a_person_sees::{Says, shows};

/// The rules that the fixture is made for.
const RULES: [&str; 4] = ["--rule", "stuck-running", "--rule", "closed-after-restore"];

/// The fixture, with its ids and times made what a real server may have.
fn conductor(change: &str) -> TestDatabase {
    let database = TestDatabase::empty();
    let file = repository("fixtures/conductor/jobs.sql");
    psql(&database.name, &["-f", file.to_str().expect("a path")]);
    if !change.is_empty() {
        for (table, time) in [("job_started_events", "started_at"), ("job_ended_events", "ended_at")] {
            database.run(&format!("ALTER TABLE {table} {}", change.replace("COLUMN", time)));
        }
    }
    database
}

/// The report without the ids of the jobs before what was seen of each: they differ by their type.
fn without_ids(text: &str) -> Report {
    let mut report = Report::parse(text).without_fingerprints();
    for row in &mut report.rows {
        let seen = row["evidence"].rsplit(": ").next().unwrap_or_default().to_owned();
        row.insert("evidence".to_owned(), seen);
    }
    report
}

fn scan(database: &TestDatabase) -> Run {
    halfbuilt(&["scan", "--profile", "conductor"]).args(&TIMES).on(database)
}

#[test]
fn jobs_that_the_backup_cut_are_found_whatever_the_type_of_their_ids() {
    let expected = Report::read(&repository("fixtures/conductor/jobs.expected.csv"));
    for change in [
        "",
        "ALTER job_id TYPE bigint USING replace(job_id::text, '-', '')::bigint",
        "ALTER job_id TYPE text USING job_id::text",
        "ALTER COLUMN TYPE timestamp USING COLUMN AT TIME ZONE 'UTC'",
    ] {
        let database = conductor(change);
        let done = scan(&database).args(&RULES).run().exits(Exit::Clean);
        assert_eq!(without_ids(&done.stdout), expected, "{change}");
        for job in Report::parse(&done.stdout).column("evidence") {
            assert!(job.starts_with("build ") && job.contains(": "), "{job}");
        }
        assert_eq!(expected.count("deletable", "no"), expected.rows.len());
    }
}

#[test]
fn what_its_tables_do_not_hold_is_said_and_never_clean() {
    let database = conductor("");
    let mut seen = Seen::default();
    seen.add_talk("scan --profile conductor", &scan(&database).run().exits(Exit::Clean));
    // Where a profile does not say so, the database does.
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("own.sql");
    let text = std::fs::read_to_string(repository("sql/profiles/conductor.sql")).expect("a file");
    let lines = text.split_inclusive('\n').filter(|line| !line.starts_with("-- yields:"));
    std::fs::write(&own, lines.collect::<String>()).expect("a file");
    let done = halfbuilt(&["scan", "--profile"]).args(&[&own]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    seen.add_talk("scan, where the profile does not say what it yields", &done);
    let none = ["DELETE FROM job_started_events", "DELETE FROM job_ended_events"];
    none.iter().for_each(|statement| drop(database.run(statement)));
    database.run("INSERT INTO job_started_events VALUES (gen_random_uuid(), '2026-11-20T01:00:00Z')");
    database.run("INSERT INTO job_ended_events SELECT job_id, '2026-11-20T01:30:00Z' FROM job_started_events");
    let done = halfbuilt(&["verify", "--profile", "conductor"]).args(&TIMES).on(&database).run();
    seen.add("verify, of one sound build", &done.exits(Exit::Clean));
    shows(&seen, "scan_conductor_not_checked");
}

#[test]
fn none_of_them_is_ever_deleted() {
    let database = conductor("");
    let report = scan(&database).run().exits(Exit::Clean).stdout;
    let delete_of = |report: &str, more: &[&str]| {
        let delete = halfbuilt(&["delete", "-", "--via", "nrepl://127.0.0.1:9", "--profile", "conductor"]);
        delete.args(&TIMES).args(more).on(&database).input(report).run()
    };
    let delete = |report: &str| delete_of(report, &[]);
    let mut seen = Seen::default();
    seen.add_talk("delete", &delete(&report).exits(Exit::NothingInScope));
    let all = delete_of(&report, &ALL_TIMINGS).exits(Exit::NothingInScope);
    seen.add_talk("delete, with all timings", &all);
    // Not even if somebody writes into the report that they may be.
    let edited = report.replace(",no,", ",yes,");
    assert_ne!(edited, report);
    seen.add("delete, of an edited report", &delete(&edited).exits(Exit::Failed));
    shows(&seen, "scan_conductor_never_deleted");
}

#[test]
fn it_fits_its_tables_and_says_what_it_does_not_fit() {
    let database = conductor("");
    let check = || halfbuilt(&["profiles", "--check", "conductor"]).on(&database).run();
    check().exits(Exit::Clean);
    database.run("ALTER TABLE job_ended_events RENAME job_id TO job");
    let done = check().exits(Exit::Failed).says_all_of("scan_conductor_does_not_fit");
    assert!(done.stdout.contains("profile conductor, line "), "{}", done.stdout);
}
