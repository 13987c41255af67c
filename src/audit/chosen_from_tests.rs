//! Choosing by a file does not spoil an audit, and a report of something else does.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::audit::{Agreement, Audit, FateGroup, NamedJournal, Tone};
use crate::deletion::Identity;
use crate::deletion::journal::{DatabaseName, End, EndWord, Past, PastBuild, ReportFile, Session, Start};
use crate::report::{Row, ScanMetadata};
use crate::state::State;
use crate::timing::Timing;

const SCANNED: i64 = 1_763_613_000;
/// The digest of the report as the scan wrote it.
const ORIGINAL: &str = "ab";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(SCANNED + second).expect("a time")
}

fn url(number: u64) -> String {
    format!("https://ci.example.com/gh/acme/api/{number}")
}

fn fingerprint(number: u64) -> String {
    format!("{number:032x}")
}

fn row(number: u64) -> Row {
    Row {
        line: number + 1,
        build_url: url(number),
        project: "acme/api".to_owned(),
        build_num: i64::try_from(number).ok(),
        lifecycle: "running".to_owned(),
        status: "running".to_owned(),
        queued_at: None,
        started_at: None,
        stopped_at: None,
        last_activity_at: None,
        timing: Timing::InFlight,
        reasons: vec!["stuck-running".to_owned()],
        evidence: String::new(),
        steps: None,
        steps_unfinished: None,
        output_expected: None,
        output_stored: None,
        deletable: true,
        note: String::new(),
        fingerprint: fingerprint(number),
    }
}

fn about(found: u64) -> ScanMetadata {
    ScanMetadata {
        tables: None,
        collection: None,
        scanned_at: at(0),
        system_identifier: None,
        database: "ci".to_owned(),
        profile: "circleci".to_owned(),
        addresses: crate::build_url::AddressForm::CircleCi,
        backup_time: None,
        restored_at: None,
        limits: None,
        contradictions: 0,
        builds: 100,
        findings: found,
        rules: vec!["stuck-running".to_owned()],
        not_checked: Vec::new(),
        baseline: None,
        alive: Vec::new(),
        projects: BTreeMap::new(),
        report_sha256: ORIGINAL.to_owned(),
    }
}

/// A session that chose from this file, began at this second, and deleted these builds.
fn session(file: &str, sha256: &str, second: i64, deleted: u64) -> Session {
    let text = str::to_owned;
    let start = Start {
        tool: text("halfbuilt"),
        user: text("alice"),
        machine: text("bastion"),
        pid: 1,
        report: ReportFile { file: text(file), sha256: text(sha256) },
        chosen_by: Vec::new(),
        allowed: Vec::new(),
        results: None,
        plan: text("cd"),
        deletions: deleted,
        kept: 0,
        host: text("ci.example.com"),
        admin: text("nrepl"),
        database: DatabaseName { system_identifier: None, name: text("ci"), reads: text("0") },
        tables: None,
        collection: None,
        backup_time: None,
        restored_at: None,
    };
    let states = BTreeMap::from([(State::Deleted, deleted)]);
    let end =
        End { ending: EndWord::Complete, text: String::new(), states: states.clone(), read_again: None, lost: None };
    Session {
        line: 1,
        at: at(second),
        start,
        kept: 0,
        deleted_before: 0,
        archived: 0,
        intents: deleted,
        results: states,
        end: Some((at(second + 50), end)),
        last_at: at(second + 50),
    }
}

/// A journal of these sessions, each with the builds that it deleted.
fn journal(sessions: &[(&str, &str, &[u64])]) -> Past {
    let mut past = Past::default();
    for (place, (file, sha256, builds)) in (1..).zip(sessions) {
        let second = place * 100;
        past.sessions.push(session(file, sha256, second, builds.len() as u64));
        for number in *builds {
            let ended = PastBuild::Ended { at: at(second + 10), state: State::Deleted, reason: String::new() };
            past.builds.insert(url(*number), ended);
            let identity = Identity { fingerprint: fingerprint(*number), key: None, queued_at: None };
            past.identities.insert(url(*number), identity);
        }
    }
    past
}

fn audit(found: u64, journals: &[&Past], rows: impl IntoIterator<Item = Row>, sha256: &str) -> Audit {
    let journals: Vec<NamedJournal<'_>> =
        journals.iter().map(|past| NamedJournal { name: "run.journal", past }).collect();
    let mut audit = Audit::new(Some(about(found)), &journals, 10);
    rows.into_iter().for_each(|row| audit.add(row));
    audit.finish(sha256);
    audit
}

fn said(audit: &Audit, agreement: Agreement) -> Vec<&str> {
    audit.checks.iter().filter(|check| check.agreement == agreement).map(|check| check.text.as_str()).collect()
}

