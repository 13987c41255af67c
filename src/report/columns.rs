//! The columns of the report. Others rely on their names and order.

use std::io::Read;

/// The header row.
pub const COLUMNS: [&str; 19] = [
    "build_url",
    "project",
    "build_num",
    "lifecycle",
    "status",
    "queued_at",
    "started_at",
    "stopped_at",
    "last_activity_at",
    "timing",
    "reasons",
    "evidence",
    "steps",
    "steps_unfinished",
    "output_expected",
    "output_stored",
    "deletable",
    "fingerprint",
    "note",
];

/// The last column: reports that were written before there was one are read as well.
pub(super) const NOTE: &str = "note";

/// Whether a file begins as a report does.
pub fn begins_report(from: impl Read) -> bool {
    let header = COLUMNS.join(",");
    let header = header.trim_end_matches(NOTE).trim_end_matches(',');
    let mut begin = Vec::new();
    from.take(header.len() as u64).read_to_end(&mut begin).is_ok() && begin == header.as_bytes()
}

/// What stands between two rule names in `reasons`.
pub(super) const BETWEEN_REASONS: &str = ";";
