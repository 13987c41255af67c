//! What a journal says in all: who ran what, and what is known of each build.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use crate::state::State;
use crate::text::Foreign;

use super::super::identity::Identity;
use super::build::PastBuild;
use super::cancels::Cancels;
use super::error::JournalError;
use super::event::{Archived, DatabaseName, End, Ended, Event, Looked, Start, sent_before};

/// What earlier sessions left. Its size grows with the builds that the journal names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// How many whole lines there are.
    pub lines: u64,
    /// The sessions, in order; none in a new journal.
    pub sessions: Vec<Session>,
    /// What is known of each build, by URL, whose deletion was announced or which ended. Builds that a plan kept from the
    /// start are not among them.
    pub builds: HashMap<String, PastBuild>,
    /// For each URL that a plan kept from the start, when and how it ended by the latest such plan.
    pub kept: HashMap<String, (Timestamp, State)>,
    /// For each URL that is not known to be deleted, how many of its announced deletions may have been sent: no answer says
    /// that they did nothing. Where the build is gone later, one of them deleted it.
    pub may_be_sent: HashMap<String, u64>,
    /// The builds that were to be cancelled before their deletion.
    pub cancels: Cancels,
    /// For each URL of which a deletion was announced, which build it was.
    pub identities: HashMap<String, Identity>,
    /// The archives, by the names under which they were opened.
    pub archives: HashMap<String, PastArchive>,
    /// How often a cut line was dropped.
    pub repairs: u64,
    /// What stands after the last whole line: a line that was cut when its writer was killed.
    pub cut: Option<Cut>,
    /// The SHA-256 of the last whole line, in lower-case hexadecimal; `None` where there is no line.
    pub last: Option<String>,
}

/// One run of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The line of its start.
    pub line: u64,
    /// When it started.
    pub at: Timestamp,
    /// Who does what, where.
    pub start: Start,
    /// How many chosen builds the plan kept.
    pub kept: u64,
    /// How many of these an earlier session had deleted.
    pub deleted_before: u64,
    /// How many builds went to an archive, each counted once.
    pub archived: u64,
    /// How many deletions were announced.
    pub intents: u64,
    /// How many builds ended in each state, apart from those that the plan kept.
    pub results: BTreeMap<State, u64>,
    /// When and how it ended; `None` where it was killed, or runs.
    pub end: Option<(Timestamp, End)>,
    /// When its last line was written.
    pub last_at: Timestamp,
}

/// What was written to an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastArchive {
    /// The last part; of length 0 where the archive was only opened.
    pub last: Archived,
    /// How many parts were written.
    pub parts: u64,
    /// The builds, each with the session, counted from 1, that archived it last.
    pub builds: HashMap<String, usize>,
}

/// What is left of a line that was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// How many bytes.
    pub bytes: u64,
    /// Their SHA-256.
    pub sha256: String,
    /// How they begin, as far as they are text.
    pub text: String,
}

impl Session {
    fn new(line: u64, at: Timestamp, start: Start) -> Self {
        let results = BTreeMap::new();
        Self { line, at, start, kept: 0, deleted_before: 0, archived: 0, intents: 0, results, end: None, last_at: at }
    }
}

impl Past {
    pub fn last_session(&self) -> Option<&Session> {
        self.sessions.last()
    }

    /// The session that announced the latest cancel of a build.
    pub fn session_of_cancel(&self, url: &str) -> Option<&Session> {
        self.sessions.get(self.cancels.session(url)?)
    }

    /// The builds whose deletion was announced and whose end is not on record, by URL.
    pub fn unsettled(&self) -> Vec<(&str, &PastBuild)> {
        let unsettled = self.builds.iter().filter(|(_, build)| build.is_unsettled());
        let mut unsettled: Vec<_> = unsettled.map(|(url, build)| (url.as_str(), build)).collect();
        unsettled.sort_unstable_by_key(|(url, _)| *url);
        unsettled
    }

