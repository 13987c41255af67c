//! Finds the builds that chosen rows mean where every letter of an address counts.

use std::collections::{HashMap, HashSet};

use crate::build_url::BuildUrl;
use crate::deletion::plan::Reading;
use crate::finding::Finding;
use crate::obstacle::Obstacle;
use crate::report::Chosen;
use crate::scan::{Lookup, ScanError};
use crate::text::bytes::has_bytes;

use super::elsewhere::described;
use super::search::{KnownKeys, Reach};

/// Reads what a snapshot holds of each chosen build: by its key where that is known of all of them and will do, else by its address, which
/// takes a look at every build.
pub(super) async fn read_together(
    lookup: &Lookup<'_>,
    (reach, keys): (Reach, &KnownKeys),
    chosen: &[&Chosen],
) -> Result<Vec<Reading>, ScanError> {
    let urls: Vec<&BuildUrl> = chosen.iter().filter_map(|chosen| chosen.url.as_ref()).collect();
    let addresses: Vec<String> = urls.iter().map(ToString::to_string).collect();
    let known = addresses.iter().map(|address| keys.get(address).cloned()).collect::<Option<Vec<String>>>();
    let by_key = match known.filter(|_| reach != Reach::Plan) {
        Some(known) => lookup.by_key(known).await?,
        None => None,
    };
    let is_by_key = by_key.is_some();
    let mut found = Found::default();
    match by_key {
        Some(builds) if reach == Reach::Everywhere => {
            // Two rows of one reading are two builds, however alike they are.
            found.add(lookup.by_url(addresses).await?, false);
            found.add(builds, true);
        }
        Some(builds) => found.add(builds, false),
        None => {
            let places = urls.iter().map(|url| url.place()).collect();
            found.add(lookup.by_address(addresses, places, numbers(chosen), projects(chosen)).await?, false);
        }
    }
    Ok(chosen.iter().map(|chosen| found.reading(chosen, is_by_key.then_some(keys))).collect())
}

/// The numbers of the builds, as their rows say.
fn numbers(chosen: &[&Chosen]) -> Vec<i64> {
    chosen.iter().filter_map(|chosen| chosen.judged.as_ref()?.build_num).collect()
}

/// Their projects. What stands in a file for a byte that is no UTF-8 is in no name, and the server would refuse it.
fn projects(chosen: &[&Chosen]) -> Vec<String> {
    chosen.iter().filter_map(|chosen| chosen.project.clone()).filter(|project| !has_bytes(project)).collect()
}

/// What was found for some chosen builds.
#[derive(Default)]
struct Found {
    /// Whether a build without a key may be any of them.
    has_keyless: bool,
    builds: Vec<Finding>,
    fingerprints: HashSet<String>,
    by_address: HashMap<String, Vec<usize>>,
    by_key: HashMap<String, usize>,
    /// By what follows the host.
    by_place: HashMap<String, usize>,
    by_name: HashMap<(String, i64), usize>,
}

impl Found {
    /// Adds the builds of one reading. Builds that `may_be_known` may have been found by another reading too: then they have the same
    /// fingerprint.
    fn add(&mut self, builds: Vec<Finding>, may_be_known: bool) {
        for build in builds {
            if build.obstacles.contains(&Obstacle::NoBuild) {
                self.has_keyless = true;
                continue;
            }
            let is_new = self.fingerprints.insert(build.fingerprint.clone());
            let place = self.builds.len();
            self.by_key.insert(build.key.clone(), place);
            if may_be_known && !is_new {
                continue;
            }
            if let Some(name) = build.project.clone().zip(build.build_num) {
                self.by_name.insert(name, place);
            }
            if let Some(address) = &build.build_url {
                self.by_address.entry(address.clone()).or_default().push(place);
                if let Ok(url) = BuildUrl::parse_as_written(address) {
                    self.by_place.insert(url.place(), place);
                }
            }
            self.builds.push(build);
        }
    }

    fn reading(&self, chosen: &Chosen, keys: Option<&KnownKeys>) -> Reading {
        let Some(url) = &chosen.url else { return Reading::Gone };
        if self.has_keyless {
            return Reading::WithoutKey;
        }
        let address = url.to_string();
        match self.by_address.get(&address).map(Vec::as_slice).unwrap_or_default() {
            [] => self.elsewhere(chosen, url, keys).map_or(Reading::Gone, |other| Reading::Elsewhere(described(other))),
            [only] => Reading::There(Box::new(self.builds[*only].clone())),
            several => Reading::Several(several.len()),
        }
    }

    /// A build that may be the chosen one, and has another address now.
    fn elsewhere(&self, chosen: &Chosen, url: &BuildUrl, keys: Option<&KnownKeys>) -> Option<&Finding> {
        let by_key = keys.and_then(|keys| self.by_key.get(keys.get(&url.to_string())?));
        let by_name = || {
            let number = chosen.judged.as_ref()?.build_num?;
            self.by_name.get(&(chosen.project.clone()?, number))
        };
        let place = by_key.or_else(|| self.by_place.get(&url.place())).or_else(by_name)?;
        self.builds.get(*place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    const ADDRESS: &str = "https://ci.example.com/tests/7";

    fn build(key: &str, address: &str) -> Finding {
        let fingerprint = format!("{key} {address}");
        Finding { key: key.to_owned(), build_url: Some(address.to_owned()), fingerprint, ..testing::finding() }
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
        let mut found = Found::default();
        found.add(builds.to_vec(), false);
        found.reading(&chosen(), keys)
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
