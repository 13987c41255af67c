//! Runs the rules over a snapshot and streams what they find.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use crate::database::{DatabaseIdentity, Parameter, Row, Rows, Snapshot};
use crate::finding::Finding;
use crate::premise::{Premise, TIMES_CONTRADICTED};
use crate::project_glob::ProjectGlobs;
use crate::text::{counted, shorten};

use super::ScanError;
use super::census::Given;
use super::compose::{self, Part, Relations};
use super::fit::Fit;
use super::found::finding;
use super::header::LIFECYCLES;
use super::lookup::{InProject, builds_by_project};
use super::plan::{NotChecked, ScanPlan};
use super::relation::Relation;
use super::rule::{Need, Rule, Sieve};
use super::sieve::{Look, Sieved, Suspects};

/// The rule that looks at where output ends.
const OUTPUT_TRUNCATED: &str = "output-truncated";

/// How much of a project's name a remark shows, in characters.
const PROJECT: usize = 120;

/// What a scan is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The server looks at profile and rules.
    Checking,
    /// All builds are held against T and R.
    Premise,
    /// Builds are counted.
    Builds,
    /// The steps of so many builds are counted.
    Steps(u64),
    /// The output of so many steps is added up.
    Output(u64),
    /// So many builds are looked at one by one.
    Suspects(u64),
    /// The rules are run and the findings are read.
    Findings,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checking => f.write_str("checking the profile and the rules"),
            Self::Premise => f.write_str("holding all builds against the two times"),
            Self::Builds => f.write_str("counting builds"),
            Self::Steps(builds) => write!(f, "counting the steps of {}", counted(*builds, "build")),
            Self::Output(steps) => write!(f, "adding up the output of {}", counted(*steps, "step")),
            Self::Suspects(builds) => write!(f, "looking closer at {}", counted(*builds, "build")),
            Self::Findings => f.write_str("reading what was found"),
        }
    }
}

/// How much a scan looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Builds by project, those in scope only. A build without a project stands under the empty name.
    pub projects: BTreeMap<String, u64>,
    /// Steps of these builds; `None` where the profile has no steps.
    pub steps: Option<u64>,
    /// How many of these builds had been asked for by T; `None` where T is not given, or no build tells a time.
    pub asked_for: Option<u64>,
}

impl Scope {
    /// All builds in scope.
    pub fn builds(&self) -> u64 {
        self.projects.values().sum()
    }
}

/// A time in which nothing was written to the database: a backup was most likely taken when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// The last sign of life before it.
    pub last_write: Timestamp,
    /// The first one after it; `None` if it lasts until now.
    pub next_write: Option<Timestamp>,
    /// How many builds had started by then and not stopped.
    pub running: u64,
    /// What the database server's own record says to it.
    pub recovery: Recovery,
}

/// What the server's own record of its last crash recovery says to a quiet time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// There is none, or none that can be used.
    NotOnRecord,
    /// It recovered in the quiet time, as after a restore.
    Within(Timestamp),
    /// It recovered at another time, with builds on both sides of it: the restore was then, or there was another crash.
    Elsewhere(Timestamp),
}

/// A scan over one snapshot. Everything in it has been checked, counted and added up; the findings are yet to be read.
pub struct Scan<'a> {
    pub(super) plan: &'a ScanPlan,
    pub(super) snapshot: &'a Snapshot<'a>,
    pub(super) fit: Fit,
    premise: Premise,
    remarks: Vec<String>,
    scope: Scope,
    rules: Vec<(usize, &'a Rule)>,
    not_checked: Vec<NotChecked>,
    projects: Option<Vec<String>>,
    sieved: Sieved,
}

