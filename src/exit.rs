//! The exit codes, the same table as the README's.

/// How a run ended, as a shell or a CI job sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Clean, or all done.
    Clean = 0,
    /// `verify` found more than is allowed, or `checklist` has something to do.
    Found = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Could not look or act: the database, the profile, the admin path or a file failed.
    Failed = 3,
    /// Nothing was checked, or there is nothing to delete: no build in scope.
    NothingInScope = 4,
    /// Not all chosen builds were deleted.
    NotAllDeleted = 5,
    /// A gate or a confirmation stopped the run.
    Declined = 6,
    /// Interrupted; everything done so far is on record.
    Interrupted = 130,
    /// Nobody reads standard output any more: what a shell says of a program that ended for that reason (SIGPIPE).
    OutputClosed = 141,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
