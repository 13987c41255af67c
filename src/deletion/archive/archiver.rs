//! Archives builds before they are deleted: their rows are read in one snapshot, and are on disk before anything is sent.

use std::io;
use std::path::Path;

use crate::database::Snapshot;
use crate::deletion::journal::{self, DatabaseName, Event, Journal, Past};
use crate::finding::Finding;
use crate::scan::{Archiving, Fit, Lookup, ScanError, ScanPlan};

use super::file::{Archive, ArchiveError, Start};
use super::header::{ArchiveHeader, Extent};
use super::member::Member;

/// The SHA-256 of no bytes: how the journal records that an archive is opened.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Writes builds to an open archive, and records in the journal where they are.
pub struct Archiver {
    archive: Archive,
    archiving: Archiving,
    /// The file, as it was named.
    file: String,
    journal: Journal,
}

/// What became of one batch of builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedBatch {
    /// For each build that was to be archived, the fingerprint of what was archived; `None` where the build was not there, or was
    /// one of several.
    pub fingerprints: Vec<Option<String>>,
    /// Where they are in the archive; `None` where no build was there.
    pub extent: Option<Extent>,
}

/// An archive that cannot be begun or continued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiverError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The profile's tables cannot be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The journal cannot be written.
    #[error(transparent)]
    Unrecorded(io::Error),
}

/// Builds that cannot be archived.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    #[error(transparent)]
    Scan(#[from] ScanError),
    #[error(transparent)]
    Unwritten(#[from] io::Error),
    /// The profile's archive does not even hold the build's own row.
    #[error(
        "archive {table} of the profile has no row of {url}: the first archive section of a profile has to be that of the builds, one row \
         each"
    )]
    NoRow {
        /// The first table that the profile archives.
        table: String,
        url: String,
    },
}

impl Archiver {
    /// Opens the archive at `path`, or continues it where the journal does.
    ///
    /// # Errors
    /// See [`ArchiverError`].
    pub async fn open(
        path: &Path,
        (journal, past): (&Journal, &Past),
        database: DatabaseName,
        (plan, fit, snapshot): (&ScanPlan, &Fit, &Snapshot<'_>),
    ) -> Result<Self, ArchiverError> {
        let file = path.display().to_string();
        let last = past.archives.get(&file).map(|archived| Extent {
            offset: archived.last.offset,
            length: archived.last.length,
            sha256: archived.last.sha256.clone(),
            rows: 0,
        });
        // Only an archive that this journal has opened before is continued.
        let start = match &last {
            None => Start::New,
            Some(Extent { length: 0, .. }) => Start::Continue(None),
            Some(last) => Start::Continue(Some(last)),
        };
        let archiving = Archiving::check(plan, fit, snapshot).await?;
        if last.is_none() {
            let empty = Extent { offset: 0, length: 0, sha256: EMPTY_SHA256.to_owned(), rows: 0 };
            let recorded = journal.append(vec![archived_event(&file, &empty, Vec::new())]).await;
            recorded.map_err(ArchiverError::Unrecorded)?;
        }
        let archive = Archive::open(path, start, header(&archiving, plan, database))?;
        Ok(Self { archive, archiving, file, journal: journal.clone() })
    }

    /// How many bytes of an unfinished member were cut off the end of the file when it was opened.
    pub fn bytes_cut_off(&self) -> u64 {
        self.archive.bytes_cut_off()
    }

    /// What the archive holds, and what it does not.
    pub fn header(&self) -> &ArchiveHeader {
        self.archive.header()
    }

    /// Whether whole rows of tables are archived. Otherwise it is what the relations present, which is not enough to put a build back.
    pub fn holds_tables(&self) -> bool {
        self.archiving.is_of_tables()
    }

    /// Records in the journal what is in the archive now. The record is on disk before any deletion that comes after it.
    pub(in crate::deletion) fn record(&self, extent: &Extent, builds: Vec<String>) {
        self.journal.note(archived_event(&self.file, extent, builds));
    }

    /// Writes the builds and all their rows, as of one snapshot, as one member of the archive.
    pub(in crate::deletion) async fn write(
        &mut self,
        lookup: &Lookup<'_>,
        builds: &[&Finding],
    ) -> Result<Extent, WriteError> {
        let keys: Vec<String> = builds.iter().map(|build| build.key.clone()).collect();
        let mut member = Member::begin(&mut self.archive)?;
        let mut places = Vec::with_capacity(builds.len());
        for build in builds {
            places.push(member.add_build(build)?);
        }
        let mut has_row = vec![false; builds.len()];
        for table in 0..self.archiving.tables().len() {
            let Some(mut rows) = self.archiving.rows(lookup.snapshot(), table, &keys).await? else { continue };
            while let Some(row) = rows.next().await? {
                has_row[row.build] |= table == 0;
                member.add_row(places[row.build], table, rows.columns(), &row.values)?;
            }
        }
        // The build's own row is the least that an archive must hold.
        if let Some(missing) = has_row.iter().position(|has_row| !has_row) {
            let table = self.archiving.tables().into_iter().next().unwrap_or_default();
            let url = builds[missing].build_url.clone().unwrap_or_default();
            return Err(WriteError::NoRow { table, url });
        }
        Ok(member.finish()?)
    }
}

fn archived_event(file: &str, extent: &Extent, builds: Vec<String>) -> Event {
    let Extent { offset, length, sha256, .. } = extent.clone();
    Event::Archived(journal::Archived { file: file.to_owned(), offset, length, sha256, builds })
}

fn header(
    archiving: &Archiving,
    plan: &ScanPlan,
    DatabaseName { system_identifier, name, .. }: DatabaseName,
) -> ArchiveHeader {
    let times = plan.times();
    ArchiveHeader {
        profile: plan.profile_name().to_owned(),
        rows_of: if archiving.is_of_tables() { "tables" } else { "relations" },
        tables: archiving.tables(),
        not_archived: archiving.left_out().to_vec(),
        database: Some(name),
        system_identifier,
        backup_time: times.backup.map(|time| time.to_string()),
        restored_at: times.restored.map(|time| time.to_string()),
    }
}
