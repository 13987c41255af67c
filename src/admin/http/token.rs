//! The header that carries the token.

use hyper::header::{HeaderName, HeaderValue};
use openssl::base64;
use secrecy::{ExposeSecret, SecretString};

use crate::admin::error::AdminError;
use crate::admin::options::Options;
use crate::admin::secrets::Secrets;
use crate::admin::text::foreign;
use crate::http_deletion::{self, TokenHeader};

/// The header of the CircleCI API v1.1, where neither a flag nor the profile names one.
const USUAL: &str = "Circle-Token";

/// A header with the token in it, and what must not be shown of it.
pub(super) struct TokenInHeader {
    pub(super) name: HeaderName,
    /// Marked as sensitive, so that no log shows it.
    pub(super) value: HeaderValue,
    pub(super) secrets: Secrets,
}

impl TokenInHeader {
    /// Puts the token into its header. The name that the operator gave comes first, and there the token goes as it is; then what the profile
    /// says. `address` is what `--via` names.
    ///
    /// # Errors
    /// There is no token, or none of the form that the header needs; or the name is none.
    pub(super) fn new(options: &Options, address: String) -> Result<Self, AdminError> {
        let token = options.token.as_ref().filter(|token| !token.expose_secret().trim().is_empty());
        let token = token.ok_or(AdminError::TokenMissing { address })?;
        // What else a token may be could not be hidden in every spelling where a server repeats it.
        if !token.expose_secret().trim().chars().all(|c| matches!(c, ' '..='~')) {
            return Err(AdminError::TokenUnusable);
        }
        let by_profile = options.deletion.as_ref().and_then(|deletion| deletion.token.as_ref());
        let (name, value) = match (&options.token_header, by_profile) {
            (Some(name), _) => (name.as_str(), token.clone()),
            (None, Some(header)) => (header.name(), in_its_form(token, header)?),
            (None, None) => (USUAL, token.clone()),
        };
        if http_deletion::is_header_of_http(name) {
            return Err(AdminError::TokenHeaderOfHttp { name: foreign(name).into() });
        }
        let secrets = Secrets::of(&value);
        let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| AdminError::TokenUnusable)?;
        value.set_sensitive(true);
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| AdminError::TokenHeader { name: foreign(name).into() })?;
        Ok(Self { name, value, secrets })
    }
}

/// The token as the header of a profile carries it.
fn in_its_form(token: &SecretString, header: &TokenHeader) -> Result<SecretString, AdminError> {
    let text = token.expose_secret().trim();
    Ok(match header {
        TokenHeader::Plain(_) => token.clone(),
        // Some people keep the word in the file.
        TokenHeader::Word(_, word) if text.strip_prefix(word).is_some_and(|rest| rest.starts_with(' ')) => {
            token.clone()
        }
        TokenHeader::Word(_, word) => format!("{word} {text}").into(),
        TokenHeader::Basic if !text.contains(':') => return Err(AdminError::TokenNotBasic),
        TokenHeader::Basic => format!("Basic {}", base64::encode_block(text.as_bytes())).into(),
    })
}
