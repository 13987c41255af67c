//! `halfbuilt journal verify`: as an auditor types it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use halfbuilt::admin::Answer;
use halfbuilt::deletion::journal::{DatabaseName, End, EndWord, Event, Intent, Journal, Kept, ReportFile, Start};
use halfbuilt::exit::Exit;
use halfbuilt::state::State;
use halfbuilt::timing::Timing;
use tempfile::TempDir;

use crate::support::{Done, Seen, halfbuilt};
use crate::what_a_person_sees::shows as shows_all;

fn url(number: u64) -> String {
    format!("https://ci.example.com/gh/acme/api/{number}")
}

fn start(user: &str) -> Event {
    Event::Start(Box::new(Start {
        tool: "halfbuilt 0.1.0".to_owned(),
        user: user.to_owned(),
        machine: "bastion-1".to_owned(),
        pid: 4711,
        report: ReportFile { file: "report.csv".to_owned(), sha256: "ab".repeat(32) },
        results: None,
        plan: "cd".repeat(32),
        deletions: 2,
        kept: 1,
        host: "ci.example.com".to_owned(),
        admin: "nrepl://127.0.0.1:6005".to_owned(),
        database: DatabaseName {
            system_identifier: Some("7301".to_owned()),
            name: "circle".to_owned(),
            reads: "0123456789abcdef".to_owned(),
        },
        tables: None,
        collection: None,
        backup_time: Some("2026-11-20T02:00:00Z".to_owned()),
        restored_at: None,
        chosen_by: Vec::new(),
        allowed: Vec::new(),
    }))
}

fn intent(number: u64) -> Event {
    Event::Intent(Box::new(Intent {
        url: url(number),
        project: Some("acme/api".to_owned()),
        number: Some(number),
        line: number + 1,
        reasons: vec!["stuck-running".to_owned()],
        evidence: "running, never stopped".to_owned(),
        timing: Timing::InFlight,
        fingerprint: "0123".to_owned(),
        key: Some(number.to_string()),
        queued_at: Some("2026-11-20T01:00:00Z".to_owned()),
        cancel: None,
        request: None,
    }))
}

fn deleted(number: u64) -> Event {
    Event::result(&url(number), State::Deleted, "read again and gone")
}

fn end() -> Event {
    let states = BTreeMap::from([(State::Deleted, 2)]);
    Event::End(End { ending: EndWord::Complete, text: String::new(), states, read_again: None, lost: None })
}

/// A journal in a folder of its own.
fn journal(events: Vec<Event>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("run.journal");
    add(&file, events);
    (folder, file)
}

fn add(file: &Path, events: Vec<Event>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let (journal, _) = Journal::open(file).expect("a journal");
        journal.append(events).await.expect("an append");
        journal.finish().await.expect("an end");
    });
}

fn verify(file: &Path) -> Done {
    halfbuilt(&["journal", "verify"]).args(&[file]).run()
}

#[track_caller]
fn shows(done: &Done, lines: &[&str]) {
    for line in lines {
        assert!(done.stdout.lines().any(|shown| shown.contains(line)), "expected {line:?} in: {}", done.stdout);
    }
}

#[test]
fn a_journal_that_is_whole_is_summed_up() {
    let (_folder, file) = journal(vec![start("alice"), intent(1), deleted(1), intent(2), deleted(2), end()]);
    let done = verify(&file).exits(Exit::Clean);
    assert_eq!(done.stderr, "");
    assert!(done.stdout.starts_with("the chain is whole: 6 lines, 1 session\n"), "{}", done.stdout);
    shows(
        &done,
        &[
            "session 1, line 1: 20",
            "  by        alice on bastion-1, process 4711, halfbuilt 0.1.0",
            "  host      ci.example.com through nrepl://127.0.0.1:6005",
            "  database  circle, system 7301",
            "  backup    2026-11-20T02:00:00Z, restored not given",
            "  report    report.csv, SHA-256 abab",
            "  plan      2 deletions, 1 not to be sent, SHA-256 cdcd",
            "  done      2 deletions announced; results: 2 deleted",
            "Z: complete",
            "builds by their last result: 2 deleted",
            "every announced deletion has a result",
            "SHA-256 of line 6, the last one: ",
        ],
    );
}

