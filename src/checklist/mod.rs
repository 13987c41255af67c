//! The checklist of a restore: lists of what has to be right on the restored machine before builds are cleaned up, and the probes that look.
//! Nothing is ever changed.

mod addresses;
mod certificate;
mod command;
mod engine;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod harmless;
mod host_name;
mod json_text;
mod list;
mod list_text;
mod look;
mod machine;
mod mounts;
mod outcome;
mod probe;
mod removal;
mod saved;
mod section;
mod shell;
mod tree;
mod web;

pub use engine::{ChecklistError, ChecklistRequest, run};
pub use host_name::named_host;
pub use list::{Item, List, SHIPPED};
pub use list_text::ListError;
pub use outcome::{CheckedItem, Checklist, Fault, ItemOutcome, Tally};
pub use saved::SavedError;
pub use web::{Web, WebAnswer, WebRequest, stays_here};
