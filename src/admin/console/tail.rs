//! The last words of a console, for the message when it fails.

use std::collections::VecDeque;

use super::escapes::Escapes;
use crate::admin::secrets::hide_presigned_in_the_end;
use crate::admin::text::shown;

/// How many bytes are kept: some screens, and enough that our own forms, echoed, do not push out what matters.
const KEPT: usize = 16 * 1024;

/// How many characters of the end are shown.
const END: usize = 300;

/// The end of what was printed, in bounded memory.
#[derive(Debug, Default)]
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    escapes: Escapes,
}

impl Tail {
    pub(super) fn feed(&mut self, piece: &[u8]) {
        for byte in piece.iter().filter_map(|byte| self.escapes.text(*byte)).filter(|byte| *byte != b'\r') {
            if self.bytes.len() == KEPT {
                self.bytes.pop_front();
            }
            self.bytes.push_back(byte);
        }
    }

    /// Forgets all that was printed until now.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// The end in one line, bounded and escaped, without the echo of the form that was typed.
    pub(super) fn shown(&self, typed: &str) -> String {
        let (front, back) = self.bytes.as_slices();
        let text = String::from_utf8_lossy(&[front, back].concat()).into_owned();
        let text = if typed.is_empty() { text } else { text.replace(typed, "") };
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        // Before the end of it is cut out, which may be half a secret.
        let text = hide_presigned_in_the_end(&lines.join(" / "));
        match text.char_indices().nth_back(END) {
            Some((at, _)) => shown(&format!("…{}", &text[at..])),
            None => shown(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What tells that it is one stands far before what is shown.
    #[test]
    fn a_long_presigned_address_is_hidden_before_the_end_is_cut_out() {
        let mut tail = Tail::default();
        tail.feed(format!("see https://s3/key?X-Amz-Signature={}&x=y it failed", "0".repeat(END)).as_bytes());
        assert_eq!(tail.shown(""), "see https://s3/key?(redacted) it failed");
    }

    #[test]
    fn the_end_is_shown_in_one_harmless_line() {
        let mut tail = Tail::default();
        tail.feed(b"\x1b]0;title\x07Welcome\r\n\r\n \x1b[31mpermission den");
        tail.feed(b"ied\x1b[m\r\n(form)\r\n\x08\xff");
        assert_eq!(tail.shown("(form)"), "Welcome / permission denied / \\u{8}\u{fffd}");
        assert_eq!(Tail::default().shown(""), "");
    }

    #[test]
    fn memory_is_bounded_and_the_end_wins() {
        let mut tail = Tail::default();
        (0..1000).for_each(|_| tail.feed(&[b'x'; 1000]));
        tail.feed(b"the end");
        assert_eq!(tail.bytes.len(), KEPT);
        let shown = tail.shown("");
        assert!(shown.starts_with('…') && shown.ends_with("xthe end"), "{shown}");
        assert!(shown.chars().count() <= END + 2, "{}", shown.chars().count());
    }
}
