//! Keys that stand for several rows, and builds without a key: findings, unless a join of the profile makes them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use halfbuilt::exit::Exit;
use tempfile::TempDir;

use crate::support::{Ci, Done, LOST, NOBODY, Report, TIMES, TestDatabase, halfbuilt, repository};

const CUT: [&str; 3] = ["timestamptz '2026-11-20T01:50Z'", "timestamptz '2026-11-20T01:51Z'", "NULL"];

/// What a restore leaves that could not build the primary keys again.
fn doubled_rows() -> TestDatabase {
    let database = TestDatabase::circleci(&["healthy"]);
    database.load("fixtures/cases/08-doubled-rows.sql");
    database
}

fn scan(database: &TestDatabase, more: &[&str]) -> (Report, Done) {
    let done = halfbuilt(&["scan"]).args(&TIMES).args(more).on(database).run().exits(Exit::Clean);
    (Report::parse(&done.stdout), done)
}

/// The profile that ships, with another beginning of its relation build.
fn profile(change: impl Fn(&str) -> String) -> (TempDir, PathBuf) {
    let circleci = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("a file");
    let changed = change(&circleci);
    assert_ne!(changed, circleci);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.sql");
    std::fs::write(&file, changed).expect("a file");
    (folder, file)
}

fn plan(database: &TestDatabase, numbers: &[u32]) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("list.txt");
    let urls = numbers.iter().map(|number| format!("https://ci.acme.example/gh/acme/twice/{number}\n"));
    std::fs::write(&list, urls.collect::<String>()).expect("a file");
    let run = halfbuilt(&["delete"]).args(&[list]).args(&NOBODY).args(&TIMES).args(&["--max-percent", "100"]);
    Report::parse(&run.on(database).run().stdout)
}

fn results_of(results: &Report, number: u32) -> &BTreeMap<String, String> {
    let is_of = |row: &&BTreeMap<String, String>| row["build_url"].ends_with(&format!("/{number}"));
    results.rows.iter().find(is_of).unwrap_or_else(|| panic!("no row of {number}: {results:?}"))
}

#[test]
fn doubled_rows_are_found_and_hide_nothing() {
    let database = doubled_rows();
    let (report, done) = scan(&database, &[]);
    let seen = |number: &str| {
        let row = report.row("acme/twice", number);
        ["reasons", "evidence", "deletable", "note"].map(|column| row[column].clone())
    };
    assert_eq!(
        seen("8801"),
        [
            "duplicate-key",
            "2 rows have the key 868801, alike in all columns",
            "no",
            "2 rows have its key: nobody knows which is right; duplicate-key never makes a build deletable"
        ]
    );
    assert_eq!(seen("8802")[2..], ["yes", ""]);
    assert_eq!(seen("8802")[0], "stuck-running");
    let step = "step 0 \"checkout\": 2 rows have its key, alike in all columns";
    let reasons = &seen("8803")[0];
    assert!(reasons.split(';').any(|reason| reason == "duplicate-key"), "{reasons}");
    assert!(seen("8803")[1].contains(step), "{}", seen("8803")[1]);
    assert_eq!(seen("8803")[2], "no");
    assert_eq!(report.rows.len(), 3, "{:?}", report.rows);
    done.says("1 build key stands for several rows of table public.builds");
}

