//! Text that a server sent, made fit to be shown: bounded, without the queries of presigned addresses, and with nothing in it that a
//! terminal would obey.

use std::error::Error;

use super::secrets::hide_presigned;
use crate::causes::distinct_causes;
use crate::text::Foreign;

/// The text in one bounded line.
pub(super) fn shown(text: &str) -> String {
    Foreign::evidence(&hide_presigned(text)).into()
}

/// As [`shown`]; bytes that are no UTF-8 become U+FFFD.
pub(super) fn shown_bytes(bytes: &[u8]) -> String {
    shown(&String::from_utf8_lossy(bytes))
}

/// An error and its causes in one bounded line, `what: why: why`.
pub(super) fn chain(error: &dyn Error) -> String {
    let causes = distinct_causes(error);
    shown(&std::iter::once(error.to_string()).chain(causes).collect::<Vec<_>>().join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_shown_all_the_same() {
        assert_eq!(shown_bytes(b"a\xffb\x1b"), "a\u{fffd}b\\u{1b}");
    }

    #[test]
    fn a_chain_names_each_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        assert_eq!(chain(&Outer(std::io::Error::other("inner"))), "outer: inner");
    }
}
