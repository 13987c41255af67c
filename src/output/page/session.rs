//! One session of a journal, in the words of the audit page and of `journal verify`.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::deletion::journal::Session;
use crate::state::State;
use crate::text::{Foreign, counted};

pub(super) struct SessionFact {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) sha256: Option<String>,
}

/// All facts of a session, in order. `is_last` if no other session follows in the journal.
pub(super) fn facts(session: &Session, is_last: bool, time: impl Fn(Timestamp) -> String) -> Vec<SessionFact> {
    let text = |text: &str| String::from(Foreign::url(text).or("?"));
    let fact = |name, value| SessionFact { name, value, sha256: None };
    let start = &session.start;
    let system = start.database.system_identifier.as_deref().map_or("unknown".to_owned(), text);
    let restore_time = |time: &Option<String>| time.as_deref().map_or_else(|| "not given".to_owned(), text);
    let archived = if session.archived > 0 { format!(", {} archived", session.archived) } else { String::new() };
    let chosen_by = match start.chosen_by.is_empty() {
        true => String::new(),
        false => format!(", chosen by {}", Foreign::evidence(&start.chosen_by.join(" "))),
    };
    let before = match session.deleted_before {
        0 => String::new(),
        all if all == start.kept => " (deleted before)".to_owned(),
        some => format!(" ({some} deleted before)"),
    };
    let end = match &session.end {
        Some((at, end)) if end.text.is_empty() => format!("{}: {}", time(*at), end.ending.as_str()),
        Some((at, end)) => format!("{}: {}: {}", time(*at), end.ending.as_str(), Foreign::evidence(&end.text)),
        None if is_last => format!("none: it was killed after {}, or is still running", time(session.last_at)),
        None => format!("none: it was killed after {}", time(session.last_at)),
    };
    let (announced, results) = (counted(session.intents, "deletion"), tally(&session.results));
    let mut facts = vec![
        fact(
            "by",
            format!("{} on {}, process {}, {}", text(&start.user), text(&start.machine), start.pid, text(&start.tool)),
        ),
        fact("host", format!("{} through {}", text(&start.host), text(&start.admin))),
        fact("database", format!("{}, system {system}", text(&start.database.name))),
        fact("backup", format!("{}, restored {}", restore_time(&start.backup_time), restore_time(&start.restored_at))),
        SessionFact {
            name: "report",
            value: format!("{}{chosen_by}", text(&start.report.file)),
            sha256: Some(text(&start.report.sha256)),
        },
        SessionFact {
            name: "plan",
            value: format!("{}, {} not to be sent{before}", counted(start.deletions, "deletion"), start.kept),
            sha256: Some(text(&start.plan)),
        },
    ];
    if !start.allowed.is_empty() {
        let allowed = Foreign::evidence(&start.allowed.join(", ")).to_string();
        facts.push(fact("gates", format!("allowed by flags: {allowed}")));
    }
    facts.extend([fact("done", format!("{announced} announced{archived}; results: {results}")), fact("end", end)]);
    facts
}

/// The builds by state: `44 deleted, 1 failed`.
pub(super) fn tally(states: &BTreeMap<State, u64>) -> String {
    match states.is_empty() {
        true => "none".to_owned(),
        false => states.iter().map(|(state, builds)| format!("{builds} {state}")).collect::<Vec<_>>().join(", "),
    }
}
