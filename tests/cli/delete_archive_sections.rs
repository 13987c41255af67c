//! `delete --archive`: the archive sections of a profile, and the tables that they leave out.

use halfbuilt::exit::Exit;

use crate::delete_archive::{archive, delete, everything, lines};
use crate::support::{TIMES, TestDatabase, admin, halfbuilt, repository, scanned};
use crate::what_a_person_sees::Says;

#[test]
fn a_profile_without_archive_sections_says_that_it_keeps_less() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let folder = tempfile::tempdir().expect("a folder");
    let profile = folder.path().join("own.sql");
    let circleci = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("a file");
    let (relations, _) = circleci.split_once("-- archive:").expect("sections");
    std::fs::write(
        &profile,
        relations.replace(
            "b.status                               AS status",
            "b.status AS status, b.why AS extra, b.job_name AS extra",
        ),
    )
    .expect("a file");
    let profile = profile.to_str().expect("a path");
    let done = halfbuilt(&["profiles", "--check", profile]).on(&database).run().exits(Exit::Clean);
    assert!(done.stdout.contains("delete --archive keeps only what the relations present"), "{}", done.stdout);
    let archived = archive(&database, &["--profile", profile]);
    archived.done.exits(Exit::Clean).says_all_of("delete_archive_of_a_profile_without_sections");
    let lines = lines(&archived.file);
    assert_eq!(lines[0]["rows_of"], "relations");
    assert_eq!(lines[0]["tables"], serde_json::json!(["build", "step", "chunk", "object"]));
    let build = lines.iter().find(|line| line["kind"] == "row").expect("a row");
    assert_eq!(build["table"], "build");
    assert_eq!(build["row"]["build_url"], build["build_url"]);
    // The profile gives two columns of that name.
    let columns: Vec<&String> = build["row"].as_object().expect("an object").keys().collect();
    assert!(["extra", "extra (2)"].iter().all(|name| columns.iter().any(|column| *column == name)), "{columns:?}");
    assert!(lines.iter().any(|line| line["table"] == "chunk" && line["row"]["next"].is_string()));
}

#[test]
fn a_table_that_nobody_thought_of_is_named() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    database.run(
        "CREATE TABLE notes (id int PRIMARY KEY, build bigint REFERENCES builds ON DELETE CASCADE);
         CREATE TABLE note_likes (note int REFERENCES notes ON DELETE CASCADE);
         CREATE TABLE hints (id int PRIMARY KEY, build bigint REFERENCES builds ON DELETE SET NULL);
         CREATE TABLE hint_likes (hint int REFERENCES hints ON DELETE CASCADE)",
    );
    let archived = archive(&database, &[]);
    archived.done.exits(Exit::Clean).says_all_of("delete_archive_without_some_tables");
    assert_eq!(lines(&archived.file)[0]["not_archived"].as_array().map(Vec::len), Some(3));
    let check = halfbuilt(&["profiles", "--check", "circleci"]).on(&database).run().exits(Exit::Clean);
    assert!(
        check.stdout.contains("not archived: table public.hints, which refers to public.builds"),
        "{}",
        check.stdout
    );
}

