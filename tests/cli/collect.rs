//! `collect`: what is fetched, what is kept, and what is stored of it.

use std::collections::{BTreeMap, BTreeSet};

use halfbuilt::exit::Exit;

use crate::support::{API_TOKEN, Collection, Report, Seen, StandIn, TIMES, TestDatabase, USER_TOKEN};
use crate::what_a_person_sees::shows;

/// The kinds of damage that no document shows: only the bucket does.
const IN_THE_BUCKET: [&str; 2] = ["output-lost", "artifact-lost"];

fn small() -> Collection {
    Collection::of(StandIn::small())
}

#[test]
fn all_builds_are_collected_as_they_are() {
    let collection = small();
    let done = collection.collect(&["--all"]).run().exits(Exit::Clean);
    shows(&Seen::of("halfbuilt collect http://127.0.0.1:8080 --all --into ...", &done), "collect_all");
    assert_eq!(collection.fetched(), collection.there());
    // As the server said it, but for what must not be stored.
    let cut = regex::Regex::new(r#"("output_url":"[^"?]*)\?[^"]*"#).expect("a pattern");
    for kind in ["success", "odd-names", "large", "retries-491", "one-oh", "secret"] {
        let build = collection.server.one(kind);
        let heard = collection.server.document(&build).text();
        let stored =
            collection.database.run(&format!("SELECT body FROM halfbuilt.document WHERE build_url = '{build}'"));
        assert_eq!(stored, cut.replace_all(&heard, "$1").trim_end(), "{kind}");
    }
    let read = "SELECT count(*), count(head), count(steps) FROM halfbuilt.document";
    let builds = collection.there().len();
    assert_eq!(collection.database.run(read), format!("{builds}|{builds}|{builds}"));
    // No key of the bucket is stored, and the token has gone nowhere else.
    let keys = "SELECT count(*) FROM halfbuilt.document WHERE body LIKE '%X-Amz-Signature%' OR head::text LIKE '%X-Amz-%' OR steps::text LIKE '%X-Amz-%'";
    assert_eq!(collection.database.run(keys), "0");
    assert!(!done.stderr.contains(API_TOKEN));
}

#[test]
fn what_is_over_long_before_the_backup_is_left_out_and_what_is_open_is_not() {
    let collection = small();
    collection.collect(&TIMES).run().exits(Exit::Clean);
    let fetched: BTreeSet<String> = collection.fetched().into_iter().collect();
    // Told by the documents themselves: open, or at work in the five hours before T, or later.
    let since = "2026-11-19T21:00:00";
    let wanted: BTreeSet<String> = collection
        .there()
        .into_iter()
        .filter(|build| {
            let text = collection.server.document(build).text().replace("\\ud83d", "?");
            let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let word = |name: &str| document[name].as_str();
            let is_over = !document["outcome"].is_null()
                || word("stop_time").is_some()
                || word("dont_build").is_some()
                || word("status") == Some("not_run")
                || document["canceled"] == true;
            // What is shown as running is collected, whatever else it says.
            let open = !is_over || word("lifecycle") == Some("running");
            let times = ["queued_at", "usage_queued_at", "start_time", "stop_time"].map(word);
            open || times.into_iter().flatten().any(|time| time >= since) || times.iter().all(Option::is_none)
        })
        .collect();
    assert_eq!(fetched, wanted);
    assert!(fetched.len() < collection.there().len());
}

#[test]
fn a_second_run_fetches_what_may_have_changed_and_keeps_the_rest() {
    let collection = small();
    collection.collect(&["--all"]).run().exits(Exit::Clean);
    let open = collection.addresses("is_open").len();
    let ended = collection.server.one("live-running");
    collection.server.set("end", &[("url", &ended)]);
    let before = documents_asked(&collection);
    let done = collection.collect(&["--all"]).run().exits(Exit::Clean);
    done.says(&format!("{open} builds listed to be fetched"));
    // What has ended since is fetched because the list says so.
    assert_eq!(documents_asked(&collection) - before, open);
    let lifecycle = format!("SELECT head ->> 'lifecycle' FROM halfbuilt.document WHERE build_url = '{ended}'");
    assert_eq!(collection.database.run(&lifecycle), "finished");
    // Documents from before R say nothing of the restored server.
    let later = (jiff::Timestamp::now() - jiff::SignedDuration::from_secs(1)).to_string();
    let all = collection.there().len();
    std::thread::sleep(std::time::Duration::from_millis(1));
    let times = ["--all", "--backup-time", TIMES[1], "--restored-at", &later];
    collection.database.run("UPDATE halfbuilt.document SET fetched_at = '2026-11-20T06:00:00Z'");
    collection.collect(&times).run().exits(Exit::Clean).says(&format!("{all} builds listed to be fetched"));
}

fn documents_asked(collection: &Collection) -> usize {
    let is_document = |call: &&String| call.contains(" /api/v1.1/project/") && !call.contains("/output/");
    collection.server.calls().iter().filter(is_document).count()
}

#[test]
fn what_was_collected_is_judged_by_the_rules_that_stand() {
    let collection = small();
    collection.collect(&["--all"]).run().exits(Exit::Clean);
    let folder = tempfile::tempdir().expect("a folder");
    collection.reads(&["scan", "-o", "report.csv"]).at(folder.path()).run().exits(Exit::Clean);
    let report = Report::read(&folder.path().join("report.csv"));
    let found: BTreeMap<&str, &str> =
        report.rows.iter().map(|row| (row["build_url"].as_str(), row["deletable"].as_str())).collect();
    for build in collection.server.truth() {
        let shows = build.damaged && !IN_THE_BUCKET.contains(&build.kind.as_str());
        assert_eq!(found.contains_key(build.build_url.as_str()), shows, "{build:?}");
        if build.deletable != "-" && shows {
            assert_eq!(found[build.build_url.as_str()], build.deletable, "{build:?}");
        }
    }
}

#[test]
fn whether_output_can_be_had_is_looked_at_of_what_the_backup_may_have_cut() {
    let collection = small();
    collection.collect(&TIMES).args(&["--output"]).run().exits(Exit::Clean);
    let database = &collection.database;
    let states = database.run("SELECT DISTINCT state FROM halfbuilt.output ORDER BY 1");
    assert!(states.contains("there"), "{states}");
    let whole = "SELECT count(*) FROM halfbuilt.output WHERE state = 'there' AND (size IS NULL OR messages IS NULL OR last_at < first_at OR sha256 !~ '^[0-9a-f]{64}$')";
    assert_eq!(database.run(whole), "0");
    // Of builds in question alone, and none of it with a key or the token.
    let others = "SELECT count(*) FROM halfbuilt.output JOIN halfbuilt.document USING (build_url)
                   WHERE NOT is_open AND NOT (head ->> 'start_time' <= '2026-11-20T02:00:00Z' AND coalesce(head ->> 'stop_time', '9') > '2026-11-20T02')";
    assert_eq!(database.run(others), "0");
    assert_eq!(database.run("SELECT count(*) FROM halfbuilt.artifact WHERE url LIKE '%?%'"), "0");
    let bucket: Vec<String> = collection.server.calls().into_iter().filter(|call| call.contains(" bucket ")).collect();
    assert!(!bucket.is_empty() && bucket.iter().all(|call| !call.ends_with(" token")), "{bucket:?}");
}

#[test]
fn a_user_who_is_no_administrator_sees_a_part_and_it_is_said() {
    let collection = small();
    let done = collection.collect(&["--all"]).env("HALFBUILT_TOKEN", USER_TOKEN).run().exits(Exit::Clean);
    done.says("only builds of projects that").says("follows are collected");
    let fetched = collection.fetched();
    assert!(!fetched.is_empty() && fetched.len() < collection.there().len());
    assert_eq!(collection.database.run("SELECT lists_all FROM halfbuilt.collection"), "f");
}

#[test]
fn the_token_may_stand_in_a_file_and_the_certificate_may_be_ones_own() {
    let collection = small();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{API_TOKEN}\n")).expect("it is written");
    let run = collection.collect_from(&collection.server.https(), &TIMES).env("HALFBUILT_TOKEN", "");
    let run = run.args(&["--token-file", file.to_str().expect("a path"), "--ca-file", collection.server.ca_file()]);
    run.run().exits(Exit::Clean);
    assert!(!collection.fetched().is_empty());
}

#[test]
fn what_was_collected_can_be_removed() {
    let collection = small();
    collection.collect(&TIMES).run().exits(Exit::Clean);
    let into = format!("dbname={}", collection.database.name);
    let forget = || crate::support::halfbuilt(&["collect", "--forget", "--into", &into]).on(&collection.database).run();
    forget().exits(Exit::Clean).says("the documents are removed: schema halfbuilt");
    assert_eq!(collection.database.run("SELECT to_regnamespace('halfbuilt') IS NULL"), "t");
    forget().exits(Exit::Clean).says("nothing to forget: there is no schema halfbuilt");
    // A schema of the same name that is somebody else's stays.
    collection.database.run("CREATE SCHEMA halfbuilt; CREATE TABLE halfbuilt.document (mine int)");
    forget().exits(Exit::Failed).fails_with("holds no documents of this program's format");
    collection.collect(&TIMES).run().exits(Exit::Failed).fails_with("holds no documents of this program's format");
    assert_eq!(collection.database.run("SELECT count(*) FROM halfbuilt.document"), "0");
}

#[test]
fn an_administrator_may_make_the_tables() {
    let collection = small();
    let TestDatabase { name, .. } = &collection.database;
    collection.database.run(&format!("CREATE ROLE collector_{name} LOGIN PASSWORD 'collector'"));
    let into = format!("dbname={name} user=collector_{name} password=collector");
    let run = || {
        let run = crate::support::halfbuilt(&["collect", &collection.server.http(), "--into", &into]).args(&TIMES);
        run.env("HALFBUILT_TOKEN", API_TOKEN).envs(&crate::support::server_variables(name)).run()
    };
    let done = run().exits(Exit::Failed).fails_with("may not make the schema halfbuilt");
    done.says("hint: have an administrator run `halfbuilt sql documents`");
    let tables = crate::support::halfbuilt(&["sql", "documents"]).run().exits(Exit::Clean).stdout;
    collection.database.run(&tables);
    run().exits(Exit::Failed).fails_with("may not read and write the tables of schema halfbuilt");
    let grants = tables.lines().filter(|line| line.starts_with("--        GRANT")).map(|line| &line[10..]);
    let grants = grants.collect::<String>().replace("collector", &format!("collector_{name}"));
    assert!(!grants.is_empty());
    collection.database.run(&grants);
    run().exits(Exit::Clean);
}
