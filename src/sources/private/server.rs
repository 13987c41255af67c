//! The server of the private database: where its socket is, its start, and what earlier ones have left.

use std::fs;
use std::path::Path;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::error::PrivateError;
use super::place::{Place, io_error};
use super::process::{PAUSE, Process, WAYS_TO_END};
use super::programs::Programs;
use super::read::read_small;
use super::socket::{PORT, SocketFolder};

/// What the server is started with, besides its folders. The command line wins over what is in its files.
/// It listens on no network. It keeps what was committed through a power failure. It writes no log beyond what one machine needs. A
/// statement that fails is not logged: it may hold a document.
const SETTINGS: [&str; 17] = [
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "ssl=off",
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
    "wal_level=minimal",
    "max_wal_senders=0",
    "archive_mode=off",
    "jit=off",
    "logging_collector=off",
    "log_destination=stderr",
    "log_min_error_statement=panic",
    "log_line_prefix=%m [%p] ",
    "log_timezone=UTC",
    "lc_messages=C",
    "restart_after_crash=on",
];

/// The file by which a server says that it runs. Source: PostgreSQL's miscadmin.h, LOCK_FILE_LINE_*.
const PID_FILE: &str = "postmaster.pid";
/// The line of it that says whether connections are taken, counted from 0.
const STATUS_LINE: usize = 7;

/// Starts the server, and waits until it takes connections. After a crash that may take a while.
///
/// # Errors
/// It cannot be started, or ends at once.
pub(super) async fn start(place: &Place, programs: &Programs, socket: &SocketFolder) -> Result<Process, PrivateError> {
    let mut command = programs.command("postgres", &place.folder(), place.account.as_ref());
    command.arg("-D").arg(place.cluster()).args(["-p", PORT, "-k", socket.path()]);
    SETTINGS.iter().for_each(|setting| {
        command.args(["-c", setting]);
    });
    let mut process = Process::start("PostgreSQL's server", &mut command, "", place)?;
    loop {
        if process.has_ended().is_some() {
            return Err(process.failed(place));
        }
        if is_ready(&place.cluster(), process.id()) {
            return Ok(process);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn is_ready(cluster: &Path, process: u32) -> bool {
    let Ok(text) = read_small(&cluster.join(PID_FILE)) else { return false };
    let mut lines = text.lines();
    lines.next() == Some(&process.to_string())
        && lines.nth(STATUS_LINE - 1).is_some_and(|line| line.starts_with("ready"))
}

/// Ends a server that an earlier command has left, which was killed before it could end it. The file of one that is gone is for the next
/// server, unless its number belongs to another process by now: then the server would not dare to start.
///
/// # Errors
/// It does not end.
pub(super) async fn end_leftover(place: &Place) -> Result<(), PrivateError> {
    let file = place.cluster().join(PID_FILE);
    let Some(pid) = read_small(&file).ok().and_then(|text| text.lines().next()?.trim().parse().ok()) else {
        return Ok(());
    };
    if pid <= 1 {
        return Ok(());
    }
    if !is_server_of(pid, &place.cluster()) {
        if lives(pid) && Path::new("/proc/self").exists() {
            // This holds the lock, so nobody starts another one meanwhile.
            fs::remove_file(&file).map_err(|source| io_error("remove", &file, source))?;
        }
        return Ok(());
    }
    for (signal, longest) in WAYS_TO_END {
        let _ = kill(Pid::from_raw(pid), signal);
        let until = Instant::now() + longest;
        while Instant::now() < until {
            if !is_server_of(pid, &place.cluster()) {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Err(PrivateError::Leftover { pid })
}

/// Whether a process is a server over this cluster, by the command line with which it was started. Where there is no /proc, no process is.
fn is_server_of(pid: i32, cluster: &Path) -> bool {
    // A process that has ended, and waits for its parent, has an empty one.
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| is_command_of_server(&line, cluster))
}

/// A script of the program's name may start it under another one, such as `postgres.unpacked`.
fn is_command_of_server(line: &[u8], cluster: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
    let name = words.first().and_then(|program| program.rsplit(|byte| *byte == b'/').next()).unwrap_or_default();
    let is_server = name.windows(b"postgres".len()).any(|part| part == b"postgres");
    is_server && words.windows(2).any(|pair| pair[0] == b"-D" && pair[1] == cluster.as_os_str().as_bytes())
}

fn lives(pid: i32) -> bool {
    // As the server itself looks at it (CreateLockFile): another user's process cannot be one of its own.
    !matches!(kill(Pid::from_raw(pid), None), Err(Errno::ESRCH | Errno::EPERM))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_command_line() {
        let cluster = Path::new("/home/me/data");
        for program in ["/usr/lib/postgresql/15/bin/postgres", "/opt/pg/postgres.unpacked", "/nix/.postgres-wrapped"] {
            let line = format!("{program}\0-D\0/home/me/data\0-p\05432\0");
            assert!(is_command_of_server(line.as_bytes(), cluster), "{program}");
        }
        for line in [
            "",
            "/usr/bin/postgres\0-D\0/home/me/data2\0",
            "/usr/bin/vim\0-D\0/home/me/data\0",
            "/home/postgres/vim\0-D\0/home/me/data\0",
            "/usr/bin/postgres\0/home/me/data\0-D\0",
        ] {
            assert!(!is_command_of_server(line.as_bytes(), cluster), "{line:?}");
        }
    }
}
