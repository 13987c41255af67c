//! Checks that a command never writes over a file that it reads, and that no two of its outputs are one file.

use std::path::{Path, PathBuf};

use crate::deletion::journal;
use crate::file_access::is_dash;
use crate::report::ScanMetadata;
use crate::scan::Profile;

use super::Error;
use super::read_request::ReadRequest;

/// The files that a command reads and writes, each with the flag that names it.
#[derive(Default)]
pub(super) struct Files {
    read: Vec<(&'static str, PathBuf)>,
    written: Vec<(&'static str, PathBuf)>,
}

impl Files {
    /// Adds a file that is read, where there is one.
    pub(super) fn read(mut self, what: &'static str, file: Option<&Path>) -> Self {
        self.read.extend(file.map(|file| (what, file.to_owned())));
        self
    }

    /// Adds the profile, the rules and what T is taken from, where they are files.
    pub(super) fn read_by(self, request: &ReadRequest) -> Self {
        let ships = Profile::shipped().any(|(name, _)| name == request.profile);
        let files = self.read("--profile", Some(Path::new(&request.profile)).filter(|_| !ships));
        let files = files.read("--backup-time", request.evidence.as_deref());
        let files = request.alive.iter().fold(files, |files, list| files.read("--alive", Some(&list.path)));
        // A folder that cannot be read is an error where its rules are loaded.
        let rules = request.rule_folder.as_ref().and_then(|folder| std::fs::read_dir(folder).ok());
        let rules = rules.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let rules = rules.filter(|path| path.extension().is_some_and(|ending| ending == "sql"));
        rules.fold(files, |files, rule| files.read("a rule of --rules", Some(&rule)))
    }

    /// Adds a file that is written, where there is one.
    pub(super) fn write(mut self, what: &'static str, file: Option<&Path>) -> Self {
        self.written.extend(file.map(|file| (what, file.to_owned())));
        self
    }

    /// Adds the report of a scan, and the file beside it.
    pub(super) fn write_report(self, file: Option<&Path>) -> Self {
        let beside = file.filter(|file| !is_dash(file)).map(ScanMetadata::place);
        self.write("-o", file).write("the file beside -o", beside.as_deref())
    }

    /// Checks that each is a file of its own.
    pub(super) fn keep_apart(&self) -> Result<(), Error> {
        for (place, (what, file)) in self.written.iter().enumerate() {
            let earlier = &self.written[..place];
            if is_dash(file) {
                if let Some((other, _)) = earlier.iter().find(|(_, other)| is_dash(other)) {
                    return Err(Error::Usage(format!("{what} and {other} both go to standard output")));
                }
                continue;
            }
            let own = real(file);
            let is_it = |(_, other): &&(&str, PathBuf)| own.is_some() && real(other) == own;
            if let Some((other, _)) = self.read.iter().chain(earlier).find(is_it) {
                return Err(Error::Usage(format!("{what} and {other} are one file: {}", file.display())));
            }
        }
        Ok(())
    }
}

/// Keeps a report by which builds were deleted, as a journal shows, unless writing over it is wanted.
///
/// # Errors
/// A journal stands beside the report that is there.
pub(super) fn keep_report_of_deletion(output: Option<&Path>, overwrite: bool) -> Result<(), Error> {
    let report = output.filter(|file| !is_dash(file) && file.exists() && !overwrite);
    match report.map(|report| (report, journal::beside(report))).filter(|(_, journal)| journal.exists()) {
        Some((report, journal)) => Err(Error::ReportWithJournal { report: report.to_owned(), journal }),
        None => Ok(()),
    }
}

/// The file that a name leads to, whether or not it exists yet; `None` for a pipe, a device and the like, which hold nothing that could
/// be written over.
fn real(file: &Path) -> Option<PathBuf> {
    if std::fs::metadata(file).is_ok_and(|found| !found.is_file()) {
        return None;
    }
    file.canonicalize().ok().or_else(|| {
        let whole = std::path::absolute(file).ok()?;
        let folder = whole.parent().and_then(|folder| folder.canonicalize().ok());
        Some(folder.zip(whole.file_name()).map_or(whole.clone(), |(folder, name)| folder.join(name)))
    })
}
