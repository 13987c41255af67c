//! Judges a build that was found: what stands against deleting it.

use crate::build_url::{AddressForm, BuildUrl};
use crate::finding::Finding;
use crate::http_deletion::HttpDeletion;
use crate::obstacle::{Ground, Obstacle, Queue, Running};
use crate::premise::{Premise, Restored, later};
use crate::row_versions::RowWritten;
use crate::timing::Timing;

use super::paths::{of_paths, paths_of};

/// What the report says of a build besides its cells.
pub(super) struct RowDetails {
    /// Whether the build exists: orphans have none.
    pub(super) is_there: bool,
    /// What it did between T and R, and when, where it did anything.
    pub(super) did_between: Option<String>,
    /// When its row was written last, by its version.
    pub(super) written: RowWritten,
    /// Whether one of its times lies in the future.
    pub(super) in_future: bool,
    /// Whether its steps or its output could not be read.
    pub(super) signs_unread: bool,
    /// For how many rows its key stands, where that is more than one.
    pub(super) rows_of_key: Option<u64>,
    /// Another build that has its name or its address but for the case of letters.
    pub(super) resembles: Option<String>,
    /// Which of its paths another build has, too, and which one.
    pub(super) shares_path: Option<String>,
    /// What stands in the place of its number, where that is no whole number.
    pub(super) odd_number: Option<String>,
    /// Whether anything shows that it started since it was queued: a start, a step's start, or stored output.
    pub(super) shows_a_start: bool,
    /// For each reason, when it makes a build deletable, and the rule's own objection to this build, '' where it has none.
    pub(super) grounds: Vec<(Ground, String)>,
    /// For each reason, why it tells nothing: what its rule reads came back empty.
    pub(super) blind: Vec<Option<Obstacle>>,
}

/// What a profile says of its CI.
#[derive(Clone, Copy)]
pub(super) struct CiBehaviour<'a> {
    pub(super) addresses: AddressForm,
    pub(super) running: Running,
    pub(super) queue: Option<Queue>,
    /// Whether builds may wait on purpose, and be let go after the restore.
    pub(super) holds: bool,
    /// Whether steps or output can show that a build is at work.
    pub(super) shows_work: bool,
    /// How builds are deleted by HTTP; `None` where the profile does not say.
    pub(super) deletion: Option<&'a HttpDeletion>,
}

/// All that stands against deleting a build. Nothing does where this is empty.
pub(super) fn obstacles(
    found: &Finding,
    seen: &RowDetails,
    behaviour: CiBehaviour<'_>,
    premise: &Premise,
) -> Vec<Obstacle> {
    if !seen.is_there {
        return vec![Obstacle::NoBuild];
    }
    let mut against = Vec::new();
    against.extend(of_timing(found, seen, premise));
    if premise.times.backup.is_some() {
        if matches!(premise.restored, Restored::Unknown) {
            against.push(Obstacle::RestoreUnknown);
        } else if premise.is_too_close() {
            against.push(Obstacle::RestoreTooClose);
        }
    }
    if seen.signs_unread {
        against.push(Obstacle::SignsUnread);
    }
    if seen.in_future {
        against.push(Obstacle::TimeInTheFuture);
    }
    against.extend(of_version(found, seen, premise));
    against.extend(found.same_address.clone().map(Obstacle::SharesItsAddress));
    against.extend(seen.rows_of_key.map(Obstacle::SharesItsKey));
    if behaviour.addresses == AddressForm::CircleCi {
        against.extend(seen.resembles.clone().map(Obstacle::ResemblesAnother));
    }
    let address = Address {
        url: found.build_url.as_deref(),
        number: found.build_num,
        project: found.project.as_deref(),
        odd_number: seen.odd_number.as_deref(),
    };
    against.extend(of_address(behaviour.addresses, &address));
    let of_its_paths: Vec<_> = of_paths(behaviour.addresses, behaviour.deletion, paths_of(found)).collect();
    // What is no path, or none that may be sent, is no request that could mean another build.
    against.extend(seen.shares_path.clone().filter(|_| of_its_paths.is_empty()).map(Obstacle::SharesItsPath));
    against.extend(of_its_paths);
    against.extend(of_lifecycle(found, seen, behaviour, premise));
    against.extend(of_resumption(found, seen, behaviour, premise));
    against.extend(of_steps(found, premise));
    against.extend(of_reasons(found, seen, behaviour, premise));
    against
}

