//! What a scan is busy with.

use std::fmt;

use crate::text::counted;

/// What a scan is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The server checks the profile and the rules.
    Checking,
    /// Something could not be read: each relation is read alone, to find out which.
    Unread,
    /// All builds are compared with T and R.
    Premise,
    /// Builds are counted.
    Builds,
    /// The steps of so many builds are counted.
    Steps(u64),
    /// The output of so many steps is added up.
    Output(u64),
    /// So many builds are checked one by one.
    Suspects(u64),
    /// The rules are run and the findings are read.
    Findings,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checking => f.write_str("checking the profile and the rules"),
            Self::Unread => f.write_str("finding out what cannot be read"),
            Self::Premise => f.write_str("comparing all builds with the two times"),
            Self::Builds => f.write_str("counting builds"),
            Self::Steps(builds) => write!(f, "counting the steps of {}", counted(*builds, "build")),
            Self::Output(steps) => write!(f, "adding up the output of {}", counted(*steps, "step")),
            Self::Suspects(builds) => write!(f, "taking a closer look at {}", counted(*builds, "build")),
            Self::Findings => f.write_str("reading what was found"),
        }
    }
}
