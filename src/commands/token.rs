//! The token by which a server knows the user: from a file, or the environment.

use std::path::Path;

use secrecy::SecretString;

use crate::file_access;

use super::Error;

/// The token of `--token-file` or `HALFBUILT_TOKEN`; `None` where neither is given.
///
/// # Errors
/// The file cannot be read.
pub(super) fn token(file: Option<&Path>) -> Result<Option<SecretString>, Error> {
    let token = match file {
        Some(file) => {
            let text = file_access::read_text(file, file_access::TOKEN);
            let text = text.map_err(|source| Error::Read { file: file.to_owned(), source })?;
            if text.trim().is_empty() {
                return Err(Error::Misuse {
                    what: format!("--token-file {} is empty", file.display()),
                    hint: "it must contain the token, on one line".to_owned(),
                });
            }
            Some(text.trim().to_owned())
        }
        None => std::env::var("HALFBUILT_TOKEN").ok(),
    };
    Ok(token.filter(|token| !token.is_empty()).map(SecretString::from))
}
