//! What people and other programs see: tables, JSON, bars, and the one place that writes to stderr.

mod dossier;
mod file;
mod harmless;
mod history;
pub mod html;
mod json;
mod listing;
pub mod markdown;
mod printer;
mod progress;
mod shown;
mod sink;
mod summary;
mod table;

pub use dossier::{Dossier, Input, JournalInput};
pub use file::{OutputError, OutputFile};
pub use history::History;
pub use listing::Listing;
pub use printer::Printer;
pub use progress::Progress;
pub use sink::{Format, Sink};
pub use summary::Summary;
pub use table::PlanTable;
