//! How a chosen build ends: in one state, for one reason.

use std::fmt;

/// The state in which a chosen build is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// A deletion was sent, and the build was read again and is gone.
    Deleted,
    /// It was gone before anything was sent.
    AlreadyGone,
    /// It is no longer abnormal.
    Recovered,
    /// It is no longer as the report says.
    Changed,
    /// It must not be deleted, or the server will not.
    Refused,
    /// The server tried and failed, or said that it deleted the build, which is still there.
    Failed,
    /// A deletion was sent, and its outcome is not known.
    Unknown,
    /// It was cancelled so that it can be deleted, and it was not deleted.
    Cancelled,
    /// Nothing was sent.
    NotAttempted,
}

impl State {
    /// All states, in the order in which a summary names them.
    pub const ALL: [Self; 9] = [
        Self::Deleted,
        Self::AlreadyGone,
        Self::Recovered,
        Self::Changed,
        Self::Refused,
        Self::Failed,
        Self::Unknown,
        Self::Cancelled,
        Self::NotAttempted,
    ];

    /// The word in the results.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::AlreadyGone => "already-gone",
            Self::Recovered => "recovered",
            Self::Changed => "changed",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Cancelled => "cancelled",
            Self::NotAttempted => "not-attempted",
        }
    }

    /// Whether the build is gone, by this run or before it.
    pub fn is_gone(self) -> bool {
        matches!(self, Self::Deleted | Self::AlreadyGone)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
