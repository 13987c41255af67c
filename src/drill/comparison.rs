//! Compares a restored database with its manifest. Pure: both sides have been read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::baseline_reason::BaselineReason;

use super::manifest::{Entry, Manifest, ProfileUsed, Project, Range};
use super::totals::{Backwards, ComparisonTotals};

/// One build that is not as the manifest has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DifferingBuild {
    pub project: Arc<str>,
    /// Its number; `None` where only its range is known.
    pub number: Option<i64>,
    pub reason: BaselineReason,
    pub words: DifferenceEvidence,
}

/// What is said of a build that differs. There may be millions of them, so each text is made when it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DifferenceEvidence {
    /// It is not in the database. The second is that of retention, where it is not known whether the build was over before it.
    Lost(Entry, Option<i64>),
    /// It is not in the manifest.
    Extra(Entry),
    /// It is not as it was. Many builds share one text.
    Changed(Arc<str>),
}

/// A build that the manifest has as over and that the database has as not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Present {
    /// Which of [`Comparison::missing`], counted from 0.
    pub position: usize,
    pub lifecycle: Option<String>,
    pub has_started: bool,
}

/// A build of the manifest that is not among those of the database that are over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    pub project: Arc<str>,
    /// What the manifest has of it.
    pub entry: Entry,
    /// How many builds of the database have its number and were over by then. All of these are matched with others.
    pub over: usize,
    /// How many missing builds with its number come before it.
    pub before: usize,
}

/// How to compare.
#[derive(Clone, Copy)]
pub(super) struct CompareOptions<'a> {
    pub in_scope: &'a dyn Fn(&str) -> bool,
    /// Whether both sides compute digests in the same way. If not, only the numbers of builds are compared.
    pub digests: bool,
}

/// How a manifest and a database differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    pub totals: ComparisonTotals,
    /// The builds that differ, by project and number.
    pub differing: Vec<DifferingBuild>,
    /// The builds that have to be looked up.
    pub missing: Vec<Missing>,
    /// Builds that never ran and are not in the manifest: they may have been cancelled after T.
    pub given_up: u64,
    /// The highest number of each project that retention has deleted.
    highest_retired: BTreeMap<String, i64>,
    /// The manifest knows the numbers of builds that had been queued by then.
    known_until: Timestamp,
}

impl Comparison {
    /// Compares the manifest with the database. `highest` returns the highest number of a project.
    pub(super) fn new(
        then: &Manifest,
        now: &Manifest,
        highest: impl Fn(&str) -> Option<i64>,
        terms: &CompareOptions<'_>,
    ) -> Self {
        let mut found = Self { known_until: then.covered_until, ..Self::default() };
        let names = [then, now].into_iter().flat_map(|manifest| &manifest.projects).map(|project| &*project.project);
        let names: BTreeSet<&str> = names.filter(|name| (terms.in_scope)(name)).collect();
        for name in names {
            let (was, is) = (then.project(name), now.project(name));
            let ranges = |project: Option<&Project>| project.map_or(0, |project| project.ranges.len() as u64);
            let builds = |project: Option<&Project>| project.map_or(0, |project| project.builds);
            found.totals.builds += builds(was);
            found.totals.ranges += ranges(was);
            found.totals.projects += u64::from(builds(was) > 0);
            if builds(was) > 0 && is.is_none() {
                found.totals.gone.push((name.to_owned(), builds(was)));
            }
            if let (None, Some(is)) = (was, is)
                && is.was_there()
            {
                found.totals.new.push((name.to_owned(), is.builds + is.not_covered.builds()));
            }
            let (highest_was, now) = (was.and_then(|was| was.highest), highest(name));
            if let Some(was) = highest_was.filter(|was| now.is_none_or(|now| now < *was)) {
                found.totals.backwards.push(Backwards { project: name.to_owned(), was, is: now });
            }
            let project = Arc::from(name);
            let mut by_first: BTreeMap<i64, (Option<&Range>, Option<&Range>)> = BTreeMap::new();
            for range in was.iter().flat_map(|was| &was.ranges) {
                by_first.entry(range.first).or_default().0 = Some(range);
            }
            for range in is.iter().flat_map(|is| &is.ranges) {
                by_first.entry(range.first).or_default().1 = Some(range);
            }
            for (was, is) in by_first.into_values() {
                found.range(&project, was, is, &then.profile, terms);
            }
        }
        found
    }

