//! On which line a record of a CSV file begins, told while the file is streamed.

use std::collections::VecDeque;
use std::io::{self, Read};

/// Passes bytes on and remembers where lines end, as far as nobody has asked beyond them.
pub(super) struct Lines<R> {
    inner: R,
    /// How many bytes have passed.
    passed: u64,
    /// The ends of lines that were not asked for yet: where, and whether it is a line feed.
    ends: VecDeque<(u64, bool)>,
    /// The line on which the byte stands that was asked for last.
    line: u64,
}

impl<R> Lines<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, passed: 0, ends: VecDeque::new(), line: 1 }
    }

    /// The line of the record that begins at this byte, counted from 1; line ends before the record do not belong to it. The
    /// reader's own count is one behind where lines end in CRLF: it takes the LF for the beginning of the next record.
    pub(super) fn of(&mut self, byte: u64) -> u64 {
        let mut begin = byte;
        while let Some((at, is_feed)) = self.ends.front().copied().filter(|(at, _)| *at <= begin) {
            self.ends.pop_front();
            self.line += u64::from(is_feed);
            begin = begin.max(at + 1);
        }
        self.line
    }

    /// What it stood before.
    pub(super) fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
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
    fn a_record_stands_where_an_editor_shows_it() {
        let text = "a\r\nb\r\n\r\nc\n\nd";
        let mut lines = Lines::new(text.as_bytes());
        io::copy(&mut lines, &mut io::sink()).expect("a read");
        // Where the CSV reader says that they begin: behind what ended the record before.
        assert_eq!([0, 2, 5, 10].map(|byte| lines.of(byte)), [1, 2, 4, 6]);
    }
}
