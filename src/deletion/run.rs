//! Carries out a plan: reads each build again, sends the deletion, reads again, and says how each one ended.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::admin::Answer;
use crate::build_url::BuildUrl;
use crate::causes::told_apart;
use crate::report::Chosen;
use crate::state::State;

use super::plan::{Decision, Planned, Reading, Terms};

/// How many builds are read again at once, before and after their deletion.
const BATCH: usize = 50;
/// How old a reading may be when the deletion that it allows is sent.
const FRESH: Duration = Duration::from_secs(3);
/// How often, and after which pauses, a build that should be gone is read again before it counts as still there.
const PATIENCE: [Duration; 3] = [Duration::from_millis(200), Duration::from_millis(800), Duration::from_secs(2)];
/// How many deletions in a row may get no answer before no more are sent.
const SILENCE: usize = 3;

/// Reads chosen builds again.
pub trait BuildReader {
    /// What goes wrong.
    type Error: std::error::Error;

    /// What the database says now of each build, in the same order.
    fn read(&mut self, chosen: &[&Chosen]) -> impl Future<Output = Result<Vec<Reading>, Self::Error>>;

    /// By what it is decided on a reading.
    fn terms(&self) -> Terms<'_>;
}

/// Sends deletions.
pub trait Deleter {
    /// Sends one deletion, once.
    fn delete(&mut self, build: &BuildUrl) -> impl Future<Output = Answer>;
}

/// Hears of every build that has ended, in the moment it has.
pub trait Listener {
    /// A build has ended.
    ///
    /// # Errors
    /// It cannot be put on record: then nothing more is sent.
    fn ended(&mut self, planned: &Planned, state: State, reason: &str) -> std::io::Result<()>;

    /// The run waits for the server.
    fn waits(&mut self, wait: Duration, why: &str);
}

/// How a run is asked to end before its time.
#[derive(Clone, Default)]
pub struct Stop {
    /// Nothing more is sent; what was sent is proved.
    pub soon: CancellationToken,
    /// Nothing is waited for: what was sent and not proved is unknown.
    pub now: CancellationToken,
}

/// What comes after a batch.
enum Next {
    GoOn,
    Wait(Duration),
    Stop(String),
    Deny(String),
}

/// Why a run ended.
#[derive(Debug)]
pub enum Ending<E> {
    /// Every build of the plan has been dealt with.
    Complete,
    /// The run was interrupted.
    Interrupted,
    /// It would not have been wise to send more.
    Stopped(String),
    /// The server lets nobody in, or cannot be reached.
    Denied(String),
    /// The database could not be read any more.
    Blind(E),
    /// The results could not be written any more.
    Unrecorded(std::io::Error),
}

/// Carries out a plan. Builds that are kept are put on record as they are; the others are deleted one by one, the
/// first being a canary that is proved gone before the second is sent. Every build of the plan ends in one state.
pub async fn run<R: BuildReader, D: Deleter, L: Listener>(
    plan: &[Planned],
    reader: &mut R,
    deleter: &mut D,
    listener: &mut L,
    stop: &Stop,
) -> Ending<R::Error> {
    let mut run =
        Run { reader, deleter, listener, stop, pending: VecDeque::new(), proved: false, silent: 0, unrecorded: None };
    run.record_kept(plan);
    let ending = run.work().await;
    run.record_rest(&ending);
    run.unrecorded.map_or(ending, Ending::Unrecorded)
}

struct Run<'a, R, D, L> {
    reader: &'a mut R,
    deleter: &'a mut D,
    listener: &'a mut L,
    stop: &'a Stop,
    pending: VecDeque<&'a Planned>,
    /// Whether a deletion of this run has been proved.
    proved: bool,
    /// How many deletions in a row got no answer.
    silent: usize,
    /// The first result that could not be put on record. Nothing is sent after it.
    unrecorded: Option<std::io::Error>,
}

/// A deletion that was sent, and what the server said of it.
struct Sent<'a> {
    planned: &'a Planned,
    answer: Answer,
}

impl<'a, R: BuildReader, D: Deleter, L: Listener> Run<'a, R, D, L> {
    fn record_kept(&mut self, plan: &'a [Planned]) {
        for planned in plan {
            match &planned.decision {
                Decision::Keep(state, reason) => self.record(planned, *state, reason),
                Decision::Delete(_) => self.pending.push_back(planned),
            }
        }
    }

