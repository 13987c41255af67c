//! The archive of a deletion: what is to go is read whole, and on disk, before anything is sent.

use std::path::Path;

use crate::deletion::archive::{About, Archive, Extent, Start};
use crate::deletion::journal::{self, DatabaseName, Event, Journal, Past};
use crate::finding::Finding;
use crate::output::Printer;
use crate::scan::{Archiving, Lookup, ScanPlan};

use super::Error;
use super::guard::Guard;

/// The SHA-256 of no bytes: how the journal tells that an archive is opened.
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// An open archive, and how the rows for it are read.
pub(super) struct Evidence {
    archive: Archive,
    archiving: Archiving,
    /// The file, as it was named.
    file: String,
    journal: Journal,
}

/// What became of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Archived {
    /// For each build that was to be archived, the fingerprint by which it is in the archive; `None` where it was not there,
    /// or not alone.
    pub(super) fingerprints: Vec<Option<String>>,
    /// Where they are in the archive; `None` where none was there.
    pub(super) extent: Option<Extent>,
}

impl Evidence {
    /// Opens `--archive`, goes on with it where the journal does, and says what it will not hold.
    pub(super) async fn open(
        path: &Path,
        (journal, past): (&Journal, &Past),
        guard: &mut Guard<'_>,
        printer: Printer,
    ) -> Result<Self, Error> {
        let file = path.display().to_string();
        let last = past.archives.get(&file).map(|told| Extent {
            offset: told.last.offset,
            length: told.last.length,
            sha256: told.last.sha256.clone(),
            rows: 0,
        });
        // Only an archive that this journal has opened before is gone on with.
        let start = match &last {
            None => Start::New,
            Some(Extent { length: 0, .. }) => Start::GoOn(None),
            Some(last) => Start::GoOn(Some(last)),
        };
        let database = guard.database_name(past);
        let archiving = {
            let snapshot = guard.database.snapshot(&guard.plan.settings_by(&guard.premise)).await?;
            Archiving::check(guard.plan, &guard.fit, &snapshot).await?
        };
        if last.is_none() {
            let opened = Extent { offset: 0, length: 0, sha256: NOTHING.to_owned(), rows: 0 };
            let told = journal.append(vec![archived(&file, &opened, Vec::new())]).await;
            told.map_err(Error::Unrecorded)?;
        }
        let archive = Archive::open(path, start, about(&archiving, guard.plan, database))?;
        if archive.mended() > 0 {
            let bytes = archive.mended();
            printer.say(&format!("{bytes} bytes of an unfinished part were cut off the end of {}", path.display()));
        }
        let about = archive.about();
        if !archiving.is_of_tables() {
            let profile = &about.profile;
            printer.warn(&format!(
                "profile {profile} names no tables to archive: --archive holds only what its relations present, which \
                 explains a deletion, and is not enough to put a build back"
            ));
        }
        for missing in &about.not_archived {
            printer.warn(&format!("not in the archive: {missing}"));
        }
        Ok(Self { archive, archiving, file, journal: journal.clone() })
    }

    /// Puts on record what is in the archive now. It is on disk before any deletion that comes after it.
    pub(super) fn tell(&self, extent: &Extent, builds: Vec<String>) {
        self.journal.note(archived(&self.file, extent, builds));
    }

    /// Writes the builds and all their rows, as of one snapshot, as one member of the archive.
    pub(super) async fn write(&mut self, lookup: &Lookup<'_>, builds: &[&Finding]) -> Result<Extent, Error> {
        let keys: Vec<String> = builds.iter().map(|build| build.key.clone()).collect();
        let mut member = self.archive.begin().map_err(Error::Unarchived)?;
        let mut places = Vec::with_capacity(builds.len());
        for build in builds {
            places.push(member.build(build).map_err(Error::Unarchived)?);
        }
        let mut is_there = vec![false; builds.len()];
        for table in 0..self.archiving.tables().len() {
            let Some(mut rows) = self.archiving.rows(lookup.snapshot(), table, &keys).await? else { continue };
            while let Some(row) = rows.next().await? {
                is_there[row.build] |= table == 0;
                member.row(places[row.build], table, rows.columns(), &row.values).map_err(Error::Unarchived)?;
            }
        }
        // The build's own row is the least that there must be.
        if let Some(missing) = is_there.iter().position(|there| !there) {
            let table = self.archiving.tables().into_iter().next().unwrap_or_default();
            let url = builds[missing].build_url.clone().unwrap_or_default();
            return Err(Error::NotInTheTable { table, url });
        }
        member.finish().map_err(Error::Unarchived)
    }
}

/// How the journal tells of a part of the archive.
fn archived(file: &str, extent: &Extent, builds: Vec<String>) -> Event {
    let Extent { offset, length, sha256, .. } = extent.clone();
    Event::Archived(journal::Archived { file: file.to_owned(), offset, length, sha256, builds })
}

fn about(archiving: &Archiving, plan: &ScanPlan, DatabaseName { system_identifier, name, .. }: DatabaseName) -> About {
    let times = plan.times();
    About {
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
