//! What the reader of one kind of file gives: the backups in it, or what is wrong with it.

use crate::text::Foreign;

use super::candidate::{Candidate, Moment};
use super::error::EvidenceError;
use super::kind::EvidenceKind;
use super::written_time::TimeFault;

/// What is wrong with the time of a snapshot that is not complete. Which one was restored is not known.
pub(super) const NOT_WHOLE: &str =
    "nothing can have been restored from it yet, or ever: if it is complete by now, save it again";

/// One backup of a file, or one start of a server, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Point {
    /// The names by which it can be asked for, the best first.
    pub(super) names: Vec<String>,
    /// What it says of T and R.
    pub(super) candidates: Vec<Candidate>,
}

impl Point {
    /// A point without a name, where a file has one only.
    pub(super) fn nameless(candidates: Vec<Candidate>) -> Self {
        Self { names: Vec::new(), candidates }
    }

    /// The start of a server as one that a person named: which start is meant is no guess then.
    pub(super) fn named(mut self) -> Self {
        for known in &mut self.candidates {
            if let Moment::Guess(time) = known.moment {
                known.moment = Moment::At(time);
            }
        }
        self
    }

    /// The best of its names.
    pub(super) fn name(&self) -> Option<Foreign> {
        self.names.first().map(|name| Foreign::name(name))
    }
}

/// What is wrong with a file whose kind is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FileFault {
    /// In words that follow the name of the kind, such as `snapshot 3 has no StartTime`.
    Is(String),
    /// The zone of a time.
    Zone(String),
}

impl FileFault {
    /// The same as the error of a file of this kind.
    pub(super) fn of(self, kind: EvidenceKind) -> EvidenceError {
        match self {
            Self::Is(fault) => EvidenceError::Fault { kind, fault: Foreign::evidence(&fault) },
            Self::Zone(zone) => EvidenceError::Zone { kind, zone: Foreign::name(&zone) },
        }
    }

    /// The fault of a time that has this name.
    pub(super) fn of_time(fault: TimeFault, what: &str) -> Self {
        match fault {
            TimeFault::NoTime => Self::Is(format!("{what} is no time")),
            TimeFault::Zone(zone) => Self::Zone(zone),
        }
    }
}
