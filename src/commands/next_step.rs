//! The command that comes after a scan or a verdict, whole and ready to be copied.

use std::path::Path;

use crate::output::{Printer, Summary};

use super::backup_times::Suggestion;
use super::command_line::{CommandLine, READING_VARIABLES};
use super::read_request::ReadRequest;

/// The report of a scan that a command suggests.
const REPORT: &str = "report.csv";

/// What to do with what a scan found. `report` is where it was written as a report.
pub(super) fn after_scan(
    read: &ReadRequest,
    report: Option<&Path>,
    summary: &Summary,
    suggestions: &[Suggestion],
    printer: Printer,
) {
    if summary.abnormal == 0 {
        return;
    }
    if read.times.backup.is_none() {
        return give_times(suggestions, printer);
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

/// The same scan with the times that the database suggests. Where it suggests several, a person has to find out which is right.
fn give_times(suggestions: &[Suggestion], printer: Printer) {
    match suggestions {
        [only] => {
            let line = only.flags.iter().fold(this_command(), |line, (flag, time)| line.flag(flag, time));
            printer.next(&line.to_string());
        }
        _ => printer.next(&CommandLine::new("help").word("times").to_string()),
    }
}

/// What to do where a restore is not as it should be.
pub(super) fn after_verify(
    read: &ReadRequest,
    (report, globs): (Option<&Path>, &[String]),
    summary: &Summary,
    printer: Printer,
) {
    match (summary.abnormal, summary.deletable) {
        (0, _) => {
            let is_contradicted = summary.contradictions.is_some_and(|found| found.builds > 0);
            if is_contradicted {
                printer.next(&CommandLine::new("help").word("times").to_string());
            }
        }
        (_, 0) if read.times.backup.is_some() => {
            printer.say("none of the abnormal builds may be deleted by itself: a person decides, by the column note of a report");
            scan(read, report, globs, printer);
        }
        (_, 0) => scan(read, report, globs, printer),
        _ => match report {
            Some(report) => {
                let line = CommandLine::new("delete").word(&report.display().to_string());
                printer.next(&read.add_flags(line).to_string());
            }
            None => scan(read, report, globs, printer),
        },
    }
}

/// A scan into a report, where there is none yet.
fn scan(read: &ReadRequest, report: Option<&Path>, globs: &[String], printer: Printer) {
    if report.is_none() {
        let line = globs.iter().fold(CommandLine::new("scan"), |line, glob| line.flag("--project", glob));
        printer.next(&read.add_flags(line).flag("-o", &REPORT).to_string());
    }
}

fn this_command() -> CommandLine {
    CommandLine::of_this_process(&READING_VARIABLES)
}
