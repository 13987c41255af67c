//! Sends deletions, several at once, each only while the reading of its build is fresh.

use std::io;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::admin::{Answer, Freshness, Moment, Target};
use crate::build_url::BuildUrl;
use crate::finding::Finding;
use crate::request_path::RequestPath;
use crate::state::State;

use super::pace::Pace;
use super::plan::Planned;
use super::roles::{Deed, Deleter, Recorder, Stop};

/// How old a reading may be when the deletion that it allows is written to an open connection.
pub(super) const READING_LASTS: Duration = Duration::from_secs(3);
/// The same for the first build of a batch, where the database or the journal's disk is slow: neither must keep every deletion from
/// being sent.
pub(super) const FIRST_READING_LASTS: Duration = Duration::from_secs(10);

/// Builds that may be deleted, as they were just read.
pub(super) struct FreshReadings<'a> {
    pub(super) builds: Vec<(&'a Planned, Box<Finding>)>,
    /// What is sent for them.
    pub(super) deed: Deed,
    /// When they began to be read, and how long that took.
    pub(super) read: Moment,
    pub(super) took: Duration,
}

/// How old a reading may be when the deletion of the build at this place of its batch is written. The first one may be older, by the
/// time it took to read it and to record it: else a slow database or a slow disk would stop every deletion.
fn max_age(place: usize, took: Duration) -> Duration {
    match place {
        0 => (took * 2).clamp(READING_LASTS, FIRST_READING_LASTS),
        _ => READING_LASTS,
    }
}

/// Why no more were sent.
pub(super) enum Halt {
    /// The server asks to wait.
    Wait(Duration, String),
    /// No answer came, too often.
    Silence,
    /// The server refuses every request, or cannot be reached.
    Deny(String),
    /// The next one could not be put on record.
    Unrecorded(io::Error),
}

/// What became of some builds.
pub(super) struct Done<'a> {
    /// Those for which something may have been done, and what the server said.
    pub(super) sent: Vec<Sent<'a>>,
    /// Those for which nothing was done, in their order.
    pub(super) back: Vec<&'a Planned>,
    /// Those for which a request may have been written, whatever was answered.
    pub(super) asked: Vec<&'a Planned>,
    /// Whether the reading grew old before all were sent.
    pub(super) grown_old: bool,
    /// Why, where it grew old because the admin server was not ready.
    pub(super) unready: Option<String>,
    pub(super) halt: Option<Halt>,
}

/// When a request was made.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    /// When it was put on record, just before it was sent.
    pub(super) announced_at: Timestamp,
    /// When its answer came.
    pub(super) answered_at: Timestamp,
    /// When it was sent, by a clock that nobody sets.
    began: Instant,
}

/// What became of one build.
enum Outcome {
    Answered(Answer, Asked),
    /// What was read of it had grown old before it could be sent.
    Old,
    /// The run was interrupted before it was sent.
    Interrupted,
    Unrecorded(io::Error),
}

/// Sends deletions and records them.
pub(super) struct Sending<'r, D, L> {
    recorder: &'r L,
    deleter: &'r D,
    pace: &'r Pace,
    stop: &'r Stop,
    /// Whether this run may still hold the deletion lock.
    holds_lock: Box<dyn Fn() -> bool>,
}

impl<'r, D: Deleter, L: Recorder> Sending<'r, D, L> {
    pub(super) fn new(
        recorder: &'r L,
        deleter: &'r D,
        pace: &'r Pace,
        stop: &'r Stop,
        holds_lock: Box<dyn Fn() -> bool>,
    ) -> Self {
        Self { recorder, deleter, pace, stop, holds_lock }
    }