#[test]
fn what_flags_allowed_is_told() {
    let Event::Start(mut allowed) = start("alice") else { unreachable!("it is a start") };
    allowed.allowed = vec!["--allow times-contradicted=4".to_owned(), "--max-percent 20".to_owned()];
    let (_folder, file) = journal(vec![start("bob"), end(), Event::Start(allowed), end()]);
    let done = verify(&file).exits(Exit::Clean);
    shows(&done, &["  gates     allowed by flags: --allow times-contradicted=4, --max-percent 20"]);
    assert_eq!(done.stdout.matches("allowed").count(), 1, "{}", done.stdout);
    // Where nothing was allowed the line is as older versions wrote it.
    let first = fs::read_to_string(&file).expect("a file").lines().next().expect("a line").to_owned();
    assert!(!first.contains("allowed"), "{first}");
}

#[test]
fn what_an_earlier_session_deleted_is_not_called_kept() {
    let kept = |number, state| {
        Event::Kept(Kept { url: url(number), line: number + 1, state, reason: "by an earlier run".to_owned() })
    };
    let before = vec![start("alice"), intent(1), deleted(1), end()];
    let (_folder, file) = journal([before, vec![start("bob"), kept(1, State::Deleted), end()]].concat());
    shows(&verify(&file).exits(Exit::Clean), &["  plan      2 deletions, 1 not to be sent (deleted before), SHA-256"]);
}

#[test]
fn a_run_that_was_killed_and_continued_is_shown_with_what_is_open() {
    let first = vec![start("alice"), intent(1), deleted(1), intent(2), Event::answer(&url(2), &answered())];
    let (_folder, file) = journal(first);
    let done = verify(&file).exits(Exit::Clean);
    shows(
        &done,
        &[
            "  end       none: it was killed after 20",
            ", or is still running",
            "announced and without a result: 1 build",
            "  https://ci.example.com/gh/acme/api/2: answered at 20",
            ": unknown: no answer within 30 s",
        ],
    );
    add(&file, vec![start("bob"), Event::looked(&url(2), true, "no build has this URL"), deleted(2), end()]);
    let done = verify(&file).exits(Exit::Clean);
    shows(&done, &["the chain is whole: 9 lines, 2 sessions", "by        bob on", "every announced deletion"]);
    assert!(!done.stdout.contains("still running"), "{}", done.stdout);
}

fn answered() -> Answer {
    Answer::Unknown("no answer within 30 s".to_owned())
}

#[test]
fn of_many_open_builds_some_are_named() {
    let events = [start("alice")].into_iter().chain((1..=30).map(intent)).collect();
    let (_folder, file) = journal(events);
    let done = verify(&file).exits(Exit::Clean);
    shows(&done, &["announced and without a result: 30 builds", "  and 10 more"]);
    assert_eq!(done.stdout.lines().filter(|line| line.contains("no answer")).count(), 20);
}

#[test]
fn a_cut_last_line_is_a_warning() {
    let (_folder, file) = journal(vec![start("alice"), intent(1)]);
    let whole = fs::read(&file).expect("a file");
    fs::write(&file, &whole[..whole.len() - 1]).expect("a write");
    let done = verify(&file).exits(Exit::Clean);
    assert!(done.stderr.starts_with("warning: the last line was cut: "), "{}", done.stderr);
    let done = done.says(" bytes after line 1 make no whole line: {\"seq\":2,");
    shows(&done, &["the chain is whole: 1 line, 1 session", "SHA-256 of line 1, the last one"]);
    assert_eq!(fs::read(&file).expect("a file"), whole[..whole.len() - 1], "verify changes nothing");
    // The next session drops it, and says so.
    add(&file, vec![start("alice"), intent(1)]);
    shows(&verify(&file).exits(Exit::Clean), &["cut lines dropped when the journal was opened again: 1"]);
}

