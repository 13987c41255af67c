//! When a build ran, seen from the backup: the word that decides whether it may be deleted.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

/// The three times that sort every abnormal build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoreTimes {
    /// T, when the backup was taken. Without it every timing is [`Timing::Unknown`].
    pub backup: Option<Timestamp>,
    /// R, when the server came back. T where it is not given.
    pub restored: Option<Timestamp>,
    /// The longest time that the server lets a build run.
    pub max_run_time: SignedDuration,
}

/// What a build did around the backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timing {
    /// Started by T, not stopped by T: the backup cut it.
    InFlight,
    /// As in flight, but it was stuck long before the backup.
    Stale,
    /// Stopped by T, and damaged all the same.
    Ended,
    /// Started after R: alive until proven otherwise.
    AfterRestore,
    /// Started, or started a step, after T and by R: impossible, so T, R or a clock is wrong.
    Between,
    /// No T was given, or the build tells no time.
    Unknown,
}

/// The times of one build that its timing depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuildTimes {
    /// When it was queued: stands in for a start that never came.
    pub queued: Option<Timestamp>,
    /// When it started.
    pub started: Option<Timestamp>,
    /// When it stopped.
    pub stopped: Option<Timestamp>,
    /// The latest sign of life by T. Later ones say nothing about what the backup holds.
    pub last_seen_by_backup: Option<Timestamp>,
    /// When its latest step started. Housekeeping may close steps; only a build that is alive starts one.
    pub last_step_started: Option<Timestamp>,
    /// When its latest piece of output was stored. No housekeeping stores output.
    pub last_stored: Option<Timestamp>,
}

impl Timing {
    const ALL: [Self; 6] = [Self::InFlight, Self::Stale, Self::Ended, Self::AfterRestore, Self::Between, Self::Unknown];

    /// Sorts one build.
    pub fn of(build: &BuildTimes, restore: &RestoreTimes) -> Self {
        let (Some(backup), Some(start)) = (restore.backup, build.started.or(build.queued)) else {
            return Self::Unknown;
        };
        let restored = restore.restored.unwrap_or(backup);
        let alive = if start > backup { Some(start) } else { build.last_step_started.filter(|step| *step > backup) };
        if let Some(alive) = alive {
            // Whatever it did after T is not in a database that was restored from T.
            return if alive > restored { Self::AfterRestore } else { Self::Between };
        }
        // Not already after T: the machine that writes output has a clock of its own, and some pieces are on their way.
        if build.last_stored.is_some_and(|stored| stored > restored) {
            return Self::AfterRestore;
        }
        if build.stopped.is_some_and(|stopped| stopped <= backup) {
            return Self::Ended;
        }
        let last_seen = build.last_seen_by_backup.unwrap_or(start);
        if backup.duration_since(last_seen) > restore.max_run_time { Self::Stale } else { Self::InFlight }
    }

    /// Whether a build of this timing may be deleted at all.
    pub fn is_deletable(self) -> bool {
        match self {
            Self::InFlight | Self::Stale | Self::Ended => true,
            Self::AfterRestore | Self::Between | Self::Unknown => false,
        }
    }

    /// The word that the report shows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InFlight => "in-flight",
            Self::Stale => "stale",
            Self::Ended => "ended",
            Self::AfterRestore => "after-restore",
            Self::Between => "between",
            Self::Unknown => "unknown",
        }
    }

    /// The same in words, for a person who has to decide.
    pub fn explained(self) -> &'static str {
        match self {
            Self::InFlight => "it was running when the backup was taken",
            Self::Stale => "it was stuck long before the backup",
            Self::Ended => "it was over before the backup",
            Self::AfterRestore => "it started after the restore and may be alive",
            Self::Between => "it did something between the backup and the restore, so one of the two times is wrong",
            Self::Unknown => "no backup time tells whether the backup cut it",
        }
    }
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Timing {
    type Err = UnknownTiming;

    fn from_str(text: &str) -> Result<Self, UnknownTiming> {
        Self::ALL.into_iter().find(|timing| timing.as_str() == text).ok_or(UnknownTiming)
    }
}

/// The text is none of the six words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected in-flight, stale, ended, after-restore, between or unknown")]
pub struct UnknownTiming;

#[cfg(test)]
mod tests {
    use super::*;

