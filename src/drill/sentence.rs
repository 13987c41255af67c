//! The verdict in one sentence that a person understands.

use crate::baseline_reason::BaselineReason;
use crate::text::{Foreign, counted, is_or_are, was_or_were};

use super::check::{CheckKind, Count, Outcome};
use super::expected::ExpectedBuild;
use super::judgement::Judgement;
use super::verdict::Verdict;

/// Missing builds that are named.
const MISSING_NAMED: usize = 5;
/// The most rules or relations that are named for one reason.
const NAMED: usize = 3;
/// The most reasons that are named.
const REASONS: usize = 3;
/// The most characters of a reason.
const REASON: usize = 160;

impl Judgement {
    /// The verdict in one sentence that a person understands, with what was not checked.
    pub fn sentence(&self) -> String {
        let seen = self.seen.clone().unwrap_or_default();
        // Lost builds are not among those in the database.
        let in_all = seen.builds + self.lost();
        let builds = counted(in_all, "build");
        let abnormal = match seen.abnormal {
            0 => format!("none of {builds} is abnormal{}", self.but()),
            // Steps and output of builds that are gone are findings too.
            more if more > in_all => format!("{}, where {builds} are in scope", counted(more, "finding")),
            some => format!("{some} of {builds} {} abnormal", is_or_are(some)),
        };
        let found = self.found();
        let unexpected = self.counts().any(|(_, count)| count.unexpected() > 0);
        let judged = match self.verdict {
            Verdict::Clean => format!("clean: {abnormal}"),
            Verdict::Incomplete => {
                format!("incomplete: nothing abnormal was seen in {builds}, but not everything was checked")
            }
            Verdict::Allowed if unexpected => {
                format!("passed: {abnormal}, no more than allowed ({found})")
            }
            Verdict::Allowed => format!("passed: {abnormal}, as expected ({found})"),
            Verdict::Abnormal if found.is_empty() => format!("failed: {abnormal}"),
            Verdict::Abnormal => format!("failed: {abnormal} ({found})"),
            Verdict::NothingChecked => format!("nothing was checked: {}", seen.why_nothing()),
            Verdict::CouldNotLook if self.is_partial() => {
                let found = if found.is_empty() { found } else { format!(" ({found})") };
                format!("could not look at {}; as far as it could be read, {abnormal}{found}", self.failed())
            }
            Verdict::CouldNotLook => "the database could not be judged".to_owned(),
            Verdict::Interrupted => "the run was interrupted before the database was judged".to_owned(),
        };
        // Why nothing was judged is said already, or is the error that follows.
        let is_looked_at = self.verdict.is_judged() || self.is_partial();
        let not_checked = if is_looked_at { self.not_checked() } else { String::new() };
        let not_needed = if is_looked_at { self.not_needed() } else { String::new() };
        format!("verdict: {judged}{}{}{not_checked}{not_needed}", self.compared(), self.recall())
    }

    /// What is amiss though no build is abnormal.
    fn but(&self) -> String {
        let found = self.checks.iter().find_map(|check| match &check.outcome {
            Outcome::Counted(count) if count.found > 0 => Some((check.kind, count.found)),
            _ => None,
        });
        match found {
            None => String::new(),
            Some((CheckKind::Times, 1)) => ", but 1 build contradicts the two times".to_owned(),
            Some((CheckKind::Times, builds)) => format!(", but {builds} builds contradict the two times"),
            Some((CheckKind::Collation, _)) => {
                ", but the order of text has changed since indexes were built".to_owned()
            }
            Some((CheckKind::Baseline, _)) => ", but the database is not as the baseline says".to_owned(),
            Some((CheckKind::Rule | CheckKind::Relation, _)) => ", but something is missing".to_owned(),
        }
    }

    /// How many builds the baseline says are lost.
    fn lost(&self) -> u64 {
        self.counts().find(|(name, _)| *name == BaselineReason::Lost.as_str()).map_or(0, |(_, count)| count.found)
    }

