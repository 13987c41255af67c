//! What `halfbuilt profiles --check` says of rows: a row of each relation, and which addresses can be used for deletion.

use std::collections::BTreeMap;
use std::path::PathBuf;

use halfbuilt::exit::Exit;
use tempfile::TempDir;

use crate::support::{BACKUP_TIME, Done, RESTORED_AT, Report, Seen, TestDatabase, halfbuilt};
use crate::what_a_person_sees::shows;

/// Builds of a table of the test. All of them ran at T.
const BUILDS: &str = "-- profile: mine
-- title: my own CI
-- running: lost
-- relation: build
SELECT id AS build_key, url AS build_url, project, number AS build_num, 'running' AS lifecycle, status,
       NULL::timestamptz AS queued_at, started AS started_at, NULL::timestamptz AS stopped_at
  FROM :\"schema\".jobs;
";

const STEPS: &str = "-- relation: step
SELECT id AS build_key, 1 AS step_key, status AS name, started AS started_at, NULL::timestamptz AS stopped_at,
       true AS has_output, 3 AS output_size, NULL::boolean AS output_closed
  FROM :\"schema\".jobs;
";

/// The table, with these rows: id, url, project, number, status.
fn jobs(rows: &str) -> TestDatabase {
    let database = TestDatabase::empty();
    database.run(
        "CREATE TABLE jobs (id bigint, url text, project text, number numeric, status text,
                            started timestamptz DEFAULT '2026-11-20T01:50:00Z')",
    );
    if !rows.is_empty() {
        database.run(&format!("INSERT INTO jobs (id, url, project, number, status) VALUES {rows}"));
    }
    database
}

fn profile(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.sql");
    std::fs::write(&path, text).expect("a file");
    (folder, path)
}

fn checked(database: &TestDatabase, text: &str) -> Done {
    let (_folder, path) = profile(text);
    halfbuilt(&["profiles", "--check"]).args(&[path]).on(database).run()
}

/// What is said of rows: between the relations and the archive, and after the rules.
fn of_rows(done: &Done) -> String {
    let after = |text: &str, mark: &str| text.split_once(mark).map(|(_, after)| after.to_owned()).unwrap_or_default();
    let examples = after(&done.stdout, "\n\na row of relation ");
    let examples = examples.split("\n\narchived table").next().unwrap_or_default().to_owned();
    let rules = after(&done.stdout, "\nall in one scan");
    format!("a row of relation {examples}\n\n{}", after(&rules, "\n\n"))
}

const ODD: &str = "(1, 'https://ci.acme.example/gh/acme/web/1', 'acme/web', 1, 'ok'),
    (2, 'https://ci.acme.example/github/Acme/web/2/', 'acme/web', 2, 'ok'),
    (3, NULL, 'acme/web', 3, 'ok'),
    (4, '', E'acme/\\033[2Jweb', NULL, 'ok'),
    (5, E'https://ci.acme.example/\\033]0;owned\\007\\n##vso[x]/gh/acme/web/5', 'acme/web', 5, 'ok'),
    (6, 'https://ci.acme.example/gh/acme/web/' || repeat('9', 5000), 'acme/web', 6, 'ok'),
    (7, 'https://ci.acme.example/gh/acme/web/8', 'acme/web', 7, 'ok'),
    (8, 'https://ci.acme.example/gh/acme/api/8', 'acme/web', 8, 'ok'),
    (9, 'https://ci.acme.example/gh/acme/web/20', 'acme/web', 20.1, 'ok'),
    (10, 'https://ci.acme.example/runs/10', 'acme/web', 10, 'ok')";

#[test]
fn addresses_that_are_not_usable_are_grouped_by_reason() {
    let database = jobs(ODD);
    let done = checked(&database, BUILDS).exits(Exit::Clean);
    assert!(!done.stdout.chars().any(|c| c.is_control() && c != '\n'), "{:?}", done.stdout);
    let seen = Seen(of_rows(&done));
    assert!(seen.0.contains("\n2 of 10 addresses can be used for deletion\n"), "{}", seen.0);
    shows(&seen, "profile_rows_addresses");
}

/// What the check says of addresses is what a scan says of the builds.
#[test]
fn it_judges_addresses_as_a_scan_does() {
    let database = jobs(ODD);
    let (_folder, path) = profile(BUILDS);
    let scan = halfbuilt(&["scan", "--backup-time", BACKUP_TIME, "--restored-at", RESTORED_AT, "--profile"]);
    let report = Report::parse(&scan.args(&[path]).on(&database).run().exits(Exit::Clean).stdout);
    let mut notes: BTreeMap<String, u64> = BTreeMap::new();
    for row in &report.rows {
        let note = row["note"].replace("its number 20.1 is", "its number is");
        *notes.entry(note).or_default() += 1;
    }
    assert_eq!(notes.remove(""), Some(2), "{notes:?}");
    let said = checked(&database, BUILDS).exits(Exit::Clean).stdout;
    let table = said.split_once("not usable because").expect("a table").1;
    assert_eq!(table.trim().lines().count(), notes.len() + 1, "{table}");
    for (note, builds) in notes {
        let row = table.lines().find(|line| line.starts_with(&note)).unwrap_or_else(|| panic!("{note}: {table}"));
        assert_eq!(row[note.len()..].split_whitespace().next(), Some(builds.to_string().as_str()), "{row}");
    }
}

