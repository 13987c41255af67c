//! The cancels of a journal: what was cancelled so that it can be deleted.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::state::State;
use crate::text::Foreign;

use super::super::accepted_cancel::AcceptedCancel;
use super::event::{AnswerWord, Answered};

/// What a journal says of the builds that were to be cancelled before their deletion, by URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cancels(HashMap<String, Cancel>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Cancel {
    /// The digest of what a cancel leaves of the build as it is.
    lasting: String,
    /// The place of the session that announced it.
    session: usize,
    announced_at: Timestamp,
    /// What was answered, and when.
    answer: Option<(AnswerWord, Timestamp)>,
    /// Whether nothing on record since says what came of it.
    is_open: bool,
}

impl Cancel {
    /// Whether the server said that it did nothing.
    fn had_no_effect(&self) -> bool {
        self.answer.is_some_and(|(answer, _)| answer.has_no_effect())
    }
}

impl Cancels {
    /// The latest cancel of a build, where the server accepted it. One that it refused has changed nothing; and of one without an answer
    /// nobody knows whether it did.
    pub fn accepted(&self, url: &str) -> Option<AcceptedCancel> {
        let Cancel { lasting, announced_at, answer: Some((AnswerWord::Accepted, accepted_at)), .. } =
            self.0.get(url)?
        else {
            return None;
        };
        let (lasting, announced_at, accepted_at) = (lasting.clone(), *announced_at, *accepted_at);
        Some(AcceptedCancel { lasting, announced_at, accepted_at })
    }

    /// The builds whose cancel was announced, and nothing on record since says what came of it, by URL: they may be cancelled, and are not
    /// deleted.
    pub fn open(&self) -> Vec<&str> {
        let mut open: Vec<&str> =
            self.0.iter().filter(|(_, cancel)| cancel.is_open).map(|(url, _)| url.as_str()).collect();
        open.sort_unstable();
        open
    }

    /// Whether a cancel of this build may have been sent, and nothing on record since says what came of it.
    pub fn may_be_sent(&self, url: &str) -> bool {
        self.0.get(url).is_some_and(|cancel| cancel.is_open && !cancel.had_no_effect())
    }

    /// A plan has kept the build in this state.
    pub(super) fn kept(&mut self, url: &str, state: State) {
        self.close(url, state.is_gone() || state == State::Cancelled);
    }

    /// The build has ended in this state.
    pub(super) fn ended(&mut self, url: &str, state: State) {
        let was_deletion_sent = matches!(state, State::Failed | State::Unknown);
        self.close(url, was_deletion_sent || state.is_gone() || state == State::Cancelled);
    }

    /// That a build has changed, or was not touched, does not say whether it was cancelled before.
    fn close(&mut self, url: &str, says_what_came_of_it: bool) {
        if let Some(cancel) = self.0.get_mut(url) {
            cancel.is_open &= !says_what_came_of_it && !cancel.had_no_effect();
        }
    }

    /// The place, among all sessions, of the one that announced the latest cancel of a build.
    pub(super) fn session(&self, url: &str) -> Option<usize> {
        Some(self.0.get(url)?.session)
    }

    pub(super) fn names(&self, url: &str) -> bool {
        self.0.contains_key(url)
    }

    pub(super) fn announce(&mut self, url: String, announced_at: Timestamp, lasting: String, session: usize) {
        self.0.insert(url, Cancel { lasting, session, announced_at, answer: None, is_open: true });
    }

    /// # Errors
    /// No cancel waits for an answer.
    pub(super) fn answer(&mut self, answered: &Answered, at: Timestamp) -> Result<(), String> {
        match self.0.get_mut(&answered.url).filter(|cancel| cancel.answer.is_none()) {
            Some(cancel) => {
                cancel.answer = Some((answered.answer, at));
                Ok(())
            }
            None => Err(format!("{}: there is an answer, and no cancel waits for one", Foreign::url(&answered.url))),
        }
    }
}
