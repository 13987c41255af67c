//! One command at a time uses the private database: a lock on a file beside its folder, which says who holds it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};

use super::error::PrivateError;
use super::holder::Holder;
use super::place::Place;

/// The lock, for as long as this lives. The system frees it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct ClusterLock {
    _file: Flock<File>,
    path: PathBuf,
}

impl ClusterLock {
    /// Takes the lock, and writes who has it.
    ///
    /// # Errors
    /// Another command has it; the file cannot be made or written.
    pub(super) fn take(place: &Place, command: &str) -> Result<Self, PrivateError> {
        let path = place.lock_file();
        let failed = |source| PrivateError::Io { action: "lock", path: path.clone(), source };
        loop {
            let file = open(&path).map_err(failed)?;
            let mut file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(file) => file,
                Err((file, Errno::EWOULDBLOCK)) => {
                    return Err(PrivateError::InUse { holder: Holder::read(&file).map(Box::new) });
                }
                Err((_, error)) => return Err(failed(error.into())),
            };
            if !is_at(&file, &path) {
                // Whoever had it has removed the file.
                continue;
            }
            if let Some(account) = &place.account {
                fchown(&*file, Some(account.uid), Some(account.gid)).map_err(failed)?;
            }
            let text = Holder::this_process(command).to_lines();
            file.set_len(0).and_then(|()| file.write_all(text.as_bytes())).map_err(failed)?;
            return Ok(Self { _file: file, path });
        }
    }

    /// Gives the lock back, and removes its file.
    pub(super) fn remove(self) -> Result<(), PrivateError> {
        fs::remove_file(&self.path).map_err(|source| PrivateError::Io {
            action: "remove",
            path: self.path.clone(),
            source,
        })
    }
}

/// Opens the file, and follows no link: as root this may be in another user's folder.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(flags.bits());
    let file = options.open(path)?;
    let found = file.metadata()?;
    if !found.is_file() || found.nlink() > 1 {
        return Err(io::Error::other("it is no plain file with one name"));
    }
    Ok(file)
}

fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(own), Ok(there)) = (file.metadata(), fs::symlink_metadata(path)) else { return false };
    (own.dev(), own.ino()) == (there.dev(), there.ino())
}
