//! Judges a build that was found: its timing, and what stands against deleting it.

use crate::build_url::BuildUrl;
use crate::finding::Finding;
use crate::obstacle::{Ground, Obstacle, Queue, Running};
use crate::premise::{Premise, Restored};
use crate::timing::Timing;

/// What the report tells of a build beside its cells.
pub(super) struct Seen {
    /// Whether there is such a build at all: orphans have none.
    pub(super) is_there: bool,
    /// Whether a time of it lies in the future.
    pub(super) in_future: bool,
    /// For each reason, when it makes a build deletable, and the rule's own word against this one, '' where it has none.
    pub(super) grounds: Vec<(Ground, String)>,
}

/// What a profile says of its CI.
#[derive(Clone, Copy)]
pub(super) struct Habits {
    pub(super) running: Running,
    pub(super) queue: Option<Queue>,
}

/// All that stands against deleting a build. Nothing does where this is empty.
pub(super) fn obstacles(found: &Finding, seen: &Seen, habits: Habits, premise: &Premise) -> Vec<Obstacle> {
    if !seen.is_there {
        return vec![Obstacle::NoBuild];
    }
    let mut against = Vec::new();
    against.extend(of_timing(found, premise));
    if premise.times.backup.is_some() {
        if matches!(premise.restored, Restored::Unknown { .. }) {
            against.push(Obstacle::RestoreUnknown);
        } else if premise.is_too_close() {
            against.push(Obstacle::RestoreTooClose);
        }
    }
    if seen.in_future {
        against.push(Obstacle::TimeInTheFuture);
    }
    if found.shares_its_name {
        against.push(Obstacle::SharesItsName);
    }
    against.extend(of_address(found));
    against.extend(of_resumption(found, habits, premise));
    against.extend(of_reasons(found, seen, habits, premise));
    against
}

fn of_timing(found: &Finding, premise: &Premise) -> Option<Obstacle> {
    Some(match found.timing {
        Timing::InFlight | Timing::Stale | Timing::Ended => return None,
        Timing::Between => Obstacle::Between,
        Timing::Unknown if premise.times.backup.is_none() => Obstacle::NoBackupTime,
        Timing::Unknown => Obstacle::NoTimeOnRecord,
        Timing::AfterRestore => {
            let is_over = found.stopped_at.is_some() || matches!(found.lifecycle.as_deref(), Some("finished" | "not_run"));
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

fn of_address(found: &Finding) -> Option<Obstacle> {
    let Some(address) = found.build_url.as_deref().filter(|address| !address.is_empty()) else {
        return Some(Obstacle::NoAddress);
    };
    match BuildUrl::parse(address) {
        Err(_) => Some(Obstacle::StrangeAddress),
        Ok(url) if found.is_at(&url) => None,
        Ok(_) => Some(Obstacle::OtherAddress),
    }
}

/// A CI that resumes what ran may be at work on it, unseen.
fn of_resumption(found: &Finding, habits: Habits, premise: &Premise) -> Option<Obstacle> {
    let ran_at_backup = matches!(found.timing, Timing::InFlight | Timing::Stale)
        && (found.started_at.is_some() || found.lifecycle.as_deref() == Some("running"));
    if habits.running == Running::Lost || !ran_at_backup {
        return None;
    }
    match found.stopped_at {
        Some(_) => Some(Obstacle::MayHaveBeenResumed),
        None => (!premise.is_back_for(premise.times.max_run_time)).then_some(Obstacle::MayBeResumed),
    }
}

/// One reason that makes it deletable is enough; where there is none, all say why.
fn of_reasons(found: &Finding, seen: &Seen, habits: Habits, premise: &Premise) -> Vec<Obstacle> {
    let mut against = Vec::new();
    let mut never = Vec::new();
    for (reason, (ground, own_word)) in found.reasons.iter().zip(&seen.grounds) {
        let obstacle = match ground {
            Ground::Always => None,
            Ground::Never => {
                never.push(reason.clone());
                continue;
            }
            Ground::RowByRow => Some(own_word).filter(|word| !word.is_empty()).cloned().map(Obstacle::RuleSays),
            Ground::WhereLost => (habits.running != Running::Lost).then_some(Obstacle::NotKnownToBeLost),
            Ground::OnceTheQueueMoves => of_queue(habits, premise),
        };
        match obstacle {
            None => return Vec::new(),
            Some(obstacle) => against.push(obstacle),
        }
    }
    if against.is_empty() && !never.is_empty() {
        against.push(Obstacle::NeverBy(never));
    }
    against
}

fn of_queue(habits: Habits, premise: &Premise) -> Option<Obstacle> {
    match habits.queue {
        // That no T was given is said already.
        _ if premise.times.backup.is_none() => None,
        None => Some(Obstacle::QueueUnknown),
        Some(_) if !premise.is_back_for(premise.times.max_queue_time) => Some(Obstacle::QueueTooYoung),
        Some(_) => (!premise.queue_moves).then_some(Obstacle::QueueStands),
    }
}
