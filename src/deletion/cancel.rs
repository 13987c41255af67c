//! A build that is cancelled before it is deleted: what a cancel leaves as it is, and what is decided after it.

use sha2::{Digest, Sha256};

use crate::finding::Finding;
use crate::obstacle::Obstacle;
use crate::state::State;
use crate::text::Foreign;

use super::accepted_cancel::AcceptedCancel;
use super::decision::{BeyondCancel, Decision, KeepReason};
use super::plan::{Reading, Terms};

/// The lifecycles in which a CI may refuse to delete a build.
const AT_WORK: [&str; 3] = ["queued", "not_running", "running"];

/// The lifecycles of a build that is over.
const OVER: [&str; 2] = ["finished", "not_run"];

/// Words for the status of a build that passed, in small letters, of the CIs that are known. A build with one of them was not stopped.
const PASSED: [&str; 13] = [
    "complete",
    "completed",
    "fixed",
    "green",
    "ok",
    "pass",
    "passed",
    "softfailed",
    "succeeded",
    "success",
    "successful",
    "unstable",
    "warnings",
];

/// Whether a build has to be cancelled before it is deleted. Only a profile that cancels gives a path for it.
pub fn is_to_be_cancelled(now: &Finding) -> bool {
    now.cancel_path.is_some() && is_at_work(now)
}

