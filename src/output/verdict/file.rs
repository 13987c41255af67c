//! The files of a verdict.

use std::path::Path;

use crate::drill::Judgement;

use super::super::{OutputError, OutputFile};
use super::{json, junit};

/// The format of a verdict's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerdictFormat {
    /// For the test page of a CI server.
    Junit,
    Json,
}

/// A file for a verdict. It appears under its name only when it is complete.
pub struct VerdictFile {
    format: VerdictFormat,
    to: OutputFile,
}

impl VerdictFile {
    /// Opens the file before the work starts.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn open(format: VerdictFormat, path: &Path) -> Result<Self, OutputError> {
        Ok(Self { format, to: OutputFile::verdict(path)? })
    }

    /// Writes the verdict. The file now appears under its name.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(mut self, judgement: &Judgement) -> Result<(), OutputError> {
        let written = match self.format {
            VerdictFormat::Junit => junit::write(judgement, &mut self.to),
            VerdictFormat::Json => json::write(judgement, &mut self.to),
        };
        written.map_err(|source| OutputError::new(self.to.name(), source))?;
        self.to.finish()
    }
}
