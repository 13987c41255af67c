//! The address of a CI server whose API is asked.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use crate::text::Foreign;

/// The address of a server: scheme, host, port, and a path where the server is not at the root of its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Without a slash at its end.
    text: String,
    url: Url,
}

/// Why a text is not the address of a server. No message repeats it: it may contain a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    #[error("it is not a URL: {0}")]
    NotAUrl(#[from] url::ParseError),
    #[error("its scheme is {0}, not https")]
    Scheme(Foreign),
    #[error("it contains a user name or a password")]
    Credentials,
    #[error("it has a query or an anchor")]
    Query,
    #[error("it names no host")]
    Host,
    /// The path of the API is added by the program.
    #[error("it has the path of the API: name the server alone")]
    PathOfTheApi,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let mut url = Url::parse(text.trim())?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(AddressError::Scheme(Foreign::name(url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(AddressError::Query);
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(AddressError::Host);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        if path.ends_with("/api") || path.contains("/api/v") {
            return Err(AddressError::PathOfTheApi);
        }
        url.set_path(&path);
        Ok(Self { text: url.as_str().trim_end_matches('/').to_owned(), url })
    }
}

impl Address {
    /// The host, with its port unless that is the scheme's default.
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Whether it names this machine.
    pub fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name.trim_end_matches('.').eq_ignore_ascii_case("localhost"),
            None => false,
        }
    }

    /// Whether what is sent there is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether another address is of the same scheme, host and port.
    pub(super) fn has_origin_of(&self, other: &Url) -> bool {
        self.url.origin() == other.origin()
    }

    /// The address of a path of the server, which begins with a slash.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn join(&self, path: &str) -> Result<Url, url::ParseError> {
        Url::parse(&format!("{}{path}", self.text))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_with_or_without_a_slash_a_port_or_a_path() {
        for (given, shown, host) in [
            ("https://ci.example.com", "https://ci.example.com", "ci.example.com"),
            (" https://CI.example.com:443/ ", "https://ci.example.com", "ci.example.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("https://example.com/ci/", "https://example.com/ci", "example.com"),
            (r"https://example.com/\\", "https://example.com", "example.com"),
        ] {
            let address: Address = given.parse().expect(given);
            assert_eq!((address.to_string().as_str(), address.host().as_str()), (shown, host));
        }
        let address: Address = "https://example.com/ci".parse().expect("an address");
        assert_eq!(address.join("/api/v1.1/me").expect("a URL").as_str(), "https://example.com/ci/api/v1.1/me");
    }

    #[test]
    fn what_names_no_server_is_refused_and_not_repeated() {
        for (given, fault) in [
            ("ci.example.com", "it is not a URL: relative URL without a base"),
            ("ftp://ci.example.com", "its scheme is ftp, not https"),
            ("https://me:hunter2@ci.example.com", "it contains a user name or a password"),
            ("https://ci.example.com?circle-token=hunter2", "it has a query or an anchor"),
            ("https://ci.example.com/api/v1.1", "it has the path of the API: name the server alone"),
        ] {
            assert_eq!(given.parse::<Address>().expect_err(given).to_string(), fault);
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_parses_parses_again(text in "(https?://)?[ -~]{0,30}") {
            if let Ok(address) = text.parse::<Address>() {
                proptest::prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
            }
        }
    }
}
