//! Cancels builds before they are deleted, where the profile says so and they are at work.

use tokio::time::sleep;

use crate::admin::Answer;
use crate::finding::Finding;
use crate::state::State;

use super::super::cancel::{BeforeCancel, is_to_be_cancelled, state_after_cancel};
use super::super::plan::{Planned, Reading};
use super::super::roles::{BuildReader, Deed, Deleter, Ended, Recorder};
use super::super::send::Sent;
use super::{Ending, RECHECK_AFTER, Run, build_key};

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
        let (mut accepted, mut ended) = (Vec::new(), Vec::new());
        for Sent { planned, answer } in sent {
            let Some(before) = self.being_cancelled.remove(&build_key(planned)) else { continue };
            match end_of_cancel(&answer) {
                None => {
                    self.cancelled.insert(build_key(planned), before.lasting);
                    accepted.push((planned, before.fingerprint));
                }
                Some((state, reason)) => ended.push(Ended::new(planned, state, reason)),
            }
        }
        for (planned, _) in accepted.iter().rev() {
            self.pending.push_front(planned);
        }
        self.record_all(&ended).await;
        if let Some(Ended { planned, state, reason }) = ended.first().filter(|ended| ended.state != State::NotAttempted)
            && !self.canary_proved
        {
            let why = format!("the first build ended as {state}: {reason}");
            return Err(Ending::CanaryFailed { why, line: planned.chosen.line });
        }
        self.wait_until_cancelled(&accepted).await
    }

    /// A cancel may take its time: the builds are read a few times, until all have changed.
    async fn wait_until_cancelled(&mut self, builds: &[(&'a Planned, String)]) -> Result<(), Ending<R::Error>> {
        let batch: Vec<&Planned> = builds.iter().map(|(planned, _)| *planned).collect();
        let as_before = |(reading, (_, before)): (&Reading, &(&Planned, String))| matches!(reading, Reading::There(now) if now.fingerprint == *before);
        for pause in RECHECK_AFTER {
            if batch.is_empty() {
                return Ok(());
            }
            let soon = self.stop.soon.clone();
            let readings = tokio::select! {
                biased;
                () = soon.cancelled() => return Err(Ending::Interrupted),
                readings = self.read(&batch) => readings.map_err(Ending::Blind)?,
            };
            if !readings.iter().zip(builds).any(as_before) {
                return Ok(());
            }
            self.unless_interrupted(sleep(pause)).await?;
        }
        // The server has the last word.
        Ok(())
    }

    /// How a build is left that may have been cancelled before.
    pub(super) fn left_as(&self, planned: &Planned, state: State, reason: String) -> (State, String) {
        let is_cancelled = self.cancelled.contains_key(&build_key(planned));
        match state_after_cancel(state) {
            State::Cancelled if is_cancelled && state != State::Cancelled => {
                (State::Cancelled, format!("it was cancelled, and not deleted: {reason}"))
            }
            _ => (state, reason),
        }
    }
}

/// How a build ends whose cancel got this answer; `None` where it is deleted next.
fn end_of_cancel(answer: &Answer) -> Option<(State, String)> {
    let text = answer.text();
    Some(match answer {
        Answer::Accepted(_) => return None,
        Answer::Gone(_) => (
            State::Refused,
            format!(
                "it was not cancelled, and so not deleted: {text}, and it is still there: is the path of --via right?"
            ),
        ),
        Answer::Refused(_) | Answer::Failed(_) => {
            (State::Refused, format!("it was not cancelled, and so not deleted: {text}"))
        }
        Answer::Unknown(_) => (
            State::Cancelled,
            format!("a cancel was sent, nobody knows what came of it, and it was not deleted: {text}"),
        ),
        Answer::Busy(..) | Answer::Stale(_) | Answer::Denied(_) => (State::NotAttempted, text.to_owned()),
    })
}