#[test]
fn damage_is_an_error_that_names_the_line() {
    let (_folder, file) = journal(vec![start("alice"), intent(1), deleted(1), end()]);
    let text = fs::read_to_string(&file).expect("a file");
    fs::write(&file, text.replacen("never stopped", "never started", 1)).expect("a write");
    let done = verify(&file).exits(Exit::Failed);
    let mut seen = Seen::default();
    seen.add("line 2 is changed", &done.fails_with("error:"));
    let without: String = text.split_inclusive('\n').filter(|line| !line.contains("intent")).collect();
    fs::write(&file, without).expect("a write");
    seen.add("line 2 is missing", &verify(&file).exits(Exit::Failed).fails_with("error:"));
    shows_all(&seen, "journal_verify_damage");
}

#[test]
fn a_whole_chain_that_records_the_impossible_is_an_error() {
    let (_folder, file) = journal(vec![start("alice"), intent(1), intent(1)]);
    let mut seen = Seen::default();
    seen.add("announced twice", &verify(&file).exits(Exit::Failed).fails_with("error:"));
    let (_folder, file) = journal(vec![start("alice"), deleted(1)]);
    seen.add("a result of what was not announced", &verify(&file).exits(Exit::Failed).fails_with("error:"));
    shows_all(&seen, "journal_verify_contradictions");
}

#[test]
fn a_digest_that_was_kept_shows_what_was_cut() {
    let (_folder, file) = journal(vec![start("alice"), intent(1), deleted(1), end()]);
    let printed = verify(&file).stdout;
    let line = printed.lines().find(|line| line.starts_with("SHA-256 of line 4")).expect("a digest");
    let digest = line.rsplit(' ').next().expect("a digest").to_uppercase();
    let with_it = || halfbuilt(&["journal", "verify", "--digest", &digest]).args(&[&file]).run();
    shows(&with_it().exits(Exit::Clean), &["line 4 has the digest that was kept"]);
    add(&file, vec![start("bob")]);
    shows(&with_it().exits(Exit::Clean), &["line 4 has the digest that was kept"]);
    let text = fs::read_to_string(&file).expect("a file");
    fs::write(&file, text.split_inclusive('\n').take(3).collect::<String>()).expect("a write");
    verify(&file).exits(Exit::Clean);
    let mut seen = Seen::default();
    let done = with_it().exits(Exit::Failed).fails_with("error:");
    seen.add("the last line was cut", &done.says(&digest.to_lowercase()));
    let line = "halfbuilt journal verify x --digest 12";
    seen.add(line, &halfbuilt(&["journal", "verify", "x", "--digest", "12"]).run().exits(Exit::Usage));
    shows_all(&seen, "journal_verify_digest");
}

#[test]
fn what_is_no_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.csv");
    fs::write(&report, "build_url,project\n").expect("a file");
    let mut seen = Seen::default();
    let mut fails = |what: &str, file: &Path| seen.add(what, &verify(file).exits(Exit::Failed).fails_with("error:"));
    fails("a report", &report);
    fs::create_dir(folder.path().join("folder")).expect("a folder");
    fails("a folder", &folder.path().join("folder"));
    fails("nothing", &folder.path().join("no"));
    let newer = folder.path().join("newer");
    fs::write(&newer, "{\"format\":\"halfbuilt-journal/2\",\"seq\":1}\n").expect("a file");
    fails("a newer format", &newer);
    shows_all(&seen, "journal_verify_what_is_no_journal");
}

#[test]
fn where_there_is_no_line_nothing_was_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("run.journal");
    let mut seen = Seen::default();
    for bytes in ["", "{\"format\":\"halfbuilt-jou"] {
        fs::write(&file, bytes).expect("a file");
        seen.add(&format!("'{bytes}'"), &verify(&file).exits(Exit::NothingInScope));
    }
    shows_all(&seen, "journal_verify_empty");
}

#[test]
fn nothing_in_a_journal_drives_a_terminal() {
    let (_folder, file) = journal(vec![start("\u{1b}[31mmal\nlory"), intent(1)]);
    let done = verify(&file).exits(Exit::Clean);
    shows(&done, &["by        \\u{1b}[31mmal\\nlory on bastion-1"]);
}
