//! Cancels builds before they are deleted, where the profile says so and they are at work.

use std::time::Duration;

use tokio::time::sleep;

use crate::admin::Answer;
use crate::finding::Finding;
use crate::state::State;

use super::super::accepted_cancel::AcceptedCancel;
use super::super::cancel::{BeforeCancel, is_at_work, is_to_be_cancelled, may_be_cancelled_as};
use super::super::decision::KeepReason;
use super::super::plan::{Planned, Reading};
use super::super::roles::{BuildReader, Deed, Deleter, Ended, Recorder};
use super::super::send::Sent;
use super::{Ending, Run, build_key};

/// The pauses after which a build whose cancel was accepted is read again before it counts as one that the CI has not stopped.
const CANCELLED_AFTER: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_millis(800), Duration::from_secs(2), Duration::from_secs(4)];

impl<'a, R: BuildReader, D: Deleter, L: Recorder> Run<'a, R, D, L> {
    /// What is sent next, and for which of these builds: those that have to be cancelled come first. The others wait to be read again.
    pub(super) fn cancel_first(
        &mut self,
        allowed: Vec<(&'a Planned, Box<Finding>)>,
    ) -> (Deed, Vec<(&'a Planned, Box<Finding>)>) {
        let is_first = |(planned, now): &(&Planned, Box<Finding>)| {
            is_to_be_cancelled(now) && !self.cancelled.contains_key(&build_key(planned))
        };
        let (first, others): (Vec<_>, Vec<_>) = allowed.into_iter().partition(is_first);
        if first.is_empty() {
            return (Deed::Delete, others);
        }
        for (planned, _) in others.into_iter().rev() {
            self.pending.push_front(planned);
        }
        for (planned, now) in &first {
            self.being_cancelled.insert(build_key(planned), BeforeCancel::of(now));
        }
        (Deed::Cancel, first)
    }

    /// Has the builds whose cancel was accepted be read again and deleted next; the others end here.
    pub(super) async fn go_on_after_cancel(&mut self, sent: Vec<Sent<'a>>) -> Result<(), Ending<R::Error>> {
        let (mut accepted, mut others) = (Vec::new(), Vec::new());
        for Sent { planned, answer, asked } in sent {
            let Some(before) = self.being_cancelled.remove(&build_key(planned)) else { continue };
            match answer {
                Answer::Accepted(_) => {
                    let cancel = AcceptedCancel {
                        lasting: before.lasting,
                        announced_at: asked.announced_at,
                        accepted_at: asked.answered_at,
                    };
                    self.cancelled.insert(build_key(planned), cancel);
                    accepted.push(planned);
                }
                answer => others.push((planned, before.fingerprint, answer)),
            }
        }
        let ended = self.read_not_accepted(others).await;
        for planned in accepted.iter().rev() {
            self.pending.push_front(planned);
        }
        self.record_all(&ended).await;
        if let Some(first) = ended.first().filter(|ended| ended.state != State::NotAttempted) {
            self.check_canary(first)?;
        }
        self.wait_until_cancelled(&accepted).await
    }

    /// No more are cancelled where the first build was, and is kept.
    pub(super) fn check_cancelled_canary(&self, kept: &[Ended<'_>]) -> Result<(), Ending<R::Error>> {
        kept.iter().find(|ended| ended.state == State::Cancelled).map_or(Ok(()), |first| self.check_canary(first))
    }

    fn check_canary(&self, Ended { planned, state, reason }: &Ended<'_>) -> Result<(), Ending<R::Error>> {
        if self.canary_proved {
            return Ok(());
        }
        let why = format!("the first build ended as {state}: {reason}");
        Err(Ending::CanaryFailed { why, line: planned.chosen.line })
    }

    /// How builds end whose cancel was not accepted: the database has the last word.
    async fn read_not_accepted(&mut self, builds: Vec<(&'a Planned, String, Answer)>) -> Vec<Ended<'a>> {
        if builds.is_empty() {
            return Vec::new();
        }
        let batch: Vec<&Planned> = builds.iter().map(|(planned, ..)| *planned).collect();
        let now = self.stop.now.clone();
        let readings = tokio::select! {
            biased;
            () = now.cancelled() => None,
            readings = self.read(&batch) => readings.ok(),
        };
        let readings = readings.unwrap_or_else(|| {
            let unread = "it was not read again".to_owned();
            vec![Reading::Unread(unread); builds.len()]
        });
        let end = |((planned, before, answer), now): ((&'a Planned, String, Answer), Reading)| {
            let (state, reason) = end_of_cancel(&answer, &now, &before);
            Ended::new(planned, state, reason)
        };
        builds.into_iter().zip(readings).map(end).collect()
    }

    /// A cancel may take its time: the builds are read a few times, until none is at work.
    async fn wait_until_cancelled(&mut self, builds: &[&'a Planned]) -> Result<(), Ending<R::Error>> {
        for pause in CANCELLED_AFTER {
            if builds.is_empty() {
                return Ok(());
            }
            let soon = self.stop.soon.clone();
            let readings = tokio::select! {
                biased;
                () = soon.cancelled() => return Err(Ending::Interrupted),
                readings = self.read(builds) => readings.map_err(Ending::Blind)?,
            };
            if !readings.iter().any(|now| matches!(now, Reading::There(now) if is_at_work(now))) {
                return Ok(());
            }
            self.unless_interrupted(sleep(pause)).await?;
        }
        // What is still at work is not deleted.
        Ok(())
    }

    /// The end of a build that may have been cancelled before.
    pub(super) fn end_as(&self, planned: &'a Planned, state: State, reason: String) -> Ended<'a> {
        let (state, reason) = self.left_as(planned, state, reason);
        Ended::new(planned, state, reason)
    }

    /// How a build is left that may have been cancelled before.
    pub(super) fn left_as(&self, planned: &Planned, state: State, reason: String) -> (State, String) {
        let is_cancelled = self.cancelled.contains_key(&build_key(planned));
        match may_be_cancelled_as(state) {
            true if is_cancelled => (State::Cancelled, KeepReason::Cancelled(reason).to_string()),
            true if planned.cancel_may_be_sent => (state, KeepReason::MayBeCancelled(reason).to_string()),
            _ => (state, reason),
        }
    }
}

/// How a build ends whose cancel was not accepted. `before` is its fingerprint before the cancel.
fn end_of_cancel(answer: &Answer, now: &Reading, before: &str) -> (State, String) {
    let text = answer.text();
    match (answer, now) {
        (_, Reading::Gone) => (State::AlreadyGone, format!("{text}, when it was to be cancelled; read again and gone")),
        (Answer::Busy(..) | Answer::Stale(_) | Answer::Denied(_), _) => (State::NotAttempted, text.to_owned()),
        (Answer::Gone(_), Reading::There(now)) if now.fingerprint == before => (
            State::Refused,
            format!(
                "it was not cancelled, and so not deleted: {text}, and it is still there: is the path of --via right?"
            ),
        ),
        (Answer::Unknown(_), Reading::There(now)) if now.fingerprint == before => (
            State::Refused,
            format!(
                "a cancel was sent, and nobody knows what came of it, so it was not deleted: {text}; it is as it was when read again"
            ),
        ),
        (_, Reading::There(now)) if now.fingerprint == before => (
            State::Refused,
            format!("it was not cancelled, and so not deleted: {text}; it is as it was when read again"),
        ),
        (_, Reading::There(_)) => {
            (State::Cancelled, format!("a cancel was sent ({text}), it has changed since, and it was not deleted"))
        }
        (_, Reading::Unread(why)) => {
            (State::Cancelled, format!("a cancel was sent, and nobody knows what came of it: {text}; {why}"))
        }
        (_, Reading::Elsewhere(_) | Reading::Several(_) | Reading::WithoutKey) => (
            State::Cancelled,
            format!(
                "a cancel was sent, and nobody knows what came of it: {text}; its address means another build by now"
            ),
        ),
    }
}
