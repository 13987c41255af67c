//! `halfbuilt manifest`: what it writes, what it refuses, and that it only reads.

use std::path::Path;

use halfbuilt::drill::Manifest;
use halfbuilt::exit::Exit;
use serde_json::Value;

use crate::support::{BACKUP_TIME, TestDatabase, halfbuilt};
use crate::what_a_person_sees::Says;

const AT: [&str; 2] = ["--backup-time", BACKUP_TIME];

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a manifest")).expect("JSON")
}

#[test]
fn it_counts_what_was_over_by_the_backup() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("before.json");
    let database = TestDatabase::circleci(&["healthy"]);
    let done = halfbuilt(&["manifest", "-o"]).args(&[&path]).args(&AT).on(&database).run().exits(Exit::Clean);
    done.says_all_of("manifest_into_a_file");
    let written = read(&path);
    assert_eq!(written["format"], "halfbuilt-manifest/1");
    assert_eq!(written["profile"]["name"], "circleci");
    assert_eq!(written["backup_time"], BACKUP_TIME);
    assert_eq!(written["database"]["name"], database.name.as_str());
    let over = "stop_time <= '2026-11-20T02:00:00Z' OR lifecycle = 'not_run' AND stop_time IS NULL AND queued_at <= '2026-11-20T02:00:00Z'";
    assert_eq!(written["builds"].to_string(), database.run(&format!("SELECT count(*) FROM builds WHERE {over}")));
    // The same, counted by another query: builds, steps and bytes of each project, and how they ended.
    let rows = database.run(&format!(
        "SELECT username || '/' || reponame, count(*), sum((SELECT count(*) FROM actions AS a WHERE a.build_id = b.build_id)),
                coalesce(sum((SELECT sum(length(message)) FROM output AS o WHERE o.build_id = b.build_id)), 0)
           FROM builds AS b WHERE {over} GROUP BY username, reponame
          ORDER BY (username || '/' || reponame) COLLATE \"C\""
    ));
    let sum = |project: &Value, field: &str| {
        let ranges = project["ranges"].as_array().expect("ranges").iter();
        ranges.map(|range| range[field].as_i64().expect("a number")).sum::<i64>()
    };
    let projects = written["projects"].as_array().expect("projects").iter().filter(|project| project["builds"] != 0);
    let shown: Vec<String> = projects
        .map(|project| {
            let name = project["project"].as_str().expect("a name");
            format!("{name}|{}|{}|{}", project["builds"], sum(project, "steps"), sum(project, "stored"))
        })
        .collect();
    assert_eq!(shown, rows.lines().collect::<Vec<_>>());
}

#[test]
fn two_manifests_of_one_database_are_alike_but_for_the_clock_and_a_copy_of_it_has_the_same_digests() {
    let database = TestDatabase::circleci(&["healthy", "output-gap"]);
    let copy = TestDatabase::circleci(&["healthy", "output-gap"]);
    // Rows in another order, in the tables and in the answers.
    copy.run("CREATE TABLE kept AS SELECT * FROM output ORDER BY md5(output_id::text); TRUNCATE output");
    copy.run("INSERT INTO output (build_id, step, index, first_byte, type, time, message) SELECT build_id, step, index, first_byte, type, time, message FROM kept");
    let projects = |database: &TestDatabase| {
        let done = halfbuilt(&["manifest"]).args(&AT).on(database).run().exits(Exit::Clean);
        serde_json::from_str::<Value>(&done.stdout).expect("JSON")["projects"].clone()
    };
    assert_eq!(projects(&database), projects(&database));
    assert_eq!(projects(&database), projects(&copy));
}

#[test]
fn without_a_backup_time_it_is_the_databases_own_clock_and_what_stopped_just_now_is_left_out() {
    let database = TestDatabase::circleci(&["healthy"]);
    database.run("UPDATE builds SET stop_time = now() - interval '20 seconds' WHERE build_id = (SELECT min(build_id) FROM builds WHERE stop_time < '2026-11-20')");
    let done = halfbuilt(&["manifest"]).on(&database).run().exits(Exit::Clean);
    let done = done.says_all_of("manifest_without_a_backup_time");
    let written: Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!(written["not_covered"]["ended_lately"], 1);
    assert_eq!(written["backup_time"], written["counted_at"]);
    let done = halfbuilt(&["manifest", "--settle", "1s"]).on(&database).run().exits(Exit::Clean);
    done.does_not_say("stopped just before T");
}

#[test]
fn what_cannot_be_known_by_name_is_counted_and_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = folder.path().join("unnamed.sql");
    std::fs::write(
        &profile,
        "-- profile: unnamed\n-- title: builds without a name\n-- relation: build\nSELECT n AS build_key, NULL::text AS build_url, \
         CASE WHEN n > 1 THEN 'a/b' END AS project, CASE WHEN n <> 2 THEN n END::bigint AS build_num, 'finished' AS lifecycle, \
         NULL::text AS status, NULL::timestamptz AS queued_at, NULL::timestamptz AS started_at, CASE WHEN n <> 4 THEN \
         timestamptz '2026-11-20T01:00:00Z' END AS stopped_at FROM generate_series(1, 5) AS n;\n",
    )
    .expect("a file");
    let database = TestDatabase::empty();
    let run = halfbuilt(&["manifest", "--profile"]).args(&[&profile]).args(&AT).on(&database).run().exits(Exit::Clean);
    run.says_all_of("manifest_of_builds_without_a_name");
}

