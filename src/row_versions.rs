//! The versions of builds' rows: which were written after the restore, told without a clock.
//!
//! A version is PostgreSQL's xmin, the number of the transaction that wrote the row last.

use jiff::Timestamp;

use crate::text::{counted, was_or_were};

/// Beyond so many transactions the number of an old row may pass for that of a new one: PostgreSQL keeps 32 bits of it, and half of all
/// numbers are before any other. Source: PostgreSQL's manual, "Preventing Transaction ID Wraparound Failures".
const TOLD_APART: u64 = 1 << 31;

/// Where more than one in so many builds was written again, a migration is at work in batches, or the rows were loaded in several.
const RARE: u64 = 20;

/// What the versions of all builds' rows say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowVersions {
    /// The profile gives none, or T or R is not known.
    NotAsked,
    /// They are of no use: why.
    NotUsed(String),
    /// What was written after the restore can be told from what was written before.
    Told(ToldApart),
}

/// By which versions rows are sorted, and what that says of all builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldApart {
    /// A row of this version or a later one was written after the restore.
    pub new_from: u64,
    /// A row of an earlier version than this was written before the restore. Of what lies between the two nothing is known.
    pub old_before: u64,
    /// Whether all builds that were over have one version: they were loaded from a dump.
    pub is_of_a_dump: bool,
    /// How many builds, all of whose times are by T, were written again since.
    pub written_again: u64,
    /// Whether these are few: then a row that was written again was written because of its own build.
    pub is_rare: bool,
    /// How many builds have a time after R and were written before the restore.
    pub contradicting: u64,
    /// The latest such time.
    pub last_contradicting: Option<Timestamp>,
}

/// When a row was written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowWritten {
    /// Before the restore.
    Before,
    /// After it.
    After,
    /// The versions do not tell.
    Unknown,
}

/// What the database says of its builds' rows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct VersionsSeen {
    /// The version that comes next.
    pub(crate) next: u64,
    /// The least version of a build all of whose times are after R.
    pub(crate) first_after: Option<u64>,
    /// The middle version of the builds that stopped last by T.
    pub(crate) middle_before: Option<u64>,
    /// How many these are.
    pub(crate) last_before: u64,
    /// Whether these have but one version.
    pub(crate) is_one_before: bool,
    /// How many builds there are all of whose times are by T.
    pub(crate) before: u64,
    /// How many of them have the first version after or a later one.
    pub(crate) written_again: u64,
    /// How many builds have a time after R and a version before the middle one.
    pub(crate) contradicting: u64,
    /// The latest such time.
    pub(crate) last_contradicting: Option<Timestamp>,
}

impl RowVersions {
    /// Decides whether old and new rows can be told apart.
    pub(crate) fn judge(seen: &VersionsSeen) -> Self {
        let not_used = |why: &str| Self::NotUsed(why.to_owned());
        if seen.next >= TOLD_APART {
            return not_used(
                "the database has had more than 2,147,483,648 transactions, so old numbers may pass for new ones",
            );
        }
        let Some(old_before) = seen.middle_before else { return not_used("no build is over by the backup") };
        let Some(first_after) = seen.first_after else {
            return not_used("no build has done all that it did after the restore yet");
        };
        if old_before >= first_after || seen.written_again > seen.before / 2 {
            return not_used(
                "most builds of before the backup were written later than the first of after the restore: a migration wrote them again, the \
                 rows were loaded in another order, or T, R or a clock is wrong",
            );
        }
        // Nothing else has the version of a load, and whatever is later was written since. One build shows nothing.
        let is_of_a_dump = seen.is_one_before && seen.last_before > 1;
        Self::Told(ToldApart {
            new_from: if is_of_a_dump { old_before + 1 } else { first_after },
            old_before,
            is_of_a_dump,
            written_again: seen.written_again,
            is_rare: seen.written_again <= seen.before / RARE,
            contradicting: seen.contradicting,
            last_contradicting: seen.last_contradicting,
        })
    }

    /// When a row of some version was written.
    pub fn written(&self, version: Option<u64>) -> RowWritten {
        match (self, version) {
            (Self::Told(told), Some(version)) if version >= told.new_from => RowWritten::After,
            (Self::Told(told), Some(version)) if version < told.old_before => RowWritten::Before,
            _ => RowWritten::Unknown,
        }
    }

    /// Whether that a row was written again says something of its build.
    pub fn tell_of_one(&self) -> bool {
        matches!(self, Self::Told(told) if told.is_rare)
    }

