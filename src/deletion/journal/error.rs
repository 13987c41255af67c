//! Why a journal cannot be trusted or used.

use std::io;

use crate::text::Foreign;

use super::who::Running;

/// Why a journal cannot be trusted or used. The caller adds the name of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    #[error("it cannot be opened")]
    Open(#[source] io::Error),
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// It cannot be written: a repair, a new file in its folder, the thread that writes.
    #[error("it cannot be written")]
    Write(#[source] io::Error),
    #[error("it cannot be locked")]
    Lock(#[source] io::Error),
    /// Another run has it open, and perhaps its start line says who that is.
    #[error("it is in use by {}", .0.as_deref().map_or_else(|| "another run".to_owned(), ToString::to_string))]
    InUse(Option<Box<Running>>),
    /// It is something that no journal can be: a folder, a FIFO, a device.
    #[error("it is {0}, not a file")]
    NotAFile(&'static str),
    /// A file of another kind. It was not changed.
    #[error("it is not a journal: its first line does not begin with {{\"format\":\"halfbuilt-journal/1\",\"seq\":1,")]
    NotAJournal,
    #[error("there is no whole line in it that says who did what")]
    Empty,
    #[error("its format is {0:?}, and this version of halfbuilt reads halfbuilt-journal/1")]
    OtherFormat(Foreign),
    /// A line is not as it was written, or cannot be true.
    #[error("line {line} {fault}")]
    Damaged {
        /// Counted from 1.
        line: u64,
        fault: Fault,
    },
    /// No line of it has the digest that somebody kept.
    #[error("no line of it has the digest {0}: lines were cut from its end, or it was rewritten")]
    DigestNotFound(String),
    /// It is the journal of another run: of another CI host or another database.
    #[error("it is the journal of a run on {theirs}, and this run is on {ours}")]
    OtherRun { theirs: String, ours: String },
}

/// What is wrong with a line. The text continues `line 5`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    #[error("is not UTF-8")]
    NotText,
    #[error("is not an event: {0}")]
    NotAnEvent(Foreign),
    /// It is JSON, but not as halfbuilt writes it.
    #[error("is not spelled as halfbuilt spells it: it has an extra field, a field out of order, or white space")]
    SpelledOtherwise,
    #[error("is longer than 16 MiB")]
    TooLong,
    /// Its number is not its place.
    #[error("has the number {0}: lines are missing, doubled or out of order, or its number was changed")]
    Number(u64),
    /// It is not the line whose digest the next one carries.
    #[error("was changed: it is not the line whose digest the next line carries")]
    Changed,
    /// It and the next one, which is the last, do not fit.
    #[error("and line {0}, the last one, do not fit: the digest in the last line is of another line")]
    DoesNotFit(u64),
    /// The first line follows on something.
    #[error("is the first one, and carries the digest of a line before it")]
    NotTheFirst,
    /// It contradicts the lines before it.
    #[error("contradicts the lines before it: {0}")]
    Impossible(String),
}

impl JournalError {
    /// What to do next.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::InUse(_) => "wait for the other run to end, or ask whoever runs it",
            Self::NotAFile(_) | Self::NotAJournal => "name a new file, or the journal of this run",
            Self::OtherFormat(_) => "use the version of halfbuilt that wrote it",
            Self::Damaged { .. } | Self::DigestNotFound(_) => {
                "the file was changed, or the disk lost a part of it: keep it as it is, and compare it with a copy: \
                 `halfbuilt help journal`"
            }
            Self::Empty => "name the journal of the run; a page that needs none is made without --journal",
            Self::OtherRun { .. } => "each run has its own journal: name another file",
            Self::Open(_) | Self::Read(_) | Self::Write(_) | Self::Lock(_) => return None,
        })
    }
}
