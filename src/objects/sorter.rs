//! Sorts a listing of any length outside memory.

use extsort::{ExternalSorter, PushExternalSorter, SortedIterator};

use super::entry::Entry;
use super::error::ObjectsError;
use super::place::Place;

/// So many entries are sorted in memory, some 20 MB; more are written to a file of their own each time.
const IN_MEMORY: usize = 100_000;

type Order = fn(&Entry, &Entry) -> std::cmp::Ordering;

/// Takes entries in any order.
pub(super) struct Sorter<'a> {
    place: &'a Place,
    pushed: PushExternalSorter<Entry, Order>,
}

/// The entries in the order of their keys' bytes.
pub(super) struct Sorted {
    place: Place,
    entries: SortedIterator<Entry, Order>,
}

impl<'a> Sorter<'a> {
    pub(super) fn of(place: &'a Place) -> Self {
        Self { place, pushed: ExternalSorter::new().with_segment_size(IN_MEMORY).pushed_by(Entry::cmp as Order) }
    }

    pub(super) fn push(&mut self, entry: Entry) -> Result<(), ObjectsError> {
        self.pushed.push(entry).map_err(|source| ObjectsError::Sort { place: self.place.clone(), source })
    }

    pub(super) fn done(self) -> Result<Sorted, ObjectsError> {
        let place = self.place.clone();
        match self.pushed.done() {
            Ok(entries) => Ok(Sorted { place, entries }),
            Err(source) => Err(ObjectsError::Sort { place, source }),
        }
    }
}

impl Sorted {
    pub(super) fn next(&mut self) -> Result<Option<Entry>, ObjectsError> {
        let next = self.entries.next().transpose();
        next.map_err(|source| ObjectsError::Sort { place: self.place.clone(), source })
    }
}
