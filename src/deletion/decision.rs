//! What is decided on a chosen build, and why. The sentence for a person is made at the very end.

use std::fmt;

use jiff::Timestamp;

use crate::baseline_reason::BaselineReason;
use crate::obstacle::Obstacle;
use crate::state::State;
use crate::timing::Timing;

/// What is to happen with a chosen build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is to be deleted.
    Delete {
        /// Its timing when it was read last.
        timing: Timing,
        /// What the rules found.
        evidence: String,
    },
    /// It is kept, and ends in this state.
    Keep(State, KeepReason),
}

/// Why it is deleted or kept.
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delete { timing, evidence } => write!(f, "{timing}: {evidence}"),
            Self::Keep(_, reason) => reason.fmt(f),
        }
    }
}

/// What a build shows that a cancel does not explain. `Display` makes the sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BeyondCancel {
    /// It runs, waits, or has no stop on record.
    IsAtWork,
    /// It stopped before its cancel, or long after: when, and when its cancel was accepted.
    StoppedAt { stop: Timestamp, accepted: Timestamp },
    /// It started, began a step or stored output since: what the rules find now.
    DidMore(String),
    /// Its status is that of a build that passed.
    Passed(String),
    /// `--timing` names other timings.
    OtherTiming(Timing),
    /// Something that no stop explains stands against deleting it.
    Obstacle(Obstacle),
}

impl fmt::Display for BeyondCancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IsAtWork => f.write_str("it has not stopped, so it may be alive"),
            Self::StoppedAt { stop, accepted } => {
                write!(f, "it stopped at {stop:.0}, which is not of its cancel: that was accepted at {accepted:.0}")
            }
            Self::DidMore(evidence) => write!(f, "it did more than stop since then; now: {evidence}"),
            Self::Passed(status) => write!(f, "its status is {status}, so it passed by itself"),
            Self::OtherTiming(timing) => write!(f, "its timing is {timing}, and --timing names others"),
            Self::Obstacle(obstacle) => obstacle.fmt(f),
        }
    }
}

/// Why a build is kept. `Display` makes the sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeepReason {
    /// A flag or the policy denies its project; the text names both.
    Denied(String),
    /// The report gives a timing that is not deletable, and perhaps a note.
    ReportTiming(Timing, String),
    /// The report says that it is not deletable, and perhaps why.
    ReportForbids(String),
    /// It differs from a baseline.
    Baseline(BaselineReason),
    /// Its row has no address of a build.
    NoUrl,
    /// No build in the database has its address.
    NotInDatabase,
    /// The database has its project and number under another address.
    OtherUrl(String),
    /// So many builds have its address.
    SharedUrl(usize),
    /// What the database holds of it cannot be read: why.
    Unread(String),
    /// A build without a key may be the one that is meant.
    WithoutKey,
    /// Another build has its address now: what it did, when, and when the one of the report did so.
    AnotherBuild {
        /// "queued" or "started".
        did: &'static str,
        now: Timestamp,
        before: Timestamp,
    },
    /// No build has this address, and nothing says that one ever had.
    NoSuchAddress,
    /// By another path than when the plan was made, which may mean another build.
    OtherPath,
    /// It is as the report says, and no rule fires.
    UnchangedAndSound,
    /// No rule fires any more.
    Recovered,
    /// A rule that fired could not be run again.
    RuleNotRun(String),
    /// It is not as the report says. What the rules find now.
    Changed(String),
    /// Something stands against deleting it.
    Obstacle(Obstacle),
    /// `--timing` names other timings.
    OtherTiming(Timing),
    /// It changed again each time that it was archived.
    ChangesTooFast,
    /// An earlier run of the journal deleted it, and perhaps said more.
    EarlierRun(String),
    /// An earlier run deleted it, and another build has its address now.
    AddressReused,
    /// An earlier run deleted it, and it is there again.
    ThereAgain,
    /// An earlier run ended it in this state, and it is there again.
    EndedAndThere(State),
    /// An earlier run sent its deletion, which took effect late.
    TookEffectLate,
    /// An earlier run sent its deletion and did not see the end.
    EndNotSeen,
    /// It was cancelled to be deleted, and is kept for this reason.
    Cancelled(String),
    /// Its cancel was accepted, and does not explain this.
    BeyondCancel(BeyondCancel),
    /// It is kept for this reason, and an earlier run may have sent its cancel.
    MayBeCancelled(String),
    /// The server said in an earlier run that it deleted nothing, and it is gone.
    GoneWithoutDeletion(String),
}

