//! What stands against deleting a build: decided as data, made into words at the very end.

use std::fmt;

use crate::baseline_reason::BaselineReason;
use crate::losses::EmptyRelation;
use crate::request_path::RequestPathError;
use crate::text::Foreign;
use crate::timing::Timing;

/// When a rule makes the builds that it finds deletable. Their timing is another matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ground {
    /// Always.
    #[default]
    Always,
    /// Never: a person decides.
    Never,
    /// Where the CI loses what ran at the backup.
    WhereLost,
    /// As the rule says for each build.
    RowByRow,
}

/// What becomes, after a restore, of the builds that ran at the backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Running {
    /// Nothing continues them.
    Lost,
    /// The CI may continue them. This is what holds where a profile does not say.
    #[default]
    Resumed,
}

/// Where a CI keeps what waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// In the database: what waited at the backup starts after the restore.
    InThisDatabase,
    /// Elsewhere: it may not have come back.
    Elsewhere,
}

/// What stands between two obstacles in a note.
const NEXT: &str = "; ";

const SHARES_ITS_ADDRESS: &str = "another build has its number or its address";
const SHARES_ITS_PATH: &str = "a request that deletes it would mean another build, too";
const RESEMBLES_ANOTHER: &str = "another build has its address but for the case of letters";

const LISTED_AS_ALIVE: &str = "listed as alive in ";

const DID_SOMETHING_BETWEEN: &str = "it did something between the backup and the restore: T, R or a clock is wrong";

/// One thing that stands against deleting a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Steps or output exist, but no build.
    NoBuild,
    /// A list of what is alive may name it: the file.
    ListedAsAlive(Foreign),
    /// No T was given.
    NoBackupTime,
    /// T was given, and no time of the build is on record.
    NoTimeOnRecord,
    /// It did something after R, and is over.
    RanAfterRestore,
    /// It did something after R, and has been silent for longer than a build may run.
    SilentAfterRestore,
    /// It did something after R.
    MayBeAlive,
    /// It did something between T and R: what, and when.
    Between(String),
    /// R is not known.
    RestoreUnknown,
    /// R is too close to T.
    RestoreTooClose,
    /// Its steps or its output cannot be read, and with them whether it is alive.
    SignsUnread,
    /// A time of it is later than now.
    TimeInTheFuture,
    /// By the version of its row it was written since the restore, though none of its times says so.
    WrittenSinceRestore,
    /// By the version of its row it was not written since the restore, though one of its times says so.
    NotWrittenSinceRestore,
    /// Another build has its number or its address: what they share, and who does.
    SharesItsAddress(String),
    /// Its key stands for so many rows.
    SharesItsKey(u64),
    /// Another build has its name or its address but for the case of letters: that one's address.
    ResemblesAnother(String),
    /// Another build has one of its paths: what they share, and who does.
    SharesItsPath(String),
    /// The profile gives no path by which the CI deletes it.
    NoDeletePath,
    /// The profile does not say by which request a build is deleted.
    NoDeletion,
    /// The path by which the CI deletes it is none that may be sent.
    StrangeDeletePath(RequestPathError),
    /// The same of the path by which the CI cancels it.
    StrangeCancelPath(RequestPathError),
    /// What stands in the place of its number is no whole number.
    OddNumber(String),
    /// It has no address.
    NoAddress,
    /// The admin path does not take its address.
    StrangeAddress,
    /// Its address is none that can be used, in words.
    UnusableAddress(String),
    /// Its address has another number or project than it has.
    OtherAddress,
    /// Its lifecycle is not known: it may wait on purpose.
    LifecycleUnknown,
    /// It waits, and what waits in this CI's database starts by itself.
    StartsByItself,
    /// Nothing shows that it had started by T: it may have waited then, and run later.
    StartUnknown,
    /// The CI may resume what ran at the backup, and this build has stopped since.
    MayHaveBeenResumed,
    /// The CI may resume what ran at the backup, and has not been back for long enough.
    MayBeResumed,
    /// It runs, and a step of it stopped after R, not longer ago than a build may run.
    StepStoppedAfterRestore,
    /// Only rules that never make a build deletable found it: their names.
    NeverBy(Vec<String>),
    /// It was closed after the restore, and the profile does not say that what ran is lost.
    NotKnownToBeLost,
    /// It stopped between T and R, and only a start-up of the server can say why.
    StoppedBeforeRestore,
    /// The profile does not say where the queue is.
    QueueUnknown,
    /// The server has not been back for long enough to judge its queue.
    QueueTooYoung,
    /// Nothing that was queued after the restore has started.
    QueueStands,
    /// It had ended by T, or at no time on record, and only a step of it was closed after the restore.
    OnlyAStepWasClosed,
    /// It had begun or ended by T, so it was not the backup that left it waiting.
    WaitsAgain,
    /// It had ended by T and shows as running, and nothing that is read would show that it runs again.
    MayRunAgain,
    /// It waits, and this CI has builds that wait on purpose: it may have been one of them.
    MayHaveBeenHeld,
    /// It waits on purpose.
    Held,
    /// A relation that its rule reads came back empty.
    RelationEmpty(EmptyRelation),
    /// It lost its steps or output together with other builds.
    LostWithOthers,
    /// What the rule itself says.
    RuleSays(String),
    /// It differs from the baseline.
    Baseline(BaselineReason),
}

