//! T and R: what files and a database say of them, how exact that is, and what contradicts it.

mod backup_label;
mod candidate;
mod cloud;
mod ebs;
mod error;
mod evidence;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod json_text;
mod kind;
mod log_line;
mod log_source;
mod manifest;
mod pgbackrest;
mod point;
mod report;
mod server_log;
mod start_messages;
mod text_lines;
mod velero;
mod waldump;
mod weighing;
mod witnesses;
mod written_time;

pub use candidate::{Candidate, Moment, RestoreTime};
pub use error::EvidenceError;
pub use evidence::{Evidence, EvidenceFile};
pub use kind::EvidenceKind;
pub use manifest::{Continuation, CountedDatabase, WrittenSince};
pub use report::{DatabaseSays, ManifestRead, TimesReport};
pub use weighing::{Conflict, Weighed, weigh};
pub use witnesses::{Witnesses, of_quiet_times};
