//! The columns of the report. Others rely on their names and order.

/// The header row.
pub const COLUMNS: [&str; 18] = [
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
];

/// What stands between two rule names in `reasons`.
pub(super) const BETWEEN_REASONS: &str = ";";
