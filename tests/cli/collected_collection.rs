//! What scan, verify, delete, manifest and the pages say of a collection.

use halfbuilt::exit::Exit;
use serde_json::Value;

use crate::collected_builds::{collected, with_times};
use crate::support::{Report, TestDatabase, halfbuilt, psql_pipe, repository};

const NAME: &str = "collection 1 of https://ci.example.com";

fn json(file: &std::path::Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(file).expect("a file")).expect("JSON")
}

#[test]
fn every_command_says_first_what_was_collected() {
    let database = collected(&["healthy", "damaged"]);
    let line = format!("reading {NAME}: 36 builds, fetched 2026-11-20 09:00Z to 09:01Z");
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.csv");
    let scan =
        with_times("scan", &database).args(&["-o".as_ref(), report.as_path()]).run().exits(Exit::Clean).says(&line);
    assert_eq!(
        scan.stderr.lines().find(|line| line.contains("reading")),
        scan.stderr.lines().next(),
        "{}",
        scan.stderr
    );
    scan.does_not_say(&format!("database \"{}\"", database.name)).does_not_say("the order of text");
    with_times("verify", &database).run().exits(Exit::Found).says(&line);
    with_times("delete", &database)
        .args(&["--max-age", "100000h"])
        .args(&[&report])
        .run()
        .exits(Exit::Clean)
        .says(&line)
        .says("36 builds");
    let manifest = folder.path().join("before.json");
    halfbuilt(&["manifest", "--profile", "circleci-api", "-o"])
        .args(&[&manifest])
        .on(&database)
        .run()
        .exits(Exit::Clean)
        .says(&line);
    assert_eq!(json(&manifest)["database"]["name"], "ci.example.com");
    assert_eq!(json(&manifest)["backup_time"], "2026-11-20T09:00:01Z");
}

#[test]
fn the_collection_is_in_the_metadata_the_verdict_and_the_pages() {
    let database = collected(&["healthy", "damaged"]);
    let folder = tempfile::tempdir().expect("a folder");
    let [report, verdict, page, ticket, step] =
        ["report.csv", "verdict.json", "page.html", "ticket.md", "step.md"].map(|name| folder.path().join(name));
    with_times("scan", &database).args(&["-o".as_ref(), report.as_path()]).run().exits(Exit::Clean);
    let about = json(&folder.path().join("report.csv.about.json"));
    let collection = &about["collection"];
    assert_eq!(collection["id"], "1");
    assert_eq!(collection["source"], "https://ci.example.com");
    assert_eq!(
        (&collection["builds"], &collection["since"], &collection["lists_all"]),
        (&36.into(), &Value::Null, &true.into())
    );
    assert_eq!(about["database"], serde_json::json!({ "name": "ci.example.com", "system_identifier": null }));
    with_times("verify", &database)
        .args(&["--json".as_ref(), verdict.as_path()])
        .env("GITHUB_STEP_SUMMARY", step.to_str().expect("a path"))
        .env("GITHUB_ACTIONS", "true")
        .run()
        .exits(Exit::Found);
    assert_eq!(&json(&verdict)["collection"], collection);
    assert!(std::fs::read_to_string(&step).expect("a file").contains("collection 1 of"), "the step's summary");
    for (flag, file) in [("--html", &page), ("--markdown", &ticket)] {
        halfbuilt(&["report"]).args(&[report.as_path(), flag.as_ref(), file.as_path()]).run().exits(Exit::Clean);
        let text = std::fs::read_to_string(file).expect("a file");
        assert!(text.contains("36 builds, fetched"), "{text}");
    }
}

/// The sentence of a verdict over sound builds, after a change of the collection.
fn verdict_after(change: &str, exit: Exit) -> (String, String) {
    let database = collected(&["healthy"]);
    if !change.is_empty() {
        database.run(change);
    }
    let done = with_times("verify", &database).run().exits(exit);
    let scan = with_times("scan", &database).run().exits(exit);
    (done.stderr, scan.stderr)
}

#[test]
fn what_a_collection_lacks_was_not_checked() {
    // What was to be there and is not is a failure; what was left out on purpose is a gap.
    for (change, what, exit) in [
        (
            "UPDATE halfbuilt.collection SET since = '2026-11-19T21:00Z'",
            "builds that were over before 2026-11-19T21:00:00Z",
            Exit::Clean,
        ),
        ("UPDATE halfbuilt.collection SET lists_all = false", "builds of projects that are not followed", Exit::Clean),
        (
            "UPDATE halfbuilt.document SET head = NULL WHERE build_url LIKE '%/1'",
            "1 build without a document",
            Exit::Failed,
        ),
        (
            "UPDATE halfbuilt.collection SET ended_at = NULL",
            "builds to which the collection has not come",
            Exit::Failed,
        ),
    ] {
        let (verified, scanned) = verdict_after(change, exit);
        assert!(!verified.contains("verdict: clean") && verified.contains(what), "{change}: {verified}");
        assert!(scanned.contains(what), "{change}: {scanned}");
        assert!(!verdict_after("", Exit::Clean).0.contains(what), "{what} without {change}");
    }
}

