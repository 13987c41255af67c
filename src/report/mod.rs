//! The report file: CSV by RFC 4180, written by a scan, edited by people, read by `delete`.

mod about;
mod cell;
mod choice;
mod columns;
mod digest;
mod lines;
mod read;
mod results;
mod rows;
mod write;

pub use about::{About, AboutError, Baseline};
pub use choice::{Chosen, Judged};
pub use columns::{COLUMNS, begins_report};
pub use digest::Digesting;
pub use read::{ReportError, read};
pub use results::{DRY_RUN, RESULT_COLUMNS, ResultRow, ResultWriter, addresses, amended, begins_results, is_a_plan};
pub use rows::{Row, Rows};
pub use write::ReportWriter;
