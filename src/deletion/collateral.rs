//! Notices that more builds are gone than a run has sent: a server may delete others along, by its own foreign keys for example.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use crate::build_url::BuildUrl;
use crate::scan::{ProjectCount, ProjectCounts};
use crate::text::{Foreign, counted, is_or_are, was_or_were};

use super::plan::Planned;

/// How many projects of a loss are listed.
const PROJECTS_LISTED: usize = 5;
/// After how many deletions the builds are counted again.
const DELETIONS_BETWEEN_COUNTS: u64 = 1000;

/// What a count of the builds came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Count {
    /// How many builds each project has.
    Builds(ProjectCounts),
    /// They cannot be counted, or their number says nothing, and why.
    NotChecked(String),
}

/// The builds that are gone and were neither sent nor chosen, by project, most of them first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss(Vec<ProjectLoss>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct ProjectLoss {
    /// Its name; `None` stands for builds without one.
    project: Option<String>,
    /// How many of its builds are gone, without those that were chosen and went by themselves.
    gone: u64,
    /// For how many of its builds a deletion was sent that may have taken effect.
    sent: u64,
}

impl Loss {
    /// How many builds are gone that were not sent.
    pub fn builds(&self) -> u64 {
        self.0.iter().map(|lost| lost.gone - lost.sent).sum()
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gone: u64 = self.0.iter().map(|lost| lost.gone).sum();
        let sent: u64 = self.0.iter().map(|lost| lost.sent).sum();
        let of_what = match self.0.as_slice() {
            [only] => of_project(only.project.as_deref()),
            several => format!("of {} projects", several.len()),
        };
        write!(f, "{} {of_what} {} gone and ", counted(gone, "build"), is_or_are(gone))?;
        match sent {
            0 => f.write_str("no deletion was sent")?,
            _ => write!(f, "only {} {} sent", counted(sent, "deletion"), was_or_were(sent))?,
        }
        if self.0.len() > 1 {
            let one = |lost: &ProjectLoss| {
                let project = lost.project.as_deref().map_or_else(|| "no project".to_owned(), name);
                format!("{project}: {} gone, {} sent", lost.gone, lost.sent)
            };
            let mut listed: Vec<String> = self.0.iter().take(PROJECTS_LISTED).map(one).collect();
            if let Some(more) = self.0.len().checked_sub(PROJECTS_LISTED).filter(|more| *more > 0) {
                listed.push(format!("and {more} more"));
            }
            write!(f, " ({})", listed.join("; "))?;
        }
        f.write_str(
            ": does the server delete others along (parents, children), or did its own retention or somebody else delete them?",
        )
    }
}

fn name(project: &str) -> String {
    Foreign::name(project).to_string()
}

fn of_project(project: Option<&str>) -> String {
    project.map_or_else(|| "without a project".to_owned(), |project| format!("of {}", name(project)))
}

/// What a run knows of the builds of a project that it deletes.
#[derive(Clone, Copy, Debug, Default)]
struct Accounted {
    /// For how many of them a deletion was sent that may have taken effect.
    sent: u64,
    /// How many were chosen and were gone before anything was sent for them.
    gone: u64,
}

/// Keeps count of what a run sends and of what is gone, in the projects of the builds that its plan deletes.
pub(super) struct Collateral<'a> {
    projects: BTreeSet<Option<String>>,
    /// How many more builds may be gone than were sent.
    allowed: u64,
    /// What was there before the first deletion.
    before: Option<ProjectCounts>,
    /// Whether nothing is counted any more, since it cannot be.
    is_off: bool,
    accounted: BTreeMap<Option<String>, Accounted>,
    /// The builds that are accounted for: a list may hold one twice.
    known: HashSet<&'a BuildUrl>,
    sent: u64,
    /// How many had been sent when the builds were counted last.
    counted_at: u64,
}

impl<'a> Collateral<'a> {
    pub(super) fn new(plan: &[Planned], allowed: u64) -> Self {
        let deletions = plan.iter().filter(|planned| planned.is_deletion());
        Self {
            projects: deletions.map(|planned| planned.project.clone()).collect(),
            allowed,
            before: None,
            is_off: false,
            accounted: BTreeMap::new(),
            known: HashSet::new(),
            sent: 0,
            counted_at: 0,
        }
    }

    /// The projects whose builds are counted.
    pub(super) fn projects(&self) -> &BTreeSet<Option<String>> {
        &self.projects
    }

    /// Whether the builds have to be counted before anything is sent.
    pub(super) fn needs_first_count(&self) -> bool {
        self.before.is_none() && !self.is_off
    }

    /// Whether a later count can show anything.
    pub(super) fn can_compare(&self) -> bool {
        self.before.is_some() && !self.is_off && self.sent > 0
    }

    /// How many deletions may be sent before the builds are counted again.
    pub(super) fn sends_left(&self) -> usize {
        match self.before.is_some() && !self.is_off {
            true => (DELETIONS_BETWEEN_COUNTS - self.sent % DELETIONS_BETWEEN_COUNTS).try_into().unwrap_or(usize::MAX),
            false => usize::MAX,
        }
    }

