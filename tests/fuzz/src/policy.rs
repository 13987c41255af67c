//! Policy files.

use std::path::Path;

use halfbuilt::policy::Policy;
use halfbuilt::project_glob::DeniedProjects;

/// What is followed can be followed: limits above nothing, hosts as URLs write them, globs that are some. A word that is not known
/// is never passed over, and a complaint can be shown.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let parse = |text: &str| Policy::parse(Path::new("halfbuilt.toml"), text);
    let policy = match parse(text) {
        Ok(policy) => policy,
        Err(error) => return super::prints_its_causes(&error),
    };
    let delete = &policy.delete;
    assert!(delete.max != Some(0) && delete.max_age.is_none_or(|age| age.is_positive()));
    if let Some(hosts) = &delete.hosts {
        assert!(!hosts.is_empty());
        for host in hosts {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
            assert!(!host.is_empty() && host.chars().all(plain), "{host:?} is no host");
        }
    }
    assert!(DeniedProjects::default().add(&delete.deny, "deny").is_ok());
    // Before a byte order mark nothing can be put.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    assert_eq!(parse(&format!("# ours\n{text}\n# that is all\n")), Ok(policy), "a comment changed it");
    for unknown in [format!("deney = [\"a/*\"]\n{text}"), format!("{text}\n[scan]\nmax = 1\n")] {
        assert!(parse(&unknown).is_err(), "something unknown was passed over: {unknown:?}");
    }
}
