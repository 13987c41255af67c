//! What is to happen with each chosen build, and why. Undecided is never deleted.

use crate::finding::Finding;
use crate::report::{Chosen, Judged};
use crate::state::State;
use crate::timing::Timing;

/// What the database says of a chosen build when it is read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// There is no such build.
    Gone,
    /// There is no build with this address, but one with its project and number under another.
    Elsewhere(String),
    /// There is more than one build with this address.
    Several(usize),
    /// There it is.
    There(Box<Finding>),
}

/// What is to happen with a chosen build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is to be deleted, for this reason.
    Delete(String),
    /// It is kept, and this is how it ends.
    Keep(State, String),
}

/// A chosen build and what is to happen with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The build.
    pub chosen: Chosen,
    /// What is to happen.
    pub decision: Decision,
}

impl Planned {
    /// Whether it is to be deleted.
    pub fn is_deletion(&self) -> bool {
        matches!(self.decision, Decision::Delete(_))
    }

    /// How it ends, where it is kept.
    pub fn kept_as(&self) -> Option<State> {
        match self.decision {
            Decision::Delete(_) => None,
            Decision::Keep(state, _) => Some(state),
        }
    }
}

/// Decides on one chosen build by what was reported and what is there now. `rules` are those that were run now.
pub fn plan(chosen: &Chosen, now: &Reading, rules: &[&str]) -> Decision {
    use Decision::{Delete, Keep};
    if let Some(why) = chosen.judged.as_ref().and_then(forbidden) {
        return Keep(State::Refused, why);
    }
    if chosen.url.is_none() {
        return Keep(State::Refused, "it has no URL of a build".to_owned());
    }
    let now = match now {
        Reading::Gone => return Keep(State::AlreadyGone, "no build in the database has this URL".to_owned()),
        Reading::Elsewhere(url) => return Keep(State::Refused, format!("the database knows this build as {url}")),
        Reading::Several(builds) => return Keep(State::Refused, format!("{builds} builds have this URL")),
        Reading::There(now) => now,
    };
    // To be recovered takes more than that no rule fires: each rule that fired must have been run again.
    let not_run = chosen.reasons.iter().find(|reason| !rules.contains(&reason.as_str()));
    match (now.reasons.is_empty(), not_run) {
        (true, None) if unchanged(chosen, now) => {
            let why = "it is as it was, and no rule fires on it: is --backup-time that of the scan?";
            return Keep(State::Refused, why.to_owned());
        }
        (true, None) => return Keep(State::Recovered, "no rule fires on it any more".to_owned()),
        (true, Some(rule)) => {
            let hint = "give --backup-time, --profile and --rules as for the scan";
            return Keep(State::Refused, format!("rule {rule} could not be run again: {hint}"));
        }
        (false, _) => {}
    }
    match &chosen.judged {
        Some(_) if !unchanged(chosen, now) => {
            Keep(State::Changed, format!("it has changed since the report; now: {}", now.evidence))
        }
        judged => {
            let known = judged.as_ref().map(|judged| judged.timing);
            // A report's own timing stands where this run was told no backup time.
            let timing = match (now.timing, known) {
                (Timing::Unknown, Some(known)) => known,
                (timing, _) => timing,
            };
            if now.shares_its_name {
                return Keep(State::Refused, format!("another build has its number or its address: {}", now.evidence));
            }
            if !timing.is_deletable() {
                return Keep(State::Refused, format!("timing {timing}: {}", timing.explained()));
            }
            Delete(format!("{timing}: {}", now.evidence))
        }
    }
}

/// Whether a build is as the report says.
fn unchanged(chosen: &Chosen, now: &Finding) -> bool {
    chosen.judged.as_ref().is_some_and(|judged| judged.fingerprint == now.fingerprint)
}

