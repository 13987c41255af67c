//! The premise of a scan: T and R, given or found, and what all builds of the database say about them.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::losses::Losses;
use crate::row_versions::RowVersions;
use crate::text::counted;
use crate::timing::{Moments, RestoreTimes};

/// The name of the check of T and R.
pub(crate) const TIMES_CONTRADICTED: &str = "times-contradicted";

/// R, and how it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    /// It was given.
    Given(Timestamp),
    /// The database server's own record of its last crash recovery.
    Recovered(Timestamp),
    /// It is not known.
    Unknown,
}

impl Restored {
    /// R, where it is known.
    pub fn time(self) -> Option<Timestamp> {
        match self {
            Self::Given(time) | Self::Recovered(time) => Some(time),
            Self::Unknown => None,
        }
    }
}

/// The builds that did something between T and R, which cannot be in a database restored from T.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contradictions {
    /// How many builds, of all in the database.
    pub builds: u64,
    /// The first such time.
    pub first: Option<Timestamp>,
    /// The latest.
    pub last: Option<Timestamp>,
}

impl Contradictions {
    /// Their number and times, in words: `72 builds did something between the backup and the restore, ...`; `None` where there are none.
    pub fn fact(&self) -> Option<String> {
        let (Some(first), Some(last)) = (self.first, self.last) else { return None };
        let builds = counted(self.builds, "build");
        let when = match first == last {
            true => format!("at {first}"),
            false => format!("the first at {first}, the last at {last}"),
        };
        Some(format!("{builds} did something between the backup and the restore, {when}"))
    }

    /// The same as a question.
    pub fn question(&self) -> Option<String> {
        self.fact().map(|fact| format!("{fact}: is that T?"))
    }
}

/// T and R, how they are known, and what all builds say about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Premise {
    /// The times of the flags.
    pub times: RestoreTimes,
    /// R. Without T it is of no use.
    pub restored: Restored,
    /// The builds that contradict T and R; none where one of the two is not known.
    pub contradictions: Contradictions,
    /// When the database server recovered from a crash by its own record, where that is before T and has builds on both sides: the restore
    /// may have been then.
    pub recovered_before_backup: Option<Timestamp>,
    /// The server's own record of a recovery after T that cannot have been the restore, and the builds that say so.
    pub recovery_contradicted: Option<(Timestamp, Contradictions)>,
    /// How many builds stopped shortly before R, which is taken for the restored server's own start-up.
    pub start_up_stops: u64,
    /// A stop after this moment is one of the restored server. `None` without T.
    pub closing_from: Option<Timestamp>,
    /// When a build that was queued after R started first: since then the queue is served.
    pub first_served: Option<Timestamp>,
    /// When a build started first after R: since then the CI is back at work, however long its database has been.
    pub first_start: Option<Timestamp>,
    /// The states in which this CI leaves builds by habit, as the server writes an array of texts.
    pub habits: String,
    /// What this CI leaves open in steps by habit, likewise.
    pub step_habits: String,
    /// What is lost of whole relations, projects and stretches of time.
    pub losses: Losses,
    /// Which builds were written after the restore, by the versions of their rows.
    pub row_versions: RowVersions,
    /// Whether any build waits on purpose.
    pub holds: bool,
    /// Whether steps or output show when builds are at work.
    pub shows_work: bool,
    /// Whether any step is on record; `None` where that is not known.
    pub has_steps: Option<bool>,
    /// The database's own clock.
    pub now: Timestamp,
    /// How far it is ahead of the clock of this machine; zero where nothing says that the two are apart.
    pub clock_ahead: SignedDuration,
}

impl Premise {
    /// A premise where no T was given.
    pub fn without_backup(times: RestoreTimes, now: Timestamp) -> Self {
        Self {
            times,
            restored: Restored::Unknown,
            contradictions: Contradictions::default(),
            recovered_before_backup: None,
            recovery_contradicted: None,
            start_up_stops: 0,
            closing_from: None,
            first_served: None,
            first_start: None,
            habits: String::new(),
            step_habits: String::new(),
            losses: Losses::default(),
            row_versions: RowVersions::NotAsked,
            holds: false,
            shows_work: false,
            has_steps: None,
            now,
            clock_ahead: SignedDuration::ZERO,
        }
    }

    /// Why the server's own record of a recovery before T makes T and R doubtful, as a sentence.
    pub fn doubt_of_recovery(&self) -> Option<String> {
        let at = self.recovered_before_backup?;
        Some(format!(
            "the database server recovered from a crash at {at:.0}, before the backup time, with builds on both sides of it: if the restore \
             was then, T and R are wrong, and builds that live look cut"
        ))
    }

    /// Why the server's own record of a recovery after T is not R, as a sentence.
    pub fn recovery_that_was_no_restore(&self) -> Option<String> {
        let (at, Contradictions { builds, last: Some(last), .. }) = self.recovery_contradicted? else { return None };
        let builds = counted(builds, "build");
        Some(format!(
            "the database server recovered from a crash at {at:.0}, but {builds} did something between the backup and then, the last at \
             {last}: that was not the restore, or the backup time is wrong"
        ))
    }

    /// The moments by which builds are sorted; `None` without T.
    pub fn moments(&self) -> Option<Moments> {
        let backup = self.times.backup?;
        let stopped_by = later(backup, self.times.clock_tolerance);
        let restored = self.restored.time().unwrap_or(backup);
        Some(Moments {
            backup,
            restored,
            stopped_by,
            closing_from: self.closing_from.unwrap_or(restored),
            max_run_time: self.times.max_run_time,
        })
    }

