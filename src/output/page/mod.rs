//! The audit of a restore as a page or a ticket, and a journal as text.

mod checklist;
mod format;
pub mod html;
mod inputs;
mod journal;
mod left;
pub mod markdown;
mod session;

pub use inputs::{ArchiveInput, AuditInputs, ChecklistInput, Input, JournalInput};
pub use journal::JournalSummary;
