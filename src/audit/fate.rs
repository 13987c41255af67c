//! What the journals say of each build, and the four groups in which that is counted.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::Timestamp;

use crate::build_url::BuildUrl;
use crate::deletion::journal::{Past, PastBuild};
use crate::state::State;

use super::named::{Reported, SessionSet};

/// What became of a build, by the journals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It ended in this state.
    Ended(State),
    /// A deletion was announced, and no result is on record.
    Open,
    /// No run chose it: the journals are whole, and none of them names it.
    NotChosen,
    /// No journal that counts names it, and the journals are not whole.
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
        State::ALL.into_iter().map(Self::Ended).chain([Self::Open, Self::NotChosen, Self::NotNamed])
    }

    /// The group it belongs to: each fate to one.
    pub fn group(self) -> FateGroup {
        match self {
            Self::Ended(State::Deleted) => FateGroup::Deleted,
            Self::Ended(State::AlreadyGone) => FateGroup::Vanished,
            Self::Ended(State::Failed | State::Unknown | State::Cancelled) | Self::Open => FateGroup::Failed,
            Self::Ended(State::Recovered | State::Changed | State::Refused | State::NotAttempted) => FateGroup::Kept,
            Self::NotChosen | Self::NotNamed => FateGroup::Kept,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ended(state) => state.as_str(),
            Self::Open => "no result",
            Self::NotChosen => "not chosen",
            Self::NotNamed => "not named",
        }
    }

    /// Whether nothing is left to do: it is gone, or it is whole.
    pub fn is_over(self) -> bool {
        match self.group() {
            FateGroup::Deleted | FateGroup::Vanished => true,
            FateGroup::Kept | FateGroup::Failed => self == Self::Ended(State::Recovered),
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
            Self::Ended(State::Cancelled) => "it was cancelled so that it can be deleted, and it was not deleted",
            Self::Ended(State::NotAttempted) => "the run ended before anything was sent",
            Self::Open => "a deletion was announced, and no result is on record",
            Self::NotChosen => "no run chose it, so nothing was done to it",
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
    /// Whether a build that no journal names was not chosen.
    are_whole: bool,
}

/// Deletions before the scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DeletedBefore {
    /// Builds that were deleted and are not in the report.
    pub(super) deleted: u64,
    /// Builds that were deleted and are in the report all the same; no later journal names them.
    pub(super) back: u64,
}

/// What the journals say of one row of the report.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowFate<'a> {
    pub(super) fate: Fate,
    /// Whether an earlier row has the same address.
    pub(super) is_double: bool,
    /// Whether a run deleted it, and a later one found it there again: the journal cannot continue with it.
    pub(super) is_back: bool,
    /// Why it ended so, where a journal says it.
    pub(super) reason: &'a str,
}

#[derive(Clone, Debug)]
struct BuildFate {
    at: Timestamp,
    fate: Fate,
    /// Whether a deletion may have been sent that may have done something.
    may_be_sent: bool,
    /// Whether its deletion had been proved, and it is there again.
    is_back: bool,
    /// Why it ended so; empty where it is gone.
    reason: String,
    /// The digest of its state when its deletion was announced.
    fingerprint: Option<u128>,
    /// The sessions that name it.
    sessions: SessionSet,
    reported: Reported,
}

impl Fates {
    /// Of the builds that a scan at this time found.
    pub(super) fn since(scanned_at: Option<Timestamp>) -> Self {
        Self { scanned_at, ..Self::default() }
    }

    /// Ends the journals. `are_whole` if a build that none of them names was not chosen.
    pub(super) fn with_all_journals(self, are_whole: bool) -> Self {
        Self { are_whole, ..self }
    }

