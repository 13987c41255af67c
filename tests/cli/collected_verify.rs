//! `verify` of builds that were collected: the abnormal ones are fetched again, so that the verdict is of what is there now.

use std::collections::BTreeSet;

use halfbuilt::exit::Exit;
use serde_json::Value;

use crate::support::{API_TOKEN, Collection, Report, Run, StandIn, USER_TOKEN, halfbuilt};

/// A collection of a small server.
fn collected() -> Collection {
    let collection = Collection::of(StandIn::small());
    collection.collect(&["--all"]).run().exits(Exit::Clean);
    collection
}

/// A verdict that asks the server again.
fn verify(collection: &Collection, arguments: &[&str]) -> Run {
    let run = collection.reads(&["verify", "--source", &collection.server.http()]).args(arguments);
    run.env("HALFBUILT_TOKEN", API_TOKEN)
}

/// The addresses of the abnormal builds, by what was collected.
fn abnormal(collection: &Collection, folder: &std::path::Path) -> BTreeSet<String> {
    let file = folder.join("abnormal.csv");
    collection.reads(&["scan"]).args(&["-o", file.to_str().expect("UTF-8")]).run().exits(Exit::Clean);
    Report::read(&file).rows.iter().map(|row| row["build_url"].clone()).collect()
}

#[test]
fn the_verdict_is_of_what_is_there_now() {
    let (collection, folder) = (collected(), tempfile::tempdir().expect("a folder"));
    let abnormal = abnormal(&collection, folder.path());
    let mut some = abnormal.iter();
    let (gone, left) = (some.next().expect("one"), some.next().expect("another"));
    // Somebody deletes all but one by hand.
    for build in abnormal.iter().filter(|build| *build != left) {
        collection.server.set("delete", &[("url", build)]);
    }
    let calls = collection.server.calls().len();
    let without = collection.reads(&["verify", "-o", "without.csv"]).env("HALFBUILT_TOKEN", "").at(folder.path());
    without.run().exits(Exit::Found).says(
        "what has become of abnormal builds since they were collected (no token was given, by which they could be fetched again: \
         --token-file FILE)",
    );
    assert_eq!(Report::read(&folder.path().join("without.csv")).rows.len(), abnormal.len());
    assert_eq!(collection.server.calls().len(), calls, "nobody was asked");
    let done = verify(&collection, &["-o", "now.csv", "--json", "now.json"]).at(folder.path()).run().exits(Exit::Found);
    let number = abnormal.len();
    done.does_not_say("since they were collected").says(&format!(
        "{number} builds fetched again from {}; {} builds are not there any more",
        collection.server.http(),
        number - 1
    ));
    let rows = Report::read(&folder.path().join("now.csv")).rows;
    assert_eq!(rows.iter().map(|row| row["build_url"].as_str()).collect::<Vec<_>>(), [left.as_str()]);
    // And the last one: nothing is found any more.
    collection.server.set("delete", &[("url", left)]);
    let done = verify(&collection, &[]).run().exits(Exit::Clean);
    done.says(&format!(
        "{number} builds fetched again from {}; {number} builds are not there any more\n",
        collection.server.http()
    ));
    let tombs = collection.addresses("gone_at IS NOT NULL");
    assert!(tombs.contains(gone) && tombs.contains(left));
}

/// As a second restore does.
#[test]
fn what_was_deleted_and_is_there_again_is_found() {
    let (collection, folder) = (collected(), tempfile::tempdir().expect("a folder"));
    let abnormal = abnormal(&collection, folder.path());
    for build in &abnormal {
        collection.server.set("delete", &[("url", build)]);
    }
    verify(&collection, &[]).run().exits(Exit::Clean).says("are not there any more");
    for build in &abnormal {
        collection.server.set("restore", &[("url", build)]);
    }
    let done = verify(&collection, &["-o", "back.csv"]).at(folder.path()).run().exits(Exit::Found);
    done.says(&format!("; {} builds are there again", abnormal.len()));
    let rows = Report::read(&folder.path().join("back.csv")).rows;
    assert_eq!(rows.iter().map(|row| row["build_url"].clone()).collect::<BTreeSet<_>>(), abnormal);
}

#[test]
fn a_build_that_cannot_be_fetched_again_is_no_verdict() {
    for answer in ["403", "404", "github-404", "html", "500"] {
        let (collection, folder) = (collected(), tempfile::tempdir().expect("a folder"));
        let build = abnormal(&collection, folder.path()).into_iter().next().expect("one");
        let path = collection.server.document_path(&build);
        collection.server.behave(&[("answer", answer), ("on", "document"), ("path", &path)]);
        let done = verify(&collection, &["--json", "now.json"]).at(folder.path()).run().exits(Exit::Failed);
        done.says("1 abnormal build as now");
        let verdict = std::fs::read_to_string(folder.path().join("now.json")).expect("a file");
        let verdict: Value = serde_json::from_str(&verdict).expect("JSON");
        assert_eq!(verdict["exit_code"], 3, "{answer}");
        assert_ne!(verdict["verdict"], "clean", "{answer}");
        assert!(!collection.addresses("gone_at IS NOT NULL").contains(&build), "{answer}");
    }
}

