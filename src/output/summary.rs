//! What a scan found, added up for people.

use std::collections::BTreeMap;
use std::fmt;

use crate::baseline_reason::BaselineReason;
use crate::collation::Collations;
use crate::drill::ComparisonTotals;
use crate::finding::Finding;
use crate::losses::EmptyRelation;
use crate::not_checked::NotChecked;
use crate::obstacle::gist;
use crate::premise::Contradictions;
use crate::scan::{Scan, ScopeCounts};
use crate::text::bytes::escape;
use crate::text::{Foreign, by_reason, counted};

/// The most reasons against a deletion that a summary names.
const OBSTACLES: usize = 12;
/// The most projects that a summary names.
const PROJECTS: usize = 20;

/// The numbers of one scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// What was checked.
    pub scope: ScopeCounts,
    pub not_checked: Vec<NotChecked>,
    pub not_needed: Vec<NotChecked>,
    /// The builds that contradict T and R; `None` if one of the two is not known.
    pub contradictions: Option<Contradictions>,
    /// What the server knows of the order of text.
    pub collations: Collations,
    /// The relations that came back without the rows that they should have.
    pub empty: Vec<EmptyRelation>,
    /// Abnormal builds by rule; a rule that found none has 0.
    pub by_rule: BTreeMap<String, u64>,
    pub by_project: BTreeMap<String, u64>,
    pub by_timing: BTreeMap<&'static str, u64>,
    pub abnormal: u64,
    /// Abnormal builds that may be deleted.
    pub deletable: u64,
    /// Abnormal builds by each reason against deleting them.
    pub by_obstacle: BTreeMap<Foreign, u64>,
    /// The comparison with a baseline, if there is one.
    pub compared: Option<ComparisonTotals>,
}

impl Summary {
    pub fn new(scan: &Scan<'_>) -> Self {
        Self {
            scope: scan.scope().clone(),
            not_checked: scan.not_checked().to_vec(),
            not_needed: scan.not_needed().to_vec(),
            contradictions: Some(scan.premise().contradictions).filter(|_| scan.premise().why_not_checked().is_none()),
            collations: scan.collations().clone(),
            empty: scan.premise().losses.empty.clone(),
            by_rule: scan.rule_names().map(|rule| (rule.to_owned(), 0)).collect(),
            ..Self::default()
        }
    }

    /// Adds the comparison with a baseline: what was not compared, and the totals.
    pub fn compares(&mut self, not_checked: &[NotChecked], totals: ComparisonTotals) {
        self.not_checked.extend_from_slice(not_checked);
        let reasons = BaselineReason::ALL.map(BaselineReason::as_str).into_iter();
        let looked_for = reasons.filter(|reason| !not_checked.iter().any(|left| left.is_check(reason)));
        self.by_rule.extend(looked_for.map(|reason| (reason.to_owned(), 0)));
        self.compared = Some(totals);
    }

    /// Takes the rules that found nothing in a relation without its rows for what they are: not checked.
    pub fn leave_out_blind_rules(&mut self, scan: &Scan<'_>) {
        for (rule, why) in scan.blind_rules() {
            if self.by_rule.get(rule) == Some(&0) {
                self.by_rule.remove(rule);
                self.not_checked.push(NotChecked::check(rule, why));
            }
        }
    }

    /// Takes the rules that found nothing, and could not look at all that they should have, out of the counts.
    pub fn leave_out_failed_rules(&mut self) {
        let failed = self.not_checked.iter().filter(|left| left.has_failed());
        for rule in failed.map(|left| left.what.to_string()) {
            if self.by_rule.get(&rule) == Some(&0) {
                self.by_rule.remove(&rule);
            }
        }
    }

    pub fn add(&mut self, found: &Finding) {
        self.abnormal += 1;
        self.deletable += u64::from(found.is_deletable());
        for obstacle in &found.obstacles {
            *self.by_obstacle.entry(Foreign::evidence(&gist(&obstacle.to_string()))).or_default() += 1;
        }
        *self.by_timing.entry(found.timing.as_str()).or_default() += 1;
        count(&mut self.by_project, found.project.as_deref().unwrap_or_default());
        for reason in &found.reasons {
            count(&mut self.by_rule, reason);
        }
    }

