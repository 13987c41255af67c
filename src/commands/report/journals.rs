//! The journals of a page: the one beside the report, and those that are named.

use std::path::{Path, PathBuf};

use crate::commands::Error;
use crate::commands::journal::unusable_journal;
use crate::deletion::journal::{self, JournalError};
use crate::output::{Input, JournalInput, Printer};

use super::archives::read_archives;

/// The journals that are to be read.
pub(super) struct GivenJournals {
    /// The one beside the report, where there is one that is not named as well.
    pub(super) beside: Option<PathBuf>,
    /// The one beside the report, where it is there and is to be left out.
    pub(super) left_out: Option<PathBuf>,
    /// Those that `--journal` names.
    pub(super) named: Vec<PathBuf>,
}

impl GivenJournals {
    pub(super) fn new(report: &Path, named: Vec<PathBuf>, without_beside: bool) -> Self {
        let beside = Some(journal::beside(report)).filter(|beside| beside.exists());
        let is_named = |beside: &PathBuf| {
            let real = beside.canonicalize().ok();
            real.is_some() && named.iter().any(|named| named.canonicalize().ok() == real)
        };
        let beside = beside.filter(|beside| !is_named(beside));
        match without_beside {
            true => Self { beside: None, left_out: beside, named },
            false => Self { beside, left_out: None, named },
        }
    }
}

/// Reads the journals and the archives that they name. Says which is read though nobody named it.
pub(super) fn read_journals(report: &Path, given: GivenJournals, printer: Printer) -> Result<Vec<JournalInput>, Error> {
    let named = given.named.into_iter().map(|file| match journal::read_with_digest(&file) {
        Ok((past, _)) if past.sessions.is_empty() => Err(Error::Journal { file, source: JournalError::Empty }),
        Ok(read) => Ok(input(&file, file.display().to_string(), read)),
        Err(source) => Err(unusable_journal(file, source)),
    });
    let named = named.collect::<Result<Vec<_>, Error>>()?;
    refuse_doubles(&named)?;
    let Some(file) = given.beside else { return Ok(named) };
    let read = match journal::read_with_digest(&file) {
        Ok((past, _)) if past.sessions.is_empty() => Err(JournalError::Empty),
        read => read,
    };
    let read = read.map_err(|source| Error::JournalBeside { file: file.clone(), source })?;
    // A copy of it was named.
    if named.iter().any(|journal| journal.file.sha256 == read.1) {
        return Ok(named);
    }
    let name = named_beside(report, &file).display().to_string();
    printer.say(&format!("journal: {name} (beside the report)"));
    Ok([vec![input(&file, name, read)], named].concat())
}

/// The names of the other journals in the report's folder, sorted. Where the folder cannot be read, none.
pub(super) fn unread_journals(report: &Path, read: &[JournalInput], left_out: Option<&str>) -> Vec<String> {
    let beside = journal::beside(report);
    let folder = beside.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let real = |name: &str| Path::new(name).canonicalize().ok();
    let known: Vec<PathBuf> =
        read.iter().map(|journal| journal.file.name.as_str()).chain(left_out).filter_map(real).collect();
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut others: Vec<String> = files
        .filter(|file| file.file_name().to_string_lossy().ends_with(journal::ENDING))
        .filter(|file| file.path().canonicalize().is_ok_and(|file| !known.contains(&file)))
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .collect();
    others.sort_unstable();
    others
}

/// The path of a file beside the report, written as the report's is.
pub(super) fn named_beside(report: &Path, file: &Path) -> PathBuf {
    let named = file.file_name().map(|name| report.with_file_name(name));
    let is_it = |named: &PathBuf| named.canonicalize().is_ok_and(|named| Some(named) == file.canonicalize().ok());
    named.filter(is_it).unwrap_or_else(|| file.to_owned())
}

fn input(place: &Path, name: String, (past, sha256): (journal::Past, String)) -> JournalInput {
    let archives = read_archives(place, &past);
    JournalInput { file: Input { name, sha256 }, past, archives }
}

/// A journal that is given twice would count twice.
fn refuse_doubles(journals: &[JournalInput]) -> Result<(), Error> {
    for (place, JournalInput { file, .. }) in journals.iter().enumerate() {
        if let Some(other) = journals[..place].iter().find(|other| other.file.sha256 == file.sha256) {
            let why = format!("--journal: {} and {} are the same, byte for byte: name one", other.file.name, file.name);
            return Err(Error::Usage(why));
        }
    }
    Ok(())
}
