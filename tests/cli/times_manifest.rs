//! A manifest as evidence: what it says of T, and whether the database that was restored has all that it had seen.
//! What a real restore makes of both is in `postgres_versions`.

use std::path::{Path, PathBuf};

use halfbuilt::exit::Exit;
use serde_json::Value;

use crate::support::{RESTORED_AT, TestDatabase, halfbuilt};

/// The manifest of a database, made now.
fn manifest(folder: &Path, database: &TestDatabase, more: &[&str]) -> PathBuf {
    let path = folder.join("before.json");
    halfbuilt(&["manifest", "-o"]).args(&[&path]).args(more).on(database).run().exits(Exit::Clean);
    path
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON")
}

/// Changes a manifest: a pointer into it, and the value.
fn change(path: &Path, pointer: &str, value: Value) {
    let mut document = read(path);
    *document.pointer_mut(pointer).expect("a value") = value;
    std::fs::write(path, document.to_string()).expect("a file");
}

fn known(path: &Path, database: &TestDatabase) -> Value {
    let done = halfbuilt(&["times", "--json", "-"]).args(&[path]).on(database).run();
    serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", done.stdout, done.stderr))
}

#[test]
fn its_moment_is_noted_and_is_t_or_earlier() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = TestDatabase::circleci(&["healthy"]);
    let before: u64 = database.run("SELECT txid_snapshot_xmax(txid_current_snapshot())").parse().expect("a number");
    let path = manifest(folder.path(), &database, &[]);
    let after: u64 = database.run("SELECT txid_snapshot_xmax(txid_current_snapshot())").parse().expect("a number");
    let written = read(&path);
    let noted = written["moment"]["server"]["next_transaction"].as_u64().expect("a number");
    assert!((before..=after).contains(&noted), "{before} {noted} {after}");
    let newest: jiff::Timestamp = written["moment"]["newest_build"].as_str().expect("a time").parse().expect("a time");
    let latest = database.run(
        "SELECT to_char(max(greatest(queued_at, start_time, stop_time)) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM builds",
    );
    assert_eq!(newest, latest.parse::<jiff::Timestamp>().expect("a time"));

    let found = known(&path, &database);
    let of_backup = &found["candidates"][0];
    assert_eq!((&of_backup["exactness"], &of_backup["time"]), (&"or-later".into(), &written["counted_at"]));
    assert_eq!(found["backup_time"], written["counted_at"]);
    assert_eq!(
        (&found["manifests"][0]["continuation"], &found["conflicts"]),
        (&"not-behind".into(), &Value::Array(Vec::new()))
    );
    // Every command takes T from it, and says what may be wrong.
    let scan = halfbuilt(&["scan", "--backup-time"]).args(&[format!("@{}", path.display())]).on(&database).run();
    scan.says("or later, by the time of the manifest of database").says("builds went on until a later one");
}

#[test]
fn a_database_that_lacks_what_the_manifest_had_seen_is_of_an_older_backup() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = TestDatabase::circleci(&["healthy"]);
    let path = manifest(folder.path(), &database, &[]);
    let verify = || halfbuilt(&["verify", "--baseline"]).args(&[&path]).on(&database).run();
    verify().does_not_say("older than the manifest");
    let noted = read(&path)["moment"]["server"]["next_transaction"].as_u64().expect("a number");
    change(&path, "/moment/server/next_transaction", (noted + (1 << 40)).into());
    let found = known(&path, &database);
    assert_eq!(found["manifests"][0]["continuation"], "older-backup");
    let conflict = found["conflicts"][0].as_str().expect("a conflict");
    assert!(conflict.ends_with("it was restored from a backup that is older than the manifest"), "{conflict}");
    let page = halfbuilt(&["times"]).args(&[&path]).on(&database).run().exits(Exit::Clean);
    page.prints("flags to pass, once the contradictions are explained:");
    verify().says("older than the manifest, so T is earlier than that of the baseline");

    // Of another server, nothing can be compared.
    change(&path, "/database/system_identifier", "1".into());
    assert_eq!(known(&path, &database)["manifests"][0]["continuation"], "other-server");
    verify().does_not_say("older than the manifest");
}

#[test]
fn a_manifest_that_was_made_after_its_t_or_by_an_older_release_says_nothing_of_transactions() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = TestDatabase::circleci(&["healthy"]);
    let path = manifest(folder.path(), &database, &["--backup-time", "2026-11-20T02:00:00Z"]);
    change(&path, "/moment/server/next_transaction", (1_u64 << 40).into());
    let found = known(&path, &database);
    assert_eq!(
        (&found["candidates"][0]["exactness"], &found["backup_time"]),
        (&"exact".into(), &"2026-11-20T02:00:00Z".into())
    );
    assert_eq!(found["manifests"][0]["continuation"], "made-after-backup");
    let mut old = read(&path);
    old.as_object_mut().expect("an object").remove("moment");
    std::fs::write(&path, old.to_string()).expect("a file");
    assert_eq!(known(&path, &database)["manifests"][0]["continuation"], "not-noted");
    let verify = halfbuilt(&["verify", "--restored-at", RESTORED_AT, "--baseline"]).args(&[&path]).on(&database).run();
    verify.exits(Exit::Clean).does_not_say("older than the manifest");
}
