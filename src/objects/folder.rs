//! Lists the files below a folder.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::entry::Entry;
use super::error::ObjectsError;
use super::place::Place;
use super::sorter::{Sorted, Sorter};

/// Whether somebody still wants the listing.
pub(super) type IsWanted<'a> = &'a dyn Fn() -> bool;

/// Lists every file below `root`, at any depth. A link to a file counts as that file; a link to a folder is not followed. `None` once nobody
/// wants it any more.
///
/// # Errors
/// The folder is none, or anything below it cannot be read: half a listing would call the rest missing.
pub(super) fn list(root: &Path, is_wanted: IsWanted<'_>) -> Result<Option<Sorted>, ObjectsError> {
    let place = Place::Folder(root.to_owned());
    let unreadable = |path: &Path, source: io::Error| ObjectsError::Folder { path: path.to_owned(), source };
    let mut sorter = Sorter::of(&place);
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).map_err(|source| unreadable(&folder, source))? {
            if !is_wanted() {
                return Ok(None);
            }
            let entry = entry.map_err(|source| unreadable(&folder, source))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(|source| unreadable(&path, source))?;
            if kind.is_dir() {
                open.push(path);
                continue;
            }
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_file() => sorter.push(file(root, &path, &metadata))?,
                Ok(_) => {}
                // A link that leads nowhere is no file; a file that went away while it was looked at is none any more.
                Err(source) if source.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(unreadable(&path, source)),
            }
        }
    }
    sorter.done().map(Some)
}

fn file(root: &Path, path: &Path, metadata: &fs::Metadata) -> Entry {
    let below: PathBuf = path.strip_prefix(root).unwrap_or(path).to_owned();
    let written = metadata.mtime().checked_mul(1_000_000).map(|seconds| seconds + metadata.mtime_nsec() / 1000);
    Entry { key: below.as_os_str().as_bytes().to_vec(), size: metadata.len(), written }
}
