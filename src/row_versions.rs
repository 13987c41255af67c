//! The versions of builds' rows: which were written after the restore, told without a clock.
//!
//! A version is PostgreSQL's xmin, the number of the transaction that wrote the row last.

use jiff::Timestamp;

use crate::text::{counted, was_or_were};

/// Beyond so many transactions the number of an old row may pass for that of a new one: PostgreSQL keeps 32 bits of it, and half of all
/// numbers are before any other. Source: PostgreSQL's manual, "Preventing Transaction ID Wraparound Failures".
const TOLD_APART: u64 = 1 << 31;

/// Where more than one in so many builds was written again that were over by T, a migration is at work in batches, or the rows were loaded in
/// several. What shows as open does not count: a sign of life writes its row, and the more builds live, the more of these there are.
const RARE: u64 = 20;

/// So many of them are few, however few builds there are.
const ALWAYS_RARE: u64 = 1;

/// Fewer builds at the end before the backup do not show in which order rows were written.
const FEWEST: u64 = 10;

/// What the versions of all builds' rows say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowVersions {
    /// The profile gives none, or T or R is not known.
    NotAsked,
    /// They are of no use: why.
    NotUsed(String),
    /// They are of no use, as most builds of before the backup were written since then.
    MostWrittenAgain(WrittenAgain),
    /// What was written after the restore can be told from what was written before.
    Told(ToldApart),
}

/// How many builds, all of whose times are by T, were written since the first version after the restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrittenAgain {
    /// Those that had stopped by T.
    pub over: u64,
    /// Those that never stopped, and may be alive.
    pub open: u64,
}