#[test]
fn a_database_without_a_collection_is_one_clear_error() {
    let without_tables = TestDatabase::empty();
    let without_rows = collected(&[]);
    for (database, why) in
        [(&without_tables, "schema \"halfbuilt\" has no"), (&without_rows, "no collection of documents was begun")]
    {
        for command in ["scan", "verify"] {
            let done = with_times(command, database).run().exits(Exit::Failed);
            done.says("this database holds no collection").says(why).says("`halfbuilt collect`");
        }
    }
    halfbuilt(&["manifest", "--profile", "circleci-api", "-o", "-"])
        .on(&without_rows)
        .run()
        .exits(Exit::Failed)
        .says("holds no collection");
}

#[test]
fn documents_from_before_the_restore_are_refused() {
    let database = collected(&["healthy", "damaged"]);
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.csv");
    with_times("scan", &database).args(&["-o".as_ref(), report.as_path()]).run().exits(Exit::Clean);
    database.run("UPDATE halfbuilt.document SET fetched_at = '2026-11-20T06:29:59Z' WHERE build_url LIKE '%/web/1'");
    let delete = with_times("delete", &database).args(&["--max-age", "100000h"]).args(&[&report]).run();
    for done in [with_times("scan", &database).run(), with_times("verify", &database).run(), delete] {
        done.exits(Exit::Failed)
            .says("was fetched from 2026-11-20T06:29:59Z on, before the server came back at 2026-11-20T06:30:00Z")
            .says("collect again");
    }
}

#[test]
fn a_second_collection_elsewhere_has_the_same_fingerprints() {
    let [first, second] = [(); 2].map(|()| collected(&["healthy", "damaged"]));
    second.run("UPDATE halfbuilt.collection SET source = 'https://CI.example.com'");
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.csv");
    with_times("scan", &first).args(&["-o".as_ref(), report.as_path()]).run().exits(Exit::Clean);
    let again = Report::parse(&with_times("scan", &second).run().exits(Exit::Clean).stdout);
    assert_eq!(Report::read(&report).column("fingerprint"), again.column("fingerprint"));
    // So a report of the one can be worked off over the other.
    with_times("delete", &second)
        .args(&["--max-age", "100000h"])
        .args(&[&report])
        .run()
        .exits(Exit::Clean)
        .does_not_say("changed");
    second.run("UPDATE halfbuilt.collection SET source = 'https://ci.elsewhere.example'");
    with_times("delete", &second)
        .args(&["--max-age", "100000h"])
        .args(&[&report])
        .run()
        .exits(Exit::Declined)
        .says("of ci.elsewhere.example")
        .says("the report is of ci.example.com");
}

#[test]
fn what_the_window_leaves_out_is_not_lost_since_the_baseline() {
    let database = collected(&["healthy"]);
    let folder = tempfile::tempdir().expect("a folder");
    let manifest = folder.path().join("before.json");
    halfbuilt(&["manifest", "--profile", "circleci-api", "--backup-time", "2026-11-20T02:00:00Z", "-o"])
        .args(&[&manifest])
        .on(&database)
        .run()
        .exits(Exit::Clean);
    let verify = || with_times("verify", &database).args(&["--baseline".as_ref(), manifest.as_path()]).run();
    verify().exits(Exit::Clean);
    // The oldest builds, which the next collection does not list any more.
    database.run("DELETE FROM halfbuilt.document WHERE head ->> 'stop_time' LIKE '2013-%'");
    verify().exits(Exit::Found).says("baseline-lost 3");
    database.run("UPDATE halfbuilt.collection SET since = '2026-11-19T00:00Z'");
    verify().exits(Exit::Clean).says("builds that were over before 2026-11-19T00:00:00Z").does_not_say("baseline-lost");
}

#[test]
fn the_section_about_the_collection_is_checked_as_relations_are() {
    let database = collected(&["healthy"]);
    let check = |file: &str| halfbuilt(&["profiles", "--check", file]).on(&database).run();
    let sound = check("circleci-api").exits(Exit::Clean);
    for line in ["the builds are copies", "its tables are in schema halfbuilt"] {
        assert!(sound.stdout.contains(line), "{}", sound.stdout);
    }
    assert!(!sound.stdout.contains("fault"), "{}", sound.stdout);
    let folder = tempfile::tempdir().expect("a folder");
    let mine = folder.path().join("mine.sql");
    let shipped = std::fs::read_to_string(repository("sql/profiles/circleci-api.sql")).expect("a file");
    std::fs::write(&mine, shipped.replace("c.lists_all                            AS lists_all", "1 AS lists_all"))
        .expect("a file");
    let wrong = check(mine.to_str().expect("a path")).exits(Exit::Failed);
    let fault = "collection documents: column lists_all is int4, expected boolean";
    assert!(wrong.stdout.contains(fault), "{}", wrong.stdout);
    let scan = halfbuilt(&["scan", "--profile"]).args(&[&mine]).on(&database).run();
    scan.exits(Exit::Failed).says("column lists_all is int4, expected boolean");
}

#[test]
fn the_statements_run_in_psql_as_they_stand() {
    let database = collected(&["healthy", "damaged"]);
    let script = halfbuilt(&["rules", "--composed", "--profile", "circleci-api"]).run().exits(Exit::Clean).stdout;
    let times = ["-v", "backup_time=2026-11-20T02:00:00Z", "-v", "restored_at=2026-11-20T06:30:00Z"];
    let done = psql_pipe(&database.name, &[["-XqAt"].as_slice(), &times].concat(), &script);
    let shown = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(shown.contains("https://ci.example.com/gh/acme/api/106"), "{shown}");
}
