//! What happens while builds are read again, for those who listen.

use std::time::Duration;

use crate::scan::ScanError;

/// Something that a person who waits wants to know.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReaderEvent<'a> {
    /// The database could not be read; it is tried again after `wait`.
    DatabaseAway { wait: Duration, error: &'a ScanError },
    /// A standby answers where a primary is needed.
    StandbyAnswers,
    /// Another session holds the deletion lock. It may be the one that this run has just lost.
    LockIsHeld,
    /// The database continues on another timeline, from another server's copy: it may have lost what was deleted.
    OtherTimeline { before: u32, now: u32 },
    /// There is less in the write-ahead log than before: the database is back at an earlier state.
    EarlierState,
}