/// By which versions rows are sorted, and what that says of all builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldApart {
    /// A row of this version or a later one was written after the restore.
    pub new_from: u64,
    /// A row of an earlier version than this was written before the restore; `None` where that is not certain. Of what lies between the two
    /// nothing is known.
    pub old_before: Option<u64>,
    /// Whether the last builds by T share their versions with one another, as after a load or a migration.
    pub are_shared: bool,
    /// What was written again.
    pub written_again: WrittenAgain,
    /// Whether few of these were over: then a row that was written again was written because of its own build.
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
    /// The first version that is known to be of after the restore.
    pub(crate) first_after: Option<u64>,
    /// The least version of the builds that stopped last by T.
    pub(crate) least_before: Option<u64>,
    /// The middle version of these.
    pub(crate) middle_before: Option<u64>,
    /// How many these are.
    pub(crate) last_before: u64,
    /// How many versions they have.
    pub(crate) versions_before: u64,
    /// How many builds have a version before the first one after.
    pub(crate) older: u64,
    /// How many have that or a later one, though all their times are by T.
    pub(crate) written_again: u64,
    /// How many of these have stopped.
    pub(crate) over_again: u64,
    /// How many builds have a time after R and a version before the least one.
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
        let Some(least_before) = seen.least_before else {
            return not_used("no build that was over by the backup has a version");
        };
        let Some(new_from) = seen.first_after else {
            return not_used("fewer than two builds have started or stopped after the restore and did nothing before");
        };
        let written_again =
            WrittenAgain { over: seen.over_again, open: seen.written_again.saturating_sub(seen.over_again) };
        if seen.middle_before.is_none_or(|middle| middle >= new_from) || seen.over_again > seen.older {
            return Self::MostWrittenAgain(written_again);
        }
        // A migration in batches, or a load, gives many rows one version, in an order of its own.
        let are_shared = seen.last_before > 1 && seen.versions_before * 2 <= seen.last_before;
        let is_as_written = seen.last_before >= FEWEST && !are_shared;
        let contradicting = if is_as_written { seen.contradicting } else { 0 };
        Self::Told(ToldApart {
            new_from,
            old_before: is_as_written.then_some(least_before),
            are_shared,
            written_again,
            is_rare: seen.over_again <= (seen.older / RARE).max(ALWAYS_RARE),
            contradicting,
            last_contradicting: seen.last_contradicting.filter(|_| contradicting > 0),
        })
    }

    /// When a row of some version was written.
    pub fn written(&self, version: Option<u64>) -> RowWritten {
        let (Self::Told(told), Some(version)) = (self, version) else { return RowWritten::Unknown };
        match told.old_before {
            _ if version >= told.new_from => RowWritten::After,
            Some(old) if version < old => RowWritten::Before,
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
            Self::NotAsked | Self::NotUsed(_) | Self::MostWrittenAgain(_) => None,
        }
    }

    /// What speaks against T, R and the clocks, as a sentence.
    pub fn contradiction(&self) -> Option<String> {
        let Self::Told(told) = self else { return None };
        let last = told.last_contradicting?;
        let builds = counted(told.contradicting, "build");
        let them = if told.contradicting == 1 { "it" } else { "them" };
        Some(format!(
            "{builds} did something after the restore, the last at {last}, but the database wrote {them} before any of the last builds of \
             before the backup: T, R or a clock is wrong"
        ))
    }

    /// That builds which show as open were written since the restore, and are not kept for that, as a sentence: what wrote builds that were over
    /// may have written these, too.
    pub fn unheeded(&self) -> Option<String> {
        let WrittenAgain { over, open } = match self {
            Self::Told(ToldApart { written_again, is_rare: false, .. }) | Self::MostWrittenAgain(written_again) => {
                *written_again
            }
            Self::Told(_) | Self::NotAsked | Self::NotUsed(_) => return None,
        };
        (open > 0).then(|| {
            let them = if open == 1 { "it is not" } else { "none of them is" };
            format!(
                "{} of before the backup that never stopped {} written after the restore, and may be alive; but so {} {} that {} over, as by a \
                 migration: {them} kept for it",
                counted(open, "build"),
                was_or_were(open),
                was_or_were(over),
                counted(over, "build"),
                was_or_were(over),
            )
        })
    }

    /// What they tell, or why they tell nothing, as a sentence; `None` where nobody asked.
    pub fn told(&self) -> Option<String> {
        match self {
            Self::NotAsked => None,
            Self::NotUsed(why) => Some(format!("row versions are not used: {why}")),
            Self::MostWrittenAgain(_) => Some(
                "row versions are not used: most builds of before the backup were written later than the first of after the restore: again by \
                 a migration, or loaded in another order, or T, R or a clock is wrong"
                    .to_owned(),
            ),
            Self::Told(ToldApart { new_from, written_again, .. }) => {
                let again = match &(written_again.over + written_again.open) {
                    0 => "no build of before the backup was".to_owned(),
                    builds => format!("{} of before the backup {}", counted(*builds, "build"), was_or_were(*builds)),
                };
                Some(format!(
                    "row versions: what has version {new_from} or a later one was written after the restore; {again} written since then"
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred builds of before, from version 600 on, the first of after the restore with version 731.
    const SEEN: VersionsSeen = VersionsSeen {
        next: 800,
        first_after: Some(731),
        least_before: Some(600),
        middle_before: Some(650),
        last_before: 100,
        versions_before: 100,
        older: 1000,
        written_again: 0,
        over_again: 0,
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
            (Some(599), RowWritten::Before),
            (Some(600), RowWritten::Unknown),
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
    fn where_rows_share_versions_none_is_known_to_be_old() {
        for (last_before, versions_before) in [(100, 50), (9, 9)] {
            let seen = VersionsSeen { last_before, versions_before, contradicting: 3, ..SEEN };
            let told = RowVersions::judge(&VersionsSeen { last_contradicting: Some(Timestamp::MAX), ..seen });
            assert_eq!((told.written(Some(1)), told.written(Some(731))), (RowWritten::Unknown, RowWritten::After));
            assert_eq!(told.contradiction(), None);
        }
    }

    #[test]
    fn they_are_not_used_where_old_and_new_cannot_be_told_apart() {
        assert!(why_not(VersionsSeen { next: 1 << 31, ..SEEN }).contains("transactions"));
        assert!(why_not(VersionsSeen { least_before: None, ..SEEN }).contains("no build that was over"));
        assert!(why_not(VersionsSeen { first_after: None, ..SEEN }).contains("fewer than two"));
        let again = |over_again, written_again| VersionsSeen { written_again, over_again, ..SEEN };
        for seen in [VersionsSeen { middle_before: Some(731), ..SEEN }, again(1001, 1001)] {
            let told = RowVersions::judge(&seen);
            assert!(matches!(told, RowVersions::MostWrittenAgain(_)), "{told:?}");
            assert!(told.told().is_some_and(|told| told.contains("again by a migration")));
        }
        for seen in [again(1000, 1000), again(0, 5000)] {
            assert!(matches!(RowVersions::judge(&seen), RowVersions::Told(_)));
        }
    }

    #[test]
    fn where_many_were_written_again_nothing_is_said_of_one() {
        // Of builds that were over. However many live, they do not count.
        for (older, over_again, open, expected) in [
            (1000, 0, 0, true),
            (1000, 50, 0, true),
            (1000, 51, 0, false),
            (1000, 51, 7, false),
            (1000, 0, 51, true),
            (1000, 0, 2000, true),
            (15, 0, 1, true),
            (15, 1, 1, true),
            (15, 2, 1, false),
        ] {
            let written_again = over_again + open;
            let told = RowVersions::judge(&VersionsSeen { older, written_again, over_again, ..SEEN });
            assert_eq!(told.tell_of_one(), expected, "{older} {over_again} {open}");
            // What is not kept for it is said.
            assert_eq!(told.unheeded().is_some(), !expected && open > 0, "{older} {over_again} {open}");
        }
        assert!(!RowVersions::NotAsked.tell_of_one());
        assert_eq!(RowVersions::NotAsked.unheeded(), None);
    }

    #[test]
    fn what_contradicts_the_times_is_said() {
        let last = "2026-11-20T07:00:00Z".parse().ok();
        let told = RowVersions::judge(&VersionsSeen { contradicting: 2, last_contradicting: last, ..SEEN });
        let said = told.contradiction().expect("a sentence");
        assert!(said.starts_with("2 builds did something after the restore, the last at 2026"), "{said}");
    }
}
