//! The totals of a comparison with a baseline: how much was compared, and what became of projects.

use crate::text::{Foreign, counted};

use super::check::{Count, Seen};

/// Projects that are listed of those that are gone, new, or went backwards.
const PROJECTS_LISTED: usize = 20;

/// The totals of a comparison with a baseline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComparisonTotals {
    /// Builds of the manifest in scope, all of which were looked for.
    pub builds: u64,
    /// Their projects.
    pub projects: u64,
    /// Their ranges.
    pub ranges: u64,
    /// Ranges that had to be compared build by build.
    pub ranges_differ: u64,
    /// Missing builds that are so old that retention may have deleted them. They do not count as lost.
    pub retired: u64,
    /// Lost builds that retention may have deleted: when they were over is not known exactly enough.
    pub undecided: u64,
    /// Projects that are in the manifest and not in the database, with their builds.
    pub gone: Vec<(String, u64)>,
    /// Projects that are in the database and not in the manifest, with their builds.
    pub new: Vec<(String, u64)>,
    /// Projects whose highest number is lower than it was.
    pub backwards: Vec<Backwards>,
}

/// A project whose highest number is lower than it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backwards {
    pub project: String,
    /// The highest number in the manifest.
    pub was: i64,
    /// The highest number in the database; `None` where no build has one.
    pub is: Option<i64>,
}

impl ComparisonTotals {
    /// How many builds were compared. A missing build that retention may have deleted is not one of them.
    pub fn compared(&self) -> u64 {
        self.builds.saturating_sub(self.retired)
    }

    /// Why nothing was compared; `None` where something was.
    pub(super) fn why_nothing(&self) -> Option<&'static str> {
        match (self.compared(), self.retired) {
            (0, 0) => Some("the baseline has no build in scope"),
            (0, _) => Some("retention may have deleted every build of the baseline that is in scope"),
            _ => None,
        }
    }

    /// The projects whose numbers went backwards, counted as builds are.
    pub fn count(&self) -> Count {
        let first =
            self.backwards.iter().take(PROJECTS_LISTED).map(|project| Seen::project(&project.project, project.words()));
        Count { found: self.backwards.len() as u64, first: first.collect(), ..Count::default() }
    }

    /// The projects that are gone and those that are new, a line each.
    pub fn come_and_gone(&self) -> Vec<String> {
        let gone =
            self.gone.iter().map(|(name, builds)| format!("{} is gone: {}", of(name), counted(*builds, "build")));
        let new = self.new.iter();
        let new =
            new.map(|(name, builds)| format!("{} is not in the baseline: {}", of(name), counted(*builds, "build")));
        bounded(gone).into_iter().chain(bounded(new)).collect()
    }

    /// The projects whose numbers went backwards, a line each.
    pub fn went_backwards(&self) -> Vec<String> {
        let lines = self.backwards.iter();
        bounded(lines.map(|found| format!("NUMBERS WENT BACKWARDS in {}: {}", of(&found.project), found.words())))
    }
}

impl Backwards {
    fn words(&self) -> String {
        let is = self.is.map_or_else(|| "it has none now".to_owned(), |is| format!("it is {is} now"));
        format!("the highest was {}, and {is}; the next build may get a number that was used before", self.was)
    }
}

fn of(project: &str) -> String {
    format!("project {}", Foreign::name(project))
}

fn bounded(lines: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = lines.len().saturating_sub(PROJECTS_LISTED);
    let more = (more > 0).then(|| format!("and {}", counted(more as u64, "more project")));
    lines.take(PROJECTS_LISTED).chain(more).collect()
}
