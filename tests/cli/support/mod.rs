//! What the tests stand on.

mod admin;
mod command;
mod database;
mod report;
mod server;

pub use admin::{Admin, admin};
pub use command::{Run, halfbuilt};
pub use database::{TestDatabase, server_variables};
pub use report::{Report, expected_report};

use std::path::PathBuf;

/// When the backup of the CircleCI fixtures was taken.
pub const BACKUP_TIME: &str = "2026-11-20T02:00:00Z";
/// When the server of the CircleCI fixtures came back.
pub const RESTORED_AT: &str = "2026-11-20T06:30:00Z";
/// Both, as flags.
pub const TIMES: [&str; 4] = ["--backup-time", BACKUP_TIME, "--restored-at", RESTORED_AT];

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}
