//! The audit of a restore as a page or a ticket, and a journal as text.

mod format;
pub mod html;
mod inputs;
mod journal;
pub mod markdown;
mod session;

pub use inputs::{AuditInputs, Input, JournalInput};
pub use journal::JournalSummary;
