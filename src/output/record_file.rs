//! A file of results: nobody else's while a run writes it, and gone again, or as it was, where nothing was written.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, Flock, FlockArg, OFlag, fcntl};

use crate::file_access;

/// Who may read a new file that names builds, as far as the umask allows: its owner and the group.
pub(super) const PRIVATE: u32 = 0o640;

/// Opens a file of results, to be read too where that may be done.
pub(super) fn open_record(path: &Path) -> io::Result<File> {
    match file_access::open_or_create(File::options().read(true).write(true).mode(PRIVATE), path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            file_access::open_or_create(File::options().write(true).mode(PRIVATE), path)
        }
        opened => opened,
    }
}

/// Creates a file of which nobody else may have a row, or takes an empty one; tells whether it is new.
pub(super) fn create_or_take(path: &Path) -> io::Result<(Held, bool)> {
    let there = || io::Error::from(io::ErrorKind::AlreadyExists);
    let is_new = std::fs::symlink_metadata(path).is_err();
    let locked = alone(open_record(path)?)?;
    let found = locked.file().metadata()?;
    // Whoever had it before may have written to it, or removed it, until it was locked.
    if found.len() > 0 || found.nlink() == 0 { Err(there()) } else { Ok((locked, is_new)) }
}

/// Keeps other runs from the file for as long as it is open. Where the file system knows no locks, none is held.
pub(super) fn alone(file: File) -> io::Result<Held> {
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(file) => Ok(Held::Alone(file)),
        Err((_, Errno::EWOULDBLOCK)) => Err(io::Error::other("another run is writing it")),
        Err((file, _)) => Ok(Held::Shared(file)),
    }
}

/// A file of results, held against other runs where that can be.
pub(super) enum Held {
    Alone(Flock<File>),
    Shared(File),
}

impl Held {
    pub(super) fn file(&self) -> &File {
        match self {
            Self::Alone(file) => file,
            Self::Shared(file) => file,
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

/// A file that goes again, or stays as it was, if nothing was ever written to it.
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
        let is_read_too =
            fcntl(opened, FcntlArg::F_GETFL).is_ok_and(|flags| flags & OFlag::O_ACCMODE.bits() == OFlag::O_RDWR.bits());
        let can_be_amended = is_read_too && opened.metadata().is_ok_and(|found| found.is_file());
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