    /// Whether so many deletions were sent that the builds have to be counted again.
    pub(super) fn is_due(&self) -> bool {
        self.sent / DELETIONS_BETWEEN_COUNTS > self.counted_at / DELETIONS_BETWEEN_COUNTS
    }

    pub(super) fn begin(&mut self, before: ProjectCounts) {
        self.before = Some(before);
    }

    /// Nothing is counted from now on.
    pub(super) fn give_up(&mut self) {
        self.is_off = true;
    }

    /// A deletion of this build was sent that may have taken effect, or may yet.
    pub(super) fn add_sent(&mut self, planned: &'a Planned) {
        self.sent += 1;
        if self.is_new(planned) {
            self.accounted.entry(planned.project.clone()).or_default().sent += 1;
        }
    }

    /// This build of the plan is gone. Whoever deleted it, nothing is lost that was not chosen.
    pub(super) fn add_gone(&mut self, planned: &'a Planned) {
        // What was gone before the first count is not missing in a later one.
        if self.before.is_some() && planned.is_deletion() && self.is_new(planned) {
            self.accounted.entry(planned.project.clone()).or_default().gone += 1;
        }
    }

    fn is_new(&mut self, planned: &'a Planned) -> bool {
        planned.chosen.url.as_ref().is_none_or(|url| self.known.insert(url))
    }

    /// More builds than are allowed that are gone and not accounted for.
    pub(super) fn loss(&mut self, now: &ProjectCounts) -> Option<Loss> {
        self.counted_at = self.sent;
        let before = self.before.as_ref()?;
        let missing = |(project, before): (&Option<String>, &ProjectCount)| {
            let now = now.get(project).copied().unwrap_or_default();
            let Accounted { sent, gone } = self.accounted.get(project).copied().unwrap_or_default();
            let lost =
                ProjectLoss { project: project.clone(), gone: gone_since(*before, now).saturating_sub(gone), sent };
            (lost.gone > lost.sent).then_some(lost)
        };
        let mut lost: Vec<ProjectLoss> = before.iter().filter_map(missing).collect();
        lost.sort_by_key(|lost| std::cmp::Reverse(lost.gone - lost.sent));
        let loss = Loss(lost);
        (loss.builds() > self.allowed).then_some(loss)
    }
}

/// How many builds of a project are gone, as far as that is certain.
fn gone_since(before: ProjectCount, now: ProjectCount) -> u64 {
    let all = |count: ProjectCount| count.earlier + count.without_time;
    // A build that waited without any time on record, and has started since, is not gone.
    let got_a_time = now.later.saturating_sub(before.later).min(before.without_time.saturating_sub(now.without_time));
    all(before).saturating_sub(all(now)).saturating_sub(got_a_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(earlier: u64, later: u64, without_time: u64) -> ProjectCount {
        ProjectCount { earlier, later, without_time }
    }

    #[test]
    fn what_came_later_hides_no_loss() {
        assert_eq!(gone_since(count(10, 0, 0), count(8, 5, 0)), 2);
        assert_eq!(gone_since(count(10, 3, 0), count(10, 0, 0)), 0);
        assert_eq!(gone_since(count(10, 0, 0), count(12, 0, 0)), 0);
    }

    #[test]
    fn a_build_that_starts_is_not_gone() {
        // Two of three that waited without a time have started, and the third is gone; then they had none all along.
        assert_eq!(gone_since(count(10, 0, 3), count(10, 2, 0)), 1);
        assert_eq!(gone_since(count(10, 0, 3), count(10, 0, 0)), 3);
        // One that was queued and has lost its time.
        assert_eq!(gone_since(count(10, 0, 0), count(9, 0, 1)), 0);
        // What started does not stand for one that had a time.
        assert_eq!(gone_since(count(10, 0, 0), count(9, 1, 0)), 1);
    }

    fn lost(project: Option<&str>, gone: u64, sent: u64) -> ProjectLoss {
        ProjectLoss { project: project.map(str::to_owned), gone, sent }
    }

    #[test]
    fn a_loss_names_its_projects() {
        let question = ": does the server delete others along (parents, children), or did its own retention or somebody else delete them?";
        for (lost, expected) in [
            (vec![lost(Some("acme/api"), 3, 1)], "3 builds of acme/api are gone and only 1 deletion was sent"),
            (vec![lost(Some("a\n"), 1, 0)], "1 build of a is gone and no deletion was sent"),
            (vec![lost(None, 5, 2)], "5 builds without a project are gone and only 2 deletions were sent"),
            (
                vec![lost(Some("acme/api"), 3, 1), lost(None, 1, 0)],
                "4 builds of 2 projects are gone and only 1 deletion was sent (acme/api: 3 gone, 1 sent; no project: 1 gone, 0 sent)",
            ),
        ] {
            assert_eq!(Loss(lost).to_string(), format!("{expected}{question}"));
        }
        let many = Loss((0..7).map(|_| lost(Some("x"), 1, 0)).collect()).to_string();
        assert!(many.contains("x: 1 gone, 0 sent; and 2 more)"), "{many}");
    }
}