    const T: &str = "2026-11-20T02:00:00Z";
    const R: &str = "2026-11-20T06:30:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn restore(backup: Option<&str>, restored: Option<&str>) -> RestoreTimes {
        RestoreTimes { backup: backup.map(at), restored: restored.map(at), max_run_time: SignedDuration::from_hours(5) }
    }

    fn build(started: Option<&str>, stopped: Option<&str>) -> BuildTimes {
        BuildTimes {
            started: started.map(at),
            stopped: stopped.map(at),
            last_seen_by_backup: started.map(at),
            ..BuildTimes::default()
        }
    }

    #[test]
    fn every_word_of_the_table() {
        let restore = restore(Some(T), Some(R));
        for (started, stopped, expected) in [
            ("2026-11-20T01:58:00Z", None, Timing::InFlight),
            ("2026-11-20T02:00:00Z", None, Timing::InFlight),
            ("2026-11-20T01:58:00Z", Some("2026-11-20T06:31:00Z"), Timing::InFlight),
            ("2026-11-19T20:59:59Z", None, Timing::Stale),
            ("2026-11-19T21:00:00Z", None, Timing::InFlight),
            ("2026-11-20T01:00:00Z", Some("2026-11-20T02:00:00Z"), Timing::Ended),
            ("2026-11-20T02:00:00.000001Z", None, Timing::Between),
            ("2026-11-20T06:30:00Z", None, Timing::Between),
            ("2026-11-20T06:30:00.000001Z", None, Timing::AfterRestore),
        ] {
            assert_eq!(Timing::of(&build(Some(started), stopped), &restore), expected, "{started} {stopped:?}");
        }
    }

    #[test]
    fn a_build_that_worked_until_the_backup_is_not_stale_however_long_it_ran() {
        let mut long = build(Some("2026-11-19T10:00:00Z"), None);
        long.last_seen_by_backup = Some(at("2026-11-20T01:59:00Z"));
        assert_eq!(Timing::of(&long, &restore(Some(T), None)), Timing::InFlight);
    }

    #[test]
    fn a_build_that_starts_a_step_after_the_backup_was_not_cut_by_it() {
        let restore = restore(Some(T), Some(R));
        let mut alive = build(Some("2026-11-20T01:58:00Z"), None);
        alive.last_step_started = Some(at("2026-11-20T02:00:00Z"));
        assert_eq!(Timing::of(&alive, &restore), Timing::InFlight);
        alive.last_step_started = Some(at("2026-11-20T03:00:00Z"));
        assert_eq!(Timing::of(&alive, &restore), Timing::Between);
        alive.last_step_started = Some(at("2026-11-20T07:00:00Z"));
        assert_eq!(Timing::of(&alive, &restore), Timing::AfterRestore);
    }

    #[test]
    fn a_build_that_stores_output_after_the_restore_is_alive() {
        let mut alive = build(Some("2026-11-20T01:58:00Z"), None);
        alive.last_stored = Some(at("2026-11-20T06:30:00Z"));
        assert_eq!(Timing::of(&alive, &restore(Some(T), Some(R))), Timing::InFlight);
        alive.last_stored = Some(at("2026-11-20T06:30:01Z"));
        assert_eq!(Timing::of(&alive, &restore(Some(T), Some(R))), Timing::AfterRestore);
    }

    #[test]
    fn a_build_that_never_started_counts_from_when_it_was_queued() {
        let queued = |text| BuildTimes { queued: Some(at(text)), ..BuildTimes::default() };
        let restore = restore(Some(T), Some(R));
        assert_eq!(Timing::of(&queued("2026-11-20T01:59:00Z"), &restore), Timing::InFlight);
        assert_eq!(Timing::of(&queued("2026-11-20T07:00:00Z"), &restore), Timing::AfterRestore);
    }

    #[test]
    fn without_a_backup_time_or_any_time_nothing_is_known() {
        let running = build(Some("2026-11-20T01:58:00Z"), None);
        assert_eq!(Timing::of(&running, &restore(None, Some(R))), Timing::Unknown);
        assert_eq!(Timing::of(&BuildTimes::default(), &restore(Some(T), None)), Timing::Unknown);
        assert!(!Timing::Unknown.is_deletable());
    }

    #[test]
    fn without_a_restore_time_the_backup_time_stands_in() {
        let later = build(Some("2026-11-20T02:00:01Z"), None);
        assert_eq!(Timing::of(&later, &restore(Some(T), None)), Timing::AfterRestore);
    }

    #[test]
    fn words_read_back() {
        for timing in Timing::ALL {
            assert_eq!(timing.as_str().parse(), Ok(timing));
        }
        assert_eq!("alive".parse::<Timing>(), Err(UnknownTiming));
    }
}
