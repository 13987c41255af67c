//! Finds the builds that chosen rows mean where every letter of an address counts.

use std::collections::HashMap;

use crate::build_url::BuildUrl;
use crate::deletion::plan::Reading;
use crate::finding::Finding;
use crate::obstacle::Obstacle;
use crate::report::Chosen;
use crate::scan::{Lookup, ScanError};

use super::elsewhere::described;

/// The keys of builds by their addresses, as they were when the plan was made.
#[derive(Default)]
pub(super) struct KnownKeys(HashMap<String, String>);

impl KnownKeys {
    /// Notes the builds that were found.
    pub(super) fn note(&mut self, chosen: &[&Chosen], readings: &[Reading]) {
        for (chosen, reading) in chosen.iter().zip(readings) {
            if let (Some(url), Reading::There(found)) = (&chosen.url, reading) {
                self.0.insert(url.to_string(), found.key.clone());
            }
        }
    }

    fn get(&self, address: &str) -> Option<&String> {
        self.0.get(address)
    }
}

/// Reads what a snapshot holds of each chosen build: by its key where that is known of all of them, else by its address, which takes a look
/// at every build.
pub(super) async fn read_together(
    lookup: &Lookup<'_>,
    keys: Option<&KnownKeys>,
    chosen: &[&Chosen],
) -> Result<Vec<Reading>, ScanError> {
    let urls: Vec<&BuildUrl> = chosen.iter().filter_map(|chosen| chosen.url.as_ref()).collect();
    let known = keys.and_then(|keys| urls.iter().map(|url| keys.get(&url.to_string()).cloned()).collect());
    let by_key = match known {
        Some(known) => lookup.by_key(known).await?,
        None => None,
    };
    let (builds, keys) = match by_key {
        Some(builds) => (builds, keys),
        None => {
            let addresses = urls.iter().map(ToString::to_string).collect();
            (lookup.by_address(addresses, urls.iter().map(|url| url.place()).collect()).await?, None)
        }
    };
    let found = Found::of(&builds);
    Ok(chosen.iter().map(|chosen| found.reading(chosen, keys)).collect())
}

/// What was found for some chosen builds.
struct Found<'a> {
    /// Whether a build without a key may be any of them.
    has_keyless: bool,
    by_address: HashMap<&'a str, Vec<&'a Finding>>,
    by_key: HashMap<&'a str, &'a Finding>,
    /// By what follows the host.
    by_place: HashMap<String, &'a Finding>,
}

impl<'a> Found<'a> {
    fn of(builds: &'a [Finding]) -> Self {
        let mut found =
            Self { has_keyless: false, by_address: HashMap::new(), by_key: HashMap::new(), by_place: HashMap::new() };
        for build in builds {
            if build.obstacles.contains(&Obstacle::NoBuild) {
                found.has_keyless = true;
                continue;
            }
            found.by_key.insert(&build.key, build);
            let Some(address) = build.build_url.as_deref() else { continue };
            found.by_address.entry(address).or_default().push(build);
            if let Ok(url) = BuildUrl::parse_as_written(address) {
                found.by_place.insert(url.place(), build);
            }
        }
        found
    }

    fn reading(&self, chosen: &Chosen, keys: Option<&KnownKeys>) -> Reading {
        let Some(url) = &chosen.url else { return Reading::Gone };
        if self.has_keyless {
            return Reading::WithoutKey;
        }
        let address = url.to_string();
        let same = self.by_address.get(address.as_str()).map(Vec::as_slice).unwrap_or_default();
        let moved = || {
            let by_key = keys.and_then(|keys| self.by_key.get(keys.get(&address)?.as_str()));
            by_key.or_else(|| self.by_place.get(&url.place())).copied()
        };
        match same {
            [] => moved().map_or(Reading::Gone, |other| Reading::Elsewhere(described(other))),
            [only] => Reading::There(Box::new((*only).clone())),
            several => Reading::Several(several.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    const ADDRESS: &str = "https://ci.example.com/tests/7";

    fn build(key: &str, address: &str) -> Finding {
        Finding { key: key.to_owned(), build_url: Some(address.to_owned()), ..testing::finding() }
    }

    fn chosen() -> Chosen {
        Chosen {
            line: 2,
            url_text: ADDRESS.to_owned(),
            url: BuildUrl::parse_as_written(ADDRESS).ok(),
            project: None,
            reasons: Vec::new(),
            judged: None,
        }
    }

    fn read(builds: &[Finding], keys: Option<&KnownKeys>) -> Reading {
        Found::of(builds).reading(&chosen(), keys)
    }

    #[test]
    fn an_address_means_the_build_that_has_every_letter_of_it() {
        let own = build("7", ADDRESS);
        assert_eq!(read(&[], None), Reading::Gone);
        assert_eq!(read(&[build("71", "https://ci.example.com/tests/71")], None), Reading::Gone);
        assert_eq!(
            read(&[build("8", "http://old.example.com/Tests/7/"), own.clone()], None),
            Reading::There(own.into())
        );
        assert_eq!(read(&[build("7", ADDRESS), build("8", ADDRESS)], None), Reading::Several(2));
    }

    #[test]
    fn a_build_under_another_host_or_in_other_letters_is_not_gone() {
        for other in
            ["http://127.0.0.1:9526/tests/7", "https://ci.example.com/tests/7/", "https://ci.example.com/TESTS/7"]
        {
            assert!(matches!(read(&[build("7", other)], None), Reading::Elsewhere(_)), "{other}");
        }
    }

    #[test]
    fn a_build_that_has_another_address_now_is_not_gone() {
        let mut keys = KnownKeys::default();
        keys.note(&[&chosen()], &[Reading::There(build("7", ADDRESS).into())]);
        let renamed = build("7", "https://ci.example.com/jobs/7");
        assert!(matches!(read(&[renamed], Some(&keys)), Reading::Elsewhere(_)));
        assert_eq!(read(&[], Some(&keys)), Reading::Gone);
        let keyless = Finding { obstacles: vec![Obstacle::NoBuild], ..build("", ADDRESS) };
        assert_eq!(read(&[keyless], Some(&keys)), Reading::WithoutKey);
    }
}
