//! The verdict in one sentence that a person understands.

use crate::baseline_reason::BaselineReason;
use crate::text::{Foreign, counted, is_or_are};

use super::check::{Count, Outcome};
use super::judgement::Judgement;
use super::verdict::Verdict;

/// Missing builds that are named.
const MISSING_NAMED: usize = 5;

impl Judgement {
    /// The verdict in one sentence that a person understands, with what was not checked.
    pub fn sentence(&self) -> String {
        let seen = self.seen.clone().unwrap_or_default();
        // Lost builds are not among those in the database.
        let in_all = seen.builds + self.lost();
        let builds = counted(in_all, "build");
        let abnormal = match seen.abnormal {
            0 => format!("none of {builds} is abnormal"),
            // Steps and output of builds that are gone are findings too.
            more if more > in_all => format!("{}, where {builds} are in scope", counted(more, "finding")),
            some => format!("{some} of {builds} {} abnormal", is_or_are(some)),
        };
        let found = self.found();
        let unexpected = self.counts().any(|(_, count)| count.unexpected() > 0);
        let judged = match self.verdict {
            Verdict::Clean => format!("clean: {abnormal}"),
            Verdict::Incomplete => {
                format!("nothing abnormal was seen in {builds}, but not everything was checked")
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
        let reasons = self.failed_by_reason().into_iter();
        let parts = reasons.map(|(why, what)| String::from(Foreign::new(&format!("{} ({why})", what.join(", ")))));
        parts.collect::<Vec<_>>().join("; ")
    }

    /// Whether what had to be found was.
    fn recall(&self) -> String {
        if self.expected.is_empty() || !self.verdict.is_judged() {
            return String::new();
        }
        let missing: Vec<String> = self.missing().map(|build| build.url.to_string()).collect();
        let (all, found) = (self.expected.len(), self.expected.len() - missing.len());
        let were = if found == 1 || all == 1 { "was" } else { "were" };
        let recall = format!("; {found} of {} {were} found", counted(all as u64, "expected build"));
        match missing.as_slice() {
            [] => recall,
            some => {
                let named = some.iter().take(MISSING_NAMED).cloned().collect::<Vec<_>>().join(", ");
                let more = some.len().saturating_sub(MISSING_NAMED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("{recall}, not found: {named}{more}")
            }
        }
    }

    fn not_needed(&self) -> String {
        let reasons = self.not_needed_by_reason().into_iter();
        let parts: Vec<String> =
            reasons.map(|(why, what)| Foreign::new(&format!("{} ({why})", what.join(", "))).into()).collect();
        if parts.is_empty() { String::new() } else { format!("; not needed: {}", parts.join("; ")) }
    }

    fn not_checked(&self) -> String {
        let reasons = self.not_checked_by_reason().into_iter();
        let parts = reasons.map(|(why, what)| String::from(Foreign::new(&format!("{} ({why})", what.join(", ")))));
        match parts.collect::<Vec<_>>().as_slice() {
            [] => String::new(),
            some => format!("; not checked: {}", some.join("; ")),
        }
    }
}