fn of_timing(found: &Finding, seen: &RowDetails, premise: &Premise) -> Option<Obstacle> {
    Some(match found.timing {
        Timing::InFlight | Timing::Stale | Timing::Ended => return None,
        Timing::Between => Obstacle::Between(seen.did_between.clone().unwrap_or_default()),
        Timing::Unknown if premise.times.backup.is_none() => Obstacle::NoBackupTime,
        Timing::Unknown => Obstacle::NoTimeOnRecord,
        Timing::AfterRestore => {
            let is_over =
                found.stopped_at.is_some() || matches!(found.lifecycle.as_deref(), Some("finished" | "not_run"));
            let is_silent = found
                .last_activity_at
                .is_some_and(|last| premise.now.duration_since(last) > premise.times.max_run_time);
            match (is_over, is_silent) {
                (true, _) => Obstacle::RanAfterRestore,
                (false, true) => Obstacle::SilentAfterRestore,
                (false, false) => Obstacle::MayBeAlive,
            }
        }
    })
}

/// The version of a row knows no clock. What was written since the restore, and shows as open, is at work or was touched by what is; what
/// was not can have done nothing since.
fn of_version(found: &Finding, seen: &RowDetails, premise: &Premise) -> Option<Obstacle> {
    let restored = later(premise.restored.time()?, premise.times.clock_tolerance);
    let is_open = found.stopped_at.is_none() && !matches!(found.lifecycle.as_deref(), Some("finished" | "not_run"));
    let seems_cut = matches!(found.timing, Timing::InFlight | Timing::Stale);
    let did_since = [found.queued_at, found.started_at, found.stopped_at].into_iter().flatten().any(|at| at > restored);
    match seen.written {
        // Longer than builds wait and run, nothing can have lived.
        RowWritten::After
            if is_open && seems_cut && premise.row_versions.tell_of_one() && !premise.outlasts_builds() =>
        {
            Some(Obstacle::WrittenSinceRestore)
        }
        RowWritten::Before if did_since => Some(Obstacle::NotWrittenSinceRestore),
        RowWritten::After | RowWritten::Before | RowWritten::Unknown => None,
    }
}

/// The address of a build, and what it is compared with.
pub(super) struct Address<'a> {
    pub(super) url: Option<&'a str>,
    pub(super) number: Option<i64>,
    pub(super) project: Option<&'a str>,
    /// What stands in the place of the number, where that is no whole number.
    pub(super) odd_number: Option<&'a str>,
}

/// What stands against deleting a build by its address. `profiles --check` judges addresses by this, too.
pub(super) fn of_address(form: AddressForm, address: &Address<'_>) -> impl Iterator<Item = Obstacle> {
    // An address that counts letter by letter says nothing of a number.
    let odd_number = address.odd_number.filter(|_| form == AddressForm::CircleCi);
    let odd_number = odd_number.map(|number| Obstacle::OddNumber(number.to_owned()));
    let of_url = match address.url.filter(|url| !url.is_empty()).map(|url| BuildUrl::parse_in(form, url)) {
        None => Some(Obstacle::NoAddress),
        Some(Err(_)) if form == AddressForm::CircleCi => Some(Obstacle::StrangeAddress),
        Some(Err(why)) => Some(Obstacle::UnusableAddress(why.to_string())),
        Some(Ok(url)) if url.names(address.number, address.project) => None,
        // That the number is none says it all.
        Some(Ok(_)) if address.odd_number.is_some() => None,
        Some(Ok(_)) => Some(Obstacle::OtherAddress),
    };
    odd_number.into_iter().chain(of_url)
}