    /// Decides on the missing builds, once they have been looked up. `kept_since`: builds that were over before it may
    /// have been deleted on purpose.
    pub(super) fn settle(&mut self, present: &[Present], kept_since: Option<Timestamp>) {
        let mut by_position: BTreeMap<usize, Vec<&Present>> = BTreeMap::new();
        for build in present {
            by_position.entry(build.position).or_default().push(build);
        }
        for (position, missing) in std::mem::take(&mut self.missing).into_iter().enumerate() {
            let found = by_position.remove(&position).unwrap_or_default();
            // Of those that have its number some were over, and are matched with others; one is left for each missing build.
            let is_left = found.len().saturating_sub(missing.over) > missing.before;
            match found.first().filter(|_| is_left) {
                // It was cancelled after T, or will be: a build that never ran has no time for that.
                Some(_) if missing.entry.never_ran && found.iter().any(|build| !build.has_started) => {
                    self.given_up += 1
                }
                Some(one) => {
                    let lifecycle = one.lifecycle.as_deref().unwrap_or("without a lifecycle");
                    let how = if found.len() == 1 { format!(": {lifecycle}") } else { String::new() };
                    let words = format!("over by {} in the baseline, and not by then here{how}", over(&missing.entry));
                    self.differs(
                        &missing.project,
                        Some(missing.entry.number),
                        DifferenceEvidence::Changed(words.into()),
                    );
                }
                None => self.lost(&missing, kept_since),
            }
        }
        self.differing.sort_by(|one, other| {
            let place = |found: &DifferingBuild| (found.number.is_none(), found.number, found.reason);
            one.project.cmp(&other.project).then_with(|| place(one).cmp(&place(other)))
        });
        let (differing, highest) = (&self.differing, &self.highest_retired);
        // A build that was not over may have the highest number; its age is known only from this.
        let all_are_due = kept_since.is_some_and(|limit| self.known_until < limit);
        self.totals.backwards.retain(|project| {
            // Sorted by project; what is lost has a number.
            let first = differing.partition_point(|build| *build.project < *project.project);
            let mut builds = differing.iter().skip(first).take_while(|build| *build.project == *project.project);
            let lost = builds.any(|build| build.reason == BaselineReason::Lost && build.number > project.is);
            lost || !(all_are_due || highest.get(&project.project) == Some(&project.was))
        });
    }

    fn lost(&mut self, missing: &Missing, kept_since: Option<Timestamp>) {
        let Entry { number, over_from, over_until, .. } = missing.entry;
        let limit = match kept_since.map(Timestamp::as_second) {
            Some(limit) if over_until < limit => {
                self.totals.retired += 1;
                let highest = self.highest_retired.entry(missing.project.to_string()).or_insert(number);
                *highest = number.max(*highest);
                return;
            }
            Some(limit) if over_from < limit => {
                self.totals.undecided += 1;
                Some(limit)
            }
            Some(_) | None => None,
        };
        self.differs(&missing.project, Some(number), DifferenceEvidence::Lost(missing.entry, limit));
    }

    fn differs(&mut self, project: &Arc<str>, number: Option<i64>, words: DifferenceEvidence) {
        let reason = match words {
            DifferenceEvidence::Lost(..) => BaselineReason::Lost,
            DifferenceEvidence::Extra(_) => BaselineReason::Extra,
            DifferenceEvidence::Changed(_) => BaselineReason::Changed,
        };
        self.differing.push(DifferingBuild { project: Arc::clone(project), number, reason, words });
    }

