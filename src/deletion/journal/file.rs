//! The file of a journal: opened without harm, locked, checked, repaired, synced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use jiff::Timestamp;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::file_access;
use crate::report::Digesting;

use super::chain::{CheckedJournal, walk};
use super::error::JournalError;
use super::event::{Event, Repaired, Start};
use super::line::Tail;
use super::past::Past;
use super::who::{Running, Who};
use super::writer::Store;

/// Who may read a new journal, as far as the umask allows: its owner and the group, in which auditors can be.
const MODE: u32 = 0o640;

/// An open journal, held by its lock for as long as this lives.
pub(super) struct JournalFile {
    file: Flock<File>,
}

impl JournalFile {
    /// Opens or creates a journal, locks it, checks it, and drops a line that was cut. Nothing is changed in a file that is
    /// not a journal, or is damaged.
    pub(super) fn open(path: &Path) -> Result<(Self, Tail, Past), JournalError> {
        refuse_special(path)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(MODE);
        let file = file_access::open_or_create(&options, path).map_err(JournalError::Open)?;
        let file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => file,
            Err((_, Errno::EWOULDBLOCK)) => return Err(JournalError::InUse(running(path).map(Box::new))),
            Err((_, error)) => return Err(JournalError::Lock(error.into())),
        };
        let mut walked = walk(BufReader::new(&*file), |_, _| {})?;
        let mut journal = Self { file };
        if walked.whole == 0 {
            // Without this a power failure may lose the name of a new file.
            sync_folder(path).map_err(JournalError::Write)?;
        }
        journal.repair(&mut walked).map_err(JournalError::Write)?;
        Ok((journal, walked.tail, walked.past))
    }

    /// Replaces a cut line by a note of it. The note is written before the rest is cut off, so a kill leaves a line to repair, and never
    /// drops one without a note.
    fn repair(&mut self, walked: &mut CheckedJournal) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(walked.whole))?;
        let Some(cut) = &walked.past.cut else { return Ok(()) };
        let (dropped, sha256, text) = (cut.bytes, cut.sha256.clone(), cut.text.clone());
        let note = Event::Repaired(Repaired { dropped, sha256, text });
        let (at, number) = (Timestamp::now(), walked.tail.seq);
        let mut line = Vec::new();
        walked.tail.write(at, &note, &mut line).map_err(io::Error::other)?;
        self.file.write_all(&line)?;
        self.file.set_len(walked.whole + line.len() as u64)?;
        self.file.sync_all()?;
        walked.past.add(number, at, note).map_err(io::Error::other)?;
        walked.past.last = Some(walked.tail.prev.clone());
        Ok(())
    }
}

impl Store for JournalFile {
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.file.write_all(lines)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        // What is synced to a file without a name is lost all the same.
        if self.file.metadata()?.nlink() == 0 {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the file was removed while it was written"));
        }
        Ok(())
    }
}

/// Reads a journal without changing it and without a lock, for a dry run. A file that does not exist is a new journal. While
/// another run writes to it, its last line may look cut.
///
/// # Errors
/// As [`read`].
pub fn read_or_new(path: &Path) -> Result<Past, JournalError> {
    match read(path, None) {
        Err(JournalError::Open(error)) if error.kind() == io::ErrorKind::NotFound => Ok(Past::default()),
        read => Ok(read?.0),
    }
}

/// Reads a journal for an auditor. `kept` is the digest of a line that somebody kept; the number of that line is returned.
///
/// # Errors
/// The file cannot be read, is no journal, is damaged, or has no line of that digest.
pub fn read(path: &Path, kept: Option<&str>) -> Result<(Past, Option<u64>), JournalError> {
    refuse_special(path)?;
    let file = file_access::open_plain(path).map_err(JournalError::Open)?;
    let mut held = None;
    let walked = walk(BufReader::new(file), |line, digest| {
        if kept == Some(digest) {
            held = Some(line);
        }
    })?;
    match (kept, held) {
        (Some(kept), None) => Err(JournalError::DigestNotFound(kept.to_owned())),
        _ => Ok((walked.past, held)),
    }
}

/// Reads a journal; also returns the SHA-256 of the whole file, in lower-case hexadecimal.
///
/// # Errors
/// As [`read`].
pub fn read_with_digest(path: &Path) -> Result<(Past, String), JournalError> {
    refuse_special(path)?;
    let file = file_access::open_plain(path).map_err(JournalError::Open)?;
    let mut reader = BufReader::new(Digesting::new(file));
    let past = walk(&mut reader, |_, _| {})?.past;
    Ok((past, reader.into_inner().finish().1))
}

/// The session that has a journal open, by the last start line. The run may not have written its own yet: then the line is that of a
/// session that has ended, or was killed.
fn running(path: &Path) -> Option<Running> {
    let (past, _) = read(path, None).ok()?;
    let session = past.last_session().filter(|session| session.end.is_none())?;
    let Start { user, machine, pid, .. } = session.start.clone();
    let who = Who { user, machine, pid };
    (!Who::current().knows_ended(&who)).then_some(Running { who, since: session.at })
}

/// Opening a device may already do something, so its type is checked first.
fn refuse_special(path: &Path) -> Result<(), JournalError> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(JournalError::NotAFile(file_access::named(found.file_type()))),
        _ => Ok(()),
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match File::open(folder)?.sync_all() {
        // Some network file systems sync no folders; they have the name on the server as soon as it is there.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}
