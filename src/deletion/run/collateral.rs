//! Counts the builds while a run deletes, and stops it where more are gone than it has sent.

use crate::admin::Answer;
use crate::report::Chosen;

use super::super::collateral::{Count, Loss};
use super::super::journal::AnswerWord;
use super::super::plan::{Planned, Reading};
use super::super::roles::{BuildReader, Deleter, Recorder};
use super::super::send::Sent;
use super::{Ending, LARGEST_BATCH, Run};

impl<'a, R: BuildReader, D: Deleter, L: Recorder> Run<'a, R, D, L> {
    /// Counts the builds that are there before the first deletion.
    pub(super) async fn count_before(&mut self) -> Result<(), Ending<R::Error>> {
        if !self.collateral.needs_first_count() {
            return Ok(());
        }
        let soon = self.stop.soon.clone();
        let count = tokio::select! {
            biased;
            () = soon.cancelled() => return Err(Ending::Interrupted),
            count = self.reader.count(self.collateral.projects()) => count.map_err(Ending::Blind)?,
        };
        match count {
            Count::Builds(before) => self.collateral.begin(before),
            Count::NotChecked(why) => self.give_up_counting(&why),
        }
        Ok(())
    }

    /// Takes note of what was sent.
    pub(super) fn account_for(&mut self, sent: &[Sent<'a>]) {
        for Sent { planned, answer } in sent {
            if may_have_taken_effect(answer) {
                self.collateral.add_sent(planned);
            }
        }
    }

    /// Counts the builds again, after the canary and after every so many deletions.
    pub(super) async fn check_collateral(&mut self, canary_was_proved: bool) -> Result<(), Ending<R::Error>> {
        let is_canary = self.canary_proved && !canary_was_proved;
        if !is_canary && !self.collateral.is_due() {
            return Ok(());
        }
        let soon = self.stop.soon.clone();
        let found = tokio::select! {
            biased;
            () = soon.cancelled() => return Err(Ending::Interrupted),
            found = self.find_loss() => found.map_err(Ending::Blind)?,
        };
        found.map_or(Ok(()), |loss| Err(Ending::Collateral { loss, why: None }))
    }

    /// Counts the builds at the end of a run. Where more are gone than were sent, that is how it ends.
    pub(super) async fn check_collateral_at_the_end(&mut self, ending: Ending<R::Error>) -> Ending<R::Error> {
        let why = match &ending {
            Ending::Complete | Ending::Interrupted => None,
            Ending::Stopped(why) | Ending::Denied(why) => Some(why.clone()),
            Ending::Collateral { .. } | Ending::Blind(_) | Ending::Unrecorded(_) | Ending::Unarchived(_) => {
                return ending;
            }
        };
        let now = self.stop.now.clone();
        let found = tokio::select! {
            biased;
            () = now.cancelled() => return ending,
            found = self.find_loss() => found,
        };
        match found {
            Ok(Some(loss)) => Ending::Collateral { loss, why },
            Ok(None) => ending,
            Err(error) => Ending::Blind(error),
        }
    }

    async fn find_loss(&mut self) -> Result<Option<Loss>, R::Error> {
        if !self.collateral.can_compare() {
            return Ok(None);
        }
        let now = match self.reader.count(self.collateral.projects()).await? {
            Count::Builds(now) => now,
            Count::NotChecked(why) => {
                self.give_up_counting(&why);
                return Ok(None);
            }
        };
        let mut loss = self.collateral.loss(&now);
        // What is missing may be builds whose turn has not come: they were chosen, whoever has deleted them.
        let pending: Vec<&'a Planned> = self.pending.iter().copied().collect();
        for some in pending.chunks(LARGEST_BATCH) {
            if loss.is_none() {
                break;
            }
            let chosen: Vec<&Chosen> = some.iter().map(|planned| &planned.chosen).collect();
            let readings = self.reader.read(&chosen).await?;
            let gone = some.iter().zip(readings).filter(|(_, reading)| matches!(reading, Reading::Gone));
            gone.for_each(|(planned, _)| self.collateral.add_gone(planned));
            loss = self.collateral.loss(&now);
        }
        Ok(loss)
    }

    fn give_up_counting(&mut self, why: &str) {
        self.collateral.give_up();
        self.recorder.not_counted(why);
    }
}

/// Whether a deletion with this answer may have deleted its build.
fn may_have_taken_effect(answer: &Answer) -> bool {
    !AnswerWord::from(answer).has_no_effect()
}
