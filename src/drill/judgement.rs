//! The judgement on a restore, from which the sentence, JUnit, JSON and annotations are all made.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::collection::Collection;
use crate::database::DatabaseIdentity;
use crate::exit::Exit;
use crate::not_checked::NotChecked;
use crate::text::{Foreign, by_reason};
use crate::timing::RestoreTimes;

use super::check::{Check, CheckKind, Outcome};
use super::expected::ExpectedBuild;
use super::totals::ComparisonTotals;
use super::verdict::Verdict;

/// The judgement on a restore.
#[derive(Clone, Debug)]
pub struct Judgement {
    pub verdict: Verdict,
    pub checks: Vec<Check>,
    /// What was not looked at and is no check.
    pub gaps: Vec<NotChecked>,
    /// The builds that had to be found.
    pub expected: Vec<ExpectedBuild>,
    /// What was found; `None` where it could not be looked at.
    pub seen: Option<ScanNumbers>,
    /// What was judged, and when.
    pub about: Circumstances,
    /// Why the database could not be judged.
    pub failure: Option<Failure>,
}

/// What was looked at and found, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanNumbers {
    /// Builds in scope.
    pub builds: u64,
    /// Their projects.
    pub projects: u64,
    /// Their steps; `None` where the profile has none.
    pub steps: Option<u64>,
    /// Builds in scope that had been asked for by T; `None` without T, and where no build has a time.
    pub asked_for: Option<u64>,
    /// What the comparison with a baseline comes to; `None` where there is no baseline.
    pub compared: Option<ComparisonTotals>,
    /// Abnormal builds, those that are lost too.
    pub abnormal: u64,
    /// Those that may be deleted.
    pub deletable: u64,
    pub by_timing: BTreeMap<String, u64>,
    pub by_project: BTreeMap<String, u64>,
}

/// What was judged, and when. What is not known is `None`.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// The database, or the CI where its builds are copies.
    pub database: Option<DatabaseIdentity>,
    /// Whose documents were judged; `None` where the builds are no documents.
    pub collection: Option<Collection>,
    pub profile: Option<String>,
    /// T, R and the maximum run time.
    pub times: RestoreTimes,
    pub baseline: Option<ComparedWith>,
    /// When the run began.
    pub started_at: Timestamp,
    /// When it had judged.
    pub ended_at: Timestamp,
}

/// A baseline that was compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedWith {
    pub file: String,
    /// The manifest's own T.
    pub backup_time: Timestamp,
    /// Builds are in it that were over by then.
    pub covered_until: Timestamp,
    /// How many builds are in it, in scope or not.
    pub builds: u64,
    /// Whether its signature is good; `None` where it was not checked or there is none.
    pub signature_is_good: Option<bool>,
}

/// Why the database could not be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code of the run.
    pub exit: Exit,
    pub message: Foreign,
    /// Its causes, the nearest first.
    pub causes: Vec<Foreign>,
    pub hint: Option<String>,
}

impl Failure {
    /// The error, its causes and the hint, a line each.
    pub fn lines(&self) -> Vec<String> {
        let causes = self.causes.iter().map(|cause| format!("caused by: {cause}"));
        let hint = self.hint.iter().map(|hint| format!("hint: {hint}"));
        std::iter::once(self.message.to_string()).chain(causes).chain(hint).collect()
    }
}

impl ScanNumbers {
    /// Why the rules had nothing to judge; `None` where they had.
    fn nothing(&self) -> Option<&'static str> {
        match (self.builds, self.asked_for) {
            (0, _) => Some("no build is in scope"),
            (_, Some(0)) => Some("no build in scope had been asked for by the backup time"),
            _ => None,
        }
    }

    /// Why nothing was checked, where nothing was.
    pub(super) fn why_nothing(&self) -> &'static str {
        let of_baseline = self.compared.as_ref().and_then(ComparisonTotals::why_nothing);
        of_baseline.or_else(|| self.nothing()).unwrap_or("no rule could be run")
    }
}

impl Judgement {
    /// Judges what was seen.
    pub fn of(
        mut checks: Vec<Check>,
        gaps: Vec<NotChecked>,
        expected: Vec<ExpectedBuild>,
        seen: ScanNumbers,
        about: Circumstances,
    ) -> Self {
        let verdict = verdict(&checks, &gaps, &expected, &seen);
        for check in checks.iter_mut().filter(|check| check.has_found_nothing()) {
            let why = match check.kind {
                CheckKind::Baseline => seen.compared.as_ref().and_then(ComparisonTotals::why_nothing),
                CheckKind::Rule | CheckKind::Relation | CheckKind::Times | CheckKind::Collation
                    if verdict == Verdict::NothingChecked =>
                {
                    seen.nothing()
                }
                CheckKind::Rule | CheckKind::Relation | CheckKind::Times | CheckKind::Collation => None,
            };
            // A check that found nothing where there is nothing has not passed.
            if let Some(why) = why {
                check.outcome = Outcome::NotChecked(why.to_owned());
            }
        }
        Self { verdict, checks, gaps, expected, seen: Some(seen), about, failure: None }
    }

    /// A run that failed: nothing counts as checked.
    pub fn of_failure(
        failure: Failure,
        mut checks: Vec<Check>,
        expected: Vec<ExpectedBuild>,
        about: Circumstances,
    ) -> Self {
        for check in &mut checks {
            if !matches!(check.outcome, Outcome::NotChecked(_)) {
                check.outcome = Outcome::NotChecked("it could not be looked at".to_owned());
            }
        }
        let verdict = if failure.exit == Exit::Interrupted { Verdict::Interrupted } else { Verdict::CouldNotLook };
        let expected = expected.into_iter().map(|build| ExpectedBuild::new(build.url)).collect();
        Self { verdict, checks, gaps: Vec::new(), expected, seen: None, about, failure: Some(failure) }
    }

