//! What one source says of T or R.

use std::fmt;

use jiff::Timestamp;

use crate::text::Foreign;

/// Which of the two times is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RestoreTime {
    /// T, when the backup was taken.
    Backup,
    /// R, when the restored server came back.
    Restored,
}

impl RestoreTime {
    /// The letter that stands for it.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Backup => "T",
            Self::Restored => "R",
        }
    }

    /// The flag that takes it.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Backup => "--backup-time",
            Self::Restored => "--restored-at",
        }
    }
}

/// A time, and how exact it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It was then.
    At(Timestamp),
    /// The last transaction that the backup holds. T is not before it, and nothing that is in the backup is later.
    LastCommit(Timestamp),
    /// It was in this interval.
    Within {
        /// The begin.
        begin: Timestamp,
        /// The end, which is taken for the time.
        end: Timestamp,
    },
    /// It was then, or later: which of the two, whoever took the backup knows.
    OrLater(Timestamp),
    /// It was not before this.
    NotBefore(Timestamp),
    /// It was not after this.
    NotAfter(Timestamp),
    /// It may have been then.
    Guess(Timestamp),
}

impl Moment {
    /// The time that is shown first; of an interval, its end.
    pub fn time(self) -> Timestamp {
        match self {
            Self::At(time)
            | Self::LastCommit(time)
            | Self::Within { end: time, .. }
            | Self::OrLater(time)
            | Self::NotBefore(time)
            | Self::NotAfter(time)
            | Self::Guess(time) => time,
        }
    }

    /// The begin of an interval.
    pub fn begin(self) -> Option<Timestamp> {
        match self {
            Self::Within { begin, .. } => Some(begin),
            _ => None,
        }
    }

    /// The time that may be taken for T; `None` for a bound and a guess.
    pub fn usable(self) -> Option<Timestamp> {
        match self {
            Self::At(time) | Self::LastCommit(time) | Self::Within { end: time, .. } | Self::OrLater(time) => {
                Some(time)
            }
            Self::NotBefore(_) | Self::NotAfter(_) | Self::Guess(_) => None,
        }
    }

    /// The word for how exact it is, for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::At(_) => "exact",
            Self::LastCommit(_) => "last-commit",
            Self::Within { .. } => "interval",
            Self::OrLater(_) => "or-later",
            Self::NotBefore(_) => "not-before",
            Self::NotAfter(_) => "not-after",
            Self::Guess(_) => "guess",
        }
    }
}

/// The time, and how exact it is, in words.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => write!(f, "{time}"),
            Self::LastCommit(time) => write!(f, "{time}, the last transaction that the backup holds"),
            Self::Within { begin, end } => write!(f, "{end}, the end of an interval that begins at {begin}"),
            Self::OrLater(time) => write!(f, "{time}, or later"),
            Self::NotBefore(time) => write!(f, "not before {time}"),
            Self::NotAfter(time) => write!(f, "not after {time}"),
            Self::Guess(time) => write!(f, "perhaps {time}, a guess"),
        }
    }
}

/// What one source says of T or R.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// T or R.
    pub which: RestoreTime,
    /// The time, and how exact it is.
    pub moment: Moment,
    /// Who says so, such as `EBS snapshot snap-1 of volume vol-2`.
    pub source: Foreign,
    /// What may be wrong with it, in one sentence.
    pub trap: Foreign,
}

impl Candidate {
    /// A candidate for T.
    pub(super) fn backup(moment: Moment, source: &str, trap: &str) -> Self {
        Self::new(RestoreTime::Backup, moment, source, trap)
    }

    /// A candidate for R.
    pub(super) fn restored(moment: Moment, source: &str, trap: &str) -> Self {
        Self::new(RestoreTime::Restored, moment, source, trap)
    }

    fn new(which: RestoreTime, moment: Moment, source: &str, trap: &str) -> Self {
        Self { which, moment, source: Foreign::new(source), trap: Foreign::new(trap) }
    }

    /// The same with the name of its file.
    #[must_use]
    pub(super) fn in_file(self, file: &str) -> Self {
        Self { source: Foreign::new(&format!("{} in {}", self.source, Foreign::url(file))), ..self }
    }
}

/// One line: what the time is, who says so, and what to beware of.
impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, by {}; {}", self.which.letter(), self.moment, self.source, self.trap)
    }
}
