//! The cancels of a journal: what was cancelled so that it can be deleted.

use std::collections::HashMap;

use crate::state::State;
use crate::text::Foreign;

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
    answer: Option<AnswerWord>,
    /// Whether nothing on record since says what came of it.
    is_open: bool,
}

impl Cancel {
    /// Whether the server said that it did nothing.
    fn had_no_effect(&self) -> bool {
        self.answer.is_some_and(AnswerWord::has_no_effect)
    }
}

impl Cancels {
    /// What the latest cancel of a build left as it is, where that cancel may have worked: it was accepted, or no answer came. One that the
    /// server refused has changed nothing.
    pub fn latest(&self, url: &str) -> Option<&str> {
        let cancel = self.0.get(url)?;
        let may_have_worked = matches!(cancel.answer, None | Some(AnswerWord::Accepted | AnswerWord::Unknown));
        may_have_worked.then_some(cancel.lasting.as_str())
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

    pub(super) fn announce(&mut self, url: String, lasting: String, session: usize) {
        self.0.insert(url, Cancel { lasting, session, answer: None, is_open: true });
    }

    /// # Errors
    /// No cancel waits for an answer.
    pub(super) fn answer(&mut self, answered: &Answered) -> Result<(), String> {
        match self.0.get_mut(&answered.url).filter(|cancel| cancel.answer.is_none()) {
            Some(cancel) => {
                cancel.answer = Some(answered.answer);
                Ok(())
            }
            None => Err(format!("{}: there is an answer, and no cancel waits for one", Foreign::url(&answered.url))),
        }
    }
}
