//! Where the private database is kept, and as whom its server runs.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::unistd::{Gid, Uid, User, geteuid};

use super::error::PrivateError;
use super::read::read_small;

/// Root's own home is closed to the account that runs the server.
const OF_ROOT: &str = "/var/lib/halfbuilt";
/// Who runs the server for root.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// The folders of the private database.
#[derive(Debug)]
pub(super) struct Place {
    /// The folder of halfbuilt's data.
    data: PathBuf,
    /// As whom programs run; `None`: as this user.
    pub(super) account: Option<Account>,
}

/// A user whom root becomes to run PostgreSQL, which does not run as root.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) name: String,
}

impl Place {
    /// Finds out where it is, and makes nothing.
    ///
    /// # Errors
    /// There is no home folder; there is no account to run as.
    pub(super) fn find() -> Result<Self, PrivateError> {
        let data = data_folder()?;
        // A link in the path must not make two names of one cluster.
        let data = data.canonicalize().unwrap_or(data);
        let account = if geteuid().is_root() { Some(account(&data)?) } else { None };
        Ok(Self { data, account })
    }

    /// The private database's own folder.
    pub(super) fn folder(&self) -> PathBuf {
        self.data.join("private")
    }

    /// PostgreSQL's data directory.
    pub(super) fn cluster(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// The output of the program that ran last.
    pub(super) fn log(&self) -> PathBuf {
        self.folder().join("log")
    }

    pub(super) fn lock_file(&self) -> PathBuf {
        self.data.join("private.lock")
    }

    /// The number of the user whose the folder is.
    pub(super) fn uid(&self) -> u32 {
        self.account.as_ref().map_or_else(|| geteuid().as_raw(), |account| account.uid)
    }

    /// Makes the folder of halfbuilt's data where it is missing.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn make_data_folder(&mut self) -> Result<(), PrivateError> {
        if !self.data.exists() {
            if let (Some(_), Some(above)) = (&self.account, self.data.parent().filter(|above| !above.exists())) {
                // The account has to get through what root makes.
                let made = DirBuilder::new().recursive(true).mode(0o755).create(above);
                made.map_err(|source| io_error("make", above, source))?;
            }
            self.make(&self.data, true)?;
        }
        self.data = self.data.canonicalize().map_err(|source| io_error("use", &self.data, source))?;
        Ok(())
    }

    /// Makes the private database's own folder where it is missing, and checks that it is what this made.
    ///
    /// # Errors
    /// It cannot be made; something else is in its place; it is another user's.
    pub(super) fn make_folder(&self) -> Result<(), PrivateError> {
        let folder = self.folder();
        match fs::symlink_metadata(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.make(&folder, false)?,
            _ => self.check_folder().map(drop)?,
        }
        Ok(())
    }

