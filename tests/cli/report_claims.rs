//! `halfbuilt report`: what the page may call clean, deleted or untouched, and what it may not.

use std::path::{Path, PathBuf};

use halfbuilt::exit::Exit;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    Done, Drill, Report, Seen, TIMES, TestDatabase, admin, deletable, halfbuilt, repository, scanned, seal,
};
use crate::what_a_person_sees::{Says, shows};

/// A report whose deletable builds were all deleted, with the journal of that.
struct Cleared {
    database: TestDatabase,
    folder: TempDir,
    report: PathBuf,
    journal: PathBuf,
}

impl Cleared {
    /// Nothing is left of what was found.
    fn all() -> Self {
        let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
        // These two are not deletable, and would be left to a person.
        database.run("DELETE FROM builds WHERE build_id IN (900121, 900122)");
        let (folder, report) = scanned(&database);
        assert_eq!(Report::read(&report).count("deletable", "no"), 0);
        let journal = folder.path().join("run.journal");
        let real = ["--execute", "--confirm", &database.host, "--max-percent", "100"];
        let files = [folder.path().join("results.csv"), "--journal".into(), journal.clone()];
        let delete = halfbuilt(&["delete"]).args(&[&report]).args(&TIMES).args(&real).args(&["-o"]).args(&files);
        delete.via_nrepl(&admin(&database)).on(&database).run().exits(Exit::Clean);
        let cleared = Self { database, folder, report, journal };
        cleared.ticket().says("none is left.").prints(": clean\n").does_not_print("differs");
        cleared
    }

    fn ticket(&self) -> Done {
        ticket(&self.report, &["--journal", self.journal.to_str().expect("UTF-8")])
    }

    /// Changes a field of the file beside the report.
    fn change_metadata(&self, change: impl FnOnce(&mut Value)) {
        change_about(&self.report, change);
    }

    /// A journal with the first lines of this one.
    fn cut(&self, lines: usize, more: &str) -> PathBuf {
        let text = std::fs::read_to_string(&self.journal).expect("a journal");
        let place = self.folder.path().join(format!("cut-{lines}.journal"));
        let lines: String = text.split_inclusive('\n').take(lines).collect();
        std::fs::write(&place, lines + more).expect("a file");
        place
    }
}

fn change_about(report: &Path, change: impl FnOnce(&mut Value)) {
    let beside = PathBuf::from(format!("{}.about.json", report.display()));
    let mut about: Value = serde_json::from_str(&std::fs::read_to_string(&beside).expect("a file")).expect("JSON");
    change(&mut about);
    seal(&mut about);
    std::fs::write(beside, about.to_string()).expect("a file");
}

fn ticket(report: &Path, more: &[&str]) -> Done {
    halfbuilt(&["report"]).args(&[report]).args(&["--markdown", "-"]).args(more).run().exits(Exit::Clean)
}

#[test]
fn what_is_left_for_a_person_is_said_first_and_is_not_clean() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let (folder, report) = scanned(&database);
    let journal = folder.path().join("run.journal");
    let real = ["--execute", "--confirm", &database.host, "--journal"];
    let delete = halfbuilt(&["delete"]).args(&[&report]).args(&TIMES).args(&real).args(&[&journal]);
    delete.via_nrepl(&admin(&database)).on(&database).run().exits(Exit::Clean);
    let done = ticket(&report, &["--journal", journal.to_str().expect("UTF-8")]).prints(": attention\n");
    let done = done.does_not_print("none is left").prints("11 were deleted and proved gone, 2 were not touched.");
    let (left, found) = (done.stdout.find("eft for a person: 2 builds"), done.stdout.find("### Found"));
    assert!(left.is_some() && left < found, "{}", done.stdout);
    for row in Report::read(&report).rows.iter().filter(|row| row["deletable"] == "no") {
        assert!(done.stdout.contains(&row["note"]), "{}", done.stdout);
    }
}

#[test]
fn a_deletion_before_the_scan_is_none_of_what_the_scan_found() {
    let cleared = Cleared::all();
    let found = Report::read(&cleared.report).rows.len();
    // The same backup, restored and scanned once more: the report is the same, byte for byte.
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    cleared.change_metadata(|about| about["scanned_at"] = later.to_string().into());
    let done = cleared.ticket().prints(": attention\n").does_not_print("none is left").does_not_print("It adds up");
    done.prints(&format!("no deletion is on record; no journal says what became of {found} builds"))
        .prints(&format!(
            "**differs**: {found} builds of the report were deleted before the scan, which found them again"
        ))
        .prints(&format!("| not named | {found} | 0 |"));
}

#[test]
fn a_journal_of_another_database_proves_nothing() {
    let cleared = Cleared::all();
    for field in ["name", "system_identifier"] {
        let before = cleared.database.name.clone();
        cleared.change_metadata(|about| about["database"][field] = "7".into());
        let done = cleared.ticket().prints(": attention\n").prints("**differs**: ").prints("is of another database");
        done.prints("no deletion is on record").does_not_print("none is left");
        cleared.change_metadata(|about| about["database"]["name"] = before.into());
    }
}

#[test]
fn what_is_not_known_of_a_report_alone_is_said() {
    let cleared = Cleared::all();
    std::fs::remove_file(format!("{}.about.json", cleared.report.display())).expect("it is there");
    let done = cleared.ticket().prints(": attention\n");
    done.prints("how many builds the scan found is not known, nor whether the journals are of its database, and of the time after the scan");
}

