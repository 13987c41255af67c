//! What the journals say of each build, and the four groups in which that is counted.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::Timestamp;

use crate::build_url::BuildUrl;
use crate::deletion::journal::{Past, PastBuild};
use crate::state::State;

/// What became of a build, by the journals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It ended in this state.
    Ended(State),
    /// A deletion was announced, and no result is on record.
    Open,
    /// No journal that counts names it.
    NotNamed,
}

/// The four groups in which fates are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FateGroup {
    /// Deleted, read again and gone.
    Deleted,
    /// Nothing was done to it, or no journal names it.
    Kept,
    /// A deletion failed, or its outcome is not known.
    Failed,
    /// It was gone before anything was sent.
    Vanished,
}

impl Fate {
    /// All fates, in the order in which a table shows them.
    pub fn all() -> impl Iterator<Item = Self> {
        State::ALL.into_iter().map(Self::Ended).chain([Self::Open, Self::NotNamed])
    }

    /// The group it belongs to: each fate to one.
    pub fn group(self) -> FateGroup {
        match self {
            Self::Ended(State::Deleted) => FateGroup::Deleted,
            Self::Ended(State::AlreadyGone) => FateGroup::Vanished,
            Self::Ended(State::Failed | State::Unknown) | Self::Open => FateGroup::Failed,
            Self::Ended(State::Recovered | State::Changed | State::Refused | State::NotAttempted) => FateGroup::Kept,
            Self::NotNamed => FateGroup::Kept,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ended(state) => state.as_str(),
            Self::Open => "no result",
            Self::NotNamed => "not named",
        }
    }

    pub fn explained(self) -> &'static str {
        match self {
            Self::Ended(State::Deleted) => "a deletion was sent; read again and gone",
            Self::Ended(State::AlreadyGone) => "it was gone before anything was sent",
            Self::Ended(State::Recovered) => "it was not abnormal any more",
            Self::Ended(State::Changed) => "it was not as the report says any more",
            Self::Ended(State::Refused) => "it must not be deleted, or the server would not",
            Self::Ended(State::Failed) => "the server tried and failed, or the build is still there",
            Self::Ended(State::Unknown) => "a deletion was sent, and its outcome is not known",
            Self::Ended(State::NotAttempted) => "the run ended before anything was sent",
            Self::Open => "a deletion was announced, and no result is on record",
            Self::NotNamed => "no journal that counts names it",
        }
    }
}

impl FateGroup {
    /// All groups, in the order in which they are added up.
    pub const ALL: [Self; 4] = [Self::Deleted, Self::Kept, Self::Failed, Self::Vanished];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Kept => "kept",
            Self::Failed => "failed or unknown",
            Self::Vanished => "vanished",
        }
    }
}

/// The fate of each build that the journals name.
#[derive(Clone, Debug, Default)]
pub(super) struct Fates {
    /// When the scan was, where that is known.
    scanned_at: Option<Timestamp>,
    /// By address, since the scan.
    since: HashMap<String, BuildFate>,
    /// By address, before the scan: it says nothing of what the scan found.
    before: HashMap<String, BuildFate>,
}

/// Deletions before the scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DeletedBefore {
    /// Builds that were deleted and are not in the report.
    pub(super) deleted: u64,
    /// Builds that were deleted and are in the report all the same; no later journal names them.
    pub(super) back: u64,
}

#[derive(Clone, Copy, Debug)]
struct BuildFate {
    at: Timestamp,
    fate: Fate,
    /// Whether a deletion may have been sent that may have done something.
    may_be_sent: bool,
    /// Whether a row of the report has its address.
    reported: bool,
}

impl Fates {
    /// Of the builds that a scan at this time found.
    pub(super) fn since(scanned_at: Option<Timestamp>) -> Self {
        Self { scanned_at, ..Self::default() }
    }

    /// Adds a journal. Where several name one build, the latest counts, with two exceptions: a deleted build stays deleted where it
    /// is found gone later, and a build whose deletion may have been sent was deleted if it is found gone later.
    pub(super) fn add(&mut self, past: &Past) {
        for (url, build) in &past.builds {
            let (at, fate) = match build {
                PastBuild::Ended { at, state, .. } => (*at, Fate::Ended(*state)),
                PastBuild::Open { at } | PastBuild::Answered { at, .. } | PastBuild::Looked { at, .. } => {
                    (*at, Fate::Open)
                }
            };
            let may_be_sent = past.may_be_sent(url) || matches!(build, PastBuild::Open { .. });
            self.note(url, BuildFate { at, fate, may_be_sent, reported: false });
        }
        for (url, (at, state)) in &past.kept {
            let (fate, may_be_sent) = (Fate::Ended(*state), past.may_be_sent(url));
            self.note(url, BuildFate { at: *at, fate, may_be_sent, reported: false });
        }
    }

    fn note(&mut self, url: &str, noted: BuildFate) {
        let is_before = self.scanned_at.is_some_and(|scanned_at| noted.at < scanned_at);
        let fates = if is_before { &mut self.before } else { &mut self.since };
        match fates.entry(url.to_owned()) {
            Entry::Vacant(place) => drop(place.insert(noted)),
            Entry::Occupied(mut place) => {
                let (early, late) =
                    if place.get().at <= noted.at { (*place.get(), noted) } else { (noted, *place.get()) };
                let seen_gone = late.fate == Fate::Ended(State::AlreadyGone);
                let was_deleted = early.fate == Fate::Ended(State::Deleted);
                place.insert(match seen_gone {
                    true if was_deleted => early,
                    true if early.may_be_sent => {
                        BuildFate { fate: Fate::Ended(State::Deleted), may_be_sent: false, ..late }
                    }
                    _ => BuildFate { may_be_sent: early.may_be_sent || late.may_be_sent, ..late },
                });
            }
        }
    }

    /// The fate of the build with this address, and whether an earlier row had the address too.
    pub(super) fn of(&mut self, url_text: &str) -> (Fate, bool) {
        let name = BuildUrl::parse(url_text).map_or_else(|_| url_text.to_owned(), |url| url.to_string());
        if let Some(known) = self.before.get_mut(&name) {
            known.reported = true;
        }
        match self.since.get_mut(&name) {
            None => (Fate::NotNamed, false),
            Some(known) => (known.fate, std::mem::replace(&mut known.reported, true)),
        }
    }

    /// The fates of the builds that no row has.
    pub(super) fn beyond_the_report(&self) -> impl Iterator<Item = Fate> {
        self.since.values().filter(|known| !known.reported).map(|known| known.fate)
    }

    pub(super) fn deleted_before(&self) -> DeletedBefore {
        let mut before = DeletedBefore::default();
        for (url, known) in self.before.iter().filter(|(_, known)| known.fate == Fate::Ended(State::Deleted)) {
            before.deleted += u64::from(!known.reported);
            before.back += u64::from(known.reported && !self.since.contains_key(url));
        }
        before
    }
}
