//! The log of a PostgreSQL server: what its start after a restore says.
//!
//! Source: PostgreSQL, `src/backend/access/transam/xlogrecovery.c` and `xlog.c`, and what version 15 wrote (`fixtures/times`). Only messages in
//! English are known (`lc_messages`).

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::candidate::{Candidate, Moment};
use super::point::{FileFault, Point};
use super::text_lines::lines;
use super::written_time;

const INTERRUPTED: &str = "database system was interrupted; last known up at ";
const INTERRUPTED_IN_RECOVERY: &str = "database system was interrupted while in recovery at ";
const SHUT_DOWN: &str = "database system was shut down at ";
const STOPPING: &str = "recovery stopping ";
const LAST_COMPLETED: &str = "last completed transaction was at log time ";
const READY: &str = "database system is ready to accept connections";

/// One start of the server, as far as the log tells it.
#[derive(Clone, Copy, Default)]
struct Start {
    checkpoint: Option<Timestamp>,
    shut_down: Option<Timestamp>,
    stopped_before: Option<Timestamp>,
    stopped_after: Option<Timestamp>,
    last_completed: Option<Timestamp>,
    ready: Option<Timestamp>,
    is_counted: bool,
}

pub(super) fn is_one(bytes: &[u8]) -> bool {
    lines(bytes).any(|line| {
        let known = [INTERRUPTED, INTERRUPTED_IN_RECOVERY, SHUT_DOWN, STOPPING, LAST_COMPLETED, READY];
        message(&line).is_some_and(|message| known.iter().any(|known| message.starts_with(known)))
    })
}

/// What the server itself says in a line: nothing that it quotes, such as a statement.
fn message(line: &str) -> Option<&str> {
    let (_, message) = line.split_once("LOG:  ")?;
    Some(message)
}

pub(super) fn read(bytes: &[u8], zone: Option<&TimeZone>) -> Result<Vec<Point>, FileFault> {
    let time = |text: &str, what: &str| {
        written_time::at_begin(text, zone).map(Some).map_err(|fault| FileFault::of_time(fault, what))
    };
    // The last start that recovered, how many did, and the last one of any kind.
    let (mut recovered, mut recoveries) = (None::<Start>, 0_u64);
    let mut start = Start::default();
    for line in lines(bytes) {
        let Some(message) = message(&line) else { continue };
        if let Some(text) = message.strip_prefix(INTERRUPTED) {
            start = Start { checkpoint: time(text, "\"last known up at\"")?, ..Start::default() };
        } else if message.starts_with(INTERRUPTED_IN_RECOVERY) {
            // The log time that may follow is the old server's.
            start = Start::default();
        } else if let Some(text) = message.strip_prefix(SHUT_DOWN) {
            start = Start { shut_down: time(text, "\"was shut down at\"")?, ..Start::default() };
        } else if let Some(text) = message.strip_prefix(STOPPING) {
            let at = text.split_once(", time ").map(|(_, time)| time);
            let at = at.map(|text| time(text, "\"recovery stopping\"")).transpose()?.flatten();
            match text.starts_with("before ") {
                true => start.stopped_before = at,
                false => start.stopped_after = at,
            }
        } else if let Some(text) = message.strip_prefix(LAST_COMPLETED) {
            start.last_completed = time(text, "\"last completed transaction\"")?;
        } else if message == READY {
            start.ready = match written_time::first_of(&line[..line.len() - message.len()], zone) {
                Ok(time) => Some(time),
                Err(written_time::TimeFault::NoTime) => None,
                Err(fault) => return Err(FileFault::of_time(fault, "the time of a line")),
            };
        } else {
            continue;
        }
        if start.has_recovered() {
            recoveries += u64::from(!start.is_counted);
            start.is_counted = true;
            recovered = Some(start);
        }
    }
    let candidates = recovered.map_or_else(|| start.of_clean_start(), |start| start.of_recovery(recoveries));
    match candidates.is_empty() {
        true => Err(FileFault::Is("does not say when the server started".to_owned())),
        false => Ok(vec![Point::nameless(candidates)]),
    }
}

impl Start {
    fn has_recovered(&self) -> bool {
        let Self { checkpoint, stopped_before, stopped_after, last_completed, .. } = self;
        [checkpoint, stopped_before, stopped_after, last_completed].into_iter().any(Option::is_some)
    }

    fn of_recovery(&self, recoveries: u64) -> Vec<Candidate> {
        let which = match recoveries {
            1 => String::new(),
            others => format!(" of the last of {others} recoveries"),
        };
        let of_others = match recoveries {
            1 => "a crash after the restore would look the same, if the log does not hold the first start",
            _ => "a crash looks the same as a restore: is the last recovery the one after the restore?",
        };
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
        said.extend(self.ready.map(|ready| came_back(ready, &which, of_others)));
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

    fn of_clean_start(&self) -> Vec<Candidate> {
        let shut_down = self.shut_down.map(|time| {
            let trap = "every clean restart says the same: it is T only if the backup was taken while the server was down, and this is its \
                        first start after the restore";
            Candidate::backup(Moment::Guess(time), "the server's log of its last clean start: \"was shut down at\"", trap)
        });
        let trap = "this is the last clean start, which need not be the first after the restore";
        shut_down
            .into_iter()
            .chain(self.ready.map(|ready| came_back(ready, " of the last clean start", trap)))
            .collect()
    }
}

fn came_back(ready: Timestamp, which: &str, trap: &str) -> Candidate {
    let source = format!("the server's log{which}: \"ready to accept connections\"");
    Candidate::restored(Moment::NotBefore(ready), &source, &format!("the CI came back later than its database; {trap}"))
}
