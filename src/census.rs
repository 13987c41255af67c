//! One build as it is counted for a manifest: who it is, whether it was over, and a digest of the rest.

/// How a build stood at the moment for which a manifest speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// It had stopped.
    Ended,
    /// It never ran, and no time says when it was given up; it had been queued by then.
    NeverRan,
    /// It stopped so shortly before T that it may still have been written to.
    EndedLately,
    /// It is over, and no time says since when.
    Undated,
    /// It ran or waited, or came later.
    NotOver,
}

/// One build of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedBuild {
    /// `org/project`.
    pub project: Option<String>,
    /// Its number within the project.
    pub number: Option<i64>,
    /// queued, not_run, not_running, running or finished.
    pub lifecycle: Option<String>,
    /// The CI's own word.
    pub status: Option<String>,
    /// Whether it was over.
    pub coverage: Coverage,
    /// Whether it was queued, started or stopped by the time by which it must have stopped to be covered.
    pub was_there: bool,
    /// A hash of all that is compared.
    pub digest: u64,
    /// How many steps it has.
    pub steps: i64,
    /// How much output is stored, in the profile's unit.
    pub stored: i64,
    /// When it stopped, or was queued if it never ran, in seconds since 1970; `None` for builds that are not covered.
    pub over_at: Option<i64>,
}
