//! Decides what is to happen with each chosen build. Undecided is never deleted.

use jiff::SignedDuration;

use crate::baseline_reason::BaselineReason;
use crate::build_url::{AddressForm, BuildUrl};
use crate::finding::Finding;
use crate::obstacle::{Obstacle, says_alive};
use crate::project_glob::DeniedProjects;
use crate::report::{Chosen, Judged};
use crate::state::State;
use crate::timing::Timing;

use super::accepted_cancel::AcceptedCancel;
use super::decision::{Decision, KeepReason};

/// What the database says of a chosen build when it is read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// There is no such build.
    Gone,
    /// There is no build with this address, but one with its project and number under another.
    Elsewhere(String),
    /// There is more than one build with this address.
    Several(usize),
    /// What the database holds of it cannot be read: why.
    Unread(String),
    /// There is a build without a key that may have this address.
    WithoutKey,
    /// Exactly one build has this address.
    There(Box<Finding>),
}

/// The paths by which a build is deleted and cancelled, where its CI has such.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestPaths {
    delete: Option<String>,
    cancel: Option<String>,
}

impl RequestPaths {
    /// As the database gives them.
    pub fn of(build: &Finding) -> Self {
        Self { delete: build.delete_path.clone(), cancel: build.cancel_path.clone() }
    }

    /// Whether the database still gives these. Of a build that was cancelled, the path of the cancel does not count any more.
    pub(super) fn are_those_of(&self, build: &Finding, was_cancelled: bool) -> bool {
        self.delete == build.delete_path && (was_cancelled || self.cancel == build.cancel_path)
    }
}

/// A chosen build and what is to happen with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    pub chosen: Chosen,
    pub decision: Decision,
    /// The project of the build, as the database has it; `None` where it has none, and where the plan keeps the build.
    pub project: Option<String>,
    /// By which paths the database had it deleted and cancelled when the plan was made. Then no other build had one of them.
    pub paths: RequestPaths,
    /// Whether an earlier run of the journal may have sent its deletion, and did not see the end.
    pub sent_before: bool,
    /// Whether it is to be cancelled before it is deleted.
    pub cancels_first: bool,
    /// The cancel of an earlier run of the journal that may explain how it has changed.
    pub cancelled: Option<AcceptedCancel>,
    /// Whether an earlier run of the journal may have sent its cancel, and nothing says what came of it.
    pub cancel_may_be_sent: bool,
}

impl Planned {
    pub fn is_deletion(&self) -> bool {
        matches!(self.decision, Decision::Delete { .. })
    }

    /// How it ends, where it is kept.
    pub fn kept_as(&self) -> Option<State> {
        match self.decision {
            Decision::Delete { .. } => None,
            Decision::Keep(state, _) => Some(state),
        }
    }

    /// The timing of a build that is to be deleted only because `--allow-timing` permits it.
    pub fn timing_permitted(&self) -> Option<Timing> {
        match self.decision {
            Decision::Delete { timing, .. } if !timing.is_deletable() => Some(timing),
            Decision::Delete { .. } | Decision::Keep(..) => None,
        }
    }
}

/// What the flags and the policy permit to delete, whatever is found.
#[derive(Clone, Debug, Default)]
pub struct Permit {
    /// Projects of which nothing is deleted.
    pub denied: DeniedProjects,
    /// Timings that are not deletable by themselves, and are allowed all the same.
    pub allowed_timings: Vec<Timing>,
    /// The only timings of which builds are deleted; any, where none is named.
    pub only_timings: Vec<Timing>,
}

impl Permit {
    /// Whether a build of this timing may be deleted.
    pub fn allows(&self, timing: Timing) -> bool {
        timing.is_deletable() || self.allowed_timings.contains(&timing)
    }

    /// Why a chosen build is denied, by what its row and its address say.
    pub fn denies(&self, chosen: &Chosen) -> Option<String> {
        let by_address = chosen.url.as_ref().and_then(BuildUrl::project);
        self.denied.denies(by_address.as_deref().into_iter().chain(chosen.project.as_deref()))
    }