    /// The first version after the restore, where one is known: for the rules.
    pub fn new_from(&self) -> Option<u64> {
        match self {
            Self::Told(told) => Some(told.new_from),
            Self::NotAsked | Self::NotUsed(_) => None,
        }
    }

    /// What speaks against T, R and the clocks, as a sentence.
    pub fn contradiction(&self) -> Option<String> {
        let Self::Told(told) = self else { return None };
        let last = told.last_contradicting?;
        let builds = counted(told.contradicting, "build");
        let (was, them) = (was_or_were(told.contradicting), if told.contradicting == 1 { "it" } else { "them" });
        Some(format!(
            "{builds} did something after the restore, the last at {last}, but the database wrote {them} before the last builds of before the \
             backup, and {was} not written since: T, R or a clock is wrong"
        ))
    }

    /// What they tell, or why they tell nothing, as a sentence; `None` where nobody asked.
    pub fn told(&self) -> Option<String> {
        match self {
            Self::NotAsked => None,
            Self::NotUsed(why) => Some(format!("row versions are not used: {why}")),
            Self::Told(told) => {
                let loaded =
                    if told.is_of_a_dump { " (the builds of before were loaded from a dump, all at once)" } else { "" };
                let again = match told.written_again {
                    0 => "no build of before the backup was written again since".to_owned(),
                    builds => {
                        let was = was_or_were(builds);
                        format!("{} of before the backup {was} written again since", counted(builds, "build"))
                    }
                };
                Some(format!(
                    "row versions: what has version {} or a later one was written after the restore{loaded}; {again}",
                    told.new_from
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred builds before version 700, the first after the restore with version 731.
    const SEEN: VersionsSeen = VersionsSeen {
        next: 800,
        first_after: Some(731),
        middle_before: Some(700),
        last_before: 100,
        is_one_before: false,
        before: 1000,
        written_again: 0,
        contradicting: 0,
        last_contradicting: None,
    };

    fn why_not(seen: VersionsSeen) -> String {
        match RowVersions::judge(&seen) {
            RowVersions::NotUsed(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rows_are_told_apart_and_nothing_is_known_of_those_between() {
        let told = RowVersions::judge(&SEEN);
        for (version, expected) in [
            (Some(699), RowWritten::Before),
            (Some(700), RowWritten::Unknown),
            (Some(730), RowWritten::Unknown),
            (Some(731), RowWritten::After),
            (None, RowWritten::Unknown),
        ] {
            assert_eq!(told.written(version), expected, "{version:?}");
        }
        assert_eq!(told.contradiction(), None);
        assert_eq!(RowVersions::NotAsked.written(Some(1)), RowWritten::Unknown);
    }

    #[test]
    fn of_a_dump_whatever_is_later_was_written_since() {
        let loaded = VersionsSeen { is_one_before: true, ..SEEN };
        let told = RowVersions::judge(&loaded);
        assert_eq!(told.written(Some(700)), RowWritten::Unknown);
        assert_eq!(told.written(Some(701)), RowWritten::After);
        assert_eq!(RowVersions::judge(&VersionsSeen { last_before: 1, ..loaded }).new_from(), Some(731));
    }

    #[test]
    fn they_are_not_used_where_old_and_new_cannot_be_told_apart() {
        assert!(why_not(VersionsSeen { next: 1 << 31, ..SEEN }).contains("transactions"));
        assert!(why_not(VersionsSeen { middle_before: None, ..SEEN }).contains("no build is over"));
        assert!(why_not(VersionsSeen { first_after: None, ..SEEN }).contains("yet"));
        assert!(why_not(VersionsSeen { middle_before: Some(731), ..SEEN }).contains("migration"));
        assert!(why_not(VersionsSeen { written_again: 501, ..SEEN }).contains("migration"));
        assert!(matches!(RowVersions::judge(&VersionsSeen { written_again: 500, ..SEEN }), RowVersions::Told(_)));
    }

    #[test]
    fn where_many_were_written_again_nothing_is_said_of_one() {
        for (written_again, expected) in [(0, true), (50, true), (51, false)] {
            let told = RowVersions::judge(&VersionsSeen { written_again, ..SEEN });
            assert_eq!(told.tell_of_one(), expected, "{written_again}");
        }
        assert!(!RowVersions::NotAsked.tell_of_one());
    }

    #[test]
    fn what_contradicts_the_times_is_said() {
        let last = "2026-11-20T07:00:00Z".parse().ok();
        let told = RowVersions::judge(&VersionsSeen { contradicting: 2, last_contradicting: last, ..SEEN });
        assert!(
            told.contradiction()
                .is_some_and(|said| said.starts_with("2 builds did something after the restore, the last at 2026"))
        );
    }
}