impl fmt::Display for KeepReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(why) => f.write_str(why),
            Self::ReportTiming(timing, note) if note.is_empty() => write!(f, "timing {timing}: {}", timing.explained()),
            Self::ReportTiming(timing, note) => write!(f, "timing {timing}: {note}"),
            Self::ReportForbids(note) if note.is_empty() => f.write_str("the report says that it is not deletable"),
            Self::ReportForbids(note) => write!(f, "the report says: {note}"),
            Self::Baseline(reason) => {
                write!(f, "{reason}: it was over before the backup, and what it should be is not known")
            }
            Self::NoUrl => f.write_str("it has no URL of a build"),
            Self::NotInDatabase => f.write_str("no build in the database has this URL"),
            Self::OtherUrl(url) => write!(f, "the database knows this build as {url}"),
            Self::SharedUrl(builds) => write!(f, "{builds} builds have this URL"),
            Self::Unread(why) => write!(f, "what the database holds of it cannot be read: {why}"),
            Self::WithoutKey => f.write_str("a build without a key may be the one that is meant"),
            Self::AnotherBuild { did, now, before } => {
                write!(f, "another build has this address now: it was {did} at {now}, not at {before}")
            }
            Self::NoSuchAddress => {
                f.write_str("no build has this address: every letter has to be as the database has it")
            }
            Self::OtherPath => f.write_str(
                "the path by which it is deleted or cancelled is another one than when the plan was made: it may mean another build",
            ),
            Self::UnchangedAndSound => {
                f.write_str("it is as it was, and no rule fires on it: is --backup-time that of the scan?")
            }
            Self::Recovered => f.write_str("no rule finds anything wrong with it now"),
            Self::RuleNotRun(rule) => write!(
                f,
                "rule {rule} could not be run again: give --backup-time, --profile and --rules as for the scan"
            ),
            Self::Changed(evidence) => write!(f, "it has changed since the report; now: {evidence}"),
            Self::Obstacle(obstacle) => match obstacle.timing() {
                Some(timing) => write!(f, "timing {timing}: {obstacle}"),
                None => obstacle.fmt(f),
            },
            Self::OtherTiming(timing) => write!(f, "its timing is {timing}, and --timing names others"),
            Self::ChangesTooFast => f.write_str("it changes faster than it can be archived"),
            Self::EarlierRun(reason) if reason.is_empty() => f.write_str("by an earlier run of this journal"),
            Self::EarlierRun(reason) => write!(f, "by an earlier run of this journal: {reason}"),
            Self::AddressReused => f.write_str("by an earlier run of this journal; another build has its address now"),
            Self::ThereAgain => f.write_str(
                "it is there again: was the server restored since this journal deleted it? A new --journal starts over",
            ),
            Self::EndedAndThere(state) => write!(
                f,
                "the journal says that it is {state}, and it is there again: was the server restored once more? A new --journal starts over"
            ),
            Self::TookEffectLate => f.write_str("sent by an earlier run of this journal; read again and gone now"),
            Self::EndNotSeen => {
                f.write_str("sent by an earlier run of this journal, which did not see the end; read again and gone")
            }
            Self::Cancelled(why) => write!(f, "it was cancelled, and not deleted: {why}"),
            Self::BeyondCancel(beyond) => write!(f, "its cancel was accepted, and it is not deleted: {beyond}"),
            Self::MayBeCancelled(why) => write!(
                f,
                "{why}; an earlier run of this journal may have sent its cancel, and did not see what came of it"
            ),
            Self::GoneWithoutDeletion(answer) => write!(f, "{answer}; read again and gone"),
        }
    }
}
