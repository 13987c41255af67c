//! True histories: what really happened to builds before the backup and after the restore, and what is on record of it.

use crate::life::Life;
use crate::random::Random;
use crate::restore::{DAY, HOUR, Restore};

/// What a build really is when the database is scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It runs, or waits where somebody will start it, or waits on purpose.
    Alive,
    /// It was over at the backup, and all of its record was in the snapshot.
    Whole,
    /// It came after the restore, and is over.
    Later,
    /// It ran at the backup, or long before.
    Cut,
    /// It was over at the backup, and something of its record is missing.
    Damaged,
    /// It waited in a queue that was lost.
    Forgotten,
}

impl Truth {
    pub const ALL: [Self; 6] = [Self::Alive, Self::Whole, Self::Later, Self::Cut, Self::Damaged, Self::Forgotten];

    /// Whether it must never be called deletable.
    pub fn is_sound(self) -> bool {
        matches!(self, Self::Alive | Self::Whole | Self::Later)
    }
}

#[derive(Clone, Debug)]
pub struct Build {
    pub truth: Truth,
    /// What happened to it, for whoever reads a failure.
    pub story: &'static str,
    pub number: i64,
    pub lifecycle: &'static str,
    pub status: &'static str,
    pub queued: Option<i64>,
    pub started: Option<i64>,
    pub stopped: Option<i64>,
    pub steps: Vec<Step>,
    /// What its CI writes for "never".
    pub never: &'static str,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub key: i64,
    /// Whether it is of a kind whose end its CI never records.
    pub is_endless: bool,
    pub started: Option<i64>,
    pub stopped: Option<i64>,
    pub has_output: bool,
    pub size: Option<i64>,
    pub closed: Option<bool>,
    pub pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
pub struct Piece {
    pub first: i64,
    pub next: i64,
    pub stored: i64,
}

/// The builds of one small world.
pub fn world(random: &mut Random, restore: &Restore) -> Vec<Build> {
    let never =
        random.pick(&["\\N", "\\N", "0001-01-01 00:00:00+00", "1970-01-01 00:00:00+00", "-infinity", "infinity"]);
    // "Never" as infinity is a time in the future, which vetoes: not too many of those.
    let never = if never == "infinity" && random.percent(60) { "\\N" } else { never };
    (0..random.within(1, 7)).map(|place| Life::new(random, restore, never, place + 1).build(random)).collect()
}

/// A build that is damaged beyond doubt, long before anything else: there is something to delete.
pub fn damaged_long_ago(backup: i64) -> Build {
    let at = |days: i64| Some(backup - days * DAY);
    let step = Step {
        key: 0,
        is_endless: false,
        started: at(100),
        stopped: at(100).map(|time| time + HOUR),
        has_output: true,
        size: Some(10),
        closed: None,
        pieces: vec![],
    };
    Build {
        truth: Truth::Damaged,
        story: "lost its output long ago",
        number: 50,
        lifecycle: "finished",
        status: "success",
        queued: at(101),
        started: at(100),
        stopped: at(99),
        steps: vec![step],
        never: "\\N",
    }
}
