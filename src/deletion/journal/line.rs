//! One line of a journal: an event, its number, its time, and the digest of the line before it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::file_access::LONGEST_LINE;
use crate::text::Foreign;

use super::error::Fault;
use super::event::Event;

/// What the first line says of the file.
pub(super) const FORMAT: &str = "halfbuilt-journal/1";
/// How a journal of any version begins.
pub(super) const FORMAT_PREFIX: &[u8] = b"{\"format\":\"halfbuilt-journal/";
/// How a journal of this version begins.
pub(super) const FIRST_LINE_PREFIX: &[u8] = b"{\"format\":\"halfbuilt-journal/1\",\"seq\":1,";
/// The most bytes of a line, its line feed included: what may be in memory at once when a journal is read.
pub(super) const LONGEST: usize = LONGEST_LINE as usize;

/// Where the next line goes: its number, and the digest of the line before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) seq: u64,
    pub(super) prev: String,
}

impl Tail {
    /// Before the first line.
    pub(super) fn new() -> Self {
        Self { seq: 1, prev: "0".repeat(64) }
    }

    /// Moves on over a line, given without its line feed.
    pub(super) fn pass(&mut self, line: &[u8]) {
        self.seq += 1;
        self.prev = sha256(line);
    }

    /// Adds the next line, with its line feed, to some others.
    ///
    /// # Errors
    /// The line is longer than a line of a journal may be.
    pub(super) fn write(&mut self, at: Timestamp, event: &Event, lines: &mut Vec<u8>) -> Result<(), Fault> {
        let line = render(self.seq, &at_text(at), event, &self.prev)?;
        self.pass(&line);
        lines.extend_from_slice(&line);
        lines.push(b'\n');
        Ok(())
    }
}

/// A line that was read.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) event: Event,
    pub(super) prev: String,
}

#[derive(Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a str>,
    seq: u64,
    at: &'a str,
    #[serde(flatten)]
    event: &'a Event,
    prev: &'a str,
}

#[derive(Deserialize)]
struct Read {
    // Read only so that it does not count as a field of the event.
    #[serde(rename = "format")]
    _format: Option<String>,
    seq: u64,
    at: String,
    #[serde(flatten)]
    event: Event,
    prev: String,
}

/// Reads a line, given without its line feed. Only what this version would write byte for byte is a line, so no field is
/// unknown, and none stands twice.
pub(super) fn parse(line: &[u8]) -> Result<Line, Fault> {
    let text = std::str::from_utf8(line).map_err(|_| Fault::NotText)?;
    let read: Read =
        serde_json::from_str(text).map_err(|error| Fault::NotAnEvent(Foreign::evidence(&error.to_string())))?;
    let at: Timestamp = read.at.parse().map_err(|_| Fault::NotAnEvent(Foreign::new("\"at\" is not a time")))?;
    if render(read.seq, &at_text(at), &read.event, &read.prev)? != line {
        return Err(Fault::SpelledOtherwise);
    }
    Ok(Line { seq: read.seq, at, event: read.event, prev: read.prev })
}

/// The digest that a line carries of the one before it, whatever else it holds.
pub(super) fn prev_of(line: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Prev {
        prev: String,
    }
    Some(serde_json::from_slice::<Prev>(line).ok()?.prev)
}

fn render(seq: u64, at: &str, event: &Event, prev: &str) -> Result<Vec<u8>, Fault> {
    let format = (seq == 1).then_some(FORMAT);
    let line = serde_json::to_vec(&Written { format, seq, at, event, prev });
    let line = line.map_err(|error| Fault::NotAnEvent(Foreign::evidence(&error.to_string())))?;
    if line.len() < LONGEST { Ok(line) } else { Err(Fault::TooLong) }
}

fn at_text(at: Timestamp) -> String {
    format!("{at:.6}")
}

/// The SHA-256 of some bytes, in lower-case hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
    Sha256::digest(bytes).iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
