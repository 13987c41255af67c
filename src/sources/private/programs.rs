//! The programs of PostgreSQL on this machine, and how they are started: by whom, with what environment, and ended with this process.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use std::os::unix::process::CommandExt;

use super::place::Account;

/// The versions that are used.
const MAJORS: std::ops::RangeInclusive<u32> = 12..=18;
/// Where Debian and Ubuntu keep the programs, a folder `VERSION/bin` each.
const OF_DEBIAN: &str = "/usr/lib/postgresql";
/// What of this process's environment a program of PostgreSQL may need. The rest may hold passwords and tokens.
const KEPT: [&str; 3] = ["PATH", "LD_LIBRARY_PATH", "TZ"];
/// Runs a program in the folder of the private database. What it says goes to the file `log` there, which the account itself makes.
const SCRIPT: &str = r#"umask 077; exec >log 2>&1; mkdir -p socket; exec "$0" "$@""#;

/// A folder with PostgreSQL's programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Programs {
    folder: PathBuf,
    pub(super) major: u32,
}

/// All that were found.
pub(super) struct Found {
    /// Those that are used, the newest first.
    pub(super) usable: Vec<Programs>,
    /// Those of other versions.
    pub(super) others: Vec<Programs>,
}

impl Programs {
    /// Finds the programs: where HALFBUILT_POSTGRES_BIN says, else in the search path, in Debian's folders, and where pg_config says.
    pub(super) fn find() -> Found {
        let mut seen = BTreeSet::new();
        let mut all: Vec<Self> = folders()
            .into_iter()
            .filter(|folder| folder.join("initdb").is_file())
            // Programs are often linked from elsewhere.
            .filter_map(|folder| folder.join("postgres").canonicalize().ok()?.parent().map(Path::to_owned))
            .filter(|folder| seen.insert(folder.clone()))
            .filter_map(|folder| Some(Self { major: major(&folder)?, folder }))
            .collect();
        all.sort_by_key(|programs| std::cmp::Reverse(programs.major));
        let (usable, others) = all.into_iter().partition(|programs| MAJORS.contains(&programs.major));
        Found { usable, others }
    }

    /// A program of them, to be run in the folder of the private database.
    pub(super) fn command(&self, program: &str, folder: &Path, account: Option<&Account>) -> Command {
        // If this process is killed, the system interrupts the program (prctl(2), PR_SET_PDEATHSIG), so that no server stays for ever.
        let mut command = match dies_with_this_process() {
            true => {
                let mut command = Command::new("setpriv");
                command.args(["--pdeathsig", "INT", "--", "/bin/sh"]);
                command
            }
            false => Command::new("/bin/sh"),
        };
        command.args(["-c", SCRIPT]).arg(self.folder.join(program)).current_dir(folder);
        restrict(&mut command, account);
        // Ctrl-C at a terminal goes to a whole group of processes. The server ends when this process has finished with it.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }
}

impl Found {
    /// Where those of other versions are, and which versions.
    pub(super) fn listed_others(self) -> Vec<(PathBuf, u32)> {
        self.others.into_iter().map(|programs| (programs.folder, programs.major)).collect()
    }
}

/// Lets a program run as the account, without the secrets of this process's environment.
fn restrict(command: &mut Command, account: Option<&Account>) {
    command.env_clear().envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?)))).env("LC_ALL", "C");
    if let Some(account) = account {
        // The standard library then also drops root's groups.
        command.uid(account.uid).gid(account.gid);
    }
}

fn folders() -> Vec<PathBuf> {
    if let Some(own) = std::env::var_os("HALFBUILT_POSTGRES_BIN").filter(|own| !own.is_empty()) {
        return std::path::absolute(own).into_iter().collect();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    let of_debian = fs::read_dir(OF_DEBIAN).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    folders.extend(of_debian.map(|version| version.join("bin")));
    folders.extend(output("pg_config".as_ref(), "--bindir").map(PathBuf::from));
    folders
}

/// The major version of a server program; `None` if it is none.
fn major(folder: &Path) -> Option<u32> {
    // postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)
    let version = output(folder.join("postgres").as_os_str(), "--version")?;
    let number = version.strip_prefix("postgres (PostgreSQL) ")?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// What a program prints, in one line.
fn output(program: &OsStr, argument: &str) -> Option<String> {
    let mut command = Command::new(program);
    restrict(&mut command, None);
    let done = command.arg(argument).current_dir("/").stdin(Stdio::null()).output().ok()?;
    let line = String::from_utf8(done.stdout).ok().filter(|_| done.status.success())?;
    Some(line.trim().to_owned())
}

/// Whether there is a `setpriv` that can do it: that of util-linux, not that of BusyBox.
fn dies_with_this_process() -> bool {
    output("setpriv".as_ref(), "--help").is_some_and(|help| help.contains("--pdeathsig"))
}
