//! The log of a PostgreSQL server: what its start after a restore says.
//!
//! Source: PostgreSQL, `src/backend/access/transam/xlogrecovery.c` and `xlog.c`, and what version 15 wrote (`fixtures/times`). Only messages in
//! English are known (`lc_messages`).

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::candidate::{Candidate, Moment};
use super::kind::BACKUPS_READ;
use super::log_line::{announces_a_start, message, names_version};
use super::log_source::source;
use super::point::{FileFault, Point};
use super::start_messages::{
    INTERRUPTED, INTERRUPTED_IN_RECOVERY, LAST_COMPLETED, READY, REPLAYING, SHUT_DOWN, SHUT_DOWN_IN_RECOVERY,
    SHUTDOWN_INTERRUPTED, STARTING, STOPPING, TELLING,
};
use super::text_lines::lines;
use super::written_time;

/// Where a recovery to a target stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// Before the transaction of this time.
    Before(Timestamp),
    /// After that of this time.
    After(Timestamp),
}

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
    stopped: Option<Stop>,
    last_completed: Option<Timestamp>,
    ready: Option<Timestamp>,
    /// Whether nothing more is taken for a part of it. A server says until when it replayed before it is ready for all connections; what stands
    /// after that is of somebody else. Where it speaks another language, its end is not known.
    is_over: bool,
}

pub(super) fn is_one(bytes: &[u8]) -> bool {
    lines(bytes).any(|line| message(&line).is_some_and(|(_, message)| tells(message)))
}

/// Whether a message says when something of a start was.
fn tells(message: &str) -> bool {
    TELLING.iter().any(|known| message.starts_with(known))
}

pub(super) fn read(bytes: &[u8], zone: Option<&TimeZone>) -> Result<Vec<Point>, FileFault> {
    // None is left out as an ordinary restart: a server that was copied while it was down looks the same when the copy starts.
    let starts = starts(bytes, zone)?;
    match starts.as_slice() {
        starts if !starts.iter().any(Start::says_something) => {
            let fault = match starts.iter().any(|start| start.begins) {
                true => "does not say when the server started".to_owned(),
                false => format!(
                    "does not hold the beginning of a start (\"{}...\", \"database system was ...\"), without which nothing is T",
                    STARTING.trim_end()
                ),
            };
            Err(FileFault::Is(fault))
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
    let mut server = None;
    for line in lines(bytes) {
        let next = match message(&line) {
            Some((head, message)) => {
                if tells(message) || names_version(message) {
                    is_of_one_server(&mut server, head)?;
                }
                match Start::begun_by(message, head, zone)? {
                    Some(next) => next,
                    None => {
                        start.hear(message, head, zone)?;
                        continue;
                    }
                }
            }
            None if announces_a_start(&line) => Start::announced(&line, zone)?.in_another_language(),
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

/// Checks that a line comes from where those before it came from.
fn is_of_one_server(server: &mut Option<String>, head: &str) -> Result<(), FileFault> {
    let here = source(head);
    match server.get_or_insert_with(|| here.clone()) {
        first if *first == here => Ok(()),
        first => Err(FileFault::Is(format!(
            "its lines come from two places, {first:?} and {here:?}: save the log of the one server"
        ))),
    }
}

/// Notes what a start says once only.
fn once<T: PartialEq>(known: &mut Option<T>, said: Option<T>, what: &str) -> Result<(), FileFault> {
    match known {
        Some(known) if said.as_ref().is_some_and(|said| said != known) => Err(FileFault::Is(format!(
            "a start in it has two times for {what}: the logs of two servers are mixed in it, or one of the two is quoted"
        ))),
        Some(_) => Ok(()),
        None => {
            *known = said;
            Ok(())
        }
    }
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
        } else if message.starts_with(STARTING) {
            return Self::announced(head, zone).map(Some);
        } else if names_version(message) {
            return Self::announced(head, zone).map(|start| Some(start.in_another_language()));
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

    fn in_another_language(self) -> Self {
        Self { is_over: true, ..self }
    }

    /// Takes what a later message of this start says.
    fn hear(&mut self, message: &str, head: &str, zone: Option<&TimeZone>) -> Result<(), FileFault> {
        if self.is_over {
            return Ok(());
        }
        if message == READY {
            self.ready = time_of_line(head, zone)?;
            self.is_over = true;
        } else if !self.begins {
            // It may be what a statement quotes, which is all that is left of it.
        } else if let Some(text) = message.strip_prefix(STOPPING) {
            // The name of a restore point stands in quotes, and may hold anything.
            let unquoted = text.rsplit('"').next().unwrap_or_default();
            let at = unquoted.rsplit_once(", time ").map(|(_, time)| time);
            let at = at.map(|text| time(text, "\"recovery stopping\"", zone)).transpose()?.flatten();
            let stop = if text.starts_with("before ") { Stop::Before } else { Stop::After };
            once(&mut self.stopped, at.map(stop), "\"recovery stopping\"")?;
        } else if let Some(text) = message.strip_prefix(LAST_COMPLETED) {
            let at = time(text, "\"last completed transaction\"", zone)?;
            once(&mut self.last_completed, at, "\"last completed transaction\"")?;
        } else if REPLAYING.iter().any(|begin| message.starts_with(begin)) {
            self.recovers = true;
        }
        self.is_only_announced &= !self.says_something();
        Ok(())
    }

    fn has_recovered(&self) -> bool {
        self.recovers || self.stopped.is_some() || self.last_completed.is_some()
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
        if let Some(shut_down) = self.shut_down {
            let trap = "the server was down then, and what it replayed at this start was written later";
            let source = format!("the server's log{which}: \"was shut down at\"");
            said.push(Candidate::backup(Moment::NotBefore(shut_down), &source, trap));
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
        let (before, after) = match self.stopped {
            Some(Stop::Before(time)) => (Some(time), None),
            Some(Stop::After(time)) => (None, Some(time)),
            None => (None, None),
        };
        match (after.max(self.last_completed), before) {
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
        let trap = match self.begins {
            true => "this is a clean start, which need not be the first after the restore",
            false => "the beginning of this start is not in the log, so nothing in it is T",
        };
        shut_down.into_iter().chain(self.ready.map(|ready| came_back(ready, which, trap))).collect()
    }
}

fn came_back(ready: Timestamp, which: &str, trap: &str) -> Candidate {
    let source = format!("the server's log{which}: \"ready to accept connections\"");
    Candidate::restored(Moment::NotBefore(ready), &source, &format!("the CI came back later than its database; {trap}"))
}
