//! The folder of the private server's socket.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::mkdtemp;

use super::error::PrivateError;
use super::place::{Place, io_error};

/// The port, which is a part of the socket's name and no more.
pub(super) const PORT: &str = "5432";
/// The files that a server makes for its socket.
const FILES: [&str; 2] = [".s.PGSQL.5432", ".s.PGSQL.5432.lock"];
/// The bytes of a socket's path. Source: unix(7), sun_path, with a zero at its end; that of BSD and macOS is shorter.
const LONGEST: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// A folder that only its owner and root can enter.
#[derive(Debug)]
pub(super) struct SocketFolder {
    path: String,
    /// Whether it goes when this does.
    is_temporary: bool,
}

impl SocketFolder {
    /// The folder `socket` of the private database; where its path is too long for a socket, or would have to be quoted, a new one.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn choose(place: &Place) -> Result<Self, PrivateError> {
        let own = place.folder().join("socket");
        if let Some(path) = usable(&own) {
            return Ok(Self { path, is_temporary: false });
        }
        let name = prefix(place);
        let of_session = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute());
        // Another account does not get into this user's.
        let of_session = of_session.filter(|_| place.account.is_none());
        let mut failed = None;
        for parent in of_session.into_iter().chain([PathBuf::from("/tmp")]) {
            remove_stale(&parent, &name, place.uid());
            let template = parent.join(format!("{name}XXXXXX"));
            if usable(&template).is_none() {
                continue;
            }
            match mkdtemp(&template) {
                Ok(made) => {
                    let folder = Self { path: usable(&made).unwrap_or_default(), is_temporary: true };
                    place.give(&made)?;
                    return Ok(folder);
                }
                Err(error) => failed = Some(io_error("make a folder for the socket in", &parent, error.into())),
            }
        }
        Err(failed.unwrap_or(PrivateError::NotOurs { path: own, what: "is too long a path for a socket" }))
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

impl Drop for SocketFolder {
    fn drop(&mut self) {
        if self.is_temporary {
            remove(Path::new(&self.path));
        }
    }
}

/// The path as text, if a socket in it can be reached by a connection string and by a setting of the server without quotes.
fn usable(folder: &Path) -> Option<String> {
    let path = folder.to_str().filter(|path| path.chars().all(|c| c.is_alphanumeric() || "/._-+".contains(c)))?;
    (path.len() + 1 + FILES[0].len() <= LONGEST).then(|| path.to_owned())
}

/// How the names of this cluster's temporary folders begin.
fn prefix(place: &Place) -> String {
    let mut hasher = DefaultHasher::new();
    place.folder().hash(&mut hasher);
    format!("halfbuilt-{:016x}-", hasher.finish())
}

/// Removes what commands have left that were killed. The caller holds the lock, so none of it is in use.
fn remove_stale(parent: &Path, prefix: &str, uid: u32) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_of_cluster = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        if is_of_cluster && fs::symlink_metadata(entry.path()).is_ok_and(|found| found.is_dir() && found.uid() == uid) {
            remove(&entry.path());
        }
    }
}

/// Removes such a folder, if nothing else is in it. A link is not followed.
pub(super) fn remove(folder: &Path) {
    FILES.iter().for_each(|file| drop(fs::remove_file(folder.join(file))));
    let _ = fs::remove_dir(folder);
}