#[test]
fn sections_that_do_not_fit_are_an_error_before_anything_is_deleted() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let (folder, report) = scanned(&database);
    let circleci = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("a file");
    let before = everything(&database);
    for (with, why) in [
        (
            "SELECT o.build_id AS build_key, o AS whole FROM :\"schema\".outputs AS o;",
            "relation \"public.outputs\" does not exist",
        ),
        (
            "SELECT o.build_id AS build_key FROM :\"schema\".output AS o;",
            "archive output: no column whole (the row of a table)",
        ),
        ("SELECT o AS whole FROM :\"schema\".output AS o;", "archive output: no column build_key (any type)"),
        (
            "SELECT o.build_id AS build_key, 1 AS whole FROM :\"schema\".output AS o;",
            "column whole is int4, expected the row of table output",
        ),
        (
            "SELECT o.build_id AS build_key, o AS whole FROM :\"schema\".steps AS o;",
            "column whole is a row of steps, expected one of output",
        ),
        (
            "SELECT o.time AS build_key, o AS whole FROM :\"schema\".output AS o;",
            "column build_key is timestamptz, expected int8",
        ),
    ] {
        let profile = folder.path().join("own.sql");
        let changed =
            circleci.replace("SELECT o.build_id AS build_key, o AS whole FROM :\"schema\".output AS o;", with);
        assert_ne!(changed, circleci);
        std::fs::write(&profile, changed).expect("a file");
        let profile = profile.to_str().expect("a path");
        let check = halfbuilt(&["profiles", "--check", profile]).on(&database).run().exits(Exit::Failed);
        assert!(check.stdout.contains(why), "{why}: {}", check.stdout);
        let file = folder.path().join("deleted.jsonl.gz");
        delete(&database, &report, &file, &["--profile", profile]).exits(Exit::Failed).says(why);
        assert!(!file.exists());
    }
    // The rows come from a join that finds none, or from an outer one that finds no row for a build.
    for (with, why) in [
        (
            "SELECT b.build_id AS build_key, b AS whole FROM :\"schema\".builds AS b WHERE false;",
            "archive builds of the profile has no row of",
        ),
        (
            "SELECT b.build_id AS build_key, c AS whole FROM :\"schema\".builds AS b LEFT JOIN :\"schema\".builds AS c ON false;",
            "archive builds: it gives a build_key without a row: is it an outer join?",
        ),
    ] {
        let profile = folder.path().join("own.sql");
        let changed =
            circleci.replace("SELECT b.build_id AS build_key, b AS whole FROM :\"schema\".builds AS b;", with);
        assert_ne!(changed, circleci);
        std::fs::write(&profile, changed).expect("a file");
        let file = folder.path().join("deleted.jsonl.gz");
        let profile = profile.to_str().expect("a path");
        delete(&database, &report, &file, &["--profile", profile]).exits(Exit::Failed).says(why);
        assert!(!file.exists());
    }
    assert_eq!(everything(&database), before);
}

#[test]
fn the_tables_of_a_real_buildbot_are_all_named() {
    let database = TestDatabase::buildbot("restored.dump");
    let check = halfbuilt(&["profiles", "--check", "buildbot"]).on(&database).run().exits(Exit::Clean);
    assert!(!check.stdout.contains("not archived"), "{}", check.stdout);
    for table in ["builds", "logchunks", "test_results", "buildsets"] {
        assert!(
            check.stdout.lines().any(|line| line.split_whitespace().eq([table, "ok"])),
            "{table}: {}",
            check.stdout
        );
    }
    let empty =
        halfbuilt(&["profiles", "--check", "circleci"]).on(&TestDatabase::circleci(&[])).run().exits(Exit::Clean);
    assert!(!empty.stdout.contains("not archived"), "{}", empty.stdout);
}

#[test]
fn a_table_that_may_not_be_read_stops_the_first_deletion() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    database.run(
        "CREATE ROLE without_artifacts LOGIN PASSWORD 'x';
         GRANT SELECT ON builds, steps, actions, output TO without_artifacts;
         GRANT SELECT (build_id, storage_key, size) ON artifacts TO without_artifacts",
    );
    let (folder, report) = scanned(&database);
    let before = everything(&database);
    let file = folder.path().join("deleted.jsonl.gz");
    let confirmed = ["--execute", "--confirm", &database.host, "--archive"];
    let run = halfbuilt(&["delete"]).args(&[&report]).args(&TIMES).args(&confirmed).args(&[&file]).on(&database);
    let run = run.env("PGUSER", "without_artifacts").env("PGPASSWORD", "x").via_nrepl(&admin(&database));
    run.run().exits(Exit::Failed).fails_with("error:").says_all_of("delete_archive_without_the_right_to_a_table");
    assert!(!file.exists());
    assert_eq!(everything(&database), before);
}
