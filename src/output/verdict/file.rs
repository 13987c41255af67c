//! The files that a verdict is written to.

use std::path::Path;

use crate::drill::Judgement;

use super::super::{OutputError, OutputFile};
use super::{json, junit};

/// The format of a verdict's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerdictFormat {
    /// For a CI server's page of tests.
    Junit,
    /// For programs.
    Json,
}

/// A file that waits for a verdict. It appears under its name only when it is whole.
pub struct VerdictFile {
    format: VerdictFormat,
    to: OutputFile,
}

impl VerdictFile {
    /// Opens it.
    ///
    /// # Errors
    /// It cannot be written. This is found out here, before the work starts.
    pub fn open(format: VerdictFormat, path: &Path) -> Result<Self, OutputError> {
        Ok(Self { format, to: OutputFile::verdict(path)? })
    }

    /// Writes the verdict; the file takes its place now.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(mut self, judgement: &Judgement) -> Result<(), OutputError> {
        let written = match self.format {
            VerdictFormat::Junit => junit::write(judgement, &mut self.to),
            VerdictFormat::Json => json::write(judgement, &mut self.to),
        };
        written.map_err(|source| OutputError::new(self.to.name(), source))?;
        self.to.finish()
    }
}
