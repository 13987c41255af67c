//! Documents of a CircleCI Server's API: what is abnormal in them is found, and nothing of a sound server is.

use halfbuilt::exit::Exit;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Report, Run, TIMES, TestDatabase, halfbuilt, psql_pipe, repository};

/// A database with documents, by the names of their fixtures.
pub fn collected(fixtures: &[&str]) -> TestDatabase {
    let database = TestDatabase::empty();
    database.load("sql/documents.sql");
    for fixture in fixtures {
        database.load(&format!("fixtures/circleci-api/{fixture}.sql"));
    }
    database
}

/// A command with this profile and the times of the fixtures.
pub fn with_times(command: &str, database: &TestDatabase) -> Run {
    halfbuilt(&[command, "--profile", "circleci-api"]).args(&TIMES).on(database)
}

/// Puts documents beside those that are there, each under its own number from 1000 on.
pub fn plant(database: &TestDatabase, documents: &[Value]) {
    let rows: Vec<String> = documents.iter().map(|document| format!("($json${document}$json$::jsonb)")).collect();
    let sql = format!(
        "INSERT INTO halfbuilt.document (build_url, collection_id, summary, is_open, listed_at, fetched_at, body, head, steps)
         SELECT 'https://ci.example.com/gh/acme/planted/' || 999 + row_number() OVER (), 1, '{{}}', false, '2026-11-20T09:00:00Z', '2026-11-20T09:05:00Z',
                it::text, it - 'steps', it -> 'steps'
           FROM (VALUES {}) AS planted (it);",
        rows.join(",\n")
    );
    let done = psql_pipe(&database.name, &["-Xq", "-v", "ON_ERROR_STOP=1"], &sql);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn nothing_of_a_sound_server_is_found() {
    let done = with_times("scan", &collected(&["healthy"])).run().exits(Exit::Clean);
    assert_eq!(Report::parse(&done.stdout).rows, [], "{}", done.stderr);
    // Said once: these logs were expired.
    done.says("2 older builds have none").says("profile circleci-api has no relation chunk");
}

#[test]
fn what_a_restore_leaves_is_found_and_nothing_else() {
    let expected = Report::read(&repository("fixtures/circleci-api/damaged.expected.csv"));
    let done = with_times("scan", &collected(&["healthy", "damaged"])).run().exits(Exit::Clean);
    assert_eq!(Report::parse(&done.stdout).without_fingerprints(), expected, "{}", done.stdout);
}

#[test]
fn a_base_url_takes_the_place_of_the_host_alone() {
    let database = collected(&["healthy", "damaged"]);
    let done = with_times("scan", &database).args(&["--base-url", "https://ci2.example.com/"]).run().exits(Exit::Clean);
    let report = Report::parse(&done.stdout);
    assert_eq!(report.row("acme/api", "101")["build_url"], "https://ci2.example.com/gh/acme/api/101");
}

#[test]
fn a_document_that_is_gone_or_of_an_earlier_collection_is_no_build() {
    let database = collected(&["healthy", "damaged"]);
    database.run(
        "INSERT INTO halfbuilt.collection (source, began_at, ended_at, lists_all) VALUES ('https://ci.example.com', now(), now(), true);
         UPDATE halfbuilt.document SET collection_id = 2 WHERE build_url NOT LIKE '%/api/102';
         UPDATE halfbuilt.document SET gone_at = now() WHERE build_url LIKE '%/api/101'",
    );
    let report = Report::parse(&with_times("scan", &database).run().exits(Exit::Clean).stdout);
    let numbers = report.column("build_num");
    assert!(!numbers.contains(&"101") && !numbers.contains(&"102") && numbers.contains(&"103"), "{numbers:?}");
}

/// A finished build with or without steps, that ran for ten minutes.
fn over(hour: i64, has_steps: bool, has_artifacts: bool) -> Value {
    let at = |minute: i64| {
        let first: jiff::Timestamp = "2026-11-10T00:00:00Z".parse().expect("a time");
        (first + jiff::SignedDuration::from_mins(hour * 60 + minute)).to_string()
    };
    let action =
        json!({ "step": 101, "index": 0, "name": "test", "start_time": at(1), "end_time": at(9), "has_output": true });
    json!({
        "username": "acme", "reponame": "planted", "lifecycle": "finished", "status": "success", "outcome": "success",
        "queued_at": at(0), "start_time": at(0), "stop_time": at(10), "has_artifacts": has_artifacts,
        "steps": if has_steps { json!([{ "name": "test", "actions": [action] }]) } else { json!([]) },
    })
}

/// The builds that a scan finds among planted ones, and what it says.
fn lost(documents: &[Value]) -> (Vec<String>, String) {
    let database = collected(&[]);
    database.run(
        "INSERT INTO halfbuilt.collection (source, began_at, ended_at, lists_all) VALUES ('https://ci.example.com', '2026-11-20T09:00Z', now(), true)",
    );
    plant(&database, documents);
    let done = with_times("scan", &database).run().exits(Exit::Clean);
    let report = Report::parse(&done.stdout);
    assert_eq!(report.count("reasons", "relation-empty"), report.rows.len(), "{}", done.stdout);
    (report.column("build_num").into_iter().map(str::to_owned).collect(), done.stderr)
}

#[test]
fn logs_that_the_ci_itself_expired_are_no_loss() {
    for expired in [2, 30] {
        let documents: Vec<Value> = (0..40).map(|hour| over(hour, hour >= expired, hour >= expired)).collect();
        let (found, said) = lost(&documents);
        assert_eq!(found, Vec::<String>::new(), "{said}");
        assert!(said.contains(&format!("{expired} older builds")), "{said}");
    }
}

#[test]
fn steps_that_were_lost_are_a_loss_all_the_same() {
    // In the middle; and among the oldest, where the document says that nothing of it was expired.
    for (lost_hours, has_artifacts) in [(20..23, false), (0..2, true)] {
        let documents: Vec<Value> =
            (0..40).map(|hour| over(hour, !lost_hours.contains(&hour), has_artifacts || hour % 2 == 0)).collect();
        let (found, said) = lost(&documents);
        let expected: Vec<String> = lost_hours.map(|hour| (1000 + hour).to_string()).collect();
        assert_eq!(found, expected, "{said}");
    }
}

#[test]
fn services_that_stay_open_make_no_habit_of_it() {
    let database = collected(&["healthy", "damaged"]);
    let service = |hour: i64| {
        let mut document = over(hour, true, true);
        let action = json!({ "step": 1, "name": "Container db", "start_time": document["start_time"], "end_time": null,
                             "status": "running", "background": true, "insignificant": true, "has_output": true });
        document["steps"].as_array_mut().expect("steps").push(json!({ "name": "Container db", "actions": [action] }));
        document
    };
    plant(&database, &(0..60).map(service).collect::<Vec<_>>());
    let done = with_times("scan", &database).run().exits(Exit::Clean);
    let report = Report::parse(&done.stdout);
    let cut = report.row("acme/api", "106");
    assert_eq!((cut["reasons"].as_str(), cut["deletable"].as_str()), ("step-unfinished", "yes"), "{cut:?}");
    assert!(!cut["evidence"].contains("Container"), "{cut:?}");
    assert_eq!(report.count("project", "acme/planted"), 0, "{}", done.stdout);
}

#[test]
fn a_build_is_as_old_as_its_document_says() {
    let database = collected(&["healthy"]);
    // Started after R, and silent since: for a moment when it was fetched, for weeks by now.
    let running = |hours: i64| {
        let start: jiff::Timestamp = "2026-11-20T09:00:00Z".parse().expect("a time");
        let start = (start - jiff::SignedDuration::from_hours(hours)).to_string();
        json!({ "username": "acme", "reponame": "planted", "lifecycle": "running", "status": "running", "outcome": null,
                "queued_at": start, "start_time": start, "stop_time": null, "steps": [] })
    };
    plant(&database, &[running(2), running(1)]);
    let arguments = [["--max-run-time", "90min"].as_slice(), &TIMES].concat();
    let scan =
        halfbuilt(&["scan", "--profile", "circleci-api"]).args(&arguments).on(&database).run().exits(Exit::Clean);
    let report = Report::parse(&scan.stdout);
    assert_eq!(report.column("build_num"), ["1000"], "{}", scan.stdout);
}

/// What may stand in a field: anything, and above all what looks like a time or a number and is none.
fn anything() -> impl Strategy<Value = Value> {
    let odd = prop::sample::select(vec![
        "0000-01-01T00:00:00Z",
        "0000-02-29T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2000-02-29T23:59:59.999999999Z",
        "2026-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20T23:59:60Z",
        "9999-12-31T23:59:59-14:59",
        "2026-11-20T01:00:00+15:00",
        "2026-11-20T01:00:00.1234567890123456789012345678901234567890Z",
        "2026-11-20",
        "infinity",
        "now",
        "2026-11-20T01:00:00",
        "٢٠٢٦-11-20T01:00:00Z",
        "2026-11-20T01:00:00Z",
        "true",
        "",
        "99999999999999999999",
        "-1",
        "1e400",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        Just(json!(9_223_372_036_854_i64)),
        odd.prop_map(Value::from),
        "[^\u{0}]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("(step|actions|name|start_time)", inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

/// A document in which each field may be anything.
fn document() -> impl Strategy<Value = Value> {
    const FIELDS: [&str; 13] = [
        "build_num",
        "username",
        "reponame",
        "lifecycle",
        "status",
        "outcome",
        "canceled",
        "dont_build",
        "usage_queued_at",
        "queued_at",
        "start_time",
        "stop_time",
        "has_artifacts",
    ];
    const OF_ACTIONS: [&str; 9] =
        ["step", "index", "name", "start_time", "end_time", "background", "insignificant", "has_output", "output_url"];
    let sound = prop::option::of(prop::sample::select(vec!["running", "queued", "scheduled", "finished", "not_run"]));
    let fields = prop::collection::vec(anything(), FIELDS.len());
    let actions = prop::collection::vec(prop::collection::vec(anything(), OF_ACTIONS.len()), 0..3);
    let object = |names: &[&str], values: Vec<Value>| {
        Value::Object(names.iter().map(|name| (*name).to_owned()).zip(values).collect())
    };
    let whole = (sound, fields, actions).prop_map(move |(lifecycle, fields, actions)| {
        let mut document = object(&FIELDS, fields);
        if let Some(lifecycle) = lifecycle {
            document["lifecycle"] = lifecycle.into();
        }
        let actions: Vec<Value> = actions.into_iter().map(|values| object(&OF_ACTIONS, values)).collect();
        document["steps"] = json!([{ "name": "a", "actions": actions }, { "actions": 5 }, 7]);
        document
    });
    (whole, prop::option::weighted(0.2, anything())).prop_map(|(mut document, steps)| {
        if let Some(steps) = steps {
            document["steps"] = steps;
        }
        document
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, max_shrink_iters: 20, ..ProptestConfig::default() })]
    #[test]
    fn no_value_of_a_document_ends_a_scan(documents in prop::collection::vec(document(), 300)) {
        let database = collected(&["healthy", "damaged"]);
        plant(&database, &documents);
        database.run("UPDATE halfbuilt.document SET head = to_jsonb(5) WHERE build_url LIKE '%/planted/1001'; UPDATE halfbuilt.document SET head = '[{}]' WHERE build_url LIKE '%/planted/1002'; UPDATE halfbuilt.document SET steps = '5', head = 'null' WHERE build_url LIKE '%/planted/1003'");
        let done = with_times("scan", &database).run().exits(Exit::Clean);
        let report = Report::parse(&done.stdout);
        // What was found before is found still, and what cannot be read makes nothing deletable.
        prop_assert_eq!(report.row("acme/api", "101")["deletable"].as_str(), "yes");
    }
}
