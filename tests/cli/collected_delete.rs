//! `delete` of builds that were collected: each is fetched again, and gone is only what the server proves.

use std::collections::BTreeSet;

use halfbuilt::exit::Exit;

use crate::support::{
    API_TOKEN, Collection, Hearing, Report, Run, Seen, StandIn, USER_TOKEN, halfbuilt, wait_until, zcat,
};
use crate::what_a_person_sees::shows;

/// A server whose builds were collected and scanned, and a folder with the report.
pub(crate) struct Case {
    pub(crate) collection: Collection,
    pub(crate) folder: tempfile::TempDir,
}

impl Case {
    pub(crate) fn of(server: StandIn) -> Self {
        let case = Self { collection: Collection::of(server), folder: tempfile::tempdir().expect("a folder") };
        case.collection.collect(&["--all"]).run().exits(Exit::Clean);
        case.collection.reads(&["scan", "-o", "report.csv"]).at(case.folder.path()).run().exits(Exit::Clean);
        case
    }

    pub(crate) fn small() -> Self {
        Self::of(StandIn::small())
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.collection.server.port())
    }

    /// A deletion by the report, as far as it goes without `--execute`.
    pub(crate) fn delete(&self, arguments: &[&str]) -> Run {
        let via = self.collection.server.nrepl();
        let run = self.collection.reads(&["delete", "report.csv", "--via", &via, "--max-percent", "100"]);
        run.args(arguments).env("HALFBUILT_TOKEN", API_TOKEN).at(self.folder.path())
    }

    pub(crate) fn execute(&self, arguments: &[&str]) -> Run {
        self.delete(&["--execute", "--confirm", &self.host(), "-o", "results.csv"]).args(arguments)
    }

    /// The addresses that the report calls deletable.
    pub(crate) fn deletable(&self) -> BTreeSet<String> {
        let report = Report::read(&self.folder.path().join("report.csv"));
        let rows = report.rows.into_iter().filter(|row| row["deletable"] == "yes");
        rows.map(|row| row["build_url"].clone()).collect()
    }

    /// How each build ended.
    pub(crate) fn states(&self) -> Vec<(String, String)> {
        let results = Report::read(&self.folder.path().join("results.csv"));
        results.rows.into_iter().map(|row| (row["build_url"].clone(), row["state"].clone())).collect()
    }
}

#[test]
fn exactly_the_chosen_builds_are_gone_and_the_server_proves_it() {
    let case = Case::small();
    let (before, chosen) = (case.collection.there(), case.deletable());
    assert!(chosen.len() > 20);
    let done = case.execute(&["--archive", "kept.gz"]).run().exits(Exit::Clean);
    shows(&Seen::of("halfbuilt delete report.csv ... --execute", &done), "collected_delete");
    let after: BTreeSet<String> = case.collection.there().into_iter().collect();
    let gone: BTreeSet<String> = before.into_iter().filter(|build| !after.contains(build)).collect();
    assert_eq!(gone, chosen);
    let deleted = case.states().into_iter().filter(|(_, state)| state == "deleted").count();
    assert_eq!(deleted, chosen.len());
    let journal = std::fs::read_to_string(case.folder.path().join("report.csv.journal.jsonl")).expect("a journal");
    assert!(
        journal.contains(&format!("\"collection\":\"collection 1 of {}: 300 builds", case.collection.server.http()))
    );
    let archived = zcat(&case.folder.path().join("kept.gz"));
    assert!(chosen.iter().all(|build| archived.contains(build.as_str())));
    assert!(!archived.contains("X-Amz-Signature"));
    // Nothing that was chosen is left in what was collected, and a collection made anew agrees.
    case.collection.reads(&["scan", "-o", "after.csv"]).at(case.folder.path()).run().exits(Exit::Clean);
    case.collection.collect(&["--all"]).run().exits(Exit::Clean);
    case.collection.reads(&["scan", "-o", "anew.csv"]).at(case.folder.path()).run().exits(Exit::Clean);
    for name in ["after.csv", "anew.csv"] {
        let left = Report::read(&case.folder.path().join(name)).rows;
        assert!(left.iter().all(|row| !chosen.contains(&row["build_url"])), "{name}");
    }
}

