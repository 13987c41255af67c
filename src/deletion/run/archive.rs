//! Archives builds before they are deleted.

use crate::report::Chosen;

use super::super::plan::Planned;
use super::super::roles::{ArchiveFailure, BuildReader, Deleter, Recorder};
use super::{Archived, Ending, Run, build_key};

impl<'a, R: BuildReader, D: Deleter, L: Recorder> Run<'a, R, D, L> {
    /// Archives the builds of a batch that are not archived yet, where an archive is asked for.
    pub(super) async fn archive_builds(&mut self, batch: &[&'a Planned]) -> Result<(), Ending<R::Error>> {
        let new: Vec<&'a Planned> = batch
            .iter()
            .copied()
            .filter(|planned| self.archived.get(&build_key(planned)).is_none_or(|entry| entry.fingerprint.is_none()))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let chosen: Vec<&Chosen> = new.iter().map(|planned| &planned.chosen).collect();
        let soon = self.stop.soon.clone();
        let archived = tokio::select! {
            biased;
            () = soon.cancelled() => return Err(Ending::Interrupted),
            archived = self.reader.archive(&chosen) => archived,
        };
        let archived = archived.map_err(|failure| match failure {
            ArchiveFailure::Blind(error) => Ending::Blind(error),
            ArchiveFailure::Unwritten(error) => Ending::Unarchived(error),
        })?;
        for (planned, fingerprint) in new.iter().zip(archived.into_iter().flatten()) {
            let entry = self.archived.entry(build_key(planned)).or_default();
            *entry = Archived { fingerprint, times: entry.times + 1 };
        }
        Ok(())
    }
}
