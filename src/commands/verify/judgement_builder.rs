//! Collects what a judgement needs while a run goes on, so that a run that fails half-way can say what it knows.

use jiff::Timestamp;

use crate::build_url::BuildUrl;
use crate::collation::{COLLATION_VERSION, Collations, REINDEX_FIRST};
use crate::collection::Collection;
use crate::commands::scanning::Observer;
use crate::database::DatabaseIdentity;
use crate::drill::{
    Allowance, Check, CheckKind, Circumstances, ComparedWith, Count, Difference, Failure, Judgement, Outcome,
    ScanNumbers, Tally,
};
use crate::finding::Finding;
use crate::losses::{EmptyRelation, Held, RELATION_EMPTY};
use crate::not_checked::{NotChecked, Unchecked};
use crate::output::Summary;
use crate::premise::{Contradictions, TIMES_CONTRADICTED};
use crate::scan::{Relation, Scan, ScanPlan};
use crate::timing::RestoreTimes;

/// What is known of a run so far.
pub(super) struct JudgementBuilder {
    started_at: Timestamp,
    times: RestoreTimes,
    database: Option<DatabaseIdentity>,
    collection: Option<Collection>,
    profile: Option<String>,
    baseline: Option<ComparedWith>,
    /// What there is to check; what came of it is not known before the end.
    checks: Vec<Check>,
    tally: Tally,
}

impl JudgementBuilder {
    pub(super) fn begin(times: RestoreTimes) -> Self {
        let started_at = Timestamp::now();
        let (checks, tally) = (Vec::new(), Tally::default());
        Self { started_at, times, database: None, collection: None, profile: None, baseline: None, checks, tally }
    }

    /// Adds the builds that have to be found.
    pub(super) fn expect_builds(&mut self, expected: &[BuildUrl]) {
        self.tally = Tally::new(expected);
    }

    /// Adds the checks of a comparison with a baseline.
    pub(super) fn expect_comparison(&mut self) {
        self.checks = differences();
    }

    pub(super) fn set_baseline(&mut self, baseline: ComparedWith) {
        self.baseline = Some(baseline);
    }

    /// Adds the checks of the rules, and the times that the profile settles.
    pub(super) fn set_plan(&mut self, plan: &ScanPlan) {
        self.times = *plan.times();
        self.profile = Some(plan.profile_name().to_owned());
        self.checks.splice(0..0, rules(plan));
        self.checks.splice(0..0, [times_check(), collation_check()]);
    }

    /// Judges what the scan came to.
    pub(super) fn judge(&mut self, summary: &Summary, allowed: &Allowance) -> Judgement {
        self.count(summary, allowed);
        let gaps = summary.not_checked.iter().filter(|gap| !is_of_a_check(&gap.what)).cloned();
        let expected = std::mem::take(&mut self.tally.expected);
        let circumstances = self.circumstances();
        Judgement::of(self.checks.clone(), gaps.collect(), expected, numbers(summary), circumstances)
    }

    /// The judgement where the run failed.
    pub(super) fn fail(self, failure: Failure) -> Judgement {
        let circumstances = self.circumstances();
        Judgement::of_failure(failure, self.checks, self.tally.expected, circumstances)
    }

    /// Gives each check what it found.
    fn count(&mut self, summary: &Summary, allowed: &Allowance) {
        let builds = Relation::Build.to_string();
        let of_builds = |check: &&mut Check| check.kind == CheckKind::Relation && check.name == builds;
        if let (Some(why), Some(check)) = (lacking(&summary.not_checked), self.checks.iter_mut().find(of_builds)) {
            check.outcome = Outcome::Failed(why);
        }
        for check in self.checks.iter_mut().filter(|check| check.kind != CheckKind::Relation) {
            if check.kind == CheckKind::Times {
                count_contradictions(check, summary, allowed);
                continue;
            }
            if let Some(needless) = summary.not_needed.iter().find(|needless| needless.is_check(&check.name)) {
                check.outcome = Outcome::NotNeeded(needless.why.clone());
                continue;
            }
            if check.kind == CheckKind::Collation {
                count_collations(check, &summary.collations, allowed);
                continue;
            }
            let failed = summary.not_checked.iter().find(|left| left.is_check(&check.name) && left.has_failed());
            if let Some(failed) = failed {
                check.outcome = Outcome::Failed(failed.why.clone());
                continue;
            }
            let counted = match &summary.compared {
                Some(totals) if check.counts_projects() => Some(totals.count()),
                _ if summary.by_rule.contains_key(&check.name) => {
                    Some(self.tally.by_rule.remove(&check.name).unwrap_or_default())
                }
                _ => None,
            };
            let counted = counted.map(|count| match check.name == RELATION_EMPTY {
                true => with_empty(count, &mut check.title, &summary.empty),
                false => count,
            });
            check.outcome = match counted {
                Some(count) => Outcome::Counted(Count { allowed: allowed.of(&check.name), ..count }),
                None => Outcome::NotChecked(why_not(&summary.not_checked, &check.name)),
            };
        }
    }

    fn circumstances(&self) -> Circumstances {
        Circumstances {
            database: self.database.clone(),
            collection: self.collection.clone(),
            profile: self.profile.clone(),
            times: self.times,
            baseline: self.baseline.clone(),
            started_at: self.started_at,
            ended_at: Timestamp::now(),
        }
    }
}

