//! What the database server itself warns of, and whether its indexes on text can be relied on.

use halfbuilt::exit::Exit;

use crate::support::{Done, NOBODY, Report, TIMES, TestDatabase, VerdictFiles, halfbuilt, psql, scanned};

/// How PostgreSQL says that the order of text in a database has changed.
const MISMATCH: &str = "has a collation version mismatch";
/// An order of text that a library decides, whatever the machine's locales.
const ICU: &str = "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'en'";

/// A database whose order of text has changed since it was made, by its own record.
fn with_another_order(fixtures: &[&str]) -> TestDatabase {
    let database = TestDatabase::with(ICU);
    database.load("sql/schema.sql");
    fixtures.iter().for_each(|fixture| database.load(&format!("fixtures/circleci/{fixture}.sql")));
    psql(
        "postgres",
        &["-c", &format!("UPDATE pg_database SET datcollversion = '1.0' WHERE datname = '{}'", database.name)],
    );
    database
}

/// Builds of two projects whose names differ in a capital, with indexes on text in an order that has changed since: some builds are
/// not found by their address any more, and a number has been given twice.
fn with_lying_indexes() -> TestDatabase {
    let database = TestDatabase::circleci(&[]);
    database.run(
        "CREATE COLLATION moved (provider = icu, locale = 'en', deterministic = true);
         ALTER TABLE builds DROP CONSTRAINT builds_number;
         DROP INDEX builds_build_url;
         ALTER TABLE builds ALTER build_url TYPE text COLLATE moved, ALTER reponame TYPE text COLLATE moved;
         INSERT INTO builds (build_id, vcs_type, username, reponame, build_num, build_url, lifecycle, outcome, status,
                             queued_at, start_time, stop_time)
         OVERRIDING SYSTEM VALUE
         SELECT 7000000 + n, 'github', 'acme', CASE n % 2 WHEN 0 THEN 'zebra' ELSE 'Zebra' END, n,
                'https://ci.acme.example/gh/acme/' || CASE n % 2 WHEN 0 THEN 'zebra' ELSE 'Zebra' END || '/' || n,
                'finished', 'success', 'success',
                timestamptz '2026-11-01Z' + n * interval '1 minute', timestamptz '2026-11-01 00:00:10Z' + n * interval '1 minute',
                timestamptz '2026-11-01 00:00:50Z' + n * interval '1 minute'
           FROM generate_series(1, 20000) AS n;
         CREATE INDEX builds_build_url ON builds (build_url);
         ALTER TABLE builds ADD CONSTRAINT builds_number UNIQUE (vcs_type, username, reponame, build_num);
         UPDATE pg_collation SET colliculocale = 'en-u-kn-true-kf-upper', collversion = '1.0' WHERE collname = 'moved';",
    );
    // Another session has the new order from its beginning.
    database.run(
        "INSERT INTO builds (build_id, vcs_type, username, reponame, build_num, build_url, lifecycle, outcome, status,
                             queued_at, start_time, stop_time)
         OVERRIDING SYSTEM VALUE
         VALUES (8010001, 'github', 'acme', 'Zebra', 10001, 'https://ci.acme.example/gh/acme/Zebra/10001', 'running', NULL, 'running',
                 '2026-11-20 01:40Z', '2026-11-20 01:41Z', NULL);
         ANALYZE builds",
    );
    database
}

#[track_caller]
fn says_once(done: &Done, text: &str) {
    assert_eq!(done.stderr.matches(text).count(), 1, "{text:?} in: {}", done.stderr);
}