#[test]
fn what_a_copy_leaves_out_was_not_chosen() {
    let copy = journal(&[("chosen.csv", "c0", &[2, 3])]);
    let audit = audit(5, &[&copy], (1..=5).map(row), ORIGINAL);
    let ended = audit.reconciliation.as_ref().expect("a journal");
    assert_eq!((ended.adds_up(), FateGroup::ALL.map(|group| ended.rows_of(group))), (true, [2, 3, 0, 0]));
    assert_eq!(said(&audit, Agreement::Differs), Vec::<&str>::new());
    assert_eq!(
        said(&audit, Agreement::Note),
        [
            "Session 1 of run.journal chose from chosen.csv, whose rows are rows of this report: all 2 builds that the session names \
          are in it, with the same fingerprints. What that file leaves out was not chosen."
        ]
    );
    assert_eq!((audit.left(), audit.conclusion().tone), (3, Tone::Damaged));
    // One after the other, until nothing is left.
    let both = journal(&[("chosen.csv", "c0", &[2, 3]), ("-", "c1", &[1, 4, 5])]);
    let audit = self::audit(5, &[&both], (1..=5).map(row), ORIGINAL);
    assert!(said(&audit, Agreement::Note)[1].contains("chose from standard input, whose rows are rows of this report"));
    assert_eq!((audit.left(), audit.conclusion().tone), (0, Tone::Clean));
}

#[test]
fn another_report_still_differs() {
    // The second session chose a build that this report does not list, and the first one did not.
    let other = journal(&[("chosen.csv", "c0", &[2, 3]), ("other.csv", "c1", &[4, 9])]);
    let audit = audit(5, &[&other], (1..=5).map(row), ORIGINAL);
    let session = "Session 2 of run.journal chose from another file than this report: other.csv. It names 1 build that this report \
                   does not list.";
    let deleted = "1 build was deleted that this report does not list: https://ci.example.com/gh/acme/api/9.";
    assert_eq!(said(&audit, Agreement::Differs), [deleted, session]);
    assert!(!audit.reconciliation.as_ref().is_some_and(|ended| ended.adds_up()));
    // The same address, and another state: another scan found it.
    let other = journal(&[("other.csv", "c1", &[2])]);
    let changed = |number| Row { fingerprint: fingerprint(number + 100), ..row(number) };
    let audit = self::audit(3, &[&other], (1..=3).map(changed), ORIGINAL);
    let differs = said(&audit, Agreement::Differs);
    assert!(differs[0].ends_with("It names 1 build with another fingerprint than this report has."), "{differs:?}");
}

#[test]
fn rows_that_were_taken_out_of_the_report_before_a_deletion_were_not_chosen() {
    let edited = journal(&[("report.csv", "ed", &[2, 3])]);
    let audit = audit(9, &[&edited], [2, 3].map(row), "ed");
    let ended = audit.reconciliation.as_ref().expect("a journal");
    assert_eq!((ended.adds_up(), FateGroup::ALL.map(|group| ended.rows_of(group))), (true, [2, 7, 0, 0]));
    assert_eq!(said(&audit, Agreement::Differs), Vec::<&str>::new());
    let note = said(&audit, Agreement::Note)[0];
    assert!(note.starts_with("Rows were taken out of the report since the scan: it found 9 builds"), "{note}");
    let sentence = "9 of 100 builds are abnormal; 2 were deleted and proved gone, 7 were not touched.";
    assert_eq!((audit.left(), audit.conclusion().sentence.as_str()), (7, sentence));
    // Afterwards, and none that was deleted.
    let whole = journal(&[("report.csv", ORIGINAL, &[2, 3])]);
    let audit = self::audit(9, &[&whole], [1, 2, 3].map(row), "ed");
    assert_eq!(said(&audit, Agreement::Differs), Vec::<&str>::new());
    assert!(said(&audit, Agreement::Note)[1].ends_with("chose from this report as the scan wrote it: report.csv."));
}

#[test]
fn a_deleted_build_that_was_taken_out_of_the_report_is_missed() {
    let whole = journal(&[("report.csv", ORIGINAL, &[1, 2, 3, 4, 5, 6, 7, 8])]);
    let audit = audit(9, &[&whole], [1, 2].map(row), "ed");
    let ended = audit.reconciliation.as_ref().expect("a journal");
    assert_eq!((ended.adds_up(), ended.missing(), ended.deleted_beyond(), ended.taken_out), (false, 7, 6, 0));
    let differs = said(&audit, Agreement::Differs);
    assert!(differs[0].starts_with("The report was changed since the scan"), "{differs:?}");
    let deleted = differs.iter().find(|text| text.contains("that this report does not list: "));
    let deleted = deleted.expect("it is said");
    assert!(deleted.starts_with("6 builds were deleted that") && deleted.ends_with("/7 and 1 more."), "{deleted}");
    assert!(audit.conclusion().sentence.ends_with("the numbers do not add up."));
}

#[test]
fn a_journal_that_is_not_whole_excuses_nothing() {
    let mut killed = journal(&[("report.csv", "ed", &[2])]);
    killed.sessions[0].end = None;
    killed.sessions[0].start.deletions = 3;
    let audit = audit(9, &[&killed], [2, 3].map(row), "ed");
    let ended = audit.reconciliation.as_ref().expect("a journal");
    assert_eq!((ended.adds_up(), ended.taken_out, ended.unaccounted), (false, 0, 1));
}