    /// Adds a journal whose sessions began at these times. Where several journals name one build, the latest counts, with two
    /// exceptions: a deleted build stays deleted where it is found gone later, and a build whose deletion may have been sent was
    /// deleted if it is found gone later.
    pub(super) fn add(&mut self, past: &Past, sessions: &[(Timestamp, SessionSet)]) {
        let by = |at: Timestamp| {
            let session = sessions.iter().rev().find(|(began, _)| *began <= at).or(sessions.first());
            session.map(|(_, set)| *set).unwrap_or_default()
        };
        let fingerprint = |url: &str| past.identities.get(url).and_then(|identity| parsed(&identity.fingerprint));
        for (url, build) in &past.builds {
            let (at, fate, reason) = match build {
                PastBuild::Ended { at, state, reason } => {
                    (*at, Fate::Ended(*state), if state.is_gone() { "" } else { reason.as_str() })
                }
                PastBuild::Open { at } | PastBuild::Answered { at, .. } | PastBuild::Looked { at, .. } => {
                    (*at, Fate::Open, "")
                }
            };
            let may_be_sent = past.may_be_sent(url) || matches!(build, PastBuild::Open { .. });
            let (reason, fingerprint, sessions) = (reason.to_owned(), fingerprint(url), by(at));
            let (is_back, reported) = (false, Reported::Not);
            self.note(url, BuildFate { at, fate, may_be_sent, is_back, reason, fingerprint, sessions, reported });
        }
        for (url, (at, state)) in &past.kept {
            let (fate, may_be_sent, sessions) = (Fate::Ended(*state), past.may_be_sent(url), by(*at));
            let (reason, fingerprint, reported) = (String::new(), None, Reported::Not);
            // A plan keeps no other build as failed.
            let is_back = *state == State::Failed;
            self.note(url, BuildFate { at: *at, fate, may_be_sent, is_back, reason, fingerprint, sessions, reported });
        }
    }

    fn note(&mut self, url: &str, noted: BuildFate) {
        let is_before = self.scanned_at.is_some_and(|scanned_at| noted.at < scanned_at);
        let fates = if is_before { &mut self.before } else { &mut self.since };
        let before = match fates.entry(url.to_owned()) {
            Entry::Vacant(place) => {
                place.insert(noted);
                return;
            }
            Entry::Occupied(place) => place.into_mut(),
        };
        let sessions = before.sessions.and(noted.sessions);
        let (early, late) = if before.at <= noted.at { (before.clone(), noted) } else { (noted, before.clone()) };
        let fingerprint = late.fingerprint.or(early.fingerprint);
        let seen_gone = late.fate == Fate::Ended(State::AlreadyGone);
        let was_deleted = early.fate == Fate::Ended(State::Deleted);
        let fate = match seen_gone {
            true if was_deleted => early,
            true if early.may_be_sent => BuildFate { fate: Fate::Ended(State::Deleted), may_be_sent: false, ..late },
            _ => BuildFate { may_be_sent: early.may_be_sent || late.may_be_sent, ..late },
        };
        *before = BuildFate { fingerprint, sessions, ..fate };
    }

    /// What the journals say of the build with this address and this fingerprint.
    pub(super) fn of(&mut self, url_text: &str, fingerprint: &str) -> RowFate<'_> {
        let name = BuildUrl::parse_in_any_form(url_text).map_or_else(|_| url_text.to_owned(), |url| url.to_string());
        if let Some(known) = self.before.get_mut(&name) {
            known.reported = Reported::Listed;
        }
        let Some(known) = self.since.get_mut(&name) else {
            let fate = if self.are_whole { Fate::NotChosen } else { Fate::NotNamed };
            return RowFate { fate, is_double: false, is_back: false, reason: "" };
        };
        let is_double = known.reported != Reported::Not;
        // What was never sent has no fingerprint in a journal.
        let was_sent = matches!(known.fate.group(), FateGroup::Deleted | FateGroup::Failed);
        if known.fingerprint.map_or(!was_sent, |before| parsed(fingerprint) == Some(before)) {
            known.reported = Reported::Listed;
        } else if !is_double {
            known.reported = Reported::InAnotherState;
        }
        RowFate { fate: known.fate, is_double, is_back: known.is_back, reason: &known.reason }
    }

    /// The builds that no row has, with their fates.
    pub(super) fn beyond_the_report(&self) -> impl Iterator<Item = (&str, Fate)> {
        let beyond = self.since.iter().filter(|(_, known)| known.reported == Reported::Not);
        beyond.map(|(url, known)| (url.as_str(), known.fate))
    }

    /// What the report has of each build that is named since the scan, with the sessions that name it.
    pub(super) fn named(&self) -> impl Iterator<Item = (SessionSet, Reported)> {
        self.since.values().map(|known| (known.sessions, known.reported))
    }

    pub(super) fn deleted_before(&self) -> DeletedBefore {
        let mut before = DeletedBefore::default();
        for (url, known) in self.before.iter().filter(|(_, known)| known.fate == Fate::Ended(State::Deleted)) {
            let is_reported = known.reported != Reported::Not;
            before.deleted += u64::from(!is_reported);
            before.back += u64::from(is_reported && !self.since.contains_key(url));
        }
        before
    }
}

/// A fingerprint as a number: 32 hexadecimal digits.
fn parsed(fingerprint: &str) -> Option<u128> {
    u128::from_str_radix(fingerprint, 16).ok()
}
