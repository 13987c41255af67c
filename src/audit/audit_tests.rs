use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::audit::{FateGroup, RunEnd, Tone};
use crate::deletion::journal::{DatabaseName, End, EndWord, Past, PastBuild, ReportFile, Session, Start};
use crate::report::Baseline;
use crate::state::State;
use crate::timing::Timing;

use super::*;

const T: i64 = 1_763_604_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn url(number: u64) -> String {
    format!("https://ci.example.com/gh/acme/api/{number}")
}

fn row(number: u64, timing: Timing) -> Row {
    Row {
        line: number + 1,
        build_url: url(number),
        project: "acme/api".to_owned(),
        build_num: i64::try_from(number).ok(),
        lifecycle: "running".to_owned(),
        status: "running".to_owned(),
        queued_at: None,
        started_at: Some(at(T - 600)),
        stopped_at: None,
        last_activity_at: None,
        timing,
        reasons: vec!["stuck-running".to_owned()],
        evidence: String::new(),
        steps: None,
        steps_unfinished: None,
        output_expected: None,
        output_stored: None,
        deletable: true,
        note: String::new(),
        fingerprint: String::new(),
    }
}

fn about(found: u64) -> ScanMetadata {
    ScanMetadata {
        tables: None,
        collection: None,
        scanned_at: at(T + 9000),
        system_identifier: None,
        database: "ci".to_owned(),
        profile: "circleci".to_owned(),
        addresses: crate::build_url::AddressForm::CircleCi,
        backup_time: Some(at(T)),
        restored_at: Some(at(T + 3600)),
        limits: None,
        contradictions: 0,
        builds: 100,
        findings: found,
        rules: vec!["output-gap".to_owned(), "stuck-running".to_owned()],
        not_checked: Vec::new(),
        baseline: None,
        alive: Vec::new(),
        projects: BTreeMap::new(),
        report_sha256: "ab".to_owned(),
    }
}

fn past(builds: &[(u64, State)], kept: &[(u64, State)]) -> Past {
    let ended = |(number, state): &(u64, State)| {
        (url(*number), PastBuild::Ended { at: at(T + 9100), state: *state, reason: String::new() })
    };
    let kept = kept.iter().map(|(number, state)| (url(*number), (at(T + 9050), *state)));
    let mut results = BTreeMap::new();
    builds.iter().for_each(|(_, state)| *results.entry(*state).or_default() += 1);
    let mut states = results.clone();
    kept.clone().for_each(|(_, (_, state))| *states.entry(state).or_default() += 1);
    let session = Session {
        line: 1,
        at: at(T + 9010),
        start: start(builds.len() as u64, kept.len() as u64),
        kept: kept.len() as u64,
        deleted_before: 0,
        archived: 0,
        intents: 0,
        results,
        end: Some((
            at(T + 9200),
            End { ending: EndWord::Complete, text: String::new(), states, read_again: None, lost: None },
        )),
        last_at: at(T + 9200),
    };
    let builds = builds.iter().map(ended).collect();
    Past { builds, kept: kept.collect(), sessions: vec![session], ..Past::default() }
}

/// A session on the database of [`about`], by its report.
fn start(deletions: u64, kept: u64) -> Start {
    let text = str::to_owned;
    Start {
        tool: text("halfbuilt"),
        user: text("alice"),
        machine: text("bastion"),
        pid: 1,
        report: ReportFile { file: text("report.csv"), sha256: text("ab") },
        results: None,
        plan: text("cd"),
        deletions,
        kept,
        host: text("ci.example.com"),
        admin: text("nrepl"),
        database: DatabaseName { system_identifier: None, name: text("ci"), reads: text("0") },
        tables: None,
        collection: None,
        backup_time: Some(at(T).to_string()),
        restored_at: None,
        chosen_by: Vec::new(),
        allowed: Vec::new(),
    }
}

fn audit(about: Option<ScanMetadata>, journals: &[&Past], rows: impl IntoIterator<Item = Row>) -> Audit {
    let journals: Vec<NamedJournal<'_>> =
        journals.iter().map(|past| NamedJournal { name: "run.journal", past }).collect();
    let mut audit = Audit::new(about, &journals, 10);
    rows.into_iter().for_each(|row| audit.add(row));
    audit.finish("ab");
    audit
}

