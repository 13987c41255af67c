//! Reads chosen builds again, each time in a fresh snapshot: the eyes of a deletion.

use std::collections::HashMap;

use crate::build_url::BuildUrl;
use crate::database::Database;
use crate::deletion::{BuildReader, Reading};
use crate::finding::Finding;
use crate::report::Chosen;
use crate::scan::{Lookup, ScanError, ScanPlan};

/// The build database, as a deletion sees it.
pub(super) struct Guard<'a> {
    pub(super) database: &'a mut Database,
    pub(super) plan: &'a ScanPlan,
}

impl Guard<'_> {
    /// Has the server check profile and rules, once before the first look.
    pub(super) async fn check(&mut self) -> Result<(), ScanError> {
        let snapshot = self.database.snapshot(&self.plan.settings()).await?;
        Lookup::new(self.plan, &snapshot).check().await
    }
}

impl BuildReader for Guard<'_> {
    type Error = ScanError;

    async fn read(&mut self, chosen: &[&Chosen]) -> Result<Vec<Reading>, ScanError> {
        let snapshot = self.database.snapshot(&self.plan.settings()).await?;
        let lookup = Lookup::new(self.plan, &snapshot);
        let urls: Vec<&BuildUrl> = chosen.iter().filter_map(|chosen| chosen.url.as_ref()).collect();
        let spelled = urls.iter().flat_map(|url| url.spellings());
        let spelled = spelled.chain(chosen.iter().map(|chosen| chosen.url_text.clone())).collect();
        let mut there: HashMap<BuildUrl, Vec<Finding>> = HashMap::new();
        for found in lookup.by_url(spelled, numbers(&urls)).await? {
            if let Some(url) = address(&found) {
                there.entry(url).or_default().push(found);
            }
        }
        // A build that is there under another name of the server is not gone.
        let missing: Vec<&BuildUrl> = urls.into_iter().filter(|url| !there.contains_key(url)).collect();
        let projects = missing.iter().map(|url| url.project()).collect();
        let elsewhere =
            if missing.is_empty() { Vec::new() } else { lookup.by_number(projects, numbers(&missing)).await? };
        Ok(chosen.iter().map(|chosen| reading(chosen, &mut there, &elsewhere)).collect())
    }

    fn rules(&self) -> Vec<&str> {
        self.plan.rule_names().collect()
    }
}

fn reading(chosen: &Chosen, there: &mut HashMap<BuildUrl, Vec<Finding>>, elsewhere: &[Finding]) -> Reading {
    let Some(url) = &chosen.url else { return Reading::Gone };
    if let Some(mut found) = there.remove(url) {
        return match found.pop() {
            Some(only) if found.is_empty() => Reading::There(Box::new(only)),
            _ => Reading::Several(found.len() + 1),
        };
    }
    let same = |found: &&Finding| {
        let same_number = found.project == Some(url.project()) && found.build_num == i64::try_from(url.number()).ok();
        same_number && address(found).is_none_or(|other| other.differs_only_by_server(url))
    };
    match elsewhere.iter().find(same) {
        Some(found) => {
            Reading::Elsewhere(found.build_url.clone().unwrap_or_else(|| "a build without a URL".to_owned()))
        }
        None => Reading::Gone,
    }
}

fn address(found: &Finding) -> Option<BuildUrl> {
    found.build_url.as_deref().and_then(|url| BuildUrl::parse(url).ok())
}

/// The numbers that a database can hold; a larger one belongs to no build.
fn numbers(urls: &[&BuildUrl]) -> Vec<i64> {
    urls.iter().filter_map(|url| i64::try_from(url.number()).ok()).collect()
}