#[test]
fn output_without_a_place_counts_for_nothing_and_nonsense_breaks_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (profile, path) = (folder.path().join("odd.sql"), folder.path().join("before.json"));
    std::fs::write(
        &profile,
        "-- profile: odd\n-- title: pieces of output that cannot be\n-- relation: build\nSELECT n AS build_key, NULL::text AS \
         build_url, 'a/b' AS project, n::bigint AS build_num, 'finished' AS lifecycle, NULL::text AS status, NULL::timestamptz AS \
         queued_at, NULL::timestamptz AS started_at, timestamptz '2026-11-20T01:00:00Z' AS stopped_at FROM generate_series(1, 4) AS n\n\
         -- relation: step\nSELECT 1 AS build_key, 's' AS step_key, NULL::text AS name, NULL::timestamptz AS started_at, \
         NULL::timestamptz AS stopped_at, NULL::boolean AS has_output, NULL::bigint AS output_size, NULL::boolean AS output_closed\n\
         -- relation: chunk\nSELECT given.build_key, 's' AS step_key, given.first, given.next FROM (VALUES (1, 0::bigint, 70::bigint), \
         (1, NULL, 30), (1, 30, NULL), (2, NULL, NULL), (3, 9000000000000000000, -9000000000000000000), (3, 0, 7)) AS given \
         (build_key, first, next);\n",
    )
    .expect("a file");
    let database = TestDatabase::empty();
    let run = halfbuilt(&["manifest", "--profile"]).args(&[&profile]).args(&AT).args(&["-o"]).args(&[&path]);
    run.on(&database).run().exits(Exit::Clean).says_all_of("manifest_of_output_that_cannot_be");
    let range = &read(&path)["projects"][0]["ranges"][0];
    // No piece counts for more than 2^40 bytes, in either direction.
    assert_eq!((&range["steps"], &range["stored"]), (&Value::from(1), &Value::from(70 + 7 - (1_i64 << 40))));
}

#[test]
fn an_empty_database_has_nothing_to_compare_with() {
    let database = TestDatabase::circleci(&[]);
    let done = halfbuilt(&["manifest"]).args(&AT).on(&database).run().exits(Exit::NothingInScope);
    done.says_all_of("manifest_of_an_empty_database");
}

#[test]
fn a_time_that_is_yet_to_come_for_the_database_is_refused() {
    let database = TestDatabase::circleci(&["healthy"]);
    // Within what two clocks may be apart, and yet after what the database can know.
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(3);
    let run = halfbuilt(&["manifest", "--backup-time", &soon.to_string()]).on(&database).run().exits(Exit::Usage);
    run.fails_with("error:").says_all_of("manifest_of_a_time_that_is_yet_to_come");
}

#[test]
fn a_key_signs_and_is_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let [key, short, path] = ["key", "short", "before.json"].map(|name| folder.path().join(name));
    std::fs::write(&key, "s3cret-s3cret-s3cret\n").expect("a file");
    std::fs::write(&short, "s3cret\n").expect("a file");
    let database = TestDatabase::circleci(&["healthy"]);
    let signed = halfbuilt(&["manifest", "-o"]).args(&[&path]).args(&AT).args(&["--key-file"]).args(&[&key]);
    let done = signed.on(&database).run().exits(Exit::Clean).says_all_of("manifest_with_a_key");
    assert_eq!(done.stdout, "");
    assert!(!std::fs::read_to_string(&path).expect("a file").contains("s3cret"));
    assert_eq!(Manifest::read(&path).expect("a manifest").signature.expect("a signature").len(), 64);
    // OpenSSL makes the same signature of the same bytes.
    let mut bare = read(&path);
    bare.as_object_mut().expect("an object").remove("signature");
    let text = std::fs::read_to_string(&path).expect("a file");
    let (document, _) = text.rsplit_once(",\"signature\"").expect("a signature");
    let mac = openssl::pkey::PKey::hmac(b"s3cret-s3cret-s3cret").expect("a key");
    let mut signer = openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &mac).expect("a signer");
    signer.update(format!("{document}}}").as_bytes()).expect("a document");
    let expected: String =
        signer.sign_to_vec().expect("a signature").iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(read(&path)["signature"], expected.as_str());

    let refused = halfbuilt(&["manifest"]).args(&AT).args(&["--key-file"]).args(&[&short]).on(&database).run();
    refused.exits(Exit::Failed).fails_with("error:").says_all_of("manifest_with_a_key_that_is_too_short");
}

#[test]
fn a_run_that_fails_leaves_the_old_manifest() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("before.json");
    std::fs::write(&path, "old").expect("a file");
    let database = TestDatabase::empty();
    halfbuilt(&["manifest", "-o"]).args(&[&path]).args(&AT).on(&database).run().exits(Exit::Failed);
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), "old");
}

#[test]
fn what_stopped_just_now_is_covered_where_nothing_has_to_settle() {
    let database = TestDatabase::circleci(&["healthy"]);
    database.run("UPDATE builds SET stop_time = now() WHERE build_id = (SELECT min(build_id) FROM builds WHERE stop_time IS NOT NULL)");
    let none = halfbuilt(&["manifest", "--settle", "0s"]).on(&database).run().exits(Exit::Clean);
    none.does_not_say("stopped just before T");
    let done = halfbuilt(&["manifest"]).on(&database).run().exits(Exit::Clean);
    done.says("not covered: 1 build: stopped just before T");
    let done = halfbuilt(&["manifest", "--settle=-1s"]).on(&database).run().exits(Exit::Usage);
    done.says_all_of("manifest_with_a_negative_settle");
}
