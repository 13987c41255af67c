//! A program of PostgreSQL that runs, and is ended when nobody needs it any more.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::statvfs::statvfs;
use nix::unistd::Pid;

use crate::text::Foreign;

use super::error::{PrivateError, START};
use super::place::{Place, io_error};
use super::read::{LONGEST, tail};

/// How long between two looks at what is awaited.
pub(super) const PAUSE: Duration = Duration::from_millis(10);
/// PostgreSQL's three ways to end, and how long each may take: fast, which writes all that is in memory; immediate, after which the next
/// start recovers from the log; and the system's own. Nothing that was committed is lost by any of them.
pub(super) const WAYS_TO_END: [(Signal, Duration); 3] = [
    (Signal::SIGINT, Duration::from_secs(120)),
    (Signal::SIGQUIT, Duration::from_secs(10)),
    (Signal::SIGKILL, Duration::from_secs(10)),
];
/// What a full disk is called, in the words of the system's C library.
const OF_A_FULL_DISK: [&str; 3] = ["No space left on device", "Disk quota exceeded", "File too large"];
/// With fewer bytes than this no server starts.
const LEAST_ROOM: f64 = 1e6;
/// What is in a line that says an error.
const OF_ERRORS: [&str; 5] = ["error:", "FATAL:", "PANIC:", "ERROR:", "No space left on device"];

/// A running program. When this is dropped, it is ended, and its end is awaited.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    program: &'static str,
}

impl Process {
    /// Starts a program; `input` is its standard input.
    ///
    /// # Errors
    /// It cannot be started, or the account does not get into its folder.
    pub(super) fn start(
        program: &'static str,
        command: &mut Command,
        input: &str,
        place: &Place,
    ) -> Result<Self, PrivateError> {
        if !input.is_empty() {
            command.stdin(Stdio::piped());
        }
        // What another program still writes, which is being ended, is not to be taken for this one's.
        let _ = fs::remove_file(place.log());
        let child = command.spawn().map_err(|source| {
            // It becomes the account, and then enters the folder.
            let unreachable = place.unreachable().filter(|_| source.raw_os_error() == Some(Errno::EACCES as i32));
            unreachable.unwrap_or_else(|| io_error(START, &place.folder(), source))
        })?;
        let mut process = Self { child, program };
        if let Some(mut stdin) = process.child.stdin.take() {
            // A program that has ended already says why itself.
            let _ = stdin.write_all(input.as_bytes());
        }
        Ok(process)
    }

    /// The process's number.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(super) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It failed.
    pub(super) async fn succeed(mut self, place: &Place) -> Result<(), PrivateError> {
        loop {
            match self.has_ended() {
                Some(status) if status.success() => return Ok(()),
                Some(_) => return Err(self.failed(place)),
                None => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// The error of a program that has ended.
    pub(super) fn failed(&mut self, place: &Place) -> PrivateError {
        let log = place.log();
        let mut said = String::new();
        if let Some(stderr) = self.child.stderr.take() {
            // Nothing comes here once its output goes to the log.
            let _ = stderr.take(LONGEST).read_to_string(&mut said);
        }
        if said.trim().is_empty() {
            said = tail(&log).unwrap_or_default();
        }
        program_error(self.program, &said, log)
    }
}

/// The error that a program said in its log, though it ended well.
pub(super) fn error_in_log(program: &'static str, place: &Place) -> Option<PrivateError> {
    let log = place.log();
    let said = tail(&log).unwrap_or_default();
    let has_failed = said.lines().any(|line| OF_ERRORS.iter().any(|word| line.contains(word)));
    has_failed.then(|| program_error(program, &said, log))
}

fn program_error(program: &'static str, said: &str, log: PathBuf) -> PrivateError {
    // The last words of a program find no room either.
    let room = log.parent().and_then(|folder| statvfs(folder).ok());
    let no_room =
        room.is_some_and(|room| (room.blocks_available() as f64) * (room.fragment_size() as f64) < LEAST_ROOM);
    let is_full = no_room || OF_A_FULL_DISK.iter().any(|words| said.contains(words));
    PrivateError::Program { program, said: line_with_cause(said), log, is_full }
}

impl Drop for Process {
    fn drop(&mut self) {
        for (signal, longest) in WAYS_TO_END {
            let (Ok(None), Ok(number)) = (self.child.try_wait(), i32::try_from(self.child.id())) else { return };
            let _ = kill(Pid::from_raw(number), signal);
            let until = Instant::now() + longest;
            while Instant::now() < until {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::sleep(PAUSE);
            }
        }
    }
}

/// The line that says why a program failed: the first that is an error, else the last.
fn line_with_cause(said: &str) -> String {
    let is_error = |line: &&str| OF_ERRORS.iter().any(|word| line.contains(word));
    let mut lines = said.lines().filter(|line| !line.trim().is_empty());
    let line = lines.clone().find(is_error).or_else(|| lines.next_back()).unwrap_or("it said nothing");
    // 2026-11-20 02:00:00.123 UTC [4711] FATAL:  could not ...
    let line = line.split_once("] ").map_or(line, |(_, rest)| rest);
    Foreign::evidence(line).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_says_why_is_the_first_error() {
        let said = "fixing permissions ... ok\ninitdb: error: could not create file: No space left on device\ninitdb: removing\n";
        assert_eq!(line_with_cause(said), "initdb: error: could not create file: No space left on device");
        let said = "2026-11-20 02:00:00.1 UTC [47] LOG:  starting\n2026-11-20 02:00:00.1 UTC [47] FATAL:  no\n\n";
        assert_eq!(line_with_cause(said), "FATAL:  no");
        assert_eq!(line_with_cause("one\ntwo\n\n"), "two");
        assert_eq!(line_with_cause(""), "it said nothing");
    }
}