fn sentence(audit: &Audit) -> (Tone, String) {
    let conclusion = audit.conclusion();
    (conclusion.tone, conclusion.sentence)
}

#[test]
fn found_is_deleted_and_kept_and_failed_and_vanished() {
    let past = past(
        &[(1, State::Deleted), (2, State::Failed), (3, State::Unknown), (9, State::Deleted)],
        &[(4, State::Refused), (5, State::AlreadyGone)],
    );
    let audit = audit(Some(about(6)), &[&past], (1..=6).map(|number| row(number, Timing::InFlight)));
    let ended = audit.reconciliation.as_ref().expect("there is a journal");
    assert_eq!(FateGroup::ALL.map(|part| ended.rows_of(part)), [1, 2, 2, 1]);
    assert_eq!((ended.found, ended.missing(), ended.adds_up(), ended.deleted_beyond()), (6, 0, false, 1));
    assert_eq!(ended.by_fate[&Fate::NotChosen].rows, 1);
    assert_eq!(
        sentence(&audit),
        (
            Tone::Damaged,
            "6 of 100 builds are abnormal; 1 was deleted and proved gone, 1 had vanished before, 2 failed or have an unknown \
             outcome, 2 were not touched; the numbers do not add up."
                .to_owned()
        )
    );
}

#[test]
fn what_was_taken_out_of_the_report_is_missing() {
    let past = past(&[(1, State::Deleted)], &[]);
    let audit = audit(Some(about(3)), &[&past], [row(1, Timing::InFlight)]);
    let ended = audit.reconciliation.as_ref().expect("there is a journal");
    assert_eq!((ended.missing(), ended.adds_up()), (2, false));
    assert!(sentence(&audit).1.ends_with("none is left; the numbers do not add up."), "{:?}", sentence(&audit));
    assert_eq!(sentence(&audit).0, Tone::Damaged);
}

#[test]
fn one_deletion_is_not_two() {
    let past = past(&[(1, State::Deleted)], &[]);
    let audit = audit(None, &[&past], [row(1, Timing::InFlight), row(1, Timing::InFlight)]);
    let ended = audit.reconciliation.expect("there is a journal");
    assert_eq!((ended.missing(), ended.counted_twice(), ended.adds_up()), (0, 1, false));
}

#[test]
fn a_deletion_that_is_seen_again_stays_a_deletion() {
    let mut later = past(&[], &[(1, State::AlreadyGone), (2, State::AlreadyGone)]);
    later.kept.values_mut().for_each(|(time, _)| *time = at(T + 20_000));
    let first = past(&[(1, State::Deleted), (2, State::Failed)], &[]);
    for journals in [[&first, &later], [&later, &first]] {
        let audit = audit(None, &journals, [row(1, Timing::InFlight), row(2, Timing::InFlight)]);
        let ended = audit.reconciliation.expect("there is a journal");
        assert_eq!(FateGroup::ALL.map(|part| ended.rows_of(part)), [1, 0, 0, 1]);
    }
}

#[test]
fn an_announced_deletion_without_a_result_has_failed_as_far_as_anybody_knows() {
    let mut past = past(&[], &[]);
    past.builds.insert(url(1), PastBuild::Open { at: at(T + 9000) });
    let audit = audit(None, &[&past], [row(1, Timing::InFlight)]);
    let ended = audit.reconciliation.expect("there is a journal");
    assert_eq!((ended.rows_of(FateGroup::Failed), ended.by_fate[&Fate::Open].rows), (1, 1));
}