#[test]
fn a_report_that_was_changed_is_not_clean() {
    let cleared = Cleared::all();
    let text = std::fs::read_to_string(&cleared.report).expect("a report");
    std::fs::write(&cleared.report, text.replace("step ", "Step ")).expect("a file");
    let done = cleared.ticket().prints("**differs**: The report was changed since the scan");
    done.prints(": attention\n").prints("the files do not agree.**");
    // Nor where it names nothing.
    let header = text.lines().next().expect("a header").to_owned();
    std::fs::write(&cleared.report, header.replace('\r', "") + "\n").expect("a file");
    cleared.change_metadata(|about| about["findings"] = 0.into());
    ticket(&cleared.report, &[]).prints(": attention\n").prints("the files do not agree.**");
}

#[test]
fn a_journal_without_a_line_is_an_error() {
    let cleared = Cleared::all();
    let mut seen = Seen::default();
    for (lines, more) in [(0, ""), (0, "{\"format\":\"halfbuilt-journal/1\",\"seq\":1,")] {
        let journal = cleared.cut(lines, more);
        let run =
            halfbuilt(&["report"]).args(&[&cleared.report]).args(&["--markdown", "-", "--journal"]).args(&[&journal]);
        seen.add(&format!("'{more}'"), &run.run().exits(Exit::Failed).fails_with("error:"));
    }
    shows(&seen, "report_journal_without_a_line");
}

#[test]
fn a_journal_that_was_cut_does_not_say_that_nothing_was_done() {
    let cleared = Cleared::all();
    let found = Report::read(&cleared.report).rows.len();
    let journal = cleared.cut(1, "{\"seq\":2,\"at\"");
    let done = ticket(&cleared.report, &["--journal", journal.to_str().expect("UTF-8")]);
    let done = done.prints(": attention\n").does_not_print("not touched").does_not_print("none was deleted");
    done.prints(&format!("no deletion is on record; no journal says what became of {found} builds"))
        .prints(&format!("has no end on record, and results for 0 of the {found} builds of its plan"))
        .prints("its last line was cut: 13 bytes make no whole line");
}

#[test]
fn a_scan_after_the_deletions_is_expected_to_find_less() {
    let cleared = Cleared::all();
    let deleted = deletable(&Report::read(&cleared.report)).len();
    let again = cleared.folder.path().join("again.csv");
    halfbuilt(&["scan", "-o"]).args(&[&again]).args(&TIMES).on(&cleared.database).run().exits(Exit::Clean);
    let done = ticket(&again, &["--journal", cleared.journal.to_str().expect("UTF-8")]);
    done.prints(&format!(
        "- note: The journals name {deleted} builds as deleted before the scan. The report has none of them"
    ))
    .does_not_print("differs");
}

#[test]
fn a_journal_is_named_once() {
    let cleared = Cleared::all();
    let journal = cleared.journal.to_str().expect("UTF-8");
    let run = halfbuilt(&["report"]).args(&[&cleared.report]).args(&["--markdown", "-"]);
    let done = run.args(&["--journal", journal, "--journal", journal]).run();
    done.exits(Exit::Usage).fails_with("error:").says_all_of("report_journal_named_twice");
}

#[test]
fn times_that_cannot_be_are_refused() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let mut seen = Seen::default();
    for (field, time) in [("restored_at", "9999-12-30T02:00:00Z"), ("restored_at", "2026-11-19T02:00:00Z")] {
        let mut before = Value::Null;
        change_about(&report, |about| before = std::mem::replace(&mut about[field], time.into()));
        let run = halfbuilt(&["report"]).args(&[&report]).args(&["--markdown", "-"]).run();
        seen.add(&format!("{field}: {time}"), &run.exits(Exit::Failed).fails_with("error:"));
        change_about(&report, |about| about[field] = before);
    }
    shows(&seen, "report_times_that_cannot_be");
}

#[test]
fn the_page_says_what_the_builds_were_compared_with() {
    let drill = Drill::healthy();
    drill.verify().run().exits(Exit::Clean);
    let report = drill.file("report.csv");
    let all = drill.database.builds();
    let done = ticket(&report, &[]).prints("before.json, ").prints("none of them is lost");
    done.prints("no signature was checked")
        .prints("| baseline-lost | 0 |")
        .prints(&format!("was seen in {all} builds"));
    drill.database.run("DELETE FROM builds");
    drill.verify().run().exits(Exit::Found);
    let lost = Report::read(&report).rows.len();
    let done = ticket(&report, &[]).prints(&format!("{lost} of {lost} builds are abnormal"));
    done.prints(&format!("{lost} of them are lost"));
    let page = halfbuilt(&["report"]).args(&[&report]).args(&["--html", "-"]).run().exits(Exit::Clean);
    page.prints("a build of the baseline is not in the database").prints("before.json");
    // A file beside a report that knows nothing of baselines is as good as before.
    std::fs::copy(repository("fixtures/circleci/output-gap.expected.csv"), drill.file("old.csv")).expect("a copy");
    std::fs::copy(drill.file("report.csv.about.json"), drill.file("old.csv.about.json")).expect("a copy");
    change_about(&drill.file("old.csv"), |about| drop(about.as_object_mut().expect("an object").remove("baseline")));
    ticket(&drill.file("old.csv"), &[]).does_not_print("before.json");
}
