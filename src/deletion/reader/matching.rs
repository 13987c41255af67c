//! Finds the build that a chosen row means among what the database holds.

use std::collections::{HashMap, HashSet};

use crate::build_url::{AddressForm, BuildUrl};
use crate::causes::in_one_line;
use crate::deletion::plan::Reading;
use crate::finding::Finding;
use crate::obstacle::Obstacle;
use crate::report::Chosen;
use crate::scan::{Lookup, ScanError};
use crate::text::bytes::has_bytes;

use super::as_written;
use super::elsewhere::described;
use super::search::{Reach, Search};

/// Reads what a snapshot holds of each chosen build.
///
/// Where something cannot be read, it is read by halves, until only the builds that it belongs to are left out.
pub(super) async fn read_builds(
    lookup: &Lookup<'_>,
    search: &Search,
    chosen: &[&Chosen],
) -> Result<Vec<Reading>, ScanError> {
    let mut readings = Vec::new();
    // The next of them is at the end.
    let mut left = vec![chosen];
    while let Some(some) = left.pop() {
        let read = match search.form {
            AddressForm::CircleCi => read_together(lookup, search.reach == Reach::Plan, some).await,
            AddressForm::AsWritten => as_written::read_together(lookup, (search.reach, &search.keys), some).await,
        };
        match read {
            Ok(read) => readings.extend(read),
            Err(error) if !error.is_about_what_is_read() => return Err(error),
            Err(error) if some.len() <= 1 => {
                readings.extend(some.iter().map(|_| Reading::Unread(in_one_line(&error))));
            }
            Err(_) => {
                let (first, second) = some.split_at(some.len() / 2);
                left.extend([second, first]);
            }
        }
    }
    Ok(readings)
}

async fn read_together(lookup: &Lookup<'_>, by_url_too: bool, chosen: &[&Chosen]) -> Result<Vec<Reading>, ScanError> {
    let urls: Vec<&BuildUrl> = chosen.iter().filter_map(|chosen| chosen.url.as_ref()).collect();
    let as_written = chosen.iter().map(|chosen| chosen.url_text.clone());
    let spelled = urls.iter().flat_map(|url| url.spellings()).chain(as_written);
    // What stands in a file for a byte that is no UTF-8 is in no address, and the server would refuse it.
    let spelled: Vec<String> = spelled.filter(|text| !has_bytes(text)).collect();
    // The server finds a build by its project and number: another one of that name must not stand in for it.
    let projects = urls.iter().filter_map(|url| Some(url.project()?.to_lowercase())).collect();
    let mut found = Found::default();
    found.add(lookup.by_name(spelled.clone(), numbers(&urls), projects).await?, false);
    if by_url_too {
        // Not only what is missing: a build with another number may have the address of one that was found.
        found.add(lookup.by_url(spelled).await?, true);
    }
    Ok(chosen.iter().map(|chosen| found.reading(chosen)).collect())
}

/// What was found for some chosen builds, each with its address.
#[derive(Default)]
struct Found {
    builds: Vec<(Finding, Option<BuildUrl>)>,
    /// Whether a build without a key may be any of them.
    has_keyless: bool,
    fingerprints: HashSet<String>,
    /// The places of the builds that have a number, or one in their address.
    by_number: HashMap<u64, Vec<usize>>,
}

impl Found {
    /// Adds the builds of one reading. Two rows of it are two builds, however alike they are. Builds that `may_be_known` may have been
    /// found by another reading too: then they have the same fingerprint.
    fn add(&mut self, builds: Vec<Finding>, may_be_known: bool) {
        for build in builds {
            if build.obstacles.contains(&Obstacle::NoBuild) {
                self.has_keyless = true;
                continue;
            }
            let is_new = self.fingerprints.insert(build.fingerprint.clone());
            if may_be_known && !is_new {
                self.add_shared_paths(build);
                continue;
            }
            let url = address(&build);
            let own = build.build_num.and_then(|number| u64::try_from(number).ok());
            let numbers: HashSet<u64> = own.into_iter().chain(url.as_ref().and_then(BuildUrl::number)).collect();
            for one in numbers {
                self.by_number.entry(one).or_default().push(self.builds.len());
            }
            self.builds.push((build, url));
        }
    }

    /// Only the reading that looks at every build says which of them share a path.
    fn add_shared_paths(&mut self, again: Finding) {
        let shared = again.obstacles.into_iter().filter(|obstacle| matches!(obstacle, Obstacle::SharesItsPath(_)));
        if let Some((known, _)) = self.builds.iter_mut().find(|(known, _)| known.fingerprint == again.fingerprint) {
            known.obstacles.extend(shared);
        }
    }

    fn reading(&self, chosen: &Chosen) -> Reading {
        let Some(url) = &chosen.url else { return Reading::Gone };
        let places = url.number().and_then(|number| self.by_number.get(&number));
        let candidates = places.into_iter().flatten().map(|place| &self.builds[*place]);
        let found: Vec<_> = candidates.filter(|(build, own)| may_be(build, own.as_ref(), url)).collect();
        match found.as_slice() {
            _ if self.has_keyless => Reading::WithoutKey,
            [] => Reading::Gone,
            [(only, own)] if own.as_ref() == Some(url) && only.is_at(url) => Reading::There(Box::new(only.clone())),
            [(only, _)] => Reading::Elsewhere(described(only)),
            several => Reading::Several(several.len()),
        }
    }
}

/// Whether a build is, or may be taken for, the one with this address: by its own address, or by project and number.
fn may_be(build: &Finding, own: Option<&BuildUrl>, url: &BuildUrl) -> bool {
    let same_number = build.build_num.is_some() && build.build_num == number(url);
    let projects = build.project.as_deref().zip(url.project());
    let same_project = projects.is_some_and(|(project, named)| project.eq_ignore_ascii_case(&named));
    match own {
        Some(own) => own.resembles(url) || (same_number && same_project && own.has_same_vcs(url)),
        None => same_number && same_project,
    }
}

fn address(found: &Finding) -> Option<BuildUrl> {
    found.build_url.as_deref().and_then(|url| BuildUrl::parse(url).ok())
}

/// The number in an address, where a database can hold it.
fn number(url: &BuildUrl) -> Option<i64> {
    i64::try_from(url.number()?).ok()
}

fn numbers(urls: &[&BuildUrl]) -> Vec<i64> {
    urls.iter().filter_map(|url| number(url)).collect()
}
