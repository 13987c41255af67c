//! What people and other programs see: tables, JSON, bars, and the one place that writes to stderr.

mod annotations;
mod dossier;
mod file;
mod harmless;
mod history;
pub mod html;
mod json;
mod junit;
mod listing;
pub mod markdown;
mod pipe;
mod printer;
mod progress;
mod record_file;
mod session;
mod shown;
mod sink;
mod step_summary;
mod summary;
mod table;
mod verdict_file;
mod verdict_json;

pub use annotations::annotations;
pub use dossier::{Dossier, Input, JournalInput};
pub use file::{OutputError, OutputFile, is_denied, is_stdout};
pub use harmless::for_eyes;
pub use history::History;
pub use listing::Listing;
pub use printer::Printer;
pub use progress::Progress;
pub use sink::{Format, Sink};
pub use step_summary::append as append_step_summary;
pub use summary::Summary;
pub use table::PlanTable;
pub use verdict_file::{VerdictFile, VerdictFormat};