#[test]
fn what_has_changed_or_gone_since_it_was_collected_is_not_deleted() {
    let case = Case::small();
    let mut chosen = case.deletable().into_iter();
    let running: BTreeSet<String> = case
        .collection
        .server
        .truth()
        .into_iter()
        .filter(|build| build.kind == "cut-running")
        .map(|build| build.build_url)
        .collect();
    let ended = chosen.by_ref().find(|build| running.contains(build)).expect("one that runs");
    let gone = chosen.next().expect("another");
    case.collection.server.set("end", &[("url", &ended)]);
    case.collection.server.set("delete", &[("url", &gone)]);
    case.execute(&[]).run();
    let states = case.states();
    let state = |build: &str| states.iter().find(|(url, _)| url == build).expect("its row").1.clone();
    assert_eq!(state(&gone), "already-gone");
    assert_ne!(state(&ended), "deleted");
    assert!(case.collection.there().contains(&ended), "it has ended, and is whole now");
}

#[test]
fn without_a_token_nothing_is_sent() {
    let case = Case::small();
    case.execute(&[]).env("HALFBUILT_TOKEN", "").run().exits(Exit::Failed).fails_with("no token for http://127.0.0.1:");
    let done = case.execute(&[]).env("HALFBUILT_TOKEN", USER_TOKEN).run().exits(Exit::Failed);
    done.fails_with("the token is not that of an administrator");
    // A dry run may do without, and says so.
    let done = case.delete(&[]).env("HALFBUILT_TOKEN", "").run().exits(Exit::Clean);
    done.says("warning: no token: the builds are not fetched again, and the plan is by what was collected");
    let (there, report) = (case.collection.there(), case.deletable());
    assert!(report.iter().all(|build| there.contains(build)));
}

#[test]
fn a_server_that_answers_and_does_nothing_makes_nothing_deleted() {
    let case = Case::small();
    let before = case.collection.there();
    case.collection.server.behave(&[("deletion", "pretend")]);
    let done = case.execute(&[]).run();
    assert_eq!(done.code, Some(Exit::NotAllDeleted as i32), "{}", done.stderr);
    assert_eq!(case.collection.there(), before);
    assert!(case.states().iter().all(|(_, state)| state != "deleted" && state != "already-gone"));
}

#[test]
fn a_token_that_loses_its_right_in_the_middle_makes_nothing_gone() {
    // Before it plans, while it plans, and while it proves what it has sent.
    for (end, after) in [("404", "3"), ("401", "110"), ("404", "150")] {
        let case = Case::small();
        case.collection.server.behave(&[("token_ends_after", after), ("token_end_is", end)]);
        let done = case.execute(&[]).run();
        assert_ne!(done.code, Some(Exit::Clean as i32), "{end} after {after}: {}", done.stderr);
        let there: BTreeSet<String> = case.collection.there().into_iter().collect();
        if case.folder.path().join("results.csv").exists() {
            for (build, state) in case.states() {
                let is_gone = state == "deleted" || state == "already-gone";
                assert!(!is_gone || !there.contains(&build), "{end} after {after}: {build} is {state}, and there");
            }
        }
    }
}

#[test]
fn an_answer_that_is_no_proof_makes_nothing_gone() {
    for answer in ["404", "github-404", "403", "html", "500"] {
        let case = Case::small();
        let build = case.deletable().into_iter().next().expect("one");
        let list = case.folder.path().join("one.txt");
        std::fs::write(&list, format!("{build}\n")).expect("it is written");
        case.collection.server.behave(&[
            ("answer", answer),
            ("on", "document"),
            ("path", &case.collection.server.document_path(&build)),
        ]);
        let via = case.collection.server.nrepl();
        let run = case.collection.reads(&["delete", "one.txt", "--via", &via, "--max-percent", "100"]);
        let run =
            run.args(&["--execute", "--confirm", &case.host(), "-o", "results.csv"]).env("HALFBUILT_TOKEN", API_TOKEN);
        let done = run.at(case.folder.path()).run();
        assert_ne!(done.code, Some(Exit::Clean as i32), "{answer}: {}", done.stderr);
        assert!(case.collection.there().contains(&build), "{answer}");
        let states = if case.folder.path().join("results.csv").exists() { case.states() } else { Vec::new() };
        assert!(states.iter().all(|(_, state)| state != "deleted" && state != "already-gone"), "{answer}: {states:?}");
    }
}

