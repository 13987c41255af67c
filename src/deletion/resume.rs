//! What an earlier session of the journal leaves to be done with a build.

use crate::state::State;

use super::journal::PastBuild;
use super::plan::{Decision, Reading};

/// Decides once more where an earlier session sent a deletion, or saw the build gone. What it left open is decided by
/// what the database says now.
pub fn with_past(decision: Decision, now: &Reading, past: &PastBuild) -> Decision {
    let gone = *now == Reading::Gone;
    match past {
        PastBuild::Ended { state, reason, .. } if state.is_gone() => {
            if gone {
                // Without the time, which the journal tells: what ended alike is counted as one.
                return Decision::Keep(*state, format!("by an earlier run of this journal: {reason}"));
            }
            let back = "restored once more? a new --journal begins afresh";
            Decision::Keep(State::Refused, format!("the journal says it is {state}, and it is there again: {back}"))
        }
        PastBuild::Ended { .. } => decision,
        PastBuild::Open { .. } | PastBuild::Answered { .. } | PastBuild::Looked { .. } if gone => {
            let reason = "sent by an earlier run of this journal, which did not see the end; read again and gone";
            Decision::Keep(State::Deleted, reason.to_owned())
        }
        // Nothing is lost by sending it once more: it has been looked up, and is there.
        PastBuild::Open { .. } | PastBuild::Answered { .. } | PastBuild::Looked { .. } => decision,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn ended(state: State) -> PastBuild {
        PastBuild::Ended { at: Timestamp::UNIX_EPOCH, state, reason: "as it was".to_owned() }
    }

    const OPEN: PastBuild = PastBuild::Open { at: Timestamp::UNIX_EPOCH };

    fn decided(now: &Reading, past: &PastBuild) -> Option<State> {
        match with_past(Decision::Delete("abnormal".to_owned()), now, past) {
            Decision::Delete(_) => None,
            Decision::Keep(state, _) => Some(state),
        }
    }

    #[test]
    fn what_was_left_open_is_decided_by_the_database() {
        assert_eq!(decided(&Reading::Gone, &OPEN), Some(State::Deleted));
        assert_eq!(decided(&Reading::Several(1), &OPEN), None);
    }

    #[test]
    fn what_was_deleted_stays_so_and_is_not_deleted_once_more() {
        for state in [State::Deleted, State::AlreadyGone] {
            assert_eq!(decided(&Reading::Gone, &ended(state)), Some(state));
            assert_eq!(decided(&Reading::Several(1), &ended(state)), Some(State::Refused));
        }
    }

    #[test]
    fn what_ended_otherwise_is_decided_anew() {
        for state in State::ALL.into_iter().filter(|state| !state.is_gone()) {
            assert_eq!(decided(&Reading::Several(1), &ended(state)), None);
        }
    }
}
