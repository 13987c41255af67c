//! Carries out a plan: reads each build again, sends the deletion, reads again, and records how each one ended.

mod archive;
mod cancel;
mod collateral;
mod proof;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::Duration;

use tokio::time::sleep;

use crate::admin::Moment;
use crate::causes::in_one_line;
use crate::finding::Finding;
use crate::report::Chosen;
use crate::state::State;

use super::accepted_cancel::AcceptedCancel;
use super::cancel::{BeforeCancel, decide_after_cancel};
use super::collateral::{Collateral, Loss};
use super::decision::{Decision, KeepReason};
use super::identity::Identity;
use super::pace::{Pace, Silence, Speed};
use super::plan::{Planned, Reading};
use super::roles::{BuildReader, Deed, Deleter, Ended, Recorder, Stop};
use super::send::{FreshReadings, Halt, READING_LASTS, Sending};
use super::still_gone::{self, Deleted};

/// How many builds are read again at once, before and after their deletion: at first, and at most where the server is quick. A reading
/// costs about as much for a hundred builds as for one.
const FIRST_BATCH: usize = 50;
const LARGEST_BATCH: usize = 400;
/// How often in a row a reading may grow too old before anything is sent.
const STALE_READINGS_IN_A_ROW: usize = 3;
/// How many deletions in a row may fail before no more are sent.
const FAILURES_IN_A_ROW: usize = 10;
/// The pauses after which a build that should be gone is read again before it counts as still there.
const RECHECK_AFTER: [Duration; 3] = [Duration::from_millis(200), Duration::from_millis(800), Duration::from_secs(2)];
/// How often in a row deletions may get no answer before no more are sent.
const UNANSWERED_IN_A_ROW: usize = 3;
/// How many times a build is archived that changes between its archiving and its deletion.
const ARCHIVED_AT_MOST: usize = 3;
/// How many kept builds are put on record at once.
const RECORDED_AT_ONCE: usize = 1000;

/// Why a run ended.
#[derive(Debug)]
pub enum Ending<E> {
    /// Every build of the plan has been dealt with.
    Complete,
    /// The run was interrupted.
    Interrupted,
    /// The run stopped by itself: sending more would not have been wise.
    Stopped(String),
    /// The first build was not deleted, that of this line.
    CanaryFailed { why: String, line: u64 },
    /// More builds are gone than were sent. `why` is why the run had stopped before that was seen.
    Collateral { loss: Loss, why: Option<String> },
    /// The server refuses every request, or cannot be reached.
    Denied(String),
    /// The database could not be read any more.
    Blind(E),
    /// The results could not be written any more.
    Unrecorded(io::Error),
    /// The builds could not be archived.
    Unarchived(io::Error),
}

/// Carries out a plan. Builds that are kept are put on record as they are; the others are deleted, the first being a
/// canary that is proved gone before the second is sent. Every build of the plan ends in one state. What is deleted is read again
/// after the database was away, and at the end; so is what earlier runs deleted (`deleted_before`). The builds of the projects
/// concerned are counted before, meanwhile and after: where more than `collateral` are gone that were not sent, the run stops.
pub async fn run<R: BuildReader, D: Deleter, L: Recorder>(
    plan: &[Planned],
    deleted_before: Vec<Deleted<'_>>,
    (speed, collateral): (Speed, u64),
    (reader, deleter, recorder): (&mut R, &D, &mut L),
    stop: &Stop,
) -> Ending<R::Error> {
    let pace = Pace::new(speed);
    let mut run = Run {
        reader,
        deleter,
        recorder,
        stop,
        pace,
        pending: VecDeque::new(),
        canary_proved: false,
        collateral: Collateral::new(plan, collateral),
        silence: Silence::default(),
        batch_size: FIRST_BATCH,
        archived: BTreeMap::new(),
        being_cancelled: BTreeMap::new(),
        cancelled: plan.iter().filter_map(|planned| Some((build_key(planned), planned.cancelled.clone()?))).collect(),
        sent_identities: BTreeMap::new(),
        deleted: deleted_before,
        lost: None,
        failures: 0,
        stale_readings: 0,
        unrecorded: None,
    };
    run.record_kept(plan).await;
    let mut ending = run.work().await;
    if !matches!(ending, Ending::Blind(_))
        && let Err(blind) = run.read_deleted_again().await
    {
        ending = blind;
    }
    ending = run.check_collateral_at_the_end(ending).await;
    run.record_rest(&ending).await;
    ending = run.unrecorded.map_or(ending, Ending::Unrecorded);
    if let Some(loss) = &run.lost {
        run.recorder.lost(loss, matches!(ending, Ending::Collateral { .. }));
    }
    ending
}

