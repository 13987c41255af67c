//! The line on which a record of a CSV file begins, while the file is streamed.

use std::collections::VecDeque;
use std::io::{self, Read};

use crate::file_access::{LONGEST_LINE, size};

/// Passes bytes on and remembers where lines end, until it is asked for a later line.
pub(super) struct Lines<R> {
    inner: R,
    /// The bytes that have passed.
    passed: u64,
    /// The line ends behind the latest record: their places, and whether each is a line feed.
    ends: VecDeque<(u64, bool)>,
    /// The line of the latest record.
    line: u64,
    /// The first byte of the latest record.
    begun: u64,
}

impl<R> Lines<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, passed: 0, ends: VecDeque::new(), line: 1, begun: 0 }
    }

    /// The line of the record that begins at this byte, counted from 1. Line ends before the record do not belong to it. The
    /// CSV reader's own count is one too low where lines end in CRLF: it takes the LF for the beginning of the next record.
    pub(super) fn of(&mut self, byte: u64) -> u64 {
        self.begun = byte;
        let mut begin = byte;
        while let Some((at, is_feed)) = self.ends.front().copied().filter(|(at, _)| *at <= begin) {
            self.ends.pop_front();
            self.line += u64::from(is_feed);
            begin = begin.max(at + 1);
        }
        self.line
    }

    /// The reader itself.
    pub(super) fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // The CSV reader keeps a whole record in memory.
        if self.passed.saturating_sub(self.begun) > LONGEST_LINE {
            return Err(io::Error::other(format!("a row of it is longer than {}", size(LONGEST_LINE))));
        }
        let read = self.inner.read(buffer)?;
        for (place, byte) in buffer[..read].iter().enumerate() {
            if matches!(byte, b'\r' | b'\n') {
                self.ends.push_back((self.passed + place as u64, *byte == b'\n'));
            }
        }
        self.passed += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_an_end() {
        let row = |length: u64| io::repeat(b'x').take(length).chain(&b"\n"[..]);
        let mut lines = Lines::new(row(LONGEST_LINE - 1).chain(row(LONGEST_LINE - 1)).chain(row(LONGEST_LINE + 1)));
        let mut read = |length| io::copy(&mut lines.by_ref().take(length), &mut io::sink());
        read(LONGEST_LINE).expect("a row");
        lines.of(LONGEST_LINE);
        io::copy(&mut lines.by_ref().take(LONGEST_LINE), &mut io::sink()).expect("a row");
        lines.of(2 * LONGEST_LINE);
        let error = io::copy(&mut lines, &mut io::sink()).expect_err("it has no end");
        assert_eq!(error.to_string(), "a row of it is longer than 16 MiB");
    }

    #[test]
    fn a_record_stands_where_an_editor_shows_it() {
        let text = "a\r\nb\r\n\r\nc\n\nd";
        let mut lines = Lines::new(text.as_bytes());
        io::copy(&mut lines, &mut io::sink()).expect("a read");
        // Where the CSV reader says that they begin: behind what ended the record before.
        assert_eq!([0, 2, 5, 10].map(|byte| lines.of(byte)), [1, 2, 4, 6]);
    }
}
