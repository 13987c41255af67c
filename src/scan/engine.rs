//! Runs the rules over a snapshot and streams what they find.

use std::collections::BTreeMap;

use crate::build_url::BuildUrl;
use crate::database::{Parameter, Row, Rows, Snapshot};
use crate::finding::Finding;
use crate::project_glob::ProjectGlobs;
use crate::text::{counted, escape_controls};
use crate::timing::{BuildTimes, RestoreTimes, Timing};

use super::compose::{self, Relations};
use super::fingerprint::fingerprint;
use super::profile::Profile;
use super::relation::Relation;
use super::rule::{Need, Rule};
use super::{ScanError, check};

/// The rule that looks at where output ends.
const OUTPUT_TRUNCATED: &str = "output-truncated";

/// What to look for and how.
pub struct ScanPlan {
    profile: Profile,
    rules: Vec<Rule>,
    all_rule_names: Vec<String>,
    left_out: Vec<NotChecked>,
    times: RestoreTimes,
    base_url: Option<String>,
}

/// Something that a scan did not look at. It must never pass for clean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotChecked {
    /// A rule or a relation.
    pub what: String,
    /// Why not.
    pub why: String,
}

impl ScanPlan {
    /// Chooses the rules that can be run: all, or those named.
    ///
    /// # Errors
    /// A named rule that there is not.
    pub fn new(
        profile: Profile,
        all_rules: Vec<Rule>,
        named: &[String],
        times: RestoreTimes,
        base_url: Option<String>,
    ) -> Result<Self, ScanError> {
        if let Some(name) = named.iter().find(|name| !all_rules.iter().any(|rule| rule.name == **name)) {
            let known: Vec<&str> = all_rules.iter().map(|rule| rule.name.as_str()).collect();
            return Err(ScanError::UnknownRule { name: name.clone(), known: known.join(", ") });
        }
        let all_rule_names = all_rules.iter().map(|rule| rule.name.clone()).collect();
        let mut plan = Self { profile, rules: Vec::new(), all_rule_names, left_out: Vec::new(), times, base_url };
        for rule in all_rules {
            let why_not = if named.is_empty() || named.contains(&rule.name) {
                rule.needs.iter().find_map(|need| plan.lacks(*need))
            } else {
                Some("left out by --rule".to_owned())
            };
            match why_not {
                None => plan.rules.push(rule),
                Some(why) => plan.left_out.push(NotChecked { what: rule.name, why }),
            }
        }
        Ok(plan)
    }

    /// The names of the rules that will be run.
    pub fn rule_names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.name.as_str())
    }

    /// The names of all rules that there are, those that are left out too.
    pub fn all_rule_names(&self) -> &[String] {
        &self.all_rule_names
    }

    /// T, R and the maximum run time.
    pub fn times(&self) -> &RestoreTimes {
        &self.times
    }

    /// What a [`Snapshot`] for this plan has to be told.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
        vec![
            ("backup_time", time(self.times.backup)),
            ("restored_at", time(self.times.restored.or(self.times.backup))),
            ("max_run_time", format!("{} seconds", self.times.max_run_time.as_secs())),
            ("base_url", self.base_url.clone().unwrap_or_default()),
            ("unit", self.profile.unit.clone()),
        ]
    }

    fn lacks(&self, need: Need) -> Option<String> {
        match need {
            Need::Relation(relation) if !self.profile.offers(relation) => {
                Some(format!("profile {} has no relation {relation}", self.profile.name))
            }
            Need::BackupTime if self.times.backup.is_none() => Some("it needs --backup-time".to_owned()),
            Need::Relation(_) | Need::BackupTime => None,
        }
    }

    fn relations(&self, scope: compose::Scope) -> Relations<'_> {
        Relations { profile: &self.profile, scope }
    }

    fn rules(&self) -> Vec<&Rule> {
        self.rules.iter().collect()
    }
}

/// How much a scan looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Builds by project, those in scope only. A build without a project stands under the empty name.
    pub projects: BTreeMap<String, u64>,
    /// Steps of these builds; `None` where the profile has no steps.
    pub steps: Option<u64>,
}

impl Scope {
    /// All builds in scope.
    pub fn builds(&self) -> u64 {
        self.projects.values().sum()
    }
}