    /// The restored server, whose clock may be behind, may have closed what stopped later: for the rule that looks for it. Whether such a
    /// stop is possible is another matter ([`Moments::closing_from`]).
    pub fn closed_since(&self) -> Option<Timestamp> {
        let moments = self.moments()?;
        let back = self.restored.time().map(|restored| earlier(restored, self.times.clock_tolerance));
        Some(back.map_or(moments.closing_from, |back| moments.closing_from.min(back).max(moments.stopped_by)))
    }

    /// Why builds cannot be compared with T and R; `None` where they are.
    pub fn why_not_checked(&self) -> Option<&'static str> {
        match (self.times.backup, self.restored.time()) {
            (None, _) => Some("it needs --backup-time"),
            (Some(_), None) => Some("when the server came back is not known: give --restored-at"),
            (Some(_), Some(_)) => None,
        }
    }

    /// Whether R is too close to T for clocks that may be apart by the tolerance: then no build can be sorted for sure.
    pub fn is_too_close(&self) -> bool {
        let (Some(backup), Some(restored)) = (self.times.backup, self.restored.time()) else { return false };
        let tolerance = self.times.clock_tolerance;
        restored.duration_since(backup) <= tolerance.saturating_add(tolerance)
    }

    /// Whether the queue, or the server where the queue has not been seen to move yet, has been back for less than this.
    pub fn is_young_for(&self, length: SignedDuration) -> bool {
        let back = self.first_served.or(self.restored.time()).or(self.times.backup);
        back.is_none_or(|back| self.now.duration_since(back) < length)
    }

    /// Whether the CI has been back at work for so long: since it first started a build after R.
    pub fn is_back_for(&self, length: SignedDuration) -> bool {
        self.first_start.is_some_and(|back| self.now.duration_since(back) >= length)
    }

    /// Whether it has been for longer than a build waits and then runs: nothing that ran or waited at the backup can be alive.
    pub fn outlasts_builds(&self) -> bool {
        self.is_back_for(self.times.max_run_time.saturating_add(self.times.max_queue_time))
    }
}

/// How far another clock is ahead that showed `other` between two moments of this one; zero where it may be right.
pub(crate) fn ahead(other: Timestamp, asked: Timestamp, answered: Timestamp) -> SignedDuration {
    other.duration_since(other.clamp(asked.min(answered), answered.max(asked)))
}

/// A later time, or the latest that there is.
pub(crate) fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// An earlier time, or the earliest that there is.
pub(crate) fn earlier(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

/// The first line of every run: T and R, and how they are known.
impl fmt::Display for Premise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(backup) = self.times.backup else { return f.write_str("when the backup was taken is not known") };
        write!(f, "backup taken at {backup}, ")?;
        match self.restored {
            Restored::Given(restored) => write!(f, "server back at {restored}")?,
            Restored::Recovered(restored) => {
                write!(f, "server back at {restored:.0} (the database server's own record of its last crash recovery)")?
            }
            Restored::Unknown => f.write_str("when the server came back is not known")?,
        }
        write!(f, ", now {:.0}", self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn premise(restored: Restored) -> Premise {
        let times = RestoreTimes::new(Some(at("2026-11-20T02:00:00Z")), None);
        Premise { restored, ..Premise::without_backup(times, at("2026-11-20T07:00:00Z")) }
    }

    #[test]
    fn the_first_line_says_how_r_is_known() {
        let restored = at("2026-11-20T06:30:00Z");
        for (restored, expected) in [
            (Restored::Given(restored), "server back at 2026-11-20T06:30:00Z, now"),
            (Restored::Recovered(restored), "server back at 2026-11-20T06:30:00Z (the database server's own record"),
            (Restored::Unknown, "when the server came back is not known"),
        ] {
            let line = premise(restored).to_string();
            assert!(line.contains(expected), "{line}");
        }
    }

    #[test]
    fn a_clock_is_wrong_by_what_the_way_does_not_explain() {
        let (asked, answered) = (at("2026-11-20T07:00:00Z"), at("2026-11-20T07:00:05Z"));
        for (shown, seconds) in [("06:59:58Z", -2), ("07:00:00Z", 0), ("07:00:04Z", 0), ("08:00:05Z", 3600)] {
            let shown = at(&format!("2026-11-20T{shown}"));
            assert_eq!(ahead(shown, asked, answered).as_secs(), seconds, "{shown}");
        }
    }

    #[test]
    fn two_tolerances_are_too_close() {
        let close = |text| premise(Restored::Given(at(text))).is_too_close();
        assert!(close("2026-11-20T02:00:10Z"));
        assert!(!close("2026-11-20T02:00:10.000001Z"));
        assert!(!premise(Restored::Unknown).is_too_close());
    }

    #[test]
    fn how_long_the_ci_is_back_counts_from_its_first_start() {
        let back = |first_start: Option<&str>| {
            let given = premise(Restored::Given(at("2026-11-20T05:00:00Z")));
            Premise { first_start: first_start.map(at), ..given }.is_back_for(SignedDuration::from_hours(1))
        };
        assert!(back(Some("2026-11-20T06:00:00Z")));
        assert!(!back(Some("2026-11-20T06:00:01Z")));
        assert!(!back(None));
    }

    #[test]
    fn contradictions_are_said_with_number_and_times() {
        let (first, last) = (Some(at("2026-11-20T02:04:00Z")), Some(at("2026-11-20T02:19:00Z")));
        assert_eq!(
            Contradictions { builds: 6, first, last }.question().as_deref(),
            Some(
                "6 builds did something between the backup and the restore, the first at 2026-11-20T02:04:00Z, the last at \
                 2026-11-20T02:19:00Z: is that T?"
            )
        );
        assert!(Contradictions { builds: 1, first, last: first }.fact().is_some_and(|text| text.contains(", at 2026")));
        assert_eq!(Contradictions::default().question(), None);
    }
}
