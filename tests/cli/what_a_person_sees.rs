//! What a person sees: each main run as it is typed, with all that it prints, in `tests/cli/snapshots`.
//!
//! Where messages change on purpose, this writes the snapshots again, those of all tests of the program, and the README's listings. Look at
//! the difference before you commit it.
//!
//! ```text
//! INSTA_UPDATE=always tests/run.sh --test cli
//! ```

use crate::support::{
    Done, Hearing, Person, RESTORED_AT, Report, Seen, Signal, TestDatabase, admin, deletable, signal, stable,
};

/// T and R, as they are typed.
const TIMES: &str = "--backup-time 2026-11-20T02:00:00Z --restored-at 2026-11-20T06:30:00Z";
/// An admin path at which nobody listens.
const NOBODY: &str = "--via nrepl://127.0.0.1:9";

fn with_damage(fixtures: &[&str]) -> Person {
    Person::with(TestDatabase::circleci(fixtures))
}

/// Compares what is seen with the snapshot of this name.
#[track_caller]
pub(crate) fn shows(seen: &Seen, name: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, seen.0));
}

/// A run whose talk, all that goes to stderr, is in a snapshot.
pub(crate) trait Says: Sized {
    /// It said what the snapshot of this name holds, and nothing else.
    #[track_caller]
    fn says_all_of(self, name: &str) -> Self;
}

impl Says for Done {
    #[track_caller]
    fn says_all_of(self, name: &str) -> Self {
        shows(&Seen(stable(&self.stderr)), name);
        self
    }
}

#[test]
fn scan_of_a_database_without_damage() {
    shows(&with_damage(&["healthy"]).types(&format!("halfbuilt scan {TIMES}")), "scan_clean");
}

#[test]
fn scan_with_findings() {
    let person = with_damage(&["healthy", "output-gap"]);
    shows(&person.types(&format!("halfbuilt scan {TIMES}")), "scan_findings");
    shows(&person.types(&format!("halfbuilt scan {TIMES} -o report.csv")), "scan_into_a_file");
    shows(&person.types(&format!("halfbuilt scan {TIMES} --format table")), "scan_as_a_table");
    let one = format!("halfbuilt scan {TIMES} --format json --rule output-gap --project tools/docs");
    shows(&person.types(&one), "scan_as_json");
}

#[test]
fn scan_without_a_backup_time() {
    let person = with_damage(&["output-truncated"]);
    shows(&person.types("halfbuilt scan -o report.csv"), "scan_without_a_backup_time");
}

#[test]
fn scan_with_times_that_builds_contradict() {
    let person = with_damage(&["healthy", "closed-after-restore"]);
    shows(&person.types(&format!("halfbuilt scan {TIMES} -o report.csv")), "scan_contradicted");
}

#[test]
fn verify() {
    shows(&with_damage(&["healthy"]).types(&format!("halfbuilt verify {TIMES}")), "verify_clean");
    shows(&with_damage(&["healthy", "output-gap"]).types(&format!("halfbuilt verify {TIMES}")), "verify_failed");
    shows(&with_damage(&[]).types(&format!("halfbuilt verify {TIMES}")), "verify_nothing_in_scope");
}

#[test]
fn manifest_and_verify_with_it() {
    let person = with_damage(&["healthy"]);
    let manifest = person.types("halfbuilt manifest --backup-time 2026-11-20T02:00:00Z -o before.json");
    shows(&manifest, "manifest");
    person
        .database
        .run("DELETE FROM builds WHERE build_num = 501; UPDATE builds SET status = 'odd' WHERE build_num = 502");
    let verify = format!("halfbuilt verify --baseline before.json --restored-at {RESTORED_AT}");
    shows(&person.types(&verify), "verify_with_a_baseline");
}

#[test]
fn delete_as_a_dry_run() {
    let person = with_damage(&["healthy", "output-gap"]);
    person.types(&format!("halfbuilt scan {TIMES} -o report.csv"));
    shows(&person.types(&format!("halfbuilt delete report.csv {NOBODY}")), "delete_dry_run");
    shows(&person.types(&format!("halfbuilt delete report.csv {NOBODY} --max 3 -o plan.csv")), "delete_too_many");
    let other = format!("halfbuilt delete report.csv {NOBODY} --execute --confirm ci.other.example -o results.csv");
    shows(&person.types(&other), "delete_another_host");
    let unnamed = format!("halfbuilt delete report.csv {NOBODY} --execute -o results.csv");
    shows(&person.types(&unnamed), "delete_without_a_host");
}