/// Whether a build runs or waits to run.
pub(super) fn is_at_work(now: &Finding) -> bool {
    now.lifecycle.as_deref().is_some_and(|lifecycle| AT_WORK.contains(&lifecycle))
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

/// A digest of what a cancel leaves as it is: all of a build but its lifecycle, its status and its stop, and the stops of its steps. A step
/// that starts, even one that had started before, and output that is stored make another digest.
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
    for time in [found.queued_at, found.started_at, found.last_work_at] {
        part(time.map(|time| time.to_string()));
    }
    for count in [found.build_num, found.steps, found.output_expected, found.output_stored] {
        part(count.map(|count| count.to_string()));
    }
    digest.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// Decides on a build whose cancel was accepted, where `Terms::decide` has decided on it as on any other. It is deleted if it is over, and
/// differs from what it was by nothing but the effect of its cancel. If it is kept, it is left cancelled.
pub fn decide_after_cancel(terms: &Terms<'_>, decision: Decision, now: &Reading, cancel: &AcceptedCancel) -> Decision {
    let (state, reason) = match (decision, now) {
        (Decision::Delete { .. }, Reading::There(found)) if is_at_work(found) => {
            return Decision::Keep(State::Cancelled, KeepReason::BeyondCancel(BeyondCancel::IsAtWork));
        }
        // Nothing else may stand against it, as of a pasted list: it may have passed all the same.
        (decision @ Decision::Delete { .. }, Reading::There(found)) => {
            return match beyond_cancel(terms, found, cancel) {
                None => decision,
                Some(beyond) => Decision::Keep(State::Cancelled, KeepReason::BeyondCancel(beyond)),
            };
        }
        (decision @ Decision::Delete { .. }, _) => return decision,
        (Decision::Keep(state, reason), _) => (state, reason),
    };
    if let Reading::There(found) = now
        && may_come_of_a_cancel(&reason)
    {
        return match beyond_cancel(terms, found, cancel) {
            None => Decision::Delete { timing: found.timing, evidence: "it was cancelled to be deleted".to_owned() },
            Some(beyond) => Decision::Keep(State::Cancelled, KeepReason::BeyondCancel(beyond)),
        };
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
        KeepReason::Changed(_) | KeepReason::Recovered | KeepReason::RuleNotRun(_) | KeepReason::Obstacle(_)
    )
}

/// What a build shows that its cancel does not explain; `None` where it explains all.
fn beyond_cancel(terms: &Terms<'_>, found: &Finding, cancel: &AcceptedCancel) -> Option<BeyondCancel> {
    let lifecycle = found.lifecycle.as_deref().unwrap_or_default();
    let permit = terms.permit;
    let Some(stop) = found.stopped_at.filter(|_| OVER.contains(&lifecycle)) else {
        return Some(BeyondCancel::IsAtWork);
    };
    if !cancel.may_stop_at(stop, terms.clock_tolerance) {
        return Some(BeyondCancel::StoppedAt { stop, accepted: cancel.accepted_at });
    }
    if lasting_digest(found) != cancel.lasting {
        return Some(BeyondCancel::DidMore(found.evidence.clone()));
    }
    if let Some(status) = found.status.as_ref().filter(|status| PASSED.contains(&status.to_lowercase().as_str())) {
        return Some(BeyondCancel::Passed(Foreign::name(status).into()));
    }
    if !permit.only_timings.is_empty() && !permit.only_timings.contains(&found.timing) {
        return Some(BeyondCancel::OtherTiming(found.timing));
    }
    let is_of_a_stop = |obstacle: &&Obstacle| is_of_a_stop(obstacle) || is_permitted(terms, obstacle);
    found.obstacles.iter().find(|obstacle| !is_of_a_stop(obstacle)).cloned().map(BeyondCancel::Obstacle)
}

/// Whether an obstacle may follow from nothing but the stop of a build.
fn is_of_a_stop(obstacle: &Obstacle) -> bool {
    matches!(
        obstacle,
        // What waited, and now shows as over.
        Obstacle::StartUnknown
            | Obstacle::MayHaveBeenResumed
            | Obstacle::NotKnownToBeLost
            | Obstacle::NeverBy(_)
            | Obstacle::RuleSays(_)
    )
}

/// Whether an obstacle stood against the build before its cancel, too, and is allowed now. What may be alive has not stopped.
fn is_permitted(terms: &Terms<'_>, obstacle: &Obstacle) -> bool {
    matches!(obstacle, Obstacle::RanAfterRestore | Obstacle::NoTimeOnRecord)
        && obstacle.timing().is_some_and(|timing| terms.permit.allows(timing))
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::deletion::plan::Permit;
    use crate::testing;
    use crate::timing::Timing;

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

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn cancelled() -> Finding {
        let at = Some(at("2026-11-20T09:00:00Z"));
        Finding {
            lifecycle: Some("finished".to_owned()),
            status: Some("killed".to_owned()),
            stopped_at: at,
            last_activity_at: at,
            steps_unfinished: Some(0),
            cancel_path: None,
            obstacles: vec![Obstacle::MayHaveBeenResumed, Obstacle::NotKnownToBeLost],
            ..running()
        }
    }

    fn decided_by(permit: &Permit, decision: Decision, now: Finding) -> Option<State> {
        let terms = Terms { rules: Vec::new(), permit, clock_tolerance: SignedDuration::from_secs(5) };
        let cancel = AcceptedCancel {
            lasting: lasting_digest(&running()),
            announced_at: at("2026-11-20T08:59:58Z"),
            accepted_at: at("2026-11-20T09:00:00Z"),
        };
        match decide_after_cancel(&terms, decision, &Reading::There(Box::new(now)), &cancel) {
            Decision::Delete { .. } => None,
            Decision::Keep(state, _) => Some(state),
        }
    }

    fn decided(reason: KeepReason, now: Finding) -> Option<State> {
        decided_by(&Permit::default(), Decision::Keep(State::Changed, reason), now)
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
        for reason in [changed(), KeepReason::Recovered, KeepReason::Obstacle(Obstacle::MayHaveBeenResumed)] {
            assert_eq!(decided(reason, cancelled()), None);
        }
        for denied in [KeepReason::Denied("--deny acme/*".to_owned()), KeepReason::NoUrl] {
            assert_eq!(decided(denied, cancelled()), Some(State::Cancelled));
        }
        let started = Some(at("2026-11-20T08:59:00Z"));
        for more in [
            Finding { key: "8".to_owned(), ..cancelled() },
            Finding { started_at: started, ..cancelled() },
            Finding { queued_at: started, ..cancelled() },
            Finding { steps: Some(4), ..cancelled() },
            // A step that it had begins again in place, or a piece of output takes the place of another.
            Finding { last_work_at: started, ..cancelled() },
            Finding { output_stored: Some(1), ..cancelled() },
            Finding { delete_path: Some("/api/runs/8".to_owned()), ..cancelled() },
            Finding { obstacles: vec![Obstacle::MayHaveBeenResumed, Obstacle::SharesItsKey(2)], ..cancelled() },
        ] {
            assert_eq!(decided(changed(), more.clone()), Some(State::Cancelled), "{more:?}");
        }
    }

    #[test]
    fn what_may_be_at_work_or_has_passed_or_stopped_at_another_time_is_kept() {
        let is = |lifecycle: &str| Finding { lifecycle: Some(lifecycle.to_owned()), ..cancelled() };
        let stopped = |stop: &str| Finding { stopped_at: Some(at(stop)), ..cancelled() };
        let status = |word: &str| Finding { status: Some(word.to_owned()), ..cancelled() };
        for more in [
            is("running"),
            is("queued"),
            is("not_running"),
            is("held"),
            Finding { lifecycle: None, ..cancelled() },
            Finding { stopped_at: None, ..cancelled() },
            stopped("2026-11-20T08:59:52Z"),
            stopped("2026-11-20T09:00:36Z"),
            status("passed"),
            status("SUCCESS"),
        ] {
            assert_eq!(decided(KeepReason::Changed(String::new()), more.clone()), Some(State::Cancelled), "{more:?}");
        }
        // Even where nothing else stands against it.
        let unchanged = || Decision::Delete { timing: Timing::InFlight, evidence: String::new() };
        assert_eq!(decided_by(&Permit::default(), unchanged(), running()), Some(State::Cancelled));
        assert_eq!(decided_by(&Permit::default(), unchanged(), cancelled()), None);
        for beyond in [status("success"), stopped("2026-11-20T09:00:36Z"), Finding { steps: Some(4), ..cancelled() }] {
            assert_eq!(
                decided_by(&Permit::default(), unchanged(), beyond.clone()),
                Some(State::Cancelled),
                "{beyond:?}"
            );
        }
    }

    #[test]
    fn what_may_be_alive_has_not_stopped_whatever_is_allowed() {
        let all = Permit {
            allowed_timings: vec![Timing::AfterRestore, Timing::Between, Timing::Unknown],
            ..Permit::default()
        };
        let shows = |obstacle: &Obstacle| Finding { obstacles: vec![obstacle.clone()], ..cancelled() };
        let decided = |permit: &Permit, found: Finding| {
            decided_by(permit, Decision::Keep(State::Changed, KeepReason::Changed(String::new())), found)
        };
        for obstacle in [
            Obstacle::MayBeAlive,
            Obstacle::SilentAfterRestore,
            Obstacle::StepStoppedAfterRestore,
            Obstacle::Between("stopped".to_owned()),
            Obstacle::WrittenSinceRestore,
            Obstacle::LifecycleUnknown,
        ] {
            assert_eq!(decided(&all, shows(&obstacle)), Some(State::Cancelled), "{obstacle:?}");
        }
        // What had run after the restore is cancelled only where that is allowed, and deleted only as long as it is.
        let ran = shows(&Obstacle::RanAfterRestore);
        assert_eq!(decided(&all, ran.clone()), None);
        assert_eq!(decided(&Permit::default(), ran), Some(State::Cancelled));
        let others = Permit { only_timings: vec![Timing::Ended], ..Permit::default() };
        assert_eq!(decided(&others, cancelled()), Some(State::Cancelled));
    }

    #[test]
    fn what_is_gone_or_was_sent_stays_what_it_is() {
        for state in [State::Deleted, State::AlreadyGone, State::Failed, State::Unknown] {
            let kept = Decision::Keep(state, KeepReason::NotInDatabase);
            let permit = Permit::default();
            let terms = Terms { rules: Vec::new(), permit: &permit, clock_tolerance: SignedDuration::ZERO };
            let (announced_at, accepted_at) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
            let cancel = AcceptedCancel { lasting: "x".to_owned(), announced_at, accepted_at };
            assert_eq!(decide_after_cancel(&terms, kept.clone(), &Reading::Gone, &cancel), kept);
        }
    }
}