impl<'a> Scan<'a> {
    /// Has the server check profile and rules, counts what is in scope, and finds out where the rules have to look.
    /// `watch` is told of each phase as it begins.
    ///
    /// # Errors
    /// A profile or rule that does not fit the database; a lost connection.
    pub async fn begin(
        plan: &'a ScanPlan,
        snapshot: &'a Snapshot<'a>,
        chosen: &ProjectGlobs,
        watch: &dyn Fn(Phase),
    ) -> Result<Self, ScanError> {
        watch(Phase::Checking);
        let fit = Fit::check(plan, snapshot).await?;
        watch(Phase::Premise);
        let premise = Premise::establish(plan, &fit, snapshot).await?;
        let mut scan = Self {
            plan,
            snapshot,
            fit,
            premise,
            remarks: Vec::new(),
            scope: Scope::default(),
            rules: plan.rules.iter().enumerate().collect(),
            not_checked: plan.left_out.clone(),
            projects: None,
            sieved: Sieved::default(),
        };
        if let Some(why) = scan.premise.why_not_checked() {
            scan.leave_out(TIMES_CONTRADICTED.to_owned(), why);
        }
        watch(Phase::Builds);
        scan.count_builds(chosen).await?;
        scan.look_at_names().await?;
        scan.look_at_states().await?;
        watch(Phase::Steps(scan.scope.builds()));
        scan.count_steps().await?;
        scan.add_up(watch).await?;
        watch(Phase::Findings);
        Ok(scan)
    }

    /// How much is looked at.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// What the scan goes by: T, R, and what all builds say to them.
    pub fn premise(&self) -> &Premise {
        &self.premise
    }

    /// What was noticed and is no finding, a sentence each.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Which database is looked at.
    pub fn identity(&self) -> &DatabaseIdentity {
        self.snapshot.identity()
    }

    /// What is not looked at, and why.
    pub fn not_checked(&self) -> &[NotChecked] {
        &self.not_checked
    }

    /// What a header of the profile makes needless, and why.
    pub fn not_needed(&self) -> &[NotChecked] {
        self.plan.not_needed()
    }

