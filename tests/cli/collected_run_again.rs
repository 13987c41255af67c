//! What `delete` says of the builds that it deleted, so that somebody can run them again.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;

use halfbuilt::exit::Exit;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::collected_builds::{collected, plant};
use crate::collected_delete::Case;
use crate::support::{Report, Seen, Signal, TestDatabase, psql_pipe, repository, signal, wait_until};
use crate::what_a_person_sees::shows;

pub(crate) const CSV: &str = "report.csv.run-again.csv";
pub(crate) const PAGE: &str = "report.csv.run-again.md";
const JOURNAL: &str = "report.csv.journal.jsonl";

impl Case {
    pub(crate) fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.folder.path().join(name).exists()
    }

    /// The rows of the list, by their addresses.
    pub(crate) fn list(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let rows = Report::read(&self.folder.path().join(CSV)).rows;
        rows.into_iter().map(|row| (row["build_url"].clone(), row.into_iter().collect())).collect()
    }

    pub(crate) fn listed(&self) -> BTreeSet<String> {
        self.list().into_keys().collect()
    }

    /// The builds that the results call deleted.
    fn deleted(&self) -> BTreeSet<String> {
        self.states().into_iter().filter(|(_, state)| state == "deleted").map(|(build, _)| build).collect()
    }

    /// A file without this run's port.
    fn seen(&self, name: &str) -> Seen {
        let text = self.file(name).replace(&self.host(), "ci.acme.example").replace('\r', "");
        Seen(format!("{name}\n{text}"))
    }
}

