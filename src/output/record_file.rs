//! A file of results. It is locked while a run writes it. If nothing is written, it is removed, or stays as it was.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, Flock, FlockArg, OFlag, fcntl};

use crate::file_access;

/// A new file that names builds may be read by its owner and the group, as far as the umask allows.
pub(super) const PRIVATE: u32 = 0o640;

/// Opens a file of results, for reading too if this user may.
pub(super) fn open_record(path: &Path) -> io::Result<File> {
    match file_access::open_or_create(File::options().read(true).write(true).mode(PRIVATE), path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            file_access::open_or_create(File::options().write(true).mode(PRIVATE), path)
        }
        opened => opened,
    }
}

/// Creates a file, or takes an empty one. The second value says whether the file is new.
pub(super) fn create_or_take(path: &Path) -> io::Result<(Held, bool)> {
    let exists = || io::Error::from(io::ErrorKind::AlreadyExists);
    let is_new = std::fs::symlink_metadata(path).is_err();
    let locked = lock_against_other_runs(open_record(path)?)?;
    let found = locked.file().metadata()?;
    // Before the lock, another run may have written to the file or removed it.
    if found.len() > 0 || found.nlink() == 0 { Err(exists()) } else { Ok((locked, is_new)) }
}

/// Locks the file as long as it is open. On a file system without locks it is not locked.
pub(super) fn lock_against_other_runs(file: File) -> io::Result<Held> {
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(file) => Ok(Held::Locked(file)),
        Err((_, Errno::EWOULDBLOCK)) => Err(io::Error::other("another run is writing it")),
        Err((file, _)) => Ok(Held::Unlocked(file)),
    }
}

/// A file of results, locked against other runs if possible.
pub(super) enum Held {
    Locked(Flock<File>),
    Unlocked(File),
}

impl Held {
    pub(super) fn file(&self) -> &File {
        match self {
            Self::Locked(file) => file,
            Self::Unlocked(file) => file,
        }
    }
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file().flush()
    }
}

/// A file that is removed, or stays as it was, if nothing was ever written to it.
pub(super) struct NewFile {
    pub(super) file: BufWriter<Held>,
    path: PathBuf,
    is_new: bool,
    written: bool,
    pub(super) can_be_amended: bool,
}

impl NewFile {
    pub(super) fn new(file: Held, path: &Path, is_new: bool) -> Self {
        let opened = file.file();
        let is_readable =
            fcntl(opened, FcntlArg::F_GETFL).is_ok_and(|flags| flags & OFlag::O_ACCMODE.bits() == OFlag::O_RDWR.bits());
        let can_be_amended = is_readable && opened.metadata().is_ok_and(|found| found.is_file());
        Self { file: BufWriter::new(file), path: path.to_owned(), is_new, written: false, can_be_amended }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.written && self.is_new {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.written && !self.is_new {
            self.file.get_ref().file().set_len(0)?;
        }
        self.written = true;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
