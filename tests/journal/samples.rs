//! Events of a run, and journals made of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use halfbuilt::admin::Answer;
use halfbuilt::deletion::journal::{
    Archived, DatabaseName, End, EndWord, Event, Intent, Journal, Kept, Past, ReportFile, Start,
};
use halfbuilt::state::State;
use halfbuilt::timing::Timing;
use tempfile::TempDir;

pub const HOST: &str = "ci.example.com";

pub fn url(number: u64) -> String {
    format!("https://{HOST}/gh/acme/api/{number}")
}

pub fn database() -> DatabaseName {
    DatabaseName {
        system_identifier: Some("7301234567890123456".to_owned()),
        name: "circle".to_owned(),
        reads: "0123456789abcdef".to_owned(),
    }
}

pub fn start() -> Event {
    start_on(HOST, database())
}

pub fn start_on(host: &str, database: DatabaseName) -> Event {
    Event::Start(Box::new(Start {
        tool: "halfbuilt 0.1.0".to_owned(),
        user: "alice".to_owned(),
        machine: "bastion-1".to_owned(),
        pid: 4711,
        report: ReportFile { file: "report.csv".to_owned(), sha256: "ab".repeat(32) },
        results: None,
        plan: "cd".repeat(32),
        deletions: 3,
        kept: 1,
        host: host.to_owned(),
        admin: "nrepl://127.0.0.1:6005 (admin/delete-build)".to_owned(),
        database,
        tables: None,
        collection: None,
        backup_time: Some("2026-11-20T02:00:00Z".to_owned()),
        restored_at: None,
        chosen_by: vec!["--project acme/*".to_owned(), "--choose".to_owned()],
        allowed: vec!["--max-percent 20".to_owned(), "--allow times-contradicted=4".to_owned()],
    }))
}

pub fn intent(number: u64) -> Event {
    Event::Intent(Box::new(Intent {
        url: url(number),
        project: Some("acme/api".to_owned()),
        number: Some(number),
        line: number + 1,
        reasons: vec!["stuck-running".to_owned(), "output-truncated".to_owned()],
        evidence: format!("step 4 \"run \\ tests\u{1b}[31m ü\": {number} of 2431 lines stored"),
        timing: Timing::InFlight,
        fingerprint: "0123456789abcdef0123456789abcdef".to_owned(),
        key: Some(number.to_string()),
        queued_at: Some("2026-11-20T01:00:00Z".to_owned()),
        cancel: None,
        request: Some(format!("DELETE /api/v1/jobs/{number}")),
    }))
}

/// A cancel, after which the build is to be deleted.
pub fn cancel(number: u64) -> Event {
    match intent(number) {
        Event::Intent(intent) => Event::Intent(Box::new(Intent { cancel: Some("as it lasts".to_owned()), ..*intent })),
        _ => unreachable!("it is one"),
    }
}

pub fn answer_to_cancel(number: u64) -> Event {
    Event::answer_to_cancel(&url(number), &Answer::Accepted("204 No Content".to_owned()))
}

pub fn answer(number: u64) -> Event {
    Event::answer(&url(number), &Answer::Accepted("true".to_owned()))
}

pub fn deleted(number: u64) -> Event {
    Event::result(&url(number), State::Deleted, "read again and gone")
}

pub fn kept(number: u64) -> Event {
    let reason = "timing after-restore".to_owned();
    Event::Kept(Kept { url: url(number), line: number + 1, state: State::Refused, reason })
}

pub fn archived(number: u64) -> Event {
    let (file, sha256, builds) = ("builds.zst".to_owned(), "ef".repeat(32), vec![url(number)]);
    Event::Archived(Archived { file, offset: 0, length: 812, sha256, builds })
}

pub fn end() -> Event {
    let states = BTreeMap::from([(State::Deleted, 2), (State::Refused, 1)]);
    Event::End(End { ending: EndWord::Complete, text: String::new(), states, read_again: None, lost: None })
}

/// A run that deletes two builds and keeps one: eleven lines.
pub fn a_run() -> Vec<Event> {
    let first = [start(), kept(7), archived(1), intent(1), answer(1), deleted(1)];
    let second = [archived(2), intent(2), answer(2), deleted(2), end()];
    first.into_iter().chain(second).collect()
}

/// A folder of its own, and a file in it that is not there yet.
pub fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("run.journal");
    (folder, file)
}

/// Adds events to a journal as a run of its own does.
pub fn add(file: &Path, events: Vec<Event>) -> Past {
    let (journal, past) = Journal::open(file).expect("a journal");
    wait(async {
        journal.append(events).await.expect("an append");
        journal.finish().await.expect("an end");
    });
    past
}

/// The bytes of a journal with these events.
pub fn bytes_of(events: Vec<Event>) -> Vec<u8> {
    let (_folder, file) = place();
    add(&file, events);
    std::fs::read(file).expect("a file")
}

pub fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}