/// Another journal may be the one that saw it gone.
#[test]
fn what_one_journal_announced_and_another_saw_gone_was_deleted() {
    let mut announced = past(&[], &[]);
    announced.builds.insert(url(1), PastBuild::Open { at: at(T + 9000) });
    announced
        .builds
        .insert(url(2), PastBuild::Ended { at: at(T + 9000), state: State::Unknown, reason: String::new() });
    announced.may_be_sent.insert(url(2), 1);
    announced
        .builds
        .insert(url(3), PastBuild::Ended { at: at(T + 9000), state: State::Refused, reason: String::new() });
    let gone = past(&[], &[(1, State::AlreadyGone), (2, State::AlreadyGone), (3, State::AlreadyGone)]);
    for journals in [[&announced, &gone], [&gone, &announced]] {
        let audit = audit(None, &journals, [1, 2, 3].map(|number| row(number, Timing::InFlight)));
        let ended = audit.reconciliation.expect("there is a journal");
        assert_eq!(FateGroup::ALL.map(|part| ended.rows_of(part)), [2, 0, 0, 1]);
    }
}

#[test]
fn nothing_is_called_clean_that_was_not_checked() {
    let nothing: [Row; 0] = [];
    assert_eq!(
        sentence(&audit(Some(about(0)), &[], nothing.clone())),
        (Tone::Clean, "Clean: none of 100 builds is abnormal.".to_owned())
    );
    assert_eq!(audit(None, &[], nothing.clone()).conclusion().tone, Tone::Unknown);
    let unchecked = ScanMetadata { not_checked: vec![("output-gap".to_owned(), "no chunk".to_owned())], ..about(0) };
    assert_eq!(audit(Some(unchecked), &[], nothing.clone()).conclusion().tone, Tone::Unknown);
    assert_eq!(
        audit(Some(ScanMetadata { builds: 0, ..about(0) }), &[], nothing.clone()).conclusion().tone,
        Tone::Unknown
    );
    assert_eq!(
        audit(Some(ScanMetadata { rules: Vec::new(), ..about(0) }), &[], nothing.clone()).conclusion().tone,
        Tone::Unknown
    );
    // All rows were taken out.
    assert_eq!(audit(Some(about(7)), &[], nothing).conclusion().tone, Tone::Damaged);
    let all_gone = past(&[(1, State::Deleted)], &[]);
    let one = [row(1, Timing::InFlight)];
    assert_eq!(audit(Some(about(1)), &[&all_gone], one.clone()).conclusion().tone, Tone::Clean);
    let unchecked = ScanMetadata { not_checked: vec![("output-gap".to_owned(), "no chunk".to_owned())], ..about(1) };
    assert_eq!(audit(Some(unchecked), &[&all_gone], one).conclusion().tone, Tone::Damaged);
}

#[test]
fn the_picture_shows_the_cut() {
    let rows =
        (1..=40).map(|number| Row { started_at: Some(at(T - 60 * number as i64)), ..row(number, Timing::InFlight) });
    let audit = audit(Some(about(40)), &[], rows);
    let timeline = audit.timeline.expect("there is a backup time");
    let picture = timeline.picture(200, 50);
    let place = picture.place(at(T)) * 200.0;
    let (before, after) = (place as usize - 1, place as usize + 1);
    assert_eq!((picture.columns[before][0], picture.columns[after][0]), (40, 0));
    assert_eq!((picture.builds, picture.outside, picture.lanes.len(), timeline.cut()), (40, 0, 40, 40));
    assert!(picture.lanes.iter().all(|lane| lane.span.last == RunEnd::Cut && lane.span.end == at(T)));
    let lengths: BTreeMap<&str, u64> = audit.lengths.classes().collect();
    assert_eq!((lengths["1 to 5 minutes"], lengths["30 minutes to 1 hour"]), (4, 11));
}

#[test]
fn a_long_outage_does_not_push_the_cut_out_of_sight() {
    for away in [0, 60, 3600, 86_400, 30 * 86_400] {
        let restored = ScanMetadata { restored_at: Some(at(T + away)), ..about(1) };
        let audit = audit(Some(restored), &[], [row(1, Timing::InFlight)]);
        let picture = audit.timeline.expect("a timeline").picture(100, 5);
        let (cut, back) = (picture.place(at(T)), picture.place(at(T + away)));
        assert!((0.5..0.85).contains(&cut) && cut <= back && back < 0.9, "{away}: {cut} {back}");
        assert!((picture.stretches.iter().map(|stretch| stretch.width).sum::<f64>() - 1.0).abs() < 1e-9);
    }
}