#[test]
fn a_build_that_was_never_collected_is_fetched_before_anything_is_said_of_it() {
    let case = Case::small();
    let sound = case.collection.server.one("success");
    case.collection.database.run(&format!("DELETE FROM halfbuilt.document WHERE build_url = '{sound}'"));
    let list = case.folder.path().join("one.txt");
    std::fs::write(&list, format!("{sound}\n")).expect("it is written");
    let run = case.collection.reads(&["delete", "one.txt", "--source", &case.collection.server.http()]);
    let done = run.env("HALFBUILT_TOKEN", API_TOKEN).at(case.folder.path()).run();
    done.does_not_say("already-gone");
    assert!(case.collection.there().contains(&sound));
    assert!(case.collection.fetched().contains(&sound));
}

/// A project of which only builds in question were collected: the server lists older ones, and one of them is the witness.
#[test]
fn the_witness_of_a_proof_may_be_a_build_that_was_not_collected() {
    let case = Case::small();
    let build = case.deletable().into_iter().next().expect("one");
    let project = build.rsplit_once('/').expect("a project").0;
    let others = format!("build_url LIKE '{project}/%' AND build_url <> '{build}'");
    case.collection.database.run(&format!("DELETE FROM halfbuilt.document WHERE {others}"));
    let list = case.folder.path().join("one.txt");
    std::fs::write(&list, format!("{build}\n")).expect("it is written");
    let via = case.collection.server.nrepl();
    let run = case.collection.reads(&["delete", "one.txt", "--via", &via, "--max-percent", "100"]);
    let run = run.args(&["--execute", "--confirm", &case.host()]).env("HALFBUILT_TOKEN", API_TOKEN);
    run.at(case.folder.path()).run().exits(Exit::Clean).says("1 chosen: 1 deleted");
    assert!(!case.collection.there().contains(&build));
}

/// Behind one address may be two servers, of which one has lost a project.
#[test]
fn other_builds_that_answer_as_if_they_were_gone_make_nothing_gone() {
    let case = Case::small();
    let build = case.deletable().into_iter().next().expect("one");
    let project = case.collection.server.document_path(&build);
    let project = project.rsplit_once('/').expect("a project").0;
    case.collection.server.behave(&[("answer", "404"), ("on", "document"), ("path", project), ("every", "2")]);
    let list = case.folder.path().join("one.txt");
    std::fs::write(&list, format!("{build}\n")).expect("it is written");
    for _ in 0..3 {
        let run = case.collection.reads(&["delete", "one.txt", "-o", "plan.csv"]).env("HALFBUILT_TOKEN", API_TOKEN);
        run.at(case.folder.path()).run();
        let plan = Report::read(&case.folder.path().join("plan.csv"));
        assert_ne!(plan.rows[0]["state"], "already-gone", "{:?}", plan.rows[0]);
    }
}

#[test]
fn the_token_goes_to_no_server_that_the_report_does_not_know() {
    let case = Case::small();
    let other = StandIn::small();
    case.collection.database.run(&format!("UPDATE halfbuilt.collection SET source = '{}'", other.http()));
    case.delete(&[]).run().exits(Exit::Declined).fails_with("the report is from another database");
    // Nor that a plain list does not name, be it that nothing of it may be deleted.
    let build = case.deletable().into_iter().next().expect("one");
    let plain = |arguments: &[&str]| {
        let run = case.collection.reads(&["delete", &build, "-o", "plan.csv"]).args(arguments);
        run.env("HALFBUILT_TOKEN", API_TOKEN).at(case.folder.path()).run()
    };
    plain(&[]).exits(Exit::Usage).fails_with("and the documents are of");
    plain(&["--deny", "*"]).does_not_say("fetched again");
    assert_eq!(other.calls(), Vec::<String>::new());
}

