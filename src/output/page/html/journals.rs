//! The deletions, journal by journal and session by session.

use crate::deletion::journal::PastArchive;

use super::super::format::{foreign, grouped, time};
use super::super::inputs::{JournalInput, NAME};
use super::super::session::{SessionFact, facts};

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
    pub(super) began: String,
    pub(super) facts: Vec<SessionFact>,
}

/// An archive, with what was put into it last.
pub(super) struct ArchiveView {
    pub(super) file: String,
    pub(super) parts: String,
    pub(super) builds: String,
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
        archives.sort_by_key(|archive| &archive.last.file);
        Self {
            name: foreign(&journal.file.name, NAME, "a journal"),
            lines: grouped(past.lines),
            last: past.last.clone().unwrap_or_else(|| "there is no line".to_owned()),
            earlier: earlier as u64,
            sessions: sessions
                .map(|(place, session)| SessionView {
                    place: place + 1,
                    began: time(session.at),
                    facts: facts(session, place + 1 == count, time),
                })
                .collect(),
            archives: archives
                .into_iter()
                .map(|PastArchive { last, parts, builds }| ArchiveView {
                    file: foreign(&last.file, NAME, "?"),
                    parts: grouped(*parts),
                    builds: grouped(*builds),
                    offset: grouped(last.offset),
                    length: grouped(last.length),
                    sha256: foreign(&last.sha256, 64, "?"),
                })
                .collect(),
            more_unsettled: unsettled.len().saturating_sub(UNSETTLED) as u64,
            unsettled: unsettled.iter().take(UNSETTLED).map(|(url, _)| foreign(url, NAME, "?")).collect(),
        }
    }
}
