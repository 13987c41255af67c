//! What a comparison with a baseline comes to beside the builds that differ: how much was compared, and what became of projects.

use crate::text::{counted, escape_controls, shorten};

use super::check::{Count, Seen};

/// How many projects are named of those that are gone, new, or went backwards.
const SHOWN: usize = 20;
/// As much of a project's name is shown, in characters.
const NAME_SHOWN: usize = 100;

/// What a comparison comes to beside the builds that differ.
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
    /// Those among them that are not there, and are so old that retention may have deleted them.
    pub retired: u64,
    /// Lost builds of which nobody can tell whether retention has deleted them.
    pub undecided: u64,
    /// Projects that are not there any more, with their builds in the manifest.
    pub gone: Vec<(String, u64)>,
    /// Projects that the manifest does not know, with their builds.
    pub new: Vec<(String, u64)>,
    /// Projects whose highest number is lower than it was.
    pub backwards: Vec<Backwards>,
}

/// A project whose highest number is lower than it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backwards {
    /// Its name.
    pub project: String,
    /// What its highest number was.
    pub was: i64,
    /// What it is; `None` where no build has one.
    pub is: Option<i64>,
}

impl ComparisonTotals {
    /// How many builds were compared. One that retention may have deleted, and that is not there, tells nothing.
    pub fn compared(&self) -> u64 {
        self.builds.saturating_sub(self.retired)
    }

    /// Why nothing was compared; `None` where something was.
    pub(super) fn nothing(&self) -> Option<&'static str> {
        match (self.compared(), self.retired) {
            (0, 0) => Some("the baseline has no build in scope"),
            (0, _) => Some("retention may have deleted every build of the baseline that is in scope"),
            _ => None,
        }
    }

    /// The projects whose numbers went backwards, counted as builds are.
    pub fn count(&self) -> Count {
        let first = self.backwards.iter().take(SHOWN).map(|project| Seen::project(&project.project, project.words()));
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
        format!("the highest was {}, and {is}; the next build may get a number that was given before", self.was)
    }
}

fn of(project: &str) -> String {
    format!("project {}", shorten(&escape_controls(project), NAME_SHOWN))
}

fn bounded(lines: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = lines.len().saturating_sub(SHOWN);
    let more = (more > 0).then(|| format!("and so with {}", counted(more as u64, "more project")));
    lines.take(SHOWN).chain(more).collect()
}
