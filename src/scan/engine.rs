//! Runs the rules over a snapshot and streams what they find.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::collation::{COLLATION_VERSION, Collations};
use crate::collection::Collection;
use crate::database::{DatabaseIdentity, Parameter, Row, Snapshot};
use crate::finding::Finding;
use crate::not_checked::{Builds, NotChecked, Unchecked};
use crate::premise::{Premise, TIMES_CONTRADICTED};
use crate::project_glob::ProjectGlobs;
use crate::server_moment::ServerMoment;
use crate::table::Table;
use crate::text::bytes::has_bytes;

use super::attempt::attempt;
use super::census::{Census, Clock, StillPresent};
use super::compose::{self, Relations};
use super::error::ScanError;
use super::fit::Fit;
use super::held::Held;
use super::lookup::{InProject, builds_by_project};
use super::phase::Phase;
use super::plan::{OutputRead, ScanPlan};
use super::prefilter::SearchSpace;
use super::relation::Relation;
use super::report_row;
use super::rule::{Finds, Prefilter, Rule};
use super::tables::Role;

/// How much a scan looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeCounts {
    /// Builds by project, those in scope only. A build without a project stands under the empty name.
    pub projects: BTreeMap<String, u64>,
    /// Steps of these builds; `None` where the profile has no steps.
    pub steps: Option<u64>,
    /// How many of these builds were queued, started or stopped by T; `None` without T, or where no build has a time.
    pub asked_for: Option<u64>,
}

impl ScopeCounts {
    /// All builds in scope.
    pub fn builds(&self) -> u64 {
        self.projects.values().sum()
    }
}

/// A scan over one snapshot: all is checked, counted and added up, and the findings can be read.
pub struct Scan<'a> {
    pub(super) plan: &'a ScanPlan,
    pub(super) snapshot: &'a Snapshot<'a>,
    pub(super) fit: Fit,
    pub(super) premise: Premise,
    pub(super) remarks: Vec<String>,
    pub(super) scope: ScopeCounts,
    pub(super) rules: Vec<(usize, &'a Rule)>,
    pub(super) not_checked: Vec<NotChecked>,
    /// The names of the rules that see no steps and no output, since they could not be run otherwise.
    pub(super) without_signs: Vec<String>,
    pub(super) projects: Option<Vec<String>>,
    pub(super) search_space: SearchSpace,
    /// What came of the comparison with object storage, until the findings are asked for.
    pub(super) held: Option<Held>,
    /// The first of the parameters that hold it then.
    pub(super) held_at: Option<usize>,
}

impl<'a> Scan<'a> {
    /// Has the server check profile and rules, counts what is in scope, and finds out where the rules have to look.
    /// Calls `watch` at the beginning of each phase.
    ///
    /// A relation that cannot be read as a whole stands empty in all of it, and the rules that need it are left out.
    ///
    /// # Errors
    /// A profile or rule that does not fit the database; builds that cannot be read; a lost connection.
    pub async fn begin(
        plan: &'a ScanPlan,
        snapshot: &'a Snapshot<'a>,
        chosen: &ProjectGlobs,
        watch: &dyn Fn(Phase),
    ) -> Result<Self, ScanError> {
        watch(Phase::Checking);
        let mut fit = Fit::check(plan, snapshot).await?;
        loop {
            match attempt(snapshot, Self::count(plan, snapshot, fit.clone(), chosen, watch)).await? {
                Err(error) if error.is_about_what_is_read() => {
                    watch(Phase::Unread);
                    // Each time more is known not to be readable, or this ends.
                    fit = fit.find_unread(plan, snapshot, error).await?;
                }
                done => return done,
            }
        }
    }

