//! Reads a whole journal and checks that it is as it was written.

use std::io::{BufRead, Read};

use crate::text::Foreign;

use super::error::{Fault, JournalError};
use super::line::{FIRST_LINE_PREFIX, FORMAT_PREFIX, LONGEST, Tail, parse, prev_of, sha256};
use super::past::{Cut, Past};

/// How many characters of a cut line are kept.
const CUT_TEXT: usize = 2000;

/// A journal that was read to its end, and what a writer needs to continue it.
pub(super) struct CheckedJournal {
    pub(super) past: Past,
    /// How many bytes its whole lines take.
    pub(super) whole: u64,
    /// Where the next line goes.
    pub(super) tail: Tail,
}

/// Reads a journal and checks that its chain is whole and its story possible. What follows its last line feed is not checked: it
/// becomes [`Past::cut`]. Keeps one line in memory, and the builds that are named.
///
/// # Errors
/// It cannot be read, is no journal, or is damaged: then the first bad line, and what is wrong with it.
pub fn check(input: impl BufRead) -> Result<Past, JournalError> {
    Ok(walk(input, |_, _| {})?.past)
}

/// As [`check`]; shows every line's number and digest.
pub(super) fn walk(mut input: impl BufRead, mut pass: impl FnMut(u64, &str)) -> Result<CheckedJournal, JournalError> {
    let mut walked = CheckedJournal { past: Past::default(), whole: 0, tail: Tail::new() };
    let mut line = Vec::new();
    loop {
        let piece = read_piece(&mut input, &mut line)?;
        let number = walked.tail.seq;
        if number == 1 {
            begins_as_a_journal(&line, &piece)?;
        }
        match piece {
            Piece::Line => {}
            Piece::TooLong => return Err(JournalError::Damaged { line: number, fault: Fault::TooLong }),
            Piece::Rest => {
                walked.past.cut = (!line.is_empty()).then(|| cut(&line));
                walked.past.last = (number > 1).then(|| walked.tail.prev.clone());
                return Ok(walked);
            }
        }
        if let Err((line, fault)) = walked.take(&line, &mut input)? {
            return Err(JournalError::Damaged { line, fault });
        }
        pass(number, &walked.tail.prev);
    }
}

impl CheckedJournal {
    /// Takes a whole line, without its line feed. The outer error is that of reading further.
    fn take(&mut self, line: &[u8], rest: &mut impl BufRead) -> Result<Result<(), (u64, Fault)>, JournalError> {
        let number = self.tail.seq;
        let read = match parse(line) {
            Ok(read) => read,
            Err(fault) => return Ok(Err((number, fault))),
        };
        if read.seq != number {
            return Ok(Err((number, Fault::Number(read.seq))));
        }
        if read.prev != self.tail.prev {
            // Either the line before was changed, or the digest in this one: the next line shows which.
            return Ok(Err(match is_vouched_for(line, rest)? {
                _ if number == 1 => (1, Fault::NotTheFirst),
                Some(true) => (number - 1, Fault::Changed),
                Some(false) => (number, Fault::Changed),
                None => (number - 1, Fault::DoesNotFit(number)),
            }));
        }
        if let Err(why) = self.past.add(number, read.at, read.event) {
            return Ok(Err(match is_vouched_for(line, rest)? {
                Some(false) => (number, Fault::Changed),
                Some(true) | None => (number, Fault::Impossible(why)),
            }));
        }
        self.tail.pass(line);
        self.whole += line.len() as u64 + 1;
        Ok(Ok(()))
    }
}

/// Whether the line after this one carries its digest; `None` where no line follows.
fn is_vouched_for(line: &[u8], rest: &mut impl BufRead) -> Result<Option<bool>, JournalError> {
    let mut next = Vec::new();
    Ok(match read_piece(rest, &mut next)? {
        Piece::Line => prev_of(&next).map(|prev| prev == sha256(line)),
        Piece::Rest | Piece::TooLong => None,
    })
}

enum Piece {
    /// A whole line; its line feed is taken off.
    Line,
    /// What follows the last line feed: nothing, in a journal that was not cut.
    Rest,
    /// The beginning of something longer than any line.
    TooLong,
}

fn read_piece(input: &mut impl BufRead, line: &mut Vec<u8>) -> Result<Piece, JournalError> {
    line.clear();
    input.by_ref().take(LONGEST as u64 + 1).read_until(b'\n', line).map_err(JournalError::Read)?;
    if line.len() > LONGEST {
        return Ok(Piece::TooLong);
    }
    if line.pop_if(|byte| *byte == b'\n').is_some() {
        return Ok(Piece::Line);
    }
    Ok(Piece::Rest)
}

/// Whether this may be the first line of a journal, or a part of it. A journal without its first lines counts too, as a damaged one.
fn begins_as_a_journal(line: &[u8], piece: &Piece) -> Result<(), JournalError> {
    let is_cut = matches!(piece, Piece::Rest) && FIRST_LINE_PREFIX.starts_with(line);
    if line.starts_with(FIRST_LINE_PREFIX) || is_cut || parse(line).is_ok_and(|line| line.seq > 1) {
        return Ok(());
    }
    let version = line.strip_prefix(FORMAT_PREFIX).and_then(|version| version.split(|byte| *byte == b'"').next());
    match version.map(String::from_utf8_lossy).as_deref() {
        None | Some("1") => Err(JournalError::NotAJournal),
        Some(version) => Err(JournalError::OtherFormat(Foreign::name(&format!("halfbuilt-journal/{version}")))),
    }
}

fn cut(rest: &[u8]) -> Cut {
    Cut {
        bytes: rest.len() as u64,
        sha256: sha256(rest),
        text: Foreign::cut(&String::from_utf8_lossy(rest), CUT_TEXT).into(),
    }
}
