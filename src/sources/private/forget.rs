//! Removes the private database, and nothing that is not certainly its own.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::PrivateError;
use super::lock::ClusterLock;
use super::place::{Place, io_error};
use super::{server, socket};

/// How the names of folders begin that are being made, and of those that are being removed.
const NEW: &str = "new-";
const REMOVED: &str = "removed-";
/// The folder of its socket.
const SOCKET: &str = "socket";

/// What became of the private database.
#[derive(Debug, PartialEq, Eq)]
pub enum Forgotten {
    /// There was none.
    Nothing {
        /// Where it would be.
        folder: PathBuf,
    },
    /// It was removed.
    Removed {
        /// Where it was.
        folder: PathBuf,
        /// The major version of its PostgreSQL; `None` if it was not complete.
        major: Option<u32>,
        /// How many bytes its files had.
        bytes: u64,
        /// What is in its folder and was not made by halfbuilt: it stays.
        left: Vec<PathBuf>,
    },
}

/// Removes the private database.
///
/// # Errors
/// As of [`super::PrivateCluster::forget`].
pub(super) async fn forget() -> Result<Forgotten, PrivateError> {
    let place = Place::find()?;
    let folder = place.folder();
    if !place.check_folder()? {
        return Ok(Forgotten::Nothing { folder });
    }
    let lock = ClusterLock::take(&place, "collect --forget")?;
    let major = place.major()?;
    server::end_leftover(&place).await?;
    let mut bytes = 0;
    if major.is_some() {
        // A kill half-way must leave nothing that looks like a cluster.
        let removed = folder.join(format!("{REMOVED}{}", std::process::id()));
        fs::rename(place.cluster(), &removed).map_err(|source| io_error("remove", &place.cluster(), source))?;
    }
    for path in leftovers(&place) {
        bytes += size(&path);
        fs::remove_dir_all(&path).map_err(|source| io_error("remove", &path, source))?;
    }
    socket::remove(&folder.join(SOCKET));
    let log = place.log();
    if fs::symlink_metadata(&log).is_ok_and(|found| found.is_file()) {
        fs::remove_file(&log).map_err(|source| io_error("remove", &log, source))?;
    }
    let left = entries(&folder);
    if left.is_empty() {
        fs::remove_dir(&folder).map_err(|source| io_error("remove", &folder, source))?;
        lock.remove()?;
    }
    Ok(Forgotten::Removed { folder, major, bytes, left })
}

/// Removes what commands have left that were killed while they made or removed a cluster. The caller holds the lock.
pub(super) fn remove_leftovers(place: &Place) {
    // What cannot be removed is in nobody's way.
    leftovers(place).iter().for_each(|path| drop(fs::remove_dir_all(path)));
}

fn leftovers(place: &Place) -> Vec<PathBuf> {
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(NEW) || name.starts_with(REMOVED))
            && fs::symlink_metadata(path).is_ok_and(|found| found.is_dir() && found.uid() == place.uid())
    };
    entries(&place.folder()).into_iter().filter(is_ours).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.sort();
    found
}

/// The bytes of the files below a folder. No link is followed.
fn size(path: &Path) -> u64 {
    let of_entry = |entry: io::Result<fs::DirEntry>| {
        let entry = entry.ok()?;
        let found = entry.metadata().ok()?;
        Some(if found.is_dir() { size(&entry.path()) } else { found.len() })
    };
    fs::read_dir(path).into_iter().flatten().filter_map(of_entry).sum()
}
