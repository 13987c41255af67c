//! The verdict on a restore, in one word.

use crate::exit::Exit;

/// The verdict on a restored database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was checked, and nothing abnormal was found.
    Clean,
    /// Nothing abnormal was found, but not everything was checked.
    Incomplete,
    /// What was found is allowed, or was expected.
    Allowed,
    /// More was found than is allowed, or a build that was expected was not found.
    Abnormal,
    /// There was nothing to check, or no rule to check it by.
    NothingChecked,
    /// The database, or a part of it, could not be read.
    CouldNotLook,
    Interrupted,
}

impl Verdict {
    /// The exit code of the verdict; `None` where the failure decides.
    pub(super) fn exit(self) -> Option<Exit> {
        match self {
            Self::Clean | Self::Incomplete | Self::Allowed => Some(Exit::Clean),
            Self::Abnormal => Some(Exit::Found),
            Self::NothingChecked => Some(Exit::NothingInScope),
            Self::CouldNotLook | Self::Interrupted => None,
        }
    }

    /// Its word in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Incomplete => "incomplete",
            Self::Allowed => "passed",
            Self::Abnormal => "failed",
            Self::NothingChecked => "nothing-checked",
            Self::CouldNotLook => "could-not-look",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether the database was judged: something was looked at, to the end.
    pub fn is_judged(self) -> bool {
        match self {
            Self::Clean | Self::Incomplete | Self::Allowed | Self::Abnormal => true,
            Self::NothingChecked | Self::CouldNotLook | Self::Interrupted => false,
        }
    }
}
