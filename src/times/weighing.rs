//! Which T and which R follow from all candidates, and which of these contradict one another.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::premise::{earlier, later};

use super::candidate::{Candidate, Moment, RestoreTime};
use super::written_time::length;

/// T and R as far as they follow from the candidates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weighed {
    /// T, where it was given or all agree on it.
    pub backup: Option<Timestamp>,
    /// R, likewise.
    pub restored: Option<Timestamp>,
    /// What cannot be true at once.
    pub conflicts: Vec<Conflict>,
}

/// Two things that cannot be true at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Two sources give different times.
    Apart(Candidate, Candidate),
    /// A source is against the time that was given or is most exact.
    Against {
        /// The time.
        time: Timestamp,
        /// The source.
        candidate: Candidate,
    },
    /// The server came back before the backup.
    Swapped {
        /// T.
        backup: Timestamp,
        /// What says that it came back.
        candidate: Candidate,
    },
    /// The restore that was given is not after the backup.
    Reversed {
        /// T.
        backup: Timestamp,
        /// R.
        restored: Timestamp,
    },
    /// A time has not come yet.
    Future {
        /// T or R.
        which: RestoreTime,
        /// The time.
        time: Timestamp,
    },
}

impl Weighed {
    /// The same without a time that has not come yet, which is a contradiction.
    #[must_use]
    pub fn seen_at(mut self, now: Timestamp, tolerance: SignedDuration) -> Self {
        let latest = later(now, tolerance);
        for (which, known) in [(RestoreTime::Backup, &mut self.backup), (RestoreTime::Restored, &mut self.restored)] {
            let future = known.take_if(|time| *time > latest);
            self.conflicts.extend(future.map(|time| Conflict::Future { which, time }));
        }
        self
    }
}

/// Weighs the candidates. `given` are T and R where a person gave them, `tolerance` is how far clocks may be apart.
pub fn weigh(candidates: &[Candidate], given: [Option<Timestamp>; 2], tolerance: SignedDuration) -> Weighed {
    let mut conflicts = Vec::new();
    let of = |which: RestoreTime| candidates.iter().filter(move |known| known.which == which).collect::<Vec<_>>();
    let (of_backup, of_restored) = (of(RestoreTime::Backup), of(RestoreTime::Restored));
    let backup = given[0].or_else(|| most_exact(&of_backup, tolerance, &mut conflicts));
    if let Some(time) = backup {
        let against = of_backup.iter().filter(|known| !allows(known.moment, time, tolerance));
        conflicts.extend(against.map(|known| Conflict::Against { time, candidate: (*known).clone() }));
    }
    let is_before = |known: &&Candidate| backup.is_some_and(|backup| known.moment.time() <= backup);
    let (before, after): (Vec<&Candidate>, Vec<&Candidate>) = of_restored.into_iter().partition(is_before);
    // Where the CI came back after its database, nothing lives in between: the earlier time is the safe one.
    let found = most_exact(&after, tolerance, &mut conflicts);
    let restored = given[1].or(found).or_else(|| earliest_bound(&after));
    if let Some(backup) = backup {
        let swapped =
            before.into_iter().filter(|known| !matches!(known.moment, Moment::NotBefore(_) | Moment::Guess(_)));
        conflicts.extend(swapped.map(|known| Conflict::Swapped { backup, candidate: known.clone() }));
    }
    if let (Some(backup), Some(restored)) = (backup, given[1].filter(|restored| Some(*restored) <= backup)) {
        conflicts.push(Conflict::Reversed { backup, restored });
    }
    if let Some(time) = restored {
        // Each later start gives a later bound: it is the earliest that R that was given has to keep.
        let bound = earliest_bound(&after).filter(|_| given[1].is_some());
        let binds = |known: &&Candidate| match known.moment {
            Moment::At(_) => true,
            Moment::NotBefore(at) => Some(at) == bound,
            _ => false,
        };
        let against = after.into_iter().filter(binds).filter(|known| !allows(known.moment, time, tolerance));
        conflicts.extend(against.map(|known| Conflict::Against { time, candidate: known.clone() }));
    }
    Weighed { backup, restored, conflicts }
}