    /// The names of the rules that are run.
    pub fn rule_names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|(_, rule)| rule.name.as_str())
    }

    /// The relations, and why nothing looks at one where nothing does.
    pub fn relations_read(&self) -> impl Iterator<Item = (Relation, Option<String>)> {
        Relation::ALL.into_iter().map(|relation| {
            let offered = self.plan.profile.offers(relation);
            let read = relation == Relation::Build || self.rules.iter().any(|(_, rule)| rule.reads(relation));
            let why_not = match (offered, read) {
                (true, true) => None,
                (true, false) => Some("no rule that was run reads it".to_owned()),
                (false, _) => Some(format!("profile {} has no relation {relation}", self.plan.profile.name)),
            };
            (relation, why_not)
        })
    }

    /// Starts to read the findings, sorted by project and number.
    ///
    /// # Errors
    /// What the server complains about before the first row.
    pub async fn findings(&self) -> Result<Findings<'_>, ScanError> {
        self.findings_and(Vec::new()).await
    }

    /// The same, with builds that were found by other means, each under its own reason.
    ///
    /// # Errors
    /// What the server complains about before the first row.
    pub async fn findings_and(&self, given: Vec<Given>) -> Result<Findings<'_>, ScanError> {
        let (scope, mut parameters) = self.scope_parameters();
        let suspects = parameters.len() + 1;
        let told = self.rules.iter().filter_map(|(rank, rule)| self.part(*rank, rule, suspects));
        let mut parts: Vec<Part<'_>> = told.collect();
        if parts.is_empty() && given.is_empty() {
            return Ok(Findings { plan: self.plan, fit: &self.fit, premise: &self.premise, rows: None });
        }
        if !self.sieved.names_differ && !parts.iter().any(|part| part.rule.finds_duplicates()) {
            let (rank, rule) = (self.plan.rules.len(), &self.plan.duplicates);
            parts.push(Part { rule, rank, suspects: None, told: false });
        }
        if parts.iter().any(|part| part.suspects.is_some())
            && let Suspects::Only(keys) = &self.sieved.suspects
        {
            parameters.push(Parameter::Texts(keys.clone()));
        }
        if !given.is_empty() {
            // The statement that counts every build is compiled, and no other that comes after it is the better for it.
            self.snapshot.compiles(false).await?;
        }
        let as_rules: Vec<Rule> = given.into_iter().map(|given| given.into_rule(&mut parameters)).collect();
        for (place, rule) in as_rules.iter().enumerate() {
            // After the rules, and after that for duplicates.
            parts.push(Part { rule, rank: self.plan.rules.len() + 1 + place, suspects: None, told: true });
        }
        let statement = self.relations(scope).findings(&parts);
        let rows = self.snapshot.rows("scanning for abnormal builds", &statement, &parameters).await?;
        Ok(Findings { plan: self.plan, fit: &self.fit, premise: &self.premise, rows: Some(rows) })
    }

    /// What the database itself suggests as the time of the backup: nothing where it tells no time.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn suggestions(&self) -> Result<Vec<Quiet>, ScanError> {
        let (scope, parameters) = self.scope_parameters();
        let statement = self.relations(scope).suggestion();
        let mut rows = self.snapshot.rows("looking for a quiet time", &statement, &parameters).await?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().await? {
            let Some(last_write) = row.time(0)? else { continue };
            let running = row.integer(2)?.unwrap_or_default().unsigned_abs();
            found.push(Quiet { last_write, next_write: row.time(1)?, running, recovery: Recovery::NotOnRecord });
        }
        drop(rows);
        let recovered = Premise::recovery(self.plan, &self.fit, self.snapshot).await?;
        for quiet in &mut found {
            quiet.recovery = match recovered {
                Some((at, _)) if at > quiet.last_write && quiet.next_write.is_none_or(|next| at <= next) => {
                    Recovery::Within(at)
                }
                Some((at, true)) => Recovery::Elsewhere(at),
                _ => Recovery::NotOnRecord,
            };
        }
        Ok(found)
    }

    /// A rule as it is run; `None` if it has nowhere to look.
    fn part(&self, rank: usize, rule: &'a Rule, suspects: usize) -> Option<Part<'a>> {
        match self.sieved.look(rule) {
            Look::Nowhere => None,
            Look::Suspects => Some(Part { rule, rank, suspects: Some(suspects), told: true }),
            Look::Everywhere => Some(Part { rule, rank, suspects: None, told: true }),
        }
    }

    fn relations(&self, scope: compose::Scope) -> Relations<'_> {
        self.fit.relations(self.plan, scope)
    }

    async fn count_builds(&mut self, chosen: &ProjectGlobs) -> Result<(), ScanError> {
        let mut every = Vec::new();
        for InProject { project, builds, asked_for } in
            builds_by_project(&self.relations(compose::Scope::All), self.snapshot).await?
        {
            if chosen.matches(project.as_deref()) {
                self.scope.projects.insert(project.clone().unwrap_or_default(), builds);
                if let Some(asked_for) = asked_for {
                    *self.scope.asked_for.get_or_insert_default() += asked_for;
                }
            } else if project.is_none() {
                let what = format!("{} without a project", counted(builds, "build"));
                self.leave_out(what, "left out by --project");
            }
            every.extend(project);
        }
        for glob in chosen.unmatched(&every) {
            self.leave_out(format!("--project {glob}"), "no project has such a name");
        }
        if !chosen.is_everything() {
            self.projects = Some(self.scope.projects.keys().cloned().collect());
            let why = "left out by --project: what belongs to no build is in no project";
            self.leave_out_rules(|rule| rule.sieve == Some(Sieve::Parents), why);
        }
        Ok(())
    }

    /// Looks at numbers and addresses.
    async fn look_at_names(&mut self) -> Result<(), ScanError> {
        let Some(row) = self.one_row("looking at names", |relations| relations.names()).await? else { return Ok(()) };
        let count = |column: usize| Ok::<u64, ScanError>(row.integer(column)?.unwrap_or_default().unsigned_abs());
        let (builds, names, addresses) = (count(0)?, count(1)?, count(3)?);
        let without_key = count(6)?;
        if without_key > 0 {
            let profile = self.plan.profile.name.clone();
            let fault = format!("gives {} without a build_key", counted(without_key, "build"));
            return Err(ScanError::Keys { profile, fault });
        }
        let all_differ = names == count(2)? && addresses == count(4)?;
        // A build in scope may share its address with one that is not.
        self.sieved.names_differ = self.projects.is_none() && all_differ;
        if !all_differ || names < builds {
            self.look_at_keys().await?;
        }
        if builds > 0 && names == 0 && addresses == 0 {
            self.leave_out_rules(|rule| rule.sieve == Some(Sieve::Names), "no build has a number or an address");
        }
        if builds > 0 && count(5)? == 0 {
            let waits = |rule: &Rule| rule.needs.contains(&Need::QueueElsewhere);
            self.leave_out_rules(waits, "no queueing is on record");
        }
        Ok(())
    }

    /// Looks at builds that tell too little, at times that are none, and at clocks.
    async fn look_at_states(&mut self) -> Result<(), ScanError> {
        let Some(row) = self.one_row("looking at states", |relations| relations.states()).await? else { return Ok(()) };
        let count = |column: usize| Ok::<u64, ScanError>(row.integer(column)?.unwrap_or_default().unsigned_abs());
        let [other_lifecycles, without_time, off_record] = [count(0)?, count(1)?, count(2)?];
        if other_lifecycles > 0 {
            let why = "their lifecycle is none of queued, held, not_run, not_running, running and finished";
            self.leave_out(counted(other_lifecycles, "build"), why);
        }
        if without_time > 0 {
            let what = counted(without_time, "waiting or running build");
            self.leave_out(what, "neither a start nor a queueing is on record");
        }
        let over_without_time = count(9)?;
        if over_without_time > 0 {
            // Such a build may be one that the backup cut and that some housekeeping closed.
            self.leave_out(counted(over_without_time, "finished build"), "no time of it is on record");
        }
        for (place, lifecycle) in LIFECYCLES.into_iter().enumerate() {
            let found = count(10 + place)?;
            let yields = self.plan.profile.yields.as_ref();
            if found > 0 && yields.is_some_and(|yields| !yields.iter().any(|word| word == lifecycle)) {
                let profile = &self.plan.profile.name;
                let why = format!("profile {profile} gives it, and says that it never does (-- yields:)");
                self.leave_out(format!("{} of lifecycle {lifecycle}", counted(found, "build")), &why);
            }
        }
        self.remark_off_record(off_record, "build");
        let project = [row.text(5)?, row.text(6)?];
        let (starts, stops) = ((count(3)?, count(4)?), (count(7)?, count(8)?));
        self.remark_on_clocks(starts, ("started", "was queued", "were queued"), &project);
        self.remark_on_clocks(stops, ("stopped", "started", "started"), &[None, None]);
        Ok(())
    }

    fn remark_off_record(&mut self, rows: u64, of: &str) {
        if rows > 0 {
            let rows = counted(rows, of);
            self.remarks.push(format!(
                "{rows} with a time that is not on record: it lies before the year 2000, or later than now, and counts as none"
            ));
        }
    }

    /// Less than what impossible-times finds: the clocks of two machines.
    fn remark_on_clocks(
        &mut self,
        (builds, seconds): (u64, u64),
        (what, before_it, before_they): (&str, &str, &str),
        [first, last]: &[Option<String>; 2],
    ) {
        if builds > 0 {
            let of =
                first.as_ref().filter(|_| first == last).map(|project| format!(" of {}", shorten(project, PROJECT)));
            let (number, of) = (counted(builds, "build"), of.unwrap_or_default());
            let when = match builds {
                1 => format!("{seconds} s before it {before_it}"),
                _ => format!("up to {seconds} s before they {before_they}"),
            };
            self.remarks.push(format!("{number}{of} {what} {when}: is a clock wrong?"));
        }
    }

    /// Looks whether each build is there once.
    async fn look_at_keys(&self) -> Result<(), ScanError> {
        let Some(row) = self.one_row("looking at keys", |relations| relations.keys()).await? else { return Ok(()) };
        let (builds, keys) = (row.integer(0)?.unwrap_or_default(), row.integer(1)?.unwrap_or_default());
        if keys < builds {
            let doubled = (builds - keys).unsigned_abs();
            let profile = self.plan.profile.name.clone();
            return Err(ScanError::Keys { profile, fault: format!("gives {doubled} build keys more than once") });
        }
        Ok(())
    }

    async fn count_steps(&mut self) -> Result<(), ScanError> {
        if !self.plan.profile.offers(Relation::Step) {
            return Ok(());
        }
        let Some(row) = self.one_row("counting steps", |relations| relations.coverage()).await? else { return Ok(()) };
        let (every, steps) = (row.integer(0)?, row.integer(1)?);
        self.scope.steps = steps.map(i64::unsigned_abs);
        self.sieved.steps_have_builds = every == steps;
        self.remark_off_record(row.integer(3)?.unwrap_or_default().unsigned_abs(), "step");
        let without_end = row.integer(2)?.unwrap_or_default();
        if without_end > 0 && self.rule_names().any(|rule| rule == OUTPUT_TRUNCATED) {
            let what = format!("where output ends, in {without_end} of the steps");
            self.leave_out(what, "neither its size nor its end is on record");
        }
        Ok(())
    }

    /// Finds the suspects, if a rule is to be run that looks only at them.
    async fn add_up(&mut self, watch: &dyn Fn(Phase)) -> Result<(), ScanError> {
        let helps = |rule: &Rule| match rule.sieve {
            Some(Sieve::Whole) => true,
            // Orphaned steps are counted already, and with them output may be orphaned unseen.
            Some(Sieve::Parents) => rule.reads(Relation::Chunk) && self.sieved.steps_have_builds,
            Some(Sieve::Names) | None => false,
        };
        if self.scope.builds() == 0 || !self.rules.iter().any(|(_, rule)| helps(rule)) {
            return Ok(());
        }
        watch(Phase::Output(self.scope.steps.unwrap_or_default()));
        let (scope, parameters) = self.scope_parameters();
        let relations = self.fit.relations(self.plan, scope);
        let closer = |builds| watch(Phase::Suspects(builds));
        self.sieved.add_up(self.snapshot, &relations, &parameters, self.scope.builds(), closer).await
    }

    async fn one_row(
        &self,
        what: &'static str,
        statement: impl Fn(&Relations<'_>) -> String,
    ) -> Result<Option<Row>, ScanError> {
        let (scope, parameters) = self.scope_parameters();
        let statement = statement(&self.relations(scope));
        let mut rows = self.snapshot.rows(what, &statement, &parameters).await?;
        Ok(rows.next().await?)
    }

    fn leave_out_rules(&mut self, which: impl Fn(&Rule) -> bool, why: &str) {
        let (left_out, rules): (Vec<_>, Vec<_>) = self.rules.iter().copied().partition(|(_, rule)| which(rule));
        self.rules = rules;
        for (_, rule) in left_out {
            self.leave_out(rule.name.clone(), why);
        }
    }

    fn leave_out(&mut self, what: String, why: &str) {
        self.not_checked.push(NotChecked { what, why: why.to_owned() });
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
    fit: &'a Fit,
    premise: &'a Premise,
    /// `None` where no rule had anywhere to look.
    rows: Option<Rows<'a>>,
}

impl Findings<'_> {
    /// The next finding, or `None` after the last.
    ///
    /// # Errors
    /// What the server complains about; a value that cannot be read.
    pub async fn next(&mut self) -> Result<Option<Finding>, ScanError> {
        let Some(rows) = &mut self.rows else { return Ok(None) };
        let row = rows.next().await?;
        row.map(|row| finding(self.plan, self.fit, self.premise, &row)).transpose()
    }
}
