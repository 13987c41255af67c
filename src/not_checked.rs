//! What a run did not look at, and why: decided as data, made into sentences where they are shown.

use std::fmt;

use jiff::Timestamp;

use crate::text::counted;

/// Something that a run did not look at. It must never pass for clean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotChecked {
    pub what: Unchecked,
    pub why: String,
}

/// What was not looked at. Its `Display` is a text of the JSON, JUnit and metadata formats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unchecked {
    /// A whole check of a verdict, by its name: a rule, a difference from a baseline, or times-contradicted.
    Check(String),
    /// A rule that could not be run, though it was asked for: what it reads is damaged, or it may not be read.
    FailedCheck(String),
    /// What a rule reads of steps and output besides the builds.
    RuleBesideBuilds(String),
    /// The indexes of the tables, of which one cannot be read.
    Indexes,
    /// A relation that could not be read as a whole.
    Relation(&'static str),
    /// A rule, for the builds that have neither steps nor output.
    RuleWithoutSteps(String),
    /// A rule, for steps and output whose builds do not exist.
    RuleOfMissingBuilds(String),
    /// A rule, for output whose steps do not exist.
    RuleOfMissingSteps(String),
    /// The end of the output, in so many steps.
    OutputEnds { steps: i64 },
    /// So many builds, and which.
    Builds(u64, Builds),
    /// A glob of `--project`, which fits no project.
    ProjectGlob(String),
    /// The digests of so many builds, against a baseline.
    Digests(u64),
    /// The steps, or the output, of all builds against a baseline.
    AgainstBaseline(&'static str),
    /// What a collection that has not ended would still fetch.
    RestOfCollection,
    /// The builds that were over before a collection begins.
    BuildsOverBefore(Timestamp),
    /// The builds that the user of a collection's token cannot see.
    BuildsNotFollowed,
    /// So many builds of a collection, whose documents could not be had, or cannot be read.
    DocumentsUnread(u64),
    /// So many abnormal builds of a collection, which could not be fetched again.
    BuildsNotFetched(u64),
    /// What has become of abnormal builds since they were collected.
    SinceCollected,
}

/// Which builds were not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Builds {
    /// Those of an unknown lifecycle.
    OfNoLifecycle,
    OfLifecycle(&'static str),
    WithoutProject,
    /// Those of a project whose name has bytes that are no UTF-8.
    OfOddProject,
    WaitingOrRunning,
    Finished,
    /// Those that could not be compared with a baseline.
    AgainstBaseline,
    /// Those of the baseline that it does not cover.
    OfBaseline,
    /// Those of the database that a baseline made now would not cover.
    OfDatabase,
}

impl NotChecked {
    /// A whole check of a verdict.
    pub fn check(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: Unchecked::Check(name.into()), why: why.into() }
    }

    pub fn builds(number: u64, which: Builds, why: impl Into<String>) -> Self {
        Self { what: Unchecked::Builds(number, which), why: why.into() }
    }

    pub fn is_check(&self, name: &str) -> bool {
        matches!(&self.what, Unchecked::Check(own) | Unchecked::FailedCheck(own) if own == name)
    }

    /// Whether it was tried, and the database could not be read, or what it holds was not brought to an end.
    pub fn has_failed(&self) -> bool {
        matches!(
            &self.what,
            Unchecked::FailedCheck(_)
                | Unchecked::RestOfCollection
                | Unchecked::DocumentsUnread(_)
                | Unchecked::BuildsNotFetched(_)
        )
    }
}

impl fmt::Display for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check(name) | Self::FailedCheck(name) => f.write_str(name),
            Self::RuleBesideBuilds(rule) => write!(f, "{rule} by steps and output"),
            Self::Indexes => f.write_str("indexes"),
            Self::Relation(name) => write!(f, "relation {name}"),
            Self::RuleWithoutSteps(rule) => write!(f, "{rule} of builds without steps and output"),
            Self::RuleOfMissingBuilds(rule) => write!(f, "{rule} of builds that are not there"),
            Self::RuleOfMissingSteps(rule) => write!(f, "{rule} of steps that are not there"),
            Self::OutputEnds { steps } => write!(f, "where output ends, in {steps} of the steps"),
            Self::Builds(number, which) => match which {
                Builds::OfNoLifecycle => f.write_str(&counted(*number, "build")),
                Builds::OfLifecycle(lifecycle) => write!(f, "{} of lifecycle {lifecycle}", counted(*number, "build")),
                Builds::WithoutProject => write!(f, "{} without a project", counted(*number, "build")),
                Builds::OfOddProject => {
                    write!(f, "{} of a project whose name is no UTF-8", counted(*number, "build"))
                }
                Builds::WaitingOrRunning => f.write_str(&counted(*number, "waiting or running build")),
                Builds::Finished => f.write_str(&counted(*number, "finished build")),
                Builds::AgainstBaseline => write!(f, "{} against the baseline", counted(*number, "build")),
                Builds::OfBaseline => write!(f, "{} of the baseline", counted(*number, "build")),
                Builds::OfDatabase => {
                    write!(f, "{} of this database, against the baseline", counted(*number, "build"))
                }
            },
            Self::ProjectGlob(glob) => write!(f, "--project {glob}"),
            Self::Digests(builds) => write!(f, "the digests of {}", counted(*builds, "build")),
            Self::AgainstBaseline(what) => write!(f, "{what} against the baseline"),
            Self::RestOfCollection => f.write_str("builds to which the collection has not come"),
            Self::BuildsOverBefore(since) => write!(f, "builds that were over before {since}"),
            Self::BuildsNotFollowed => f.write_str("builds of projects that are not followed"),
            Self::DocumentsUnread(number) => write!(f, "{} without a document", counted(*number, "build")),
            Self::BuildsNotFetched(number) => write!(f, "{} as now", counted(*number, "abnormal build")),
            Self::SinceCollected => f.write_str("what has become of abnormal builds since they were collected"),
        }
    }
}