/// What waits may start at any moment, whatever else is wrong with it; and of what does not show that it had started by T nobody knows
/// whether the backup cut it, or it waited then and ran later.
fn of_lifecycle(found: &Finding, seen: &RowDetails, behaviour: CiBehaviour<'_>, premise: &Premise) -> Option<Obstacle> {
    let lifecycle = found.lifecycle.as_deref();
    let seems_cut = matches!(found.timing, Timing::InFlight | Timing::Stale);
    let may_run_again = || (found.timing == Timing::Ended && !behaviour.shows_work).then_some(Obstacle::MayRunAgain);
    match lifecycle {
        // Another obstacle says that T is missing.
        _ if premise.times.backup.is_none() => None,
        Some("held") => Some(Obstacle::Held),
        // A stop may be of an earlier attempt, and a step without a start of its build is of one.
        Some("queued" | "not_running") => of_queue(behaviour, premise)
            .or((found.timing == Timing::Ended || seems_cut && found.started_at.is_none() && seen.shows_a_start)
                .then_some(Obstacle::WaitsAgain))
            .or(behaviour.holds.then_some(Obstacle::MayHaveBeenHeld)),
        // Even one that had ended: the stop is of an attempt before.
        Some("running") if !seen.shows_a_start && (seems_cut || found.timing == Timing::Ended) => {
            // What is let go may run without a word of when.
            let is_let_go = behaviour.holds && seems_cut;
            let is_settled = !is_let_go && premise.outlasts_builds() && of_queue(behaviour, premise).is_none();
            (!is_settled).then_some(Obstacle::StartUnknown).or_else(may_run_again)
        }
        Some("running") => may_run_again(),
        Some("not_run" | "finished") if seems_cut && !seen.shows_a_start => Some(Obstacle::StartUnknown),
        Some("not_run" | "finished") => None,
        _ => Some(Obstacle::LifecycleUnknown),
    }
}

/// A CI that resumes what ran may be at work on it, unseen. A stop by T may be of an earlier attempt.
fn of_resumption(
    found: &Finding,
    seen: &RowDetails,
    behaviour: CiBehaviour<'_>,
    premise: &Premise,
) -> Option<Obstacle> {
    let runs = found.lifecycle.as_deref() == Some("running");
    let ran_at_backup = match found.timing {
        Timing::InFlight | Timing::Stale => runs || seen.shows_a_start,
        Timing::Ended => runs,
        Timing::AfterRestore | Timing::Between | Timing::Unknown => false,
    };
    if behaviour.running == Running::Lost || !ran_at_backup {
        return None;
    }
    if found.stopped_at.is_some() && found.timing != Timing::Ended {
        return Some(Obstacle::MayHaveBeenResumed);
    }
    (!premise.outlasts_builds()).then_some(Obstacle::MayBeResumed)
}

/// Housekeeping closes steps, but hardly without their build: who stopped a step of what still runs may be its runner, which outlived
/// the outage. Nothing else of such a build is later than T.
fn of_steps(found: &Finding, premise: &Premise) -> Option<Obstacle> {
    let runs = found.lifecycle.as_deref() == Some("running");
    // A stop of the build after R is another matter: then housekeeping closed it, and its steps with it.
    let is_open = matches!(found.timing, Timing::InFlight | Timing::Stale) && found.stopped_at.is_none()
        || found.timing == Timing::Ended;
    let last = found.last_activity_at.filter(|_| runs && is_open)?;
    let is_later = premise.restored.time().is_some_and(|restored| last > restored);
    let is_silent = premise.now.duration_since(last) > premise.times.max_run_time;
    (is_later && !is_silent).then_some(Obstacle::StepStoppedAfterRestore)
}

/// One reason that makes it deletable is enough; without one, each reason gives its obstacle.
fn of_reasons(found: &Finding, seen: &RowDetails, behaviour: CiBehaviour<'_>, premise: &Premise) -> Vec<Obstacle> {
    let mut against = Vec::new();
    let mut never = Vec::new();
    for (place, (reason, (ground, own_word))) in found.reasons.iter().zip(&seen.grounds).enumerate() {
        let blind = seen.blind.get(place).cloned().flatten();
        let obstacle = match ground {
            Ground::Never => {
                never.push(reason.clone());
                continue;
            }
            _ if blind.is_some() => blind,
            Ground::Always => None,
            Ground::RowByRow => Some(own_word).filter(|word| !word.is_empty()).cloned().map(Obstacle::RuleSays),
            Ground::WhereLost if behaviour.running != Running::Lost => Some(Obstacle::NotKnownToBeLost),
            Ground::WhereLost if found.timing == Timing::Ended || found.stopped_at.is_none() => {
                Some(Obstacle::OnlyAStepWasClosed)
            }
            Ground::WhereLost => stopped_before_restore(found, premise).then_some(Obstacle::StoppedBeforeRestore),
        };
        match obstacle {
            None => return Vec::new(),
            // One table is empty for all of them.
            Some(empty @ (Obstacle::RelationEmpty(_) | Obstacle::LostWithOthers)) if against.contains(&empty) => {}
            Some(obstacle) => against.push(obstacle),
        }
    }
    if against.is_empty() && !never.is_empty() {
        against.push(Obstacle::NeverBy(never));
    }
    against
}

