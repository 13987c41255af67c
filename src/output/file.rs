//! Output of data: standard output, or a file that appears under its name only when it is complete.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, IsTerminal, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::causes::causes;
use crate::file_access;

use super::harmless::Harmless;
use super::pipe::Pipe;
use super::record_file::{NewFile, PRIVATE, create_or_take, lock_against_other_runs, open_record};
use super::screen::Screen;
use super::terminal::Color;

/// A new verdict may be read by everybody.
const PUBLIC: u32 = 0o644;
/// How a manifest begins.
const MANIFEST: &[u8] = b"{\"format\":\"halfbuilt-manifest/";
/// How the files begin that nothing overwrites, and what they are.
const KEPT_FILES: [(&[u8], &str); 3] = [
    (b"{\"format\":\"halfbuilt-journal/", "the journal of a deletion"),
    (MANIFEST, "the manifest of a backup"),
    (b"\x1f\x8b", "an archive"),
];
/// The bytes that are read to recognise them.
const BEGIN_BYTES: u64 = 64;

/// Standard output, in messages.
pub const STANDARD_OUTPUT: &str = "standard output";

/// An output that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {name}")]
pub struct OutputError {
    name: String,
    source: io::Error,
}

impl OutputError {
    pub fn new(name: String, source: io::Error) -> Self {
        Self { name, source }
    }

    /// The file, if this user may not write it.
    pub fn denied(&self) -> Option<&Path> {
        is_denied(self).then(|| Path::new(&self.name))
    }

    /// Whether something stands there that is never written over.
    pub fn is_in_the_way(&self) -> bool {
        self.source.kind() == io::ErrorKind::AlreadyExists
    }

    /// The name of a pipe whose reader has closed it.
    pub fn unread(&self) -> Option<&str> {
        let mut faults = causes(self).filter_map(|cause| cause.downcast_ref::<io::Error>());
        faults.any(|fault| fault.kind() == io::ErrorKind::BrokenPipe).then_some(&self.name)
    }
}

/// Whether an error means that this user has no permission.
pub fn is_denied(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut faults = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    faults.any(|fault| fault.kind() == io::ErrorKind::PermissionDenied)
}

/// An open output.
pub struct OutputFile {
    name: String,
    target: Target,
}

enum Target {
    /// Written to a temporary file beside its place and moved there at the end, so that no cut report looks complete.
    Whole(BufWriter<NamedTempFile>, PathBuf),
    /// A pipe, a terminal or another device, written in place.
    InPlace(BufWriter<Pipe>),
    /// A file of results. It is removed if nothing was ever written to it.
    Record(NewFile),
    Stdout(BufWriter<io::Stdout>),
    /// Standard output that a person reads.
    Terminal(BufWriter<Harmless<io::Stdout>>),
}

impl OutputFile {
    /// Opens an output that is useful only if it is complete. `None` and `-` are standard output.
    ///
    /// # Errors
    /// It cannot be written. This is found before the work starts.
    pub fn whole(path: Option<&Path>) -> Result<Self, OutputError> {
        Self::whole_over(path, None, PRIVATE)
    }

    /// The same for a manifest, which may replace an older one.
    ///
    /// # Errors
    /// As of [`OutputFile::whole`].
    pub fn manifest(path: Option<&Path>) -> Result<Self, OutputError> {
        Self::whole_over(path, Some(MANIFEST), PRIVATE)
    }

    /// The same for a verdict, which a CI's runner reads as another user.
    ///
    /// # Errors
    /// As of [`OutputFile::whole`].
    pub fn verdict(path: &Path) -> Result<Self, OutputError> {
        Self::whole_over(Some(path), None, PUBLIC)
    }

    /// The same for a list that a run writes beside its journal, and that nobody named: it takes the place only of a list that begins so, or of
    /// nothing.
    ///
    /// # Errors
    /// As of [`OutputFile::whole`]; something else is there.
    pub fn list(path: &Path, begins: &str) -> Result<Self, OutputError> {
        match is_own_or_new(path, begins.as_bytes()) {
            Ok(true) => Self::whole_over(Some(path), None, PRIVATE),
            Ok(false) => {
                let why = "something else is there, which is never overwritten";
                let source = io::Error::new(io::ErrorKind::AlreadyExists, why);
                Err(OutputError { name: path.display().to_string(), source })
            }
            Err(source) => Err(OutputError { name: path.display().to_string(), source }),
        }
    }

