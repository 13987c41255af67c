//! What people and other programs see: tables, JSON, bars, and the one place that writes to stderr.

mod file;
mod harmless;
mod history;
mod json;
mod listing;
mod printer;
mod progress;
mod sink;
mod summary;
mod table;

pub use file::{OutputError, OutputFile};
pub use history::History;
pub use listing::Listing;
pub use printer::Printer;
pub use progress::Progress;
pub use sink::{Format, Sink};
pub use summary::Summary;
pub use table::PlanTable;