    /// Sends as many as the pace allows, until all are sent or a reason to halt comes up. Deletions that are under way by then are
    /// waited for. `is_silent` takes each answer, and when it was asked for, and returns whether the server is silent.
    pub(super) async fn send<'a>(
        &self,
        fresh: FreshReadings<'a>,
        mut is_silent: impl FnMut(&Answer, Instant) -> bool,
    ) -> Done<'a> {
        let mut done =
            Done { sent: Vec::new(), back: Vec::new(), asked: Vec::new(), grown_old: false, unready: None, halt: None };
        let mut back: Vec<(usize, &'a Planned)> = Vec::new();
        let (read, took, deed) = (fresh.read, fresh.took, fresh.deed);
        let mut queue = fresh.builds.into_iter().enumerate();
        let mut under_way = FuturesUnordered::new();
        loop {
            let may_send_more = done.halt.is_none() && !done.grown_old && !self.stop.soon.is_cancelled();
            if may_send_more
                && under_way.len() < self.pace.at_once()
                && let Some((place, (planned, now))) = queue.next()
            {
                under_way.push(self.send_one(place, planned, (now, deed), (read, took)));
                continue;
            }
            let Some((place, planned, outcome)) = under_way.next().await else { break };
            if matches!(&outcome, Outcome::Answered(answer, _) if !matches!(answer, Answer::Stale(_))) {
                done.asked.push(planned);
            }
            match outcome {
                Outcome::Answered(Answer::Busy(wait, why), _) => {
                    self.pace.busy();
                    // By the time the server is ready the build is not what was read: it is read again.
                    back.push((place, planned));
                    let longest = match done.halt.take() {
                        Some(Halt::Wait(longest, _)) if longest > wait => longest,
                        None | Some(Halt::Wait(..)) => wait,
                        Some(other) => {
                            done.halt = Some(other);
                            continue;
                        }
                    };
                    done.halt = Some(Halt::Wait(longest, why));
                }
                Outcome::Answered(Answer::Stale(why), _) => {
                    back.push((place, planned));
                    if done.unready.is_none() {
                        self.recorder.reads_again(&why);
                    }
                    done.grown_old = true;
                    done.unready = Some(why);
                }
                Outcome::Answered(answer, asked) => {
                    if let Some(why) = self.pace.answered(asked.began.elapsed()) {
                        self.recorder.slows_down(self.pace.at_once(), &why);
                    }
                    let silent = is_silent(&answer, asked.began);
                    if let Answer::Denied(why) = &answer {
                        done.halt = Some(Halt::Deny(why.clone()));
                    } else if silent && !matches!(done.halt, Some(Halt::Deny(_) | Halt::Unrecorded(_))) {
                        done.halt = Some(Halt::Silence);
                    }
                    done.sent.push(Sent { planned, answer, asked });
                }
                Outcome::Old => {
                    done.grown_old = true;
                    back.push((place, planned));
                }
                Outcome::Interrupted => back.push((place, planned)),
                Outcome::Unrecorded(error) => {
                    back.push((place, planned));
                    done.halt = Some(Halt::Unrecorded(error));
                }
            }
        }
        back.extend(queue.map(|(place, (planned, _))| (place, planned)));
        back.sort_by_key(|(place, _)| *place);
        done.back = back.into_iter().map(|(_, planned)| planned).collect();
        done
    }

    /// Asks the server, by the paths that the database gives now: nothing that a report says is ever sent.
    async fn ask(&self, deed: Deed, url: &BuildUrl, now: &Finding, fresh: &Freshness) -> Answer {
        let (path, whose) = match deed {
            Deed::Delete => (&now.delete_path, "delete"),
            Deed::Cancel => (&now.cancel_path, "cancel"),
        };
        match (path.as_deref().map(RequestPath::parse).transpose(), deed) {
            (Err(why), _) => Answer::Refused(format!("nothing was sent: its {whose} path is not a path: {why}")),
            (Ok(path), Deed::Delete) => self.deleter.delete(Target { url, path: path.as_ref() }, fresh).await,
            (Ok(Some(path)), Deed::Cancel) => self.deleter.cancel(&path, fresh).await,
            (Ok(None), Deed::Cancel) => Answer::Refused("nothing was sent: it has no path to cancel it by".to_owned()),
        }
    }

    /// Sends one deletion, or one cancel, when its turn comes, after it has been put on record.
    async fn send_one<'a>(
        &self,
        place: usize,
        planned: &'a Planned,
        (now, deed): (Box<Finding>, Deed),
        (read, took): (Moment, Duration),
    ) -> (usize, &'a Planned, Outcome) {
        let outcome = async {
            tokio::select! {
                biased;
                () = self.stop.soon.cancelled() => return Outcome::Interrupted,
                () = self.pace.turn() => {}
            }
            // Without the lock the reading is worth nothing either.
            let is_old = Freshness::new(read, max_age(place, took)).has_expired() || !(self.holds_lock)();
            let Some(url) = planned.chosen.url.as_ref().filter(|_| !is_old) else { return Outcome::Old };
            let (recording, announced_at) = (Moment::now(), Timestamp::now());
            if let Err(error) = self.recorder.intend(planned, &now, deed).await {
                return Outcome::Unrecorded(error);
            }
            let fresh = Freshness::new(read, max_age(place, took + recording.age()));
            let began = Instant::now();
            if fresh.has_expired() || !(self.holds_lock)() {
                let nothing = Answer::Busy(
                    Duration::ZERO,
                    "not sent: it took too long to put it on record, or the lock was lost in the meantime".to_owned(),
                );
                self.recorder.answered(planned, &nothing, deed);
                return Outcome::Old;
            }
            let answer = tokio::select! {
                biased;
                // Without the answer the outcome is not known.
                () = self.stop.now.cancelled() => Answer::Unknown("interrupted before an answer came".to_owned()),
                answer = self.ask(deed, url, &now, &fresh) => answer,
            };
            let answered_at = Timestamp::now();
            self.recorder.answered(planned, &answer, deed);
            Outcome::Answered(answer, Asked { announced_at, answered_at, began })
        };
        (place, planned, outcome.await)
    }
}