#[test]
fn whichever_rules_run_a_doubled_build_is_not_deletable() {
    let database = doubled_rows();
    database.run("UPDATE builds SET lifecycle = 'running', stop_time = NULL WHERE build_num = 8801");
    for more in [&["--rule", "stuck-running"][..], &["--project", "acme/twice"]] {
        let (report, _) = scan(&database, more);
        let row = report.row("acme/twice", "8801");
        assert!(row["reasons"].contains("stuck-running"), "{row:?}");
        assert!(row["note"].starts_with("2 rows have its key"), "{row:?}");
        assert_eq!(report.row("acme/twice", "8802")["deletable"], "yes");
    }
    // The other row is in another project, and differs.
    database.run(
        "UPDATE builds SET reponame = 'other', build_url = 'https://ci.acme.example/gh/acme/other/8801', status = 'odd'
          WHERE ctid = (SELECT min(ctid) FROM builds WHERE build_num = 8801)",
    );
    let (report, _) = scan(&database, &["--project", "acme/twice"]);
    let row = report.row("acme/twice", "8801");
    assert!(
        row["evidence"].contains("2 rows have the key 868801, and differ in build_url, project, status"),
        "{row:?}"
    );
    assert_eq!(report.rows.iter().filter(|row| row["build_num"] == "8801").count(), 1);
    assert_eq!(row["deletable"], "no");
    // A deletion sees it too.
    let results = plan(&database, &[8801, 8802]);
    assert_eq!(results_of(&results, 8801)["state"], "refused", "{results:?}");
    assert!(results_of(&results, 8801)["reason"].starts_with("2 rows have its key"), "{results:?}");
    assert_eq!(results_of(&results, 8802)["decision"], "delete");
}

#[test]
fn a_deletion_refuses_a_build_of_two_rows() {
    let database = doubled_rows();
    let results = plan(&database, &[8801, 8802]);
    assert_eq!(results_of(&results, 8801)["state"], "refused", "{results:?}");
    assert_eq!(results_of(&results, 8802)["decision"], "delete");
}

#[test]
fn verify_counts_doubled_keys() {
    let database = doubled_rows();
    let verify = |more: &[&str]| {
        let folder = tempfile::tempdir().expect("a folder");
        let report = folder.path().join("report.csv");
        let run = halfbuilt(&["verify", "-o"]).args(&[report]).args(&TIMES).args(more);
        run.on(&database).run()
    };
    let rest = ["--allow", "stuck-running=1", "--allow", "unexplained=1"];
    verify(&rest).exits(Exit::Found).says("duplicate-key");
    verify(&[&rest[..], &["--allow", "duplicate-key=2"]].concat()).exits(Exit::Clean);
    verify(&[&rest[..], &["--allow", "duplicate-key=1"]].concat()).exits(Exit::Found);
}

#[test]
fn a_damaged_index_does_not_hide_a_doubled_key() {
    let database = doubled_rows();
    // An index that knows one of the rows only: as one is that was built under other rules.
    database.run("DELETE FROM builds WHERE ctid = (SELECT max(ctid) FROM builds WHERE build_id = 868801)");
    database.run("CREATE UNIQUE INDEX again ON builds (build_id)");
    database.run(
        "UPDATE pg_index SET indisready = false, indislive = true WHERE indexrelid = 'again'::regclass;
         INSERT INTO builds OVERRIDING SYSTEM VALUE SELECT * FROM builds WHERE build_id = 868801;
         UPDATE pg_index SET indisready = true WHERE indexrelid = 'again'::regclass",
    );
    assert_eq!(database.run("SELECT count(*) FROM builds WHERE build_num = 8801"), "2");
    let plain =
        "SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(*) FROM builds WHERE build_id = 868801";
    assert_eq!(database.run(plain), "1");
    let (report, _) = scan(&database, &[]);
    assert_eq!(report.row("acme/twice", "8801")["reasons"], "duplicate-key");
}

#[test]
fn a_join_of_the_profile_that_doubles_every_build_is_a_fault_of_the_profile() {
    let database = TestDatabase::circleci(&["healthy"]);
    let (_folder, file) = profile(|text| {
        text.replacen(
            "FROM :\"schema\".builds AS b;",
            "FROM :\"schema\".builds AS b, generate_series(1, 2) AS twice;",
            1,
        )
    });
    let scan = halfbuilt(&["scan", "--profile"]).args(&[&file]).args(&TIMES).on(&database).run().exits(Exit::Failed);
    scan.fails_with("more than once, and table public.builds holds each once")
        .fails_with("a join that finds several rows");
    let check = halfbuilt(&["profiles", "--check"]).args(&[&file]).on(&database).run().exits(Exit::Failed);
    assert!(check.stdout.contains("more than once, and table public.builds holds each once"), "{}", check.stdout);
}

