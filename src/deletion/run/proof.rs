//! Reads what was sent again, and says how each build ended.

use tokio::time::sleep;

use crate::admin::Answer;
use crate::causes::in_one_line;
use crate::state::State;

use super::super::plan::{Planned, Reading};
use super::super::roles::{BuildReader, Deleter, Ended, Recorder};
use super::super::send::Sent;
use super::super::still_gone::Deleted;
use super::{Ending, FAILURES_IN_A_ROW, RECHECK_AFTER, Run, build_key};

impl<'a, R: BuildReader, D: Deleter, L: Recorder> Run<'a, R, D, L> {
    /// Reads what was sent again, a few times where it is still there, and puts it on record.
    pub(super) async fn prove(&mut self, sent: Vec<Sent<'a>>) -> Result<(), Ending<R::Error>> {
        let mut pauses = RECHECK_AFTER.into_iter();
        let mut waiting = sent;
        let mut canary = None;
        // That its key is not found proves nothing if the database gives it another one.
        self.reader.search_everywhere(!self.canary_proved);
        while !waiting.is_empty() {
            let batch: Vec<&Planned> = waiting.iter().map(|sent| sent.planned).collect();
            let now = self.stop.now.clone();
            let readings = tokio::select! {
                biased;
                () = now.cancelled() => Err(Ending::Interrupted),
                readings = self.read(&batch) => readings.map_err(Ending::Blind),
            };
            let readings = match readings {
                Ok(readings) => readings,
                Err(ending) => return Err(self.unproved(&waiting, ending).await),
            };
            let pause = pauses.next();
            let (mut again, mut ended) = (Vec::new(), Vec::new());
            for (sent, reading) in waiting.into_iter().zip(readings) {
                // Where another build has got its number by now, it is gone all the same; but only where the server says that it deleted
                // it, for one that was begun again in its place looks alike.
                let gone = match (&reading, self.sent_identities.get(&build_key(sent.planned))) {
                    (Reading::Gone, _) => true,
                    (Reading::There(now), Some(was)) => {
                        matches!(sent.answer, Answer::Accepted(_)) && was.is_another(now)
                    }
                    _ => false,
                };
                if !gone && pause.is_some() && sent.may_take_effect_yet() {
                    again.push(sent);
                    continue;
                }
                let (state, reason) = match &reading {
                    Reading::Unread(why) => {
                        (State::Unknown, format!("{}; it could not be read again: {why}", sent.answer.text()))
                    }
                    _ => sent.final_state(gone),
                };
                let outcome_is_unknown = state == State::Unknown;
                canary.get_or_insert((state, reason.clone(), sent.planned.chosen.line));
                let (state, reason) = self.left_as(sent.planned, state, reason);
                let was = self.sent_identities.remove(&build_key(sent.planned));
                match (&reading, &was) {
                    // Where nobody knows, it may be gone.
                    (Reading::There(now), was)
                        if !gone && !outcome_is_unknown && was.as_ref().is_none_or(|was| was.matches(now)) =>
                    {
                        self.collateral.add_still_there(sent.planned);
                    }
                    _ => self.collateral.add_gone(sent.planned),
                }
                if let Some(was) = was.filter(|_| state == State::Deleted) {
                    self.deleted.push(Deleted { planned: sent.planned, was });
                }
                self.failures = if state == State::Failed { self.failures + 1 } else { 0 };
                ended.push(Ended::new(sent.planned, state, reason));
            }
            self.record_all(&ended).await;
            waiting = again;
            if let Some(pause) = pause.filter(|_| !waiting.is_empty()) {
                tokio::select! {
                    () = sleep(pause) => {}
                    () = now.cancelled() => {}
                }
            }
        }
        self.reader.search_everywhere(false);
        match canary {
            Some((State::Deleted, ..)) => self.canary_proved = true,
            // One that was gone before, or for which nothing was done, proves nothing: the next one is the canary.
            Some((State::AlreadyGone | State::NotAttempted, ..)) => {}
            Some((state, reason, line)) if !self.canary_proved => {
                return Err(Ending::CanaryFailed { why: format!("the first build ended as {state}: {reason}"), line });
            }
            _ => {}
        }
        if self.failures >= FAILURES_IN_A_ROW {
            return Err(Ending::Stopped(format!("{FAILURES_IN_A_ROW} deletions in a row have failed")));
        }
        Ok(())
    }

    async fn unproved(&mut self, sent: &[Sent<'a>], ending: Ending<R::Error>) -> Ending<R::Error> {
        let why = match &ending {
            Ending::Blind(error) => format!("it could not be read again: {}", in_one_line(error)),
            _ => "interrupted before it was read again".to_owned(),
        };
        sent.iter().for_each(|sent| self.collateral.add_gone(sent.planned));
        let reason = |sent: &Sent<'_>| format!("{}; {why}", sent.answer.text());
        let ended: Vec<_> = sent.iter().map(|sent| Ended::new(sent.planned, State::Unknown, reason(sent))).collect();
        self.record_all(&ended).await;
        ending
    }
}
