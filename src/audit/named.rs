//! Which sessions of the journals name a build, and what the report has of the builds that each names.

/// How many sessions are distinguished. Those beyond count as one.
const SESSIONS_APART: usize = 64;

/// Some of the sessions of all journals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SessionSet(u64);

impl SessionSet {
    /// The session with this place among all.
    pub(super) fn of(place: usize) -> Self {
        Self(1 << place.min(SESSIONS_APART - 1))
    }

    /// The sessions of both.
    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The places of its sessions.
    fn places(self) -> impl Iterator<Item = usize> {
        (0..SESSIONS_APART).filter(move |place| self.0 & (1 << place) != 0)
    }
}

/// What the report has of a build that a journal names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reported {
    /// No row has its address.
    Not,
    /// A row has its address and another fingerprint than its deletion.
    InAnotherState,
    Listed,
}

/// What the report has of the builds that a session names.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Named {
    pub(super) listed: u64,
    pub(super) in_another_state: u64,
    pub(super) not_listed: u64,
}

/// The same for each session.
pub(super) struct NamedBySession([Named; SESSIONS_APART]);

impl NamedBySession {
    /// Adds up what the report has of each build, with the sessions that name it.
    pub(super) fn of(named: impl Iterator<Item = (SessionSet, Reported)>) -> Self {
        let mut counts = [Named::default(); SESSIONS_APART];
        for (sessions, reported) in named {
            for place in sessions.places() {
                let Some(count) = counts.get_mut(place) else { continue };
                match reported {
                    Reported::Listed => count.listed += 1,
                    Reported::InAnotherState => count.in_another_state += 1,
                    Reported::Not => count.not_listed += 1,
                }
            }
        }
        Self(counts)
    }

    /// What the report has of the builds that this session names.
    pub(super) fn of_session(&self, which: SessionSet) -> Named {
        which.places().filter_map(|place| self.0.get(place)).next().copied().unwrap_or_default()
    }
}
