//! What a journal tells, summed up for eyes.

use std::collections::BTreeMap;
use std::fmt;

use crate::deletion::journal::{Past, PastBuild, Session};
use crate::state::State;
use crate::text::{counted, shorten};

/// How many sessions are shown, the latest.
const SESSIONS_SHOWN: usize = 20;
/// How many unsettled builds are named.
const BUILDS_SHOWN: usize = 20;

/// How many characters of a text are shown.
const SHOWN: usize = 300;

/// A journal that was read and found whole.
#[derive(Clone, Copy, Debug)]
pub struct History<'a> {
    /// What it tells.
    pub past: &'a Past,
    /// The line whose digest somebody kept, where one was asked for.
    pub kept: Option<u64>,
}

impl fmt::Display for History<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let past = self.past;
        writeln!(f, "the chain is whole: {}, {}", counted(past.lines, "line"), self.sessions())?;
        if let Some(line) = self.kept {
            writeln!(f, "the digest that was kept is that of line {line}: what stands up to there is as it was")?;
        }
        if past.repairs > 0 {
            writeln!(f, "cut lines dropped when the journal was opened again: {}", past.repairs)?;
        }
        let earlier = past.sessions.len().saturating_sub(SESSIONS_SHOWN);
        if earlier > 0 {
            writeln!(f, "({} not shown)", counted(earlier as u64, "earlier session"))?;
        }
        for (place, session) in past.sessions.iter().enumerate().skip(earlier) {
            self.session(f, place, session)?;
        }
        self.totals(f)?;
        self.unsettled(f)?;
        if let Some(last) = &past.last {
            writeln!(f, "SHA-256 of line {}, the last one: {last}", past.lines)?;
            writeln!(
                f,
                "keep it: --digest with it shows later whether a line was changed or lines were cut from the end"
            )?;
        }
        Ok(())
    }
}

impl History<'_> {
    fn sessions(&self) -> String {
        counted(self.past.sessions.len() as u64, "session")
    }

    fn session(&self, f: &mut fmt::Formatter<'_>, place: usize, session: &Session) -> fmt::Result {
        let Session { line, at, start, .. } = session;
        let shown = |text: &str| shorten(text, SHOWN);
        writeln!(f, "\nsession {}, line {line}: {at:.0}", place + 1)?;
        let (user, machine) = (shown(&start.user), shown(&start.machine));
        writeln!(f, "  by        {user} on {machine}, process {}, {}", start.pid, shown(&start.tool))?;
        writeln!(f, "  host      {} through {}", shown(&start.host), shown(&start.admin))?;
        let system = start.database.system_identifier.as_deref().unwrap_or("unknown");
        writeln!(f, "  database  {}, system {}", shown(&start.database.name), shown(system))?;
        let time = |time: &Option<String>| time.as_deref().map_or_else(|| "not given".to_owned(), shown);
        writeln!(f, "  backup    {}, restored {}", time(&start.backup_time), time(&start.restored_at))?;
        writeln!(f, "  report    {}, SHA-256 {}", shown(&start.report.file), shown(&start.report.sha256))?;
        let planned = counted(start.deletions, "deletion");
        writeln!(f, "  plan      {planned}, {} kept, SHA-256 {}", start.kept, shown(&start.plan))?;
        let archived = if session.archived > 0 { format!(", {} archived", session.archived) } else { String::new() };
        let results = tally(&session.results);
        writeln!(f, "  done      {} announced{archived}; results: {results}", counted(session.intents, "deletion"))?;
        match &session.end {
            Some((at, end)) => {
                let why = if end.text.is_empty() { String::new() } else { format!(": {}", shown(&end.text)) };
                writeln!(f, "  end       {at:.0}: {}{why}", end.ending.as_str())
            }
            None if place + 1 < self.past.sessions.len() => {
                writeln!(f, "  end       none: it was killed after {:.0}", session.last_at)
            }
            None => writeln!(f, "  end       none: it was killed after {:.0}, or is still running", session.last_at),
        }
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

    fn unsettled(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unsettled = self.past.unsettled();
        if unsettled.is_empty() {
            let announced = self.past.sessions.iter().any(|session| session.intents > 0);
            let all = if announced {
                "every deletion that was announced has its result"
            } else {
                "no deletion was announced"
            };
            return writeln!(f, "{all}");
        }
        writeln!(f, "announced and without a result: {}", counted(unsettled.len() as u64, "build"))?;
        for (url, build) in unsettled.iter().take(BUILDS_SHOWN) {
            writeln!(f, "  {}: {}", shorten(url, SHOWN), known(build))?;
        }
        let more = unsettled.len().saturating_sub(BUILDS_SHOWN);
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
            format!("answered at {at:.0}: {}: {}", answer.as_str(), shorten(text, SHOWN))
        }
        PastBuild::Looked { at, gone: true, .. } => format!("looked up at {at:.0}: gone"),
        PastBuild::Looked { at, gone: false, text } => format!("looked up at {at:.0}: {}", shorten(text, SHOWN)),
        PastBuild::Ended { at, state, .. } => format!("{state} at {at:.0}"),
    }
}

fn tally(states: &BTreeMap<State, u64>) -> String {
    match states.is_empty() {
        true => "none".to_owned(),
        false => states.iter().map(|(state, builds)| format!("{builds} {state}")).collect::<Vec<_>>().join(", "),
    }
}
