//! Text from outside, made harmless for a terminal or a line of a report.

use std::fmt::Write;

/// Shows control characters by their escapes (`\n`, `\u{1b}`), so that a text can neither break a line nor drive a
/// terminal. Direction marks, which make a line read other than it is, are escaped too.
pub fn escape_controls(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            _ if c.is_control() || is_direction_mark(c) => {
                let _ = write!(shown, "\\u{{{:x}}}", c as u32);
            }
            _ => shown.push(c),
        }
    }
    shown
}

/// Source: Unicode Bidirectional Algorithm (UAX #9), explicit formatting characters; with the line separators.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The same, and no longer than `limit` characters; what is left out is marked.
pub fn shorten(text: &str, limit: usize) -> String {
    let shown = escape_controls(text.trim());
    match shown.char_indices().nth(limit) {
        None => shown,
        Some((end, _)) => format!("{}…", &shown[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_drives_a_terminal() {
        assert_eq!(escape_controls("a\x1b[31mb\n\u{9b}c\u{202e}d é"), "a\\u{1b}[31mb\\n\\u{9b}c\\u{202e}d é");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shorten("ééé", 2), "éé…");
        assert_eq!(shorten(" ab ", 2), "ab");
    }
}
