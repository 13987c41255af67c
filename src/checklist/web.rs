//! How a URL is asked: the engine says what, and a client that is passed to it asks.

use std::time::Duration;

use url::{Host, Url};

/// A question to a server.
#[derive(Clone, Debug)]
pub struct WebRequest {
    pub url: Url,
    /// The question of AWS's metadata service for the token of its second version is a PUT. It changes nothing.
    pub is_put: bool,
    pub headers: Vec<(&'static str, String)>,
    pub timeout: Duration,
    /// The most bytes of a body.
    pub largest: usize,
    /// Whether any certificate will do: of this machine alone, where it proves nothing.
    pub any_certificate: bool,
}

/// What a server answered. No redirect was followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebAnswer {
    pub status: u16,
    pub body: Vec<u8>,
    /// Whether the body is longer than was asked for.
    pub is_cut: bool,
    /// The certificate that it showed, in DER.
    pub certificate: Option<Vec<u8>>,
}

/// Asks servers.
pub trait Web {
    /// Asks once.
    ///
    /// # Errors
    /// Why there is no answer, in words.
    fn ask(&self, request: WebRequest) -> impl Future<Output = Result<WebAnswer, String>> + Send;
}

/// Whether a URL leads to this machine, or to what only this machine reaches: loopback, link-local.
pub fn stays_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_link_local(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unicast_link_local(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}