/// Has the server answer for a build, or for all of a project, as for a number that never was.
fn lose(collection: &Collection, build_or_project: &str) {
    collection.server.behave(&[("answer", "lost"), ("on", "document"), ("path", build_or_project)]);
}

fn verdict_of_one_unknown(collection: &Collection, build: &str) {
    let done = verify(collection, &[]).run().exits(Exit::Failed).says("1 abnormal build as now");
    done.says("verdict: could not look at all builds; as far as it could be read, ");
    assert!(!collection.addresses("gone_at IS NOT NULL").iter().any(|gone| gone == build), "{build}");
}

#[test]
fn a_build_that_the_list_of_its_project_has_is_not_gone_whether_open_or_over() {
    let (collection, folder) = (collected(), tempfile::tempdir().expect("a folder"));
    let abnormal = abnormal(&collection, folder.path());
    for (which, list) in [("is_open", "200"), ("NOT is_open", "200"), ("NOT is_open", "403")] {
        let build = collection.addresses(which).into_iter().find(|build| abnormal.contains(build)).expect("one");
        lose(&collection, &collection.server.document_path(&build));
        if list != "200" {
            collection.server.behave(&[("answer", list), ("on", "project-list")]);
        }
        verdict_of_one_unknown(&collection, &build);
        collection.server.reset();
    }
}

#[test]
fn builds_of_another_project_are_no_witnesses() {
    let (collection, folder) = (collected(), tempfile::tempdir().expect("a folder"));
    let build = abnormal(&collection, folder.path()).into_iter().find(|build| !build.contains("/gh/acme/web/"));
    let build = build.expect("one");
    let project = &build[..=build.rfind('/').expect("a slash")];
    collection.database.run(&format!(
        "DELETE FROM halfbuilt.document WHERE starts_with(build_url, '{project}') AND build_url <> '{build}'"
    ));
    let path = collection.server.document_path(project);
    lose(&collection, &path);
    // The list of a project that has another name now.
    collection.server.behave(&[("answer", "renamed"), ("on", "project-list"), ("path", path.trim_end_matches('/'))]);
    verdict_of_one_unknown(&collection, &build);
}

#[test]
fn a_server_that_cannot_be_asked_is_no_verdict() {
    let collection = collected();
    let user = verify(&collection, &[]).env("HALFBUILT_TOKEN", USER_TOKEN);
    user.run().exits(Exit::Failed).fails_with("the token is not that of an administrator");
    collection.server.behave(&[("token_ends_after", "10"), ("token_end_is", "401")]);
    verify(&collection, &[]).run().exits(Exit::Failed).says("abnormal builds as now");
    assert_eq!(collection.addresses("gone_at IS NOT NULL"), Vec::<String>::new());
}

#[test]
fn the_token_goes_to_the_server_that_was_named_and_no_other() {
    let (collection, other) = (collected(), StandIn::small());
    let named = |source: &str| {
        collection.reads(&["verify", "--source", source]).env("HALFBUILT_TOKEN", API_TOKEN).run().exits(Exit::Usage)
    };
    named(&other.http()).fails_with(&format!("--source is {}, and the documents are of", other.http()));
    named("ci.example.com").fails_with("--source cannot be read");
    // The documents are of whatever a database says.
    collection.database.run(&format!("UPDATE halfbuilt.collection SET source = '{}'", other.http()));
    named(&collection.server.http()).fails_with(&format!("and the documents are of {}", other.http()));
    let unnamed = collection.reads(&["verify"]).env("HALFBUILT_TOKEN", API_TOKEN);
    unnamed.run().exits(Exit::Found).says("the server to which the token may go was not named: --source");
    assert_eq!(other.calls(), Vec::<String>::new());
}

#[test]
fn flags_that_ask_for_what_cannot_be_are_refused() {
    let (collection, folder) = (collected(), tempfile::tempdir().expect("a folder"));
    let token = folder.path().join("token");
    std::fs::write(&token, API_TOKEN).expect("it is written");
    let with_token = collection.reads(&["verify"]).args(&["--token-file", token.to_str().expect("UTF-8")]);
    with_token.run().exits(Exit::Usage).fails_with("--token-file needs --source: the server to which the token may go");
    let source = collection.server.http();
    let without_token = collection.reads(&["verify", "--source", &source]).env("HALFBUILT_TOKEN", "");
    without_token.run().exits(Exit::Usage).fails_with("--source needs a token");
    let others = halfbuilt(&["verify", "--source", &source]).on(&collection.database);
    others
        .run()
        .exits(Exit::Usage)
        .fails_with("--source is for builds that were collected, and profile circleci reads");
}
