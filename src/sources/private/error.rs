//! Why the private database cannot be had, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use super::holder::Holder;

/// What cannot be done where a program cannot be started.
pub(super) const START: &str = "start a program of PostgreSQL in";

/// The private database cannot be started, or not be removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateError {
    /// It is not known where it would be.
    #[error("there is no home folder to keep the private database in")]
    NoHome,
    /// Root starts no PostgreSQL, and there is nobody to start it as.
    #[error("PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody")]
    NoAccount,
    /// A folder or a file of it cannot be used.
    #[error("cannot {action} {}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    /// The account of the server does not get as far as its folder.
    #[error("the private database runs as {account}, who cannot reach {}", folder.display())]
    Unreachable { folder: PathBuf, account: String, closed: PathBuf },
    /// It is another user's.
    #[error("the private database in {} belongs to {owner}", folder.display())]
    OtherOwner { folder: PathBuf, owner: String },
    /// Something else is in its place.
    #[error("{} {what}", path.display())]
    NotOurs { path: PathBuf, what: &'static str },
    /// Another command uses it.
    #[error("the private database is in use{}", by(holder.as_deref()))]
    InUse { holder: Option<Box<Holder>> },
    /// There is none.
    #[error("nothing has been collected into the private database, {}", folder.display())]
    NotCollected { folder: PathBuf },
    /// There are no programs of PostgreSQL, or only of versions that are not used.
    #[error("no programs of PostgreSQL 12 to 18 were found{}", where_else(found))]
    NoPrograms { found: Vec<(PathBuf, u32)> },
    /// There are none of the cluster's own version.
    #[error("the private database in {} is of PostgreSQL {major}, of which no programs were found", folder.display())]
    NoProgramsOf { folder: PathBuf, major: u32 },
    /// A program of PostgreSQL failed, or the server did not start.
    #[error("{program} failed: {said}")]
    Program { program: &'static str, said: String, log: PathBuf, is_full: bool },
    /// A server that an earlier command left does not end.
    #[error("the server of an earlier command, process {pid}, does not end")]
    Leftover { pid: i32 },
}

impl PrivateError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoHome => "set HOME, or HALFBUILT_DATA to a folder for halfbuilt's data".to_owned(),
            Self::NoAccount => {
                "run halfbuilt as another user, or install postgresql, which brings a user of that name".to_owned()
            }
            Self::Io { action: START, source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "PostgreSQL does not run as root: halfbuilt has to be allowed to become another user (CAP_SETUID and CAP_SETGID in a \
                 container), or to be run as one"
                    .to_owned()
            }
            Self::Io { path, source, .. } => return io_hint(path, source),
            Self::Unreachable { closed, account, .. } => format!(
                "`chmod o+x {}` lets {account} through it; or set HALFBUILT_DATA to another folder",
                closed.display()
            ),
            Self::OtherOwner { owner, .. } => {
                format!("run the same command as {owner}, or set HALFBUILT_DATA to a folder of your own")
            }
            Self::NotOurs { .. } => {
                "halfbuilt did not make it, and leaves it as it is: move it away, or set HALFBUILT_DATA to another folder"
                    .to_owned()
            }
            Self::InUse { .. } => "one command at a time uses it: wait until that one has ended".to_owned(),
            Self::NotCollected { .. } => {
                "`halfbuilt collect https://ci.example.com --into private` collects the builds of a CircleCI Server".to_owned()
            }
            Self::NoPrograms { .. } => {
                "install postgresql (apt-get install postgresql), or name a database of your own in place of `private`; HALFBUILT_POSTGRES_BIN \
                 names a folder with initdb and postgres"
                    .to_owned()
            }
            Self::NoProgramsOf { major, .. } => format!(
                "install PostgreSQL {major} (apt-get install postgresql-{major}), or collect anew: `halfbuilt collect --forget --into private` \
                 removes the private database"
            ),
            Self::Program { log, is_full: true, .. } => {
                make_room(log.parent().unwrap_or(log))
            }
            Self::Program { log, .. } => format!("{} has all that it said", log.display()),
            Self::Leftover { pid } => format!("`kill -QUIT {pid}` ends it, and loses nothing"),
        })
    }
}

fn by(holder: Option<&Holder>) -> String {
    holder.map(|holder| format!(" by {holder}")).unwrap_or_default()
}

fn where_else(found: &[(PathBuf, u32)]) -> String {
    let listed: Vec<String> =
        found.iter().map(|(folder, major)| format!("version {major} in {}", folder.display())).collect();
    if listed.is_empty() { String::new() } else { format!(", only {}", listed.join(" and ")) }
}

fn make_room(path: &Path) -> String {
    format!("make room on the disk of {}, and run the same command again", path.display())
}

fn io_hint(path: &Path, error: &io::Error) -> Option<String> {
    match error.kind() {
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::AlreadyExists
        | io::ErrorKind::NotFound => Some("set HALFBUILT_DATA to a folder that you can write".to_owned()),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(make_room(path)),
        _ => None,
    }
}
