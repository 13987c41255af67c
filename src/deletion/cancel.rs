//! A build that is cancelled before it is deleted: what a cancel leaves as it is, and what is decided after it.

use sha2::{Digest, Sha256};

use crate::finding::Finding;
use crate::obstacle::Obstacle;
use crate::state::State;

use super::decision::{Decision, KeepReason};
use super::plan::Reading;

/// The lifecycles in which a CI may refuse to delete a build.
const AT_WORK: [&str; 3] = ["queued", "not_running", "running"];

/// Whether a build has to be cancelled before it is deleted. Only a profile that cancels gives a path for it.
pub fn is_to_be_cancelled(now: &Finding) -> bool {
    now.cancel_path.is_some() && now.lifecycle.as_deref().is_some_and(|lifecycle| AT_WORK.contains(&lifecycle))
}

/// A build as it was just before its cancel was sent.
pub(super) struct BeforeCancel {
    pub(super) fingerprint: String,
    /// Its [`lasting_digest`].
    pub(super) lasting: String,
}

impl BeforeCancel {
    pub(super) fn of(now: &Finding) -> Self {
        Self { fingerprint: now.fingerprint.clone(), lasting: lasting_digest(now) }
    }
}

/// A digest of what a cancel leaves as it is: all of a build but its lifecycle, its status and its stop, and those of its steps.
pub fn lasting_digest(found: &Finding) -> String {
    let mut digest = Sha256::new();
    let mut part = |text: Option<String>| match text {
        None => digest.update([0]),
        Some(text) => {
            digest.update([1]);
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
    };
    part(Some(found.key.clone()));
    for text in [&found.build_url, &found.project, &found.delete_path] {
        part(text.clone());
    }
    for time in [found.queued_at, found.started_at] {
        part(time.map(|time| time.to_string()));
    }
    for count in [found.build_num, found.steps, found.output_expected, found.output_stored] {
        part(count.map(|count| count.to_string()));
    }
    digest.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// Decides on a build that was cancelled, where `Terms::decide` of the plan has decided on it as on any other. It is deleted if it
/// differs from what it was by nothing but its cancel; `was` is the [`lasting_digest`] of that. If it is kept, it is left cancelled.
pub fn decide_after_cancel(decision: Decision, now: &Reading, was: &str) -> Decision {
    let (state, reason) = match decision {
        Decision::Delete { .. } => return decision,
        Decision::Keep(state, reason) => (state, reason),
    };
    if let Reading::There(found) = now
        && may_come_of_a_cancel(&reason)
        && found.obstacles.iter().all(is_of_a_stop)
        && lasting_digest(found) == was
    {
        return Decision::Delete { timing: found.timing, evidence: "it was cancelled to be deleted".to_owned() };
    }
    match state_after_cancel(state) {
        State::Cancelled => Decision::Keep(State::Cancelled, KeepReason::Cancelled(reason.to_string())),
        state => Decision::Keep(state, reason),
    }
}

/// The same decision, which says of a build that is kept that an earlier run may have sent its cancel.
pub fn say_that_it_may_be_cancelled(decision: Decision) -> Decision {
    match decision {
        Decision::Keep(state, reason) if may_be_cancelled_as(state) => {
            Decision::Keep(state, KeepReason::MayBeCancelled(reason.to_string()))
        }
        decision => decision,
    }
}

/// Whether a build may be cancelled that is left in this state, and the state does not say so.
pub(super) fn may_be_cancelled_as(state: State) -> bool {
    state != State::Cancelled && state_after_cancel(state) == State::Cancelled
}

/// The state in which a build is left that was cancelled, where another one would be left in this state.
pub(super) fn state_after_cancel(state: State) -> State {
    match state {
        State::Recovered | State::Changed | State::Refused | State::NotAttempted | State::Cancelled => State::Cancelled,
        State::Deleted | State::AlreadyGone | State::Failed | State::Unknown => state,
    }
}

/// Whether a build may be kept for this reason only because it was cancelled.
fn may_come_of_a_cancel(reason: &KeepReason) -> bool {
    matches!(
        reason,
        KeepReason::Changed(_)
            | KeepReason::Recovered
            | KeepReason::UnchangedAndSound
            | KeepReason::RuleNotRun(_)
            | KeepReason::Obstacle(_)
    )
}

/// Whether an obstacle may follow from nothing but the stop of a build.
fn is_of_a_stop(obstacle: &Obstacle) -> bool {
    obstacle.timing().is_some()
        || matches!(
            obstacle,
            Obstacle::LifecycleUnknown
                | Obstacle::StartUnknown
                | Obstacle::MayHaveBeenResumed
                | Obstacle::NotKnownToBeLost
                | Obstacle::StoppedBeforeRestore
                | Obstacle::OnlyAStepWasClosed
                | Obstacle::NeverBy(_)
                // A cancel writes the row.
                | Obstacle::WrittenSinceRestore
                | Obstacle::RuleSays(_)
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deletion::KeepReason;
    use crate::testing;

    fn running() -> Finding {
        Finding {
            key: "7".to_owned(),
            build_url: Some("https://ci.example.com/runs/7".to_owned()),
            lifecycle: Some("running".to_owned()),
            status: Some("running".to_owned()),
            steps: Some(3),
            steps_unfinished: Some(1),
            delete_path: Some("/api/runs/7".to_owned()),
            cancel_path: Some("/api/runs/7/cancel".to_owned()),
            ..testing::finding()
        }
    }

    fn cancelled() -> Finding {
        let at = "2026-11-20T09:00:00Z".parse().ok();
        Finding {
            lifecycle: Some("finished".to_owned()),
            status: Some("killed".to_owned()),
            stopped_at: at,
            last_activity_at: at,
            steps_unfinished: Some(0),
            cancel_path: None,
            obstacles: vec![Obstacle::RanAfterRestore, Obstacle::NotKnownToBeLost],
            ..running()
        }
    }

    fn decided(reason: KeepReason, now: Finding) -> Option<State> {
        let decision = Decision::Keep(State::Changed, reason);
        match decide_after_cancel(decision, &Reading::There(Box::new(now)), &lasting_digest(&running())) {
            Decision::Delete { .. } => None,
            Decision::Keep(state, _) => Some(state),
        }
    }

    #[test]
    fn what_runs_or_waits_is_cancelled_where_there_is_a_path_for_it() {
        let of = |lifecycle: &str| Finding { lifecycle: Some(lifecycle.to_owned()), ..running() };
        for (lifecycle, expected) in [
            ("queued", true),
            ("not_running", true),
            ("running", true),
            ("held", false),
            ("finished", false),
            ("not_run", false),
        ] {
            assert_eq!(is_to_be_cancelled(&of(lifecycle)), expected, "{lifecycle}");
        }
        assert!(!is_to_be_cancelled(&Finding { cancel_path: None, ..running() }));
        assert!(!is_to_be_cancelled(&Finding { lifecycle: None, ..running() }));
    }

    #[test]
    fn what_differs_by_its_cancel_alone_is_deleted() {
        let changed = || KeepReason::Changed("it ended".to_owned());
        for reason in [changed(), KeepReason::Recovered, KeepReason::Obstacle(Obstacle::RanAfterRestore)] {
            assert_eq!(decided(reason, cancelled()), None);
        }
        for denied in [KeepReason::Denied("--deny acme/*".to_owned()), KeepReason::NoUrl] {
            assert_eq!(decided(denied, cancelled()), Some(State::Cancelled));
        }
        let started = "2026-11-20T08:59:00Z".parse().ok();
        for more in [
            Finding { key: "8".to_owned(), ..cancelled() },
            Finding { started_at: started, ..cancelled() },
            Finding { queued_at: started, ..cancelled() },
            Finding { steps: Some(4), ..cancelled() },
            Finding { output_stored: Some(1), ..cancelled() },
            Finding { delete_path: Some("/api/runs/8".to_owned()), ..cancelled() },
            Finding { obstacles: vec![Obstacle::RanAfterRestore, Obstacle::SharesItsKey(2)], ..cancelled() },
        ] {
            assert_eq!(decided(changed(), more.clone()), Some(State::Cancelled), "{more:?}");
        }
    }

    #[test]
    fn what_is_gone_or_was_sent_stays_what_it_is() {
        for state in [State::Deleted, State::AlreadyGone, State::Failed, State::Unknown] {
            let kept = Decision::Keep(state, KeepReason::NotInDatabase);
            assert_eq!(decide_after_cancel(kept.clone(), &Reading::Gone, "x"), kept);
        }
    }
}
