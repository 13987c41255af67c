//! T as `--backup-time` gives it: a time, or a file that says it.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::cli::BackupTime;
use crate::output::Printer;
use crate::times::EvidenceFile;

use super::Error;

/// T, and the file that it was taken from.
#[derive(Clone, Debug, Default)]
pub(super) struct BackupEvidence {
    pub(super) time: Option<Timestamp>,
    pub(super) file: Option<PathBuf>,
}

impl BackupEvidence {
    /// Reads the file, where one is named, and says what it says.
    ///
    /// # Errors
    /// The file cannot be read, or does not say T.
    pub(super) fn of(flag: Option<&BackupTime>, printer: Printer) -> Result<Self, Error> {
        let file = match flag {
            None => return Ok(Self::default()),
            Some(BackupTime::At(time)) => return Ok(Self { time: Some(*time), file: None }),
            Some(BackupTime::In(file)) => EvidenceFile::parse(file),
        };
        let failed = |source| Error::Evidence { file: file.path.clone(), source };
        let evidence = file.read().map_err(failed)?;
        let candidate = evidence.backup().map_err(failed)?;
        printer.say(&candidate.to_string());
        Ok(Self { time: candidate.moment.usable(), file: Some(file.path) })
    }
}
