//! Reads the policy file.

use std::path::Path;

use crate::build_url::AddressForm;
use crate::file_access;
use crate::policy::Policy;

use super::Error;

/// Reads a policy from its file. `form` is that of the addresses in it.
pub(super) fn read(file: &Path, form: AddressForm) -> Result<Policy, Error> {
    let text = file_access::read_text(file, file_access::POLICY)
        .map_err(|source| Error::Read { file: file.to_owned(), source })?;
    Ok(Policy::parse(file, form, &text)?)
}