/// A scan over one snapshot. Everything in it has been checked and counted; the findings are yet to be read.
pub struct Scan<'a> {
    plan: &'a ScanPlan,
    snapshot: &'a Snapshot<'a>,
    scope: Scope,
    not_checked: Vec<NotChecked>,
    projects: Option<Vec<String>>,
}

impl<'a> Scan<'a> {
    /// Has the server check profile and rules, and counts what is in scope.
    ///
    /// # Errors
    /// A profile or rule that does not fit the database; a lost connection.
    pub async fn begin(
        plan: &'a ScanPlan,
        snapshot: &'a Snapshot<'a>,
        chosen: &ProjectGlobs,
    ) -> Result<Self, ScanError> {
        check_plan(plan, snapshot).await?;
        let mut scan =
            Self { plan, snapshot, scope: Scope::default(), not_checked: plan.left_out.clone(), projects: None };
        scan.count_builds(chosen).await?;
        scan.count_steps().await?;
        Ok(scan)
    }

    /// How much is looked at.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// What is not looked at, and why.
    pub fn not_checked(&self) -> &[NotChecked] {
        &self.not_checked
    }

    /// Starts to read the findings, sorted by project and number.
    ///
    /// # Errors
    /// What the server complains about before the first row.
    pub async fn findings(&self) -> Result<Findings<'_>, ScanError> {
        let (scope, parameters) = self.scope_parameters();
        let statement = self.plan.relations(scope).findings(&self.plan.rules());
        let rows = self.snapshot.rows("scanning for abnormal builds", &statement, &parameters).await?;
        Ok(Findings { plan: self.plan, rows })
    }

    async fn count_builds(&mut self, chosen: &ProjectGlobs) -> Result<(), ScanError> {
        let mut every = Vec::new();
        for (project, builds) in builds_by_project(self.plan, self.snapshot).await? {
            if chosen.matches(project.as_deref()) {
                self.scope.projects.insert(project.clone().unwrap_or_default(), builds);
            } else if project.is_none() {
                let what = format!("{} without a project", counted(builds, "build"));
                self.not_checked.push(NotChecked { what, why: "left out by --project".to_owned() });
            }
            every.extend(project);
        }
        for glob in chosen.unmatched(&every) {
            let why = "no project has such a name".to_owned();
            self.not_checked.push(NotChecked { what: format!("--project {glob}"), why });
        }
        if !chosen.is_everything() {
            self.projects = Some(self.scope.projects.keys().cloned().collect());
        }
        Ok(())
    }

    async fn count_steps(&mut self) -> Result<(), ScanError> {
        if !self.plan.profile.offers(Relation::Step) {
            return Ok(());
        }
        let ends_are_looked_at = self.plan.rule_names().any(|rule| rule == OUTPUT_TRUNCATED);
        let (scope, parameters) = self.scope_parameters();
        let statement = self.plan.relations(scope).coverage();
        let mut rows = self.snapshot.rows("counting steps", &statement, &parameters).await?;
        if let Some(row) = rows.next().await? {
            self.scope.steps = row.integer(0)?.map(i64::unsigned_abs);
            let without_end = row.integer(1)?.unwrap_or_default();
            if without_end > 0 && ends_are_looked_at {
                let what = format!("where output ends, in {without_end} of the steps");
                let why = "neither its size nor its end is on record".to_owned();
                self.not_checked.push(NotChecked { what, why });
            }
        }
        Ok(())
    }

    fn scope_parameters(&self) -> (compose::Scope, Vec<Parameter>) {
        match &self.projects {
            None => (compose::Scope::All, Vec::new()),
            Some(projects) => (compose::Scope::Projects, vec![Parameter::Texts(projects.clone())]),
        }
    }
}

/// What a scan found, read from the database row by row.
pub struct Findings<'a> {
    plan: &'a ScanPlan,
    rows: Rows<'a>,
}

impl Findings<'_> {
    /// The next finding, or `None` after the last.
    ///
    /// # Errors
    /// What the server complains about; a value that cannot be read.
    pub async fn next(&mut self) -> Result<Option<Finding>, ScanError> {
        let row = self.rows.next().await?;
        row.map(|row| finding(self.plan, &row)).transpose()
    }
}

