//! The journal of a deletion: what was about to be done, what was answered, and how each build ended, on disk before
//! the next step is taken.
//!
//! One file a run, JSON Lines in UTF-8: each line is one object that ends with a line feed, and holds, in this order,
//! `seq` (1, 2, 3 …), `at` (RFC 3339, UTC, microseconds), `event` with the event's own fields, and `prev`, the SHA-256
//! of the whole line before it without its line feed, in lower-case hexadecimal (64 zeros in the first line). The
//! first line begins with `format`. So ordinary tools check it: `sed -n 4p FILE | tr -d '\n' | sha256sum` is the `prev`
//! of line 5.
//!
//! The chain shows every line that was changed, removed, doubled or moved. What no file can show by itself is that its
//! last line was changed, that whole lines were cut from its end, or that all of it was rewritten. For this an
//! auditor keeps the digest of the last line ([`Past::last`], [`Journal::last`]).
//!
//! A run that is continued adds another `start`, and so a session, to the same file.

mod build;
mod cancels;
mod chain;
mod error;
mod event;
mod file;
mod handle;
mod line;
mod past;
mod who;
mod words;
mod writer;

use std::path::{Path, PathBuf};

pub use build::PastBuild;
pub use cancels::Cancels;
pub use chain::check;
pub use error::{Fault, JournalError};
pub use event::{
    AnswerWord, Archived, DatabaseName, End, EndWord, Event, Intent, Kept, ReportFile, Start, sent_before,
};
pub use file::{read, read_or_new, read_with_digest};
pub use handle::Journal;
pub use past::{Past, PastArchive, Session};
pub use who::{Running, Who};

/// The ending of the name of a journal that stands beside its report.
pub const ENDING: &str = ".journal.jsonl";

/// Where the journal of a report's deletion stands unless `--journal` names another file: beside the report, under its own name,
/// whatever link leads to it.
pub fn beside(report: &Path) -> PathBuf {
    let own = report.is_symlink().then(|| report.canonicalize().ok()).flatten();
    let mut name = own.unwrap_or_else(|| report.to_owned()).into_os_string();
    name.push(ENDING);
    name.into()
}

#[cfg(test)]
mod handle_tests;
