//! The archive of the builds that are deleted: a file of gzip members, each complete and on disk before it counts.
//!
//! `zcat FILE` gives JSON Lines. A member is what one batch of builds left; its lines are in line.rs.

mod archiver;
mod file;
mod gzip;
mod header;
mod line;
mod member;
mod tail;

pub use archiver::{ArchivedBatch, Archiver, ArchiverError, WriteError};
pub use file::{Archive, ArchiveError, Start};
pub use header::ArchiveHeader;
pub use member::Member;

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
