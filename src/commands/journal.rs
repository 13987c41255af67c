//! `halfbuilt journal`: whether a journal is as it was written, and what it says.

use std::fs::File;
use std::path::PathBuf;

use crate::cli::{JournalArgs, JournalCommand, JournalVerifyArgs};
use crate::deletion::journal::{self, ENDING, JournalError};
use crate::exit::Exit;
use crate::file_access::open_plain;
use crate::output::{JournalSummary, Printer};
use crate::report;
use crate::text::{Foreign, counted};

use super::Error;
use super::rules::show;

pub(super) fn run(args: JournalArgs, printer: Printer) -> Result<Exit, Error> {
    match args.command {
        JournalCommand::Verify(args) => verify(args, printer),
    }
}

/// The error of a journal that cannot be read. Its hint says what the file is instead, and which file to name.
pub(super) fn unusable_journal(file: PathBuf, source: JournalError) -> Error {
    if !matches!(source, JournalError::NotAJournal) {
        return Error::Journal { file, source };
    }
    let usual = format!("beside the report, under its name with {ENDING}, unless --journal named another");
    let begins = |is_it: fn(File) -> bool| open_plain(&file).is_ok_and(is_it);
    let hint = if begins(report::begins_report) {
        let report = file.display();
        format!("it is a report; the journal of its deletion is {report}{ENDING}, unless --journal named another")
    } else if begins(report::begins_results) {
        format!("it is the results of `delete`; the journal is {usual}")
    } else {
        format!("name the journal that `delete` wrote: it is {usual}")
    };
    Error::NoJournal { file, source, hint }
}

/// Reads a journal from end to end and sums it up.
fn verify(args: JournalVerifyArgs, printer: Printer) -> Result<Exit, Error> {
    let JournalVerifyArgs { file, digest } = args;
    let (past, kept) = match journal::read(&file, digest.as_deref()) {
        Ok(read) => read,
        Err(source) => return Err(unusable_journal(file, source)),
    };
    if let Some(cut) = &past.cut {
        let bytes = counted(cut.bytes, "byte");
        printer.warn(&format!(
            "the last line was cut: {bytes} after line {} make no whole line: {}",
            past.lines,
            Foreign::name(&cut.text)
        ));
    }
    if past.lines == 0 {
        printer.tell("the journal is empty: nothing was checked");
        return Ok(Exit::NothingInScope);
    }
    show(&JournalSummary { past: &past, kept })
}