impl Obstacle {
    /// The timing behind it, which `--allow-timing` may allow.
    pub fn timing(&self) -> Option<Timing> {
        match self {
            // Without T nothing shows what is alive: no flag may allow that.
            Self::NoTimeOnRecord => Some(Timing::Unknown),
            Self::RanAfterRestore | Self::SilentAfterRestore | Self::MayBeAlive | Self::StepStoppedAfterRestore => {
                Some(Timing::AfterRestore)
            }
            Self::Between(_) => Some(Timing::Between),
            _ => None,
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoBuild => "there is no build to delete",
            Self::ListedAsAlive(file) => return write!(f, "{LISTED_AS_ALIVE}{file}"),
            Self::NoBackupTime => "no backup time was given",
            Self::NoTimeOnRecord => "no time on record",
            Self::RanAfterRestore => "it ran after the restore and is over: the backup did not cut it",
            Self::SilentAfterRestore => {
                "it did something after the restore, and has been silent for longer than --max-run-time: is it alive?"
            }
            Self::MayBeAlive => "it did something after the restore and may be alive",
            Self::Between(deed) => return write!(f, "{DID_SOMETHING_BETWEEN}: {deed}"),
            Self::RestoreUnknown => "R is not known: give --restored-at",
            Self::RestoreTooClose => "R is too close to T for the clock tolerance",
            Self::SignsUnread => "its steps or its output cannot be read: it may be alive",
            Self::TimeInTheFuture => "one of its times lies in the future",
            Self::WrittenSinceRestore => {
                "its row was written after the restore, though none of its times says so: it may be alive; wait for --max-run-time and \
                 --max-queue-time"
            }
            Self::NotWrittenSinceRestore => {
                "its row is older than those of the last builds before the backup, though one of its times is after the restore: T, R or a \
                 clock is wrong"
            }
            Self::SharesItsAddress(shares) => return write!(f, "{SHARES_ITS_ADDRESS}: {shares}"),
            Self::SharesItsKey(rows) => return write!(f, "{rows} rows have its key: nobody knows which is right"),
            Self::ResemblesAnother(other) => return write!(f, "{RESEMBLES_ANOTHER}: {other}"),
            Self::SharesItsPath(shares) => return write!(f, "{SHARES_ITS_PATH}: {shares}"),
            Self::NoDeletion => "the profile does not say how this CI deletes a build",
            Self::NoDeletePath => "the profile gives no path to delete it by",
            Self::StrangeDeletePath(why) => return write!(f, "its delete path is not a path: {why}"),
            Self::StrangeCancelPath(why) => return write!(f, "its cancel path is not a path: {why}"),
            Self::OddNumber(number) => return write!(f, "its number {number} is no whole number"),
            Self::NoAddress => "it has no address",
            Self::StrangeAddress => "its address is not of the form https://HOST/VCS/ORG/PROJECT/NUMBER",
            Self::UnusableAddress(why) => return write!(f, "its address cannot be used: {why}"),
            Self::OtherAddress => "its address names another build",
            Self::LifecycleUnknown => "its lifecycle is not known",
            Self::StartsByItself => "it waits, and what waits in this database starts by itself",
            Self::StartUnknown => "no start since it was queued is on record: it may have waited at the backup",
            Self::MayHaveBeenResumed => "this CI may resume what ran at the backup",
            Self::MayBeResumed => {
                "this CI may resume what ran at the backup: wait for --max-run-time and --max-queue-time"
            }
            Self::StepStoppedAfterRestore => "one of its steps stopped after the restore: it may be alive",
            Self::NeverBy(rules) => {
                let makes = if rules.len() == 1 { "makes" } else { "make" };
                return write!(f, "{} never {makes} a build deletable", rules.join(", "));
            }
            Self::NotKnownToBeLost => "the profile does not say that what ran at the backup is lost",
            Self::StoppedBeforeRestore => {
                "it stopped just before R: by the server's start-up, or was the backup later?"
            }
            Self::QueueUnknown => "the profile does not say where the queue is kept",
            Self::QueueTooYoung => "the queue has not been served for --max-queue-time yet",
            Self::QueueStands => "no build that was queued after the restore has started yet",
            Self::OnlyAStepWasClosed => "only one of its steps is known to have been closed after the restore",
            Self::WaitsAgain => "it had started or ended by the backup, and waits again",
            Self::MayRunAgain => {
                "it had ended by the backup, and without steps and output nothing shows whether it runs again"
            }
            Self::MayHaveBeenHeld => "it may have waited on purpose, and been released since",
            Self::Held => "it waits on purpose",
            Self::RelationEmpty(empty) => return write!(f, "{empty}: was this table restored?"),
            Self::LostWithOthers => "what it lacks is lost of other builds too (relation-empty): was it restored?",
            Self::RuleSays(why) => return f.write_str(why),
            Self::Baseline(reason) => return write!(f, "{reason}: what it should be is not known"),
        })
    }
}