    /// All of [`Self::begin`] but the checking.
    async fn count(
        plan: &'a ScanPlan,
        snapshot: &'a Snapshot<'a>,
        fit: Fit,
        chosen: &ProjectGlobs,
        watch: &dyn Fn(Phase),
    ) -> Result<Self, ScanError> {
        watch(Phase::Premise);
        let premise = Premise::establish(plan, &fit, snapshot).await?;
        let mut scan = Self {
            plan,
            snapshot,
            fit,
            premise,
            remarks: Vec::new(),
            scope: ScopeCounts::default(),
            rules: plan.rules.iter().enumerate().collect(),
            not_checked: plan.left_out.clone(),
            without_signs: Vec::new(),
            projects: None,
            search_space: SearchSpace::default(),
            held: None,
            held_at: None,
        };
        scan.leave_out_unread().await?;
        scan.not_checked.extend(scan.fit.collection().into_iter().flat_map(Collection::gaps));
        if let Some(why) = scan.premise.why_not_checked() {
            scan.leave_out(Unchecked::Check(TIMES_CONTRADICTED.to_owned()), why);
        }
        if let Some(why) = scan.fit.collations().why_not_checked().map(str::to_owned) {
            scan.leave_out(Unchecked::Check(COLLATION_VERSION.to_owned()), &why);
        }
        scan.remark_statistics().await?;
        watch(Phase::Builds);
        scan.count_builds(chosen).await?;
        scan.count_names().await?;
        scan.count_states().await?;
        watch(Phase::Steps(scan.scope.builds()));
        scan.count_steps().await?;
        scan.check_step_keys().await?;
        scan.add_up(watch).await?;
        scan.look_for_losses().await?;
        watch(Phase::Findings);
        Ok(scan)
    }

    /// How much is looked at.
    pub fn scope(&self) -> &ScopeCounts {
        &self.scope
    }

    /// T, R, and what all builds say about them.
    pub fn premise(&self) -> &Premise {
        &self.premise
    }

    /// What is worth a sentence and is no finding.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Which database is looked at, or which CI where its builds are copies.
    pub fn identity(&self) -> &DatabaseIdentity {
        self.fit.identity()
    }

    /// Whose documents are looked at; `None` where the builds are no documents.
    pub fn collection(&self) -> Option<&Collection> {
        self.fit.collection()
    }

    /// Which tables are read.
    pub fn tables(&self) -> &[Table] {
        self.fit.tables()
    }

    /// Whether text is read as the bytes that are stored, since some of it cannot be written as UTF-8.
    pub fn reads_bytes(&self) -> bool {
        self.fit.reads_bytes()
    }

    /// What the server knows of the order of text.
    pub fn collations(&self) -> &Collations {
        self.fit.collations()
    }

