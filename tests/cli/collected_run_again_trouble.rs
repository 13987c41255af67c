//! What keeps the list of what to run again from being written, and that a deletion does not hang on it.

use std::path::PathBuf;

use halfbuilt::exit::Exit;

use crate::collected_delete::Case;
use crate::collected_run_again::{CSV, PAGE};
use crate::support::{API_TOKEN, Hearing, Run, TIMES, halfbuilt, repository, wait_until};

/// One project, so that a run is short.
const SOME: [&str; 2] = ["--project", "acme/*"];

impl Case {
    /// The profile that ships, with another section in the place of its own.
    fn profile(&self, section: &str) -> PathBuf {
        let profile = std::fs::read_to_string(repository("sql/profiles/circleci-api.sql")).expect("a profile");
        let (relations, own) = profile.split_once("-- run-again: documents\n").expect("the section");
        let section = section.replace("OWN", own.trim().trim_end_matches(';'));
        let file = self.folder.path().join("mine.sql");
        std::fs::write(&file, format!("{relations}{section}")).expect("it is written");
        file
    }

    fn execute_by(&self, profile: &std::path::Path) -> Run {
        let via = self.collection.server.nrepl();
        let run = halfbuilt(&[
            "delete",
            "report.csv",
            "--via",
            &via,
            "--max-percent",
            "100",
            "--execute",
            "-o",
            "results.csv",
        ]);
        let run = run.args(&["--confirm", &self.host(), "--profile"]).args(&[profile]).args(&TIMES).args(&SOME);
        run.on(&self.collection.database).env("HALFBUILT_TOKEN", API_TOKEN).at(self.folder.path())
    }
}

#[test]
fn what_fails_after_the_deletions_changes_nothing_of_them() {
    let case = Case::small();
    let failing = case.profile(
        "-- run-again: documents\nSELECT listed.build_url, project, (1 / (length(listed.build_url) - length(listed.build_url)))::text AS build_num, branch, \
         commit, workflow, job, started_by, subject, queued_at FROM (OWN) AS listed;\n",
    );
    let done = case.execute_by(&failing).run().exits(Exit::Clean);
    done.says("warning: the list of what to run again was not written: ")
        .says("run-again documents does not fit this database: ")
        .says("division by zero")
        .says("hint: the same command writes it, and deletes nothing a second time: ")
        .says("halfbuilt delete report.csv --via ")
        .says("halfbuilt verify --profile ");
    let deleted = case.states().into_iter().filter(|(_, state)| state == "deleted").count();
    assert!(deleted > 0 && !case.has(CSV) && !case.has(PAGE));
    // One that does not even name the columns.
    let lacking = case.profile("-- run-again: documents\nSELECT d.build_url FROM :\"schema\".document AS d WHERE d.build_url = ANY ($1::text[]);\n");
    case.execute_by(&lacking).run().exits(Exit::Clean).says("run-again documents: no column project (text)");
    halfbuilt(&["profiles", "--check"])
        .args(&[&lacking])
        .on(&case.collection.database)
        .run()
        .exits(Exit::Failed)
        .prints("run-again   yes      fault")
        .prints("run-again documents: no column queued_at (text)");
    // It is mended.
    let mended = case.profile("-- run-again: documents\nOWN;\n");
    case.execute_by(&mended).run().exits(Exit::Clean).says(&format!("{CSV} and {PAGE}: {deleted} builds"));
    assert_eq!(case.listed().len(), deleted);
    halfbuilt(&["profiles", "--check"])
        .args(&[&mended])
        .on(&case.collection.database)
        .run()
        .exits(Exit::Clean)
        .prints("run-again   yes      ok");
}

