//! The builds that are left for a person, in the words of the page and of the ticket.

use crate::audit::{Fate, LeftBuild, NextStep};
use crate::report::Row;
use crate::text::Foreign;
use crate::timing::Timing;

use super::format::{builds, grouped};
use super::inputs::AuditInputs;

/// Builds that are left for the same thing to be done.
pub(super) struct LeftGroupView {
    pub(super) step: NextStep,
    pub(super) builds: String,
    pub(super) first: Vec<LeftView>,
    /// How many others there are; empty where all are shown.
    pub(super) more: String,
}

/// A build that is left.
pub(super) struct LeftView {
    /// The target of a link: only the address of a build, put together again from its parts.
    pub(super) link: Option<String>,
    /// The address as the report has it, if it is not that of a build.
    pub(super) address: Foreign,
    /// Its project and its number.
    pub(super) name: Foreign,
    pub(super) timing: Timing,
    pub(super) rules: Foreign,
    /// What became of it; empty without a journal, and where nothing was done to it.
    pub(super) outcome: &'static str,
    /// Why it is left.
    pub(super) why: Foreign,
}

impl AuditInputs {
    /// The target of a link to a build: only its address, if it is one that the profile's CI has.
    pub(super) fn link(&self, row: &Row) -> Option<String> {
        self.audit.address(row).map(|url| url.to_string())
    }

    /// The builds that are left for a person, by what is to be done, at most so many of them.
    pub(super) fn left(&self, most: usize) -> Vec<LeftGroupView> {
        let groups = &self.audit.remaining.by_step;
        let mut places = most;
        let views = groups.iter().map(|(step, group)| {
            let first: Vec<LeftView> =
                group.first.iter().take(places).map(|left| LeftView::new(left, self.link(&left.row))).collect();
            places -= first.len();
            let more = match group.builds - first.len() as u64 {
                0 => String::new(),
                more => grouped(more),
            };
            LeftGroupView { step: *step, builds: builds(group.builds), first, more }
        });
        views.collect()
    }

    /// Where not all of them are shown: what the report says of them, with the number of builds, and the number of reasons beyond
    /// `most`.
    pub(super) fn left_reasons(&self, shown: &[LeftGroupView], most: usize) -> (Vec<(String, Foreign)>, usize) {
        if shown.iter().all(|group| group.more.is_empty()) {
            return (Vec::new(), 0);
        }
        let reasons = self.audit.remaining.reasons();
        let more = reasons.len().saturating_sub(most);
        let first = reasons.into_iter().take(most);
        let named =
            first.map(|(note, builds)| (grouped(builds), Foreign::evidence(note).or("the report says nothing")));
        (named.collect(), more)
    }
}

impl LeftView {
    fn new(LeftBuild { row, fate, reason }: &LeftBuild, link: Option<String>) -> Self {
        let number = row.build_num.map(|number| number.to_string()).unwrap_or_default();
        let of_report = match row.deletable {
            true => [row.evidence.as_str(), ""],
            false => [row.note.as_str(), "the report does not say why"],
        };
        let why = [reason.as_str(), of_report[0], of_report[1]].into_iter().find(|why| !why.trim().is_empty());
        Self {
            address: match &link {
                Some(_) => Foreign::default(),
                None => Foreign::url(&row.build_url).or("no address"),
            },
            link,
            name: Foreign::new(format!("{} {number}", Foreign::name(&row.project).or("(no project)")).trim_end()),
            timing: row.timing,
            rules: Foreign::name(&row.reasons.join(", ")).or("–"),
            outcome: match fate {
                None | Some(Fate::NotChosen | Fate::NotNamed) => "",
                Some(fate) => fate.as_str(),
            },
            why: Foreign::evidence(why.unwrap_or_default()),
        }
    }
}