    /// Checks that a run on this host and this database may continue the journal.
    ///
    /// # Errors
    /// It is the journal of another host or another database.
    pub fn check_run(&self, host: &str, database: &DatabaseName) -> Result<(), JournalError> {
        match self.sessions.first() {
            Some(Session { start, .. }) if start.host != host || start.database != *database => {
                let theirs = describe_run(&start.host, &start.database);
                Err(JournalError::OtherRun { theirs, ours: describe_run(host, database) })
            }
            _ => Ok(()),
        }
    }

    /// The same where it is not known yet which host it will be.
    ///
    /// # Errors
    /// It is the journal of another database.
    pub fn check_database(&self, database: &DatabaseName) -> Result<(), JournalError> {
        self.sessions.first().map_or(Ok(()), |session| self.check_run(&session.start.host, database))
    }

    /// Whether a deletion of this build may have been sent, and the build is not known to be gone.
    pub fn may_be_sent(&self, url: &str) -> bool {
        self.may_be_sent.contains_key(url)
    }

    /// Whether the end of a deletion of this build is not on record, or it may still take effect: the build has to be looked up.
    pub fn has_to_be_looked_up(&self, url: &str) -> bool {
        self.may_be_sent(url) || self.builds.get(url).is_some_and(PastBuild::is_unsettled)
    }

    /// How many builds were deleted by the sessions so far.
    pub fn deleted(&self) -> u64 {
        let deleted = |build: &&PastBuild| matches!(build, PastBuild::Ended { state: State::Deleted, .. });
        self.builds.values().filter(deleted).count() as u64
    }

    /// How many builds were gone that the sessions so far had not sent.
    pub fn lost(&self) -> u64 {
        let lost = self.sessions.iter().filter_map(|session| session.end.as_ref()?.1.lost);
        lost.fold(0, u64::saturating_add)
    }

