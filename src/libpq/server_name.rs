//! Compares the name in a certificate, which OpenSSL has verified by then, with the server's. libpq compares by its own rules and not
//! by OpenSSL's, so `psql` accepts names that OpenSSL does not: an address in the CN, `*.internal`.
//! Source: PostgreSQL manual, "34.19.1. Client Verification of Server Certificates".

use std::net::IpAddr;

use openssl::nid::Nid;
use openssl::x509::X509Ref;

/// Whether a certificate names this server.
pub(super) fn names(certificate: &X509Ref, host: &str) -> bool {
    let address = host.parse::<IpAddr>().ok();
    // The common name counts only if the certificate has no other name of the host's kind.
    let mut common_name_counts = true;
    for name in certificate.subject_alt_names().iter().flatten() {
        if let Some(dns) = name.dnsname() {
            common_name_counts &= address.is_some();
            if fits(dns.as_bytes(), host) {
                return true;
            }
        } else if let Some(bytes) = name.ipaddress() {
            common_name_counts &= address.is_none();
            if address.is_some_and(|address| is(address, bytes)) {
                return true;
            }
        } else if name.email().or(name.uri()).is_none() && name.directory_name().is_none() {
            // A name that cannot be read may be of that kind.
            common_name_counts = false;
        }
    }
    let common_name = certificate.subject_name().entries_by_nid(Nid::COMMONNAME).next();
    // All bytes: a text that ends at its first NUL would be another name.
    common_name_counts && common_name.is_some_and(|name| fits(name.data().as_slice(), host))
}

fn is(address: IpAddr, bytes: &[u8]) -> bool {
    match address {
        IpAddr::V4(address) => address.octets() == bytes,
        IpAddr::V6(address) => address.octets() == bytes,
    }
}

/// Whether a pattern is the name itself, or has `*` for its first label.
fn fits(pattern: &[u8], host: &str) -> bool {
    let host = host.as_bytes();
    if pattern.contains(&0) || host.is_empty() {
        return false;
    }
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    let Some(suffix) = pattern.strip_prefix(b"*").filter(|rest| rest.len() > 1 && rest.starts_with(b".")) else {
        return false;
    };
    let label = host.iter().position(|byte| *byte == b'.').unwrap_or(host.len());
    label > 0 && host[label..].eq_ignore_ascii_case(suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_label() {
        for (pattern, host, expected) in [
            ("db.example", "DB.example", true),
            ("*.example", "db.example", true),
            ("*.Internal", "db.internal", true),
            ("*.example", "a.db.example", false),
            ("*.example", "example", false),
            ("*.example", ".example", false),
            ("d*.example", "db.example", false),
            ("*", "db", false),
            ("*.", "db.", false),
            ("db.example\0.evil", "db.example", false),
            ("", "", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), host), expected, "{pattern:?} {host:?}");
        }
    }
}
