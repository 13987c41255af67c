//! What a journal knows of one build.

use jiff::Timestamp;

use crate::state::State;

use super::event::{AnswerWord, Answered, Ended, Looked};

/// What the sessions of a journal know of one build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PastBuild {
    /// A deletion was announced. It may not even have been sent.
    Open { at: Timestamp },
    /// A deletion was sent and answered. How it ended is not on record.
    Answered { at: Timestamp, answer: AnswerWord, text: String },
    /// A deletion was announced, and the build was looked up later. How it ended is not on record.
    Looked { at: Timestamp, gone: bool, text: String },
    /// It ended, with or without a deletion.
    Ended { at: Timestamp, state: State, reason: String },
}

impl PastBuild {
    /// Whether a deletion was announced whose end is not on record: the build has to be looked up.
    pub fn is_unsettled(&self) -> bool {
        !matches!(self, Self::Ended { .. })
    }

    /// A deletion is announced.
    pub(super) fn intent(before: Option<&Self>, at: Timestamp) -> Result<Self, &'static str> {
        match before {
            None | Some(Self::Ended { .. } | Self::Looked { .. }) => Ok(Self::Open { at }),
            Some(Self::Answered { answer, .. }) if answer.is_nothing_done() => Ok(Self::Open { at }),
            Some(Self::Open { .. } | Self::Answered { .. }) => {
                Err("its deletion was announced twice, and nobody looked it up in between")
            }
        }
    }

    /// The server has answered.
    pub(super) fn answered(before: Option<&Self>, at: Timestamp, answered: Answered) -> Result<Self, &'static str> {
        match before {
            Some(Self::Open { .. }) => Ok(Self::Answered { at, answer: answered.answer, text: answered.text }),
            Some(Self::Answered { .. }) => Err("there are two answers to one deletion"),
            None | Some(Self::Looked { .. } | Self::Ended { .. }) => {
                Err("there is an answer, and no deletion waits for one")
            }
        }
    }

    /// It was looked up. `may_be_sent`: a deletion of it may have been sent, and may take effect after the run stopped waiting.
    pub(super) fn looked(
        before: Option<&Self>,
        at: Timestamp,
        looked: Looked,
        may_be_sent: bool,
    ) -> Result<Self, &'static str> {
        match before {
            Some(Self::Open { .. } | Self::Answered { .. } | Self::Looked { .. }) => {
                Ok(Self::Looked { at, gone: looked.gone, text: looked.text })
            }
            // The database is back at an earlier state.
            Some(Self::Ended { state: State::Deleted, .. }) if !looked.gone => {
                Ok(Self::Looked { at, gone: looked.gone, text: looked.text })
            }
            Some(Self::Ended { .. }) if may_be_sent => Ok(Self::Looked { at, gone: looked.gone, text: looked.text }),
            None | Some(Self::Ended { .. }) => Err("it was looked up, and no deletion of it was open"),
        }
    }

    /// It has ended. Without an intent it cannot end as the result of a deletion.
    pub(super) fn ended(before: Option<&Self>, at: Timestamp, ended: Ended) -> Result<Self, &'static str> {
        let Ended { state, reason, .. } = ended;
        let unsettled = before.is_some_and(Self::is_unsettled);
        let takes_a_deletion = match state {
            State::Deleted | State::Failed | State::Unknown => true,
            State::AlreadyGone
            | State::Recovered
            | State::Changed
            | State::Refused
            | State::Cancelled
            | State::NotAttempted => false,
        };
        if takes_a_deletion && !unsettled {
            return Err("it has the result of a deletion, and no intent announced one");
        }
        Ok(Self::Ended { at, state, reason })
    }
}
