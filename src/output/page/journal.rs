//! The summary of a journal that `journal verify` prints.

use std::collections::BTreeMap;
use std::fmt;

use crate::deletion::journal::{Past, PastBuild, Session};
use crate::state::State;
use crate::text::{Foreign, counted};

use super::session::{SessionFact, facts, tally};

/// The most sessions that are shown: the latest.
const SESSIONS: usize = 20;
/// The most builds without a result that are named.
const UNSETTLED_BUILDS: usize = 20;

/// A journal whose chain is whole.
#[derive(Clone, Copy, Debug)]
pub struct JournalSummary<'a> {
    pub past: &'a Past,
    /// The line that has the digest of `--digest`.
    pub kept: Option<u64>,
}

impl fmt::Display for JournalSummary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let past = self.past;
        writeln!(f, "the chain is whole: {}, {}", counted(past.lines, "line"), self.sessions())?;
        if let Some(line) = self.kept {
            writeln!(f, "line {line} has the digest that was kept: nothing up to there was changed")?;
        }
        if past.repairs > 0 {
            writeln!(f, "cut lines dropped when the journal was opened again: {}", past.repairs)?;
        }
        let earlier = past.sessions.len().saturating_sub(SESSIONS);
        if earlier > 0 {
            writeln!(f, "({} not shown)", counted(earlier as u64, "earlier session"))?;
        }
        for (place, session) in past.sessions.iter().enumerate().skip(earlier) {
            self.session(f, place, session)?;
        }
        self.totals(f)?;
        self.unsettled(f)?;
        self.open_cancels(f)?;
        if let Some(last) = &past.last {
            writeln!(f, "SHA-256 of line {}, the last one: {last}", past.lines)?;
            writeln!(f, "keep it: --digest shows later whether a line was changed, or lines were cut from the end")?;
        }
        Ok(())
    }
}

impl JournalSummary<'_> {
    fn sessions(&self) -> String {
        counted(self.past.sessions.len() as u64, "session")
    }

    fn session(&self, f: &mut fmt::Formatter<'_>, place: usize, session: &Session) -> fmt::Result {
        let Session { line, at, .. } = session;
        writeln!(f, "\nsession {}, line {line}: {at:.0}", place + 1)?;
        let is_last = place + 1 == self.past.sessions.len();
        for SessionFact { name, value, sha256 } in facts(session, is_last, |at| format!("{at:.0}")) {
            let sha256 = sha256.map(|sha256| format!(", SHA-256 {sha256}")).unwrap_or_default();
            writeln!(f, "  {name:<9} {value}{sha256}")?;
        }
        Ok(())
    }

    fn totals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut states: BTreeMap<State, u64> = BTreeMap::new();
        for build in self.past.builds.values() {
            if let PastBuild::Ended { state, .. } = build {
                *states.entry(*state).or_default() += 1;
            }
        }
        writeln!(f, "\nbuilds by their last result: {}", tally(&states))
    }

    /// The builds that may be cancelled and are not deleted, where a run was killed meanwhile.
    fn open_cancels(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.past.cancels.open();
        if open.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "a cancel may have been sent, and nothing says what came of it: {}",
            counted(open.len() as u64, "build")
        )?;
        for url in open.iter().take(UNSETTLED_BUILDS) {
            writeln!(f, "  {}", Foreign::url(url))?;
        }
        match open.len().saturating_sub(UNSETTLED_BUILDS) {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more"),
        }
    }

    fn unsettled(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unsettled = self.past.unsettled();
        if unsettled.is_empty() {
            let announced = self.past.sessions.iter().any(|session| session.intents > 0);
            let all = if announced { "every announced deletion has a result" } else { "no deletion was announced" };
            return writeln!(f, "{all}");
        }
        writeln!(f, "announced and without a result: {}", counted(unsettled.len() as u64, "build"))?;
        for (url, build) in unsettled.iter().take(UNSETTLED_BUILDS) {
            writeln!(f, "  {}: {}", Foreign::url(url), known(build))?;
        }
        let more = unsettled.len().saturating_sub(UNSETTLED_BUILDS);
        if more > 0 {
            writeln!(f, "  and {more} more")?;
        }
        Ok(())
    }
}

/// What is known of a build, in words.
fn known(build: &PastBuild) -> String {
    match build {
        PastBuild::Open { at } => format!("announced at {at:.0}, no answer"),
        PastBuild::Answered { at, answer, text } => {
            format!("answered at {at:.0}: {}: {}", answer.as_str(), Foreign::evidence(text))
        }
        PastBuild::Looked { at, gone: true, .. } => format!("looked up at {at:.0}: gone"),
        PastBuild::Looked { at, gone: false, text } => format!("looked up at {at:.0}: {}", Foreign::evidence(text)),
        PastBuild::Ended { at, state, .. } => format!("{state} at {at:.0}"),
    }
}
