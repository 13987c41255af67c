//! Reads single builds again: what a deletion sees just before and just after it acts.

use std::collections::BTreeMap;

use crate::database::{Parameter, Snapshot};
use crate::finding::Finding;
use crate::premise::Premise;

use super::attempt::attempt;
use super::compose::{BuildSelection, Part, Relations};
use super::error::ScanError;
use super::fit::Fit;
use super::plan::ScanPlan;
use super::report_row::{Signs, finding};

/// Reads single builds again, sound or not.
pub struct Lookup<'a> {
    plan: &'a ScanPlan,
    fit: &'a Fit,
    premise: &'a Premise,
    snapshot: &'a Snapshot<'a>,
}

impl<'a> Lookup<'a> {
    /// Reads through a new snapshot with the settings of the plan by this premise: an older one proves nothing.
    pub fn new(plan: &'a ScanPlan, fit: &'a Fit, premise: &'a Premise, snapshot: &'a Snapshot<'a>) -> Self {
        Self { plan, fit, premise, snapshot }
    }

    /// The snapshot through which it reads.
    pub fn snapshot(&self) -> &Snapshot<'a> {
        self.snapshot
    }

    /// How many builds each project has; builds without a project stand under the empty name.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn projects(&self) -> Result<BTreeMap<String, u64>, ScanError> {
        let projects = builds_by_project(&self.fit.relations(self.plan, BuildSelection::All), self.snapshot).await?;
        let mut named = BTreeMap::new();
        for InProject { project, builds, .. } in projects {
            *named.entry(project.unwrap_or_default()).or_default() += builds;
        }
        Ok(named)
    }

    /// The builds that some addresses may mean, each with the rules that fire on it now: those with one of the addresses,
    /// or with one of the projects (in lower case), and with one of the numbers. Some of them were not asked for.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn by_name(
        &self,
        urls: Vec<String>,
        numbers: Vec<i64>,
        projects: Vec<String>,
    ) -> Result<Vec<Finding>, ScanError> {
        let parameters = [Parameter::Texts(urls), Parameter::Integers(numbers), Parameter::Texts(projects)];
        self.read(BuildSelection::Names, &parameters).await
    }

    /// The builds with one of these addresses, even if their numbers are not those in the addresses. It may take a look at
    /// every build.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn by_url(&self, urls: Vec<String>) -> Result<Vec<Finding>, ScanError> {
        self.read(BuildSelection::Urls, &[Parameter::Texts(urls)]).await
    }

    /// The builds with one of these addresses, or with one of these places on another host or in another case (see
    /// [`crate::build_url::BuildUrl::place`]), or with one of these numbers in one of these projects. It takes a look at every build.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn by_address(
        &self,
        urls: Vec<String>,
        places: Vec<String>,
        numbers: Vec<i64>,
        projects: Vec<String>,
    ) -> Result<Vec<Finding>, ScanError> {
        let named = [Parameter::Integers(numbers), Parameter::Texts(projects)];
        let parameters: Vec<Parameter> =
            [Parameter::Texts(urls), Parameter::Texts(places)].into_iter().chain(named).collect();
        self.read(BuildSelection::Addresses, &parameters).await
    }

    /// The builds with these keys. `None` where keys of such a type cannot be handed back to the server.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn by_key(&self, keys: Vec<String>) -> Result<Option<Vec<Finding>>, ScanError> {
        if !self.fit.relations(self.plan, BuildSelection::Keys).reads_by_key() {
            return Ok(None);
        }
        self.read(BuildSelection::Keys, &[Parameter::Texts(keys)]).await.map(Some)
    }

    async fn read(&self, scope: BuildSelection, parameters: &[Parameter]) -> Result<Vec<Finding>, ScanError> {
        let statement = self.fit.relations(self.plan, scope).builds(&self.everywhere());
        let read = async {
            if self.fit.looks_up_by_index() {
                self.snapshot.set_by_index(true).await?;
            }
            let mut rows = self.snapshot.rows("reading the chosen builds", &statement, parameters).await?;
            let signs = if self.fit.lacks_signs() { Signs::Unread } else { Signs::InRow };
            let mut found = Vec::new();
            while let Some(row) = rows.next().await? {
                found.push(finding(self.plan, self.fit, self.premise, &row, signs)?);
            }
            Ok(found)
        };
        // A page that cannot be read must not end the snapshot: others of these builds may be read without it.
        attempt(self.snapshot, read).await?
    }

    /// All rules that can be run, each looking at all that is in scope.
    fn everywhere(&self) -> Vec<Part<'_>> {
        let rules = self.plan.rules.iter().enumerate().filter(|(_, rule)| self.fit.unread().keeps(rule).is_none());
        rules.map(|(rank, rule)| Part::everywhere(rule, rank)).collect()
    }
}

/// How many builds a project has.
pub(super) struct InProject {
    /// Its name; `None` stands for builds without one.
    pub(super) project: Option<String>,
    pub(super) builds: u64,
    /// How many of them were queued, started or stopped by T; `None` without T, or where none of them has a time.
    pub(super) asked_for: Option<u64>,
}

/// How many builds each project has.
pub(super) async fn builds_by_project(
    relations: &Relations<'_>,
    snapshot: &Snapshot<'_>,
) -> Result<Vec<InProject>, ScanError> {
    let statement = relations.scope();
    let mut rows = snapshot.rows("counting builds", &statement, &[]).await?;
    let mut projects = Vec::new();
    while let Some(row) = rows.next().await? {
        projects.push(InProject {
            project: row.text("project")?,
            builds: row.integer("builds")?.unwrap_or_default().unsigned_abs(),
            asked_for: row.integer("asked_for")?.map(i64::unsigned_abs),
        });
    }
    Ok(projects)
}