    /// The role that runs the statements.
    pub fn role(&self) -> &Role {
        self.fit.role()
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

    /// The rules that are run.
    pub(super) fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|(_, rule)| *rule)
    }

    /// The names of the rules that are run and find such a thing.
    pub(super) fn rules_that_find(&self, what: Finds) -> Vec<String> {
        let finds = self.rules.iter().filter(|(_, rule)| rule.finds == Some(what));
        finds.map(|(_, rule)| rule.name.clone()).collect()
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

    /// The finding for a build that does not exist.
    pub fn absent(&self, project: &str, number: Option<i64>, rule: &str, evidence: String) -> Finding {
        report_row::absent(&self.fit, project, number, rule, evidence)
    }

    /// Starts to count every build, in or out of scope, for a comparison with a manifest.
    ///
    /// # Errors
    /// What the server complains about before the first row.
    pub async fn census(&self, covered: Timestamp, backup: Timestamp) -> Result<Census<'_>, ScanError> {
        Census::take(self.plan, &self.fit, self.snapshot, covered, backup).await
    }

    /// The present of the database, and how its server hashes.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn clock(&self) -> Result<Clock, ScanError> {
        Census::clock(self.snapshot).await
    }

    /// Where the server is in its own history; `None` where that says nothing of the CI: of a standby, and of copies.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn moment(&self) -> Result<Option<ServerMoment>, ScanError> {
        match self.plan.presents_copies() || self.clock().await?.is_standby {
            true => Ok(None),
            false => Ok(Census::moment(self.snapshot).await?),
        }
    }

    /// Looks for builds by the places of their projects (from 1) and their numbers, whatever their lifecycle.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn still_present(
        &self,
        builds: (Vec<String>, Vec<i64>, Vec<i64>),
    ) -> Result<Vec<StillPresent>, ScanError> {
        self.snapshot.set_jit(false).await?;
        Census::still_present(self.plan, &self.fit, self.snapshot, builds).await
    }

    /// The relations as far as they can be read as a whole.
    pub(super) fn relations(&self, scope: compose::BuildSelection) -> Relations<'_> {
        self.fit.readable(self.plan, scope)
    }

    async fn count_builds(&mut self, chosen: &ProjectGlobs) -> Result<(), ScanError> {
        let mut every = Vec::new();
        for InProject { project, builds, asked_for } in
            builds_by_project(&self.relations(compose::BuildSelection::All), self.snapshot).await?
        {
            if chosen.matches(project.as_deref()) {
                self.scope.projects.insert(project.clone().unwrap_or_default(), builds);
                if let Some(asked_for) = asked_for {
                    *self.scope.asked_for.get_or_insert_default() += asked_for;
                }
            } else if project.is_none() {
                self.leave_out(Unchecked::Builds(builds, Builds::WithoutProject), "left out by --project");
            } else if project.as_deref().is_some_and(has_bytes) {
                let why = "left out by --project: no glob can name such a project for certain";
                self.leave_out(Unchecked::Builds(builds, Builds::OfOddProject), why);
            }
            every.extend(project);
        }
        for (glob, meant) in chosen.unmatched(&every) {
            let meant = meant.map(|meant| format!(": did you mean {meant}?")).unwrap_or_default();
            self.leave_out(Unchecked::ProjectGlob(glob.to_owned()), &format!("no project has such a name{meant}"));
        }
        if !chosen.is_everything() {
            self.projects = Some(self.scope.projects.keys().cloned().collect());
            let why = "left out by --project: what belongs to no build is in no project";
            self.leave_out_rules(|rule| rule.prefilter == Some(Prefilter::Parents), why);
            self.search_space.is_of_projects = true;
            let others = self.rules.iter().filter(|(_, rule)| rule.prefilter == Some(Prefilter::WholeWithParents));
            for rule in others.map(|(_, rule)| rule.name.clone()).collect::<Vec<_>>() {
                self.leave_out(Unchecked::RuleOfMissingBuilds(rule), why);
            }
        }
        Ok(())
    }

    /// Finds the suspects, if a rule looks only at them.
    async fn add_up(&mut self, watch: &dyn Fn(Phase)) -> Result<(), ScanError> {
        let helps = |rule: &Rule| match rule.prefilter {
            Some(Prefilter::Whole) => true,
            // Orphaned steps are counted already, and with them output may be orphaned unseen.
            Some(Prefilter::Parents | Prefilter::WholeWithParents) => {
                let has_parents = self.search_space.steps_have_builds || self.search_space.is_of_projects;
                rule.reads(Relation::Chunk) && has_parents
            }
            Some(Prefilter::Names | Prefilter::Keys) | None => false,
        };
        let unread = self.fit.unread().relations();
        let is_unread = [Relation::Step, Relation::Chunk].into_iter().any(|relation| unread.contains(relation));
        if is_unread || self.scope.builds() == 0 || !self.rules.iter().any(|(_, rule)| helps(rule)) {
            return Ok(());
        }
        watch(Phase::Output(self.scope.steps.unwrap_or_default()));
        let (scope, parameters) = self.scope_parameters();
        let relations = self.fit.relations(self.plan, scope);
        let closer = |builds| watch(Phase::Suspects(builds));
        self.search_space.from_indexes = self.plan.output_read() == OutputRead::OfBuildsAtWork;
        self.search_space.add_up(self.snapshot, &relations, &parameters, self.scope.builds(), closer).await?;
        self.remark_off_record(self.search_space.pieces_off_record, "piece");
        Ok(())
    }

    pub(super) async fn one_row(
        &self,
        what: &'static str,
        statement: impl Fn(&Relations<'_>) -> String,
    ) -> Result<Option<Row>, ScanError> {
        let (scope, parameters) = self.scope_parameters();
        let statement = statement(&self.relations(scope));
        let mut rows = self.snapshot.rows(what, &statement, &parameters).await?;
        Ok(rows.next().await?)
    }

    pub(super) fn leave_out_rules(&mut self, which: impl Fn(&Rule) -> bool, why: &str) {
        let (left_out, rules): (Vec<_>, Vec<_>) = self.rules.iter().copied().partition(|(_, rule)| which(rule));
        self.rules = rules;
        for (_, rule) in left_out {
            self.leave_out(Unchecked::Check(rule.name.clone()), why);
        }
    }

    pub(super) fn leave_out(&mut self, what: Unchecked, why: &str) {
        self.not_checked.push(NotChecked { what, why: why.to_owned() });
    }

    pub(super) fn scope_parameters(&self) -> (compose::BuildSelection, Vec<Parameter>) {
        match &self.projects {
            None => (compose::BuildSelection::All, Vec::new()),
            Some(projects) if projects.iter().any(|project| has_bytes(project)) => {
                (compose::BuildSelection::ProjectBytes, vec![Parameter::Bytes(projects.clone())])
            }
            Some(projects) => (compose::BuildSelection::Projects, vec![Parameter::Texts(projects.clone())]),
        }
    }
}
