//! What a number means: within what a CI counts, whatever the case of letters, and only if it is a whole one.

use halfbuilt::exit::Exit;
use tempfile::TempDir;

use crate::support::{NOBODY, Report, TIMES, TestDatabase, halfbuilt};

fn shape(name: &str) -> TestDatabase {
    let database = TestDatabase::circleci(&[]);
    database.load(&format!("fixtures/cases/{name}.sql"));
    database
}

/// Scans into a file, which is then read.
fn scanned(database: &TestDatabase, folder: &TempDir, more: &[&str]) -> Report {
    let file = folder.path().join("report.csv");
    let run = halfbuilt(&["scan", "-o"]).args(&[&file]).args(&TIMES).args(more);
    run.on(database).run().exits(Exit::Clean);
    Report::read(&file)
}

/// The decision, state and reason of each row that a deletion of the report, or of a list, comes to.
fn planned(database: &TestDatabase, list: &std::path::Path, more: &[&str]) -> Vec<[String; 3]> {
    let run = halfbuilt(&["delete"]).args(&[list]).args(&NOBODY).args(&TIMES).args(&["--max-percent", "100"]);
    let done = run.args(more).on(database).run();
    let rows = Report::parse(&done.stdout).rows;
    rows.iter().map(|row| ["decision", "state", "reason"].map(|column| row[column].clone())).collect()
}

fn list(folder: &TempDir, urls: &[&str]) -> std::path::PathBuf {
    let file = folder.path().join("list.txt");
    std::fs::write(&file, urls.join("\n")).expect("a file");
    file
}

#[test]
fn one_project_on_two_forges_is_two_sequences_of_numbers() {
    let (database, folder) = (shape("31-moved-to-another-forge"), tempfile::tempdir().expect("a folder"));
    let report = scanned(&database, &folder, &[]);
    let row = |row: &std::collections::BTreeMap<String, String>| {
        ["build_url", "reasons", "deletable", "note"].map(|column| row[column].clone())
    };
    let cut = "https://ci.acme.example/gh/acme/moved/21";
    assert_eq!(report.rows.iter().map(row).collect::<Vec<_>>(), [[cut, "stuck-running", "yes", ""].map(str::to_owned)]);
    for chosen in [folder.path().join("report.csv"), list(&folder, &[cut])] {
        let planned = planned(&database, &chosen, &[]);
        assert_eq!(
            planned.iter().map(|[decision, ..]| decision.as_str()).collect::<Vec<_>>(),
            ["delete"],
            "{planned:?}"
        );
    }
    // Within one forge a number is still one build's.
    database.run("ALTER TABLE builds DROP CONSTRAINT builds_number");
    database.run("UPDATE builds SET build_num = 20 WHERE build_url LIKE '%/bb/%/19'");
    let report = scanned(&database, &folder, &["--rule", "duplicate-number"]);
    let evidence = "2 builds of acme/moved have the number 20 (keys 931038, 931040)";
    assert_eq!(report.column("evidence"), [evidence, evidence]);
}

#[test]
fn a_scan_and_a_deletion_agree_on_a_build_that_another_resembles() {
    let (database, folder) = (shape("32-letters-of-a-name"), tempfile::tempdir().expect("a folder"));
    for more in [&[][..], &["--rule", "stuck-running"], &["--project", "Acme/*"]] {
        let report = scanned(&database, &folder, more);
        assert_eq!(report.column("reasons"), ["stuck-running"], "{more:?}");
        assert_eq!(report.column("deletable"), ["no"]);
        let note = "another build has its address but for the case of letters: https://ci.acme.example/gh/acme/api/5";
        assert_eq!(report.column("note"), [note]);
    }
    let planned = planned(&database, &list(&folder, &["https://ci.acme.example/gh/Acme/API/5"]), &[]);
    assert_eq!(planned[0][..2], ["keep", "refused"], "{planned:?}");
    // Another number is another build.
    database.run("UPDATE builds SET build_num = 6, build_url = replace(build_url, '/5', '/6') WHERE username = 'acme'");
    assert_eq!(scanned(&database, &folder, &[]).column("deletable"), ["yes"]);
}

#[test]
fn a_number_that_was_given_anew_is_another_build() {
    let folder = tempfile::tempdir().expect("a folder");
    for (lifecycle, stopped) in [("running", "NULL"), ("finished", "'2026-11-20 06:55Z'")] {
        let database = shape("27-number-given-anew");
        assert_eq!(scanned(&database, &folder, &[]).column("deletable"), ["yes"]);
        database.run(&format!(
            "DELETE FROM builds;
             INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time)
             VALUES ('github', 'acme', 'reuse', 10701, 'https://ci.acme.example/gh/acme/reuse/10701', '{lifecycle}', 'x',
                     '2026-11-20 06:50Z', '2026-11-20 06:51Z', {stopped})"
        ));
        let reason =
            "another build has this address now: it was queued at 2026-11-20T06:50:00Z, not at 2026-11-20T01:50:00Z";
        let planned = planned(&database, &folder.path().join("report.csv"), &[]);
        assert_eq!(planned, [["keep", "changed", reason].map(str::to_owned)], "{lifecycle}");
    }
}

