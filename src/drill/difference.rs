//! What a comparison with a baseline counts.

use crate::baseline_reason::BaselineReason;

/// What a comparison with a baseline counts. Each is a check of its own, and `--allow` knows its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Builds that differ in this way.
    Build(BaselineReason),
    /// Projects whose highest number is lower than it was.
    Backwards,
}

impl Difference {
    pub const ALL: [Self; 4] = [
        Self::Build(BaselineReason::Lost),
        Self::Build(BaselineReason::Changed),
        Self::Build(BaselineReason::Extra),
        Self::Backwards,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Build(reason) => reason.as_str(),
            Self::Backwards => "baseline-backwards",
        }
    }

    /// `None` where the name is a rule's.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }

    /// What it means, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Build(BaselineReason::Lost) => "a build of the baseline is not in the database",
            Self::Build(BaselineReason::Changed) => "a build is not as it is in the baseline",
            Self::Build(BaselineReason::Extra) => "a build was over by then, and is not in the baseline",
            Self::Backwards => "the highest build number of a project is lower than it was",
        }
    }
}