    /// Why a build is denied, by what the database says of it.
    fn denies_finding(&self, now: &Finding) -> Option<String> {
        let url = now.build_url.as_deref().and_then(|url| BuildUrl::parse(url).ok());
        let by_address = url.as_ref().and_then(BuildUrl::project);
        self.denied.denies(by_address.as_deref().into_iter().chain(now.project.as_deref()))
    }
}

/// The terms by which a build is deleted or kept: the same for the plan and for the last reading before a deletion.
#[derive(Clone, Debug)]
pub struct Terms<'a> {
    /// The names of the rules that are run with each reading.
    pub rules: Vec<&'a str>,
    /// What may be deleted.
    pub permit: &'a Permit,
    /// How far the clocks of the machines that write times may be apart.
    pub clock_tolerance: SignedDuration,
}

impl Terms<'_> {
    /// Decides on one chosen build by what was reported and what is there now.
    pub fn decide(&self, chosen: &Chosen, now: &Reading) -> Decision {
        use Decision::{Delete, Keep};
        if let Some(why) = self.permit.denies(chosen) {
            return Keep(State::Refused, KeepReason::Denied(why));
        }
        if let Some(why) = chosen.judged.as_ref().and_then(|judged| self.forbidden_by_report(judged)) {
            return Keep(State::Refused, why);
        }
        // A scan never calls such a row deletable, but the report may have been edited.
        if let Some(reason) = chosen.reasons.iter().find_map(|reason| BaselineReason::parse(reason)) {
            return Keep(State::Refused, KeepReason::Baseline(reason));
        }
        if chosen.url.is_none() {
            return Keep(State::Refused, KeepReason::NoUrl);
        }
        let now = match now {
            Reading::Gone if is_only_pasted(chosen) => return Keep(State::Refused, KeepReason::NoSuchAddress),
            Reading::Gone => return Keep(State::AlreadyGone, KeepReason::NotInDatabase),
            Reading::Elsewhere(url) => return Keep(State::Refused, KeepReason::OtherUrl(url.clone())),
            Reading::Several(builds) => return Keep(State::Refused, KeepReason::SharedUrl(*builds)),
            Reading::Unread(why) => return Keep(State::Refused, KeepReason::Unread(why.clone())),
            Reading::WithoutKey => return Keep(State::Refused, KeepReason::WithoutKey),
            Reading::There(now) => now,
        };
        if let Some(why) = self.permit.denies_finding(now) {
            return Keep(State::Refused, KeepReason::Denied(why));
        }
        // What is said of one of its rows says nothing of the others.
        if let Some(shared) = now.obstacles.iter().find(|obstacle| matches!(obstacle, Obstacle::SharesItsKey(_))) {
            return Keep(State::Refused, KeepReason::Obstacle(shared.clone()));
        }
        if let Some(why) = chosen.judged.as_ref().and_then(|judged| another_build(judged, now)) {
            return Keep(State::Changed, why);
        }
        // To be recovered takes more than that no rule fires: each rule that fired must have been run again.
        let not_run = chosen.reasons.iter().find(|reason| !self.rules.contains(&reason.as_str()));
        match (now.reasons.is_empty(), not_run) {
            (true, None) if unchanged(chosen, now) => return Keep(State::Refused, KeepReason::UnchangedAndSound),
            (true, None) => return Keep(State::Recovered, KeepReason::Recovered),
            (true, Some(rule)) => return Keep(State::Refused, KeepReason::RuleNotRun(rule.clone())),
            (false, _) => {}
        }
        if chosen.judged.is_some() && !unchanged(chosen, now) {
            return Keep(State::Changed, KeepReason::Changed(now.evidence.clone()));
        }
        if let Some(obstacle) = now.obstacles.iter().find(|obstacle| !self.waives(obstacle)) {
            return Keep(State::Refused, KeepReason::Obstacle(obstacle.clone()));
        }
        if !self.permit.only_timings.is_empty() && !self.permit.only_timings.contains(&now.timing) {
            return Keep(State::Refused, KeepReason::OtherTiming(now.timing));
        }
        Delete { timing: now.timing, evidence: now.evidence.clone() }
    }

    /// Whether the obstacle is a timing that is allowed.
    fn waives(&self, obstacle: &Obstacle) -> bool {
        obstacle.timing().is_some_and(|timing| self.permit.allows(timing))
    }

    /// Why the report forbids to delete a build. Where the timing is allowed, "not deletable" says no more than the timing did: whether
    /// anything else stands against it is seen in the reading.
    fn forbidden_by_report(&self, judged: &Judged) -> Option<KeepReason> {
        let (timing, note) = (judged.timing, judged.note.clone());
        // No permission is for what lives, and a later list may lack it.
        if says_alive(&note) {
            return Some(KeepReason::ReportForbids(note));
        }
        if !self.permit.allows(timing) {
            return Some(KeepReason::ReportTiming(timing, note));
        }
        (timing.is_deletable() && !judged.deletable).then_some(KeepReason::ReportForbids(note))
    }
}

