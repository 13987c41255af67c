//! Relations that came back empty, as a whole or in part: what all builds say about what is not there.

use std::fmt;

use jiff::Timestamp;

use crate::text::counted;

/// The rule for builds that lost a relation with others, and the check that counts relations without a row too.
pub(crate) const RELATION_EMPTY: &str = "relation-empty";

/// What a database holds of a build, in one of its relations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The builds themselves.
    Builds,
    /// Their steps.
    Steps,
    /// Their output.
    Output,
}

/// A relation that has no row where it should have many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmptyRelation {
    pub held: Held,
    /// How many builds that were over by the backup should have such rows, and have none; `None` where the relation has no row at all.
    pub of_old_builds: Option<u64>,
}

impl fmt::Display for EmptyRelation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.held, self.of_old_builds) {
            (Held::Builds, _) => f.write_str("no build at all is on record, though steps or output are"),
            (Held::Steps, None) => f.write_str("no step at all is on record"),
            (Held::Output, None) => f.write_str("no piece of output is stored at all"),
            (Held::Steps, Some(builds)) => {
                write!(f, "no step is on record of {} from before the backup", counted(builds, "build"))
            }
            (Held::Output, Some(builds)) => {
                write!(f, "no piece of output is stored of {} from before the backup", counted(builds, "build"))
            }
        }
    }
}

/// What the CI itself expires by the age of the build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub held: Held,
    /// When the first build started that still has it.
    pub since: Timestamp,
    /// How many builds before have none.
    pub builds: u64,
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let builds = counted(self.builds, "older build");
        let have = if self.builds == 1 { "has" } else { "have" };
        match self.held {
            Held::Output => {
                write!(f, "output is kept since {}: {builds} {have} none, by this CI's own retention?", self.since)
            }
            Held::Steps | Held::Builds => {
                write!(f, "steps are kept since {}: {builds} {have} none, by this CI's own retention?", self.since)
            }
        }
    }
}

/// What is lost of one relation, as the settings of the rules hold it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LossesOf {
    /// The projects, stretches of time and status words, as the server writes an array of texts; empty where there are none.
    pub names: String,
    /// When the first build that has such rows started, and when the first of these stopped, as the server writes an array of times;
    /// empty without a retention.
    pub kept_since: String,
}

/// All that is lost of whole relations, projects and stretches of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// The relations that have no row where they should have many.
    pub empty: Vec<EmptyRelation>,
    /// What the CI expires by age.
    pub retentions: Vec<Retention>,
    pub steps: LossesOf,
    pub output: LossesOf,
}

impl Losses {
    /// Whether the rule relation-empty can find a build.
    pub fn are_of_builds(&self) -> bool {
        [&self.steps, &self.output].iter().any(|losses| !["", "{}"].contains(&losses.names.as_str()))
    }

    /// What stands against believing a rule that reads such a relation.
    pub fn of(&self, held: Held) -> Option<&EmptyRelation> {
        self.empty.iter().find(|relation| relation.held == held)
    }
}