#[test]
fn times_at_the_edge_are_drawn() {
    let edges = [Timestamp::MIN, at(T), Timestamp::MAX];
    for (backup, restored) in edges.into_iter().flat_map(|backup| edges.map(|restored| (backup, restored))) {
        let times = ScanMetadata { backup_time: Some(backup), restored_at: Some(restored), ..about(3) };
        let rows = edges.map(|start| Row { started_at: Some(start), ..row(1, Timing::InFlight) });
        let picture = audit(Some(times), &[], rows).timeline.expect("a timeline").picture(100, 5);
        for stretch in picture.stretches {
            assert!(stretch.from <= stretch.to, "{stretch:?}");
        }
    }
}

#[test]
fn what_journals_tell_counts_for_what_the_scan_found_alone() {
    let one = || [row(1, Timing::InFlight)];
    let good = past(&[(1, State::Deleted)], &[]);
    assert_eq!(sentence(&audit(Some(about(1)), &[&good], one())).0, Tone::Clean);
    // A scan after it found it again, and nobody has deleted it since.
    let rescanned = ScanMetadata { scanned_at: at(T + 9101), ..about(1) };
    let again = audit(Some(rescanned.clone()), &[&good], one());
    let ended = again.reconciliation.as_ref().expect("there is a journal");
    assert_eq!((ended.rows_of(FateGroup::Deleted), ended.beyond(), again.conclusion().tone), (0, 0, Tone::Damaged));
    // And now somebody has.
    let mut later = good.clone();
    later.builds.insert(url(1), PastBuild::Ended { at: at(T + 9150), state: State::Deleted, reason: String::new() });
    assert_eq!(sentence(&audit(Some(rescanned), &[&later, &good], one())).0, Tone::Clean);
    // Another database, by name or by system.
    for (name, system) in [("other", None), ("ci", Some("7"))] {
        let mut other = good.clone();
        let database = &mut other.sessions[0].start.database;
        (database.name, database.system_identifier) = (name.to_owned(), system.map(str::to_owned));
        let audit = audit(Some(about(1)), &[&other], one());
        assert_eq!(audit.conclusion().tone, Tone::Damaged);
        assert_eq!(audit.reconciliation.expect("there is a journal").rows_of(FateGroup::Deleted), 0);
    }
}

#[test]
fn what_does_not_agree_is_not_clean() {
    let clean = || past(&[(1, State::Deleted)], &[]);
    let tone = |about: ScanMetadata, past: &Past, rows| sentence(&audit(Some(about), &[past], rows)).0;
    let one = || vec![row(1, Timing::InFlight)];
    assert_eq!(tone(about(1), &clean(), one()), Tone::Clean);
    assert_eq!(tone(ScanMetadata { report_sha256: "cd".to_owned(), ..about(1) }, &clean(), one()), Tone::Damaged);
    assert_eq!(
        tone(ScanMetadata { report_sha256: "cd".to_owned(), ..about(0) }, &past(&[], &[]), Vec::new()),
        Tone::Damaged
    );
    assert_eq!(tone(about(1), &past(&[(1, State::Deleted), (2, State::Deleted)], &[]), one()), Tone::Damaged);
    let changes: [fn(&mut Session); 5] = [
        |session| session.end = None,
        // What was deleted may be there again.
        |session| session.end.as_mut().expect("an end").1.read_again = Some(false),
        |session| session.start.deletions = 2,
        |session| session.start.report.sha256 = "cd".to_owned(),
        |session| session.start.backup_time = None,
    ];
    for change in changes {
        let mut past = clean();
        change(&mut past.sessions[0]);
        assert_eq!(tone(about(1), &past, one()), Tone::Damaged, "{:?}", past.sessions[0]);
    }
    // A run that was killed and continued is reported to its end.
    let mut killed = clean();
    killed.sessions.insert(0, Session { end: None, results: BTreeMap::new(), ..killed.sessions[0].clone() });
    assert_eq!(tone(about(1), &killed, one()), Tone::Clean);
}

