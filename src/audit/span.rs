//! From when to when a damaged build ran, as far as the report knows.

use jiff::{SignedDuration, Timestamp};

use crate::report::Row;
use crate::timing::Timing;

/// How what is known of a build's run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// It was running when the backup was taken: what came after is not in it.
    Cut,
    Stopped,
    /// Its last sign of life; it has not stopped.
    Seen,
}

/// From when to when a build ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: Timestamp,
    /// Up to when it ran, never before its start.
    pub end: Timestamp,
    /// What that end is.
    pub last: RunEnd,
    /// What it did around the backup.
    pub timing: Timing,
}

impl Span {
    /// Of a row; `None` where it is not known when the build ran: it never started, or neither an end nor a sign of life
    /// is on record.
    pub fn of(row: &Row, backup: Option<Timestamp>) -> Option<Self> {
        let start = row.started_at?;
        let seen = || Some((row.last_activity_at?, RunEnd::Seen));
        let (end, last) = match (row.timing, backup) {
            // Whatever closed it later, it was the backup that cut it.
            (Timing::InFlight, Some(backup)) => (backup, RunEnd::Cut),
            // It was stuck since, whatever it shows as.
            (Timing::Stale, Some(backup)) => seen().map_or((start, RunEnd::Seen), |(at, last)| (at.min(backup), last)),
            _ => row.stopped_at.map(|at| (at, RunEnd::Stopped)).or_else(seen)?,
        };
        Some(Self { start, end: end.max(start), last, timing: row.timing })
    }

    /// How long it ran.
    pub fn length(&self) -> SignedDuration {
        self.end.duration_since(self.start)
    }
}
