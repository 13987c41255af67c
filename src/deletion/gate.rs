//! Gates: what has to be true of the whole choice before the first deletion.

use std::collections::BTreeMap;

use crate::build_url::BuildUrl;

/// A choice that a gate does not let through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// The builds are on more than one server.
    #[error("the chosen builds are on {} hosts: {}", .0.len(), .0.join(", "))]
    Hosts(Vec<String>),
    /// The builds are on another server than the one that was named.
    #[error("--confirm names {confirmed:?}, and {url} is on {host:?}")]
    OtherHost {
        /// What `--confirm` names.
        confirmed: String,
        /// The first build that is elsewhere.
        url: String,
        /// Where it is.
        host: String,
    },
    /// Nobody named the server.
    #[error("nothing is deleted before the host {0:?} is named")]
    NotConfirmed(String),
    /// Somebody typed something else.
    #[error("{typed:?} is not {host:?}: nothing was deleted")]
    Mistyped {
        /// What was typed.
        typed: String,
        /// What had to be typed.
        host: String,
    },
}

impl GateError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Hosts(_) => "delete on one host at a time: choose by --project, or split the report".to_owned(),
            Self::OtherHost { host, .. } => format!("is this the right report? --confirm {host} would name its host"),
            Self::NotConfirmed(host) => format!("--confirm {host}"),
            Self::Mistyped { .. } => return None,
        })
    }
}

/// The one host on which all builds are, checked against what `--confirm` names. `None` where there is no build.
///
/// # Errors
/// More than one host, or another than the one that was named.
pub fn one_host<'a>(
    urls: impl Iterator<Item = &'a BuildUrl>,
    confirmed: Option<&str>,
) -> Result<Option<String>, GateError> {
    let mut hosts: BTreeMap<&str, &BuildUrl> = BTreeMap::new();
    for url in urls {
        hosts.entry(url.host()).or_insert(url);
    }
    if let Some(confirmed) = confirmed {
        let confirmed = confirmed.to_ascii_lowercase();
        if let Some((host, url)) = hosts.iter().find(|(host, _)| **host != confirmed) {
            return Err(GateError::OtherHost { confirmed, url: url.to_string(), host: (*host).to_owned() });
        }
    }
    if hosts.len() > 1 {
        return Err(GateError::Hosts(hosts.into_keys().map(str::to_owned).collect()));
    }
    Ok(hosts.into_keys().next().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(texts: &[&str]) -> Vec<BuildUrl> {
        texts.iter().map(|text| BuildUrl::parse(text).expect(text)).collect()
    }

    #[test]
    fn one_host_passes() {
        let urls = urls(&["https://ci.example.com/gh/a/b/1", "https://CI.example.com/gh/a/b/2"]);
        assert_eq!(one_host(urls.iter(), Some("ci.Example.com")), Ok(Some("ci.example.com".to_owned())));
        assert_eq!(one_host(urls.iter(), None), Ok(Some("ci.example.com".to_owned())));
        assert_eq!(one_host([].into_iter(), Some("ci.example.com")), Ok(None));
    }

    #[test]
    fn a_build_elsewhere_stops_everything() {
        let urls = urls(&["https://ci.example.com/gh/a/b/1", "https://ci.example.org/gh/a/b/2"]);
        assert!(matches!(one_host(urls.iter(), None), Err(GateError::Hosts(_))));
        assert!(matches!(one_host(urls.iter(), Some("ci.example.com")), Err(GateError::OtherHost { .. })));
    }

    #[test]
    fn the_port_is_a_part_of_the_host() {
        let urls = urls(&["https://ci.example.com:8443/gh/a/b/1"]);
        assert!(one_host(urls.iter(), Some("ci.example.com")).is_err());
        assert!(one_host(urls.iter(), Some("ci.example.com:8443")).is_ok());
    }
}
