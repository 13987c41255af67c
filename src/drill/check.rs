//! The checks of a verdict, and the outcome of each.

use crate::finding::Finding;
use crate::text::Foreign;
use crate::timing::Timing;

use super::difference::Difference;

/// What a check looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckKind {
    /// A rule, which counts the builds that it finds.
    Rule,
    /// One way in which a build or a project can differ from a baseline, which counts those that do.
    Baseline,
    /// Whether T and R can be true: it counts the builds that contradict them.
    Times,
    /// Whether the order of text is that by which indexes were built: it counts the collations of another version.
    Collation,
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
            Self::Collation => "collation",
            Self::Relation => "relation",
        }
    }
}

/// A check of a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub kind: CheckKind,
    /// The rule's or the relation's name, or the baseline's word for what differs.
    pub name: String,
    /// What it means, in a few words; may be empty.
    pub title: String,
    pub outcome: Outcome,
}

impl Check {
    /// Whether it counts projects, as only the comparison of their highest numbers does.
    pub fn counts_projects(&self) -> bool {
        self.kind == CheckKind::Baseline && self.name == Difference::Backwards.as_str()
    }

    /// Whether it counts builds, of which the first are named.
    pub fn names_builds(&self) -> bool {
        !matches!(self.kind, CheckKind::Times | CheckKind::Collation)
    }

    /// Whether it was looked at, and nothing was found.
    pub(super) fn has_found_nothing(&self) -> bool {
        match &self.outcome {
            Outcome::Counted(count) => count.found == 0,
            Outcome::Read => true,
            Outcome::NotChecked(_) | Outcome::Failed(_) | Outcome::NotNeeded(_) => false,
        }
    }
}

/// The outcome of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// So many builds or projects were found.
    Counted(Count),
    Read,
    /// It was not looked at, and why. It must never count as passed.
    NotChecked(String),
    /// It was tried, and the database could not be read: why. It must never count as passed.
    Failed(String),
    /// A header of the profile makes it needless, and why. That is no gap.
    NotNeeded(String),
}

/// What a rule or a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All that were found.
    pub found: u64,
    /// Those among them that were expected. They do not count against the restore.
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

/// A build or a project that was found, as a verdict shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub build_url: Option<Foreign>,
    pub project: Option<Foreign>,
    pub build_num: Option<i64>,
    /// What it did around the backup; `None` for a project.
    pub timing: Option<Timing>,
    pub evidence: Foreign,
}

impl Seen {
    /// What a verdict shows of a finding.
    pub fn of(found: &Finding) -> Self {
        Self {
            build_url: found.build_url.as_deref().map(bounded).filter(|url| !url.is_empty()),
            project: found.project.as_deref().map(bounded),
            build_num: found.build_num,
            timing: Some(found.timing),
            evidence: Foreign::evidence(&found.evidence),
        }
    }

    /// What a verdict shows of a project.
    pub(super) fn project(name: &str, evidence: String) -> Self {
        Self {
            build_url: None,
            project: Some(bounded(name)),
            build_num: None,
            timing: None,
            evidence: Foreign::new(&evidence),
        }
    }

    /// What a person knows it by.
    pub fn name(&self) -> String {
        match (&self.build_url, &self.project, self.build_num) {
            (Some(url), _, _) => url.to_string(),
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
        format!("{}{timing}: {}", self.name(), self.evidence)
    }
}

/// A name from the database. It is escaped first, so that one that begins with a tab does not lose it.
fn bounded(text: &str) -> Foreign {
    Foreign::url(Foreign::new(text).as_str())
}
