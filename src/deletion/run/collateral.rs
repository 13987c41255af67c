//! Counts the builds while a run deletes, and stops it where more are gone than it has sent.

use crate::causes::in_one_line;
use crate::report::Chosen;

use super::super::collateral::{Count, Loss};
use super::super::plan::Reading;
use super::super::roles::{BuildReader, Deleter, Recorder};
use super::{Ending, LARGEST_BATCH, Run};

impl<R: BuildReader, D: Deleter, L: Recorder> Run<'_, R, D, L> {
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

    /// Counts the builds again: after the first request, after the canary, and after every so many.
    pub(super) async fn check_collateral(&mut self, canary_was_proved: bool) -> Result<(), Ending<R::Error>> {
        let is_canary = self.canary_proved && !canary_was_proved;
        if !is_canary && !self.collateral.is_due() {
            return Ok(());
        }
        let soon = self.stop.soon.clone();
        let found = tokio::select! {
            biased;
            () = soon.cancelled() => return Err(Ending::Interrupted),
            found = self.find_loss(false) => found.map_err(Ending::Blind)?,
        };
        found.map_or(Ok(()), |loss| Err(Ending::Collateral { loss, why: None }))
    }

    /// Counts the builds at the end of a run. Where more are gone than were sent, that is how it ends.
    pub(super) async fn check_collateral_at_the_end(&mut self, ending: Ending<R::Error>) -> Ending<R::Error> {
        let why = match &ending {
            Ending::Complete | Ending::Interrupted => None,
            Ending::Stopped(why) | Ending::Denied(why) | Ending::CanaryFailed { why, .. } => Some(why.clone()),
            Ending::Unarchived(error) => Some(in_one_line(error)),
            Ending::Collateral { .. } | Ending::Blind(_) | Ending::Unrecorded(_) => return ending,
        };
        let now = self.stop.now.clone();
        let found = tokio::select! {
            biased;
            () = now.cancelled() => return ending,
            found = self.find_loss(true) => found,
        };
        match found {
            Ok(Some(loss)) => Ending::Collateral { loss, why },
            Ok(None) => ending,
            Err(error) => Ending::Blind(error),
        }
    }

    /// Finds more lost builds than are allowed. What is lost at all is kept in mind, and is certain at the end.
    async fn find_loss(&mut self, is_end: bool) -> Result<Option<Loss>, R::Error> {
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
        self.lost = self.collateral.loss(&now);
        // What is missing may be builds that went late, or whose turn has not come: they were chosen, whoever has deleted them.
        let there = [self.collateral.still_there(), self.pending.iter().copied().collect()].concat();
        for some in there.chunks(LARGEST_BATCH) {
            let is_in_doubt = |loss: &Loss| is_end || self.collateral.is_too_much(loss);
            if !self.lost.as_ref().is_some_and(is_in_doubt) {
                break;
            }
            let chosen: Vec<&Chosen> = some.iter().map(|planned| &planned.chosen).collect();
            let readings = self.reader.read(&chosen).await?;
            let gone = some.iter().zip(readings).filter(|(_, reading)| matches!(reading, Reading::Gone));
            gone.for_each(|(planned, _)| self.collateral.add_gone(planned));
            self.lost = self.collateral.loss(&now);
        }
        Ok(self.lost.clone().filter(|loss| self.collateral.is_too_much(loss)))
    }

    fn give_up_counting(&mut self, why: &str) {
        self.collateral.give_up();
        self.recorder.not_counted(why);
    }
}
