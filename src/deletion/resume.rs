//! What an earlier session of the journal leaves to do with a build.

use crate::state::State;

use super::decision::{Decision, KeepReason};
use super::identity::Identity;
use super::journal::{AnswerWord, PastBuild};
use super::plan::Reading;

/// Revises a decision where an earlier session sent a deletion, or saw the build gone. What it left open is decided by what the
/// database says now.
///
/// `may_be_sent`: a deletion of it was announced, and no answer says that it did nothing.
/// `was` is the build that the journal deleted last under this address.
pub fn revise_by_journal(
    decision: Decision,
    now: &Reading,
    past: &PastBuild,
    may_be_sent: bool,
    was: Option<&Identity>,
) -> Decision {
    let gone = *now == Reading::Gone;
    match past {
        PastBuild::Ended { state, reason, .. } if state.is_gone() => {
            if gone {
                // Without the time, which the journal has: builds that ended alike are counted as one.
                return Decision::Keep(*state, KeepReason::EarlierRun(reason.clone()));
            }
            match (now, was) {
                (Reading::Unread(why), _) => Decision::Keep(State::Unknown, KeepReason::Unread(why.clone())),
                (Reading::There(found), Some(was)) if *state == State::Deleted && was.matches(found) => {
                    Decision::Keep(State::Failed, KeepReason::ThereAgain)
                }
                // Its number was given out again.
                (Reading::There(_), Some(_)) if *state == State::Deleted => {
                    Decision::Keep(*state, KeepReason::AddressReused)
                }
                _ => Decision::Keep(State::Refused, KeepReason::EndedAndThere(*state)),
            }
        }
        // It took effect later than the run waited for.
        PastBuild::Ended { state: State::Unknown | State::Failed, .. } if gone => {
            Decision::Keep(State::Deleted, KeepReason::TookEffectLate)
        }
        // However it ended later: an earlier deletion may have been under way all the time.
        _ if gone && may_be_sent => Decision::Keep(State::Deleted, KeepReason::EndNotSeen),
        // A server that said that nothing was there, or that it refuses, did not delete it.
        PastBuild::Answered { answer: AnswerWord::Gone | AnswerWord::Refused, text, .. } if gone => {
            Decision::Keep(State::AlreadyGone, KeepReason::GoneWithoutDeletion(text.clone()))
        }
        PastBuild::Ended { .. } | PastBuild::Open { .. } | PastBuild::Answered { .. } | PastBuild::Looked { .. } => {
            match now {
                Reading::Unread(why) if may_be_sent => Decision::Keep(State::Unknown, KeepReason::Unread(why.clone())),
                // Nothing is lost by sending it once more: it has been looked up, and is there.
                _ => decision,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::Answer;
    use crate::deletion::send::final_state;
    use crate::deletion::still_gone::found;
    use jiff::Timestamp;

    fn ended(state: State) -> PastBuild {
        PastBuild::Ended { at: Timestamp::UNIX_EPOCH, state, reason: "as it was".to_owned() }
    }

    fn abnormal() -> Decision {
        Decision::Delete { timing: crate::timing::Timing::InFlight, evidence: "abnormal".to_owned() }
    }

    const OPEN: PastBuild = PastBuild::Open { at: Timestamp::UNIX_EPOCH };

    /// As by a journal that holds one deletion of the build, or none.
    fn decided(now: &Reading, past: &PastBuild) -> Option<State> {
        let may_be_sent = match past {
            PastBuild::Open { .. } | PastBuild::Looked { .. } => true,
            PastBuild::Answered { answer, .. } => !answer.has_no_effect(),
            PastBuild::Ended { .. } => false,
        };
        decided_by(now, past, may_be_sent)
    }

    fn decided_by(now: &Reading, past: &PastBuild, may_be_sent: bool) -> Option<State> {
        match revise_by_journal(abnormal(), now, past, may_be_sent, None) {
            Decision::Delete { .. } => None,
            Decision::Keep(state, _) => Some(state),
        }
    }

    #[test]
    fn what_was_left_open_is_decided_by_the_database() {
        assert_eq!(decided(&Reading::Gone, &OPEN), Some(State::Deleted));
        assert_eq!(decided(&Reading::Several(1), &OPEN), None);
    }

    #[test]
    fn what_may_have_been_sent_and_cannot_be_read_is_unknown() {
        let unread = Reading::Unread("403".to_owned());
        assert_eq!(decided_by(&unread, &OPEN, true), Some(State::Unknown));
        for state in State::ALL.into_iter().filter(|state| !state.is_gone()) {
            assert_eq!(decided_by(&unread, &ended(state), true), Some(State::Unknown));
            assert_eq!(decided_by(&unread, &ended(state), false), None);
        }
    }

    #[test]
    fn what_was_deleted_stays_so_and_is_not_deleted_again() {
        for state in [State::Deleted, State::AlreadyGone] {
            assert_eq!(decided(&Reading::Gone, &ended(state)), Some(state));
            assert_eq!(decided(&Reading::Several(1), &ended(state)), Some(State::Refused));
        }
    }

    /// Of two builds that had one address in turn, only the one that was deleted is there again.
    #[test]
    fn what_was_deleted_and_is_there_again_has_failed() {
        let was = Identity { fingerprint: "f".to_owned(), key: Some("7".to_owned()), queued_at: None };
        let mut found = found("7", None, "g");
        let decided = |found: &crate::finding::Finding| {
            let now = Reading::There(Box::new(found.clone()));
            revise_by_journal(abnormal(), &now, &ended(State::Deleted), false, Some(&was))
        };
        assert!(matches!(decided(&found), Decision::Keep(State::Failed, KeepReason::ThereAgain)));
        found.key = "8".to_owned();
        assert!(matches!(decided(&found), Decision::Keep(State::Deleted, _)));
    }

    #[test]
    fn what_ended_otherwise_is_decided_anew() {
        for state in State::ALL.into_iter().filter(|state| !state.is_gone()) {
            assert_eq!(decided(&Reading::Several(1), &ended(state)), None);
        }
    }

    /// A run that was killed had sent it; the next run found it there, and got an answer.
    #[test]
    fn what_may_have_been_sent_and_is_gone_was_deleted_whatever_came_after() {
        for state in State::ALL.into_iter().filter(|state| !state.is_gone()) {
            assert_eq!(decided_by(&Reading::Gone, &ended(state), true), Some(State::Deleted));
            assert_eq!(decided_by(&Reading::Several(1), &ended(state), true), None);
        }
        for answer in [AnswerWord::Gone, AnswerWord::Refused, AnswerWord::Busy, AnswerWord::Denied] {
            let answered = PastBuild::Answered { at: Timestamp::UNIX_EPOCH, answer, text: "so it says".to_owned() };
            assert_eq!(decided_by(&Reading::Gone, &answered, true), Some(State::Deleted), "{answer:?}");
        }
    }

    /// However a run ended, it comes to what it would have come to had it seen the end itself.
    #[test]
    fn what_took_effect_later_is_told_as_if_it_had_been_seen() {
        for state in [State::Unknown, State::Failed] {
            assert_eq!(decided(&Reading::Gone, &ended(state)), Some(State::Deleted));
        }
        assert_eq!(decided(&Reading::Gone, &ended(State::NotAttempted)), None);
        let said = |answer: Answer| PastBuild::Answered {
            at: Timestamp::UNIX_EPOCH,
            answer: (&answer).into(),
            text: answer.text().to_owned(),
        };
        let text = || "so it says".to_owned();
        for answer in [Answer::Accepted(text()), Answer::Gone(text()), Answer::Refused(text()), Answer::Failed(text())]
        {
            let seen = final_state(&answer, true).0;
            assert_eq!(decided(&Reading::Gone, &said(answer.clone())), Some(seen), "{answer:?}");
        }
        // Nothing was sent for it: whatever the plan says of a build that is gone.
        for answer in [Answer::Busy(std::time::Duration::ZERO, text()), Answer::Denied(text())] {
            assert_eq!(decided(&Reading::Gone, &said(answer)), None);
        }
    }
}
