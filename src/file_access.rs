//! Opens and reads files. No wait is endless, no file is read beyond the limit of its kind, and no dangling link is followed.

use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Uid, User};

/// A kind of file and its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// What a person calls it.
    pub name: &'static str,
    /// The most bytes of such a file.
    pub largest: u64,
}

/// A token of the admin path.
pub(crate) const TOKEN: Kind = kind("a token", 64 << 10);
/// The key of a signature.
pub(crate) const KEY: Kind = kind("a key", 4 << 10);
/// The password file of libpq.
pub(crate) const PASSWORDS: Kind = kind("a password file", 1 << 20);
/// The service file of libpq.
pub(crate) const SERVICES: Kind = kind("a service file", 1 << 20);
/// Certificates, of a client or of authorities.
pub(crate) const CERTIFICATES: Kind = kind("a file of certificates", 16 << 20);
/// The private key of a client.
pub(crate) const PRIVATE_KEY: Kind = kind("a private key", 64 << 10);
/// Lists of revoked certificates.
pub(crate) const REVOKED: Kind = kind("a list of revoked certificates", 256 << 20);
/// The settings that AWS tools share.
pub(crate) const AWS_SETTINGS: Kind = kind("a file of AWS settings", 1 << 20);
/// A profile.
pub(crate) const PROFILE: Kind = kind("a profile", 1 << 20);
/// A rule.
pub(crate) const RULE: Kind = kind("a rule", 1 << 20);
/// A policy.
pub(crate) const POLICY: Kind = kind("a policy", 1 << 20);
/// A list of builds that a drill expects.
pub(crate) const EXPECTED: Kind = kind("a list of builds", 16 << 20);
/// The metadata of a report.
pub(crate) const METADATA: Kind = kind("the metadata of a report", 1 << 20);
/// A manifest, which is kept in memory as a whole.
pub(crate) const MANIFEST: Kind = kind("a manifest", 1 << 30);
/// A file of the machine, or of its cluster, that a checklist looks at.
pub(crate) const CHECKED: Kind = kind("a file of a checklist", 64 << 20);
/// A list of items of a checklist.
pub(crate) const ITEMS: Kind = kind("a list of items", 1 << 20);
/// A checklist that was run.
pub(crate) const CHECKLIST: Kind = kind("a checklist", 16 << 20);
/// A file that says when a backup was taken.
pub(crate) const EVIDENCE: Kind = kind("a file of evidence", 64 << 20);
/// A list of what is alive.
pub(crate) const ALIVE: Kind = kind("a list of what is alive", 64 << 20);
/// A report whose rows are all kept in memory: some three million.
pub(crate) const REPORT: Kind = kind("a report", 1 << 30);
/// The most bytes of one line, or one row, of a file that is read piece by piece.
pub(crate) const LONGEST_LINE: u64 = 16 << 20;

/// How long a pipe may be silent, in seconds, if a small file is expected from it.
const SILENT_SECONDS: u16 = 60;

const fn kind(name: &'static str, largest: u64) -> Kind {
    Kind { name, largest }
}

impl Kind {
    fn exceeded(self) -> io::Error {
        let Self { name, largest } = self;
        io::Error::other(format!("it is larger than the {} that {name} may have", size(largest)))
    }
}

/// A round number of bytes, in words.
pub(crate) fn size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units.into_iter().find(|(shift, _)| bytes >> shift > 0 && bytes.is_multiple_of(1 << shift));
    unit.map_or_else(|| format!("{bytes} bytes"), |(shift, unit)| format!("{} {unit}", bytes >> shift))
}

/// Whether a name is `-`, which stands for standard input where a file is read and for standard output where one is written.
pub(crate) fn is_dash(path: &Path) -> bool {
    path == Path::new("-")
}

/// A file that a person named. It may be a pipe or a device.
pub(crate) struct Input {
    file: File,
    /// Whether a read may have to wait for bytes.
    is_slow: bool,
    timeout: PollTimeout,
}

