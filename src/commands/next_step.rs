//! The command that comes after a scan or a verdict, whole and ready to be copied.

use std::path::Path;

use crate::output::{Printer, Summary};

use super::command_line::CommandLine;
use super::read_request::ReadRequest;

/// What to do with what a scan found. `report` is where it was written as a report.
pub(super) fn after_scan(read: &ReadRequest, report: Option<&Path>, summary: &Summary, printer: Printer) {
    if summary.abnormal == 0 {
        return;
    }
    // What the database suggests is a guess, and not to be copied without a look. Nor is anything to be deleted while builds contradict T and R.
    if read.times.backup.is_none() || is_contradicted(summary) {
        return printer.next(&CommandLine::new("help").word("times").to_string());
    }
    match report {
        Some(report) if summary.deletable > 0 => {
            printer.next(&read.add_flags(CommandLine::new("delete").word(&report.display().to_string())).to_string());
        }
        Some(_) => {
            printer.hint("none of them may be deleted: the column note says why of each");
            printer.next(&CommandLine::new("help").word("timing").to_string());
        }
        None => {}
    }
}

/// What to do where a restore is not as it should be. Never a deletion: the addresses in a restored copy are those of the live server, and
/// a verdict does not know whether it is one.
pub(super) fn after_verify(report: Option<&Path>, summary: &Summary, printer: Printer) {
    if is_contradicted(summary) {
        return printer.next(&CommandLine::new("help").word("times").to_string());
    }
    match report {
        _ if summary.abnormal == 0 => {}
        Some(report) => printer.hint(&format!(
            "{} names each build, and its column note says why one may not be deleted",
            report.display()
        )),
        None => printer.hint("-o left.csv names each build, and says why one may not be deleted"),
    }
}

/// Whether builds did something between T and R.
fn is_contradicted(summary: &Summary) -> bool {
    summary.contradictions.is_some_and(|found| found.builds > 0)
}
