//! Whether all that was found is accounted for: found = deleted + kept + failed + vanished.

use std::collections::BTreeMap;

use super::fate::{Fate, FateGroup};

/// The builds of one fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub rows: u64,
    /// Those of them whose address an earlier row has as well: one deletion cannot have been two.
    pub doubles: u64,
    /// Builds that the journals name and the report does not; those that are not chosen were taken out of the report.
    pub beyond: u64,
}

/// The report beside its journals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciliation {
    /// How many builds the scan found, by the file beside the report; the rows of the report where there is none.
    pub found: u64,
    pub rows: u64,
    pub by_fate: BTreeMap<Fate, Counts>,
    /// Rows that no journal names, where the journals are not whole: whether anything was done to them is not known.
    pub unaccounted: u64,
    /// Builds that the scan found and whose rows were taken out of the report. No journal names them, and the journals are whole: they
    /// were not chosen.
    pub taken_out: u64,
}

impl Reconciliation {
    /// How many rows belong to a group. Builds that were taken out of the report were kept.
    pub fn rows_of(&self, group: FateGroup) -> u64 {
        let rows: u64 =
            self.by_fate.iter().filter(|(fate, _)| fate.group() == group).map(|(_, counts)| counts.rows).sum();
        rows + if group == FateGroup::Kept { self.taken_out } else { 0 }
    }

    /// Found less all four groups: 0 where it adds up; positive where builds that were found are not accounted for.
    pub fn missing(&self) -> i128 {
        i128::from(self.found) - FateGroup::ALL.iter().map(|group| i128::from(self.rows_of(*group))).sum::<i128>()
    }

    /// Rows that one and the same deletion is counted for, beyond the first.
    pub fn counted_twice(&self) -> u64 {
        self.by_fate.iter().filter(|(fate, _)| fate.group() != FateGroup::Kept).map(|(_, counts)| counts.doubles).sum()
    }

    /// Builds that the journals name and the report does not.
    pub fn beyond(&self) -> u64 {
        self.by_fate.iter().filter(|(fate, _)| **fate != Fate::NotChosen).map(|(_, counts)| counts.beyond).sum()
    }

    /// Builds that were deleted and that the report does not list.
    pub fn deleted_beyond(&self) -> u64 {
        let deleted = self.by_fate.iter().filter(|(fate, _)| fate.group() == FateGroup::Deleted);
        deleted.map(|(_, counts)| counts.beyond).sum()
    }

    /// Whether everything that was found is accounted for, once, and nothing else was deleted.
    pub fn adds_up(&self) -> bool {
        self.missing() == 0 && self.counted_twice() == 0 && self.deleted_beyond() == 0
    }

    /// Counts what the report lacks of what was found as taken out of it.
    pub(super) fn take_out_missing(&mut self) {
        if let Ok(taken_out @ 1..) = u64::try_from(self.missing()) {
            self.taken_out = taken_out;
            self.by_fate.entry(Fate::NotChosen).or_default().beyond = taken_out;
        }
    }

    pub(super) fn add(&mut self, fate: Fate, is_double: bool) {
        self.rows += 1;
        let counts = self.by_fate.entry(fate).or_default();
        counts.rows += 1;
        counts.doubles += u64::from(is_double);
    }
}
