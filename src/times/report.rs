//! All that is known of T and R, for a page and for programs.

use jiff::Timestamp;

use crate::text::Foreign;

use super::candidate::{Candidate, RestoreTime};
use super::manifest::{Continuation, CountedDatabase, WrittenSince};
use super::weighing::Conflict;
use super::witnesses::Witnesses;

/// All that is known of T and R.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimesReport {
    /// What files and the database say, in the order in which they were asked.
    pub candidates: Vec<Candidate>,
    /// Which files hold several backups, so that none of them decides what T is, and how one is named.
    pub several: Vec<Foreign>,
    /// The manifests among the files.
    pub manifests: Vec<ManifestRead>,
    /// The database that was asked.
    pub database: Option<DatabaseSays>,
    /// T, where it was given or follows.
    pub backup: Option<Timestamp>,
    /// R, likewise.
    pub restored: Option<Timestamp>,
    /// Which candidates contradict one another.
    pub conflicts: Vec<Conflict>,
    /// What the builds say against T and R, a sentence each; `None` where they were not compared.
    pub contradictions: Option<Vec<String>>,
    /// What could not be read, and why.
    pub unread: Vec<Foreign>,
}

/// What a manifest says besides T.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestRead {
    /// The database as it was.
    pub counted: CountedDatabase,
    /// How the database that was asked continues it; `None` where none was asked.
    pub continuation: Option<Continuation>,
    /// What the versions of builds' rows say; `None` where they say nothing.
    pub written_since: Option<WrittenSince>,
}

/// What a database says besides its candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseSays {
    /// Its name.
    pub name: Foreign,
    /// What its server says of itself; `None` where the builds are copies, of which it knows nothing.
    pub witnesses: Option<Witnesses>,
    /// What the versions of builds' rows tell, or why they tell nothing; `None` where nobody asked.
    pub row_versions: Option<Foreign>,
}

impl TimesReport {
    /// The candidates for one of the two.
    pub fn of(&self, which: RestoreTime) -> impl Iterator<Item = &Candidate> {
        self.candidates.iter().filter(move |known| known.which == which)
    }

    /// Whether anything is known of T.
    pub fn knows_backup(&self) -> bool {
        self.backup.is_some() || self.of(RestoreTime::Backup).next().is_some()
    }

    /// What cannot be true at once, a sentence each: of candidates, and of manifests and the database.
    pub fn conflict_sentences(&self) -> Vec<String> {
        let older = self.manifests.iter().filter_map(|read| {
            let lack = read.continuation.filter(|found| found.is_contradiction()).map(|found| found.to_string());
            let found =
                lack.or_else(|| Some(read.written_since.filter(|found| found.is_contradiction())?.to_string()))?;
            Some(format!("{}: {found}", read.counted.file))
        });
        self.conflicts.iter().map(ToString::to_string).chain(older).collect()
    }

    /// Whether anything speaks against T and R.
    pub fn is_contradicted(&self) -> bool {
        !self.conflict_sentences().is_empty() || self.contradictions.as_ref().is_some_and(|found| !found.is_empty())
    }

    /// The flags to pass: none without T, and R only with it.
    pub fn flags(&self) -> Vec<(&'static str, Timestamp)> {
        let Some(backup) = self.backup else { return Vec::new() };
        let restored = self.restored.map(|at| (RestoreTime::Restored.flag(), at));
        std::iter::once((RestoreTime::Backup.flag(), backup)).chain(restored).collect()
    }
}
