//! Reads, writes, signs and verifies a manifest.

use std::io::{self, Write};
use std::path::Path;

use serde::Deserialize;

use crate::drill::signature::Key;
use crate::file_access;

use super::check;
use super::document::{FORMAT, Manifest};
use super::error::ManifestError;

impl Manifest {
    /// Reads a manifest. The signature is not checked.
    ///
    /// # Errors
    /// It cannot be read, or is not what `manifest` writes.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        // Of another file only the beginning is read: it may be large.
        Self::parse(&file_access::read_json(path, file_access::MANIFEST)?)
    }

    /// Parses a manifest.
    ///
    /// # Errors
    /// They are not what `manifest` writes.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct OnlyFormat {
            format: String,
        }
        // First, since another format may have other fields.
        let OnlyFormat { format } = serde_json::from_slice(text)?;
        if format != FORMAT {
            return Err(ManifestError::Format(format));
        }
        let manifest: Self = serde_json::from_slice(text)?;
        check::manifest(&manifest).map_err(ManifestError::Content)?;
        Ok(manifest)
    }

    /// Writes the manifest as one line.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *to, self)?;
        writeln!(to)
    }

    /// Signs the manifest.
    ///
    /// # Errors
    /// It cannot be put into bytes.
    pub fn sign(&mut self, key: &Key) -> io::Result<()> {
        self.signature = None;
        self.signature = Some(key.sign(&serde_json::to_vec(self)?)?);
        Ok(())
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// It has none, or it was made by another key or of another document.
    pub fn verify(&mut self, key: &Key) -> Result<(), ManifestError> {
        let signature = self.signature.take().ok_or(ManifestError::Unsigned)?;
        // Writing again gives the same bytes: fields, order and numbers have one form each.
        let signed = key.has_signed(&serde_json::to_vec(&self)?, &signature);
        self.signature = Some(signature);
        if signed { Ok(()) } else { Err(ManifestError::Forged) }
    }
}