#[test]
fn a_build_that_cannot_be_looked_up_is_not_said_to_be_there() {
    let case = Case::small();
    case.collection.server.behave(&[("deletion", "swallow")]);
    let mut child = case.execute(&[]).start();
    let hearing = Hearing::of(&mut child);
    let sent = || case.collection.server.calls().into_iter().find(|call| call.contains(" console delete-build "));
    wait_until(|| sent().is_some());
    child.kill().and_then(|()| child.wait().map(drop)).expect("it ends");
    drop(hearing);
    let sent = sent().expect("a deletion");
    let build = sent.rsplit_once(' ').expect("an address").1;
    case.collection.server.reset();
    let path = case.collection.server.document_path(build);
    case.collection.server.behave(&[("answer", "403"), ("on", "document"), ("path", &path)]);
    case.execute(&[]).run().exits(Exit::NotAllDeleted);
    let state = |build: &str| case.states().into_iter().find(|(url, _)| url == build).expect("its row").1;
    assert_eq!(state(build), "unknown");
    let journal = std::fs::read_to_string(case.folder.path().join("report.csv.journal.jsonl")).expect("a journal");
    let of_build = journal.lines().filter(|line| line.contains(build) && line.contains("\"looked\""));
    assert_eq!(of_build.collect::<Vec<_>>(), Vec::<&str>::new());
    // The next run looks at it.
    case.collection.server.reset();
    case.execute(&[]).run().exits(Exit::Clean);
    assert!(["deleted", "already-gone"].contains(&state(build).as_str()), "{}", state(build));
}

/// Whoever can write to a database can say in it of which server its documents are.
#[test]
fn the_token_goes_to_the_server_that_was_named_and_no_other() {
    let case = Case::small();
    let other = StandIn::small();
    case.collection.database.run(&format!("UPDATE halfbuilt.collection SET source = '{}'", other.http()));
    case.collection.reads(&["scan", "-o", "other.csv"]).at(case.folder.path()).run().exits(Exit::Clean);
    let (via, own) = (case.collection.server.nrepl(), case.collection.server.http());
    let delete = |arguments: &[&str]| {
        let run = case.collection.reads(&["delete", "other.csv", "--via", &via, "--max-percent", "100"]);
        run.args(arguments).env("HALFBUILT_TOKEN", API_TOKEN).at(case.folder.path()).run()
    };
    let before = case.collection.there();
    let said = format!("the plan is by what was collected (--source {})", other.http());
    delete(&[]).exits(Exit::Clean).says("the server to which the token may go was not named").says(&said);
    let real = delete(&["--execute", "--confirm", &case.host()]).exits(Exit::Usage);
    real.fails_with("the server to which the token may go was not named")
        .says(&format!("hint: the database says that its documents are of {}", other.http()));
    let named = delete(&["--execute", "--confirm", &case.host(), "--source", &own]).exits(Exit::Usage);
    named.fails_with(&format!("--source is {own}, and the documents are of {}", other.http()));
    delete(&["--source", "ci.example.com"]).exits(Exit::Usage).fails_with("--source cannot be read");
    assert_eq!(other.calls(), Vec::<String>::new());
    assert_eq!(case.collection.there(), before);
    let of_another_kind = halfbuilt(&["delete", "other.csv", "--source", &own]).on(&case.collection.database);
    let refused = of_another_kind.at(case.folder.path()).run().exits(Exit::Usage);
    refused.fails_with("--source is for builds that were collected, and profile circleci reads others");
}

#[test]
fn the_verdict_that_comes_next_asks_the_server_as_the_deletion_did() {
    let server = StandIn::small();
    let collection = Collection::of(server);
    let (source, ca) = (collection.server.https(), collection.server.ca_file());
    collection.collect_from(&source, &["--all", "--ca-file", ca]).run().exits(Exit::Clean);
    let folder = tempfile::tempdir().expect("a folder");
    collection.reads(&["scan", "-o", "report.csv"]).at(folder.path()).run().exits(Exit::Clean);
    let case = Case { collection, folder };
    let done = case.execute(&["--ca-file", ca, "--source", &source]).run().exits(Exit::Clean);
    done.says(&format!(" --source {source} --ca-file {ca}"));
}

#[test]
fn a_dry_run_without_a_token_calls_nothing_gone() {
    let case = Case::small();
    let build = case.deletable().into_iter().next().expect("one");
    case.collection.database.run(&format!("DELETE FROM halfbuilt.document WHERE build_url = '{build}'"));
    let run = case.delete(&["-o", "plan.csv"]).env("HALFBUILT_TOKEN", "");
    run.run();
    let plan = Report::read(&case.folder.path().join("plan.csv"));
    let row = plan.rows.iter().find(|row| row["build_url"] == build).expect("its row");
    assert_ne!(row["state"], "already-gone", "{row:?}");
}
