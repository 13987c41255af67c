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

/// The builds that are gone, that were not chosen, and for which nothing was sent, by project, most of them first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss(Vec<ProjectLoss>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct ProjectLoss {
    /// Its name; `None` stands for builds without one.
    project: Option<String>,
    /// How many of its builds are gone, without those that were chosen and went by themselves.
    gone: u64,
    /// For how many of its builds a deletion was sent.
    sent: u64,
    /// How many of these are still there.
    there: u64,
}

impl ProjectLoss {
    fn builds(&self) -> u64 {
        (self.gone + self.there).saturating_sub(self.sent)
    }
}

impl Loss {
    /// How many builds are gone that were not sent.
    pub fn builds(&self) -> u64 {
        self.0.iter().map(ProjectLoss::builds).sum()
    }

    /// What is gone, and what was sent.
    pub fn fact(&self) -> String {
        let sum = |of: fn(&ProjectLoss) -> u64| self.0.iter().map(of).sum::<u64>();
        let (gone, sent, there) = (sum(|lost| lost.gone), sum(|lost| lost.sent), sum(|lost| lost.there));
        let of_what = match self.0.as_slice() {
            [only] => of_project(only.project.as_deref()),
            several => format!("of {} projects", several.len()),
        };
        let builds = |gone| format!("{} {of_what} {} gone", counted(gone, "build"), is_or_are(gone));
        let mut fact = match (sent, there) {
            (0, _) => format!("{} and no deletion was sent", builds(gone)),
            (_, 0) => format!("{} and only {} {} sent", builds(gone), counted(sent, "deletion"), was_or_were(sent)),
            _ => {
                let (were, are) = (was_or_were(there), is_or_are(there));
                format!(
                    "{} that {} not sent, and {there} that {were} sent {are} still there",
                    builds(self.builds()),
                    was_or_were(self.builds())
                )
            }
        };
        if self.0.len() > 1 {
            let one = |lost: &ProjectLoss| {
                let project = lost.project.as_deref().map_or_else(|| "no project".to_owned(), name);
                let there = if lost.there > 0 { format!(", {} still there", lost.there) } else { String::new() };
                format!("{project}: {} gone, {} sent{there}", lost.gone, lost.sent)
            };
            let mut listed: Vec<String> = self.0.iter().take(PROJECTS_LISTED).map(one).collect();
            if let Some(more) = self.0.len().checked_sub(PROJECTS_LISTED).filter(|more| *more > 0) {
                listed.push(format!("and {more} more"));
            }
            fact = format!("{fact} ({})", listed.join("; "));
        }
        fact
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: does the server delete others along (parents, children), or did its own retention or somebody else delete them?",
            self.fact()
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
    /// For how many of them a deletion was sent, whatever was answered.
    sent: u64,
    /// How many of these are gone, or may be.
    sent_and_gone: u64,
    /// How many were chosen and went before anything was sent for them.
    gone: u64,
}

/// Keeps count of what a run sends and of what is gone, in the projects of the builds that its plan deletes. What was counted before the
/// first deletion is in memory alone: where a run is killed before it has compared and has written its end, the next one takes what is
/// left for all that was there.
pub(super) struct Collateral<'a> {
    projects: BTreeSet<Option<String>>,
    /// How many more builds may be gone than were sent.
    allowed: u64,
    /// What was there before the first deletion.
    before: Option<ProjectCounts>,
    /// Whether nothing is counted any more, since it cannot be.
    is_off: bool,
    accounted: BTreeMap<Option<String>, Accounted>,
    /// The builds for which a deletion was sent: a list may hold one twice.
    sent: HashSet<&'a BuildUrl>,
    /// The builds that are accounted for, since they are gone, or may be.
    known: HashSet<&'a BuildUrl>,
    /// The builds that were sent, read again, and still there.
    still_there: Vec<&'a Planned>,
    /// How many requests were written.
    requests: u64,
    /// How many had been written when the builds were counted last.
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
            sent: HashSet::new(),
            known: HashSet::new(),
            still_there: Vec::new(),
            requests: 0,
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
        self.before.is_some() && !self.is_off && self.requests > 0
    }

    /// How many deletions may be sent before the builds are counted again.
    pub(super) fn sends_left(&self) -> usize {
        match self.before.is_some() && !self.is_off {
            true => {
                (DELETIONS_BETWEEN_COUNTS - self.requests % DELETIONS_BETWEEN_COUNTS).try_into().unwrap_or(usize::MAX)
            }
            false => usize::MAX,
        }
    }

    /// Whether the builds have to be counted again: after the first request, and after so many.
    pub(super) fn is_due(&self) -> bool {
        let is_first = self.counted_at == 0 && self.requests > 0;
        is_first || self.requests / DELETIONS_BETWEEN_COUNTS > self.counted_at / DELETIONS_BETWEEN_COUNTS
    }

    pub(super) fn begin(&mut self, before: ProjectCounts) {
        self.before = Some(before);
    }

    /// Nothing is counted from now on.
    pub(super) fn give_up(&mut self) {
        self.is_off = true;
    }

    /// A deletion of this build was sent. Whatever was answered, it may have done something, to this build or to others.
    pub(super) fn add_sent(&mut self, planned: &'a Planned) {
        self.requests += 1;
        if planned.chosen.url.as_ref().is_some_and(|url| self.sent.insert(url)) {
            self.of(planned).sent += 1;
        }
    }

    /// This build of the plan is gone, or may be. Whoever deleted it, nothing is lost that was not chosen.
    pub(super) fn add_gone(&mut self, planned: &'a Planned) {
        // What was gone before the first count is not missing in a later one.
        let Some(url) = planned.chosen.url.as_ref() else { return };
        if self.before.is_none() || !planned.is_deletion() || !self.known.insert(url) {
            return;
        }
        match self.sent.contains(url) {
            true => self.of(planned).sent_and_gone += 1,
            false => self.of(planned).gone += 1,
        }
    }

    /// This build was sent, read again, and is still there: it stands for no other that is gone. It may go later.
    pub(super) fn add_still_there(&mut self, planned: &'a Planned) {
        self.still_there.push(planned);
    }

    /// This build was gone and is there again.
    pub(super) fn take_back(&mut self, planned: &'a Planned) {
        if planned.chosen.url.as_ref().is_some_and(|url| self.known.remove(url)) {
            let accounted = self.of(planned);
            accounted.sent_and_gone = accounted.sent_and_gone.saturating_sub(1);
        }
    }

    /// The builds that were sent and were still there when they were read last.
    pub(super) fn still_there(&self) -> Vec<&'a Planned> {
        let is_known = |planned: &Planned| planned.chosen.url.as_ref().is_some_and(|url| self.known.contains(url));
        self.still_there.iter().copied().filter(|planned| !is_known(planned)).collect()
    }

    fn of(&mut self, planned: &Planned) -> &mut Accounted {
        self.accounted.entry(planned.project.clone()).or_default()
    }

    /// The builds that are gone and not accounted for; `None` where there is none.
    pub(super) fn loss(&mut self, now: &ProjectCounts) -> Option<Loss> {
        self.counted_at = self.requests;
        let before = self.before.as_ref()?;
        let missing = |(project, before): (&Option<String>, &ProjectCount)| {
            let now = now.get(project).copied().unwrap_or_default();
            let Accounted { sent, sent_and_gone, gone } = self.accounted.get(project).copied().unwrap_or_default();
            let lost = ProjectLoss {
                project: project.clone(),
                gone: gone_since(*before, now).saturating_sub(gone),
                sent,
                there: sent.saturating_sub(sent_and_gone),
            };
            (lost.builds() > 0).then_some(lost)
        };
        let mut lost: Vec<ProjectLoss> = before.iter().filter_map(missing).collect();
        lost.sort_by_key(|lost| std::cmp::Reverse(lost.builds()));
        (!lost.is_empty()).then_some(Loss(lost))
    }

    /// Whether more builds are lost than are allowed.
    pub(super) fn is_too_much(&self, loss: &Loss) -> bool {
        loss.builds() > self.allowed
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
        ProjectLoss { project: project.map(str::to_owned), gone, sent, there: 0 }
    }

    fn with_there(lost: ProjectLoss, there: u64) -> ProjectLoss {
        ProjectLoss { there, ..lost }
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
            (
                vec![with_there(lost(Some("acme/api"), 1, 1), 1)],
                "1 build of acme/api is gone that was not sent, and 1 that was sent is still there",
            ),
            (
                vec![with_there(lost(Some("acme/api"), 3, 3), 2), lost(None, 1, 0)],
                "3 builds of 2 projects are gone that were not sent, and 2 that were sent are still there \
                 (acme/api: 3 gone, 3 sent, 2 still there; no project: 1 gone, 0 sent)",
            ),
        ] {
            assert_eq!(Loss(lost).to_string(), format!("{expected}{question}"));
        }
        let many = Loss((0..7).map(|_| lost(Some("x"), 1, 0)).collect()).to_string();
        assert!(many.contains("x: 1 gone, 0 sent; and 2 more)"), "{many}");
    }
}