/// Why a build must not be deleted by what the report says of it.
fn forbidden(judged: &Judged) -> Option<String> {
    let timing = judged.timing;
    match (judged.deletable, timing.is_deletable()) {
        (true, true) => None,
        (_, false) => Some(format!("timing {timing}: {}", timing.explained())),
        (false, true) => Some("the report says that it is not deletable".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build_url::BuildUrl;

    const URL: &str = "https://ci.example.com/gh/acme/api/12";

    fn chosen(judged: Option<(Timing, bool, &str)>) -> Chosen {
        let judged = judged.map(|(timing, deletable, fingerprint)| Judged {
            timing,
            deletable,
            fingerprint: fingerprint.to_owned(),
        });
        Chosen {
            line: 2,
            url_text: URL.to_owned(),
            url: BuildUrl::parse(URL).ok(),
            project: Some("acme/api".to_owned()),
            reasons: vec!["stuck-running".to_owned()],
            judged,
        }
    }

    fn there(timing: Timing, reasons: &[&str], fingerprint: &str) -> Reading {
        Reading::There(Box::new(Finding {
            key: String::new(),
            build_url: Some(URL.to_owned()),
            project: Some("acme/api".to_owned()),
            build_num: Some(12),
            lifecycle: Some("running".to_owned()),
            status: Some("running".to_owned()),
            queued_at: None,
            started_at: None,
            stopped_at: None,
            last_activity_at: None,
            timing,
            reasons: reasons.iter().map(ToString::to_string).collect(),
            evidence: reasons.join("; "),
            steps: None,
            steps_unfinished: None,
            output_expected: None,
            output_stored: None,
            shares_its_name: false,
            deletable: timing.is_deletable(),
            fingerprint: fingerprint.to_owned(),
        }))
    }

    fn state(chosen: &Chosen, now: &Reading) -> Option<State> {
        match plan(chosen, now, &["stuck-running", "output-gap"]) {
            Decision::Delete(_) => None,
            Decision::Keep(state, _) => Some(state),
        }
    }

    #[test]
    fn an_unchanged_abnormal_build_is_deleted() {
        let row = chosen(Some((Timing::InFlight, true, "f1")));
        assert_eq!(state(&row, &there(Timing::InFlight, &["stuck-running"], "f1")), None);
        // This run was told no backup time, so its own timing says nothing; the report's stands.
        assert_eq!(state(&row, &there(Timing::Unknown, &["stuck-running"], "f1")), None);
    }

    #[test]
    fn what_the_report_forbids_is_never_deleted() {
        let now = there(Timing::InFlight, &["stuck-running"], "f1");
        for judged in [
            (Timing::InFlight, false, "f1"),
            (Timing::AfterRestore, true, "f1"),
            (Timing::Between, true, "f1"),
            (Timing::Unknown, true, "f1"),
        ] {
            assert_eq!(state(&chosen(Some(judged)), &now), Some(State::Refused), "{judged:?}");
        }
    }

    #[test]
    fn what_is_not_as_it_was_is_not_deleted() {
        let row = chosen(Some((Timing::InFlight, true, "f1")));
        assert_eq!(state(&row, &Reading::Gone), Some(State::AlreadyGone));
        assert_eq!(state(&row, &there(Timing::Ended, &["output-gap"], "f2")), Some(State::Changed));
        assert_eq!(state(&row, &there(Timing::Ended, &[], "f2")), Some(State::Recovered));
        // As it was, and yet no rule fires: the times are others than those of the scan.
        assert_eq!(state(&row, &there(Timing::Ended, &[], "f1")), Some(State::Refused));
        assert_eq!(state(&row, &Reading::Elsewhere(String::new())), Some(State::Refused));
        assert_eq!(state(&row, &Reading::Several(2)), Some(State::Refused));
        assert_eq!(state(&row, &there(Timing::AfterRestore, &["stuck-running"], "f1")), Some(State::Refused));
    }

    #[test]
    fn a_build_whose_rule_was_not_run_again_is_kept() {
        let mut row = chosen(Some((Timing::InFlight, true, "f1")));
        row.reasons = vec!["closed-after-restore".to_owned()];
        assert_eq!(state(&row, &there(Timing::Unknown, &[], "f2")), Some(State::Refused));
        assert_eq!(state(&row, &there(Timing::Unknown, &[], "f1")), Some(State::Refused));
        // Another rule that fires on the unchanged build is reason enough.
        assert_eq!(state(&row, &there(Timing::Unknown, &["output-gap"], "f1")), None);
    }

    #[test]
    fn a_plain_list_is_judged_afresh() {
        let row = chosen(None);
        assert_eq!(state(&row, &there(Timing::Stale, &["stuck-running"], "f1")), None);
        assert_eq!(state(&row, &there(Timing::Unknown, &["stuck-running"], "f1")), Some(State::Refused));
        assert_eq!(state(&row, &there(Timing::Ended, &[], "f1")), Some(State::Recovered));
    }
}