    /// How many builds were compared with the baseline.
    fn compared(&self) -> String {
        match self.seen.as_ref().and_then(|seen| seen.compared.as_ref()) {
            Some(totals) if self.verdict.is_judged() => {
                let without = match totals.retired {
                    0 => String::new(),
                    retired => format!(", without {retired} that retention may have deleted"),
                };
                format!("; compared with {} of the baseline{without}", counted(totals.compared(), "build"))
            }
            _ => String::new(),
        }
    }

    /// What the rules and the baseline found, what was expected, and what is allowed.
    fn found(&self) -> String {
        let found = self.counts().filter(|(_, count)| count.found > 0).map(|(rule, count)| {
            let expected = match count.expected {
                0 => String::new(),
                expected => format!(", expected {expected}"),
            };
            let allowed = match count.allowed {
                0 => String::new(),
                allowed => format!(", allowed {allowed}"),
            };
            format!("{rule} {}{expected}{allowed}", count.found)
        });
        found.collect::<Vec<_>>().join("; ")
    }

    fn counts(&self) -> impl Iterator<Item = (&str, &Count)> {
        self.checks.iter().filter_map(|check| match &check.outcome {
            Outcome::Counted(count) => Some((check.name.as_str(), count)),
            Outcome::Read | Outcome::NotChecked(_) | Outcome::Failed(_) | Outcome::NotNeeded(_) => None,
        })
    }

    /// What could not be looked at, and why.
    fn failed(&self) -> String {
        let failed = self.failed_by_reason();
        // What is left out of a collection is named among what was not checked.
        if failed.is_empty() { "all builds".to_owned() } else { in_few_words(failed) }
    }

    /// Whether what had to be found was.
    fn recall(&self) -> String {
        if self.expected.is_empty() || !self.verdict.is_judged() {
            return String::new();
        }
        let missing: Vec<String> = self.missing().map(|build| build.url.to_string()).collect();
        let (all, found) = (self.expected.len(), self.expected.len() - missing.len());
        let expected = counted(all as u64, "expected build");
        match missing.as_slice() {
            [] => format!("; {found} of {expected} {} found{}", was_or_were(found as u64), self.found_otherwise()),
            some => {
                let named = some.iter().take(MISSING_NAMED).cloned().collect::<Vec<_>>().join(", ");
                let more = some.len().saturating_sub(MISSING_NAMED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let (number, were) = (some.len(), was_or_were(some.len() as u64));
                format!("; {number} of {expected} {were} not found: {named}{more}")
            }
        }
    }

    /// How many expected builds were found, but not as builds that the backup cut: they count against the restore.
    fn found_otherwise(&self) -> String {
        let otherwise = |build: &&ExpectedBuild| build.found.as_ref().is_some_and(|found| !found.as_expected);
        match self.expected.iter().filter(otherwise).count() {
            0 => String::new(),
            some => format!(", {some} not as cut by the backup"),
        }
    }

    fn not_needed(&self) -> String {
        match in_few_words(self.not_needed_by_reason()).as_str() {
            "" => String::new(),
            some => format!("; not needed: {some}"),
        }
    }

    fn not_checked(&self) -> String {
        match in_few_words(self.not_checked_by_reason()).as_str() {
            "" => String::new(),
            some => format!("; not checked: {some}"),
        }
    }
}

/// The first reasons, and the first names of each. JSON and JUnit have them all.
fn in_few_words<What: AsRef<str>>(by_reason: Vec<(&str, Vec<What>)>) -> String {
    let more = by_reason.len().saturating_sub(REASONS) as u64;
    let parts = by_reason.into_iter().take(REASONS).map(|(why, what)| {
        let unnamed = what.len().saturating_sub(NAMED);
        let and_more = if unnamed > 0 { format!(" and {unnamed} more") } else { String::new() };
        let named = what.iter().take(NAMED).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
        format!("{}{and_more} ({})", Foreign::new(&named), Foreign::cut(why, REASON))
    });
    let parts = parts.collect::<Vec<_>>().join("; ");
    match more {
        0 => parts,
        _ => format!("{parts}; and {}, which --json FILE lists", counted(more, "more reason")),
    }
}
