//! `halfbuilt rules --composed`: the statements that run, whole, as scripts for psql.

use std::collections::BTreeSet;

use halfbuilt::exit::Exit;

use crate::support::{Report, TIMES, TestDatabase, halfbuilt, psql_pipe, repository};

const FAULTS: [&str; 13] = [
    "healthy",
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
    "output-excess",
    "unexplained",
];

/// The rules that ship, by their files.
fn names() -> Vec<String> {
    let files = std::fs::read_dir(repository("sql/rules")).expect("a folder");
    let stem = |path: std::path::PathBuf| path.file_stem().expect("a name").to_str().expect("UTF-8").to_owned();
    let mut names: Vec<String> = files.map(|file| stem(file.expect("a file").path())).collect();
    names.sort();
    names
}

fn composed(arguments: &[&str]) -> String {
    let done = halfbuilt(&["rules", "--composed"]).args(arguments).run().exits(Exit::Clean);
    assert_eq!(done.stderr, "");
    done.stdout
}

/// What psql prints of a script: the rows of its last statement, as addresses and reasons.
fn builds_of(database: &TestDatabase, script: &str) -> BTreeSet<(String, String)> {
    let times = ["-v", "backup_time=2026-11-20T02:00:00Z", "-v", "restored_at=2026-11-20T06:30:00Z"];
    let output = psql_pipe(&database.name, &[&["-Xq", "--csv"], &times[..]].concat(), script);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    let from = printed.rfind("build_url,project,").expect("the report's columns");
    let mut rows = csv::Reader::from_reader(&printed.as_bytes()[from..]);
    let header = rows.headers().expect("a header").clone();
    let place = |name: &str| header.iter().position(|column| column == name).expect("a column");
    let (url, reasons) = (place("build_url"), place("reasons"));
    let row = |row: csv::StringRecord| (row[url].to_owned(), row[reasons].trim_matches(['{', '}']).replace(',', ";"));
    rows.records().map(|record| row(record.expect("a row"))).collect()
}

fn builds_of_scan(database: &TestDatabase, flags: &[&str]) -> BTreeSet<(String, String)> {
    let done = halfbuilt(&["scan"]).args(flags).args(&TIMES).on(database).run().exits(Exit::Clean);
    let report = Report::parse(&done.stdout);
    // What a spreadsheet would take for a formula has a quotation mark before it in a report.
    let url = |cell: &str| cell.trim_start_matches('\'').to_owned();
    report.rows.iter().map(|row| (url(&row["build_url"]), row["reasons"].clone())).collect()
}

#[test]
fn the_statement_of_each_rule_is_known_whole() {
    for name in names() {
        insta::assert_snapshot!(format!("rule_{name}"), composed(&[&name]));
    }
}

#[test]
fn the_statements_of_a_scan_are_known_whole() {
    insta::assert_snapshot!("scan", composed(&[]));
}

#[test]
fn what_is_printed_for_a_rule_runs_in_psql_and_finds_what_a_scan_finds() {
    let database = TestDatabase::circleci(&FAULTS);
    for name in names() {
        let found = builds_of(&database, &composed(&[&name]));
        if name.starts_with("object-") {
            // Without a listing there is nothing to find, and no scan.
            assert_eq!(found, BTreeSet::new(), "{name}");
            continue;
        }
        assert_eq!(found, builds_of_scan(&database, &["--rule", &name]), "{name}");
    }
    for name in FAULTS.into_iter().filter(|name| *name != "healthy") {
        assert!(!builds_of(&database, &composed(&[name])).is_empty(), "{name}");
    }
}

#[test]
fn what_is_printed_for_a_scan_runs_in_psql_and_finds_what_a_scan_finds() {
    let database = TestDatabase::circleci(&FAULTS);
    let found = builds_of(&database, &composed(&[]));
    assert!(found.len() > 20, "{} builds", found.len());
    assert_eq!(found, builds_of_scan(&database, &[]));
    // With no time at all, as a scan without --backup-time.
    let output = psql_pipe(&database.name, &["-Xq", "--csv"], &composed(&[]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_types_that_are_assumed_are_those_of_the_reference_schema() {
    let database = TestDatabase::circleci(&[]);
    let types =
        "SELECT string_agg(DISTINCT data_type, ',') FROM information_schema.columns WHERE table_schema = 'public'";
    assert_eq!(database.run(&format!("{types} AND column_name = 'build_id'")), "bigint");
    assert_eq!(database.run(&format!("{types} AND column_name IN ('step', 'index')")), "integer");
}

#[test]
fn another_profile_and_another_schema() {
    let script = composed(&["--profile", "buildbot", "--schema", "master's"]);
    assert!(script.contains("\\set schema 'master''s'") && script.contains(":\"schema\".buildrequests"), "{script}");
    // Nothing waits outside of its database.
    let done = halfbuilt(&["rules", "--composed", "stuck-queued", "--profile", "buildbot"]).run().exits(Exit::Usage);
    done.fails_with("rule stuck-queued is not run: profile buildbot keeps its queue in the database");
    let done = halfbuilt(&["rules", "--composed", "output-gap", "--profile", "conductor"]).run().exits(Exit::Usage);
    done.fails_with("rule output-gap is not run: profile conductor has no relation step");
    halfbuilt(&["rules", "--composed", "nothing"]).run().exits(Exit::Usage).fails_with("unknown rule \"nothing\"");
    halfbuilt(&["rules", "--schema", "public"]).run().exits(Exit::Usage);
}
