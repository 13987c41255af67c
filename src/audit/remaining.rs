//! What is left for a person: the builds that still exist as far as the files say, but for those that may be deleted and of which no
//! journal was given.

use std::collections::BTreeMap;

use crate::obstacle::gist;
use crate::report::Row;

use super::fate::Fate;
use super::next_step::NextStep;

/// Different reasons that are counted apart: a report may say anything.
const REASONS_COUNTED: usize = 100;
/// How many builds of each next step are kept to be listed.
const LISTED: usize = 50;

/// A build that is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftBuild {
    pub row: Row,
    /// What became of it; `None` without a journal.
    pub fate: Option<Fate>,
    /// Why it ended so, where a journal says it; else empty.
    pub reason: String,
}

/// Builds that are left for the same thing to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftGroup {
    pub builds: u64,
    /// The first of them, in the order of the report.
    pub first: Vec<LeftBuild>,
}

/// The builds that are left for a person, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remaining {
    /// Builds of the report.
    pub builds: u64,
    pub by_step: BTreeMap<NextStep, LeftGroup>,
    /// By what the report's note says of them; `""` where it says nothing, and for the reasons beyond those that are counted apart.
    by_note: BTreeMap<String, u64>,
}

impl Remaining {
    /// Adds a row, if it is left. `reason` is what a journal says of its end.
    pub(super) fn add(&mut self, row: &Row, fate: Option<Fate>, step: NextStep, reason: &str) {
        let is_over = fate.map_or(row.deletable, Fate::is_over);
        if is_over {
            return;
        }
        self.builds += 1;
        let group = self.by_step.entry(step).or_default();
        group.builds += 1;
        if group.first.len() < LISTED {
            group.first.push(LeftBuild { row: row.clone(), fate, reason: reason.to_owned() });
        }
        // The note of a deletable build is no reason why it is left.
        let note = if row.deletable { String::new() } else { gist(&row.note) };
        let is_counted_apart = self.by_note.len() < REASONS_COUNTED || self.by_note.contains_key(&note);
        *self.by_note.entry(if is_counted_apart { note } else { String::new() }).or_default() += 1;
    }

    /// The reasons, those of most builds first.
    pub fn reasons(&self) -> Vec<(&str, u64)> {
        let mut reasons: Vec<(&str, u64)> =
            self.by_note.iter().map(|(note, builds)| (note.as_str(), *builds)).collect();
        reasons.sort_by_key(|(note, builds)| (std::cmp::Reverse(*builds), *note));
        reasons
    }
}
