//! The file of an archive: opened, locked, cut back to its last complete member, and synced.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::file_access;

use super::header::{ArchiveHeader, Extent};
use super::tail;

/// How an archive is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<'a> {
    /// The file must not exist yet, or be empty: a run that was killed at its start leaves an empty file.
    New,
    /// A run continues the file that it began; the last member that is on record, if there is one.
    Continue(Option<&'a Extent>),
}

/// An archive that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The file exists already.
    #[error("--archive {} exists already, and an archive is never overwritten", .0.display())]
    Exists(PathBuf),
    /// Another process writes to it.
    #[error("--archive {} is in use by another run", .0.display())]
    InUse(PathBuf),
    #[error("--archive {} is not an archive of halfbuilt", .0.display())]
    NoArchive(PathBuf),
    /// It is not the file that the run began, or somebody changed it.
    #[error("--archive {}: the {length} bytes from byte {offset} on are not those that were written", file.display())]
    Altered {
        file: PathBuf,
        /// Where the last member that is on record begins.
        offset: u64,
        /// How long it is.
        length: u64,
    },
    /// It cannot be read or written.
    #[error("cannot write --archive {}", file.display())]
    Io { file: PathBuf, source: io::Error },
}

impl ArchiveError {
    /// What to do next.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Exists(_) => Some("name another file: each run can have its own"),
            Self::InUse(_) => Some("wait until it has ended"),
            Self::Altered { .. } => Some("name the file that the journal's run began, as it was"),
            Self::NoArchive(_) => Some("name a new file, or the archive that an earlier run of this journal began"),
            Self::Io { .. } => None,
        }
    }
}

/// An open archive, locked against other runs. A new archive in which nothing is complete is removed at the end.
pub struct Archive {
    pub(super) file: Flock<File>,
    path: PathBuf,
    pub(super) header: ArchiveHeader,
    /// Where the last complete member ends.
    pub(super) end: u64,
    /// How many bytes of a broken member were cut off when it was opened.
    bytes_cut_off: u64,
    /// Whether a write has failed: then what is on disk is not known any more.
    pub(super) failed: bool,
    /// Whether the entry in its folder is synced.
    name_is_synced: bool,
}

impl Archive {
    /// Opens an archive. What follows its last complete member is cut off; nothing that is complete ever is.
    ///
    /// # Errors
    /// It cannot be written, is in use, or is not what it should be.
    pub fn open(path: &Path, start: Start<'_>, header: ArchiveHeader) -> Result<Self, ArchiveError> {
        let mut options = File::options();
        // It holds the output of builds, which may contain secrets.
        options.read(true).write(true).mode(0o600);
        let failed = |source| ArchiveError::Io { file: path.to_owned(), source };
        if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(ArchiveError::NoArchive(path.to_owned()));
        }
        let file = match start {
            Start::New | Start::Continue(None) => file_access::open_or_create(&options, path),
            Start::Continue(Some(_)) => options.open(path),
        };
        let file = file.map_err(failed)?;
        let holds_something = |file: &File| Ok(start == Start::New && file.metadata().map_err(failed)?.len() > 0);
        if holds_something(&file)? {
            return Err(ArchiveError::Exists(path.to_owned()));
        }
        let mut file = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, why)| match why {
            Errno::EWOULDBLOCK => ArchiveError::InUse(path.to_owned()),
            why => failed(why.into()),
        })?;
        let found = file.metadata().map_err(failed)?;
        if !found.is_file() {
            return Err(ArchiveError::NoArchive(path.to_owned()));
        }
        // Another run may have removed its own, which it left empty, or filled it, before this one had the lock.
        if found.nlink() == 0 {
            return Err(ArchiveError::InUse(path.to_owned()));
        }
        if holds_something(&file)? {
            return Err(ArchiveError::Exists(path.to_owned()));
        }
        let last = if let Start::Continue(last) = start { last } else { None };
        let end = tail::last_complete_end(&mut file, last).map_err(|why| match why {
            tail::Fault::NoArchive => ArchiveError::NoArchive(path.to_owned()),
            tail::Fault::Altered(Extent { offset, length, .. }) => {
                ArchiveError::Altered { file: path.to_owned(), offset, length }
            }
            tail::Fault::Io(source) => failed(source),
        })?;
        let bytes_cut_off = file.metadata().map_err(failed)?.len() - end;
        let mut archive =
            Self { file, path: path.to_owned(), header, end, bytes_cut_off, failed: false, name_is_synced: false };
        archive.cut_back().map_err(failed)?;
        Ok(archive)
    }

    /// How many bytes of a member that was never completed were cut off when it was opened.
    pub fn bytes_cut_off(&self) -> u64 {
        self.bytes_cut_off
    }

    pub fn header(&self) -> &ArchiveHeader {
        &self.header
    }

    /// Cuts off what follows the last complete member.
    pub(super) fn cut_back(&mut self) -> io::Result<()> {
        if self.file.metadata()?.len() > self.end {
            self.file.set_len(self.end)?;
            self.file.sync_data()?;
        }
        self.file.seek(SeekFrom::Start(self.end))?;
        Ok(())
    }

    /// Has all that was written, and the file's name, on disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        if self.file.metadata()?.nlink() == 0 {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the archive was removed"));
        }
        if !self.name_is_synced {
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
            self.name_is_synced = true;
        }
        Ok(())
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        if self.end == 0 {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