    fn record_rest(&mut self, ending: &Ending<R::Error>) {
        let why = match ending {
            Ending::Complete => return,
            Ending::Interrupted => "the run was interrupted before its turn".to_owned(),
            Ending::Stopped(why) | Ending::Denied(why) => format!("the run stopped before its turn: {why}"),
            Ending::Blind(error) => format!("the run stopped before its turn: {}", in_one_line(error)),
            Ending::Unrecorded(error) => format!("the run stopped before its turn: {error}"),
        };
        while let Some(planned) = self.pending.pop_front() {
            self.record(planned, State::NotAttempted, &why);
        }
    }

    fn record(&mut self, planned: &Planned, state: State, reason: &str) {
        if let Err(error) = self.listener.ended(planned, state, reason) {
            self.unrecorded.get_or_insert(error);
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
            if let Err(ending) = self.batch().await {
                return ending;
            }
        }
        Ending::Complete
    }

    /// Reads some builds again, sends what may still be deleted, and proves it.
    async fn batch(&mut self) -> Result<(), Ending<R::Error>> {
        let size = if self.proved { BATCH } else { 1 };
        let batch: Vec<&Planned> = self.pending.iter().take(size).copied().collect();
        let began = Instant::now();
        let soon = self.stop.soon.clone();
        let readings = tokio::select! {
            biased;
            () = soon.cancelled() => return Err(Ending::Interrupted),
            readings = self.read(&batch) => readings.map_err(Ending::Blind)?,
        };
        let mut sent = Vec::new();
        let mut next = Next::GoOn;
        for (place, (planned, reading)) in batch.into_iter().zip(readings).enumerate() {
            // What has grown old is read again with the next batch; the first one goes, or a slow database would let
            // none go at all.
            let is_old = place > 0 && began.elapsed() > FRESH;
            if self.stop.soon.is_cancelled() || self.unrecorded.is_some() || is_old {
                break;
            }
            self.pending.pop_front();
            if let Decision::Keep(state, reason) = self.reader.terms().decide(&planned.chosen, &reading) {
                self.record(planned, state, &reason);
                continue;
            }
            let Some(url) = &planned.chosen.url else { continue };
            let answer = self.send(url).await;
            if let Answer::Busy(wait, why) = answer {
                self.listener.waits(wait, &why);
                // By the time the server is ready the build is not what was read: it is read again.
                self.pending.push_front(planned);
                next = Next::Wait(wait);
                break;
            }
            self.silent = if matches!(answer, Answer::Unknown(_)) { self.silent + 1 } else { 0 };
            if matches!(answer, Answer::Denied(_)) {
                next = Next::Deny(answer.text().to_owned());
            } else if self.silent >= SILENCE {
                next = Next::Stop(format!("{SILENCE} deletions in a row got no answer"));
            }
            sent.push(Sent { planned, answer });
            if !matches!(next, Next::GoOn) {
                break;
            }
        }
        self.prove(sent).await?;
        match next {
            Next::GoOn => Ok(()),
            Next::Wait(wait) => {
                self.pause(wait).await;
                Ok(())
            }
            Next::Stop(why) => Err(Ending::Stopped(why)),
            Next::Deny(why) => Err(Ending::Denied(why)),
        }
    }

    /// Sends one deletion. Who cannot wait for the answer does not know it.
    async fn send(&mut self, url: &BuildUrl) -> Answer {
        tokio::select! {
            biased;
            () = self.stop.now.cancelled() => Answer::Unknown("interrupted before an answer came".to_owned()),
            answer = self.deleter.delete(url) => answer,
        }
    }

    /// Waits, unless the run is interrupted.
    async fn pause(&self, wait: Duration) {
        tokio::select! {
            () = sleep(wait) => {}
            () = self.stop.soon.cancelled() => {}
        }
    }

    async fn read(&mut self, batch: &[&Planned]) -> Result<Vec<Reading>, R::Error> {
        let chosen: Vec<&Chosen> = batch.iter().map(|planned| &planned.chosen).collect();
        self.reader.read(&chosen).await
    }

