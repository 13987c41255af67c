//! Has what the database holds of builds archived before they are deleted.

use crate::report::Chosen;

use super::super::plan::Planned;
use super::super::roles::{ArchiveFailure, BuildReader, Deleter, Recorder};
use super::{Ending, Run, place};

impl<'a, R: BuildReader, D: Deleter, L: Recorder> Run<'a, R, D, L> {
    /// Puts what the database holds of some builds into the archive, where one is wanted, once.
    pub(super) async fn put_aside(&mut self, batch: &[&'a Planned]) -> Result<(), Ending<R::Error>> {
        let new: Vec<&'a Planned> = batch
            .iter()
            .copied()
            .filter(|planned| self.archived.get(&place(planned)).is_none_or(|(as_what, _)| as_what.is_none()))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let chosen: Vec<&Chosen> = new.iter().map(|planned| &planned.chosen).collect();
        let soon = self.stop.soon.clone();
        let kept = tokio::select! {
            biased;
            () = soon.cancelled() => return Err(Ending::Interrupted),
            kept = self.reader.archive(&chosen) => kept,
        };
        let kept = kept.map_err(|failure| match failure {
            ArchiveFailure::Blind(error) => Ending::Blind(error),
            ArchiveFailure::Unwritten(error) => Ending::Unarchived(error),
        })?;
        for (planned, as_what) in new.iter().zip(kept.into_iter().flatten()) {
            let entry = self.archived.entry(place(planned)).or_default();
            *entry = (as_what, entry.1 + 1);
        }
        Ok(())
    }
}