    /// Abnormal builds by project, as files show the names.
    pub fn projects_in_words(&self) -> BTreeMap<String, u64> {
        let mut named = BTreeMap::new();
        for (project, builds) in &self.by_project {
            *named.entry(escape(project).into_owned()).or_default() += builds;
        }
        named
    }

    /// What was not checked, by reason, in the order in which the reasons first came up.
    pub fn not_checked_by_reason(&self) -> Vec<(&str, Vec<String>)> {
        by_reason(self.not_checked.iter().map(|left| (left.what.to_string(), left.why.as_str())))
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => drop(counts.insert(name.to_owned(), 1)),
    }
}

impl Summary {
    /// What was found and what was looked at, in a line.
    fn headline(&self) -> String {
        let found = counted(self.abnormal, "abnormal build");
        let projects = counted(self.scope.projects.len() as u64, "project");
        let builds = counted(self.scope.builds(), "build");
        let steps = self.scope.steps.map(|steps| format!(", {}", counted(steps, "step"))).unwrap_or_default();
        format!("{found}, {} deletable; checked {projects}, {builds}{steps}", self.deletable)
    }

    /// What has to be said even to somebody who wants to hear little: the headline, and what was not checked.
    pub fn in_brief(&self) -> String {
        let not_checked = self.not_checked_by_reason();
        let not_checked = not_checked
            .into_iter()
            .map(|(why, what)| format!("\nnot checked: {}: {}", Foreign::new(&what.join(", ")), Foreign::new(why)));
        self.headline() + &not_checked.collect::<String>()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        let several =
            if self.by_rule.values().sum::<u64>() > self.abnormal { " (several may find one build)" } else { "" };
        write!(f, "\nby rule{several}:")?;
        for (rule, builds) in &self.by_rule {
            write!(f, "\n  {builds:>8}  {rule}")?;
        }
        for empty in &self.empty {
            write!(f, "\n{empty}: was this table restored?")?;
        }
        if !self.by_timing.is_empty() {
            write!(f, "\nby timing:")?;
            for (timing, builds) in &self.by_timing {
                write!(f, "\n  {builds:>8}  {timing}")?;
            }
        }
        if !self.by_obstacle.is_empty() {
            write!(f, "\nnot deletable, since:")?;
            let mut obstacles: Vec<(&Foreign, &u64)> = self.by_obstacle.iter().collect();
            obstacles.sort_by_key(|(why, builds)| (std::cmp::Reverse(**builds), *why));
            for (why, builds) in obstacles.iter().take(OBSTACLES) {
                write!(f, "\n  {builds:>8}  {}", why)?;
            }
            let more = obstacles.len().saturating_sub(OBSTACLES);
            if more > 0 {
                write!(f, "\n            and {more} more reasons, in the column note")?;
            }
        }
        if !self.by_project.is_empty() {
            write!(f, "\nby project:")?;
            let mut projects: Vec<(&String, &u64)> = self.by_project.iter().collect();
            projects.sort_by_key(|(name, builds)| (std::cmp::Reverse(**builds), *name));
            for (project, builds) in projects.iter().take(PROJECTS) {
                let all = self.scope.projects.get(*project).copied().unwrap_or_default();
                let name = if project.is_empty() { "(no project)".to_owned() } else { Foreign::new(project).into() };
                write!(f, "\n  {builds:>8}  {name} (of {all})")?;
            }
            let more = projects.len().saturating_sub(PROJECTS);
            if more > 0 {
                write!(f, "\n            and {more} more projects")?;
            }
        }
        if !self.not_needed.is_empty() {
            write!(f, "\nnot needed:")?;
            for (why, what) in by_reason(self.not_needed.iter().map(|left| (left.what.to_string(), left.why.as_str())))
            {
                write!(f, "\n            {}: {}", Foreign::new(&what.join(", ")), Foreign::new(why))?;
            }
        }
        if !self.not_checked.is_empty() {
            write!(f, "\nnot checked:")?;
            for (why, what) in self.not_checked_by_reason() {
                write!(f, "\n            {}: {}", Foreign::new(&what.join(", ")), Foreign::new(why))?;
            }
        }
        Ok(())
    }
}
