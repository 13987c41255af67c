//! What a table shows of a finding.

use jiff::Timestamp;

use crate::duration;
use crate::finding::Finding;
use crate::output::terminal::Ink;
use crate::text::Foreign;

/// The most characters of a cell.
const CELL: usize = 160;
/// The rules whose builds are stuck.
const STUCK: [&str; 2] = ["stuck-running", "stuck-queued"];

/// A build in a table.
pub(super) struct Row {
    pub(super) project: String,
    pub(super) number: String,
    pub(super) timing: &'static str,
    pub(super) is_deletable: bool,
    pub(super) reasons: Vec<String>,
    pub(super) age: String,
    pub(super) evidence: String,
}

impl Row {
    pub(super) fn of(found: &Finding, now: Timestamp) -> Self {
        Self {
            project: cell(found.project.as_deref().unwrap_or_default()),
            number: found.build_num.map(|number| number.to_string()).unwrap_or_default(),
            timing: found.timing.as_str(),
            is_deletable: found.is_deletable(),
            reasons: found.reasons.clone(),
            age: age(found, now),
            evidence: cell(&found.evidence),
        }
    }

    pub(super) fn deletable(&self) -> (Ink, &'static str) {
        if self.is_deletable { (Ink::Good, "yes") } else { (Ink::Bad, "no") }
    }
}

/// How old a build is, and what it has done since: `stuck 8 d 18 h`, `ended 3 h ago`.
fn age(found: &Finding, now: Timestamp) -> String {
    let since = |time: Timestamp| duration::in_words(now.duration_since(time));
    let seen = found.last_activity_at.or(found.started_at).or(found.queued_at);
    let is_stuck = found.reasons.iter().any(|reason| STUCK.contains(&reason.as_str()));
    match (found.stopped_at, seen) {
        (_, Some(seen)) if is_stuck => format!("stuck {}", since(seen)),
        (Some(stopped), _) => format!("ended {} ago", since(stopped)),
        (None, Some(seen)) => format!("seen {} ago", since(seen)),
        (None, None) => String::new(),
    }
}

/// Text from outside, of a usual length.
pub(super) fn cell(text: &str) -> String {
    Foreign::cut(text, CELL).into()
}