    fn whole_over(path: Option<&Path>, own: Option<&[u8]>, mode: u32) -> Result<Self, OutputError> {
        let Some(path) = path.filter(|path| !file_access::is_dash(path)) else { return Self::stdout() };
        if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Self::in_place(path);
        }
        let name = path.display().to_string();
        // A link stays a link: what it points to is replaced.
        let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let opened = || {
            file_access::refuse_dangling(path)?;
            writable(path)?;
            refuse_to_overwrite(path, own)?;
            temporary_beside(folder, path, mode)
        };
        match opened() {
            Ok(file) => Ok(Self { name, target: Target::Whole(BufWriter::new(file), path.to_owned()) }),
            Err(source) => Err(OutputError { name, source }),
        }
    }

    fn in_place(path: &Path) -> Result<Self, OutputError> {
        let name = path.display().to_string();
        match Pipe::open(path) {
            Ok(pipe) => Ok(Self { name, target: Target::InPlace(BufWriter::new(pipe)) }),
            Err(source) => Err(OutputError { name, source }),
        }
    }

    /// Standard output for data, which must not get lost.
    fn stdout() -> Result<Self, OutputError> {
        let output = Self::for_people();
        if file_access::is_closed(io::stdout()) {
            let why = "it is closed, or the null device: -o FILE names a file";
            return Err(OutputError { name: output.name, source: io::Error::other(why) });
        }
        Ok(output)
    }

    /// Standard output for people, whether or not anybody reads it.
    pub fn for_people() -> Self {
        let stdout = io::stdout();
        let target = if stdout.is_terminal() {
            Target::Terminal(BufWriter::new(Harmless::new(stdout)))
        } else {
            Target::Stdout(BufWriter::new(stdout))
        };
        Self { name: STANDARD_OUTPUT.to_owned(), target }
    }

    /// The file, for messages.
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// The path of a file that appears only when it is complete; `None` for anything else.
    pub fn place(&self) -> Option<&Path> {
        match &self.target {
            Target::Whole(_, path) => Some(path),
            Target::InPlace(_) | Target::Record(_) | Target::Stdout(_) | Target::Terminal(_) => None,
        }
    }

    /// Creates a file of results. Each row stays as soon as it is written. If none is, the file is removed, so that a run
    /// that did not begin leaves nothing in the way of the next. A run that was killed before it began leaves an empty file,
    /// which is reused.
    ///
    /// # Errors
    /// The file cannot be written, is not empty, or belongs to another run.
    pub fn new_record(path: &Path) -> Result<Self, OutputError> {
        let name = path.display().to_string();
        match create_or_take(path) {
            Ok((file, is_new)) => Ok(Self { name, target: Target::Record(NewFile::new(file, path, is_new)) }),
            Err(source) => Err(OutputError { name, source }),
        }
    }

    /// Opens a file of results to overwrite it. It stays as it is until the first row is written.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn overwrite_record(path: &Path) -> Result<Self, OutputError> {
        let name = path.display().to_string();
        match open_record(path).and_then(lock_against_other_runs) {
            Ok(file) => Ok(Self { name, target: Target::Record(NewFile::new(file, path, false)) }),
            Err(source) => Err(OutputError { name, source }),
        }
    }

    /// Whether rows that were written can still be changed. This takes an ordinary file that can be read too.
    pub fn can_be_amended(&self) -> bool {
        match &self.target {
            Target::Record(record) => record.can_be_amended,
            Target::Whole(..) | Target::InPlace(_) | Target::Stdout(_) | Target::Terminal(_) => false,
        }
    }

    /// Replaces the text of a file of results by what `amend` makes of it. The file itself stays the one that was opened.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn amend(&mut self, amend: impl FnOnce(&[u8], &mut dyn Write) -> io::Result<()>) -> Result<(), OutputError> {
        let Target::Record(record) = &mut self.target else { return Ok(()) };
        let replace = || {
            record.file.flush()?;
            let mut file = record.file.get_ref().file();
            let (mut before, mut after) = (Vec::new(), Vec::new());
            file.seek(SeekFrom::Start(0))?;
            file.read_to_end(&mut before)?;
            amend(&before, &mut after)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&after)?;
            file.set_len(after.len() as u64)?;
            file.sync_all()
        };
        replace().map_err(|source| OutputError { name: self.name.clone(), source })
    }

    /// Ends the output. A complete file now appears under its name.
    ///
    /// # Errors
    /// The rest cannot be written.
    pub fn finish(mut self) -> Result<(), OutputError> {
        let name = self.name.clone();
        let finished = self.flush().and_then(|()| match self.target {
            Target::Whole(buffer, path) => {
                let file = buffer.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.as_file().sync_all()?;
                file.persist(path).map_err(|error| error.error)?;
                Ok(())
            }
            Target::Record(record) => record.file.get_ref().file().sync_all(),
            Target::InPlace(_) | Target::Stdout(_) | Target::Terminal(_) => Ok(()),
        });
        finished.map_err(|source| OutputError { name, source })
    }
}