    /// Checks the folder, if there is one: a folder, this user's, and closed to others. Returns whether there is one.
    ///
    /// # Errors
    /// Something else is in its place; it is another user's; it cannot be looked at.
    pub(super) fn check_folder(&self) -> Result<bool, PrivateError> {
        let folder = self.folder();
        let found = match fs::symlink_metadata(&folder) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(io_error("look at", &folder, source)),
        };
        if !found.is_dir() {
            let what = if found.is_symlink() { "is a link, not a folder" } else { "is not a folder" };
            return Err(PrivateError::NotOurs { path: folder, what });
        }
        if found.uid() != self.uid() {
            // Between the two steps of making it.
            let is_half_made = self.account.is_some() && found.uid() == 0;
            if !is_half_made {
                return Err(PrivateError::OtherOwner { folder, owner: user_name(found.uid()) });
            }
            self.give(&folder)?;
        }
        if found.mode() & 0o777 != 0o700 {
            self.close(&folder).map_err(|source| io_error("close", &folder, source))?;
        }
        Ok(true)
    }

    /// The major version of the cluster; `None` if there is none.
    ///
    /// # Errors
    /// What is in its place does not say one.
    pub(super) fn major(&self) -> Result<Option<u32>, PrivateError> {
        let cluster = self.cluster();
        if fs::symlink_metadata(&cluster).is_err() {
            return Ok(None);
        }
        // It got its name when it was complete.
        let text = read_small(&cluster.join("PG_VERSION")).unwrap_or_default();
        let what = "is no PostgreSQL cluster: it has no file PG_VERSION that can be read";
        text.trim().parse().map(Some).map_err(|_| PrivateError::NotOurs { path: cluster, what })
    }

    fn make(&self, folder: &Path, with_those_above: bool) -> Result<(), PrivateError> {
        let made = DirBuilder::new().recursive(with_those_above).mode(0o700).create(folder);
        made.map_err(|source| io_error("make", folder, source))?;
        self.give(folder)
    }

    /// Closes the folder to others. A link that has come into its place is not followed.
    fn close(&self, folder: &Path) -> io::Result<()> {
        let flags = OFlag::O_NOFOLLOW | OFlag::O_DIRECTORY;
        let opened = OpenOptions::new().read(true).custom_flags(flags.bits()).open(folder)?;
        if opened.metadata()?.uid() != self.uid() {
            return Err(io::Error::other("it was replaced meanwhile"));
        }
        opened.set_permissions(Permissions::from_mode(0o700))
    }

    /// Makes a file the account's own. A link is not followed.
    pub(super) fn give(&self, path: &Path) -> Result<(), PrivateError> {
        let Some(account) = &self.account else { return Ok(()) };
        lchown(path, Some(account.uid), Some(account.gid)).map_err(|source| io_error("give away", path, source))
    }

    /// The error of a program that cannot be started in the folder.
    pub(super) fn unreachable(&self) -> Option<PrivateError> {
        let account = self.account.as_ref()?;
        let folder = self.folder();
        let is_closed = |folder: &&Path| {
            fs::metadata(folder).is_ok_and(|found| {
                let needed = match (found.uid() == account.uid, found.gid() == account.gid) {
                    (true, _) => 0o100,
                    (_, true) => 0o010,
                    _ => 0o001,
                };
                found.mode() & needed == 0
            })
        };
        let mut above: Vec<&Path> = folder.ancestors().collect();
        above.reverse();
        let closed = above.iter().copied().find(|folder| is_closed(folder)).unwrap_or(&self.data).to_owned();
        Some(PrivateError::Unreachable { account: account.name.clone(), closed, folder: folder.clone() })
    }
}

/// The folder of halfbuilt's data. Source: XDG Base Directory Specification; a relative XDG_DATA_HOME is to be ignored.
fn data_folder() -> Result<PathBuf, PrivateError> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(own) = variable("HALFBUILT_DATA") {
        return std::path::absolute(&own).map_err(|source| io_error("use", &own, source));
    }
    if let Some(data) = variable("XDG_DATA_HOME").filter(|data| data.is_absolute()) {
        return Ok(data.join("halfbuilt"));
    }
    if geteuid().is_root() {
        return Ok(PathBuf::from(OF_ROOT));
    }
    let home = variable("HOME").or_else(|| User::from_uid(geteuid()).ok().flatten().map(|user| user.dir));
    let home = home.filter(|home| home.is_absolute()).ok_or(PrivateError::NoHome)?;
    Ok(home.join(".local/share/halfbuilt"))
}

/// As whom root runs the server: the owner of the private database, else of the folder it will be in, else one of two that most systems
/// have.
fn account(data: &Path) -> Result<Account, PrivateError> {
    let owners = [data.join("private"), data.to_owned()].into_iter().filter_map(|path| fs::symlink_metadata(path).ok());
    if let Some(owner) = owners.into_iter().find(|found| found.uid() != 0) {
        let user = User::from_uid(Uid::from_raw(owner.uid())).ok().flatten();
        let name = user.as_ref().map_or_else(|| format!("user {}", owner.uid()), |user| user.name.clone());
        let gid = user.map_or(Gid::from_raw(owner.gid()), |user| user.gid).as_raw();
        return Ok(Account { uid: owner.uid(), gid, name });
    }
    let user = ACCOUNTS.iter().find_map(|name| User::from_name(name).ok().flatten());
    let user = user.ok_or(PrivateError::NoAccount)?;
    Ok(Account { uid: user.uid.as_raw(), gid: user.gid.as_raw(), name: user.name })
}

fn user_name(uid: u32) -> String {
    User::from_uid(Uid::from_raw(uid)).ok().flatten().map_or_else(|| format!("user {uid}"), |user| user.name)
}

pub(super) fn io_error(action: &'static str, path: &Path, source: io::Error) -> PrivateError {
    PrivateError::Io { action, path: path.to_owned(), source }
}
