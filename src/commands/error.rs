//! The errors that end a command, and the exit code of each.

use std::path::{Path, PathBuf};

use crate::admin::{AdminError, ViaError};
use crate::alive::AliveError;
use crate::checklist::{ChecklistError, ListError, SavedError};
use crate::database::DatabaseError;
use crate::deletion::GateError;
use crate::deletion::archive::ArchiveError;
use crate::deletion::journal::JournalError;
use crate::drill::{BadAllowance, CoveredTimesError, KeyError, ManifestError};
use crate::exit::Exit;
use crate::objects::{CompareError, ObjectsError};
use crate::output::{EditorError, OutputError, is_denied};
use crate::policy::PolicyError;
use crate::project_glob::BadGlob;
use crate::report::{MetadataError, ReportError};
use crate::scan::{Profile, ScanError, SqlSourceError};
use crate::sources::CollectError;
use crate::sources::private::PrivateError;
use crate::times::EvidenceError;

use super::denied;

/// An error that ends a command.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The flags contradict one another.
    #[error("{0}")]
    Usage(String),
    /// The flags contradict one another, or the choice cannot be read, and something can be done about it.
    #[error("{what}")]
    Misuse { what: String, hint: String },
    /// A glob cannot be read.
    #[error(transparent)]
    Glob(#[from] BadGlob),
    /// An allowance cannot be read.
    #[error(transparent)]
    Allowance(#[from] BadAllowance),
    /// The database could not be scanned.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The private database cannot be started, or not be removed.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// The profile does not fit the database; some of those that ship may.
    #[error("{source}")]
    WrongProfile { source: Box<ScanError>, profile: String, fitting: Vec<&'static str> },
    /// No profile of this name ships.
    #[error("unknown profile {name:?}")]
    UnknownProfile { name: String, hint: String },
    /// No list of items of this name ships.
    #[error("no list of items is named {name:?}")]
    UnknownList { name: String, hint: String },
    /// A list of items cannot be used.
    #[error(transparent)]
    ItemList(#[from] ListError),
    /// A checklist could not be run.
    #[error(transparent)]
    Checklist(#[from] ChecklistError),
    /// A file is no checklist that was run.
    #[error("{} cannot be used as a checklist", file.display())]
    SavedChecklist { file: PathBuf, source: SavedError },
    /// `help` knows no such word.
    #[error("no topic and no command is named {name:?}")]
    UnknownTopic { name: String, hint: String },
    /// These words name no command.
    #[error("no command is named {name:?}")]
    UnknownCommand { name: String, hint: String },
    /// No SQL file of this name ships for an administrator.
    #[error("no SQL file is named {name:?}")]
    UnknownSqlFile { name: String, hint: String },
    /// A profile, or a rule over it, does not fit the database.
    #[error("profile {profile} does not fit this database: {faults}, listed on standard output")]
    Unfit { profile: String, faults: String, hint: Option<String> },
    /// The report of a deletion would be lost.
    #[error("-o {} is a report by which builds were deleted: its journal is {}", report.display(), journal.display())]
    ReportWithJournal { report: PathBuf, journal: PathBuf },
    /// An output cannot be written.
    #[error(transparent)]
    Output(OutputError),
    /// The reader of an output has closed it.
    #[error("nobody reads {0} any more: the rest was not written")]
    Unread(String),
    /// A report or a list from which nothing can be deleted.
    #[error("{} is not a report that can be acted on", file.display())]
    Report { file: PathBuf, source: ReportError },
    /// A report cannot be summed up.
    #[error("{} is not a report that can be summed up", file.display())]
    ReportRows { file: PathBuf, source: ReportError },
    /// A journal cannot be used.
    #[error("cannot use the journal {}", file.display())]
    Journal { file: PathBuf, source: JournalError },
    /// A file is read as a journal, and is none.
    #[error("cannot use the journal {}", file.display())]
    NoJournal { file: PathBuf, source: JournalError, hint: String },
    /// The journal beside a report cannot be used. Nobody named it.
    #[error("cannot use the journal beside the report, {}", file.display())]
    JournalBeside { file: PathBuf, source: JournalError },
    /// The file beside a report is not what a scan writes.
    #[error("{} does not say when its report was scanned", file.display())]
    Metadata { file: PathBuf, source: MetadataError },
    /// A manifest cannot be compared with.
    #[error("--baseline {} cannot be used", file.display())]
    Baseline { file: PathBuf, source: ManifestError },
    /// A key cannot be used.
    #[error("--key-file {} cannot be used", file.display())]
    Key { file: PathBuf, source: KeyError },
    /// No manifest can be made of these times.
    #[error(transparent)]
    CoveredTimes(#[from] CoveredTimesError),
    /// The policy cannot be read.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A file does not say when the backup was taken.
    #[error("{} cannot be used as evidence", file.display())]
    Evidence { file: PathBuf, source: EvidenceError },
    /// A file is no list of what is alive.
    #[error("--alive {} cannot be used", file.display())]
    Alive { file: PathBuf, source: AliveError },
    /// A file that is needed cannot be read.
    #[error("cannot read {}", file.display())]
    Read { file: PathBuf, source: std::io::Error },
    /// The admin path cannot be used.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// A place with objects could not be listed.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// The database gives keys in another order than a listing.
    #[error("cannot compare with what is stored")]
    ObjectsCompared(#[source] CompareError),
    /// Builds could not be collected.
    #[error(transparent)]
    Collect(#[from] Box<CollectError>),
    /// `--via` names no admin path.
    #[error(transparent)]
    Via(#[from] ViaError),
    /// A gate stopped the run.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// There is nothing to delete.
    #[error("nothing to delete: {0}")]
    NothingToDelete(String),
    /// There is nothing to delete yet.
    #[error("nothing to delete: {why}")]
    NothingToDeleteYet { why: String, hint: String },
    /// The editor in which builds are chosen could not be started, or gave up.
    #[error(transparent)]
    Editor(#[from] EditorError),
    /// Nothing could be sent to the admin path.
    #[error("nothing was deleted: {0}")]
    Denied(String),
    /// The run stopped before all was done.
    #[error("the run stopped: {0}")]
    Stopped(String),
    /// More builds are gone than were sent.
    #[error("{what}")]
    Collateral { what: String, raise: String },
    /// The results could not be written any more.
    #[error("the run stopped: its results cannot be written")]
    Unrecorded(#[source] std::io::Error),
    /// The archive cannot be opened.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The archive could not be written: nothing may be deleted that is not in it.
    #[error("the run stopped: the archive cannot be written")]
    Unarchived(#[source] std::io::Error),
    /// The run was interrupted.
    #[error("interrupted")]
    Interrupted,
}

impl From<OutputError> for Error {
    fn from(error: OutputError) -> Self {
        match error.unread() {
            Some(name) => Self::Unread(name.to_owned()),
            None => Self::Output(error),
        }
    }
}

impl From<DatabaseError> for Error {
    fn from(error: DatabaseError) -> Self {
        Self::Scan(error.into())
    }
}

impl From<SqlSourceError> for Error {
    fn from(error: SqlSourceError) -> Self {
        Self::Scan(error.into())
    }
}

impl Error {
    /// The exit code. No arm catches all: a new error does not compile until it has a code.
    pub fn exit(&self) -> Exit {
        match self {
            // One deletion at a time.
            Self::Journal { source: JournalError::InUse(_), .. } => Exit::Declined,
            Self::Evidence { source, .. } if source.is_about_the_choice() => Exit::Usage,
            Self::Usage(_)
            | Self::ReportWithJournal { .. }
            | Self::Misuse { .. }
            | Self::Editor(EditorError::NoTerminal)
            | Self::Glob(_)
            | Self::Allowance(BadAllowance::Form(_) | BadAllowance::Rule { .. } | BadAllowance::Twice(_))
            | Self::CoveredTimes(CoveredTimesError::BackupInTheFuture { .. } | CoveredTimesError::SettleTooLong)
            | Self::Via(_)
            | Self::Policy(_)
            | Self::UnknownProfile { .. }
            | Self::UnknownList { .. }
            | Self::ItemList(_)
            | Self::Checklist(ChecklistError::NoSuchItem { .. })
            | Self::UnknownTopic { .. }
            | Self::UnknownCommand { .. }
            | Self::UnknownSqlFile { .. }
            | Self::Scan(
                ScanError::Source(SqlSourceError::UnknownProfile { .. })
                | ScanError::UnknownRule { .. }
                | ScanError::RuleNotRun { .. }
                | ScanError::InTheFuture { .. },
            ) => Exit::Usage,
            Self::Scan(
                ScanError::Source(_)
                | ScanError::Misfit { .. }
                | ScanError::Columns { .. }
                | ScanError::Keys { .. }
                | ScanError::Unread { .. }
                | ScanError::NoSchema { .. }
                | ScanError::NoCollection { .. }
                | ScanError::CollectionTooOld { .. }
                | ScanError::NoAnswer { .. }
                | ScanError::OtherDatabase { .. }
                | ScanError::OtherTables { .. }
                | ScanError::Database(_),
            )
            | Self::Private(_)
            | Self::Checklist(ChecklistError::Root { .. })
            | Self::SavedChecklist { .. }
            | Self::WrongProfile { .. }
            | Self::Unfit { .. }
            | Self::Output(_)
            | Self::Unread(_)
            | Self::NoJournal { .. }
            | Self::JournalBeside { .. }
            | Self::Report { .. }
            | Self::ReportRows { .. }
            | Self::Metadata { .. }
            | Self::Baseline { .. }
            | Self::Key { .. }
            | Self::CoveredTimes(CoveredTimesError::NoPresent)
            | Self::Journal { .. }
            | Self::Evidence { .. }
            | Self::Alive { .. }
            | Self::Read { .. }
            | Self::Admin(_)
            | Self::Collect(_)
            | Self::Objects(_)
            | Self::ObjectsCompared(_)
            | Self::Denied(_)
            | Self::Archive(_)
            | Self::Unarchived(_)
            | Self::Editor(EditorError::Start { .. } | EditorError::File(_))
            | Self::Unrecorded(_) => Exit::Failed,
            Self::NothingToDelete(_) | Self::NothingToDeleteYet { .. } => Exit::NothingInScope,
            Self::Stopped(_) | Self::Collateral { .. } => Exit::NotAllDeleted,
            Self::Gate(_)
            | Self::Editor(EditorError::GaveUp { .. } | EditorError::NotSaved { .. })
            | Self::Allowance(BadAllowance::Looser { .. }) => Exit::Declined,
            Self::Interrupted => Exit::Interrupted,
        }
    }

    /// The file that this user may not use, where that is the error.
    fn denied(&self) -> Option<&Path> {
        match self {
            Self::Output(error) => error.denied(),
            Self::Report { file, .. }
            | Self::ReportRows { file, .. }
            | Self::Journal { file, .. }
            | Self::NoJournal { file, .. }
            | Self::Metadata { file, .. }
            | Self::Baseline { file, .. }
            | Self::Key { file, .. }
            | Self::Evidence { file, .. }
            | Self::Alive { file, .. }
            | Self::Read { file, .. }
            | Self::SavedChecklist { file, .. }
            | Self::Archive(ArchiveError::Io { file, .. }) => is_denied(self).then_some(file),
            _ => None,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        if let Some(file) = self.denied() {
            return Some(denied::hint(file));
        }
        match self {
            Self::Scan(error) => error.hint(),
            Self::Private(error) => error.hint(),
            Self::Report { source, .. } | Self::ReportRows { source, .. } => source.hint(),
            Self::Journal { source, .. } => source.hint().map(str::to_owned),
            Self::JournalBeside { .. } => Some(
                "--no-journal leaves it out, and --journal FILE names another; `halfbuilt journal verify` checks one"
                    .to_owned(),
            ),
            Self::Metadata { .. } => Some(
                "scan again; without that file the age of the report is taken from the report file itself".to_owned(),
            ),
            Self::Policy(error) => Some(error.hint()),
            Self::ItemList(error) => Some(error.hint()),
            Self::Checklist(error) => error.hint(),
            Self::SavedChecklist { .. } => {
                Some("it expects what `halfbuilt checklist --json FILE` wrote".to_owned())
            }
            Self::Baseline { source, .. } => source.hint(),
            Self::Evidence { file, source } => source.hint(&file.display().to_string()),
            Self::Alive { source, .. } => source.hint(),
            Self::Key { .. } => {
                Some("`openssl rand -hex 32 > FILE` makes a key: keep it where only you can read it".to_owned())
            }
            Self::CoveredTimes(error) => error.hint(),
            Self::Admin(error) => error.hint().map(Into::into),
            Self::Collect(error) => error.hint(),
            Self::Objects(error) => error.hint().map(str::to_owned),
            Self::Gate(error) => error.hint(),
            Self::Via(error) => error.hint().map(str::to_owned),
            Self::Archive(error) => error.hint().map(str::to_owned),
            Self::Editor(error) => error.hint().map(str::to_owned),
            Self::UnknownProfile { hint, .. }
            | Self::UnknownList { hint, .. }
            | Self::UnknownTopic { hint, .. }
            | Self::UnknownCommand { hint, .. }
            | Self::UnknownSqlFile { hint, .. }
            | Self::NoJournal { hint, .. }
            | Self::Misuse { hint, .. }
            | Self::NothingToDeleteYet { hint, .. } => Some(hint.clone()),
            Self::Collateral { raise, .. } => Some(format!(
                "find out which ones: compare the CI's own list, a fresh scan or `verify --baseline` with what was there; --archive holds \
                 only what was sent, so the others can come back from a backup alone; if they may go, {raise}"
            )),
            Self::Unfit { hint, .. } => hint.clone(),
            Self::WrongProfile { source, profile, fitting } => fitting_hint(source, profile, fitting),
            Self::Allowance(error) => error.hint(),
            Self::ReportWithJournal { .. } => Some(
                "name another file, and the audit page can still say what became of each build; --overwrite writes over it".to_owned(),
            ),
            Self::ObjectsCompared(_) | Self::Usage(_)
            | Self::Glob(_)
            | Self::Output(_)
            | Self::Unread(_)
            | Self::Read { .. }
            | Self::NothingToDelete(_)
            | Self::Denied(_)
            | Self::Stopped(_)
            | Self::Unrecorded(_)
            | Self::Unarchived(_)
            | Self::Interrupted => None,
        }
    }
}

/// Which profile to ask for instead. To somebody who wrote one, what is wrong with it comes first.
fn fitting_hint(source: &ScanError, profile: &str, fitting: &[&str]) -> Option<String> {
    let own = source.hint();
    let ships = Profile::shipped().any(|(name, _)| name == profile);
    let fits = match fitting {
        [] => return own,
        [only] => format!("profile {only} fits this database: --profile {only}"),
        several => format!("profiles {} fit this database", several.join(" and ")),
    };
    Some(own.filter(|_| !ships).map_or_else(|| fits.clone(), |own| format!("{own}; {fits}")))
}

impl From<CompareError> for Error {
    fn from(error: CompareError) -> Self {
        match error {
            CompareError::Objects(error) => Self::Objects(error),
            CompareError::Scan(error) => Self::Scan(error),
            order @ CompareError::Order(_) => Self::ObjectsCompared(order),
        }
    }
}
