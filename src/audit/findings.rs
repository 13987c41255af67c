//! What was found, added up by rule, project and timing.

use std::collections::BTreeMap;

use crate::report::Row;
use crate::timing::Timing;

/// The numbers of one report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindingCounts {
    pub builds: u64,
    /// Those that may be deleted.
    pub deletable: u64,
    /// Builds by rule, those that found none too where it is known which were run. Several may find one build.
    pub by_rule: BTreeMap<String, u64>,
    /// Builds by project; `""` are those of none.
    pub by_project: BTreeMap<String, u64>,
    pub by_timing: BTreeMap<Timing, u64>,
}

impl FindingCounts {
    /// Begins with the rules that were run.
    pub(super) fn new(rules: &[String]) -> Self {
        Self { by_rule: rules.iter().map(|rule| (rule.clone(), 0)).collect(), ..Self::default() }
    }

    pub(super) fn add(&mut self, row: &Row) {
        self.builds += 1;
        self.deletable += u64::from(row.deletable);
        *self.by_timing.entry(row.timing).or_default() += 1;
        count(&mut self.by_project, &row.project);
        // A rule that is listed twice has found one build.
        for (place, reason) in row.reasons.iter().enumerate() {
            if !row.reasons[..place].contains(reason) {
                count(&mut self.by_rule, reason);
            }
        }
    }

    /// The projects, those with the most builds first.
    pub fn projects(&self) -> Vec<(&str, u64)> {
        let mut projects: Vec<(&str, u64)> =
            self.by_project.iter().map(|(name, builds)| (name.as_str(), *builds)).collect();
        projects.sort_by_key(|(name, builds)| (std::cmp::Reverse(*builds), *name));
        projects
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => drop(counts.insert(name.to_owned(), 1)),
    }
}
