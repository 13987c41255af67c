//! The names in a TLS certificate, and how long it holds.

use jiff::{SignedDuration, Timestamp};
use openssl::asn1::Asn1Time;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::x509::X509;

use crate::text::Foreign;

/// How many names are kept.
const NAMES: usize = 1000;
/// How many of them are shown.
const NAMES_SHOWN: usize = 6;

/// What a certificate says of the server that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    /// Host names and addresses: the alternative names, or where there are none the common name.
    names: Vec<String>,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
}

impl Certificate {
    /// The first certificate of a PEM file.
    ///
    /// # Errors
    /// It holds none.
    pub(super) fn from_pem(bytes: &[u8]) -> Result<Self, String> {
        X509::from_pem(bytes)
            .and_then(|found| Self::of(&found))
            .map_err(|_| "it holds no certificate in PEM".to_owned())
    }

    /// A certificate as a server showed it.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn from_der(bytes: &[u8]) -> Result<Self, String> {
        X509::from_der(bytes)
            .and_then(|found| Self::of(&found))
            .map_err(|_| "its certificate cannot be read".to_owned())
    }

    fn of(found: &X509) -> Result<Self, ErrorStack> {
        let mut names = Vec::new();
        for name in found.subject_alt_names().into_iter().flatten().take(NAMES) {
            let address = name.ipaddress().and_then(|bytes| match bytes.len() {
                4 => <[u8; 4]>::try_from(bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string()),
                16 => <[u8; 16]>::try_from(bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string()),
                _ => None,
            });
            names.extend(name.dnsname().map(str::to_owned).or(address));
        }
        if names.is_empty() {
            let common = found.subject_name().entries_by_nid(Nid::COMMONNAME);
            names.extend(common.filter_map(|entry| entry.data().to_string().ok()).take(NAMES));
        }
        let epoch = Asn1Time::from_unix(0)?;
        let time = |at: &openssl::asn1::Asn1TimeRef| {
            let since = epoch.diff(at)?;
            let since = SignedDuration::from_secs(i64::from(since.days) * 86_400 + i64::from(since.secs));
            Ok::<_, ErrorStack>(Timestamp::UNIX_EPOCH.saturating_add(since).unwrap_or(Timestamp::MAX))
        };
        Ok(Self { names, not_before: time(found.not_before())?, not_after: time(found.not_after())? })
    }

    /// Whether it is for this host. `*` stands for one label (RFC 9525, 6.3).
    pub(super) fn covers(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_lowercase();
        self.names.iter().any(|name| {
            let name = name.trim_end_matches('.').to_lowercase();
            let below = host.split_once('.').map(|(_, below)| below);
            name == host || name.strip_prefix("*.").is_some_and(|domain| below == Some(domain))
        })
    }

    /// Its names in a few words.
    pub(super) fn names_in_words(&self) -> String {
        let shown: Vec<String> = self.names.iter().take(NAMES_SHOWN).map(|name| Foreign::name(name).into()).collect();
        match self.names.len().saturating_sub(NAMES_SHOWN) {
            0 if shown.is_empty() => "no name".to_owned(),
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_covers_itself_and_a_wildcard_one_label() {
        let names = ["ci.example.com", "*.Build.example.com", "10.0.0.5"].map(str::to_owned).to_vec();
        let found = Certificate { names, not_before: Timestamp::UNIX_EPOCH, not_after: Timestamp::UNIX_EPOCH };
        for host in ["CI.example.com", "ci.example.com.", "a.build.example.com", "10.0.0.5"] {
            assert!(found.covers(host), "{host}");
        }
        for host in ["example.com", "a.ci.example.com", "a.b.build.example.com", "build.example.com", ""] {
            assert!(!found.covers(host), "{host}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_are_a_certificate_by_luck(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            proptest::prop_assert!(Certificate::from_der(&bytes).is_err() && Certificate::from_pem(&bytes).is_err());
        }
    }
}
