//! Policy files.

use std::path::Path;

use halfbuilt::build_url::AddressForm;
use halfbuilt::policy::Policy;
use halfbuilt::project_glob::DeniedProjects;

/// A policy that is accepted can be followed: limits above 0, hosts as in URLs, valid globs. An unknown key is never ignored. An error is
/// printable.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let parse = |text: &str| Policy::parse(Path::new("halfbuilt.toml"), AddressForm::AsWritten, text);
    let policy = match parse(text) {
        Ok(policy) => policy,
        Err(error) => return super::assert_error_printable(&error),
    };
    let delete = &policy.delete;
    assert!(delete.max != Some(0) && delete.max_age.is_none_or(|age| age.is_positive()));
    if let Some(hosts) = &delete.hosts {
        assert!(!hosts.is_empty());
        for host in hosts {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
            assert!(!host.is_empty() && host.chars().all(plain), "{host:?} is not a host");
        }
    }
    assert!(DeniedProjects::default().add(&delete.deny, "deny").is_ok());
    // Nothing can stand before a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    assert_eq!(parse(&format!("# ours\n{text}\n# that is all\n")), Ok(policy), "a comment changes it");
    for unknown in [format!("deney = [\"a/*\"]\n{text}"), format!("{text}\n[scan]\nmax = 1\n")] {
        assert!(parse(&unknown).is_err(), "an unknown key was ignored: {unknown:?}");
    }
}