/// Whether a file begins so, or is empty, or is not there at all.
fn is_own_or_new(path: &Path, begins: &[u8]) -> io::Result<bool> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
        Ok(_) if !path.is_file() => return Ok(false),
        Ok(_) => {}
    }
    let mut begin = Vec::new();
    file_access::open_plain(path)?.take(begins.len() as u64).read_to_end(&mut begin)?;
    Ok(begin.is_empty() || begin == begins)
}

/// Refuses to overwrite a journal, an archive or a manifest, even if a flag names one by mistake.
fn refuse_to_overwrite(path: &Path, own: Option<&[u8]>) -> io::Result<()> {
    let mut begin = Vec::new();
    match file_access::open_plain(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(file) => drop(file.take(BEGIN_BYTES).read_to_end(&mut begin)?),
    }
    let is_it = |begins: &&(&[u8], &str)| begin.starts_with(begins.0) && Some(begins.0) != own;
    let Some((_, what)) = KEPT_FILES.iter().find(is_it) else { return Ok(()) };
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        format!("it is {what}, and is never overwritten: name another file"),
    ))
}

/// A file that exists and may not be written must not be replaced either.
fn writable(path: &Path) -> io::Result<()> {
    match File::options().write(true).open(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn temporary_beside(folder: &Path, path: &Path, mode: u32) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".halfbuilt-").suffix(".tmp");
    builder.permissions(Permissions::from_mode(mode));
    let file = builder.tempfile_in(folder).map_err(|error| match error.kind() {
        // Its own words name the temporary file.
        io::ErrorKind::NotFound => {
            io::Error::new(io::ErrorKind::NotFound, format!("there is no folder {}", folder.display()))
        }
        _ => error,
    })?;
    if let Ok(replaced) = std::fs::metadata(path) {
        // A report that only its owner could read stays private.
        file.as_file().set_permissions(replaced.permissions())?;
    }
    Ok(file)
}

impl OutputFile {
    /// Whether it is standard output.
    pub(super) fn is_stdout(&self) -> bool {
        matches!(self.target, Target::Stdout(_) | Target::Terminal(_))
    }

    /// Whether a person gets colours here.
    pub(super) fn has_colors(&self, color: Color) -> bool {
        if self.is_stdout() { color.on_stdout() } else { color == Color::Always }
    }

    /// Writes a text for a person, whose colours reach a terminal.
    pub(super) fn write_screen(&mut self, screen: &Screen) -> Result<(), OutputError> {
        let text = screen.as_str().as_bytes();
        let written = match &mut self.target {
            Target::Terminal(terminal) => terminal.flush().and_then(|()| terminal.get_mut().inner().write_all(text)),
            _ => self.write_all(text),
        };
        written.map_err(|source| OutputError { name: self.name.clone(), source })
    }