/// Whether what is there is another build than that of the report: it was queued at another time. Where one of them does not say when
/// it was queued, its start says so.
fn another_build(judged: &Judged, now: &Finding) -> Option<KeepReason> {
    let queued = ("queued", now.queued_at, judged.queued_at);
    let (did, now, before) = match queued {
        (_, Some(_), Some(_)) => queued,
        _ => ("started", now.started_at, judged.started_at),
    };
    let (now, before) = (now?, before?);
    (now != before).then_some(KeepReason::AnotherBuild { did, now, before })
}

/// Whether nothing but a list says that there ever was such a build, in letters that all count: one of them may be wrong.
fn is_only_pasted(chosen: &Chosen) -> bool {
    let form = chosen.url.as_ref().map(BuildUrl::form);
    chosen.judged.is_none() && form == Some(AddressForm::AsWritten)
}

/// Whether a build is as the report says.
fn unchanged(chosen: &Chosen, now: &Finding) -> bool {
    chosen.judged.as_ref().is_some_and(|judged| judged.fingerprint == now.fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    const URL: &str = "https://ci.example.com/gh/acme/api/12";

    fn chosen(judged: Option<(Timing, bool, &str)>) -> Chosen {
        let judged = judged.map(|(timing, deletable, fingerprint)| Judged {
            timing,
            deletable,
            note: String::new(),
            build_num: None,
            queued_at: None,
            started_at: None,
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
            build_url: Some(URL.to_owned()),
            project: Some("acme/api".to_owned()),
            build_num: Some(12),
            lifecycle: Some("running".to_owned()),
            status: Some("running".to_owned()),
            timing,
            reasons: reasons.iter().map(ToString::to_string).collect(),
            evidence: reasons.join("; "),
            obstacles: against(timing),
            fingerprint: fingerprint.to_owned(),
            ..testing::finding()
        }))
    }

    fn against(timing: Timing) -> Vec<Obstacle> {
        match timing {
            Timing::InFlight | Timing::Stale | Timing::Ended => Vec::new(),
            Timing::AfterRestore => vec![Obstacle::MayBeAlive],
            Timing::Between => vec![Obstacle::Between("stopped at 2026-11-20T03:00:00Z".to_owned())],
            Timing::Unknown => vec![Obstacle::NoTimeOnRecord],
        }
    }

    fn state(chosen: &Chosen, now: &Reading) -> Option<State> {
        state_by(&Permit::default(), chosen, now)
    }

    fn state_by(permit: &Permit, chosen: &Chosen, now: &Reading) -> Option<State> {
        match decide(permit, chosen, now) {
            Decision::Delete { .. } => None,
            Decision::Keep(state, _) => Some(state),
        }
    }

    fn decide(permit: &Permit, chosen: &Chosen, now: &Reading) -> Decision {
        Terms { rules: vec!["stuck-running", "output-gap"], permit, clock_tolerance: SignedDuration::ZERO }
            .decide(chosen, now)
    }

    fn allowing(timings: &[Timing]) -> Permit {
        Permit { allowed_timings: timings.to_vec(), ..Permit::default() }
    }

    fn denying(glob: &str) -> Permit {
        let mut permit = Permit::default();
        permit.denied.add(&[glob.to_owned()], "--deny").expect("a glob");
        permit
    }

    fn planned_as(chosen: &Chosen, decision: Decision) -> Planned {
        Planned {
            chosen: chosen.clone(),
            decision,
            project: None,
            paths: RequestPaths::default(),
            sent_before: false,
            cancels_first: false,
            cancelled: None,
            cancel_may_be_sent: false,
        }
    }

    #[test]
    fn an_unchanged_abnormal_build_is_deleted() {
        let row = chosen(Some((Timing::InFlight, true, "f1")));
        assert_eq!(state(&row, &there(Timing::InFlight, &["stuck-running"], "f1")), None);
        // A run that was given no backup time cannot hold the builds against it.
        assert_eq!(state(&row, &there(Timing::Unknown, &["stuck-running"], "f1")), Some(State::Refused));
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
        assert_eq!(state(&row, &there(Timing::InFlight, &["output-gap"], "f1")), None);
    }

    #[test]
    fn a_plain_list_is_judged_afresh() {
        let row = chosen(None);
        assert_eq!(state(&row, &there(Timing::Stale, &["stuck-running"], "f1")), None);
        assert_eq!(state(&row, &there(Timing::Unknown, &["stuck-running"], "f1")), Some(State::Refused));
        assert_eq!(state(&row, &there(Timing::Ended, &[], "f1")), Some(State::Recovered));
    }

    #[test]
    fn a_timing_that_is_allowed_is_deleted_and_no_other() {
        let permit = allowing(&[Timing::AfterRestore]);
        let row = chosen(Some((Timing::AfterRestore, false, "f1")));
        let now = there(Timing::AfterRestore, &["stuck-running"], "f1");
        assert_eq!(state_by(&permit, &row, &now), None);
        let planned = |chosen: &Chosen| planned_as(chosen, decide(&permit, chosen, &now));
        assert_eq!(planned(&row).timing_permitted(), Some(Timing::AfterRestore));
        assert_eq!(planned(&chosen(None)).timing_permitted(), Some(Timing::AfterRestore));
        let harmless = there(Timing::InFlight, &["stuck-running"], "f1");
        let decision = decide(&permit, &chosen(None), &harmless);
        assert_eq!(planned_as(&row, decision).timing_permitted(), None);
        // What it is now decides, too.
        for other in [Timing::Between, Timing::Unknown] {
            let row = chosen(Some((other, false, "f1")));
            assert_eq!(state_by(&permit, &row, &there(other, &["stuck-running"], "f1")), Some(State::Refused));
        }
        let between = there(Timing::Between, &["stuck-running"], "f1");
        assert_eq!(state_by(&permit, &row, &between), Some(State::Refused));
        assert_eq!(
            state_by(&permit, &row, &there(Timing::AfterRestore, &["stuck-running"], "f2")),
            Some(State::Changed)
        );
    }

    #[test]
    fn to_allow_a_timing_allows_nothing_else() {
        let permit = allowing(&[Timing::AfterRestore, Timing::Between, Timing::Unknown]);
        let row = chosen(Some((Timing::AfterRestore, false, "f1")));
        let Reading::There(mut shared) = there(Timing::AfterRestore, &["stuck-running"], "f1") else { return };
        shared.obstacles.push(Obstacle::SharesItsAddress("2 builds have the number 7 (keys 1, 2)".to_owned()));
        assert_eq!(state_by(&permit, &row, &Reading::There(shared)), Some(State::Refused));
        assert_eq!(state_by(&permit, &row, &Reading::Several(2)), Some(State::Refused));
        assert_eq!(state_by(&permit, &row, &Reading::Elsewhere(String::new())), Some(State::Refused));
        let nowhere = Chosen { url: None, ..row };
        let now = there(Timing::AfterRestore, &["stuck-running"], "f1");
        assert_eq!(state_by(&permit, &nowhere, &now), Some(State::Refused));
        // Something other than the timing stood against it when it was scanned.
        let doubtful = chosen(Some((Timing::InFlight, false, "f1")));
        let now = there(Timing::InFlight, &["stuck-running"], "f1");
        assert_eq!(state_by(&permit, &doubtful, &now), Some(State::Refused));
    }

    /// A later list may lack it, as a job that waits for a machine.
    #[test]
    fn what_the_report_calls_alive_is_kept_whatever_is_allowed_and_found() {
        let permit = allowing(&[Timing::AfterRestore, Timing::Between, Timing::Unknown]);
        for (timing, deletable) in [(Timing::AfterRestore, false), (Timing::Unknown, false), (Timing::InFlight, true)] {
            let mut row = chosen(Some((timing, deletable, "f1")));
            let now = there(timing, &["stuck-running"], "f1");
            assert_eq!(state_by(&permit, &row, &now), None, "{timing}");
            if let Some(judged) = &mut row.judged {
                judged.note = "listed as alive in nomad.txt; it may be alive".to_owned();
            }
            assert_eq!(state_by(&permit, &row, &now), Some(State::Refused), "{timing}");
        }
    }

    #[test]
    fn whatever_stands_against_a_deletion_keeps_the_build() {
        let permit = allowing(&[Timing::AfterRestore, Timing::Between, Timing::Unknown]);
        let row = chosen(Some((Timing::InFlight, true, "f1")));
        for obstacle in [
            Obstacle::ListedAsAlive(crate::text::Foreign::new("nomad.txt")),
            Obstacle::RestoreUnknown,
            Obstacle::RestoreTooClose,
            Obstacle::TimeInTheFuture,
            Obstacle::NoAddress,
            Obstacle::StrangeAddress,
            Obstacle::OtherAddress,
            Obstacle::MayHaveBeenResumed,
            Obstacle::MayBeResumed,
            Obstacle::NeverBy(vec!["impossible-times".to_owned()]),
            Obstacle::NotKnownToBeLost,
            Obstacle::QueueUnknown,
            Obstacle::QueueTooYoung,
            Obstacle::QueueStands,
            Obstacle::RuleSays("a habit".to_owned()),
            Obstacle::NoBuild,
            Obstacle::NoBackupTime,
            Obstacle::LifecycleUnknown,
            Obstacle::StartsByItself,
            Obstacle::StartUnknown,
            Obstacle::Baseline(BaselineReason::Changed),
        ] {
            let Reading::There(mut now) = there(Timing::InFlight, &["stuck-running"], "f1") else { return };
            now.obstacles = vec![obstacle.clone()];
            let decision = decide(&permit, &row, &Reading::There(now));
            assert_eq!(decision, Decision::Keep(State::Refused, KeepReason::Obstacle(obstacle)));
        }
    }

    #[test]
    fn where_timings_are_named_no_other_is_deleted() {
        let permit = Permit { only_timings: vec![Timing::Ended], ..Permit::default() };
        let now = there(Timing::InFlight, &["stuck-running"], "f1");
        for row in [chosen(None), chosen(Some((Timing::InFlight, true, "f1")))] {
            assert_eq!(state_by(&permit, &row, &now), Some(State::Refused));
        }
        assert_eq!(state_by(&permit, &chosen(None), &there(Timing::Ended, &["output-gap"], "f1")), None);
    }

    #[test]
    fn a_denied_project_is_kept_whoever_names_it() {
        let now = there(Timing::InFlight, &["stuck-running"], "f1");
        let row = chosen(Some((Timing::InFlight, true, "f1")));
        for glob in ["acme/*", "ACME/api", "*"] {
            assert_eq!(state_by(&denying(glob), &row, &now), Some(State::Refused), "{glob}");
        }
        assert_eq!(state_by(&denying("tools/*"), &row, &now), None);
        // By the row alone, and by the database alone.
        let renamed = Chosen { project: Some("tools/lib".to_owned()), ..row.clone() };
        assert_eq!(state_by(&denying("tools/*"), &renamed, &now), Some(State::Refused));
        let Reading::There(mut elsewhere) = now else { return };
        elsewhere.project = Some("secret".to_owned());
        assert_eq!(state_by(&denying("secret"), &row, &Reading::There(elsewhere)), Some(State::Refused));
    }
}
