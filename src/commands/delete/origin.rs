//! Where a report comes from: which database was scanned, and when.

use std::path::Path;
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};

use crate::commands::Error;
use crate::commands::read_request::RequestedTimes;
use crate::database::DatabaseIdentity;
use crate::deletion::{self, Age};
use crate::output::Printer;
use crate::premise::{earlier, later};
use crate::report::{Chosen, ScanMetadata};
use crate::scan::database_tag;
use crate::table::Table;
use crate::text::Foreign;

/// The flags of the limits that a scan uses, besides T and R.
const LIMITS: [&str; 3] = ["--clock-tolerance", "--max-run-time", "--max-queue-time"];

/// How far the clocks of two machines may be apart.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(5);

/// Where a report comes from.
#[derive(Default)]
pub(super) struct Origin {
    /// The tag of its database; `None` in a plain list.
    pub(super) tag: Option<String>,
    /// Its database, where the metadata names it.
    pub(super) database: Option<DatabaseIdentity>,
    /// The tables that were scanned, where the metadata names them.
    pub(super) tables: Option<Vec<Table>>,
    /// How old it is; `None` where that is not known, or it has no age, as a plain list.
    pub(super) age: Option<Age>,
    /// T and R of the scan, where the metadata has them.
    times: Option<[Option<Timestamp>; 2]>,
    /// The scan's clock tolerance, longest run time and longest queue time, where the metadata has them.
    limits: Option<[SignedDuration; 3]>,
    /// The lists of what was alive with which it was made.
    pub(super) alive: Vec<String>,
    /// How the age is known, or why it is not.
    note: Option<String>,
}

impl Origin {
    /// A report from standard input has no metadata beside it.
    pub(super) fn from_stdin(rows: &[Chosen]) -> Result<Self, Error> {
        let tag = deletion::one_database(rows)?.map(str::to_owned);
        let note = tag.is_some().then(|| {
            "note: the age of a report on standard input is not known, so --max-age is not checked".to_owned()
        });
        Ok(Self { tag, note, ..Self::default() })
    }

    /// A report in a file with this digest, last written at this time.
    pub(super) fn from_file(
        file: &Path,
        rows: &[Chosen],
        sha256: &str,
        written: Option<SystemTime>,
    ) -> Result<Self, Error> {
        let Some(tag) = deletion::one_database(rows)?.map(str::to_owned) else { return Ok(Self::default()) };
        let written = written.and_then(|time| Timestamp::try_from(time).ok());
        let place = ScanMetadata::place(file);
        let read = ScanMetadata::read(&place).map_err(|source| Error::Metadata { file: place.clone(), source })?;
        let (name, beside) = (file.display(), place.display());
        let without_metadata = |why: String| {
            let note = match written {
                Some(at) => format!(
                    "note: the scan time of {name} is not on record ({why}): its age is taken from the file, last written at {at:.0}; it \
                     may be older"
                ),
                None => format!("note: the age of {name} is not known ({why}), so --max-age is not checked"),
            };
            Self { tag: Some(tag.clone()), age: written.map(Age::WrittenAt), note: Some(note), ..Self::default() }
        };
        let Some(about) = read else { return Ok(without_metadata(format!("there is no {beside}"))) };
        let database = DatabaseIdentity {
            system_identifier: about.system_identifier,
            name: about.database,
            is_source: about.collection.is_some(),
        };
        if database_tag(&database) != tag {
            return Ok(without_metadata(format!("{beside} is of another database")));
        }
        let at = about.scanned_at;
        // A scan writes the report after it has taken the snapshot.
        let written_before = written
            .filter(|written| *written < earlier(at, CLOCKS_APART) && at < later(Timestamp::now(), CLOCKS_APART));
        let (age, note) = if let (Some(written), true) = (written_before, about.report_sha256 == sha256) {
            let note = format!(
                "note: {name} was last written at {written:.0}, before the scan that {beside} describes, at {at:.0}: its age is taken \
                 from the file"
            );
            (Age::WrittenAt(written), note)
        } else if about.report_sha256 == sha256 {
            (Age::ScannedAt(at), format!("the report was scanned at {at:.0}"))
        } else if let Some(written) = written.filter(|written| *written < at) {
            // A report that is edited is written after its scan: this one is older, so it is from another scan.
            (
                Age::WrittenAt(written),
                format!("note: {name} was last written at {written:.0}, before the scan that {beside} describes"),
            )
        } else {
            (
                Age::ScannedAt(at),
                format!("the report was scanned at {at:.0}, and changed since: its digest is not the one in {beside}"),
            )
        };
        let times = Some([about.backup_time, about.restored_at]);
        let (limits, tables) = (about.limits, about.tables);
        let alive = about.alive.iter().map(|list| Foreign::new(&list.file).into()).collect();
        let (tag, database, age, note) = (Some(tag), Some(database), Some(age), Some(note));
        Ok(Self { tables, tag, database, age, times, limits, alive, note })
    }

    /// Whether the report is known to be of a scan that was not told when the backup was taken.
    pub(super) fn was_without_backup_time(&self) -> bool {
        self.times.is_some_and(|[backup, _]| backup.is_none())
    }

    /// Whether T and R of the scan are known, and those that are requested are no others.
    pub(super) fn tells(&self, requested: &RequestedTimes) -> bool {
        let is_same = |asked: Option<Timestamp>, told| asked.is_none_or(|asked| Some(asked) == told);
        self.times.is_some_and(|[backup, restored]| {
            backup.is_some() && is_same(requested.backup, backup) && is_same(requested.restored, restored)
        })
    }

    /// Takes T, R and the limits from the scan where no flag gives them: a report is judged by the times that it was made with.
    pub(super) fn lend_times(&self, requested: &mut RequestedTimes) {
        if let Some([tolerance, run, queue]) = self.limits {
            requested.clock_tolerance.get_or_insert(tolerance);
            requested.max_run_time.get_or_insert(run);
            requested.max_queue_time.get_or_insert(queue);
        }
        let Some([backup, restored]) = self.times else { return };
        if requested.backup.is_none() {
            requested.backup = backup;
        }
        if requested.restored.is_none() && requested.backup == backup {
            requested.restored = restored;
        }
    }

    /// Warns where T or R differ from those of the scan: what the report says of a build holds only for those.
    pub(super) fn compare_times(&self, ours: [Option<Timestamp>; 2], printer: Printer) {
        let Some(theirs) = self.times else { return };
        for ((flag, ours), theirs) in ["--backup-time", "--restored-at"].into_iter().zip(ours).zip(theirs) {
            // Where no flag gives a time, the run takes it from the scan.
            if let Some(ours) = ours.filter(|ours| Some(*ours) != theirs) {
                let theirs = theirs.map_or("none".to_owned(), |time| time.to_string());
                printer.warn(&format!("{flag} of the scan was {theirs}, and this run is given {ours}"));
            }
        }
    }

    /// Warns where the limits differ from those of the scan.
    pub(super) fn compare_limits(&self, requested: &RequestedTimes, printer: Printer) {
        let Some(theirs) = self.limits else { return };
        let ours = [requested.clock_tolerance, requested.max_run_time, requested.max_queue_time];
        for ((flag, ours), theirs) in LIMITS.into_iter().zip(ours).zip(theirs) {
            if let Some(ours) = ours.filter(|ours| *ours != theirs) {
                printer.warn(&format!("{flag} of the scan was {theirs:#}, and this run is given {ours:#}"));
            }
        }
    }

    /// Says how old the report is, and how that is known.
    pub(super) fn say_age(&self, printer: Printer) {
        if let Some(note) = &self.note {
            printer.say(note);
        }
    }
}