#[test]
fn every_command_that_reads_shows_what_the_server_warns_of_once() {
    let database = with_another_order(&["healthy", "stuck-running"]);
    let (folder, report) = scanned(&database);
    let (report, manifest) = (report.to_str().expect("a path"), folder.path().join("before.json"));
    let manifest = manifest.to_str().expect("a path");
    let nobody = [&NOBODY[..], &["--max-percent", "100"]].concat();
    let delete = [&["delete", report, "-o", "-"], &nobody[..]].concat();
    for command in [&["scan"][..], &["verify"], &delete, &["manifest", "-o", manifest]] {
        let times = if command[0] == "manifest" { &TIMES[..2] } else { &TIMES[..] };
        let done = halfbuilt(command).args(times).on(&database).run();
        says_once(&done, MISMATCH);
        says_once(&done, "warning: the server says: database");
        says_once(
            &done,
            "warning: the order of text has changed since indexes were built: the database's own collation has version 1.0",
        );
        says_once(&done, "hint: REINDEX");
    }
    let done = halfbuilt(&["profiles", "--check", "circleci"]).on(&database).run().exits(Exit::Clean);
    says_once(&done, MISMATCH);
}

#[test]
fn a_server_that_says_a_million_things_does_not_drown_the_rest() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    database.run(
        "CREATE FUNCTION said(n bigint) RETURNS bigint LANGUAGE plpgsql AS $$
         BEGIN RAISE NOTICE E'row %: %\\x1b[31m', n, repeat('x', 1000) USING HINT = E'no\\n::error::hint'; RETURN n; END $$;
         CREATE TABLE many AS SELECT n FROM generate_series(1, 1000) AS n",
    );
    let folder = tempfile::tempdir().expect("a folder");
    let profile = folder.path().join("loud.sql");
    std::fs::write(
        &profile,
        "-- profile: loud\n-- title: t\n-- relation: build\n\
         SELECT n::bigint AS build_key, NULL::text AS build_url, 'a/b'::text AS project, said AS build_num, \
         'finished'::text AS lifecycle, 'success'::text AS status, NULL::timestamptz AS queued_at, \
         NULL::timestamptz AS started_at, NULL::timestamptz AS stopped_at \
         FROM (SELECT n, public.said(n) AS said FROM public.many OFFSET 0) AS loud;",
    )
    .expect("a file");
    let done = halfbuilt(&["scan", "--profile"]).args(&[profile]).args(&TIMES).on(&database).run();
    let said = done.stderr.lines().filter(|line| line.starts_with("warning: the server says: row ")).count();
    assert_eq!(said, 10, "{}", done.stderr);
    says_once(&done, "warning: the server said more, which is not shown: ");
    assert!(done.stderr.len() < 20_000 && !done.stderr.contains('\x1b'), "{}", done.stderr);
}

