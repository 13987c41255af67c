//! The deletions, journal by journal and session by session.

use crate::deletion::journal::Session;

use super::super::dossier::{JournalInput, NAME};
use super::super::shown::{builds, foreign, grouped, time};

/// How many sessions of a journal are shown, the latest.
const SESSIONS: usize = 20;
/// How many builds without a result are named.
const UNSETTLED: usize = 20;

/// A journal.
pub(super) struct JournalView {
    pub(super) name: String,
    pub(super) lines: String,
    pub(super) last: String,
    pub(super) earlier: u64,
    pub(super) sessions: Vec<SessionView>,
    pub(super) archives: Vec<ArchiveView>,
    pub(super) unsettled: Vec<String>,
    pub(super) more_unsettled: u64,
}

/// One run of the program.
pub(super) struct SessionView {
    pub(super) place: usize,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) digests: Vec<(&'static str, String)>,
    pub(super) states: Vec<(&'static str, String)>,
}

/// An archive, with what was put into it last.
pub(super) struct ArchiveView {
    pub(super) file: String,
    pub(super) offset: String,
    pub(super) length: String,
    pub(super) sha256: String,
}

impl JournalView {
    pub(super) fn new(journal: &JournalInput) -> Self {
        let past = &journal.past;
        let earlier = past.sessions.len().saturating_sub(SESSIONS);
        let count = past.sessions.len();
        let sessions = past.sessions.iter().enumerate().skip(earlier);
        let unsettled = past.unsettled();
        let mut archives: Vec<_> = past.archives.values().collect();
        archives.sort_by_key(|archived| &archived.file);
        Self {
            name: foreign(&journal.file.name, NAME, "a journal"),
            lines: grouped(past.lines),
            last: past.last.clone().unwrap_or_else(|| "there is no line".to_owned()),
            earlier: earlier as u64,
            sessions: sessions.map(|(place, session)| session_view(place + 1, session, place + 1 == count)).collect(),
            archives: archives
                .into_iter()
                .map(|archived| ArchiveView {
                    file: foreign(&archived.file, NAME, "?"),
                    offset: grouped(archived.offset),
                    length: grouped(archived.length),
                    sha256: foreign(&archived.sha256, 64, "?"),
                })
                .collect(),
            more_unsettled: unsettled.len().saturating_sub(UNSETTLED) as u64,
            unsettled: unsettled.iter().take(UNSETTLED).map(|(url, _)| foreign(url, NAME, "?")).collect(),
        }
    }
}

fn session_view(place: usize, session: &Session, is_last: bool) -> SessionView {
    let start = &session.start;
    let shown = |text: &str| foreign(text, NAME, "?");
    let ended = match &session.end {
        Some((at, end)) if end.text.is_empty() => format!("{}: {}", time(*at), end.ending.as_str()),
        Some((at, end)) => format!("{}: {}: {}", time(*at), end.ending.as_str(), shown(&end.text)),
        None if is_last => format!("no end on record: killed after {}, or still running", time(session.last_at)),
        None => format!("no end on record: killed after {}", time(session.last_at)),
    };
    let system = start.database.system_identifier.as_deref().map_or("unknown".to_owned(), shown);
    let times = |text: &Option<String>| match text.as_deref() {
        None => "not given".to_owned(),
        Some(text) => text.parse().map_or_else(|_| shown(text), time),
    };
    let mut facts = vec![
        ("Who", format!("{} on {}, process {}", shown(&start.user), shown(&start.machine), start.pid)),
        ("Began", time(session.at)),
        ("Ended", ended),
        ("CI server", shown(&start.host)),
        ("Admin path", shown(&start.admin)),
        ("Database", format!("{}, system {system}", shown(&start.database.name))),
        ("Backup (T), restore (R)", format!("{}, {}", times(&start.backup_time), times(&start.restored_at))),
        ("Tool", shown(&start.tool)),
        ("Plan", format!("{} to delete, {} to keep", grouped(start.deletions), grouped(start.kept))),
        ("Announced", format!("{} to be deleted", builds(session.intents))),
    ];
    if session.archived > 0 {
        facts.push(("Archived first", builds(session.archived)));
    }
    let mut states: Vec<(&'static str, String)> =
        session.results.iter().map(|(state, number)| (state.as_str(), grouped(*number))).collect();
    if session.kept > 0 {
        states.push(("kept by the plan", grouped(session.kept)));
    }
    SessionView {
        place,
        facts,
        digests: vec![("Plan", shown(&start.plan)), ("Report it chose from", shown(&start.report.sha256))],
        states,
    }
}
