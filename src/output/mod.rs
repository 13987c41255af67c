//! Output for people and programs: tables, JSON, JUnit, pages, progress, and the only writer of stderr.

mod editor;
mod file;
mod findings;
mod harmless;
mod json;
mod listing;
mod manual;
mod page;
mod pager;
mod pipe;
mod printer;
mod progress;
mod record_file;
mod screen;
mod summary;
mod table;
mod terminal;
mod topic;
mod verdict;

pub use editor::{Draft, EditorError, check_terminal};
pub use file::{OutputError, OutputFile, STANDARD_OUTPUT, is_denied};
pub use findings::{FindingsOutput, Finished, Format};
pub use harmless::for_people;
pub use listing::Listing;
pub use manual::Manual;
pub use page::markdown::RunAgainPage;
pub use page::{ArchiveInput, AuditInputs, Input, JournalInput, JournalSummary, html, markdown};
pub use pager::show;
pub use printer::{Printer, Verbosity};
pub use progress::Progress;
pub use screen::Screen;
pub use summary::Summary;
pub use table::plan_table;
pub use terminal::{Color, Ink};
pub use verdict::{VerdictFile, VerdictFormat, annotations, append_step_summary};
