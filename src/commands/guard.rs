//! Reads chosen builds again, each time in a fresh snapshot: the eyes of a deletion.

use std::collections::HashMap;

use crate::build_url::BuildUrl;
use crate::database::Database;
use crate::deletion::{BuildReader, Reading};
use crate::finding::Finding;
use crate::project_glob::ProjectGlobs;
use crate::report::Chosen;
use crate::scan::{Lookup, Scan, ScanError, ScanPlan};

/// The build database, as a deletion sees it.
pub(super) struct Guard<'a> {
    pub(super) database: &'a mut Database,
    pub(super) plan: &'a ScanPlan,
    /// Whether a build that is not found is looked for in every way there is, at whatever cost.
    pub(super) thorough: bool,
}

impl Guard<'_> {
    /// Has the server check profile and rules, once before the first look, and tells how many builds there are.
    pub(super) async fn check(&mut self) -> Result<u64, ScanError> {
        let snapshot = self.database.snapshot(&self.plan.settings()).await?;
        let scan = Scan::begin(self.plan, &snapshot, &ProjectGlobs::default()).await?;
        Ok(scan.scope().builds())
    }
}

impl BuildReader for Guard<'_> {
    type Error = ScanError;

    async fn read(&mut self, chosen: &[&Chosen]) -> Result<Vec<Reading>, ScanError> {
        let snapshot = self.database.snapshot(&self.plan.settings()).await?;
        let lookup = Lookup::new(self.plan, &snapshot);
        let urls: Vec<&BuildUrl> = chosen.iter().filter_map(|chosen| chosen.url.as_ref()).collect();
        let as_written = chosen.iter().map(|chosen| chosen.url_text.clone());
        let spelled: Vec<String> = urls.iter().flat_map(|url| url.spellings()).chain(as_written).collect();
        let mut found = Found::default();
        found.add(lookup.by_url(spelled.clone(), numbers(&urls)).await?);

        let missing = found.missing(&urls);
        if !missing.is_empty() {
            let projects = missing.iter().map(|url| url.project().to_lowercase()).collect();
            found.add(lookup.by_number(projects, numbers(&missing)).await?);
        }
        if self.thorough && !found.missing(&urls).is_empty() {
            found.add(lookup.by_url_alone(spelled).await?);
        }
        Ok(chosen.iter().map(|chosen| found.reading(chosen)).collect())
    }

    fn rules(&self) -> Vec<&str> {
        self.plan.rule_names().collect()
    }
}

/// What was found for some chosen builds.
#[derive(Default)]
struct Found {
    /// Builds by their address, where the number in it is theirs.
    there: HashMap<BuildUrl, Vec<Finding>>,
    /// Others, which may be one of the chosen under another name.
    others: Vec<Finding>,
}

impl Found {
    fn add(&mut self, builds: Vec<Finding>) {
        for build in builds {
            match address(&build) {
                Some(url) if number(&url) == build.build_num => {
                    let same = self.there.entry(url).or_default();
                    // One build may be found in more than one way.
                    if !same.contains(&build) {
                        same.push(build);
                    }
                }
                _ => self.others.push(build),
            }
        }
    }

    fn missing<'a>(&self, urls: &[&'a BuildUrl]) -> Vec<&'a BuildUrl> {
        urls.iter().copied().filter(|url| !self.there.contains_key(url)).collect()
    }

    fn reading(&self, chosen: &Chosen) -> Reading {
        let Some(url) = &chosen.url else { return Reading::Gone };
        match self.there.get(url).map(Vec::as_slice) {
            Some([only]) => return Reading::There(Box::new(only.clone())),
            Some(several) => return Reading::Several(several.len()),
            None => {}
        }
        let resembling = self.there.keys().find(|other| other.resembles(url)).map(ToString::to_string);
        let odd = || {
            let same = |build: &&Finding| match address(build) {
                Some(other) => other.resembles(url),
                None => {
                    build.build_num == number(url)
                        && build.project.as_deref().is_some_and(|p| p.eq_ignore_ascii_case(&url.project()))
                }
            };
            self.others.iter().find(same).map(described)
        };
        resembling.or_else(odd).map_or(Reading::Gone, Reading::Elsewhere)
    }
}

fn described(build: &Finding) -> String {
    let url = build.build_url.as_deref().unwrap_or("a build without a URL");
    match build.build_num {
        Some(number) => format!("{url}, number {number}"),
        None => format!("{url}, without a number"),
    }
}

fn address(found: &Finding) -> Option<BuildUrl> {
    found.build_url.as_deref().and_then(|url| BuildUrl::parse(url).ok())
}

/// The number in an address, where a database can hold it.
fn number(url: &BuildUrl) -> Option<i64> {
    i64::try_from(url.number()).ok()
}

fn numbers(urls: &[&BuildUrl]) -> Vec<i64> {
    urls.iter().filter_map(|url| number(url)).collect()
}
