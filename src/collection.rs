//! A collection: what was fetched in one go from a CI's API, whose documents stand in for the builds themselves.

use std::fmt;

use jiff::Timestamp;

use crate::not_checked::{NotChecked, Unchecked};
use crate::text::{Foreign, builds};

/// What was fetched in one go, and what it lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collection {
    /// Its number, among the collections of its database.
    pub id: String,
    /// The address of the server, such as `https://ci.example.com`.
    pub source: String,
    pub began_at: Option<Timestamp>,
    /// `None` where it was interrupted, or is under way.
    pub ended_at: Option<Timestamp>,
    /// Builds that were over before are not in it; `None` where all builds are.
    pub since: Option<Timestamp>,
    /// Whether the server listed all builds, and not only those of the projects that the user follows.
    pub lists_all: bool,
    /// Whose token it was.
    pub token_user: Option<String>,
    /// When the first of its documents was fetched, and when the last; `None` where it has none.
    pub fetched: Option<(Timestamp, Timestamp)>,
    /// How many builds it presents.
    pub builds: u64,
    /// How many builds have no document, or none that can be read.
    pub unread: u64,
    /// How many builds the server has proved not to be there any more.
    pub gone: u64,
}

impl Collection {
    /// The server's host, by which reports of its builds are known, wherever the documents are kept.
    pub fn host(&self) -> String {
        let after = self.source.split_once("://").map_or(self.source.as_str(), |(_, rest)| rest);
        let host = after.split(['/', '?', '#']).next().unwrap_or_default();
        host.rsplit('@').next().unwrap_or_default().to_ascii_lowercase()
    }

    /// `collection 3 of https://ci.example.com`.
    pub fn name(&self) -> String {
        format!("collection {} of {}", Foreign::name(&self.id), Foreign::url(&self.source))
    }

    /// As of when its builds are as it presents them; `None` where it has none. What was kept of a collection before, the list has confirmed;
    /// of what documents do not say, something may have happened since.
    pub fn seen_at(&self) -> Option<Timestamp> {
        let (fetched_from, _) = self.fetched?;
        Some(self.began_at.map_or(fetched_from, |began| fetched_from.max(began)))
    }

    /// Builds that were over before may be missing in it without being lost; `None` where it has all builds.
    pub fn complete_since(&self) -> Option<Timestamp> {
        if self.lists_all && self.ended_at.is_some() { self.since } else { Some(Timestamp::MAX) }
    }

    /// What of the server's builds is not in it, and why.
    pub fn gaps(&self) -> Vec<NotChecked> {
        let mut gaps = Vec::new();
        let mut gap = |what, why: String| gaps.push(NotChecked { what, why });
        let name = self.name();
        if self.ended_at.is_none() {
            gap(
                Unchecked::RestOfCollection,
                format!("{name} has not ended: the same `halfbuilt collect` continues it"),
            );
        }
        if let Some(since) = self.since {
            gap(Unchecked::BuildsOverBefore(since), format!("{name} begins there"));
        }
        if !self.lists_all {
            let user = self
                .token_user
                .as_deref()
                .map_or("its token's user".to_owned(), |user| Foreign::name(user).or("its token's user").into());
            gap(
                Unchecked::BuildsNotFollowed,
                format!("{name} has only what {user} follows: its token is no administrator's"),
            );
        }
        if self.unread > 0 {
            gap(Unchecked::DocumentsUnread(self.unread), format!("{name} has no document of them that can be read"));
        }
        gaps
    }
}

impl fmt::Display for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), builds(self.builds))?;
        if let Some((from, to)) = self.fetched {
            write!(f, ", fetched {}", from.strftime("%Y-%m-%d %H:%MZ"))?;
            let is_same_day = from.strftime("%F").to_string() == to.strftime("%F").to_string();
            let to = to.strftime(if is_same_day { "%H:%MZ" } else { "%Y-%m-%d %H:%MZ" }).to_string();
            if !(is_same_day && from.strftime("%H:%MZ").to_string() == to) {
                write!(f, " to {to}")?;
            }
        }
        if let Some(since) = self.since {
            write!(f, "; builds that were over before {} are not in it", since.strftime("%Y-%m-%d %H:%MZ"))?;
        }
        if self.gone > 0 {
            write!(f, "; {} gone since", builds(self.gone))?;
        }
        if self.ended_at.is_none() {
            f.write_str("; it has not ended")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn whole() -> Collection {
        Collection {
            id: "3".to_owned(),
            source: "https://CI.example.com".to_owned(),
            began_at: Some(at("2026-11-20T07:00:00Z")),
            ended_at: Some(at("2026-11-20T07:12:30Z")),
            lists_all: true,
            fetched: Some((at("2026-11-20T07:00:01Z"), at("2026-11-20T07:12:30Z"))),
            builds: 1234,
            ..Collection::default()
        }
    }

    #[test]
    fn a_whole_collection_lacks_nothing_and_says_what_it_is() {
        assert_eq!((whole().gaps(), whole().complete_since()), (Vec::new(), None));
        assert_eq!(
            whole().to_string(),
            "collection 3 of https://CI.example.com: 1,234 builds, fetched 2026-11-20 07:00Z to 07:12Z"
        );
        assert_eq!(whole().host(), "ci.example.com");
        let next_day =
            Collection { fetched: Some((at("2026-11-20T23:59:00Z"), at("2026-11-21T00:01:00Z"))), ..whole() };
        assert!(next_day.to_string().ends_with("fetched 2026-11-20 23:59Z to 2026-11-21 00:01Z"), "{next_day}");
    }

    #[test]
    fn what_it_lacks_is_a_gap_each() {
        let poor = Collection {
            ended_at: None,
            since: Some(at("2026-11-19T21:00:00Z")),
            lists_all: false,
            token_user: Some("ops".to_owned()),
            unread: 2,
            builds: 1,
            ..whole()
        };
        let gaps: Vec<String> = poor.gaps().iter().map(|gap| gap.what.to_string()).collect();
        assert_eq!(
            gaps,
            [
                "builds to which the collection has not come",
                "builds that were over before 2026-11-19T21:00:00Z",
                "builds of projects that are not followed",
                "2 builds without a document"
            ]
        );
        assert_eq!(poor.complete_since(), Some(Timestamp::MAX));
        assert!(poor.gaps()[2].why.contains("what ops follows"), "{:?}", poor.gaps()[2]);
        let said = poor.to_string();
        assert!(
            said.ends_with("; builds that were over before 2026-11-19 21:00Z are not in it; it has not ended"),
            "{said}"
        );
        assert!(said.contains(": 1 build, fetched"), "{said}");
    }

    proptest::proptest! {
        #[test]
        fn any_source_has_a_host_without_secrets(user in "[a-z]{1,5}", host in "[a-z.]{1,9}(:[0-9]{1,4})?", rest in "(/[a-z]*)?") {
            let collection = Collection { source: format!("https://{user}@{host}{rest}"), ..Collection::default() };
            proptest::prop_assert_eq!(collection.host(), host);
        }
    }
}