    /// The exit code of `verify`: that of the verdict, or else of the failure.
    pub fn exit(&self) -> Exit {
        let of_failure = self.failure.as_ref().map_or(Exit::Failed, |failure| failure.exit);
        self.verdict.exit().unwrap_or(of_failure)
    }

    /// The builds that had to be found and were not. Where nothing was judged, none is known to be missing.
    pub fn missing(&self) -> impl Iterator<Item = &ExpectedBuild> {
        let judged = self.verdict.is_judged();
        self.expected.iter().filter(move |build| judged && build.found.is_none())
    }

    /// The projects that are gone since the baseline, and those that are new, a line each.
    pub fn come_and_gone(&self) -> Vec<String> {
        let totals = self.seen.as_ref().and_then(|seen| seen.compared.as_ref());
        totals.map(ComparisonTotals::come_and_gone).unwrap_or_default()
    }

    /// What is not needed, one entry for each reason.
    pub fn not_needed_by_reason(&self) -> Vec<(&str, Vec<&str>)> {
        by_reason(self.checks.iter().filter_map(|check| match &check.outcome {
            Outcome::NotNeeded(why) => Some((check.name.as_str(), why.as_str())),
            Outcome::Counted(_) | Outcome::Read | Outcome::NotChecked(_) | Outcome::Failed(_) => None,
        }))
    }

    /// What could not be looked at, one entry for each reason. A relation has a rule that names it.
    pub fn failed_by_reason(&self) -> Vec<(&str, Vec<&str>)> {
        let counting = self.checks.iter().filter(|check| check.kind != CheckKind::Relation);
        by_reason(counting.filter_map(|check| match &check.outcome {
            Outcome::Failed(why) => Some((check.name.as_str(), why.as_str())),
            Outcome::Counted(_) | Outcome::Read | Outcome::NotChecked(_) | Outcome::NotNeeded(_) => None,
        }))
    }

    /// Whether something was looked at, though not all that was to be.
    pub fn is_partial(&self) -> bool {
        self.verdict == Verdict::CouldNotLook && self.seen.is_some()
    }

    /// What was not checked, one entry for each reason, in the order in which the reasons first come up. Relations are not listed: a
    /// rule that lacks its relation is, and a relation that no rule reads is no gap.
    pub fn not_checked_by_reason(&self) -> Vec<(&str, Vec<String>)> {
        let counting = self.checks.iter().filter(|check| check.kind != CheckKind::Relation);
        let checks = counting.filter_map(|check| match &check.outcome {
            Outcome::NotChecked(why) => Some((check.name.clone(), why.as_str())),
            Outcome::Counted(_) | Outcome::Read | Outcome::Failed(_) | Outcome::NotNeeded(_) => None,
        });
        let gaps = self.gaps.iter().map(|gap| (gap.what.to_string(), gap.why.as_str()));
        by_reason(checks.chain(gaps))
    }
}

fn verdict(checks: &[Check], gaps: &[NotChecked], expected: &[ExpectedBuild], seen: &ScanNumbers) -> Verdict {
    let counts: Vec<_> = checks
        .iter()
        .filter_map(|check| match &check.outcome {
            Outcome::Counted(count) => Some((check.kind, count)),
            Outcome::Read | Outcome::NotChecked(_) | Outcome::Failed(_) | Outcome::NotNeeded(_) => None,
        })
        .collect();
    if checks.iter().any(|check| matches!(check.outcome, Outcome::Failed(_))) {
        return Verdict::CouldNotLook;
    }
    // A relation that no rule reads is no gap.
    let is_incomplete =
        checks.iter().any(|check| check.kind != CheckKind::Relation && matches!(check.outcome, Outcome::NotChecked(_)));
    let a_rule_was_run = counts.iter().any(|(kind, _)| *kind == CheckKind::Rule);
    // These two say something of the database as a whole, not of a build.
    let of_all = |kind: &CheckKind| matches!(kind, CheckKind::Times | CheckKind::Collation);
    let too_much = |all: bool| counts.iter().any(|(kind, count)| of_all(kind) == all && !count.is_allowed());
    let of_baseline = seen.compared.as_ref().map(ComparisonTotals::compared);
    // Where all builds are lost, they were looked for all the same.
    let no_build = seen.nothing().is_some() && of_baseline.unwrap_or_default() == 0;
    // Every build contradicts a T before all builds, and every rule that needs T looks at nothing.
    let t_is_before_all = seen.builds > 0 && seen.asked_for == Some(0) && of_baseline.unwrap_or_default() == 0;
    let is_missing = a_rule_was_run && expected.iter().any(|build| build.found.is_none());
    if t_is_before_all {
        Verdict::NothingChecked
    } else if too_much(false) {
        // What was found counts, however little could be checked.
        Verdict::Abnormal
    } else if no_build {
        Verdict::NothingChecked
    } else if too_much(true) || is_missing {
        Verdict::Abnormal
    } else if !a_rule_was_run || of_baseline == Some(0) {
        Verdict::NothingChecked
    } else if counts.iter().any(|(_, count)| count.found > 0) {
        Verdict::Allowed
    } else if is_incomplete || !gaps.is_empty() {
        Verdict::Incomplete
    } else {
        Verdict::Clean
    }
}

#[cfg(test)]
#[path = "judgement_tests.rs"]
mod tests;