#[test]
fn a_database_that_is_lost_ends_the_run_and_the_next_one_lists_all() {
    let case = Case::small();
    let mut run = case.execute(&[]).start();
    let hearing = Hearing::of(&mut run);
    wait_until(|| {
        let journal = std::fs::read_to_string(case.folder.path().join("report.csv.journal.jsonl")).unwrap_or_default();
        journal.contains(r#""state":"deleted""#)
    });
    case.collection.database.run("ALTER TABLE halfbuilt.document RENAME TO moved");
    let code = run.wait().expect("it ends").code();
    assert_eq!(code, Some(Exit::Failed as i32));
    let said = hearing.all();
    assert!(said.contains("warning: the list of what to run again was not written: the database cannot be read any more\nhint: the same command"), "{said}");
    assert!(!case.has(CSV) && !case.has(PAGE));
    case.collection.database.run("ALTER TABLE halfbuilt.moved RENAME TO document");
    case.execute(&[]).run().exits(Exit::Clean);
    assert_eq!(case.listed(), case.deletable());
}

#[test]
fn a_statement_that_gives_other_builds_lists_none_of_them() {
    let case = Case::small();
    // Without the condition it gives all builds there are, each twice.
    let all = case.profile("-- run-again: documents\nSELECT listed.* FROM (OWN OR true) AS listed CROSS JOIN (VALUES (1), (2)) AS twice (it);\n");
    case.execute_by(&all).run().exits(Exit::Clean);
    let deleted = case.states().into_iter().filter(|(_, state)| state == "deleted").map(|(build, _)| build);
    assert_eq!(case.listed(), deleted.collect());
    assert_eq!(case.file(CSV).lines().count(), case.listed().len() + 1);
}

#[test]
fn without_the_section_nothing_is_written_and_nothing_said() {
    let case = Case::small();
    let done = case.execute_by(&case.profile("")).run().exits(Exit::Clean);
    done.does_not_say("run again").does_not_say("run-again");
    assert!(!case.has(CSV) && !case.has(PAGE));
}

#[test]
fn what_somebody_else_wrote_is_never_written_over() {
    let case = Case::small();
    for (name, text) in [(CSV, "mine\n"), (PAGE, "# Mine\n")] {
        let file = case.folder.path().join(name);
        std::fs::write(&file, text).expect("it is written");
        let before = case.collection.there();
        let done = case.execute(&SOME).run().exits(Exit::Usage);
        done.fails_with(&format!("cannot write {name}: something else is there, which is never overwritten"))
            .says("hint: move away what stands there, or have the journal elsewhere: --journal FILE");
        assert_eq!(case.collection.there(), before, "nothing is sent");
        assert_eq!(case.file(name), text);
        assert!(!case.has("report.csv.journal.jsonl") && !case.has("results.csv"));
        std::fs::remove_file(file).expect("it was there");
    }
    let done = case.delete(&["--execute", "--confirm", &case.host(), "-o", CSV]).args(&SOME).run().exits(Exit::Usage);
    done.fails_with("the list of what to run again and -o are one file: ");
    // Beside another journal it is another list.
    std::fs::write(case.folder.path().join(CSV), "mine\n").expect("it is written");
    case.execute(&SOME)
        .args(&["--journal", "second.journal.jsonl"])
        .run()
        .exits(Exit::Clean)
        .says("is in second.run-again.csv and second.run-again.md: ");
    assert_eq!(case.file(CSV), "mine\n");
}

#[test]
fn an_archive_of_documents_is_said_to_be_for_reading_before_anything_is_done() {
    const SAID: &str = "warning: --archive keeps documents of these builds, not the builds: it cannot be put back into the CI server, and is for reading only";
    let case = Case::small();
    case.delete(&SOME).run().exits(Exit::Clean).does_not_say(SAID);
    case.delete(&SOME).args(&["--archive", "kept.gz"]).run().exits(Exit::Clean).says(SAID);
    let done = case.execute(&SOME).args(&["--archive", "kept.gz"]).run().exits(Exit::Clean).says(SAID);
    let place = |text: &str| done.stderr.find(text).unwrap_or_else(|| panic!("{text} in {}", done.stderr));
    assert!(place(SAID) < place("journal: "));
    assert_eq!(done.stderr.matches("for reading only").count(), 1);
    // Nothing is left to be deleted.
    case.execute(&SOME).args(&["--archive", "kept.gz"]).run().exits(Exit::Clean).does_not_say(SAID);
}
