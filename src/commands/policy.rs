//! Reads the policy file.

use std::path::Path;

use crate::policy::Policy;

use super::Error;

/// Reads a policy from its file.
pub(super) fn read(file: &Path) -> Result<Policy, Error> {
    let text = std::fs::read_to_string(file).map_err(|source| Error::Read { file: file.to_owned(), source })?;
    Ok(Policy::parse(file, &text)?)
}