impl Observer for JudgementBuilder {
    fn scan_began(&mut self, scan: &Scan<'_>) {
        self.database = Some(scan.identity().clone());
        self.collection = scan.collection().cloned();
        self.times.restored = scan.premise().restored.time();
        let relations = scan.relations_read().map(|(relation, why_not)| Check {
            kind: CheckKind::Relation,
            name: relation.to_string(),
            title: String::new(),
            outcome: match scan.why_unread(relation) {
                Some(why) => Outcome::Failed(why.to_owned()),
                None => why_not.map_or(Outcome::Read, Outcome::NotChecked),
            },
        });
        self.checks.extend(relations);
    }

    fn found(&mut self, found: &Finding) {
        self.tally.add(found);
    }
}

/// Why builds are missing that a collection should have, or are not as they are now.
fn lacking(not_checked: &[NotChecked]) -> Option<String> {
    let is_of_builds = |left: &&NotChecked| {
        matches!(
            left.what,
            Unchecked::RestOfCollection | Unchecked::DocumentsUnread(_) | Unchecked::BuildsNotFetched(_)
        )
    };
    not_checked.iter().find(is_of_builds).map(|left| format!("{}: {}", left.what, left.why))
}

/// The check of T and R themselves. What came of it is not known yet.
fn times_check() -> Check {
    Check {
        kind: CheckKind::Times,
        name: TIMES_CONTRADICTED.to_owned(),
        title: "builds did something between the backup and the restore".to_owned(),
        outcome: Outcome::Counted(Count::default()),
    }
}

/// What all builds say to T and R; where one of the two is not known, it is not checked.
fn count_contradictions(check: &mut Check, summary: &Summary, allowed: &Allowance) {
    let Some(Contradictions { builds, first, last }) = summary.contradictions else {
        check.outcome = Outcome::NotChecked(why_not(&summary.not_checked, TIMES_CONTRADICTED));
        return;
    };
    let unread = summary.not_checked.iter().find(|left| matches!(left.what, Unchecked::Relation("step" | "chunk")));
    if let Some(left) = unread.filter(|_| builds == 0) {
        check.outcome = Outcome::Failed(format!("{} cannot be read: {}", left.what, left.why));
        return;
    }
    if let (Some(first), Some(last)) = (first, last) {
        check.title = format!("{}, the first at {first}, the last at {last}", check.title);
    }
    let count = Count { found: builds, allowed: allowed.of(TIMES_CONTRADICTED), ..Count::default() };
    check.outcome = Outcome::Counted(count);
}

/// The check of the order of text. What came of it is not known yet.
fn collation_check() -> Check {
    Check {
        kind: CheckKind::Collation,
        name: COLLATION_VERSION.to_owned(),
        title: "the order of text has changed since indexes were built".to_owned(),
        outcome: Outcome::Counted(Count::default()),
    }
}

/// The collations that have another version than on record.
fn count_collations(check: &mut Check, collations: &Collations, allowed: &Allowance) {
    if let Some(why) = collations.why_not_checked() {
        check.outcome = Outcome::NotChecked(why.to_owned());
        return;
    }
    if collations.have_changed() {
        let changed: Vec<String> = collations.changed.iter().map(ToString::to_string).collect();
        check.title = format!("{}: {}: {REINDEX_FIRST}", check.title, changed.join("; "));
    }
    let found = collations.changed.len() as u64;
    check.outcome = Outcome::Counted(Count { found, allowed: allowed.of(COLLATION_VERSION), ..Count::default() });
}

/// The builds that lost a relation with others, and the relations that have no row at all: each of these counts as one. Where no build is
/// there, nothing was checked, which the verdict says.
fn with_empty(count: Count, title: &mut String, empty: &[EmptyRelation]) -> Count {
    let empty: Vec<_> = empty.iter().filter(|relation| relation.held != Held::Builds).collect();
    if !empty.is_empty() {
        *title = empty.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    }
    Count { found: count.found + empty.len() as u64, ..count }
}

/// All rules that there are. What came of them is not known yet.
fn rules(plan: &ScanPlan) -> Vec<Check> {
    let rules = plan.all_rules().map(|(name, title)| Check {
        kind: CheckKind::Rule,
        name: name.to_owned(),
        title: title.to_owned(),
        outcome: Outcome::Counted(Count::default()),
    });
    rules.collect()
}

/// The ways in which builds and projects can differ from a baseline. What came of them is not known yet.
fn differences() -> Vec<Check> {
    let differences = Difference::ALL.map(|difference| Check {
        kind: CheckKind::Baseline,
        name: difference.as_str().to_owned(),
        title: difference.title().to_owned(),
        outcome: Outcome::Counted(Count::default()),
    });
    differences.into()
}

/// Whether a check, or a relation, says it already.
fn is_of_a_check(what: &Unchecked) -> bool {
    matches!(what, Unchecked::Check(_) | Unchecked::FailedCheck(_) | Unchecked::Relation(_))
}

fn why_not(not_checked: &[NotChecked], rule: &str) -> String {
    let found = not_checked.iter().find(|left| left.is_check(rule));
    found.map_or_else(|| "it was not run".to_owned(), |found| found.why.clone())
}

fn numbers(summary: &Summary) -> ScanNumbers {
    ScanNumbers {
        builds: summary.scope.builds(),
        projects: summary.scope.projects.len() as u64,
        steps: summary.scope.steps,
        asked_for: summary.scope.asked_for,
        compared: summary.compared.clone(),
        abnormal: summary.abnormal,
        deletable: summary.deletable,
        by_timing: summary.by_timing.iter().map(|(timing, builds)| ((*timing).to_owned(), *builds)).collect(),
        by_project: summary.projects_in_words(),
    }
}
