//! What a comparison counted, by kinds of files and the first folders of their keys.

use std::collections::BTreeMap;

use crate::text::{Foreign, counted};

use super::place::Place;

/// So many files of a kind or a folder are missing before it is asked whether the whole is.
const WHOLE: u64 = 20;
/// So many folders are counted apart; the rest is one more.
const FOLDERS: usize = 1000;

/// Stands for the folders beyond. A folder's own name has a slash at its end.
const OTHERS: &str = "*";

/// Files that belong together: those of one kind below one folder.
pub(super) type Group = usize;

/// What was counted of one kind of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindTally {
    /// Files that should be stored.
    pub judged: u64,
    /// Of these, files that are stored.
    pub found: u64,
    /// Files of builds that did not stop early enough to say.
    pub not_judged: u64,
    /// Files that are not stored, and may have been deleted on purpose.
    pub expired: u64,
}

/// Files of which none is stored: the place is wrong, or lost as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absent {
    pub files: u64,
    /// Their kind; empty where it has no name.
    pub kind: String,
    /// The first folder of their keys with its slash, where only that one is absent; empty for keys without one.
    pub folder: Option<String>,
    pub place: Place,
}

impl Absent {
    /// What is absent, and what may be the reason.
    pub fn in_words(&self) -> String {
        format!("none of {} is in {}: is the volume mounted? is this the bucket?", self.what(), self.place)
    }

    /// What is absent, such as `5123 files of kind artifact below logs/`.
    fn what(&self) -> String {
        let Self { files, kind, folder, .. } = self;
        let below = match folder.as_deref() {
            None => String::new(),
            Some("") => " below no folder".to_owned(),
            Some(OTHERS) => " below other folders".to_owned(),
            Some(folder) => format!(" below {}", Foreign::name(folder)),
        };
        format!("{} of kind {}{below}", counted(*files, "file"), Foreign::name(kind))
    }
}

/// The counts of a comparison.
#[derive(Debug, Default)]
pub(super) struct Tally {
    groups: Vec<(String, String, KindTally)>,
    places: BTreeMap<(String, String), Group>,
}

impl Tally {
    /// The group of a file, and its counts.
    pub(super) fn of(&mut self, kind: &str, key: &str) -> (Group, &mut KindTally) {
        let folder = key.split_once('/').map(|(folder, _)| format!("{folder}/"));
        let mut name = (kind.to_owned(), folder.unwrap_or_default());
        if self.places.len() >= FOLDERS && !self.places.contains_key(&name) {
            name.1 = OTHERS.to_owned();
        }
        let groups = &mut self.groups;
        let group = *self.places.entry(name.clone()).or_insert_with(|| {
            groups.push((name.0, name.1, KindTally::default()));
            groups.len() - 1
        });
        (group, &mut groups[group].2)
    }

    /// The counts by kind.
    pub(super) fn by_kind(&self) -> BTreeMap<String, KindTally> {
        let mut kinds = BTreeMap::<String, KindTally>::new();
        for (kind, _, tally) in &self.groups {
            let sum = kinds.entry(kind.clone()).or_default();
            sum.judged += tally.judged;
            sum.found += tally.found;
            sum.not_judged += tally.not_judged;
            sum.expired += tally.expired;
        }
        kinds
    }

    /// The kinds and folders of which nothing is stored.
    pub(super) fn absent(&self, place: &Place) -> Vec<Absent> {
        // What may have been deleted on purpose is none of what is missed, but one that is there would show that the place is right.
        let is_absent =
            |tally: &KindTally| tally.found == 0 && tally.judged > 0 && tally.judged + tally.expired >= WHOLE;
        let whole: Vec<(String, u64)> = self
            .by_kind()
            .into_iter()
            .filter(|(_, tally)| is_absent(tally))
            .map(|(kind, tally)| (kind, tally.judged))
            .collect();
        let folders = self
            .groups
            .iter()
            .filter(|(kind, _, tally)| is_absent(tally) && !whole.iter().any(|(absent, _)| absent == kind));
        let folders = folders.map(|(kind, folder, tally)| (tally.judged, kind.clone(), Some(folder.clone())));
        let kinds = whole.iter().map(|(kind, files)| (*files, kind.clone(), None));
        kinds.chain(folders).map(|(files, kind, folder)| Absent { files, kind, folder, place: place.clone() }).collect()
    }

    /// Whether a group is among what is absent as a whole.
    pub(super) fn is_of(&self, group: Group, absent: &[Absent]) -> bool {
        let Some((kind, folder, _)) = self.groups.get(group) else { return false };
        absent
            .iter()
            .any(|absent| absent.kind == *kind && (absent.folder.as_ref().is_none_or(|absent| absent == folder)))
    }
}
