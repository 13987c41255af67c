//! The log of a PostgreSQL server: what its start after a restore says.
//!
//! Source: PostgreSQL, `src/backend/access/transam/xlogrecovery.c` and `xlog.c`, and what version 15 wrote (`fixtures/times`). Only messages in
//! English are known (`lc_messages`).

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::candidate::{Candidate, Moment};
use super::kind::BACKUPS_READ;
use super::log_line::{announces_a_start, message, names_version};
use super::point::{FileFault, Point};
use super::text_lines::lines;
use super::written_time;

const STARTING: &str = "starting PostgreSQL ";
const INTERRUPTED: &str = "database system was interrupted; last known up at ";
const SHUTDOWN_INTERRUPTED: &str = "database system shutdown was interrupted; last known up at ";
const INTERRUPTED_IN_RECOVERY: &str = "database system was interrupted while in recovery at ";
const SHUT_DOWN_IN_RECOVERY: &str = "database system was shut down in recovery at ";
const SHUT_DOWN: &str = "database system was shut down at ";
const STOPPING: &str = "recovery stopping ";
const LAST_COMPLETED: &str = "last completed transaction was at log time ";
const READY: &str = "database system is ready to accept connections";

/// One start of the server, as far as the log shows it.
#[derive(Clone, Copy, Default)]
struct Start {
    /// Whether its first message is in the log.
    begins: bool,
    /// Whether that message was the version, after which the state follows in which the database was found.
    is_only_announced: bool,
    began: Option<Timestamp>,
    recovers: bool,
    checkpoint: Option<Timestamp>,
    shut_down: Option<Timestamp>,
    stopped_before: Option<Timestamp>,
    stopped_after: Option<Timestamp>,
    last_completed: Option<Timestamp>,
    ready: Option<Timestamp>,
}

pub(super) fn is_one(bytes: &[u8]) -> bool {
    let known = [
        INTERRUPTED,
        SHUTDOWN_INTERRUPTED,
        INTERRUPTED_IN_RECOVERY,
        SHUT_DOWN_IN_RECOVERY,
        SHUT_DOWN,
        STOPPING,
        LAST_COMPLETED,
        READY,
    ];
    lines(bytes)
        .any(|line| message(&line).is_some_and(|(_, message)| known.iter().any(|known| message.starts_with(known))))
}

pub(super) fn read(bytes: &[u8], zone: Option<&TimeZone>) -> Result<Vec<Point>, FileFault> {
    // None is left out as an ordinary restart: a server that was copied while it was down looks the same when the copy starts.
    let starts = starts(bytes, zone)?;
    match starts.as_slice() {
        starts if !starts.iter().any(Start::says_something) => {
            Err(FileFault::Is("does not say when the server started".to_owned()))
        }
        [start] => Ok(vec![start.point(1, "")]),
        several => {
            let point = |(place, start): (usize, &Start)| {
                let which = match start.began.or(start.ready) {
                    Some(time) => format!(" of its start {}, at {time}", place + 1),
                    None => format!(" of its start {}", place + 1),
                };
                start.point(place + 1, &which)
            };
            Ok(several.iter().enumerate().map(point).collect())
        }
    }
}

/// All starts of which the log says anything.
fn starts(bytes: &[u8], zone: Option<&TimeZone>) -> Result<Vec<Start>, FileFault> {
    let mut starts = Vec::new();
    let mut start = Start::default();
    for line in lines(bytes) {
        let next = match message(&line) {
            Some((head, message)) => match Start::begun_by(message, head, zone)? {
                Some(next) => next,
                None => {
                    start.hear(message, head, zone)?;
                    continue;
                }
            },
            None if announces_a_start(&line) => Start::announced(&line, zone)?,
            None => continue,
        };
        if next.is_only_announced || !start.is_only_announced {
            starts.extend(Some(start).filter(Start::is_one));
        }
        if starts.len() == BACKUPS_READ {
            return Err(FileFault::Is(format!("holds more than {BACKUPS_READ} starts")));
        }
        start = next;
    }
    starts.extend(Some(start).filter(Start::is_one));
    Ok(starts)
}

fn time(text: &str, what: &str, zone: Option<&TimeZone>) -> Result<Option<Timestamp>, FileFault> {
    written_time::at_begin(text, zone).map(Some).map_err(|fault| FileFault::of_time(fault, what))
}

/// The time in what stands before a message.
fn time_of_line(head: &str, zone: Option<&TimeZone>) -> Result<Option<Timestamp>, FileFault> {
    match written_time::first_of(head, zone) {
        Ok(time) => Ok(Some(time)),
        Err(written_time::TimeFault::NoTime) => Ok(None),
        Err(fault) => Err(FileFault::of_time(fault, "the time of a line")),
    }
}