/// The time on which the most exact candidates agree; `None` where there is none, or where they disagree.
fn most_exact(
    candidates: &[&Candidate],
    tolerance: SignedDuration,
    conflicts: &mut Vec<Conflict>,
) -> Option<Timestamp> {
    let kinds: [fn(Moment) -> bool; 4] = [
        |moment| matches!(moment, Moment::At(_)),
        |moment| matches!(moment, Moment::LastCommit(_)),
        |moment| matches!(moment, Moment::Within { .. }),
        |moment| matches!(moment, Moment::OrLater(_)),
    ];
    let of_kind = |is_one: fn(Moment) -> bool| {
        candidates.iter().copied().filter(|known| is_one(known.moment)).collect::<Vec<_>>()
    };
    let best = kinds.into_iter().map(of_kind).find(|found| !found.is_empty())?;
    let first = best.iter().min_by_key(|known| known.moment.time())?;
    let last = best.iter().max_by_key(|known| known.moment.time())?;
    if later(first.moment.time(), tolerance) < last.moment.time() {
        conflicts.push(Conflict::Apart((*first).clone(), (*last).clone()));
        return None;
    }
    Some(last.moment.time())
}

/// The earliest time before which it was not.
fn earliest_bound(candidates: &[&Candidate]) -> Option<Timestamp> {
    let bounds = candidates.iter().filter(|known| matches!(known.moment, Moment::NotBefore(_)));
    bounds.map(|known| known.moment.time()).min()
}

/// Whether it may have been then, by one candidate.
fn allows(moment: Moment, time: Timestamp, tolerance: SignedDuration) -> bool {
    let (soonest, latest) = (earlier(time, tolerance), later(time, tolerance));
    match moment {
        Moment::At(at) => (soonest..=latest).contains(&at),
        Moment::LastCommit(at) | Moment::OrLater(at) | Moment::NotBefore(at) => at <= latest,
        Moment::NotAfter(at) => at >= soonest,
        Moment::Within { begin, end } => begin <= latest && end >= soonest,
        Moment::Guess(_) => true,
    }
}