/// Reads single builds again, sound or not.
pub struct Lookup<'a> {
    plan: &'a ScanPlan,
    snapshot: &'a Snapshot<'a>,
}

impl<'a> Lookup<'a> {
    /// Reads through a snapshot that was taken for it: what was there a moment ago proves nothing.
    pub fn new(plan: &'a ScanPlan, snapshot: &'a Snapshot<'a>) -> Self {
        Self { plan, snapshot }
    }

    /// Has the server check profile and rules, once before the first look, and names the projects that there are.
    ///
    /// # Errors
    /// A profile or rule that does not fit the database; a lost connection.
    pub async fn projects(&self) -> Result<Vec<String>, ScanError> {
        check_plan(self.plan, self.snapshot).await?;
        let projects = builds_by_project(self.plan, self.snapshot).await?;
        Ok(projects.into_iter().map(|(project, _)| project.unwrap_or_default()).collect())
    }

    /// The builds that some addresses may mean, each with the rules that fire on it now: those with one of the addresses,
    /// or with one of the projects (in lower case), and with one of the numbers. Some of them nobody asked for.
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
        self.read(compose::Scope::Names, &parameters).await
    }

    /// The builds with one of these addresses, even if their numbers are not those in the addresses. It may take a look at
    /// every build.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn by_url_alone(&self, urls: Vec<String>) -> Result<Vec<Finding>, ScanError> {
        self.read(compose::Scope::UrlsAlone, &[Parameter::Texts(urls)]).await
    }

    async fn read(&self, scope: compose::Scope, parameters: &[Parameter]) -> Result<Vec<Finding>, ScanError> {
        let statement = self.plan.relations(scope).builds(&self.plan.rules());
        let mut rows = self.snapshot.rows("reading the chosen builds", &statement, parameters).await?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().await? {
            found.push(finding(self.plan, &row)?);
        }
        Ok(found)
    }
}

/// How many builds each project has; `None` stands for those without one.
async fn builds_by_project(plan: &ScanPlan, snapshot: &Snapshot<'_>) -> Result<Vec<(Option<String>, u64)>, ScanError> {
    let statement = plan.relations(compose::Scope::All).scope();
    let mut rows = snapshot.rows("counting builds", &statement, &[]).await?;
    let mut projects = Vec::new();
    while let Some(row) = rows.next().await? {
        projects.push((row.text(0)?, row.integer(1)?.unwrap_or_default().unsigned_abs()));
    }
    Ok(projects)
}

async fn check_plan(plan: &ScanPlan, snapshot: &Snapshot<'_>) -> Result<(), ScanError> {
    check::profile(snapshot, &plan.profile).await?;
    check::rules(snapshot, &plan.profile, &plan.rules()).await
}

/// Reads a row of sql/engine/report.sql.
fn finding(plan: &ScanPlan, row: &Row) -> Result<Finding, ScanError> {
    let steps_known = plan.profile.offers(Relation::Step);
    let output_known = plan.profile.offers(Relation::Chunk);
    let times = BuildTimes {
        queued: row.time(5)?,
        started: row.time(6)?,
        stopped: row.time(7)?,
        last_seen_by_backup: row.time(9)?,
        last_step_started: row.time(17)?,
    };
    let timing = Timing::of(&times, &plan.times);
    let mut found = Finding {
        build_url: row.text(0)?,
        project: row.text(1)?,
        build_num: row.integer(2)?,
        lifecycle: row.text(3)?,
        status: row.text(4)?,
        queued_at: times.queued,
        started_at: times.started,
        stopped_at: times.stopped,
        last_activity_at: row.time(8)?,
        timing,
        reasons: row.texts(10)?,
        evidence: escape_controls(&row.text(11)?.unwrap_or_default()),
        steps: row.integer(12)?.filter(|_| steps_known),
        steps_unfinished: row.integer(13)?.filter(|_| steps_known),
        output_expected: row.integer(14)?,
        output_stored: row.integer(15)?.filter(|_| output_known),
        deletable: false,
        fingerprint: String::new(),
    };
    let address = found.build_url.as_deref().and_then(|url| BuildUrl::parse(url).ok());
    found.deletable = timing.is_deletable() && address.is_some_and(|url| found.is_at(&url));
    found.fingerprint = fingerprint(&row.text(16)?.unwrap_or_default(), &found);
    Ok(found)
}
