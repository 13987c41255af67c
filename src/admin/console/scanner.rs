//! Finds our own answers in whatever a console prints.
//!
//! An answer is `NONCE KIND UNITS NONCE` without the blanks: the nonce is in lower case, the kind is `V` for a value or `T` for an
//! exception, and the units are UTF-16, four upper-case hexadecimal digits each. A prompt before it, colours within it, and broken
//! lines do no harm: escape sequences, control characters and blanks are skipped.

use std::collections::VecDeque;

use super::escapes::EscapeFilter;
use super::form::MAX_UNITS;
use super::nonce::{LETTERS, Nonce};

/// The most bytes between the two nonces.
const MAX_BODY: usize = 1 + 4 * MAX_UNITS;

/// What the scanner finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsoleEvent {
    /// The value of the form as Clojure prints it, or the exception: its class, message and cause. Either may hold any text.
    Answer(Result<String, String>),
    /// An answer that other output interrupts, or that is too long.
    Garbled,
}

/// Finds the answers to the form with this nonce (32 letters from a to p) in the pieces of a console's output. It does not matter how
/// the output is cut. Memory is bounded, except for the events themselves.
pub fn console_events<'a>(nonce: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<ConsoleEvent> {
    let mut scanner = Scanner::new(nonce);
    pieces.into_iter().flat_map(|piece| scanner.feed(piece)).collect()
}

/// Finds the answers to one form.
#[derive(Debug)]
pub(super) struct Scanner {
    nonce: Vec<u8>,
    escapes: EscapeFilter,
    /// The last visible bytes outside an answer.
    before: VecDeque<u8>,
    /// What follows the first nonce.
    body: Option<Vec<u8>>,
}

impl Scanner {
    pub(super) fn of(nonce: &Nonce) -> Self {
        Self::new(nonce.forward())
    }

    fn new(nonce: &str) -> Self {
        let before = VecDeque::with_capacity(LETTERS);
        Self { nonce: nonce.as_bytes().to_vec(), escapes: EscapeFilter::default(), before, body: None }
    }

    pub(super) fn feed(&mut self, piece: &[u8]) -> Vec<ConsoleEvent> {
        piece.iter().filter_map(|byte| self.take(*byte)).collect()
    }

    fn take(&mut self, byte: u8) -> Option<ConsoleEvent> {
        let byte = self.escapes.filter(byte).filter(|byte| !matches!(byte, 0..=b' ' | 0x7f))?;
        let Some(body) = &mut self.body else {
            if self.before.len() == self.nonce.len() {
                self.before.pop_front();
            }
            self.before.push_back(byte);
            if !self.nonce.is_empty() && self.before.iter().eq(&self.nonce) {
                self.before.clear();
                self.body = Some(Vec::new());
            }
            return None;
        };
        body.push(byte);
        if let Some(body) = body.strip_suffix(self.nonce.as_slice()) {
            let event = parse_answer(body).unwrap_or(ConsoleEvent::Garbled);
            self.body = None;
            return Some(event);
        }
        if byte.is_ascii_alphanumeric() && body.len() < MAX_BODY + self.nonce.len() {
            return None;
        }
        self.body = None;
        Some(ConsoleEvent::Garbled)
    }
}

/// Parses what stands between the nonces.
fn parse_answer(body: &[u8]) -> Option<ConsoleEvent> {
    let (kind, digits) = body.split_first()?;
    if !digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')) {
        return None;
    }
    let digits = std::str::from_utf8(digits).ok()?;
    let mut units = Vec::with_capacity(digits.len() / 4);
    for at in (0..digits.len()).step_by(4) {
        units.push(u16::from_str_radix(digits.get(at..at + 4)?, 16).ok()?);
    }
    if units.len() == MAX_UNITS {
        units.pop();
        units.push(0x2026);
    }
    let text = String::from_utf16_lossy(&units);
    match kind {
        b'V' => Some(ConsoleEvent::Answer(Ok(text))),
        b'T' => Some(ConsoleEvent::Answer(Err(text))),
        _ => None,
    }
}

#[cfg(test)]
#[path = "scanner_tests.rs"]
mod tests;
