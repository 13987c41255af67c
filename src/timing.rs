//! When a build ran, seen from the backup: the word that decides whether it may be deleted.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

/// The times of a restore: T, R, and how long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoreTimes {
    /// T, when the backup was taken. Without it every timing is [`Timing::Unknown`].
    pub backup: Option<Timestamp>,
    /// R, when the server came back.
    pub restored: Option<Timestamp>,
    /// The longest time that the server lets a build run.
    pub max_run_time: SignedDuration,
    /// How far the clocks of the machines that write times may be apart.
    pub clock_tolerance: SignedDuration,
    /// How long the restored server takes at most until it starts what waits.
    pub max_queue_time: SignedDuration,
}

impl RestoreTimes {
    /// The clock tolerance where none is given.
    pub const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(5);
    /// The longest queue time where none is given.
    pub const MAX_QUEUE_TIME: SignedDuration = SignedDuration::from_hours(1);
    /// The longest run time where neither a flag nor the profile gives one.
    pub const MAX_RUN_TIME: SignedDuration = SignedDuration::from_hours(5);

    /// T and R, and the defaults of the rest.
    pub fn new(backup: Option<Timestamp>, restored: Option<Timestamp>) -> Self {
        Self {
            backup,
            restored,
            max_run_time: Self::MAX_RUN_TIME,
            clock_tolerance: Self::CLOCK_TOLERANCE,
            max_queue_time: Self::MAX_QUEUE_TIME,
        }
    }
}

/// The moments by which builds are sorted, once the database has been asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    /// T.
    pub backup: Timestamp,
    /// R; T where R is not known.
    pub restored: Timestamp,
    /// A stop by this moment counts as one by T: T and the clock tolerance.
    pub stopped_by: Timestamp,
    /// A stop after this moment may be one of the restored server: R, or where its own start-up may have begun just before.
    pub closing_from: Timestamp,
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
    /// Queued, started, started a step or stored output after R: alive until proven otherwise.
    AfterRestore,
    /// Did something after T and by R: impossible, so T, R or a clock is wrong.
    Between,
    /// No T was given, or no time of the build is on record.
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

impl BuildTimes {
    /// What the build did last of all that it did after T and by R, and when: what makes its timing [`Timing::Between`].
    pub fn last_deed_between(&self, moments: &Moments) -> Option<(&'static str, Timestamp)> {
        let is_between = |at: &Timestamp| *at > moments.backup && *at <= moments.restored;
        let stopped = self.stopped.filter(|stop| *stop > moments.stopped_by && *stop <= moments.closing_from);
        let deeds = [
            ("queued", self.queued.filter(is_between)),
            ("started", self.started.filter(is_between)),
            ("a step started", self.last_step_started.filter(is_between)),
            ("output stored", self.last_stored.filter(is_between)),
            ("stopped", stopped),
        ];
        deeds.into_iter().filter_map(|(deed, at)| Some((deed, at?))).max_by_key(|(_, at)| *at)
    }
}

impl Timing {
    const ALL: [Self; 6] = [Self::InFlight, Self::Stale, Self::Ended, Self::AfterRestore, Self::Between, Self::Unknown];

