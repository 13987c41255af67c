//! Archives builds just before they are deleted, as one snapshot has them.

use tokio::time::timeout;

use crate::database::DatabaseError;
use crate::finding::Finding;
use crate::report::Chosen;
use crate::scan::{Lookup, ScanError};

use super::super::archive::{ArchivedBatch, Archiver, WriteError};
use super::super::plan::Reading;
use super::matching::read_builds;
use super::{ARCHIVING_FACTOR, LiveBuilds};

impl LiveBuilds<'_> {
    /// Reads the chosen builds and archives all that the database holds about those that are there, in one snapshot. When
    /// this returns, it is on disk.
    async fn archive_once(&mut self, chosen: &[&Chosen], archiver: &mut Archiver) -> Result<ArchivedBatch, WriteError> {
        let plan = self.options.plan;
        let canceller = self.database.canceller();
        let snapshot = self.database.snapshot(&plan.settings_by(&self.premise)).await.map_err(ScanError::from)?;
        let lookup = Lookup::new(plan, &self.fit, &self.premise, &snapshot);
        let readings = read_builds(&lookup, &self.search, chosen).await?;
        let fingerprint = |reading: &Reading| match reading {
            Reading::There(found) => Some(found.fingerprint.clone()),
            Reading::Gone | Reading::Elsewhere(_) | Reading::Several(_) | Reading::Unread(_) | Reading::WithoutKey => {
                None
            }
        };
        let fingerprints = readings.iter().map(fingerprint).collect();
        let mut builds: Vec<&Finding> = Vec::new();
        for reading in &readings {
            // A list may name a build twice.
            if let Reading::There(found) = reading
                && !builds.iter().any(|build| build.key == found.key)
            {
                builds.push(found);
            }
        }
        if builds.is_empty() {
            return Ok(ArchivedBatch { fingerprints, extent: None });
        }
        let urls = chosen.iter().zip(&readings).filter(|(_, reading)| matches!(reading, Reading::There(_)));
        let urls = urls.filter_map(|(chosen, _)| chosen.url.as_ref().map(ToString::to_string)).collect();
        let written = archiver.write(&lookup, &builds).await;
        if matches!(written, Err(WriteError::Unwritten(_))) {
            // The server may have millions of rows left to send, and nobody wants them any more.
            canceller.cancel().await;
        }
        let extent = written?;
        snapshot.check_unbroken().await.map_err(ScanError::from)?;
        archiver.record(&extent, urls);
        Ok(ArchivedBatch { fingerprints, extent: Some(extent) })
    }

    /// As [`Self::archive_once`], unless the database is silent for too long.
    pub(super) async fn archive_in_time(
        &mut self,
        chosen: &[&Chosen],
        archiver: &mut Archiver,
    ) -> Result<ArchivedBatch, WriteError> {
        let limit = self.limit * ARCHIVING_FACTOR;
        if !self.is_silent {
            match timeout(limit, self.archive_once(chosen, archiver)).await {
                Ok(archived) => return archived,
                Err(_) => self.is_silent = true,
            }
        }
        Err(ScanError::from(DatabaseError::NoAnswer { what: "reading what is to be archived".to_owned(), limit })
            .into())
    }
}
