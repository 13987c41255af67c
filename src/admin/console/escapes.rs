//! Takes the colours and cursor movements out of what a terminal program prints.

/// Tells text from escape sequences, byte by byte and in constant memory. Source of the shapes: ECMA-48, and xterm's control
/// sequences (<https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Escapes(State);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After ESC and an intermediate byte, as in `ESC ( B`.
    Intermediate,
    /// After `ESC [`.
    Control,
    /// After `ESC ]` and its kin, up to BEL or `ESC \`: a window's title, for instance.
    String,
}

impl Escapes {
    /// The byte, unless it is part of an escape sequence. A control character, such as the end of the line, ends a sequence
    /// that is not complete, so that half a sequence cannot hide more than its line.
    pub(super) fn text(&mut self, byte: u8) -> Option<u8> {
        let (state, shown) = match (self.0, byte) {
            (_, 0x1b) => (State::Escape, None),
            (State::String, 0x07) => (State::Text, None),
            (_, 0..=0x1f) | (State::Text, _) => (State::Text, Some(byte)),
            (State::Escape, b'[') => (State::Control, None),
            (State::Escape, b']' | b'P' | b'X' | b'^' | b'_') => (State::String, None),
            (State::Escape | State::Intermediate, 0x20..=0x2f) => (State::Intermediate, None),
            (State::Control, 0x20..=0x3f) => (State::Control, None),
            (State::Escape | State::Intermediate | State::Control, 0x30..=0x7e) => (State::Text, None),
            (State::Escape | State::Intermediate | State::Control, 0x7f..) => (State::Text, Some(byte)),
            (State::String, _) => (State::String, None),
        };
        self.0 = state;
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Vec<u8> {
        let mut escapes = Escapes::default();
        bytes.iter().filter_map(|byte| escapes.text(*byte)).collect()
    }

    #[test]
    fn colours_titles_and_cursors_are_taken_out() {
        for (bytes, plain) in [
            ("plain\r\n\ttext", "plain\r\n\ttext"),
            ("\x1b[1;31mred\x1b[m", "red"),
            ("\x1b[?2004hpasted\x1b[?2004l", "pasted"),
            ("\x1b]0;a title\x07text", "text"),
            ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x1b(Bascii\x1b=\x1b>", "ascii"),
            ("\x1bMup \u{e9}", "up \u{e9}"),
        ] {
            assert_eq!(text(bytes.as_bytes()), plain.as_bytes(), "{plain}");
        }
    }

    #[test]
    fn half_a_sequence_hides_no_more_than_its_line() {
        for half in ["\x1b", "\x1b[", "\x1b[31", "\x1b]0;title", "\x1bP", "\x1b("] {
            assert_eq!(text(format!("a{half}\nb").as_bytes()), b"a\nb", "{half:?}");
        }
        assert_eq!(text(b"\x1b[31\x1b[32mgreen"), b"green");
    }
}
