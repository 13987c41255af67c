//! The report file: CSV by RFC 4180, written by a scan, edited by people, read by `delete`.

mod alive;
mod cell;
mod choice;
mod collection;
mod digest;
mod error;
mod lines;
mod metadata;
mod read;
mod records;
mod results;
mod rows;
mod run_again;
mod write;

pub use alive::AliveList;
pub use cell::begins_report;
pub use choice::{Chosen, Judged};
pub(crate) use collection::to_json as collection_to_json;
pub use digest::Digesting;
pub use error::ReportError;
pub use metadata::{Baseline, MetadataError, ScanMetadata};
pub use read::read;
pub use results::{ResultRow, ResultWriter, RowKind, addresses, amended, begins_results, is_a_plan};
pub use rows::{Row, Rows};
pub use run_again::{RUN_AGAIN_COLUMNS, RunAgainBuild, RunAgainWriter};
pub use write::ReportWriter;