/// A build by its document, as somebody would look it up by hand.
fn by_hand(build: &str, document: &Value) -> [(&'static str, String); 10] {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let or = |first: String, second: String| if first.is_empty() { second } else { first };
    let tag = text(&document["vcs_tag"]);
    let tag = if tag.is_empty() { tag } else { format!("refs/tags/{tag}") };
    let started_by =
        if document["user"]["is_user"] == json!(false) { Value::Null } else { document["user"]["login"].clone() };
    [
        ("build_url", build.to_owned()),
        ("project", format!("{}/{}", text(&document["username"]), text(&document["reponame"]))),
        ("build_num", build.rsplit('/').next().expect("a number").to_owned()),
        ("branch", or(text(&document["branch"]), tag)),
        ("commit", text(&document["vcs_revision"])),
        ("workflow", text(&document["workflows"]["workflow_name"])),
        ("job", or(text(&document["workflows"]["job_name"]), text(&document["build_parameters"]["CIRCLE_JOB"]))),
        ("started_by", text(&started_by)),
        ("subject", text(&document["subject"])),
        ("queued_at", or(text(&document["queued_at"]), text(&document["usage_queued_at"]))),
    ]
}

#[test]
fn what_was_deleted_is_listed_as_its_documents_say() {
    let case = Case::small();
    let chosen = case.deletable();
    let documents: BTreeMap<String, Value> =
        chosen.iter().map(|build| (build.clone(), case.collection.server.document(build).json())).collect();
    case.delete(&[]).run().exits(Exit::Clean).does_not_say("run again");
    assert!(!case.has(CSV) && !case.has(PAGE), "a dry run writes nothing");
    let done = case.execute(&[]).run().exits(Exit::Clean);
    done.says(&format!("what to run again is in {CSV} and {PAGE}: {} builds", chosen.len()))
        .does_not_print("run-again");
    let list = case.list();
    assert_eq!(case.listed(), chosen);
    for (build, document) in &documents {
        let expected: BTreeMap<String, String> =
            by_hand(build, document).into_iter().map(|(column, cell)| (column.to_owned(), escaped(&cell))).collect();
        assert_eq!(list[build], expected, "{document}");
    }
    let of = |name: &str| case.folder.path().join(name).metadata().expect("a file").permissions().mode() & 0o777;
    assert_eq!([of(CSV), of(PAGE)], [of(JOURNAL); 2]);
    assert_eq!(of(CSV) & 0o027, 0, "nobody else reads or writes it");
    let page = case.file(PAGE);
    assert!(chosen.iter().all(|build| page.contains(&format!("| {} |", build.rsplit('/').next().expect("a number")))));
}

/// As the program shows what is no plain text.
fn escaped(text: &str) -> String {
    let plain = |c: char| matches!(c, '\\' | '\'' | '"');
    let shown = text.chars().flat_map(|c| if plain(c) { vec![c] } else { c.escape_debug().collect() });
    shown.collect::<String>().trim().to_owned()
}

#[test]
fn both_files_are_for_people() {
    let case = Case::small();
    case.execute(&["--project", "acme/*"]).run().exits(Exit::Clean);
    shows(&case.seen(CSV).then(case.seen(PAGE)), "collected_run_again");
}

#[test]
fn the_list_is_of_the_whole_journal_however_a_run_ended() {
    let case = Case::small();
    let chosen = case.deletable();
    let of_journal = |word: &str| {
        std::fs::read_to_string(case.folder.path().join(JOURNAL)).unwrap_or_default().matches(word).count()
    };
    // Slow enough to be seen at work on any machine.
    let slowly = ["--jobs", "1", "--rate", "1"];
    // Killed: after something was proved, and while something was under way.
    let mut run = case.execute(&slowly).start();
    wait_until(|| {
        of_journal(r#""state":"deleted""#) > 0 && of_journal(r#""event":"intent""#) > of_journal(r#""event":"result""#)
    });
    signal(&run, Signal::SIGKILL);
    run.wait().expect("it has ended");
    assert!(!case.has(CSV), "it was killed before it came to that");
    let before = of_journal(r#""state":"deleted""#);
    assert!(before < chosen.len(), "it was killed too late");
    // Interrupted: the list is of both runs.
    let mut run = case.execute(&slowly).start();
    wait_until(|| of_journal(r#""state":"deleted""#) > before);
    signal(&run, Signal::SIGINT);
    let code = run.wait().expect("it ends").code();
    assert_eq!(code, Some(Exit::Interrupted as i32));
    let some = case.listed();
    assert_eq!(some, case.deleted());
    assert!(some.len() > before && some.len() < chosen.len(), "{} of {}", some.len(), chosen.len());
    // Continued.
    case.execute(&[]).run().exits(Exit::Clean).says(&format!("{CSV} and {PAGE}: {} builds", chosen.len()));
    assert_eq!(case.listed(), chosen);
    let whole = [case.file(CSV), case.file(PAGE)];
    // Killed after the last proof, before the list: nothing is left to delete, and the list is written all the same.
    [CSV, PAGE].iter().for_each(|file| std::fs::remove_file(case.folder.path().join(file)).expect("it was there"));
    let journal = case.file(JOURNAL);
    case.execute(&[]).run().exits(Exit::Clean).says("what to run again is in ");
    assert_eq!([case.file(CSV), case.file(PAGE)], whole);
    assert_eq!(case.file(JOURNAL), journal);
}

#[test]
fn a_build_that_is_gone_is_listed_even_if_its_document_cannot_be_had_or_is_lost() {
    let case = Case::small();
    let some = ["--project", "acme/*"];
    case.execute(&some).run().exits(Exit::Clean);
    let (list, page) = (case.list(), case.file(PAGE));
    let mut builds = list.keys().cloned();
    let (troubled, lost) = (builds.next().expect("one"), builds.next().expect("another"));
    // A collection that was interrupted goes on, and gets no answer of a build that is gone.
    case.collection.database.run("UPDATE halfbuilt.collection SET ended_at = NULL");
    let path = case.collection.server.document_path(&troubled);
    case.collection.server.behave(&[("answer", "500"), ("on", "document"), ("path", &path)]);
    case.collection.collect(&["--all"]).run();
    assert!(case.collection.addresses("trouble IS NOT NULL").contains(&troubled));
    case.collection.server.reset();
    // The addresses are those of another spelling.
    let spelled = lost.replacen("/gh/", "/github/", 1);
    assert_ne!(spelled, lost);
    let rename = "ALTER TABLE halfbuilt.output DROP CONSTRAINT output_build_url_fkey;
                  ALTER TABLE halfbuilt.artifact DROP CONSTRAINT artifact_build_url_fkey;";
    let update = format!("UPDATE halfbuilt.document SET build_url = '{spelled}' WHERE build_url = '{lost}'");
    case.collection.database.run(&format!("{rename} {update}"));
    case.execute(&some).run();
    let again = case.list();
    assert_eq!(again[&troubled], list[&troubled]);
    assert_eq!(again[&spelled]["commit"], list[&lost]["commit"]);
    assert_eq!(again.len(), list.len());
    // Lost: its address is what is known of it.
    case.collection.database.run(&format!("DELETE FROM halfbuilt.document WHERE build_url = '{spelled}'"));
    case.execute(&some).run();
    let row = &case.list()[&lost];
    assert_eq!(
        (row["project"].as_str(), row["commit"].as_str(), row["branch"].as_str()),
        (list[&lost]["project"].as_str(), "", "")
    );
    assert_eq!(row["build_num"], list[&lost]["build_num"]);
    assert_eq!(case.list().len(), list.len());
    assert_eq!(
        page.lines().filter(|line| line.starts_with("| ")).count(),
        case.file(PAGE).lines().filter(|line| line.starts_with("| ")).count()
    );
}

/// The section of the profile that ships, of all builds of a database; its rows as JSON.
fn section(database: &TestDatabase) -> Vec<Value> {
    let profile = std::fs::read_to_string(repository("sql/profiles/circleci-api.sql")).expect("a profile");
    let sql =
        profile.split_once("-- run-again: documents\n").expect("the section").1.trim().trim_end_matches(';').to_owned();
    let sql =
        sql.replace("$1", "(SELECT array_agg(build_url) FROM halfbuilt.document)").replace(":\"schema\"", "halfbuilt");
    let json = format!("SELECT json_agg(row_to_json(listed)) FROM ({sql}) AS listed;");
    let done = psql_pipe(&database.name, &["-XqtA", "-v", "ON_ERROR_STOP=1"], &json);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let rows: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    rows.as_array().expect("rows").clone()
}

/// What may stand in a field.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        "[^\u{0}]{0,12}".prop_map(Value::from),
        "[=+@|`<\n\r\t\u{1b}\u{202e}-]{1,6}".prop_map(Value::from),
        Just(json!("x".repeat(5000))),
    ];
    let names = "(login|is_user|workflow_name|job_name|CIRCLE_JOB)";
    leaf.prop_recursive(2, 6, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map(names, inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn document() -> impl Strategy<Value = Value> {
    let names = "(username|reponame|branch|vcs_tag|vcs_revision|workflows|job_name|build_parameters|user|subject|queued_at|usage_queued_at)";
    let fields = prop::collection::hash_map(names, anything(), 0..12).prop_map(|fields| json!(fields));
    prop_oneof![9 => fields, 1 => anything()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, max_shrink_iters: 20, ..ProptestConfig::default() })]
    #[test]
    fn no_value_of_a_document_ends_the_list(documents in prop::collection::vec(document(), 300)) {
        let database = collected(&["healthy"]);
        // What is no object has no steps to be taken out.
        let objects: Vec<Value> = documents.iter().map(|document| if document.is_object() { document.clone() } else { json!({}) }).collect();
        plant(&database, &objects);
        let mut update = String::new();
        for (place, document) in documents.iter().enumerate().filter(|(_, document)| !document.is_object()) {
            update += &format!("UPDATE halfbuilt.document SET head = $json${document}$json$ WHERE build_url LIKE '%/planted/{}';", 1000 + place);
        }
        let done = psql_pipe(&database.name, &["-Xq", "-v", "ON_ERROR_STOP=1"], &update);
        prop_assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        database.run("UPDATE halfbuilt.document SET head = NULL WHERE build_url LIKE '%/planted/1007'");
        let rows = section(&database);
        for (place, document) in objects.iter().enumerate() {
            let build = format!("https://ci.example.com/gh/acme/planted/{}", 1000 + place);
            let found: Vec<&Value> = rows.iter().filter(|row| row["build_url"] == build.as_str()).collect();
            prop_assert_eq!(found.len(), 1, "{}", document);
            prop_assert_eq!(&found[0]["build_num"], &json!((1000 + place).to_string()));
            // Only a text is taken for one.
            if documents[place].is_object() && place != 7 {
                let expected = document["vcs_revision"].as_str().filter(|text| !text.is_empty());
                let expected = expected.map(|text| text.chars().take(1001).collect::<String>());
                prop_assert_eq!(found[0]["commit"].as_str(), expected.as_deref());
            }
        }
    }
}

#[test]
fn hostile_text_of_a_document_is_text_in_both_files() {
    let case = Case::small();
    let some = ["--project", "acme/*"];
    case.execute(&some).run().exits(Exit::Clean);
    let hostile = json!({
        "branch": "=cmd|' /C calc'!A0", "vcs_revision": "`x` | <script>\n", "subject": "\u{1b}[31m @everyone \u{202e}evil\r\n## title",
        "user": { "login": "+1|" }, "workflows": { "workflow_name": "-2", "job_name": "[a](http://evil.example)" },
    });
    let build = case.listed().into_iter().next().expect("one");
    case.collection
        .database
        .run(&format!("UPDATE halfbuilt.document SET head = $json${hostile}$json$ WHERE build_url = '{build}'"));
    case.execute(&some).run().exits(Exit::Clean);
    let row = &case.list()[&build];
    assert_eq!(row["branch"], "'=cmd|' /C calc'!A0");
    assert_eq!((row["started_by"].as_str(), row["workflow"].as_str()), ("'+1|", "'-2"));
    assert_eq!(row["subject"], "\\u{1b}[31m @everyone \\u{202e}evil\\r\\n## title");
    let page = case.file(PAGE);
    let shown: Vec<&str> = page.lines().filter(|line| line.contains("everyone")).collect();
    assert_eq!(shown.len(), 1, "{page}");
    assert_eq!(shown[0].matches(" | ").count() + 2, 9, "{}", shown[0]);
    for never in ["<script", "@everyone", "[a](", "\u{1b}", "\u{202e}", "`x`"] {
        assert!(!page.contains(never), "{never:?} in {page}");
    }
}
