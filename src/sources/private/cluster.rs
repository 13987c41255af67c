//! The private database while it runs.

use std::path::PathBuf;

use super::error::PrivateError;
use super::forget::{self, Forgotten};
use super::lock::ClusterLock;
use super::new_cluster::{self, DATABASE, OWNER, READER};
use super::place::Place;
use super::process::Process;
use super::programs::Programs;
use super::server;
use super::socket::{PORT, SocketFolder};

/// What `--into` and `--database-url` call the private database.
pub const PRIVATE: &str = "private";

/// The private database, running. When this is dropped, its server is ended, and its end is awaited.
#[derive(Debug)]
pub struct PrivateCluster {
    // In this order they are dropped: others may come only once all of it is gone.
    _server: Process,
    socket: SocketFolder,
    _lock: ClusterLock,
    folder: PathBuf,
    major: u32,
}

impl PrivateCluster {
    /// Starts the private database, which is made first where there is none. `command` is the command that needs it, such as `collect`: it is
    /// shown to whoever comes meanwhile. It has to be called on a thread that lives as long as the server is needed: the system ends the
    /// server when the thread that started it ends.
    ///
    /// # Errors
    /// Another command uses it; there are no programs of PostgreSQL, or none of its version; its folder cannot be used; the server does not
    /// start.
    pub async fn start(command: &str) -> Result<Self, PrivateError> {
        let mut place = Place::find()?;
        place.make_data_folder()?;
        let lock = ClusterLock::take(&place, command)?;
        place.make_folder()?;
        Self::run(&place, lock).await
    }

    /// Starts the private database, if there is one.
    ///
    /// # Errors
    /// As of [`Self::start`]; there is none.
    pub async fn open(command: &str) -> Result<Self, PrivateError> {
        let place = Place::find()?;
        let none = || PrivateError::NotCollected { folder: place.folder() };
        if !place.check_folder()? {
            return Err(none());
        }
        let lock = ClusterLock::take(&place, command)?;
        if !place.cluster().exists() {
            return Err(none());
        }
        Self::run(&place, lock).await
    }

    /// Removes the private database, with all that was collected into it. No link is followed, and what halfbuilt did not make stays.
    ///
    /// # Errors
    /// Another command uses it; it is another user's; a server that was left does not end; a file cannot be removed.
    pub async fn forget() -> Result<Forgotten, PrivateError> {
        forget::forget().await
    }

    async fn run(place: &Place, lock: ClusterLock) -> Result<Self, PrivateError> {
        forget::remove_leftovers(place);
        let found = Programs::find();
        let programs = match place.major()? {
            Some(major) => {
                let fitting = found.usable.iter().find(|programs| programs.major == major).cloned();
                fitting.ok_or_else(|| PrivateError::NoProgramsOf { folder: place.folder(), major })?
            }
            None => match found.usable.first().cloned() {
                Some(newest) => {
                    new_cluster::make(place, &newest).await?;
                    newest
                }
                None => return Err(PrivateError::NoPrograms { found: found.listed_others() }),
            },
        };
        server::end_leftover(place).await?;
        let socket = SocketFolder::choose(place)?;
        let server = server::start(place, &programs, &socket).await?;
        Ok(Self { _server: server, socket, _lock: lock, folder: place.folder(), major: programs.major })
    }

    /// The connection string of its owner, who can write. Nothing of libpq's environment should be added to it but what [`heeds`] says.
    pub fn settings(&self) -> String {
        self.settings_of(OWNER)
    }

    /// The connection string of a role that can only read.
    pub fn reading_settings(&self) -> String {
        self.settings_of(READER)
    }

    fn settings_of(&self, user: &str) -> String {
        let socket = self.socket.path();
        format!("host={socket} hostaddr='' port={PORT} dbname={DATABASE} user={user} service=''")
    }

    /// Its folder and its version, for a line of talk.
    pub fn describe(&self) -> String {
        format!("{}, PostgreSQL {}", self.folder.display(), self.major)
    }
}

/// Whether a variable of the environment has a say in how the private database is reached: what names a server is for other ones.
pub fn heeds(variable: &str) -> bool {
    matches!(variable, "HOME" | "PGOPTIONS")
}
