//! The deletions by journal and session.

use crate::deletion::journal::PastArchive;
use crate::text::Foreign;

use super::super::format::{grouped, time};
use super::super::inputs::JournalInput;
use super::super::session::{SessionFact, facts};

/// The most sessions of a journal that are shown: the latest.
const SESSIONS: usize = 20;
/// The most builds without a result that are named.
const UNSETTLED: usize = 20;

pub(super) struct JournalView {
    pub(super) name: Foreign,
    pub(super) lines: String,
    pub(super) last: String,
    pub(super) earlier: u64,
    pub(super) sessions: Vec<SessionView>,
    pub(super) archives: Vec<ArchiveView>,
    pub(super) unsettled: Vec<Foreign>,
    pub(super) more_unsettled: u64,
    /// The builds of which a cancel may have been sent, and nothing says what came of it.
    pub(super) open_cancels: Vec<Foreign>,
    pub(super) more_open_cancels: u64,
}

pub(super) struct SessionView {
    pub(super) place: usize,
    pub(super) began: String,
    pub(super) facts: Vec<SessionFact>,
}

/// An archive and its latest part.
pub(super) struct ArchiveView {
    pub(super) file: Foreign,
    pub(super) parts: String,
    pub(super) builds: String,
    pub(super) offset: String,
    pub(super) length: String,
    pub(super) sha256: Foreign,
}

impl JournalView {
    pub(super) fn new(journal: &JournalInput) -> Self {
        let past = &journal.past;
        let earlier = past.sessions.len().saturating_sub(SESSIONS);
        let count = past.sessions.len();
        let sessions = past.sessions.iter().enumerate().skip(earlier);
        let unsettled = past.unsettled();
        let open_cancels = past.cancels.open();
        let mut archives: Vec<_> = past.archives.values().collect();
        archives.sort_by_key(|archive| &archive.last.file);
        Self {
            name: Foreign::url(&journal.file.name).or("a journal"),
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
                    file: Foreign::url(&last.file).or("?"),
                    parts: grouped(*parts),
                    builds: grouped(builds.len() as u64),
                    offset: grouped(last.offset),
                    length: grouped(last.length),
                    sha256: Foreign::name(&last.sha256).or("?"),
                })
                .collect(),
            more_unsettled: unsettled.len().saturating_sub(UNSETTLED) as u64,
            unsettled: unsettled.iter().take(UNSETTLED).map(|(url, _)| Foreign::url(url).or("?")).collect(),
            more_open_cancels: open_cancels.len().saturating_sub(UNSETTLED) as u64,
            open_cancels: open_cancels.iter().take(UNSETTLED).map(|url| Foreign::url(url).or("?")).collect(),
        }
    }
}