/// The conflict as a sentence.
impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apart(first, second) => {
                let (one, other) = (first.moment.time(), second.moment.time());
                write!(
                    f,
                    "{} is {one} by {}, and {other} by {}, {:#} later: which of the two is meant?",
                    first.which.letter(),
                    first.source,
                    second.source,
                    length(one, other)
                )
            }
            Self::Against { time, candidate } => {
                let at = candidate.moment.time();
                let letter = candidate.which.letter();
                let is = match candidate.moment {
                    Moment::LastCommit(_) => "the last transaction was",
                    Moment::OrLater(_) | Moment::NotBefore(_) => "it was not before",
                    Moment::NotAfter(_) => "it was not after",
                    _ => "it was",
                };
                let side = if at > *time { "later" } else { "earlier" };
                let of_what = match candidate.which {
                    RestoreTime::Backup => "backup",
                    RestoreTime::Restored => "restore",
                };
                write!(
                    f,
                    "{letter} is {time}, but by {} {is} {at}, {:#} {side}: are the two of one {of_what}?",
                    candidate.source,
                    length(*time, at)
                )
            }
            Self::Swapped { backup, candidate } => {
                let at = candidate.moment.time();
                write!(
                    f,
                    "T is {backup}, but by {} the server came back at {at}, before that: are they of one restore?",
                    candidate.source
                )
            }
            Self::Reversed { backup, restored } => {
                write!(f, "R is {restored}, which is not after T, {backup}: is one of the two mistaken?")
            }
            Self::Future { which, time } => {
                write!(f, "{} is {time}, which is in the future: is its zone the right one?", which.letter())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLERANCE: SignedDuration = SignedDuration::from_secs(5);

    fn at(text: &str) -> Timestamp {
        format!("2026-11-20T{text}Z").parse().expect("a time")
    }

    fn weighed(moments: &[Moment], given: Option<&str>) -> (Option<Timestamp>, usize) {
        let known: Vec<Candidate> = moments.iter().map(|moment| Candidate::backup(*moment, "a file", "")).collect();
        let weighed = weigh(&known, [given.map(at), None], TOLERANCE);
        (weighed.backup, weighed.conflicts.len())
    }

    #[test]
    fn the_most_exact_is_taken() {
        let interval = Moment::Within { begin: at("01:50:00"), end: at("02:10:00") };
        let commit = Moment::LastCommit(at("01:59:59"));
        for (moments, expected) in [
            (&[interval][..], Some("02:10:00")),
            (&[interval, commit], Some("01:59:59")),
            (&[commit, Moment::At(at("02:00:00")), interval], Some("02:00:00")),
            (&[Moment::NotBefore(at("02:00:00")), Moment::Guess(at("02:00:00"))], None),
        ] {
            assert_eq!(weighed(moments, None), (expected.map(at), 0), "{moments:?}");
        }
    }

    #[test]
    fn what_cannot_be_true_at_once_is_found() {
        let exact = |time| Moment::At(at(time));
        assert_eq!(weighed(&[exact("02:00:00"), exact("02:00:05")], None), (Some(at("02:00:05")), 0));
        assert_eq!(weighed(&[exact("02:00:00"), exact("02:00:06")], None), (None, 1));
        let later_bounds =
            [Moment::LastCommit(at("06:00:00")), Moment::NotBefore(at("03:00:00")), Moment::NotAfter(at("01:00:00"))];
        for moment in later_bounds {
            assert_eq!(weighed(&[exact("02:00:00"), moment], None), (Some(at("02:00:00")), 1), "{moment:?}");
            assert_eq!(weighed(&[moment], Some("02:00:00")), (Some(at("02:00:00")), 1), "{moment:?}");
        }
    }

    #[test]
    fn r_comes_after_t() {
        let start = |time| Candidate::restored(Moment::NotBefore(at(time)), "a log", "");
        let known = [start("01:00:00"), start("06:30:00"), Candidate::backup(Moment::At(at("02:00:00")), "a file", "")];
        let found = weigh(&known, [None, None], TOLERANCE);
        assert_eq!((found.restored, found.conflicts.len()), (Some(at("06:30:00")), 0));
        let record = Candidate::restored(Moment::At(at("01:00:00")), "the server", "");
        let known = [record, known[2].clone()];
        let found = weigh(&known, [None, None], TOLERANCE);
        assert_eq!((found.restored, found.conflicts.len()), (None, 1));
        assert!(found.conflicts[0].to_string().contains("before that"));
    }

    #[test]
    fn r_that_is_given_comes_after_t_and_after_the_log_says_that_the_server_was_ready() {
        let ready = |time| Candidate::restored(Moment::NotBefore(at(time)), "a log", "");
        let known = [Candidate::backup(Moment::At(at("02:00:00")), "a file", ""), ready("06:30:00"), ready("09:00:00")];
        let sentences = |restored: &str| {
            let found = weigh(&known, [None, Some(at(restored))], TOLERANCE);
            assert_eq!(found.restored, Some(at(restored)));
            found.conflicts.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert!(
            sentences("06:30:00").is_empty() && sentences("06:29:55").is_empty() && sentences("12:00:00").is_empty()
        );
        let too_early = sentences("06:29:54");
        assert_eq!(
            too_early,
            [
                "R is 2026-11-20T06:29:54Z, but by a log it was not before 2026-11-20T06:30:00Z, 6s later: are the two of one restore?"
            ]
        );
        for restored in ["01:00:00", "02:00:00"] {
            let reversed = sentences(restored);
            assert!(reversed[0].contains("which is not after T, 2026-11-20T02:00:00Z"), "{reversed:?}");
        }
    }

    #[test]
    fn no_time_is_taken_that_has_not_come_yet() {
        let known = [Candidate::backup(Moment::At(at("02:00:00")), "a file", "")];
        let seen_at = |now| weigh(&known, [None, Some(at("06:30:00"))], TOLERANCE).seen_at(at(now), TOLERANCE);
        assert_eq!(seen_at("06:29:55").conflicts, []);
        let found = seen_at("06:29:54");
        assert_eq!((found.backup, found.restored, found.conflicts.len()), (Some(at("02:00:00")), None, 1));
        let found = seen_at("01:00:00");
        assert_eq!((found.backup, found.restored), (None, None));
        assert!(found.conflicts[0].to_string().starts_with("T is 2026-11-20T02:00:00Z, which is in the future"));
    }
}