#[test]
fn lost_builds_are_some_of_those_that_were_looked_for() {
    let baseline =
        Baseline { file: "before.json".to_owned(), builds: 9, lost: 2, backwards: 0, signature_is_good: None };
    let about = ScanMetadata { builds: 0, baseline: Some(baseline), ..about(2) };
    let rows = [1, 2].map(|number| row(number, Timing::Unknown));
    assert!(sentence(&audit(Some(about), &[], rows)).1.starts_with("2 of 2 builds are abnormal; "));
}

#[test]
fn numbers_that_went_backwards_are_not_clean() {
    let with = |backwards| {
        let baseline =
            Baseline { file: "before.json".to_owned(), builds: 9, lost: 0, backwards, signature_is_good: None };
        sentence(&audit(Some(ScanMetadata { baseline: Some(baseline), ..about(0) }), &[], []))
    };
    assert_eq!(with(0).0, Tone::Clean);
    let said = "None of 100 builds is abnormal, but numbers of builds went backwards in 2 projects.";
    assert_eq!(with(2), (Tone::Damaged, said.to_owned()));
}

#[test]
fn a_restore_whose_times_are_contradicted_is_not_clean() {
    let with = |contradictions| sentence(&audit(Some(ScanMetadata { contradictions, ..about(0) }), &[], []));
    assert_eq!(with(0).0, Tone::Clean);
    let said = "None of 100 builds is abnormal, but 2 builds did something between the backup and the restore.";
    assert_eq!(with(2), (Tone::Damaged, said.to_owned()));
}

#[test]
fn what_is_left_for_a_person_is_what_is_not_deletable_and_not_gone() {
    let noted =
        |number, deletable, note: &str| Row { deletable, note: note.to_owned(), ..row(number, Timing::Between) };
    let rows = || [noted(1, true, ""), noted(2, false, "why"), noted(3, false, "why"), noted(4, false, "other")];
    let alone = audit(Some(about(4)), &[], rows());
    assert_eq!((alone.left(), alone.remaining.reasons()), (3, vec![("why", 2), ("other", 1)]));
    let journal = past(&[(3, State::Deleted), (4, State::Recovered)], &[]);
    assert_eq!(audit(Some(about(4)), &[&journal], rows()).left(), 2);
}

#[test]
fn what_is_there_again_is_not_continued() {
    let steps = |past: &Past| {
        let audit = audit(Some(about(1)), &[past], [row(1, Timing::InFlight)]);
        audit.remaining.by_step.keys().copied().collect::<Vec<_>>()
    };
    assert_eq!(steps(&past(&[(1, State::Failed)], &[])), [NextStep::LookUp]);
    // A run deleted it; the next one keeps it, because it is there.
    assert_eq!(steps(&past(&[], &[(1, State::Failed)])), [NextStep::StartOver]);
}

#[test]
fn what_to_do_about_a_build_is_said_by_what_is_known_of_it() {
    let step = |row: Row, fate: Option<Fate>| NextStep::of(&row, fate, [Some(at(T)), Some(at(T + 60))]);
    let ended = |state| Some(Fate::Ended(state));
    let deletable = |fate| step(row(1, Timing::InFlight), fate);
    let fates = [ended(State::Failed), Some(Fate::Open), ended(State::NotAttempted), ended(State::Refused)];
    assert_eq!(fates.map(deletable), [NextStep::LookUp, NextStep::LookUp, NextStep::Continue, NextStep::ReadWhy]);
    assert_eq!([Some(Fate::NotChosen), Some(Fate::NotNamed)].map(deletable), [NextStep::Choose, NextStep::FindJournal]);
    let kept = |timing| Row { deletable: false, ..row(1, timing) };
    let timings = [Timing::Between, Timing::Unknown, Timing::AfterRestore, Timing::Ended].map(kept);
    assert_eq!(
        timings.map(|row| step(row, None)),
        [NextStep::CheckTimes, NextStep::LookAtBuild, NextStep::LookWhetherAlive, NextStep::Decide]
    );
    let over = Row { stopped_at: Some(at(T)), ..kept(Timing::AfterRestore) };
    let orphan = Row { reasons: vec!["orphan-step".to_owned()], ..kept(Timing::Unknown) };
    assert_eq!([over, orphan].map(|row| step(row, None)), [NextStep::FindNewDamage, NextStep::LookAtTables]);
    let without = |times| [Timing::Unknown, Timing::Ended].map(|timing| NextStep::of(&kept(timing), None, times));
    assert_eq!(without([None, None]), [NextStep::GiveBackupTime, NextStep::Decide]);
    assert_eq!(without([Some(at(T)), None]), [NextStep::LookAtBuild, NextStep::GiveRestoreTime]);
}