    fn range(
        &mut self,
        project: &Arc<str>,
        was: Option<&Range>,
        is: Option<&Range>,
        profile: &ProfileUsed,
        terms: &CompareOptions<'_>,
    ) {
        if let (Some(was), Some(is)) = (was, is)
            && was.numbers == is.numbers
            && (was.digest == is.digest || !terms.digests)
        {
            return;
        }
        self.totals.ranges_differ += 1;
        let before = (self.differing.len(), self.missing.len(), self.given_up);
        let mut by_number: BTreeMap<i64, (Vec<Entry>, Vec<Entry>)> = BTreeMap::new();
        for entry in was.map(Range::entries).unwrap_or_default() {
            by_number.entry(entry.number).or_default().0.push(entry);
        }
        for entry in is.map(Range::entries).unwrap_or_default() {
            by_number.entry(entry.number).or_default().1.push(entry);
        }
        let mut changed = Vec::new();
        for (number, (mut thens, mut nows)) in by_number {
            let here = nows.len();
            thens.retain(|then| match nows.iter().position(|now| now.digest == then.digest || !terms.digests) {
                Some(same) => {
                    nows.swap_remove(same);
                    false
                }
                None => true,
            });
            let both = thens.len().min(nows.len());
            changed.extend(std::iter::repeat_n(number, both));
            for (before, entry) in thens.into_iter().skip(both).enumerate() {
                self.missing.push(Missing { project: Arc::clone(project), entry, over: here, before });
            }
            for entry in nows.into_iter().skip(both) {
                // It may have been cancelled after T: when is not on record.
                if entry.never_ran {
                    self.given_up += 1;
                } else {
                    self.differs(project, Some(number), DifferenceEvidence::Extra(entry));
                }
            }
        }
        let nothing_else = before == (self.differing.len(), self.missing.len(), self.given_up);
        let words = match (was, is) {
            (Some(was), Some(is)) if nothing_else && changed.len() == 1 => describe_change(was, is, profile),
            _ => "not as it is in the baseline".to_owned(),
        };
        if changed.is_empty()
            && nothing_else
            && let Some(was) = was
        {
            let words = format!(
                "not all builds from {} to {} are as they are in the baseline, and their short digests do not show which",
                was.first,
                was.last()
            );
            self.differs(project, None, DifferenceEvidence::Changed(words.into()));
        }
        let words = DifferenceEvidence::Changed(words.into());
        for number in changed {
            self.differs(project, Some(number), words.clone());
        }
    }
}

impl fmt::Display for DifferenceEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(entry, limit) => {
                write!(f, "in the baseline, over by {}, and not in this database", over(entry))?;
                let doubt = "; whether retention deleted it cannot be known: the limit is ";
                limit.map_or(Ok(()), |limit| write!(f, "{doubt}{}", time_text(limit)))
            }
            Self::Extra(entry) => write!(f, "over by {}, and not in the baseline", over(entry)),
            Self::Changed(words) => f.write_str(words),
        }
    }
}

/// How the only changed build of a range differs: by what the whole range has more or less.
fn describe_change(was: &Range, is: &Range, profile: &ProfileUsed) -> String {
    let difference = |was: i64, is: i64, thing: &str| match is.saturating_sub(was) {
        0 => format!("as many {thing}"),
        more @ 1.. => format!("{more} {thing} more"),
        fewer => format!("{} {thing} fewer", fewer.unsigned_abs()),
    };
    let steps = profile.steps.then(|| difference(was.steps, is.steps, "steps"));
    let stored = profile.output.then(|| difference(was.stored, is.stored, &profile.unit));
    let differences: Vec<String> = steps.into_iter().chain(stored).collect();
    let than = if differences.is_empty() { "" } else { ": " };
    let all_same = was.steps == is.steps && was.stored == is.stored;
    let rest = if all_same { "; its lifecycle, status or times differ" } else { "" };
    format!("not as it is in the baseline{than}{}{rest}", differences.join(" and "))
}

/// When a build was over, as far as it is known.
fn over(entry: &Entry) -> String {
    let what = if entry.never_ran { " (when it was queued)" } else { "" };
    format!("{}{what}", time_text(entry.over_until))
}

fn time_text(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(|_| second.to_string(), |time| time.to_string())
}

#[cfg(test)]
#[path = "comparison_tests.rs"]
mod tests;