impl Input {
    /// Opens a file that is read piece by piece. If it is a pipe, reads wait until the person interrupts.
    ///
    /// # Errors
    /// It cannot be opened, or is a folder or a socket.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        // Opening a device may have an effect, so the kind is checked first.
        let kind = fs::metadata(path)?.file_type();
        if kind.is_dir() || kind.is_socket() {
            return Err(unexpected(kind));
        }
        Self::over(open_at_once(OpenOptions::new().read(true), path)?)
    }

    /// Standard input.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn stdin() -> io::Result<Self> {
        Self::over(File::from(io::stdin().as_fd().try_clone_to_owned()?))
    }

    fn over(file: File) -> io::Result<Self> {
        let is_slow = !file.metadata()?.is_file();
        Ok(Self { file, is_slow, timeout: PollTimeout::NONE })
    }

    /// The same for a small file: a read waits only so long.
    fn with_timeout(self) -> Self {
        Self { timeout: PollTimeout::from(SILENT_SECONDS * 1000), ..self }
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    fn wait(&self) -> io::Result<()> {
        let mut descriptors = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
        match poll(&mut descriptors, self.timeout) {
            Ok(0) => Err(io::Error::other(format!("nothing came from it for {SILENT_SECONDS} s"))),
            Ok(_) => Ok(()),
            // Not as `ErrorKind::Interrupted`, after which a reader would continue.
            Err(Errno::EINTR) => Err(io::Error::other("interrupted while it was read")),
            Err(error) => Err(error.into()),
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.is_slow {
                self.wait()?;
            }
            match self.file.read(buffer) {
                Err(error) if self.is_slow && error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }
}

/// Reads a file of this kind that a person named. It may be a pipe.
///
/// # Errors
/// It cannot be read, is larger than its kind allows, or is a silent pipe.
pub(crate) fn read(path: &Path, kind: Kind) -> io::Result<Vec<u8>> {
    read_all(Input::open(path)?.with_timeout(), kind)
}

/// The same for a JSON object. If the file does not begin as one, only its first byte is read.
///
/// # Errors
/// As of [`read`].
pub(crate) fn read_json(path: &Path, kind: Kind) -> io::Result<Vec<u8>> {
    let mut input = Input::open(path)?.with_timeout();
    let mut begin = Vec::new();
    input.by_ref().take(1).read_to_end(&mut begin)?;
    if begin == b"{" { read_all(begin.as_slice().chain(input), kind) } else { Ok(begin) }
}

/// The same as text.
///
/// # Errors
/// As of [`read`], or it is not UTF-8.
pub(crate) fn read_text(path: &Path, kind: Kind) -> io::Result<String> {
    text(read(path, kind)?)
}

/// Reads a file of this kind that no person named. It has to be a plain file.
///
/// # Errors
/// It cannot be read, is no plain file, or is larger than its kind allows.
pub(crate) fn read_plain(path: &Path, kind: Kind) -> io::Result<Vec<u8>> {
    read_all(open_plain(path)?, kind)
}

/// The same as text.
///
/// # Errors
/// As of [`read_plain`], or it is not UTF-8.
pub(crate) fn read_plain_text(path: &Path, kind: Kind) -> io::Result<String> {
    text(read_plain(path, kind)?)
}

/// Checks a file that a library opens by its name: it has to be a plain file within the limit of its kind.
///
/// # Errors
/// It is no plain file, or too large.
pub(crate) fn vet(path: &Path, kind: Kind) -> io::Result<()> {
    if open_plain(path)?.metadata()?.len() > kind.largest { Err(kind.exceeded()) } else { Ok(()) }
}

/// Opens a plain file to read it.
///
/// # Errors
/// It cannot be opened, or is something else.
pub(crate) fn open_plain(path: &Path) -> io::Result<File> {
    open_plain_as(OpenOptions::new().read(true), path)
}

/// Opens a plain file, or creates it.
///
/// # Errors
/// It cannot be opened or created, is something else, or is a dangling link.
pub(crate) fn open_or_create(options: &OpenOptions, path: &Path) -> io::Result<File> {
    match open_plain_as(options, path) {
        // This follows no link.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            refuse_dangling(path)?;
            match open_at_once(options.clone().create_new(true), path) {
                // Another process created it meanwhile.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open_plain_as(options, path),
                made => made,
            }
        }
        opened => opened,
    }
}

/// Refuses a dangling link: a file would appear under a name that nobody gave.
///
/// # Errors
/// It is one.
pub(crate) fn refuse_dangling(path: &Path) -> io::Result<()> {
    let is_absent = |path| fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    match fs::read_link(path) {
        Ok(target) if is_absent(path) => {
            let target = target.display();
            Err(io::Error::other(format!("it is a link to {target}, which does not exist: name the file itself")))
        }
        _ => Ok(()),
    }
}

/// Whether a stream was closed when the program started. The standard library then opens the null device in its place, for reading
/// and writing, which no shell does for an output.
pub(crate) fn is_closed(stream: impl AsFd) -> bool {
    let Ok(flags) = fcntl(stream.as_fd(), FcntlArg::F_GETFL) else { return true };
    let is_both = OFlag::from_bits_truncate(flags) & OFlag::O_ACCMODE == OFlag::O_RDWR;
    let device = |found: Metadata| found.file_type().is_char_device().then(|| found.rdev());
    let own = stream.as_fd().try_clone_to_owned().and_then(|stream| File::from(stream).metadata());
    let null = fs::metadata("/dev/null").ok().and_then(device);
    is_both && null.is_some() && own.ok().and_then(device) == null
}

/// The owner of a file, by name, or by number if there is no name.
///
/// # Errors
/// Its metadata cannot be read.
pub(crate) fn owner(path: &Path) -> io::Result<String> {
    let uid = Uid::from_raw(fs::metadata(path)?.uid());
    Ok(User::from_uid(uid).ok().flatten().map_or_else(|| format!("user {uid}"), |user| user.name))
}

/// Checks that a file is a plain one.
///
/// # Errors
/// It is something else.
pub(crate) fn is_plain(file: &File) -> io::Result<()> {
    let kind = file.metadata()?.file_type();
    if kind.is_file() { Ok(()) } else { Err(unexpected(kind)) }
}

/// What a file is that is not a plain one.
pub(crate) fn named(kind: FileType) -> &'static str {
    match kind {
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

/// Opens a file without waiting for a pipe, and without taking a terminal as the controlling one.
pub(crate) fn open_at_once(options: &OpenOptions, path: &Path) -> io::Result<File> {
    options.clone().custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits()).open(path)
}

fn open_plain_as(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let kind = fs::metadata(path)?.file_type();
    if !kind.is_file() {
        return Err(unexpected(kind));
    }
    let file = open_at_once(options, path)?;
    is_plain(&file)?;
    Ok(file)
}

fn unexpected(kind: FileType) -> io::Error {
    io::Error::other(format!("it is {}, not a file", named(kind)))
}

fn read_all(from: impl Read, kind: Kind) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(kind.largest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > kind.largest { Err(kind.exceeded()) } else { Ok(bytes) }
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::PathBuf;
    use std::thread::spawn;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;

    const SMALL: Kind = kind("a small file", 1 << 10);

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x");
        (folder, path)
    }

    #[test]
    fn a_file_has_a_limit_whatever_it_is() {
        let (_folder, path) = folder();
        for (length, is_read) in [(1024, true), (1025, false)] {
            fs::write(&path, vec![b'x'; length]).expect("a file");
            assert_eq!(read(&path, SMALL).is_ok(), is_read);
            assert_eq!(read_plain(&path, SMALL).is_ok(), is_read);
            assert_eq!(vet(&path, SMALL).is_ok(), is_read);
        }
        for error in [read(&path, SMALL), read(Path::new("/dev/zero"), SMALL)] {
            let said = error.expect_err("it is larger").to_string();
            assert_eq!(said, "it is larger than the 1 KiB that a small file may have");
        }
    }

    #[test]
    fn a_pipe_is_read_where_a_person_may_name_one_and_nowhere_else() {
        let (_folder, path) = folder();
        mkfifo(&path, Mode::S_IRWXU).expect("a pipe");
        // Nobody writes to it.
        for error in [read_plain(&path, SMALL).err(), vet(&path, SMALL).err(), open_plain(&path).err()] {
            assert_eq!(error.expect("an error").to_string(), "it is a pipe, not a file");
        }
        let place = path.clone();
        let writer = spawn(move || {
            let mut pipe = OpenOptions::new().write(true).open(place)?;
            pipe.write_all(b"in ")?;
            pipe.write_all(b"pieces")
        });
        assert_eq!(read_text(&path, SMALL).expect("a text"), "in pieces");
        writer.join().expect("it ends").expect("it is written");
    }

    #[test]
    fn neither_a_folder_nor_a_socket_is_a_file() {
        let (folder, path) = folder();
        let _listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
        for (path, said) in [(folder.path(), "it is a folder, not a file"), (&path, "it is a socket, not a file")] {
            assert_eq!(read(path, SMALL).expect_err("an error").to_string(), said);
            assert_eq!(read_plain(path, SMALL).expect_err("an error").to_string(), said);
        }
        assert_eq!(read(&path.join("no"), SMALL).expect_err("an error").kind(), io::ErrorKind::NotADirectory);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_not_followed() {
        let (folder, path) = folder();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        let mut options = OpenOptions::new();
        options.write(true);
        let said = open_or_create(&options, &link).expect_err("an error").to_string();
        assert_eq!(said, format!("it is a link to {}, which does not exist: name the file itself", path.display()));
        assert!(!path.exists());
        // One that leads to a file is that file.
        open_or_create(&options, &path).and_then(|mut file| file.write_all(b"text")).expect("a file");
        assert!(open_or_create(&options, &link).is_ok() && refuse_dangling(&link).is_ok());
    }

    #[test]
    fn sizes_are_in_words() {
        assert_eq!([64 << 10, 1 << 20, 1 << 30, 1025].map(size), ["64 KiB", "1 MiB", "1 GiB", "1025 bytes"]);
    }
}
