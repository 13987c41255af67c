//! A deletion that was sent: what the server said of it, and what that comes to once the build has been read again.

use crate::admin::Answer;
use crate::state::State;

use super::plan::Planned;

/// A deletion that was sent, and what the server said of it.
pub(super) struct Sent<'a> {
    pub(super) planned: &'a Planned,
    pub(super) answer: Answer,
}

impl Sent<'_> {
    /// Whether the build may still go without anything more being sent.
    pub(super) fn may_take_effect_yet(&self) -> bool {
        matches!(self.answer, Answer::Accepted(_) | Answer::Unknown(_))
    }

    /// How a deletion ended, by what the server said and whether the build is gone. The database has the last word.
    pub(super) fn settled(&self, gone: bool) -> (State, String) {
        settled(&self.answer, gone)
    }
}

/// The same of any answer, also one that an earlier run got.
pub(super) fn settled(answer: &Answer, gone: bool) -> (State, String) {
    let text = answer.text();
    match (answer, gone) {
        (Answer::Accepted(_), true) => (State::Deleted, "read again and gone".to_owned()),
        (Answer::Accepted(_), false) => {
            (State::Failed, format!("the server says that it is deleted ({text}), and it is still there"))
        }
        (Answer::Gone(_), true) => (State::AlreadyGone, format!("{text}; read again and gone")),
        (Answer::Gone(_), false) => {
            (State::Failed, format!("{text}, and it is still there: is the path of --via right?"))
        }
        (Answer::Refused(_), true) => (State::AlreadyGone, format!("{text}; read again and gone")),
        (Answer::Refused(_), false) => (State::Refused, text.to_owned()),
        (Answer::Failed(_), true) => (State::Deleted, format!("{text}; read again and gone all the same")),
        (Answer::Failed(_), false) => (State::Failed, text.to_owned()),
        (Answer::Unknown(_), true) => (State::Deleted, format!("{text}; read again and gone")),
        (Answer::Unknown(_), false) => (State::Unknown, format!("{text}; still there when read again")),
        (Answer::Busy(..) | Answer::Stale(_) | Answer::Denied(_), true) => {
            (State::AlreadyGone, format!("{text}; read again and gone"))
        }
        (Answer::Busy(..) | Answer::Stale(_) | Answer::Denied(_), false) => (State::NotAttempted, text.to_owned()),
    }
}
