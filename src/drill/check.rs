//! One thing that a drill looks at, and what came of it.

use crate::finding::Finding;
use crate::text::{escape_controls, shorten};
use crate::timing::Timing;

use super::difference::Difference;

/// How much of what was seen of a build is kept, in characters.
const EVIDENCE: usize = 500;
/// How much of a name from the database is kept, in characters.
const NAME: usize = 300;

/// What a check looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckKind {
    /// A rule, which counts the builds that it finds.
    Rule,
    /// One way in which a build or a project can differ from a baseline, which counts those that do.
    Baseline,
    /// Whether T and R can be true: it counts the builds that contradict them.
    Times,
    /// A relation of the profile, which is read or not.
    Relation,
}

impl CheckKind {
    /// Its word in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Baseline => "baseline",
            Self::Times => "times",
            Self::Relation => "relation",
        }
    }
}

/// One thing that a drill looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it looks at.
    pub kind: CheckKind,
    /// The rule's or the relation's name, or the baseline's word for what differs.
    pub name: String,
    /// What it means, in a few words; empty where nobody said.
    pub title: String,
    /// What came of it.
    pub outcome: Outcome,
}

impl Check {
    /// Whether it counts projects, as nothing else does than the comparison of their highest numbers.
    pub fn counts_projects(&self) -> bool {
        self.kind == CheckKind::Baseline && self.name == Difference::Backwards.as_str()
    }

    /// Whether it was looked at, and nothing was found.
    pub(super) fn has_found_nothing(&self) -> bool {
        match &self.outcome {
            Outcome::Counted(count) => count.found == 0,
            Outcome::Read => true,
            Outcome::NotChecked(_) | Outcome::NotNeeded(_) => false,
        }
    }
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A rule was run, or a baseline compared with, and so many builds were found, or projects.
    Counted(Count),
    /// A relation was read.
    Read,
    /// It was not looked at, and why. It must never pass for good.
    NotChecked(String),
    /// A header of the profile makes it needless, and why. It is no gap.
    NotNeeded(String),
}

/// What a rule or a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All builds that it found.
    pub found: u64,
    /// Those among them that were expected, and are not held against the restore.
    pub expected: u64,
    /// How many of the others are allowed.
    pub allowed: u64,
    /// The first of the others.
    pub first: Vec<Seen>,
}

impl Count {
    /// The builds that nobody expected.
    pub fn unexpected(&self) -> u64 {
        self.found.saturating_sub(self.expected)
    }

    /// Whether what was found is no more than is allowed.
    pub fn is_allowed(&self) -> bool {
        self.unexpected() <= self.allowed
    }
}

/// A build or a project that was found, as far as a verdict shows it. Its texts are escaped and bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its address.
    pub build_url: Option<String>,
    /// `org/project`.
    pub project: Option<String>,
    /// Its number.
    pub build_num: Option<i64>,
    /// What it did around the backup; `None` for a project.
    pub timing: Option<Timing>,
    /// What was seen, in words.
    pub evidence: String,
}

impl Seen {
    /// What a verdict shows of a finding.
    pub fn of(found: &Finding) -> Self {
        Self {
            build_url: found.build_url.as_deref().map(bounded).filter(|url| !url.is_empty()),
            project: found.project.as_deref().map(bounded),
            build_num: found.build_num,
            timing: Some(found.timing),
            evidence: shorten(&found.evidence, EVIDENCE),
        }
    }

    /// What a verdict shows of a project.
    pub(super) fn project(name: &str, evidence: String) -> Self {
        Self { build_url: None, project: Some(bounded(name)), build_num: None, timing: None, evidence }
    }

    /// What a person knows it by.
    pub fn name(&self) -> String {
        match (&self.build_url, &self.project, self.build_num) {
            (Some(url), _, _) => url.clone(),
            (None, Some(project), Some(number)) => format!("{project} {number}"),
            (None, _, Some(number)) => format!("build {number}"),
            (None, Some(project), None) if self.timing.is_none() => format!("project {project}"),
            (None, Some(project), None) => format!("a build of {project}"),
            (None, None, None) => "a build that is not there".to_owned(),
        }
    }

    /// The build or the project and what was seen of it, in one line.
    pub fn line(&self) -> String {
        let timing = self.timing.map(|timing| format!(" ({timing})")).unwrap_or_default();
        format!("{}{timing}: {}", escape_controls(&self.name()), self.evidence)
    }
}

/// A name from the database. It is escaped first, so that one that begins with a tab does not lose it.
fn bounded(text: &str) -> String {
    shorten(&escape_controls(text), NAME)
}
