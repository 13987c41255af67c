//! The columns of the report and the text of its cells. Other programs rely on the names and the order of the columns.
//!
//! A cell that a spreadsheet would take for a formula is marked as text, and is read back as it was.
//! Source: OWASP, "CSV Injection": a cell is a formula if it begins with `=`, `+`, `-`, `@`, a tab or a line end.

use std::borrow::Cow;
use std::io::Read;

/// Names each column once: as a variant of [`Column`], and as the header row has it.
macro_rules! columns {
    ($($column:ident = $name:literal,)*) => {
        /// The header row.
        pub(super) const COLUMNS: [&str; Column::ALL.len()] = [$($name),*];

        /// A column, by its place in [`COLUMNS`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Column {
            $($column,)*
        }

        impl Column {
            pub(super) const ALL: &[Self] = &[$(Self::$column),*];
        }
    };
}

columns! {
    BuildUrl = "build_url",
    Project = "project",
    BuildNum = "build_num",
    Lifecycle = "lifecycle",
    Status = "status",
    QueuedAt = "queued_at",
    StartedAt = "started_at",
    StoppedAt = "stopped_at",
    LastActivityAt = "last_activity_at",
    Timing = "timing",
    Reasons = "reasons",
    Evidence = "evidence",
    Steps = "steps",
    StepsUnfinished = "steps_unfinished",
    OutputExpected = "output_expected",
    OutputStored = "output_stored",
    Deletable = "deletable",
    Fingerprint = "fingerprint",
    Note = "note",
}

impl Column {
    pub(super) fn name(self) -> &'static str {
        COLUMNS[self as usize]
    }
}

/// The text between two rule names in `reasons`.
pub(super) const BETWEEN_REASONS: &str = ";";

/// Marks a cell as text; spreadsheets do not show it.
const MARK: char = '\'';

/// Whether a file begins as a report does, with or without the column `note`.
pub fn begins_report(from: impl Read) -> bool {
    let header = COLUMNS[..Column::Note as usize].join(",");
    let mut begin = Vec::new();
    from.take(header.len() as u64).read_to_end(&mut begin).is_ok() && begin == header.as_bytes()
}

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