#[test]
fn delete_where_builds_have_changed_since_the_report() {
    let person = with_damage(&["healthy", "stuck-running"]);
    person.types(&format!("halfbuilt scan {TIMES} -o report.csv"));
    let report = Report::read(&person.file("report.csv"));
    let stuck = report.rows.iter().filter(|row| row["reasons"] == "stuck-running" && row["deletable"] == "yes");
    let stuck: Vec<&String> = stuck.map(|row| &row["build_url"]).collect();
    for (change, url) in [
        "DELETE FROM builds",
        "UPDATE builds SET status = 'timedout'",
        "UPDATE builds SET lifecycle = 'finished', stop_time = '2026-11-20T01:59:59Z'",
    ]
    .into_iter()
    .zip(stuck)
    {
        person.database.run(&format!("{change} WHERE build_url = '{url}'"));
    }
    shows(&person.types(&format!("halfbuilt delete report.csv {NOBODY} -o plan.csv")), "delete_changed");
}

#[test]
fn delete_for_real_and_what_is_on_record_of_it() {
    let person = Person::with(TestDatabase::circleci_on_own_host(&["healthy", "output-gap"]));
    person.types(&format!("halfbuilt scan {TIMES} -o report.csv"));
    let (via, host) = (admin(&person.database).nrepl(), &person.database.host);
    let delete = format!("halfbuilt delete report.csv --via {via} --jobs 1 --execute --confirm {host}");
    shows(&person.types(&format!("{delete} --archive deleted.jsonl.gz -o results.csv")), "delete_execute");
    shows(&person.types("halfbuilt journal verify report.csv.journal.jsonl"), "journal_verify");
    let report =
        "halfbuilt report report.csv --journal report.csv.journal.jsonl --html audit.html --markdown ticket.md";
    shows(&person.types(report), "report");
}

#[test]
fn delete_interrupted_and_continued() {
    let person = Person::with(TestDatabase::circleci_on_own_host(&["stuck-running"]));
    person.types(&format!("halfbuilt scan {TIMES} -o report.csv"));
    assert!(deletable(&Report::read(&person.file("report.csv"))).len() > 4);
    let (via, host) = (admin(&person.database).nrepl(), &person.database.host);
    let line = format!("halfbuilt delete report.csv --via {via} --jobs 1 --execute --confirm {host} -o results.csv");
    // Three are gone, and the fourth is on its way.
    let gate = person.database.gate(3);
    let mut child = person.run(&line).start();
    let hearing = Hearing::of(&mut child);
    gate.wait_for(1);
    signal(&child, Signal::SIGINT);
    hearing.wait_for("interrupted: ");
    gate.open();
    let interrupted = Seen::of(&line, &hearing.done(child));
    shows(&interrupted.then(person.types(&line)), "delete_interrupted_and_continued");
}

#[test]
fn rules_and_profiles() {
    let person = with_damage(&["healthy"]);
    shows(&person.types("halfbuilt rules"), "rules");
    shows(&person.types("halfbuilt profiles"), "profiles");
    shows(&person.types("halfbuilt profiles --check circleci"), "profiles_check");
    shows(&person.types("halfbuilt profiles --check buildbot"), "profiles_check_of_another_database");
}

#[test]
fn errors() {
    let person = with_damage(&["healthy"]);
    let nowhere = "halfbuilt scan --database-url postgres://127.0.0.1:9/ci";
    shows(&person.types(nowhere), "bad_connection");
    shows(&person.types("halfbuilt delete report.csv --via nrepl://127.0.0.1:9"), "report_that_is_not_there");
    std::fs::write(person.file("report.csv"), "build_url,project\r\nnonsense,\r\n").expect("a file");
    shows(&person.types("halfbuilt delete report.csv --via nrepl://127.0.0.1:9"), "bad_report");
}

#[test]
fn help() {
    let person = with_damage(&[]);
    shows(&person.types("halfbuilt --help"), "help");
    shows(&person.types("halfbuilt delete -h"), "help_of_delete");
    shows(&person.types("halfbuilt scan --help"), "help_of_scan");
}
