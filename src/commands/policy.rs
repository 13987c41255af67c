//! Reads the policy file.

use std::path::Path;

use crate::file_access;
use crate::policy::Policy;

use super::Error;

/// Reads a policy from its file.
pub(super) fn read(file: &Path) -> Result<Policy, Error> {
    let text = file_access::read_text(file, file_access::POLICY)
        .map_err(|source| Error::Read { file: file.to_owned(), source })?;
    Ok(Policy::parse(file, &text)?)
}
