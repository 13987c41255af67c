//! What a person does about a build that is left.

use jiff::Timestamp;

use crate::baseline_reason::BaselineReason;
use crate::report::Row;
use crate::state::State;
use crate::timing::Timing;

use super::fate::Fate;

/// What a person does about a build that is left, in the order in which a page lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NextStep {
    /// A deletion failed, or its outcome is not known.
    LookUp,
    /// The run ended before it was its turn.
    Continue,
    /// It was deleted, and another restore brought it back: its journal cannot go on with it.
    StartOver,
    /// It is not as the report says any more.
    ScanAgain,
    /// A run declined it, or the server did.
    ReadWhy,
    /// It is deletable, and no run chose it.
    Choose,
    /// It is deletable, and no whole journal says what became of it.
    FindJournal,
    /// No T.
    GiveBackupTime,
    /// No R.
    GiveRestoreTime,
    /// T, R or a clock is wrong.
    CheckTimes,
    /// It did something after the restore, and is not over.
    LookWhetherAlive,
    /// It ran after the restore, and lost output then.
    FindNewDamage,
    /// No time of it is on record.
    LookAtBuild,
    /// Rows that belong to no build, or to several.
    LookAtTables,
    /// It is not in the database.
    FindElsewhere,
    /// What the report says against it.
    Decide,
}

impl NextStep {
    /// For a build that is not known to be gone; `fate` is `None` without a journal. `times` are T and R.
    pub(super) fn of(row: &Row, fate: Option<Fate>, times: [Option<Timestamp>; 2]) -> Self {
        let [backup, restored] = times;
        match fate {
            Some(Fate::Ended(State::Failed | State::Unknown) | Fate::Open) => return Self::LookUp,
            Some(Fate::Ended(State::NotAttempted | State::Cancelled)) => return Self::Continue,
            Some(Fate::Ended(State::Changed)) => return Self::ScanAgain,
            Some(Fate::Ended(State::Refused)) if row.deletable => return Self::ReadWhy,
            Some(Fate::NotNamed) if row.deletable => return Self::FindJournal,
            _ if row.deletable => return Self::Choose,
            _ => {}
        }
        let is_found_by = |begin: &str| row.reasons.iter().any(|reason| reason.starts_with(begin));
        if is_found_by(BaselineReason::Lost.as_str()) {
            return Self::FindElsewhere;
        }
        if is_found_by("orphan-") || is_found_by("duplicate-") {
            return Self::LookAtTables;
        }
        match row.timing {
            Timing::Unknown if backup.is_none() => Self::GiveBackupTime,
            Timing::Unknown => Self::LookAtBuild,
            _ if backup.is_some() && restored.is_none() => Self::GiveRestoreTime,
            Timing::Between => Self::CheckTimes,
            Timing::AfterRestore if row.stopped_at.is_some() => Self::FindNewDamage,
            Timing::AfterRestore => Self::LookWhetherAlive,
            Timing::InFlight | Timing::Stale | Timing::Ended => Self::Decide,
        }
    }

    /// What to do, as one asks a colleague to.
    pub fn explained(self) -> &'static str {
        match self {
            Self::LookUp => "Run the same delete command again. It looks up what happened before it sends anything.",
            Self::Continue => "Run the same delete command again. The last run ended too early.",
            Self::StartOver => {
                "Scan again, and delete by the new report with a new journal. It was deleted, and is there again: was the server \
                 restored once more?"
            }
            Self::ScanAgain => "Scan again. Something changed after the report was made.",
            Self::ReadWhy => "Read the results of the run. They say why it or the server declined.",
            Self::Choose => "Delete or leave. The report calls this deletable, and no run chose it.",
            Self::FindJournal => "Find the journal of the deletion, or look in the CI what is still there.",
            Self::GiveBackupTime => "Scan again with --backup-time. Without it nothing shows what the backup cut.",
            Self::GiveRestoreTime => "Scan again with --restored-at. Without it nothing shows what is alive.",
            Self::CheckTimes => "Check the backup time, the restore time and the clocks, then scan again.",
            Self::LookWhetherAlive => "Look in the CI. Leave what is alive, and cancel there what is stuck.",
            Self::FindNewDamage => "Leave what the backup did not cut. Find out why output is lost after the restore.",
            Self::LookAtBuild => "Look in the CI. No time of it is on record.",
            Self::LookAtTables => "Look in the database. Rows have no build, or more than one.",
            Self::FindElsewhere => "Look in another backup. The build is not in this database any more.",
            Self::Decide => "Decide by the reason that is given.",
        }
    }
}
