//! How a build can differ from a baseline: the reasons in a report that no rule gives.

use std::fmt;

/// How a build differs from a baseline. It stands among the `reasons` of a report, and `--allow` knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BaselineReason {
    /// The manifest has the build, and the database has not.
    Lost,
    /// Both have it, and it is not the same.
    Changed,
    /// It was over by T, and the manifest does not have it.
    Extra,
}

impl BaselineReason {
    pub const ALL: [Self; 3] = [Self::Lost, Self::Changed, Self::Extra];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "baseline-lost",
            Self::Changed => "baseline-changed",
            Self::Extra => "baseline-extra",
        }
    }

    /// `None` where the reason is a rule's.
    pub fn parse(reason: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == reason)
    }
}

impl fmt::Display for BaselineReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
