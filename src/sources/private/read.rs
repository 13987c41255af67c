//! Reads files of the cluster. As root they are in another user's folder, so no link is followed.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::OFlag;

/// How many bytes of a file are looked at.
pub(super) const LONGEST: u64 = 16 << 10;

/// Reads a small file.
pub(super) fn read_small(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

/// The end of a log.
pub(super) fn tail(path: &Path) -> io::Result<String> {
    let mut file = open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST)))?;
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn open(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)
}
