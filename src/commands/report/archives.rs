//! The archives that a journal names: whether each is there, and holds what was written to it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::audit::ArchiveState;
use crate::deletion::journal::{Archived, Past, PastArchive};
use crate::file_access::open_plain;
use crate::output::ArchiveInput;
use crate::report::Digesting;

/// How many archives of one journal are read. A run writes one.
const ARCHIVES_READ: usize = 20;

/// Reads the archives of a journal, to digest them. What is not there, or no file, is said and no error: an archive may be kept
/// elsewhere.
pub(super) fn read_archives(journal: &Path, past: &Past) -> Vec<ArchiveInput> {
    let mut archives: Vec<&PastArchive> = past.archives.values().collect();
    archives.sort_by_key(|archive| &archive.last.file);
    let read = archives.into_iter().take(ARCHIVES_READ).map(|archive| read_archive(journal, &archive.last));
    read.collect()
}

fn read_archive(journal: &Path, last: &Archived) -> ArchiveInput {
    let not_read = |why: &str| ArchiveInput {
        name: last.file.clone(),
        sha256: None,
        state: ArchiveState::NotRead(why.to_owned()),
    };
    let named = Path::new(&last.file);
    // It may have been moved together with its journal.
    let beside = named.file_name().map(|name| journal.with_file_name(name));
    let place = beside.into_iter().chain([named.to_owned()]).find(|place| place.exists());
    let Some(place) = place else { return not_read("it is neither beside the journal nor where the run wrote it") };
    match open_plain(&place).and_then(|file| digest(file, last)) {
        Ok((sha256, holds_last)) => ArchiveInput {
            name: last.file.clone(),
            sha256: Some(sha256),
            state: if holds_last { ArchiveState::Holds } else { ArchiveState::LacksLastPart },
        },
        Err(error) => not_read(&error.to_string()),
    }
}

/// The SHA-256 of a file, and whether it holds the last part at its place.
fn digest(file: File, last: &Archived) -> io::Result<(String, bool)> {
    let mut whole = Digesting::new(file);
    io::copy(&mut whole.by_ref().take(last.offset), &mut io::sink())?;
    let mut part = Digesting::new(whole.by_ref().take(last.length));
    io::copy(&mut part, &mut io::sink())?;
    let holds_last = part.finish().1 == last.sha256;
    io::copy(&mut whole, &mut io::sink())?;
    Ok((whole.finish().1, holds_last))
}
