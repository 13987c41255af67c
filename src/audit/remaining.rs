//! What is left for a person: the builds that the report calls not deletable and that still exist.

use std::collections::BTreeMap;

use crate::obstacle::gist;
use crate::report::Row;

use super::fate::{Fate, FateGroup};

/// Different reasons that are counted apart: a report may say anything.
const REASONS_COUNTED: usize = 100;

/// The builds that are left for a person, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remaining {
    pub builds: u64,
    /// By what the report's note says of them; `""` where it says nothing, and for the reasons beyond those that are counted apart.
    by_note: BTreeMap<String, u64>,
}

impl Remaining {
    pub(super) fn add(&mut self, row: &Row, fate: Option<Fate>) {
        let is_gone = fate.is_some_and(|fate| matches!(fate.group(), FateGroup::Deleted | FateGroup::Vanished));
        if row.deletable || is_gone {
            return;
        }
        self.builds += 1;
        let note = gist(&row.note);
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