/// Whether what the backup seems to have cut stopped by R: a backup that was later than T says would not have cut it.
fn stopped_before_restore(found: &Finding, premise: &Premise) -> bool {
    let seems_cut = matches!(found.timing, Timing::InFlight | Timing::Stale);
    seems_cut && found.stopped_at.zip(premise.restored.time()).is_some_and(|(stop, restored)| stop <= restored)
}

fn of_queue(behaviour: CiBehaviour<'_>, premise: &Premise) -> Option<Obstacle> {
    match behaviour.queue {
        None => Some(Obstacle::QueueUnknown),
        Some(Queue::InThisDatabase) => Some(Obstacle::StartsByItself),
        Some(Queue::Elsewhere) if premise.is_young_for(premise.times.max_queue_time) => Some(Obstacle::QueueTooYoung),
        Some(Queue::Elsewhere) => premise.first_served.is_none().then_some(Obstacle::QueueStands),
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::testing;
    use crate::timing::RestoreTimes;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// T, R and the next day.
    fn premise() -> Premise {
        let times = RestoreTimes::new(Some(at("2026-11-20T02:00:00Z")), Some(at("2026-11-20T06:30:00Z")));
        let given = Restored::Given(at("2026-11-20T06:30:00Z"));
        let asked = Premise::without_backup(times, at("2026-11-21T06:30:00Z"));
        let back = Some(at("2026-11-20T06:30:00Z"));
        Premise { restored: given, closing_from: back, first_start: back, first_served: back, ..asked }
    }

    const LOST: CiBehaviour<'_> = CiBehaviour {
        addresses: AddressForm::CircleCi,
        running: Running::Lost,
        queue: Some(Queue::Elsewhere),
        holds: false,
        shows_work: true,
        deletion: None,
    };

    fn cut() -> Finding {
        Finding {
            key: "1".to_owned(),
            build_url: Some("https://ci.example.com/gh/acme/api/12".to_owned()),
            project: Some("acme/api".to_owned()),
            build_num: Some(12),
            lifecycle: Some("running".to_owned()),
            started_at: Some(at("2026-11-20T01:58:00Z")),
            last_activity_at: Some(at("2026-11-20T01:58:00Z")),
            reasons: vec!["a".to_owned()],
            ..testing::finding()
        }
    }

    fn by(grounds: &[(Ground, &str)]) -> RowDetails {
        let grounds = grounds.iter().map(|(ground, word)| (*ground, (*word).to_owned())).collect();
        RowDetails {
            did_between: Some("stopped at 2026-11-20T03:00:00Z".to_owned()),
            is_there: true,
            written: RowWritten::Unknown,
            in_future: false,
            signs_unread: false,
            rows_of_key: None,
            resembles: None,
            shares_path: None,
            odd_number: None,
            shows_a_start: true,
            grounds,
            blind: Vec::new(),
        }
    }

    fn against(
        found: &Finding,
        grounds: &[(Ground, &str)],
        behaviour: CiBehaviour<'_>,
        premise: &Premise,
    ) -> Vec<Obstacle> {
        let reasons = grounds.iter().enumerate().map(|(place, _)| format!("rule-{place}")).collect();
        let seen = RowDetails { shows_a_start: found.started_at.is_some(), ..by(grounds) };
        obstacles(&Finding { reasons, ..found.clone() }, &seen, behaviour, premise)
    }

    #[test]
    fn nothing_stands_against_a_build_that_the_backup_cut() {
        assert_eq!(against(&cut(), &[(Ground::Always, "")], LOST, &premise()), []);
    }

    #[test]
    fn everything_that_stands_against_it_is_told_in_order() {
        let odd = Finding {
            timing: Timing::Between,
            same_address: Some("2 builds have the number 12 (keys 1, 2)".to_owned()),
            build_url: Some("https://ci.example.com/gh/acme/api/13".to_owned()),
            ..cut()
        };
        let unknown = Premise { restored: Restored::Unknown, ..premise() };
        let seen = RowDetails { in_future: true, ..by(&[(Ground::Never, "")]) };
        let odd = Finding { reasons: vec!["impossible-times".to_owned()], ..odd };
        assert_eq!(
            obstacles(&odd, &seen, LOST, &unknown),
            [
                Obstacle::Between("stopped at 2026-11-20T03:00:00Z".to_owned()),
                Obstacle::RestoreUnknown,
                Obstacle::TimeInTheFuture,
                Obstacle::SharesItsAddress("2 builds have the number 12 (keys 1, 2)".to_owned()),
                Obstacle::OtherAddress,
                Obstacle::NeverBy(vec!["impossible-times".to_owned()]),
            ]
        );
    }

    #[test]
    fn one_reason_that_makes_it_deletable_is_enough() {
        let closed = Finding { stopped_at: Some(at("2026-11-20T06:31:00Z")), ..cut() };
        for (grounds, expected) in [
            (&[(Ground::Never, ""), (Ground::Always, "")][..], vec![]),
            (&[(Ground::RowByRow, "a habit"), (Ground::Always, "")], vec![]),
            (&[(Ground::RowByRow, "a habit"), (Ground::Never, "")], vec![Obstacle::RuleSays("a habit".to_owned())]),
            (&[(Ground::RowByRow, "")], vec![]),
            (&[(Ground::WhereLost, "")], vec![]),
        ] {
            assert_eq!(against(&closed, grounds, LOST, &premise()), expected, "{grounds:?}");
        }
        // Nothing says that the build itself was closed.
        assert_eq!(against(&cut(), &[(Ground::WhereLost, "")], LOST, &premise()), [Obstacle::OnlyAStepWasClosed]);
    }

    #[test]
    fn what_waits_is_judged_by_its_queue_whatever_else_is_wrong_with_it() {
        let waiting = Finding { lifecycle: Some("queued".to_owned()), started_at: None, ..cut() };
        let started = Finding { lifecycle: Some("not_running".to_owned()), ..cut() };
        for waiting in [waiting, started] {
            let judge = |behaviour, premise: &Premise| against(&waiting, &[(Ground::Always, "")], behaviour, premise);
            assert_eq!(judge(LOST, &premise()), []);
            assert_eq!(judge(CiBehaviour { queue: None, ..LOST }, &premise()), [Obstacle::QueueUnknown]);
            let in_database = CiBehaviour { queue: Some(Queue::InThisDatabase), ..LOST };
            assert_eq!(judge(in_database, &premise()), [Obstacle::StartsByItself]);
            let still = Premise { first_served: None, ..premise() };
            assert_eq!(judge(LOST, &still), [Obstacle::QueueStands]);
            let young = Premise { now: at("2026-11-20T07:29:59Z"), ..premise() };
            assert_eq!(judge(LOST, &young), [Obstacle::QueueTooYoung]);
        }
        // An old stop says nothing: it may wait for its second attempt.
        let stopped = Some(at("2026-11-20T01:59:00Z"));
        let again =
            Finding { lifecycle: Some("queued".to_owned()), stopped_at: stopped, timing: Timing::Ended, ..cut() };
        let against = against(&again, &[(Ground::Always, "")], CiBehaviour { queue: None, ..LOST }, &premise());
        assert_eq!(against, [Obstacle::QueueUnknown]);
        let judge =
            |found: &Finding, behaviour| self::tests::against(found, &[(Ground::Always, "")], behaviour, &premise());
        assert_eq!(judge(&again, LOST), [Obstacle::WaitsAgain]);
        // So does what has no start any more, and a step that started.
        let cleared = Finding { started_at: None, stopped_at: None, timing: Timing::InFlight, ..again.clone() };
        let seen = by(&[(Ground::Always, "")]);
        assert_eq!(obstacles(&cleared, &seen, LOST, &premise()), [Obstacle::WaitsAgain]);
        let waiting = Finding { timing: Timing::InFlight, stopped_at: None, ..again };
        assert_eq!(judge(&waiting, CiBehaviour { holds: true, ..LOST }), [Obstacle::MayHaveBeenHeld]);
        assert_eq!(judge(&Finding { lifecycle: Some("held".to_owned()), ..waiting }, LOST), [Obstacle::Held]);
    }

    #[test]
    fn what_runs_without_a_start_may_have_waited_at_the_backup() {
        let running = Finding { started_at: None, queued_at: Some(at("2026-11-20T01:58:00Z")), ..cut() };
        let over = Finding { lifecycle: Some("finished".to_owned()), ..running.clone() };
        let judge = |found: &Finding, shows_a_start, behaviour, premise: &Premise| {
            obstacles(found, &RowDetails { shows_a_start, ..by(&[(Ground::Always, "")]) }, behaviour, premise)
        };
        let young = Premise { now: at("2026-11-20T12:29:59Z"), ..premise() };
        let in_database = CiBehaviour { queue: Some(Queue::InThisDatabase), ..LOST };
        assert_eq!(judge(&running, false, LOST, &premise()), []);
        for (found, behaviour, premise) in
            [(&running, LOST, &young), (&running, in_database, &premise()), (&over, LOST, &premise())]
        {
            assert_eq!(judge(found, false, behaviour, premise), [Obstacle::StartUnknown]);
            // A step or a piece of output by T shows that it had started.
            assert_eq!(judge(found, true, behaviour, premise), []);
        }
    }

    #[test]
    fn a_lifecycle_that_is_not_known_may_be_one_that_waits_on_purpose() {
        for lifecycle in [None, Some("paused"), Some("Running"), Some("")] {
            let odd = Finding { lifecycle: lifecycle.map(str::to_owned), ..cut() };
            assert_eq!(against(&odd, &[(Ground::Always, "")], LOST, &premise()), [Obstacle::LifecycleUnknown]);
        }
    }

    #[test]
    fn where_what_ran_may_be_resumed_it_is_left_until_it_would_have_ended() {
        let resumed = CiBehaviour { running: Running::Resumed, ..LOST };
        let judge = |found: &Finding, premise: &Premise| against(found, &[(Ground::Always, "")], resumed, premise);
        assert_eq!(judge(&cut(), &premise()), []);
        let young = Premise { now: at("2026-11-20T11:29:59Z"), ..premise() };
        assert_eq!(judge(&cut(), &young), [Obstacle::MayBeResumed]);
        let stopped = Finding { stopped_at: Some(at("2026-11-20T06:31:00Z")), ..cut() };
        assert_eq!(judge(&stopped, &premise()), [Obstacle::MayHaveBeenResumed]);
        // What was over is not resumed, unless it shows as running again; what never started waits for its queue.
        let over = Finding { timing: Timing::Ended, stopped_at: Some(at("2026-11-20T01:59:00Z")), ..cut() };
        assert_eq!(judge(&over, &premise()), []);
        let unseen = CiBehaviour { shows_work: false, ..resumed };
        assert_eq!(against(&over, &[(Ground::Always, "")], unseen, &premise()), [Obstacle::MayRunAgain]);
        assert_eq!(judge(&over, &young), [Obstacle::MayBeResumed]);
        assert_eq!(judge(&Finding { lifecycle: Some("finished".to_owned()), ..over }, &young), []);
        let waiting = Finding { lifecycle: Some("queued".to_owned()), started_at: None, ..cut() };
        let unstarted = RowDetails { shows_a_start: false, ..by(&[(Ground::Always, "")]) };
        assert_eq!(obstacles(&waiting, &unstarted, resumed, &young), []);
        let closed = against(&cut(), &[(Ground::WhereLost, "")], resumed, &premise());
        assert_eq!(closed, [Obstacle::NotKnownToBeLost]);
    }

    #[test]
    fn what_came_after_the_restore_is_told_apart() {
        let later = |lifecycle: &str, stopped: Option<&str>, seen: &str| Finding {
            timing: Timing::AfterRestore,
            lifecycle: Some(lifecycle.to_owned()),
            stopped_at: stopped.map(at),
            last_activity_at: Some(at(seen)),
            ..cut()
        };
        let judge = |found: Finding| against(&found, &[(Ground::Always, "")], LOST, &premise());
        let (old, new) = ("2026-11-20T07:00:00Z", "2026-11-21T06:00:00Z");
        assert_eq!(judge(later("running", None, new)), [Obstacle::MayBeAlive]);
        assert_eq!(judge(later("running", None, old)), [Obstacle::SilentAfterRestore]);
        assert_eq!(judge(later("running", Some(old), old)), [Obstacle::RanAfterRestore]);
        assert_eq!(judge(later("finished", None, new)), [Obstacle::RanAfterRestore]);
    }

    #[test]
    fn clocks_that_may_be_too_far_apart_tell_nothing() {
        let mut close = premise();
        close.times.clock_tolerance = SignedDuration::from_mins(135);
        assert_eq!(against(&cut(), &[(Ground::Always, "")], LOST, &close), [Obstacle::RestoreTooClose]);
    }
}