/// How a build was archived.
#[derive(Default)]
struct Archived {
    /// The fingerprint of what was archived; `None` where the build has changed since, or was not there.
    fingerprint: Option<String>,
    times: usize,
}

struct Run<'a, R, D, L> {
    reader: &'a mut R,
    deleter: &'a D,
    recorder: &'a mut L,
    stop: &'a Stop,
    pace: Pace,
    pending: VecDeque<&'a Planned>,
    /// Whether the first deletion of this run has been proved.
    canary_proved: bool,
    /// What this run has sent, and how many builds there were before.
    collateral: Collateral<'a>,
    silence: Silence,
    /// How many builds are read at once: about as many as can be sent while the reading is fresh.
    batch_size: usize,
    archived: BTreeMap<(u64, &'a str), Archived>,
    /// The builds whose cancel is under way.
    being_cancelled: BTreeMap<(u64, &'a str), BeforeCancel>,
    /// The cancels that were accepted, in this run or an earlier one.
    cancelled: BTreeMap<(u64, &'a str), AcceptedCancel>,
    /// Which build each address meant when it was sent.
    sent_identities: BTreeMap<(u64, &'a str), Identity>,
    /// The builds that were deleted, read again, and gone.
    deleted: Vec<Deleted<'a>>,
    /// The builds that are gone and were not sent, as they were counted last.
    lost: Option<Loss>,
    /// How many deletions in a row have failed.
    failures: usize,
    /// How often in a row nothing could be sent because the reading had grown too old.
    stale_readings: usize,
    /// The first result that could not be put on record. Nothing is sent after it.
    unrecorded: Option<io::Error>,
}

impl<'a, R: BuildReader, D: Deleter, L: Recorder> Run<'a, R, D, L> {
    async fn record_kept(&mut self, plan: &'a [Planned]) {
        let mut kept = Vec::new();
        for planned in plan {
            match &planned.decision {
                Decision::Keep(state, reason) => {
                    kept.push(Ended::new(planned, *state, reason.to_string()));
                }
                Decision::Delete { .. } => self.pending.push_back(planned),
            }
        }
        self.record_all(&kept).await;
    }

    async fn record_rest(&mut self, ending: &Ending<R::Error>) {
        let why = match ending {
            Ending::Complete => return,
            Ending::Interrupted => "the run was interrupted before its turn".to_owned(),
            Ending::Stopped(why) | Ending::Denied(why) | Ending::CanaryFailed { why, .. } => {
                format!("the run stopped before its turn: {why}")
            }
            Ending::Collateral { loss, .. } => format!("the run stopped before its turn: {loss}"),
            Ending::Blind(error) => format!("the run stopped before its turn: {}", in_one_line(error)),
            Ending::Unrecorded(error) | Ending::Unarchived(error) => {
                format!("the run stopped before its turn: {error}")
            }
        };
        let rest = std::mem::take(&mut self.pending).into_iter();
        let rest = rest.map(|planned| {
            let (state, reason) = self.left_as(planned, State::NotAttempted, why.clone());
            Ended::new(planned, state, reason)
        });
        let rest: Vec<_> = rest.collect();
        self.record_all(&rest).await;
    }

    async fn record_all(&mut self, ended: &[Ended<'a>]) {
        ended.iter().filter(|ended| ended.state.is_gone()).for_each(|ended| self.collateral.add_gone(ended.planned));
        for some in ended.chunks(RECORDED_AT_ONCE) {
            if let Err(error) = self.recorder.ended(some).await {
                self.unrecorded.get_or_insert(error);
            }
        }
    }

    async fn work(&mut self) -> Ending<R::Error> {
        while !self.pending.is_empty() {
            if self.stop.soon.is_cancelled() {
                return Ending::Interrupted;
            }
            if self.unrecorded.is_some() {
                return Ending::Stopped("the results cannot be written".to_owned());
            }
            if let Err(ending) = self.run_batch().await {
                return ending;
            }
            if self.reader.has_been_away()
                && let Err(ending) = self.read_deleted_again().await
            {
                return ending;
            }
        }
        Ending::Complete
    }

    /// Reads all that was deleted again, and puts on record what is there again.
    async fn read_deleted_again(&mut self) -> Result<(), Ending<R::Error>> {
        let now = self.stop.now.clone();
        self.reader.search_everywhere(true);
        let back = tokio::select! {
            biased;
            () = now.cancelled() => return Err(Ending::Interrupted),
            back = still_gone::find_returned(self.reader, &self.deleted) => back.map_err(Ending::Blind)?,
        };
        self.reader.search_everywhere(false);
        let (places, ended): (Vec<usize>, Vec<Ended<'a>>) = back.into_iter().unzip();
        ended.iter().filter(|one| one.state == State::Failed).for_each(|one| self.collateral.take_back(one.planned));
        for place in places.into_iter().rev() {
            self.deleted.swap_remove(place);
        }
        if !ended.is_empty()
            && let Err(error) = self.recorder.returned(&ended).await
        {
            self.unrecorded.get_or_insert(error);
        }
        Ok(())
    }

    /// Reads some builds again, sends what may still be deleted, and proves it.
    async fn run_batch(&mut self) -> Result<(), Ending<R::Error>> {
        let size = if self.canary_proved { self.pace.fitting(self.batch_size, READING_LASTS) } else { 1 };
        let size = size.min(self.collateral.sends_left());
        // Before the reading, which would grow old while the deletion waits for its turn.
        self.unless_interrupted(self.pace.ready()).await?;
        let batch: Vec<&'a Planned> = self.pending.iter().take(size).copied().collect();
        self.archive_builds(&batch).await?;
        self.count_before().await?;
        let began = Moment::now();
        let soon = self.stop.soon.clone();
        let readings = tokio::select! {
            biased;
            () = soon.cancelled() => return Err(Ending::Interrupted),
            readings = self.read(&batch) => readings.map_err(Ending::Blind)?,
        };
        let took = began.age();
        self.pending.drain(..batch.len());
        let allowed = self.still_allowed(batch, readings).await?;
        if self.unrecorded.is_some() {
            self.pending.extend(allowed.into_iter().map(|(planned, _)| planned));
            return Ok(());
        }
        let (deed, allowed) = self.cancel_first(allowed);
        if deed == Deed::Delete {
            self.sent_identities.extend(allowed.iter().map(|(planned, now)| (build_key(planned), Identity::of(now))));
        }
        let fresh = FreshReadings { builds: allowed, deed, read: began, took };
        let holds_lock = self.reader.lock_watch();
        let sending = Sending::new(&*self.recorder, self.deleter, &self.pace, self.stop, holds_lock);
        let done = sending.send(fresh, |answer, began| {
            self.silence.hear(answer, began);
            self.silence.times() >= UNANSWERED_IN_A_ROW
        });
        let done = done.await;
        self.stale_readings = if done.grown_old && done.sent.is_empty() { self.stale_readings + 1 } else { 0 };
        if done.grown_old {
            self.batch_size = done.sent.len().clamp(1, LARGEST_BATCH);
        } else if size == self.batch_size && began.age() < READING_LASTS / 3 {
            self.batch_size = (self.batch_size * 2).min(LARGEST_BATCH);
        }
        for planned in done.back.into_iter().rev() {
            self.pending.push_front(planned);
        }
        if self.stale_readings >= STALE_READINGS_IN_A_ROW {
            let why = match done.unready {
                Some(why) => {
                    format!(
                        "the admin path is too slow: {STALE_READINGS_IN_A_ROW} times in a row it was not ready in time ({why})"
                    )
                }
                None => {
                    let took = began.age().as_secs();
                    format!("it takes {took} s to read a build again: the reading is too old by then")
                }
            };
            return Err(Ending::Stopped(why));
        }
        if deed == Deed::Cancel {
            self.go_on_after_cancel(done.sent).await?;
        } else {
            done.asked.iter().for_each(|planned| self.collateral.add_sent(planned));
            let canary_was_proved = self.canary_proved;
            self.prove(done.sent).await?;
            self.check_collateral(canary_was_proved).await?;
        }
        match done.halt {
            None => Ok(()),
            Some(Halt::Wait(wait, why)) => {
                self.recorder.waits(wait, &why);
                self.unless_interrupted(sleep(wait)).await
            }
            Some(Halt::Silence) => Err(Ending::Stopped(format!("{UNANSWERED_IN_A_ROW} times in a row no answer came"))),
            Some(Halt::Deny(why)) => Err(Ending::Denied(why)),
            Some(Halt::Unrecorded(error)) => {
                self.unrecorded.get_or_insert(error);
                Ok(())
            }
        }
    }

    async fn unless_interrupted(&self, wait: impl Future<Output = ()>) -> Result<(), Ending<R::Error>> {
        tokio::select! {
            biased;
            () = self.stop.soon.cancelled() => Err(Ending::Interrupted),
            () = wait => Ok(()),
        }
    }

    /// The builds that may be deleted as they are now. The others are put on record, or wait to be archived again.
    async fn still_allowed(
        &mut self,
        batch: Vec<&'a Planned>,
        readings: Vec<Reading>,
    ) -> Result<Vec<(&'a Planned, Box<Finding>)>, Ending<R::Error>> {
        let (mut allowed, mut kept) = (Vec::new(), Vec::new());
        for (planned, reading) in batch.into_iter().zip(readings) {
            let (terms, cancel) = (self.reader.terms(), self.cancelled.get(&build_key(planned)));
            let (decision, was_cancelled) = (terms.decide(&planned.chosen, &reading), cancel.is_some());
            let decision = match cancel {
                Some(cancel) => decide_after_cancel(&terms, decision, &reading, cancel),
                None => decision,
            };
            let now = match (decision, reading) {
                (Decision::Keep(state, reason), _) => {
                    kept.push(self.end_as(planned, state, reason.to_string()));
                    continue;
                }
                // Whether another build has this path was seen only while the plan was made.
                (Decision::Delete { .. }, Reading::There(now)) if !planned.paths.are_those_of(&now, was_cancelled) => {
                    kept.push(self.end_as(planned, State::Changed, KeepReason::OtherPath.to_string()));
                    continue;
                }
                (Decision::Delete { .. }, Reading::There(now)) => now,
                (Decision::Delete { .. }, _) => {
                    let reason = "there is nothing to be deleted".to_owned();
                    kept.push(Ended::new(planned, State::Refused, reason));
                    continue;
                }
            };
            let as_read = Some(now.fingerprint.as_str());
            match self.archived.get_mut(&build_key(planned)) {
                Some(archived) if archived.fingerprint.as_deref() != as_read && archived.times >= ARCHIVED_AT_MOST => {
                    let reason = KeepReason::ChangesTooFast.to_string();
                    kept.push(self.end_as(planned, State::Changed, reason));
                }
                Some(archived) if archived.fingerprint.as_deref() != as_read => {
                    archived.fingerprint = None;
                    self.pending.push_front(planned);
                }
                _ => allowed.push((planned, now)),
            }
        }
        self.record_all(&kept).await;
        self.check_cancelled_canary(&kept).map(|()| allowed)
    }

    async fn read(&mut self, batch: &[&Planned]) -> Result<Vec<Reading>, R::Error> {
        let chosen: Vec<&Chosen> = batch.iter().map(|planned| &planned.chosen).collect();
        self.reader.read(&chosen).await
    }
}

/// The key of a build during a run: one line may hold several builds.
fn build_key(planned: &Planned) -> (u64, &str) {
    (planned.chosen.line, &planned.chosen.url_text)
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