    /// Reads what was sent again, a few times where it is still there, and puts it on record.
    async fn prove(&mut self, sent: Vec<Sent<'a>>) -> Result<(), Ending<R::Error>> {
        let mut pauses = PATIENCE.into_iter();
        let mut waiting = sent;
        let mut canary = None;
        while !waiting.is_empty() {
            let batch: Vec<&Planned> = waiting.iter().map(|sent| sent.planned).collect();
            let now = self.stop.now.clone();
            let readings = tokio::select! {
                biased;
                () = now.cancelled() => Err(Ending::Interrupted),
                readings = self.read(&batch) => readings.map_err(Ending::Blind),
            };
            let readings = match readings {
                Ok(readings) => readings,
                Err(ending) => return Err(self.unproved(&waiting, ending)),
            };
            let pause = pauses.next();
            let mut again = Vec::new();
            for (sent, reading) in waiting.into_iter().zip(readings) {
                let gone = reading == Reading::Gone;
                if !gone && pause.is_some() && sent.may_take_effect_yet() {
                    again.push(sent);
                    continue;
                }
                let (state, reason) = sent.settled(gone);
                self.record(sent.planned, state, &reason);
                canary.get_or_insert((state, reason, sent.planned.chosen.line));
            }
            waiting = again;
            if let Some(pause) = pause.filter(|_| !waiting.is_empty()) {
                tokio::select! {
                    () = sleep(pause) => {}
                    () = now.cancelled() => {}
                }
            }
        }
        match canary {
            Some((State::Deleted, ..)) => self.proved = true,
            // One that was gone before, or for which nothing was done, proves nothing: the next one is the canary.
            Some((State::AlreadyGone | State::NotAttempted, ..)) => {}
            Some((state, reason, line)) if !self.proved => {
                let alone = format!("if it is this build alone, take line {line} out of the report");
                return Err(Ending::Stopped(format!("the first build ended as {state}: {reason} ({alone})")));
            }
            _ => {}
        }
        Ok(())
    }

    fn unproved(&mut self, sent: &[Sent<'a>], ending: Ending<R::Error>) -> Ending<R::Error> {
        let why = match &ending {
            Ending::Blind(error) => format!("it could not be read again: {}", in_one_line(error)),
            _ => "interrupted before it was read again".to_owned(),
        };
        for sent in sent {
            self.record(sent.planned, State::Unknown, &format!("{}; {why}", sent.answer.text()));
        }
        ending
    }
}

fn in_one_line(error: &dyn std::error::Error) -> String {
    std::iter::once(error.to_string()).chain(told_apart(error)).collect::<Vec<_>>().join(": ")
}

impl Sent<'_> {
    /// Whether the build may still go without anything more being sent.
    fn may_take_effect_yet(&self) -> bool {
        matches!(self.answer, Answer::Accepted(_) | Answer::Unknown(_))
    }

    /// How a deletion ended, by what the server said and whether the build is gone. The database has the last word.
    fn settled(&self, gone: bool) -> (State, String) {
        let text = self.answer.text();
        match (&self.answer, gone) {
            (Answer::Accepted(_), true) => (State::Deleted, "read again and gone".to_owned()),
            (Answer::Accepted(_), false) => {
                (State::Failed, format!("the server says that it is deleted ({text}), and it is still there"))
            }
            (Answer::Gone(_), true) => (State::AlreadyGone, format!("{text}; read again and gone")),
            (Answer::Gone(_), false) => (State::Failed, format!("{text}, and it is still there")),
            (Answer::Refused(_), true) => (State::AlreadyGone, format!("{text}; read again and gone")),
            (Answer::Refused(_), false) => (State::Refused, text.to_owned()),
            (Answer::Failed(_), true) => (State::Deleted, format!("{text}; read again and gone all the same")),
            (Answer::Failed(_), false) => (State::Failed, text.to_owned()),
            (Answer::Unknown(_), true) => (State::Deleted, format!("{text}; read again and gone")),
            (Answer::Unknown(_), false) => (State::Unknown, format!("{text}; still there when read again")),
            (Answer::Busy(..) | Answer::Denied(_), true) => {
                (State::AlreadyGone, format!("{text}; read again and gone"))
            }
            (Answer::Busy(..) | Answer::Denied(_), false) => (State::NotAttempted, text.to_owned()),
        }
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