#[test]
fn a_database_without_a_build_and_a_profile_without_addresses() {
    let none = checked(&jobs(""), &format!("{BUILDS}{STEPS}")).exits(Exit::Clean);
    let expected = "a row of relation build\n    there is none\n\na row of relation step\n    there is none\n\n\
                    there is no build, so no address was judged\n";
    assert_eq!(of_rows(&none), expected);
    let without = BUILDS.replace("url AS build_url", "NULL::text AS build_url");
    let done = checked(&jobs("(1, 'x', 'acme/web', 1, 'ok'), (2, 'x', NULL, NULL, 'ok')"), &without).exits(Exit::Clean);
    let expected = "0 of 2 addresses can be used for deletion\n\n\
                    not usable because  builds  for example\n\
                    it has no address   2       build 1 (acme/web, number 1)\n";
    assert!(done.stdout.ends_with(expected), "{}", done.stdout);
}

#[test]
fn no_more_than_100_000_addresses_are_looked_at() {
    let database = jobs("");
    database.run(
        "INSERT INTO jobs SELECT n, 'https://ci.acme.example/gh/acme/web/' || n, 'acme/web', n, 'ok' FROM generate_series(1, 100000) AS n",
    );
    let done = checked(&database, BUILDS).exits(Exit::Clean);
    assert!(done.stdout.ends_with("\n\n100,000 of 100,000 addresses can be used for deletion\n"), "{}", done.stdout);
    // Which of them are the first is the server's choice.
    database.run(
        "INSERT INTO jobs VALUES (100001, 'https://ci.acme.example/gh/acme/web/100001', 'acme/web', 100001, 'ok')",
    );
    let done = checked(&database, BUILDS).exits(Exit::Clean);
    let expected = "\n\n100,000 of the first 100,000 addresses can be used for deletion\n\
                    there are more than 100,000 builds: no others were looked at\n";
    assert!(done.stdout.ends_with(expected), "{}", done.stdout);
}

#[test]
fn a_row_is_shown_harmless_and_short_and_null_is_said() {
    let name = "repeat('long ', 1000)";
    let database = jobs(&format!("(1, NULL, E'acme/\\033[31mweb\\n\\u202e', 7.5, {name})"));
    let done = checked(&database, &format!("{BUILDS}{STEPS}")).exits(Exit::Clean);
    assert!(!done.stdout.chars().any(|c| c.is_control() && c != '\n'), "{:?}", done.stdout);
    shows(&Seen(of_rows(&done)), "profile_rows_examples");
    database.run("UPDATE jobs SET project = 'NULL', status = ' '");
    let done = checked(&database, BUILDS).exits(Exit::Clean);
    assert!(done.stdout.contains("\n    project = 'NULL'\n"), "{}", done.stdout);
    assert!(done.stdout.contains("\n    status = ' '\n"), "{}", done.stdout);
}

#[test]
fn a_relation_that_fails_hides_nothing_of_the_others() {
    let database = jobs("(1, 'x', 'acme/web', 1, 'ok'), (2, 'x', 'acme/web', 0, 'ok')");
    let mut seen = Seen::default();
    let steps = STEPS.replace("3 AS output_size", "3 / (id - 1) AS output_size");
    let done = checked(&database, &format!("{BUILDS}{steps}")).exits(Exit::Failed);
    assert!(
        done.stdout.contains("\n    build_key = 1\n") && done.stdout.contains("\n0 of 2 addresses"),
        "{}",
        done.stdout
    );
    seen.add("profiles --check, where a step cannot be read", &done);
    // The first build can be read, and the second cannot.
    let builds = BUILDS.replace("number AS build_num", "1 / number AS build_num");
    let done = checked(&database, &builds).exits(Exit::Failed);
    assert!(done.stdout.contains("\n    build_key = 1\n"), "{}", done.stdout);
    seen.add("profiles --check, where a build cannot be read", &done);
    shows(&seen, "profile_rows_that_fail");
    database.run("DELETE FROM jobs WHERE id = 1");
    let done = checked(&database, &builds).exits(Exit::Failed);
    assert_eq!(done.stdout.matches("division by zero").count(), 1, "{}", done.stdout);
    assert!(!done.stdout.contains("used for deletion"), "{}", done.stdout);
}

#[test]
fn the_address_of_the_server_may_be_named() {
    let database = TestDatabase::buildbot("restored.dump");
    let check = || halfbuilt(&["profiles", "--check", "buildbot"]).on(&database);
    let without = check().run().exits(Exit::Clean);
    assert!(without.stdout.contains("\n    build_url = NULL\n"), "{}", without.stdout);
    let by_flag = check().args(&["--base-url", "https://bb.acme.example/"]).run().exits(Exit::Clean);
    for line in
        ["\n    build_url = https://bb.acme.example/#/builders/", "\n0 of 311 addresses can be used for deletion\n"]
    {
        assert!(by_flag.stdout.contains(line), "{line}: {}", by_flag.stdout);
    }
    let by_variable = check().env("HALFBUILT_BASE_URL", "https://bb.acme.example").run().exits(Exit::Clean);
    assert_eq!(by_variable.stdout, by_flag.stdout);
    check().args(&["--base-url", "bb"]).run().exits(Exit::Usage).fails_with("--base-url cannot be read");
}

#[test]
fn the_schema_of_the_tables_may_be_named() {
    let database = jobs("(1, 'https://ci.acme.example/gh/acme/web/1', 'acme/web', 1, 'ok')");
    database.run("CREATE SCHEMA restored; ALTER TABLE jobs SET SCHEMA restored");
    let (_folder, path) = profile(BUILDS);
    let check = || halfbuilt(&["profiles", "--check"]).args(&[&path]).on(&database);
    check().run().exits(Exit::Failed).fails_with("name the schema of the build tables with --schema");
    let usable = "\n1 of 1 address can be used for deletion\n";
    check().args(&["--schema", "restored"]).run().exits(Exit::Clean).prints(usable);
    check().env("HALFBUILT_SCHEMA", "restored").run().exits(Exit::Clean).prints(usable);
    check().args(&["--schema", "public"]).run().exits(Exit::Failed);
}
