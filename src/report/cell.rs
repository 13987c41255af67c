//! Cells that a spreadsheet would take for a formula are made harmless, and read back as they were.
//! Source: OWASP, "CSV Injection": a cell is a formula if it begins with `=`, `+`, `-`, `@`, a tab or a line end.

use std::borrow::Cow;

/// What is put before such a cell; spreadsheets take it for "this is text".
const MARK: char = '\'';

/// Puts the mark before a cell that needs it, or that begins with a mark of its own.
pub(super) fn neutralised(text: &str) -> Cow<'_, str> {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | MARK) => Cow::Owned(format!("{MARK}{text}")),
        _ => Cow::Borrowed(text),
    }
}

/// The text that was neutralised.
pub(super) fn restored(cell: &str) -> &str {
    cell.strip_prefix(MARK).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_becomes_text() {
        assert_eq!(neutralised("=1+1"), "'=1+1");
        assert_eq!(neutralised("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(neutralised("'=1"), "''=1");
        assert_eq!(neutralised("acme/api"), "acme/api");
        assert_eq!(neutralised(""), "");
    }

    proptest::proptest! {
        #[test]
        fn every_cell_reads_back_as_it_was(text in "(.|\n|\r|')*") {
            let cell = neutralised(&text);
            proptest::prop_assert_eq!(restored(&cell), &text);
            proptest::prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']));
        }
    }
}
