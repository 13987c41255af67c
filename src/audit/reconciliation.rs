//! Whether all that was found is accounted for: found = deleted + kept + failed + vanished.

use std::collections::BTreeMap;

use super::fate::{Fate, FateGroup};

/// The builds of one fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub rows: u64,
    /// Those of them whose address an earlier row has as well: one deletion cannot have been two.
    pub doubles: u64,
    /// Builds that the journals name and the report does not.
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
}

impl Reconciliation {
    /// How many rows belong to a group.
    pub fn rows_of(&self, group: FateGroup) -> u64 {
        self.by_fate.iter().filter(|(fate, _)| fate.group() == group).map(|(_, counts)| counts.rows).sum()
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
        self.by_fate.values().map(|counts| counts.beyond).sum()
    }

    /// Whether everything that was found is accounted for, once.
    pub fn adds_up(&self) -> bool {
        self.missing() == 0 && self.counted_twice() == 0
    }

    pub(super) fn add(&mut self, fate: Fate, is_double: bool) {
        self.rows += 1;
        let counts = self.by_fate.entry(fate).or_default();
        counts.rows += 1;
        counts.doubles += u64::from(is_double);
    }
}
