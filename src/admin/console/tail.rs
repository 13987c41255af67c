//! The end of what a console prints, for the message when it fails.

use std::collections::VecDeque;

use super::escapes::EscapeFilter;
use crate::admin::secrets::hide_presigned_in_the_end;
use crate::admin::text::foreign;
use crate::text::Foreign;

/// A few screens: enough that echoes of our own forms do not push out what matters.
const BYTES_KEPT: usize = 16 * 1024;

const CHARACTERS_SHOWN: usize = 300;

/// The end of what a program prints, in bounded memory.
#[derive(Debug, Default)]
pub(super) struct OutputTail {
    bytes: VecDeque<u8>,
    escapes: EscapeFilter,
}

impl OutputTail {
    pub(super) fn feed(&mut self, piece: &[u8]) {
        for byte in piece.iter().filter_map(|byte| self.escapes.filter(*byte)).filter(|byte| *byte != b'\r') {
            if self.bytes.len() == BYTES_KEPT {
                self.bytes.pop_front();
            }
            self.bytes.push_back(byte);
        }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// The end as one short line, without the echo of the form that was typed.
    pub(super) fn in_one_line(&self, typed: &str) -> Foreign {
        let (front, back) = self.bytes.as_slices();
        let text = String::from_utf8_lossy(&[front, back].concat()).into_owned();
        let text = if typed.is_empty() { text } else { text.replace(typed, "") };
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        // Before the text is cut: a cut may leave half a secret that nothing recognizes.
        let text = hide_presigned_in_the_end(&lines.join(" / "));
        match text.char_indices().nth_back(CHARACTERS_SHOWN) {
            Some((at, _)) => foreign(&format!("…{}", &text[at..])),
            None => foreign(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parameter's name stands far before what is shown.
    #[test]
    fn a_long_presigned_address_is_hidden_before_the_end_is_cut_out() {
        let mut tail = OutputTail::default();
        tail.feed(
            format!("see https://s3/key?X-Amz-Signature={}&x=y it failed", "0".repeat(CHARACTERS_SHOWN)).as_bytes(),
        );
        assert_eq!(tail.in_one_line("").as_str(), "see https://s3/key?(redacted) it failed");
    }

    #[test]
    fn the_end_is_shown_in_one_harmless_line() {
        let mut tail = OutputTail::default();
        tail.feed(b"\x1b]0;title\x07Welcome\r\n\r\n \x1b[31mpermission den");
        tail.feed(b"ied\x1b[m\r\n(form)\r\n\x08\xff");
        assert_eq!(tail.in_one_line("(form)").as_str(), "Welcome / permission denied / \\u{8}\u{fffd}");
        assert_eq!(OutputTail::default().in_one_line("").as_str(), "");
    }

    #[test]
    fn memory_is_bounded_and_the_end_wins() {
        let mut tail = OutputTail::default();
        (0..1000).for_each(|_| tail.feed(&[b'x'; 1000]));
        tail.feed(b"the end");
        assert_eq!(tail.bytes.len(), BYTES_KEPT);
        let shown = tail.in_one_line("").to_string();
        assert!(shown.starts_with('…') && shown.ends_with("xthe end"), "{shown}");
        assert!(shown.chars().count() <= CHARACTERS_SHOWN + 2, "{}", shown.chars().count());
    }
}
