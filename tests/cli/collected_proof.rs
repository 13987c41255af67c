//! What proves that builds are gone of which no other build of their project is known, and what of a collection is too old to delete by.

use halfbuilt::exit::Exit;

use crate::support::{API_TOKEN, Collection, Done, Report, StandIn};

/// A server, what was collected of it, and a project of which nothing is left but two damaged builds.
struct Alone {
    collection: Collection,
    folder: tempfile::TempDir,
    builds: Vec<String>,
}

impl Alone {
    fn new() -> Self {
        let collection = Collection::of(StandIn::small());
        collection.collect(&["--all"]).run().exits(Exit::Clean);
        let folder = tempfile::tempdir().expect("a folder");
        collection.reads(&["scan", "-o", "report.csv"]).at(folder.path()).run().exits(Exit::Clean);
        let report = Report::read(&folder.path().join("report.csv"));
        let deletable = report.rows.iter().filter(|row| row["deletable"] == "yes");
        let all: Vec<&String> = deletable.map(|row| &row["build_url"]).collect();
        let project = |build: &str| build.rsplit_once('/').expect("a project").0.to_owned();
        let own = project(all[0]);
        let builds: Vec<String> =
            all.iter().filter(|build| project(build) == own).take(2).map(|build| (*build).clone()).collect();
        let others = collection.there().into_iter().filter(|build| project(build) == own && !builds.contains(build));
        for build in others {
            collection.server.set("delete", &[("url", &build)]);
            collection.database.run(&format!("DELETE FROM halfbuilt.document WHERE build_url = '{build}'"));
        }
        std::fs::write(folder.path().join("list.txt"), builds.join("\n")).expect("it is written");
        Self { collection, folder, builds }
    }

    fn delete(&self, arguments: &[&str]) -> Done {
        let via = self.collection.server.nrepl();
        let run =
            self.collection.reads(&["delete", "list.txt", "--via", &via, "--max-percent", "100", "-o", "results.csv"]);
        run.args(arguments).env("HALFBUILT_TOKEN", API_TOKEN).at(self.folder.path()).run()
    }

    fn execute(&self) -> Done {
        self.delete(&["--execute", "--confirm", &format!("127.0.0.1:{}", self.collection.server.port())])
    }

    fn states(&self) -> Vec<String> {
        let rows = Report::read(&self.folder.path().join("results.csv")).rows;
        rows.into_iter().map(|row| row["state"].clone()).collect()
    }
}

const SAID: &str =
    "no build is known there but those that are to be deleted, so no answer of the server proves that these are gone: ";

#[test]
fn the_last_builds_of_a_project_are_proved_gone_by_the_servers_own_store() {
    let alone = Alone::new();
    let number = alone.builds.len();
    let source = alone.collection.server.http();
    alone
        .delete(&["--source", &source])
        .exits(Exit::Clean)
        .says(SAID)
        .says("will end as `unknown`, unless the server's own store says");
    alone.execute().exits(Exit::Clean).says(SAID).says(&format!("{number} deleted"));
    assert!(alone.collection.there().iter().all(|build| !alone.builds.contains(build)));
    assert!(alone.states().iter().all(|state| state == "deleted"), "{:?}", alone.states());
}

#[test]
fn without_the_servers_own_store_the_last_builds_of_a_project_are_unknown() {
    let alone = Alone::new();
    alone.collection.server.behave(&[("store", "absent")]);
    let done = alone.execute().exits(Exit::NotAllDeleted);
    done.says("the first build ended as unknown").says("does not offer circle.model.build/find-one-by-circle-url");
    assert!(alone.states().iter().all(|state| state == "unknown" || state == "not-attempted"), "{:?}", alone.states());
}

#[test]
fn a_build_that_the_servers_own_store_still_has_is_not_gone() {
    let alone = Alone::new();
    alone.collection.server.behave(&[("store", "keeps")]);
    alone.execute().exits(Exit::NotAllDeleted).says("the server's own store has it");
    assert!(alone.states().iter().all(|state| state == "unknown" || state == "not-attempted"), "{:?}", alone.states());
}

#[test]
fn a_store_that_throws_proves_nothing_and_what_it_threw_is_said() {
    let alone = Alone::new();
    alone.collection.server.behave(&[("store", "throws")]);
    let done = alone.execute().exits(Exit::NotAllDeleted);
    done.says("the server's own store does not say: exception clojure.lang.ExceptionInfo")
        .says("the fixture's store was set to fail");
    assert!(alone.states().iter().all(|state| state == "unknown" || state == "not-attempted"), "{:?}", alone.states());
}

#[test]
fn a_build_that_the_list_of_its_project_has_is_not_gone_whatever_the_servers_own_store_says() {
    let alone = Alone::new();
    let server = &alone.collection.server;
    server.behave(&[("deletion", "pretend"), ("store", "forgets")]);
    // Each is there when the plan is made, and the first one just before it is sent.
    let asked_before = (alone.builds.len() + 1).to_string();
    server.behave(&[("answer", "lost"), ("on", "document"), ("skip", &asked_before)]);
    alone.execute().exits(Exit::NotAllDeleted).says("the list of its project has it");
    assert!(alone.states().iter().all(|state| state == "unknown" || state == "not-attempted"), "{:?}", alone.states());
}

#[test]
fn builds_of_which_no_other_is_known_come_last() {
    let alone = Alone::new();
    alone.collection.server.behave(&[("store", "absent")]);
    let own = alone.builds[0].rsplit_once('/').expect("a project").0;
    let report = Report::read(&alone.folder.path().join("report.csv"));
    let others =
        report.rows.iter().filter(|row| row["deletable"] == "yes" && !row["build_url"].starts_with(own)).take(3);
    let others: Vec<&str> = others.map(|row| row["build_url"].as_str()).collect();
    let list = [alone.builds[..1].join("\n"), others.join("\n")].join("\n");
    std::fs::write(alone.folder.path().join("list.txt"), list).expect("it is written");
    alone.execute().exits(Exit::NotAllDeleted).says("3 deleted").says("1 unknown");
}

#[test]
fn a_collection_that_is_too_old_is_none_to_delete_by() {
    let alone = Alone::new();
    alone.collection.database.run("UPDATE halfbuilt.collection SET began_at = now() - interval '25 h'");
    let declined = alone.delete(&[]).exits(Exit::Declined);
    declined
        .fails_with("the collection was begun at ")
        .says("collect again, and scan; if it has to be this collection, --max-age 26h allows it");
    alone.delete(&["--max-age", "26h"]).exits(Exit::Clean);
    let said = alone.execute_with_max_age();
    said.says("the deletion lock is in the database of the documents: it does not keep others from deleting on http://127.0.0.1:");
}

impl Alone {
    fn execute_with_max_age(&self) -> Done {
        let host = format!("127.0.0.1:{}", self.collection.server.port());
        self.delete(&["--max-age", "26h", "--execute", "--confirm", &host])
    }
}