    fn target(&mut self) -> &mut dyn Write {
        match &mut self.target {
            Target::Whole(file, _) => file,
            Target::InPlace(file) => file,
            Target::Record(file) => file,
            Target::Stdout(stdout) => stdout,
            Target::Terminal(terminal) => terminal,
        }
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.target().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.target().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_finished_never_appears() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.csv");
        let mut output = OutputFile::whole(Some(&path)).expect("an output");
        output.write_all(b"half").expect("a write");
        drop(output);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn journals_manifests_and_archives_are_never_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.csv");
        for kept in [
            &b"{\"format\":\"halfbuilt-journal/1\",\"seq\":1"[..],
            b"\x1f\x8b\x08",
            b"{\"format\":\"halfbuilt-manifest/1\"",
        ] {
            std::fs::write(&path, kept).expect("a file");
            let error = OutputFile::whole(Some(&path)).err().expect("an error");
            let cause = std::error::Error::source(&error).expect("a cause").to_string();
            assert!(cause.contains("never overwritten"), "{cause}");
            assert_eq!(std::fs::read(&path).expect("a file"), kept);
        }
    }

    #[test]
    fn a_list_takes_the_place_of_a_list_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list.csv");
        let write = |text: &str| {
            let mut output = OutputFile::list(&path, "a,b")?;
            output.write_all(text.as_bytes()).expect("a write");
            output.finish()
        };
        write("a,b\nold").expect("a new file");
        write("a,b\nnew").expect("its own file");
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), "a,b\nnew");
        for other in ["a", "b,a\n", "=1"] {
            std::fs::write(&path, other).expect("a file");
            assert!(write("a,b\n").is_err(), "{other}");
            assert_eq!(std::fs::read_to_string(&path).expect("a file"), other);
        }
        std::fs::remove_file(&path).expect("it was there");
        std::fs::create_dir(&path).expect("a folder");
        assert!(write("a,b\n").is_err());
        std::fs::remove_dir(&path).expect("it is there");
        std::os::unix::fs::symlink(folder.path().join("nowhere"), &path).expect("a link");
        assert!(write("a,b\n").is_err());
    }

    #[test]
    fn a_finished_file_replaces_the_old_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.csv");
        std::fs::write(&path, "old").expect("a file");
        let mut output = OutputFile::whole(Some(&path)).expect("an output");
        output.write_all(b"new").expect("a write");
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), "old");
        output.finish().expect("a file");
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), "new");
    }

    #[test]
    fn a_record_stays_as_soon_as_there_is_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("results.csv");
        drop(OutputFile::new_record(&path).expect("an output"));
        assert!(!path.exists());
        let mut output = OutputFile::new_record(&path).expect("an output");
        output.write_all(b"row").and_then(|()| output.flush()).expect("a write");
        assert!(OutputFile::new_record(&path).is_err());
        drop(output);
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), "row");
    }

    #[test]
    fn a_killed_run_that_had_not_begun_is_not_in_the_way_and_one_that_runs_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("results.csv");
        File::create_new(&path).expect("what a kill leaves");
        let mut output = OutputFile::new_record(&path).expect("an output");
        let why = OutputFile::new_record(&path).err().expect("an error");
        assert_eq!(std::error::Error::source(&why).expect("a cause").to_string(), "another run is writing it");
        output.write_all(b"row").and_then(|()| output.flush()).expect("a write");
        assert!(OutputFile::overwrite_record(&path).is_err());
        drop(output);
        assert!(OutputFile::new_record(&path).is_err(), "results are never overwritten");
        drop(OutputFile::overwrite_record(&path).expect("an output"));
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), "row");
    }

    #[test]
    fn results_that_are_overwritten_stay_until_the_first_row_comes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("results.csv");
        std::fs::write(&path, "old rows").expect("a file");
        drop(OutputFile::overwrite_record(&path).expect("an output"));
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), "old rows");
        let mut output = OutputFile::overwrite_record(&path).expect("an output");
        output.write_all(b"row").expect("a write");
        output.finish().expect("a file");
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), "row");
    }

    #[cfg(unix)]
    #[test]
    fn a_replaced_file_keeps_its_permissions_and_a_link_its_place() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().expect("a folder");
        let (path, link) = (folder.path().join("report.csv"), folder.path().join("latest.csv"));
        std::fs::write(&path, "old").expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("permissions");
        symlink(&path, &link).expect("a link");
        let mut output = OutputFile::whole(Some(&link)).expect("an output");
        output.write_all(b"new").expect("a write");
        output.finish().expect("a file");
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), "new");
        assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_missing_folder_is_found_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = OutputFile::whole(Some(&folder.path().join("no/report.csv"))).err().expect("an error");
        assert!(error.to_string().ends_with("no/report.csv"), "{error}");
    }
}
