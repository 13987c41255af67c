//! Removes colours and cursor movements from what a terminal program prints.

/// Separates text from escape sequences, byte by byte and in constant memory. Source: ECMA-48, and xterm's control sequences
/// (<https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EscapeFilter(EscapeState);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum EscapeState {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After ESC and an intermediate byte, as in `ESC ( B`.
    Intermediate,
    /// After `ESC [`.
    Control,
    /// After `ESC ]` and the like, up to BEL or `ESC \`: a window's title, for example.
    String,
}

impl EscapeFilter {
    /// Returns the byte unless it is part of an escape sequence. A control character, such as the end of a line, ends an incomplete
    /// sequence, so that half a sequence hides no more than its line.
    pub(super) fn filter(&mut self, byte: u8) -> Option<u8> {
        let (state, kept) = match (self.0, byte) {
            (_, 0x1b) => (EscapeState::Escape, None),
            (EscapeState::String, 0x07) => (EscapeState::Text, None),
            (_, 0..=0x1f) | (EscapeState::Text, _) => (EscapeState::Text, Some(byte)),
            (EscapeState::Escape, b'[') => (EscapeState::Control, None),
            (EscapeState::Escape, b']' | b'P' | b'X' | b'^' | b'_') => (EscapeState::String, None),
            (EscapeState::Escape | EscapeState::Intermediate, 0x20..=0x2f) => (EscapeState::Intermediate, None),
            (EscapeState::Control, 0x20..=0x3f) => (EscapeState::Control, None),
            (EscapeState::Escape | EscapeState::Intermediate | EscapeState::Control, 0x30..=0x7e) => {
                (EscapeState::Text, None)
            }
            (EscapeState::Escape | EscapeState::Intermediate | EscapeState::Control, 0x7f..) => {
                (EscapeState::Text, Some(byte))
            }
            (EscapeState::String, _) => (EscapeState::String, None),
        };
        self.0 = state;
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Vec<u8> {
        let mut escapes = EscapeFilter::default();
        bytes.iter().filter_map(|byte| escapes.filter(*byte)).collect()
    }

    #[test]
    fn colours_titles_and_cursor_movements_are_removed() {
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
