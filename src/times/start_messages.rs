//! The messages of a PostgreSQL server that say something of its start.
//!
//! Source: PostgreSQL, `src/backend/access/transam/xlogrecovery.c` and `xlog.c`, `src/backend/postmaster/postmaster.c`.

pub(super) const STARTING: &str = "starting PostgreSQL ";
pub(super) const INTERRUPTED: &str = "database system was interrupted; last known up at ";
pub(super) const SHUTDOWN_INTERRUPTED: &str = "database system shutdown was interrupted; last known up at ";
pub(super) const INTERRUPTED_IN_RECOVERY: &str = "database system was interrupted while in recovery at ";
pub(super) const SHUT_DOWN_IN_RECOVERY: &str = "database system was shut down in recovery at ";
pub(super) const SHUT_DOWN: &str = "database system was shut down at ";
pub(super) const STOPPING: &str = "recovery stopping ";
pub(super) const LAST_COMPLETED: &str = "last completed transaction was at log time ";
pub(super) const READY: &str = "database system is ready to accept connections";
/// What is said only where the log is replayed, whatever state the database was found in.
pub(super) const REPLAYING: [&str; 4] =
    ["starting archive recovery", "starting point-in-time recovery", "entering standby mode", "redo starts at "];

/// Those that say when something was, beside the version.
pub(super) const TELLING: [&str; 8] = [
    INTERRUPTED,
    SHUTDOWN_INTERRUPTED,
    INTERRUPTED_IN_RECOVERY,
    SHUT_DOWN_IN_RECOVERY,
    SHUT_DOWN,
    STOPPING,
    LAST_COMPLETED,
    READY,
];