#[test]
fn a_join_that_doubles_few_builds_is_told_from_a_table_that_does() {
    let database = TestDatabase::circleci(&["healthy"]);
    database.run("CREATE TABLE team (build_num bigint, team text); INSERT INTO team VALUES (1, 'a'), (1, 'b')");
    let (_folder, file) = profile(|text| {
        let join = "FROM :\"schema\".builds AS b LEFT JOIN :\"schema\".team AS t ON t.build_num = b.build_num;";
        text.replacen("FROM :\"schema\".builds AS b;", join, 1)
    });
    let done = halfbuilt(&["scan", "--profile"]).args(&[&file]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    let report = Report::parse(&done.stdout);
    let first = database.run("SELECT count(*) FROM builds WHERE build_num = 1");
    assert_eq!(report.rows.len().to_string(), first);
    for row in &report.rows {
        assert_eq!((row["reasons"].as_str(), row["deletable"].as_str()), ("duplicate-key", "no"));
        let why = ": the table holds it once, and a join of the profile finds several rows";
        assert!(row["evidence"].ends_with(why), "{row:?}");
    }
    done.says("table public.builds holds each once, and a join of the profile finds several rows");
    let check = halfbuilt(&["profiles", "--check"]).args(&[&file]).on(&database).run().exits(Exit::Clean);
    assert!(check.stdout.contains("a join of the profile finds several rows"), "{}", check.stdout);
}

#[test]
fn where_nobody_can_tell_the_evidence_says_so() {
    let database = doubled_rows();
    let (_folder, file) = profile(|text| {
        let key =
            |table: &str| (format!("SELECT {table}.build_id  "), format!("SELECT md5({table}.build_id::text)::uuid  "));
        ["b", "a", "o", "f"].into_iter().map(key).fold(text.to_owned(), |text, (old, new)| text.replace(&old, &new))
    });
    let done = halfbuilt(&["scan", "--profile"]).args(&[&file]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    let row = Report::parse(&done.stdout).row("acme/twice", "8801").clone();
    assert_eq!(row["deletable"], "no");
    assert!(row["evidence"].ends_with("is not known"), "{row:?}");
}

#[test]
fn a_build_without_a_key_hides_nothing() {
    let ci = Ci::new();
    ci.add(101, "'running'", "'running'", CUT);
    ci.add(102, "'running'", "'running'", CUT);
    ci.database.run("UPDATE ci.build SET build_key = NULL WHERE build_num = 102");
    let report = ci.scan(LOST, &[]);
    assert_eq!(report.row("acme/api", "101")["deletable"], "yes");
    let keyless = report.row("", "");
    assert!(keyless["reasons"].contains("duplicate-key"), "{keyless:?}");
    let evidence = "1 row has no key: https://ci.acme.example/gh/acme/api/102";
    assert!(keyless["evidence"].contains(evidence), "{keyless:?}");
    assert_eq!(keyless["deletable"], "no");
    // It must not pass for gone.
    let list = ci.folder.path().join("list.txt");
    std::fs::write(&list, "https://ci.acme.example/gh/acme/api/102\n").expect("a file");
    let more = [&NOBODY[..], &TIMES, &["--max-percent", "100"]].concat();
    let plan = ci.run(&["delete", list.to_str().expect("a path")], LOST, &more);
    let results = Report::parse(&plan.stdout);
    assert_eq!(results.column("state"), ["refused"]);
    assert_eq!(results.column("reason"), ["a build without a key may be the one that is meant"]);
    // Where most have none, the profile reads something else than builds.
    ci.database.run("UPDATE ci.build SET build_key = NULL WHERE build_num > 20");
    ci.run(&["scan"], LOST, &TIMES).exits(Exit::Failed).fails_with("without a build_key");
}