    /// Adds a line's event.
    ///
    /// # Errors
    /// It contradicts the lines before it; says how.
    pub(super) fn add(&mut self, line: u64, at: Timestamp, event: Event) -> Result<(), String> {
        self.lines = line;
        match event {
            Event::Start(start) => return self.start(line, at, *start),
            // Written before the session that found the cut line says who it is.
            Event::Repaired(_) => {
                self.repairs += 1;
                return Ok(());
            }
            _ => {}
        }
        let place = self.sessions.len();
        let session = match self.sessions.last_mut() {
            None => return Err("an event stands before the start of the first session".to_owned()),
            Some(Session { end: Some(_), .. }) => {
                return Err("an event stands after the end of its session".to_owned());
            }
            Some(session) => session,
        };
        session.last_at = at;
        match event {
            Event::Start(_) | Event::Repaired(_) => {}
            Event::Kept(kept) => {
                session.kept += 1;
                let (state, reason) = self.corrected_end(&kept.url, kept.state, kept.reason);
                self.cancels.kept(&kept.url, state);
                if let Some(session) = self.sessions.last_mut() {
                    session.deleted_before += u64::from(state == State::Deleted);
                }
                self.kept.insert(kept.url.clone(), (at, state));
                if state != kept.state {
                    self.may_be_sent.remove(&kept.url);
                    self.builds.insert(kept.url, PastBuild::Ended { at, state, reason });
                }
            }
            Event::Archived(archived) => {
                let before = self.archives.remove(&archived.file);
                let (parts, mut builds) = before.map_or_else(Default::default, |before| (before.parts, before.builds));
                for url in &archived.builds {
                    // A build that changed before its deletion was sent is archived again.
                    session.archived += u64::from(builds.insert(url.clone(), place) != Some(place));
                }
                let parts = parts + u64::from(archived.length > 0);
                self.archives.insert(archived.file.clone(), PastArchive { last: archived, parts, builds });
            }
            Event::End(end) => session.end = Some((at, end)),
            Event::Intent(intent) if intent.cancel.is_some() => {
                let intent = *intent;
                self.cancels.announce(intent.url, at, intent.cancel.unwrap_or_default(), place - 1);
            }
            Event::Answer(answered) if answered.cancel => self.cancels.answer(&answered, at)?,
            Event::Intent(intent) => {
                session.intents += 1;
                *self.may_be_sent.entry(intent.url.clone()).or_default() += 1;
                let queued_at = intent.queued_at.as_deref().and_then(|time| time.parse().ok());
                let identity = Identity { fingerprint: intent.fingerprint, key: intent.key, queued_at };
                self.identities.insert(intent.url.clone(), identity);
                self.build(intent.url, |before| PastBuild::intent(before, at))?;
            }
            Event::Answer(answered) => {
                if answered.answer.has_no_effect() {
                    self.uncount_deletion(&answered.url);
                }
                self.build(answered.url.clone(), |before| PastBuild::answered(before, at, answered))?;
            }
            Event::Looked(looked) => {
                let may_be_sent = self.may_be_sent(&looked.url);
                self.take_back(&looked);
                self.build(looked.url.clone(), |before| PastBuild::looked(before, at, looked, may_be_sent))?;
            }
            Event::Result(Ended { url, state: State::Cancelled, .. }) if !self.cancels.names(&url) => {
                return Err(format!(
                    "{}: it is called cancelled, and no cancel of it was announced",
                    Foreign::url(&url)
                ));
            }
            Event::Result(Ended { url, state, reason }) => {
                let (state, reason) = self.corrected_end(&url, state, reason);
                self.cancels.ended(&url, state);
                if let Some(session) = self.sessions.last_mut() {
                    *session.results.entry(state).or_default() += 1;
                }
                let ended = Ended { url: url.clone(), state, reason };
                self.build(url.clone(), |before| PastBuild::ended(before, at, ended))?;
                match state {
                    State::Deleted => drop(self.may_be_sent.remove(&url)),
                    // Whatever the server said, it may still take effect.
                    State::Failed | State::Unknown => drop(self.may_be_sent.entry(url).or_insert(1)),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// A build that this session called deleted and then found again was not deleted.
    fn take_back(&mut self, looked: &Looked) {
        let Some(PastBuild::Ended { at, state: State::Deleted, .. }) = self.builds.get(&looked.url) else { return };
        if let Some(session) = self.sessions.last_mut().filter(|session| !looked.gone && session.at <= *at)
            && let Some(deleted) = session.results.get_mut(&State::Deleted)
        {
            *deleted = deleted.saturating_sub(1);
            session.results.retain(|_, builds| *builds > 0);
        }
    }

    /// How a build ended, by the whole journal: a build that is gone after a deletion that may have been sent was deleted by it.
    /// Older versions wrote that it was gone already.
    fn corrected_end(&self, url: &str, state: State, reason: String) -> (State, String) {
        match state {
            State::AlreadyGone if self.may_be_sent(url) => (State::Deleted, sent_before(&reason)),
            _ => (state, reason),
        }
    }

    /// The server says that the last deletion of this build did nothing.
    fn uncount_deletion(&mut self, url: &str) {
        if let Some(left) = self.may_be_sent.get_mut(url) {
            *left -= 1;
            if *left == 0 {
                self.may_be_sent.remove(url);
            }
        }
    }

    fn start(&mut self, line: u64, at: Timestamp, start: Start) -> Result<(), String> {
        self.check_run(&start.host, &start.database).map_err(|error| error.to_string())?;
        self.sessions.push(Session::new(line, at, start));
        Ok(())
    }

    fn build<F>(&mut self, url: String, next: F) -> Result<(), String>
    where
        F: FnOnce(Option<&PastBuild>) -> Result<PastBuild, &'static str>,
    {
        match next(self.builds.get(&url)) {
            Ok(build) => {
                self.builds.insert(url, build);
                Ok(())
            }
            Err(why) => Err(format!("{}: {why}", Foreign::url(&url))),
        }
    }
}

fn describe_run(host: &str, database: &DatabaseName) -> String {
    let system = database.system_identifier.as_deref().unwrap_or("unknown");
    let [host, name, system, reads] = [host, &database.name, system, &database.reads].map(Foreign::name);
    format!("host {host}, database {name} of system {system}, read as {reads}")
}