#[test]
fn a_database_in_another_order_fails_and_can_be_allowed() {
    let database = with_another_order(&["healthy"]);
    let files = VerdictFiles::new();
    let done = files.verify().args(&TIMES).on(&database).run().exits(Exit::Found);
    let done = done.says("verdict: failed: none of 326 builds is abnormal, but the order of text has changed since indexes were built (collation-version 1)");
    let (junit, json) = files.agree(&done);
    assert!(junit.text.contains("collation-version: 1 collation found, 0 allowed"), "{}", junit.text);
    let checks = json["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["name"] == "collation-version").expect("the check");
    assert_eq!((&check["kind"], &check["found"]), (&"collation".into(), &1.into()));
    let allowed = ["--allow", "collation-version=1"];
    halfbuilt(&["verify"]).args(&TIMES).args(&allowed).on(&database).run().exits(Exit::Clean).says("verdict: passed");
}

#[test]
fn what_the_server_cannot_tell_is_not_checked() {
    let database = with_another_order(&["healthy"]);
    psql(
        "postgres",
        &["-c", &format!("UPDATE pg_database SET datcollversion = NULL WHERE datname = '{}'", database.name)],
    );
    let done = halfbuilt(&["verify"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    done.does_not_say("clean")
        .says("not checked: collation-version (the server has no version of the database's own collation on record)");
}

#[test]
fn a_server_that_refuses_the_question_is_not_a_failure() {
    let database = with_another_order(&["healthy"]);
    let role = format!("reader_of_{}", database.name);
    database.run(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'secret'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};
         REVOKE EXECUTE ON FUNCTION pg_database_collation_actual_version(oid) FROM PUBLIC"
    ));
    let run = halfbuilt(&["verify"]).args(&TIMES).on(&database).env("PGUSER", &role).env("PGPASSWORD", "secret");
    let done = run.run().exits(Exit::Clean).does_not_say("verdict: clean");
    done.says("not checked: collation-version (the server does not answer: permission denied for function");
}

#[test]
fn where_no_index_sorts_text_there_is_nothing_to_check() {
    let database = with_another_order(&["healthy"]);
    database.run(
        "ALTER TABLE builds DROP CONSTRAINT builds_number; DROP INDEX builds_build_url;
         ALTER TABLE artifacts DROP CONSTRAINT artifacts_pkey; DROP INDEX artifacts_storage_key",
    );
    let left = database.run(
        "SELECT indexrelid::regclass FROM pg_index WHERE 100 = ANY (indcollation) AND indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)",
    );
    assert_eq!(left, "", "indexes of the schema sort text");
    halfbuilt(&["verify"]).args(&TIMES).on(&database).run().exits(Exit::Clean).says("verdict: clean");
}

#[test]
fn no_build_is_missed_or_told_as_gone_because_of_an_index() {
    let database = with_lying_indexes();
    let by_index = "SET enable_seqscan = off; SELECT count(*) FROM builds WHERE build_url = 'https://ci.acme.example/gh/acme/Zebra/10001'";
    assert_ne!(database.run(by_index), "2", "the index does not lie");
    let (folder, path) = scanned(&database);
    let report = Report::read(&path);
    let found: Vec<(&str, &str)> =
        report.rows.iter().map(|row| (row["build_url"].as_str(), row["deletable"].as_str())).collect();
    assert_eq!(found, [("https://ci.acme.example/gh/acme/Zebra/10001", "no"); 2], "{report:?}");
    assert!(report.column("reasons").iter().all(|reasons| reasons.contains("duplicate-number")), "{report:?}");
    let done = halfbuilt(&["verify"]).args(&TIMES).on(&database).run().exits(Exit::Found);
    done.says("collation-version 1")
        .says("collation moved has version 1.0 on record and version ")
        .says("builds_build_url");

    let list = folder.path().join("list.txt");
    let some = database.run("SELECT build_url FROM builds WHERE build_num % 97 = 0 ORDER BY build_num");
    std::fs::write(&list, some.clone() + "\n").expect("a file");
    let done = halfbuilt(&["delete"]).args(&[&list]).args(&TIMES).args(&NOBODY).args(&["-o", "-"]).on(&database).run();
    let plan = Report::parse(&done.stdout);
    assert_eq!(plan.rows.len(), some.lines().count());
    assert!(!done.stdout.contains("already-gone"), "{}", done.stdout);
}

#[test]
fn large_tables_without_statistics_are_named() {
    let database = TestDatabase::circleci(&["healthy"]);
    let without = "the server has no statistics of output, as after an upgrade by pg_upgrade: ANALYZE gathers them";
    halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean).does_not_say("no statistics");
    database.run(
        "ALTER TABLE output SET (autovacuum_enabled = false);
         INSERT INTO output (build_id, step, index, first_byte, type, time, message)
         SELECT build_id, step, index, 1000000000 + n * 100, 'out', '2026-11-19Z', convert_to(repeat('x', 100), 'UTF8')
           FROM (SELECT build_id, step, index FROM actions LIMIT 1) AS one, generate_series(1, 60000) AS n;
         UPDATE pg_class SET reltuples = -1 WHERE oid = 'output'::regclass",
    );
    halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean).says(without);
    database.run("ANALYZE output");
    halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean).does_not_say("no statistics");
}