/// A CI that calls the second attempt of build 20 by the number 20.1.
const DECIMALS: &str = "CREATE TABLE runs (id bigint PRIMARY KEY, job text, name text, rerun_of bigint, status text, created timestamptz,
                                           started timestamptz, ended timestamptz);
    INSERT INTO runs SELECT n, 'deploy', name, NULL, 'succeeded', at, at, at
      FROM unnest(ARRAY['20', '20.1', '20.2', '20.2', '20.3', '21', '22.0', '1e30', 'NaN', '-9223372036854775808']) WITH ORDINALITY AS t (name, n),
           LATERAL (SELECT timestamptz '2026-11-19 10:00Z' + n * interval '1 hour') AS u (at);
    INSERT INTO runs VALUES (100, 'deploy', '21.1', 6, 'started', '2026-11-20 01:40Z', '2026-11-20 01:41Z', NULL),
                            (101, 'deploy', '23', 6, 'started', '2026-11-20 01:40Z', '2026-11-20 01:41Z', NULL)";

fn decimals(number: &str, address: &str) -> (TestDatabase, TempDir, std::path::PathBuf) {
    let database = TestDatabase::empty();
    database.run(DECIMALS);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("decimals.sql");
    let profile = format!(
        "-- profile: decimals\n-- title: builds with names such as 20.1\n-- running: lost\n-- queue: elsewhere\n-- relation: build\n\
         SELECT r.id AS build_key, {address} || r.name AS build_url, 'acme/' || r.job AS project, {number} AS build_num,\n\
                CASE r.status WHEN 'started' THEN 'running' ELSE 'finished' END AS lifecycle, r.status,\n\
                r.created AS queued_at, r.started AS started_at, r.ended AS stopped_at\n\
           FROM :\"schema\".runs AS r;\n"
    );
    std::fs::write(&file, profile).expect("a file");
    (database, folder, file)
}

const OF_A_JOB: &str = "'https://ci.acme.example/jobs/' || r.job || '/builds/'";
const OF_A_PROJECT: &str = "'https://ci.acme.example/gh/acme/' || r.job || '/'";

#[test]
fn a_number_with_a_fraction_is_none_and_the_note_says_so() {
    let (database, folder, profile) = decimals("r.name::numeric", OF_A_PROJECT);
    let profile = profile.to_str().expect("a path");
    let report = scanned(&database, &folder, &["--profile", profile]);
    let row = |row: &std::collections::BTreeMap<String, String>| {
        ["build_url", "build_num", "reasons", "deletable", "note"].map(|column| row[column].clone())
    };
    let found: Vec<[String; 5]> = report.rows.iter().map(row).collect();
    let url = |number: &str| format!("https://ci.acme.example/gh/acme/deploy/{number}");
    let twice = [&*url("20.2"), "", "duplicate-number", "no"];
    let starts: Vec<&[String]> = found.iter().map(|row| &row[..4]).collect();
    assert_eq!(
        starts,
        [
            &[&*url("23"), "23", "stuck-running", "yes"].map(str::to_owned)[..],
            &twice.map(str::to_owned),
            &twice.map(str::to_owned),
            &[&*url("21.1"), "", "stuck-running", "no"].map(str::to_owned),
        ]
    );
    assert!(found[3][4].starts_with("its number 21.1 is no whole number; "), "{found:?}");
    let more = ["--profile", profile];
    let planned = planned(&database, &folder.path().join("report.csv"), &more);
    assert_eq!(planned.len(), 1, "{planned:?}");
    assert_eq!(planned[0][0], "delete");
}

#[test]
fn a_profile_that_gives_no_number_for_such_builds_says_why_they_are_kept() {
    let (database, folder, profile) = decimals("CASE WHEN r.name ~ '^[0-9]+$' THEN r.name::bigint END", OF_A_JOB);
    let report = scanned(&database, &folder, &["--profile", profile.to_str().expect("a path")]);
    let reasons = ["duplicate-number", "duplicate-number", "stuck-running", "stuck-running"];
    let mut found = report.column("reasons");
    found.sort_unstable();
    assert_eq!(found, reasons);
    for row in report.rows.iter().filter(|row| row["reasons"] == "stuck-running") {
        assert_eq!(row["note"], "its address is not of the form https://HOST/VCS/ORG/PROJECT/NUMBER");
    }
}