/// The obstacles of a build in one line: the column `note` of a report.
pub fn note(obstacles: &[Obstacle]) -> String {
    obstacles.iter().map(Obstacle::to_string).collect::<Vec<_>>().join(NEXT)
}

/// Whether the note of a report calls a build alive. A report on standard input has nothing beside it that would say so.
pub fn says_alive(note: &str) -> bool {
    note.contains(LISTED_AS_ALIVE.trim_end())
}

/// A note without what concerns one build only, so that equal notes can be counted: that a build shares its name, not with which; that it
/// did something between T and R, not what.
pub fn gist(note: &str) -> String {
    let mut gist = note.to_owned();
    for words in [SHARES_ITS_ADDRESS, SHARES_ITS_PATH, RESEMBLES_ANOTHER, DID_SOMETHING_BETWEEN] {
        let Some(begin) = gist.find(&format!("{words}: ")) else { continue };
        let (before, particulars) = gist.split_at(begin + words.len());
        let after = particulars.find(NEXT).map_or("", |end| &particulars[end..]);
        gist = format!("{before}{after}");
    }
    gist
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gist_of_a_note_is_the_same_for_many_builds() {
        let shares = Obstacle::SharesItsAddress("2 builds have the number 7 (keys 1, 2)".to_owned());
        let whole = note(&[Obstacle::Between("stopped at 03:00".to_owned()), shares, Obstacle::NoAddress]);
        assert!(whole.contains("address: 2 builds have the number 7 (keys 1, 2); it has"), "{whole}");
        let short = "another build has its number or its address; it has no address";
        assert_eq!(gist(&whole), format!("{DID_SOMETHING_BETWEEN}; {short}"));
        assert_eq!(
            gist("another build has its number or its address: é"),
            "another build has its number or its address"
        );
        assert_eq!(gist("its address names another build"), "its address names another build");
    }
}