impl Start {
    /// The start that begins with this message; `None` where none does.
    fn begun_by(message: &str, head: &str, zone: Option<&TimeZone>) -> Result<Option<Self>, FileFault> {
        let last_known_up = [INTERRUPTED, SHUTDOWN_INTERRUPTED].iter().find_map(|begin| message.strip_prefix(begin));
        let mut start = Self::default();
        if let Some(text) = last_known_up {
            start.recovers = true;
            start.checkpoint = time(text, "\"last known up at\"", zone)?;
        } else if message.starts_with(INTERRUPTED_IN_RECOVERY) || message.starts_with(SHUT_DOWN_IN_RECOVERY) {
            // The time that follows may be the old server's.
            start.recovers = true;
        } else if let Some(text) = message.strip_prefix(SHUT_DOWN) {
            start.shut_down = time(text, "\"was shut down at\"", zone)?;
        } else if message.starts_with(STARTING) || names_version(message) {
            return Self::announced(head, zone).map(Some);
        } else {
            return Ok(None);
        }
        start.begins = true;
        start.began = time_of_line(head, zone)?;
        Ok(Some(start))
    }

    /// The start of which only the version is known so far.
    fn announced(head: &str, zone: Option<&TimeZone>) -> Result<Self, FileFault> {
        let began = time_of_line(head, zone)?;
        Ok(Self { begins: true, is_only_announced: true, began, ..Self::default() })
    }

    /// Takes what a later message of this start says.
    fn hear(&mut self, message: &str, head: &str, zone: Option<&TimeZone>) -> Result<(), FileFault> {
        if let Some(text) = message.strip_prefix(STOPPING) {
            let at = text.split_once(", time ").map(|(_, time)| time);
            let at = at.map(|text| time(text, "\"recovery stopping\"", zone)).transpose()?.flatten();
            match text.starts_with("before ") {
                true => self.stopped_before = at,
                false => self.stopped_after = at,
            }
        } else if let Some(text) = message.strip_prefix(LAST_COMPLETED) {
            self.last_completed = time(text, "\"last completed transaction\"", zone)?;
        } else if message == READY {
            self.ready = time_of_line(head, zone)?;
        }
        self.is_only_announced &= !self.says_something();
        Ok(())
    }

    fn has_recovered(&self) -> bool {
        let Self { stopped_before, stopped_after, last_completed, recovers, .. } = self;
        *recovers || [stopped_before, stopped_after, last_completed].into_iter().any(Option::is_some)
    }

    /// Whether there was one: before the first message of a log there need not be.
    fn is_one(&self) -> bool {
        self.begins || self.says_something()
    }

    fn says_something(&self) -> bool {
        !self.candidates("").is_empty()
    }

    /// The start as one of several, which is named by its time or by its place.
    fn point(&self, place: usize, which: &str) -> Point {
        let time = self.began.or(self.ready).map(|time| time.to_string());
        let names = time.into_iter().chain(std::iter::once(place.to_string())).collect();
        Point { names, candidates: self.candidates(which) }
    }

    fn candidates(&self, which: &str) -> Vec<Candidate> {
        match self.has_recovered() {
            true => self.of_recovery(which),
            false => self.of_clean_start(which),
        }
    }

    fn of_recovery(&self, which: &str) -> Vec<Candidate> {
        let mut said = Vec::new();
        if let Some(moment) = self.replayed_until() {
            let source = format!("the server's log{which}: \"recovery stopping\" and \"last completed transaction\"");
            said.push(Candidate::backup(
                moment,
                &source,
                "every crash and every standby replays too: it has to be the start after the restore",
            ));
        }
        if let Some(checkpoint) = self.checkpoint {
            let trap = "that is the last checkpoint before the backup, and T is as a rule up to five minutes later";
            let source = format!("the server's log{which}: \"last known up at\"");
            said.push(Candidate::backup(Moment::NotBefore(checkpoint), &source, trap));
        }
        let trap = match which.is_empty() {
            true => "a crash after the restore would look the same, if the log does not hold the first start",
            false => "a crash looks the same as a restore: it has to be the start after the restore",
        };
        said.extend(self.ready.map(|ready| came_back(ready, which, trap)));
        said
    }

    /// Until when the archive was replayed.
    fn replayed_until(&self) -> Option<Moment> {
        let after = self.stopped_after.max(self.last_completed);
        match (after, self.stopped_before) {
            (Some(begin), Some(end)) if begin <= end => Some(Moment::Within { begin, end }),
            (Some(time), _) => Some(Moment::LastCommit(time)),
            (None, Some(time)) => Some(Moment::NotAfter(time)),
            (None, None) => None,
        }
    }

    fn of_clean_start(&self, which: &str) -> Vec<Candidate> {
        let shut_down = self.shut_down.map(|time| {
            let trap = "every clean restart says the same: it is T only if the backup was taken while the server was down, and this is its \
                        first start after the restore";
            Candidate::backup(
                Moment::Guess(time),
                &format!("the server's log of a clean start{which}: \"was shut down at\""),
                trap,
            )
        });
        let trap = "this is a clean start, which need not be the first after the restore";
        shut_down.into_iter().chain(self.ready.map(|ready| came_back(ready, which, trap))).collect()
    }
}

fn came_back(ready: Timestamp, which: &str, trap: &str) -> Candidate {
    let source = format!("the server's log{which}: \"ready to accept connections\"");
    Candidate::restored(Moment::NotBefore(ready), &source, &format!("the CI came back later than its database; {trap}"))
}