fn timings() -> impl Strategy<Value = Timing> {
    prop_oneof![
        Just(Timing::InFlight),
        Just(Timing::Stale),
        Just(Timing::Ended),
        Just(Timing::AfterRestore),
        Just(Timing::Between),
        Just(Timing::Unknown),
    ]
}

fn seconds() -> impl Strategy<Value = Option<Timestamp>> {
    proptest::option::of((-400_000_i64..400_000).prop_map(|second| at(T + second)))
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (0_u64..12, timings(), seconds(), seconds(), seconds(), vec("[a-c]", 0..4));
    vec(row, 0..60).prop_map(|rows| {
        let row = |(number, timing, started_at, stopped_at, last_activity_at, reasons)| Row {
            started_at,
            stopped_at,
            last_activity_at,
            reasons,
            // Some have no address, as what is left of a build whose row is gone.
            build_url: if number == 0 { String::new() } else { url(number) },
            ..self::row(number, timing)
        };
        rows.into_iter().map(row).collect()
    })
}

fn pasts() -> impl Strategy<Value = Past> {
    let state = || proptest::sample::select(State::ALL.to_vec());
    (vec((0_u64..14, state()), 0..12), vec((0_u64..14, state()), 0..12)).prop_map(|(builds, kept)| past(&builds, &kept))
}

proptest! {
    #[test]
    fn the_parts_add_up(rows in rows(), journals in vec(pasts(), 0..3), found in proptest::option::of(0_u64..80)) {
        let journals: Vec<&Past> = journals.iter().collect();
        let all = rows.len() as u64;
        let audit = audit(found.map(about), &journals, rows);
        let findings = &audit.findings;
        prop_assert_eq!(findings.builds, all);
        prop_assert_eq!(findings.by_timing.values().sum::<u64>(), all);
        prop_assert_eq!(findings.by_project.values().sum::<u64>(), all);
        prop_assert!(findings.by_rule.values().all(|builds| *builds <= all));
        prop_assert_eq!(audit.lengths.classes().map(|(_, builds)| builds).sum::<u64>() + audit.lengths.unknown, all);
        prop_assert_eq!(audit.rows.len() as u64 + audit.rows_left_out(), all);
        prop_assert_eq!(audit.reconciliation.is_some(), !journals.is_empty());
        if let Some(ended) = &audit.reconciliation {
            prop_assert_eq!(FateGroup::ALL.map(|part| ended.rows_of(part)).iter().sum::<u64>(), all);
            prop_assert_eq!(ended.missing(), i128::from(found.unwrap_or(all)) - i128::from(all));
            prop_assert_eq!(ended.taken_out, 0);
            let names = journals.iter().flat_map(|past| past.builds.keys().chain(past.kept.keys()));
            let names: std::collections::BTreeSet<&String> = names.collect();
            let is_named = |fate: Fate| !matches!(fate, Fate::NotNamed | Fate::NotChosen);
            let said: u64 = ended.by_fate.iter().filter(|(fate, _)| is_named(**fate)).map(|(_, counts)| {
                counts.rows - counts.doubles + counts.beyond
            }).sum();
            prop_assert_eq!(said, names.len() as u64);
        }
        if let Some(timeline) = &audit.timeline {
            let picture = timeline.picture(50, 20);
            prop_assert_eq!(picture.builds + picture.outside + timeline.without_times, all);
            prop_assert!(picture.lanes.len() <= 20 && picture.lanes.len() as u64 <= picture.builds);
            prop_assert!(picture.columns.iter().all(|column| column.iter().sum::<u64>() <= all));
        }
        // Whatever the files say, there is a verdict.
        prop_assert!(audit.conclusion().sentence.ends_with('.'));
    }
}
