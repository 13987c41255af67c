//! Text that a server sent, and our errors about it, as messages show them: short, harmless, and without presigned queries.

use std::error::Error;

use super::secrets::hide_presigned;
use crate::causes;
use crate::text::Foreign;

/// Makes server text fit for a message.
pub(super) fn foreign(text: &str) -> Foreign {
    Foreign::evidence(&hide_presigned(text))
}

/// As [`foreign`]; bytes that are not UTF-8 become U+FFFD.
pub(super) fn foreign_bytes(bytes: &[u8]) -> Foreign {
    foreign(&String::from_utf8_lossy(bytes))
}

/// Joins an error and its causes: `what: why: why`.
pub(super) fn error_chain(error: &dyn Error) -> Foreign {
    foreign(&causes::in_one_line(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_text_are_shown_all_the_same() {
        assert_eq!(foreign_bytes(b"a\xffb\x1b").as_str(), "a\u{fffd}b\\u{1b}");
    }

    #[test]
    fn a_chain_names_each_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        assert_eq!(error_chain(&Outer(std::io::Error::other("inner"))).as_str(), "outer: inner");
    }
}
