//! Text for terminals and CI logs that contains no control sequences and no commands.

use std::fmt;
use std::io::{self, Write};

use crate::text::no_command;

/// Text for people. A CI's runner reads standard output too, so no line is one of its commands.
pub fn for_people(text: &impl fmt::Display) -> String {
    text.to_string().lines().map(|line| no_command(line) + "\n").collect()
}

/// Passes plain text and line feeds on, and writes the escape of any other control character.
pub(super) struct Harmless<W: Write> {
    to: W,
    /// Whether the latest byte was 0xC2, with which the control characters U+0080 to U+009F begin.
    held: bool,
}

const BEGINS_A_CONTROL: u8 = 0xc2;

impl<W: Write> Harmless<W> {
    pub(super) fn new(to: W) -> Self {
        Self { to, held: false }
    }

    /// The writer below, for text that is harmless already.
    pub(super) fn inner(&mut self) -> &mut W {
        &mut self.to
    }
}

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut shown = Vec::with_capacity(bytes.len());
        for byte in bytes {
            match (std::mem::take(&mut self.held), *byte) {
                (true, control @ 0x80..=0x9f) => shown.extend(format!("\\u{{{control:x}}}").bytes()),
                (held, byte) => {
                    if held {
                        shown.push(BEGINS_A_CONTROL);
                    }
                    match byte {
                        BEGINS_A_CONTROL => self.held = true,
                        // A terminal needs only the line feed after it.
                        b'\r' => {}
                        b'\n' => shown.push(byte),
                        0..0x20 | 0x7f => shown.extend(format!("\\u{{{byte:x}}}").bytes()),
                        _ => shown.push(byte),
                    }
                }
            }
        }
        self.to.write_all(&shown)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: &[&[u8]]) -> String {
        let mut harmless = Harmless::new(Vec::new());
        for piece in pieces {
            harmless.write_all(piece).expect("a write");
        }
        String::from_utf8(harmless.to).expect("UTF-8")
    }

    #[test]
    fn nothing_is_obeyed() {
        assert_eq!(shown(&[b"a\x1b[31m\x07b\r\n\x7f"]), "a\\u{1b}[31m\\u{7}b\n\\u{7f}");
        assert_eq!(shown(&["é\u{9b}£".as_bytes()]), "é\\u{9b}£");
        assert_eq!(shown(&[b"\xc2", b"\x9b\xc2", b"\xa3"]), "\\u{9b}£");
    }
}