/// A deletion that was sent, and what the server said of it.
pub(super) struct Sent<'a> {
    pub(super) planned: &'a Planned,
    pub(super) answer: Answer,
    pub(super) asked: Asked,
}

impl Sent<'_> {
    /// Whether the deletion may still take effect.
    pub(super) fn may_take_effect_yet(&self) -> bool {
        matches!(self.answer, Answer::Accepted(_) | Answer::Unknown(_))
    }

    /// How a deletion ended, by what the server said and whether the build is gone. The database has the last word.
    pub(super) fn final_state(&self, gone: bool) -> (State, String) {
        final_state(&self.answer, gone)
    }
}

/// How a deletion with this answer ended, whether or not this run sent it.
pub(super) fn final_state(answer: &Answer, gone: bool) -> (State, String) {
    let text = answer.text();
    match (answer, gone) {
        (Answer::Accepted(_), true) => (State::Deleted, "read again and gone".to_owned()),
        (Answer::Accepted(_), false) => {
            (State::Failed, format!("the server says that it is deleted ({text}), and it is still there"))
        }
        (Answer::Gone(_), true) => (State::AlreadyGone, format!("{text}; read again and gone")),
        (Answer::Gone(_), false) => {
            (State::Failed, format!("{text}, and it is still there: is the path of --via right?"))
        }
        (Answer::Refused(_), true) => (State::AlreadyGone, format!("{text}; read again and gone")),
        (Answer::Refused(_), false) => (State::Refused, text.to_owned()),
        (Answer::Failed(_), true) => (State::Deleted, format!("{text}; read again and gone all the same")),
        (Answer::Failed(_), false) => (State::Failed, text.to_owned()),
        (Answer::Unknown(_), true) => (State::Deleted, format!("{text}; read again and gone")),
        (Answer::Unknown(_), false) => (State::Unknown, format!("{text}; still there when read again")),
        (Answer::Busy(..) | Answer::Stale(_) | Answer::Denied(_), true) => {
            (State::AlreadyGone, format!("{text}; read again and gone"))
        }
        (Answer::Busy(..) | Answer::Stale(_) | Answer::Denied(_), false) => (State::NotAttempted, text.to_owned()),
    }
}