    /// Sorts one build. `moments` are `None` where no T was given.
    pub fn of(build: &BuildTimes, moments: Option<&Moments>) -> Self {
        let Some(moments) = moments else { return Self::Unknown };
        // Housekeeping closes builds and steps; only a build that is alive is queued, starts, or stores output.
        let signs = [build.queued, build.started, build.last_step_started, build.last_stored];
        let last_sign = signs.into_iter().flatten().max();
        if last_sign.is_some_and(|sign| sign > moments.restored) {
            return Self::AfterRestore;
        }
        let stopped_between = |stop: Timestamp| stop > moments.stopped_by && stop <= moments.closing_from;
        if last_sign.is_some_and(|sign| sign > moments.backup) || build.stopped.is_some_and(stopped_between) {
            return Self::Between;
        }
        let is_over = build.stopped.is_some_and(|stop| stop <= moments.stopped_by);
        match build.started.or(build.queued) {
            _ if is_over => Self::Ended,
            None => Self::Unknown,
            Some(begin) => {
                let last_seen = build.last_seen_by_backup.unwrap_or(begin);
                let silence = moments.backup.duration_since(last_seen);
                if silence > moments.max_run_time { Self::Stale } else { Self::InFlight }
            }
        }
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
}

impl Timing {
    /// The word's meaning, for a person who has to decide.
    pub fn explained(self) -> &'static str {
        match self {
            Self::InFlight => "it was running when the backup was taken",
            Self::Stale => "it was stuck long before the backup",
            Self::Ended => "it was over before the backup",
            Self::AfterRestore => {
                "it did something after the restore, so it may be alive, and the backup did not cut it"
            }
            Self::Between => "it did something between the backup and the restore, so T, R or a clock is wrong",
            Self::Unknown => "no backup time was given, or no time is on record",
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

    fn moments(closing_from: &str) -> Moments {
        Moments {
            backup: at(T),
            restored: at(R),
            stopped_by: at(T) + SignedDuration::from_secs(5),
            closing_from: at(closing_from),
            max_run_time: SignedDuration::from_hours(5),
        }
    }

    fn timing(build: &BuildTimes) -> Timing {
        Timing::of(build, Some(&moments(R)))
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
        for (started, stopped, expected) in [
            ("2026-11-20T01:58:00Z", None, Timing::InFlight),
            ("2026-11-20T02:00:00Z", None, Timing::InFlight),
            ("2026-11-20T01:58:00Z", Some("2026-11-20T06:31:00Z"), Timing::InFlight),
            ("2026-11-19T20:59:59Z", None, Timing::Stale),
            ("2026-11-19T21:00:00Z", None, Timing::InFlight),
            ("2026-11-20T01:00:00Z", Some("2026-11-20T02:00:00Z"), Timing::Ended),
            // Within the tolerance of the clocks.
            ("2026-11-20T01:00:00Z", Some("2026-11-20T02:00:05Z"), Timing::Ended),
            ("2026-11-20T01:00:00Z", Some("2026-11-20T02:00:05.000001Z"), Timing::Between),
            ("2026-11-20T01:00:00Z", Some("2026-11-20T06:30:00Z"), Timing::Between),
            ("2026-11-20T02:00:00.000001Z", None, Timing::Between),
            ("2026-11-20T06:30:00Z", None, Timing::Between),
            ("2026-11-20T06:30:00.000001Z", None, Timing::AfterRestore),
        ] {
            assert_eq!(timing(&build(Some(started), stopped)), expected, "{started} {stopped:?}");
        }
    }

    #[test]
    fn a_stop_of_the_servers_own_start_up_is_one_after_the_restore() {
        let closed = build(Some("2026-11-20T01:58:00Z"), Some("2026-11-20T06:20:00Z"));
        assert_eq!(timing(&closed), Timing::Between);
        assert_eq!(Timing::of(&closed, Some(&moments("2026-11-20T06:15:00Z"))), Timing::InFlight);
        assert_eq!(Timing::of(&closed, Some(&moments("2026-11-20T06:20:00Z"))), Timing::Between);
    }

    #[test]
    fn what_a_build_did_between_is_known() {
        let mut seen = build(Some("2026-11-20T01:58:00Z"), None);
        assert_eq!(seen.last_deed_between(&moments(R)), None);
        seen.last_stored = Some(at("2026-11-20T02:00:20Z"));
        assert_eq!(seen.last_deed_between(&moments(R)), Some(("output stored", at("2026-11-20T02:00:20Z"))));
        // Within the tolerance of the clocks, and by the restored server itself.
        seen = build(Some("2026-11-20T01:58:00Z"), Some("2026-11-20T02:00:05Z"));
        assert_eq!(seen.last_deed_between(&moments(R)), None);
        seen.stopped = Some(at("2026-11-20T02:00:06Z"));
        assert_eq!(seen.last_deed_between(&moments(R)), Some(("stopped", at("2026-11-20T02:00:06Z"))));
        assert_eq!(Timing::of(&seen, Some(&moments(R))), Timing::Between);
    }

    #[test]
    fn a_build_that_worked_until_the_backup_is_not_stale_however_long_it_ran() {
        let mut long = build(Some("2026-11-19T10:00:00Z"), None);
        long.last_seen_by_backup = Some(at("2026-11-20T01:59:00Z"));
        assert_eq!(timing(&long), Timing::InFlight);
    }

    #[test]
    fn every_sign_of_life_counts_whatever_else_the_record_says() {
        type Sign = fn(&mut BuildTimes, Timestamp);
        let signs: [Sign; 3] = [
            |build, at| build.queued = Some(at),
            |build, at| build.last_step_started = Some(at),
            |build, at| build.last_stored = Some(at),
        ];
        for sign in signs {
            for stopped in [None, Some("2026-11-20T01:59:00Z")] {
                let mut alive = build(Some("2026-11-20T01:58:00Z"), stopped);
                sign(&mut alive, at("2026-11-20T02:00:00Z"));
                assert_ne!(timing(&alive), Timing::Between);
                sign(&mut alive, at("2026-11-20T02:00:01Z"));
                assert_eq!(timing(&alive), Timing::Between);
                sign(&mut alive, at("2026-11-20T06:30:01Z"));
                assert_eq!(timing(&alive), Timing::AfterRestore);
            }
        }
    }

    #[test]
    fn a_build_that_never_started_counts_from_when_it_was_queued() {
        let queued = |text| BuildTimes { queued: Some(at(text)), ..BuildTimes::default() };
        assert_eq!(timing(&queued("2026-11-20T01:59:00Z")), Timing::InFlight);
        assert_eq!(timing(&queued("2026-11-20T07:00:00Z")), Timing::AfterRestore);
    }

    #[test]
    fn without_a_backup_time_or_a_beginning_nothing_is_known() {
        let running = build(Some("2026-11-20T01:58:00Z"), None);
        assert_eq!(Timing::of(&running, None), Timing::Unknown);
        assert_eq!(timing(&BuildTimes::default()), Timing::Unknown);
        // Whether it was there at T is not on record; that it was over by T is.
        assert_eq!(timing(&build(None, Some("2026-11-20T06:31:00Z"))), Timing::Unknown);
        assert_eq!(timing(&build(None, Some("2026-11-20T01:31:00Z"))), Timing::Ended);
        assert!(!Timing::Unknown.is_deletable());
    }

    #[test]
    fn words_read_back() {
        for timing in Timing::ALL {
            assert_eq!(timing.as_str().parse(), Ok(timing));
        }
        assert_eq!("alive".parse::<Timing>(), Err(UnknownTiming));
    }
}
