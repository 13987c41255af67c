//! The rows of the full table. All text in them is foreign.

use jiff::Timestamp;

use crate::audit::{Fate, FateGroup};
use crate::report::Row;
use crate::text::Foreign;
use crate::timing::Timing;

use super::super::format::signed;

pub(super) struct RowView {
    /// The target of a link: only the address of a build, put together again from its parts.
    pub(super) link: Option<String>,
    /// The address as the report has it, if it is not that of a build.
    pub(super) address: Foreign,
    pub(super) project: Foreign,
    pub(super) number: String,
    pub(super) lifecycle: Foreign,
    pub(super) status: Foreign,
    pub(super) timing: Timing,
    pub(super) reasons: Vec<Foreign>,
    pub(super) evidence: Foreign,
    /// Date and time of day, in UTC.
    pub(super) times: [Option<(String, String)>; 4],
    pub(super) steps: String,
    pub(super) unfinished: String,
    pub(super) expected: String,
    pub(super) stored: String,
    pub(super) deletable: bool,
    pub(super) note: Foreign,
    pub(super) fate: Option<Fate>,
    pub(super) fingerprint: Foreign,
}

impl RowView {
    pub(super) fn new(row: &Row, link: Option<String>, fate: Option<Fate>) -> Self {
        let number = |number: Option<i64>| number.map_or_else(|| "–".to_owned(), signed);
        let address = match &link {
            Some(_) => Foreign::default(),
            None => Foreign::url(&row.build_url).or("no address"),
        };
        Self {
            link,
            address,
            project: Foreign::name(&row.project).or("(no project)"),
            number: row.build_num.map_or_else(|| "–".to_owned(), |number| number.to_string()),
            lifecycle: Foreign::name(&row.lifecycle).or("–"),
            status: Foreign::name(&row.status).or("–"),
            timing: row.timing,
            reasons: row.reasons.iter().map(|reason| Foreign::name(reason).or("–")).collect(),
            evidence: Foreign::evidence(&row.evidence).or("–"),
            times: [row.queued_at, row.started_at, row.stopped_at, row.last_activity_at].map(short),
            steps: number(row.steps),
            unfinished: number(row.steps_unfinished),
            expected: number(row.output_expected),
            stored: number(row.output_stored),
            deletable: row.deletable,
            note: Foreign::evidence(&row.note),
            fate,
            fingerprint: Foreign::name(&row.fingerprint).or("–"),
        }
    }

    /// The class of its fate in the style sheet.
    pub(super) fn part(&self) -> &'static str {
        match self.fate.map(Fate::group) {
            Some(FateGroup::Deleted) => "deleted",
            Some(FateGroup::Kept) => "kept",
            Some(FateGroup::Failed) => "failed",
            Some(FateGroup::Vanished) => "vanished",
            None => "",
        }
    }
}

fn short(at: Option<Timestamp>) -> Option<(String, String)> {
    at.map(|at| (at.strftime("%Y-%m-%d").to_string(), at.strftime("%H:%M:%S").to_string()))
}
