//! Reads chosen builds again, each time in a fresh snapshot: the eyes of a deletion.

use crate::build_url::BuildUrl;
use crate::database::Database;
use crate::deletion::{BuildReader, Reading};
use crate::finding::Finding;
use crate::report::Chosen;
use crate::scan::{Fit, Lookup, ScanError, ScanPlan};

use super::Error;
use super::evidence::{Archived, Evidence};

/// The build database, as a deletion sees it.
pub(super) struct Guard<'a> {
    pub(super) database: &'a mut Database,
    pub(super) plan: &'a ScanPlan,
    pub(super) fit: Fit,
    /// Whether a build that is not found is looked for in every way there is, at whatever cost.
    pub(super) thorough: bool,
}

impl<'a> Guard<'a> {
    /// Has the server check profile and rules, once before the first look. The first looks are thorough.
    pub(super) async fn open(database: &'a mut Database, plan: &'a ScanPlan) -> Result<Self, ScanError> {
        let fit = Fit::check(plan, &database.snapshot(&plan.settings()).await?).await?;
        Ok(Self { database, plan, fit, thorough: true })
    }

    /// Names the projects that there are.
    pub(super) async fn projects(&mut self) -> Result<Vec<String>, ScanError> {
        let snapshot = self.database.snapshot(&self.plan.settings()).await?;
        Lookup::new(self.plan, &self.fit, &snapshot).projects().await
    }

    /// Reads the chosen builds and archives all that the database holds about those that are there, as of one snapshot. When
    /// this returns, it is on disk.
    pub(super) async fn archive(&mut self, chosen: &[&Chosen], evidence: &mut Evidence) -> Result<Archived, Error> {
        let canceller = self.database.canceller();
        let snapshot = self.database.snapshot(&self.plan.settings()).await?;
        let lookup = Lookup::new(self.plan, &self.fit, &snapshot);
        let readings = look(&lookup, self.thorough, chosen).await?;
        let there = |reading: &Reading| match reading {
            Reading::There(found) => Some(found.fingerprint.clone()),
            Reading::Gone | Reading::Elsewhere(_) | Reading::Several(_) => None,
        };
        let fingerprints = readings.iter().map(there).collect();
        let mut builds: Vec<&Finding> = Vec::new();
        for reading in &readings {
            // A list may name a build twice.
            if let Reading::There(found) = reading
                && !builds.iter().any(|build| build.key == found.key)
            {
                builds.push(found);
            }
        }
        if builds.is_empty() {
            return Ok(Archived { fingerprints, extent: None });
        }
        let written = evidence.write(&lookup, &builds).await;
        if matches!(written, Err(Error::Unarchived(_))) {
            // The server may have millions of rows left to send, and nobody wants them any more.
            canceller.cancel().await;
        }
        Ok(Archived { fingerprints, extent: Some(written?) })
    }
}

impl BuildReader for Guard<'_> {
    type Error = ScanError;

    async fn read(&mut self, chosen: &[&Chosen]) -> Result<Vec<Reading>, ScanError> {
        let snapshot = self.database.snapshot(&self.plan.settings()).await?;
        look(&Lookup::new(self.plan, &self.fit, &snapshot), self.thorough, chosen).await
    }

    fn rules(&self) -> Vec<&str> {
        self.plan.rule_names().collect()
    }
}

/// What a snapshot says of each build.
async fn look(lookup: &Lookup<'_>, thorough: bool, chosen: &[&Chosen]) -> Result<Vec<Reading>, ScanError> {
    let urls: Vec<&BuildUrl> = chosen.iter().filter_map(|chosen| chosen.url.as_ref()).collect();
    let as_written = chosen.iter().map(|chosen| chosen.url_text.clone());
    let spelled: Vec<String> = urls.iter().flat_map(|url| url.spellings()).chain(as_written).collect();
    // The server finds a build by its project and number: another one of that name must not stand in for it.
    let projects = urls.iter().map(|url| url.project().to_lowercase()).collect();
    let mut found = Found(lookup.by_name(spelled.clone(), numbers(&urls), projects).await?);
    if thorough {
        // Not only what is missing: a build with another number may have the address of one that was found.
        found.add(lookup.by_url_alone(spelled).await?);
    }
    Ok(chosen.iter().map(|chosen| found.reading(chosen)).collect())
}

/// What was found for some chosen builds.
struct Found(Vec<Finding>);

impl Found {
    fn add(&mut self, builds: Vec<Finding>) {
        for build in builds {
            // One build may be found in more than one way; its fingerprint tells that it is the same.
            if !self.0.iter().any(|known| known.fingerprint == build.fingerprint) {
                self.0.push(build);
            }
        }
    }

    fn reading(&self, chosen: &Chosen) -> Reading {
        let Some(url) = &chosen.url else { return Reading::Gone };
        let found: Vec<&Finding> = self.0.iter().filter(|build| may_be(build, url)).collect();
        match found.as_slice() {
            [] => Reading::Gone,
            [only] if address(only).as_ref() == Some(url) && only.is_at(url) => {
                Reading::There(Box::new((*only).clone()))
            }
            [only] => Reading::Elsewhere(described(only)),
            several => Reading::Several(several.len()),
        }
    }
}

/// Whether a build is, or may be taken for, the one with this address: by its own address, or by project and number.
fn may_be(build: &Finding, url: &BuildUrl) -> bool {
    let own = address(build);
    let same_number = build.build_num == number(url);
    let same_project = build.project.as_deref().is_some_and(|project| project.eq_ignore_ascii_case(&url.project()));
    match own {
        Some(own) => own.resembles(url) || (same_number && same_project && own.is_of_same_system(url)),
        None => same_number && same_project,
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
