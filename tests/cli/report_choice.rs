//! `halfbuilt report`: which builds were chosen, however that was done, and the files that the page finds by itself.

use std::path::{Path, PathBuf};

use halfbuilt::exit::Exit;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::support::{Done, Report, Seen, TIMES, TestDatabase, admin, halfbuilt, scanned};
use crate::what_a_person_sees::shows;

/// A report of builds that can all be deleted but two.
struct World {
    database: TestDatabase,
    folder: TempDir,
    report: PathBuf,
}

/// The builds that can be deleted, of those that are found.
const DELETABLE: usize = 11;
const FOUND: usize = 13;

impl World {
    fn new() -> Self {
        let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
        let (folder, report) = scanned(&database);
        assert_eq!(Report::read(&report).rows.len(), FOUND);
        Self { database, folder, report }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The header, and the rows, those that can be deleted first.
    fn lines(&self) -> (String, Vec<String>) {
        let text = std::fs::read_to_string(&self.report).expect("a report");
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let header = lines.remove(0);
        lines.sort_by_key(|line| !line.contains(",yes,"));
        (header, lines)
    }

    /// Deletes what this file chooses, with the journal beside the report.
    fn delete(&self, file: &Path, more: &[&str]) -> Done {
        let real = ["--execute", "--confirm", &self.database.host, "--journal"];
        let delete = halfbuilt(&["delete"]).args(&[file]).args(&TIMES).args(&real);
        let delete = delete.args(&[self.journal()]).args(more).via_nrepl(&admin(&self.database));
        delete.on(&self.database).run().exits(Exit::Clean)
    }

    fn journal(&self) -> PathBuf {
        self.file("report.csv.journal.jsonl")
    }

    fn ticket(&self, more: &[&str]) -> Done {
        ticket(&self.report, more).exits(Exit::Clean)
    }
}

fn ticket(report: &Path, more: &[&str]) -> Done {
    halfbuilt(&["report"]).args(&[report]).args(&["--markdown", "-"]).args(more).run()
}

fn sum(deleted: usize, kept: usize) -> String {
    format!("{} found = {deleted} deleted + {kept} kept + 0 failed or unknown + 0 vanished", deleted + kept)
}

#[test]
fn a_copy_of_the_report_chooses_and_the_page_knows_it() {
    let world = World::new();
    let (header, rows) = world.lines();
    let chosen = world.file("chosen.csv");
    std::fs::write(&chosen, format!("{header}{}", rows[..4].concat())).expect("a copy");
    world.delete(&chosen, &[]);
    let done = world.ticket(&[]).prints(&sum(4, 9)).prints("| not chosen | 9 | 0 |").does_not_print("**differs**");
    done.prints("/chosen.csv, whose rows are rows of this report: all 4 builds")
        .says(&format!("journal: {} (beside the report)", world.journal().display()))
        .says("left for a person: 9 builds; the page says which, and what to do")
        .does_not_say("warning");
    // A copy that was sorted the other way round, and saved with other ends of lines.
    let sorted: String = rows.iter().rev().map(|row| row.replace('\r', "")).collect();
    let copy = world.file("sorted.csv");
    std::fs::write(&copy, header.replace('\r', "") + &sorted).expect("a copy");
    world.delete(&copy, &[]);
    let done = world.ticket(&[]).prints(&sum(DELETABLE, 2)).does_not_print("**differs**");
    done.prints("/sorted.csv, whose rows are rows of this report: all 11 builds").says("left for a person: 2 builds");
}

#[test]
fn a_choice_by_flags_is_one_of_the_report() {
    let world = World::new();
    let rows = Report::read(&world.report).rows;
    let project = &rows.iter().find(|row| row["deletable"] == "yes").expect("a row")["project"];
    let chosen = rows.iter().filter(|row| row["deletable"] == "yes" && row["project"] == *project).count();
    assert!(chosen < DELETABLE);
    world.delete(&world.report, &["--project", project]);
    let done = world.ticket(&[]).prints(&sum(chosen, FOUND - chosen)).does_not_print("**differs**");
    done.prints("agrees: The report is as the scan wrote it");
}

#[test]
fn rows_may_be_taken_out_of_the_report_before_a_deletion_and_not_after_it() {
    let world = World::new();
    let (header, rows) = world.lines();
    std::fs::write(&world.report, format!("{header}{}", rows[..4].concat())).expect("a write");
    world.delete(&world.report, &[]);
    let done = world.ticket(&[]).prints(&sum(4, 9)).does_not_print("**differs**").does_not_say("warning");
    done.prints("note: Rows were taken out of the report since the scan: it found 13 builds, and the report has 4.")
        .prints("9 of them were taken out of");
    std::fs::write(&world.report, format!("{header}{}", rows[1..4].concat())).expect("a write");
    let done = world.ticket(&[]).prints("**differs**: 1 build was deleted that this report does not list: ");
    done.prints("13 found ≠ 3 deleted + 0 kept + 0 failed or unknown + 0 vanished + 1 deleted and not listed")
        .says("warning: 13 found, and what became of them does not add up");
}

#[test]
fn another_report_is_another_report() {
    let world = World::new();
    let other = world.file("other.csv");
    let scan = halfbuilt(&["scan", "--rule", "output-truncated", "-o"]).args(&[&other]).args(&TIMES);
    scan.on(&world.database).run().exits(Exit::Clean);
    let few = Report::read(&other).rows.len();
    assert!(few > 0 && few < DELETABLE, "{few}");
    world.delete(&world.report, &[]);
    let done = ticket(&other, &["--journal", world.journal().to_str().expect("UTF-8")]).exits(Exit::Clean);
    done.prints("chose from another file than this report: ").prints("that this report does not list");
}

#[test]
fn the_journal_beside_the_report_is_read_unless_it_is_left_out() {
    let world = World::new();
    world.delete(&world.report, &[]);
    world.ticket(&["--no-journal"]).says("no journal was given").does_not_say("beside the report");
    let journal = world.journal();
    let name = journal.to_str().expect("UTF-8");
    // To name it as well, or a copy of it, counts it once.
    let copy = world.file("copy.jsonl");
    std::fs::copy(&journal, &copy).expect("a copy");
    for named in [name, copy.to_str().expect("UTF-8")] {
        world.ticket(&["--journal", named]).prints(&sum(DELETABLE, 2)).does_not_say("beside the report");
    }
    let whole = std::fs::read_to_string(&journal).expect("a journal");
    let mut seen = Seen::default();
    for (what, text) in [
        ("a line was changed", whole.replacen("\"event\":\"intent\"", "\"event\":\"intend\"", 1)),
        ("it is empty", String::new()),
    ] {
        std::fs::write(&journal, text).expect("a write");
        seen.add(what, &ticket(&world.report, &[]).exits(Exit::Failed).fails_with("error:"));
        world.ticket(&["--no-journal"]).says("no journal was given");
    }
    shows(&seen, "report_journal_beside_it");
}

#[test]
fn an_archive_is_read_where_it_is_and_held_against_the_journal() {
    let world = World::new();
    let archive = world.file("kept.gz");
    world.delete(&world.report, &["--archive", archive.to_str().expect("UTF-8")]);
    let sha256 = |file: &Path| -> String {
        Sha256::digest(std::fs::read(file).expect("a file")).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let done = world.ticket(&[]).prints("holds what was written to it last.");
    done.prints(&format!("/kept.gz | {} |", sha256(&archive)));
    let page = halfbuilt(&["report"]).args(&[&world.report]).args(&["--html"]).args(&[&archive]).run();
    page.exits(Exit::Failed).says("it is an archive, and is never overwritten");
    // Moved together with its journal it is found again; changed it is found out; without it the page says so.
    let moved = tempfile::tempdir().expect("a folder");
    for name in ["report.csv", "report.csv.about.json", "report.csv.journal.jsonl", "kept.gz"] {
        std::fs::rename(world.file(name), moved.path().join(name)).expect("a move");
    }
    let (report, archive) = (moved.path().join("report.csv"), moved.path().join("kept.gz"));
    ticket(&report, &[]).exits(Exit::Clean).prints(&format!("/kept.gz | {} |", sha256(&archive)));
    let mut bytes = std::fs::read(&archive).expect("an archive");
    *bytes.last_mut().expect("a byte") ^= 1;
    std::fs::write(&archive, bytes).expect("a write");
    let done = ticket(&report, &[]).exits(Exit::Clean).prints("is not as it was written: what the journal says");
    done.prints(": attention\n");
    std::fs::remove_file(&archive).expect("it is there");
    let done = ticket(&report, &[]).exits(Exit::Clean).prints("was not read: it is neither beside the journal");
    done.prints("/kept.gz | not read |");
}

#[test]
fn what_no_file_says_is_not_said_to_add_up() {
    let world = World::new();
    let (header, lines) = world.lines();
    let copy = world.file("copy.csv");
    std::fs::write(&copy, header + &lines[..3].concat()).expect("a copy");
    world.delete(&copy, &[]);
    let journal = world.journal();
    let name = journal.to_str().expect("UTF-8");
    // The copy has no file beside it: how many the scan found, nobody knows.
    let done = ticket(&copy, &["--journal", name]).exits(Exit::Clean);
    assert!(done.stdout.contains("how many builds the scan found is not known"), "{}", done.stdout);
    assert!(!done.stdout.contains("It adds up"), "{}", done.stdout);
    // Another run has a journal of its own.
    let other = world.file("other.journal.jsonl");
    let rest = world.file("rest.csv");
    let (header, lines) = world.lines();
    std::fs::write(&rest, header + &lines[3..6].concat()).expect("a copy");
    let real = ["--execute", "--confirm", &world.database.host, "--journal"];
    let delete = halfbuilt(&["delete"]).args(&[&rest]).args(&TIMES).args(&real).args(&[&other]);
    delete.via_nrepl(&admin(&world.database)).on(&world.database).run().exits(Exit::Clean);
    let page = world.file("page.html");
    halfbuilt(&["report"]).args(&[&world.report]).args(&["--html"]).args(&[&page]).run().exits(Exit::Clean);
    let page = std::fs::read_to_string(page).expect("a page");
    assert!(page.contains("Not read, though beside the report: other.journal.jsonl."), "{page}");
    // The one that is left out has what is missing.
    let done = world.ticket(&["--no-journal", "--journal", other.to_str().expect("UTF-8")]);
    assert!(done.stdout.contains("was left out, as was asked for"), "{}", done.stdout);
    assert!(!done.stdout.contains("It adds up"), "{}", done.stdout);
}
