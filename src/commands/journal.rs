//! `halfbuilt journal`: whether a journal is as it was written, and what it tells.

use crate::cli::{JournalArgs, JournalCommand, JournalVerifyArgs};
use crate::deletion::journal;
use crate::exit::Exit;
use crate::output::{History, Printer};
use crate::text::{counted, shorten};

use super::Error;
use super::rules::show;

/// How many characters of a cut line are shown.
const CUT_SHOWN: usize = 100;

/// Does what is asked with a journal.
pub(super) fn run(args: JournalArgs, printer: Printer) -> Result<Exit, Error> {
    match args.command {
        JournalCommand::Verify(args) => verify(args, printer),
    }
}

/// Reads a journal from end to end and sums it up.
fn verify(args: JournalVerifyArgs, printer: Printer) -> Result<Exit, Error> {
    let JournalVerifyArgs { file, digest } = args;
    let (past, kept) = match journal::read(&file, digest.as_deref()) {
        Ok(read) => read,
        Err(source) => return Err(Error::Journal { file, source }),
    };
    if let Some(cut) = &past.cut {
        let bytes = counted(cut.bytes, "byte");
        printer.warn(&format!(
            "the last line was cut: {bytes} after line {} make no whole line: {}",
            past.lines,
            shorten(&cut.text, CUT_SHOWN)
        ));
    }
    if past.lines == 0 {
        printer.say("there is no line in the journal: nothing was checked");
        return Ok(Exit::NothingInScope);
    }
    show(&History { past: &past, kept })
}
