//! The program behind a console: starts it, types into it, reads its output, and ends it with all its children.
//!
//! It gets a Unix session and a controlling terminal of its own. So our Ctrl-C does not reach it in the middle of a deletion, it
//! cannot ask for a password on the operator's terminal, and if we are killed, its terminal hangs up and ends it. Its standard
//! streams are pipes, or that terminal with `--console-pty`.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;
use pty_process::{Command, Size};
use tokio::process::Child;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::streams::{ProgramOutput, Streams, sink, source};
use super::tail::OutputTail;
use crate::admin::freshness::Freshness;

/// Wide enough that none of our lines is broken.
const COLUMNS: u16 = 4000;

/// How long a program may take to obey a signal, or to close its streams once it has ended.
const SIGNAL_TIMEOUT: Duration = Duration::from_millis(500);

/// What ends the input of a terminal (Ctrl-D).
const END_OF_INPUT: u8 = 4;

/// A running program. It is killed when dropped.
pub(super) struct Process {
    child: Child,
    /// The program's process ID, which is its session's and its process group's too.
    group: Pid,
    streams: Streams,
    /// Its controlling terminal: its settings show a password prompt.
    terminal: OwnedFd,
    /// With pipes: keeps the terminal from hanging up while nobody has it open.
    _held: Option<OwnedFd>,
    on_terminal: bool,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Process({})", self.group)
    }
}

impl Process {
    /// Starts `sh -c COMMAND`. Its environment holds none of our secrets. `TERM` is `dumb`, so that most programs do not draw.
    ///
    /// # Errors
    /// The system gives no terminal, or has no shell.
    pub(super) fn start(command: &str, on_terminal: bool) -> io::Result<Self> {
        // nohup ignores SIGHUP, and programs inherit that: then nothing would end the children of a console that has ended. A signal
        // that we listen to is not ignored in what we start.
        drop(signal(SignalKind::hangup())?);
        let (pty, slave) = pty_process::open().map_err(io::Error::other)?;
        pty.resize(Size::new(50, COLUMNS)).map_err(io::Error::other)?;
        let terminal = pty.as_fd().try_clone_to_owned()?;
        let held = if on_terminal { None } else { Some(slave.as_fd().try_clone_to_owned()?) };
        let mut shell = Command::new("/bin/sh").arg("-c").arg(command).env("TERM", "dumb").kill_on_drop(true);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_private_variable(&name.to_string_lossy())) {
            shell = shell.env_remove(name);
        }
        if !on_terminal {
            shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        let mut child = shell.spawn(slave).map_err(io::Error::other)?;
        let number = child.id().and_then(|id| i32::try_from(id).ok());
        let group = Pid::from_raw(number.ok_or_else(|| io::Error::other("the shell ended at once"))?);
        let (from_terminal, to_terminal) = pty.into_split();
        let streams = if on_terminal {
            Streams { input: sink(Some(to_terminal)), output: source(Some(from_terminal)), ..Streams::default() }
        } else {
            Streams {
                input: sink(child.stdin.take()),
                output: source(child.stdout.take()),
                errors: source(child.stderr.take()),
                terminal: source(Some(from_terminal)),
                ..Streams::default()
            }
        };
        Ok(Self { child, group, streams, terminal, _held: held, on_terminal })
    }

    pub(super) fn is_on_terminal(&self) -> bool {
        self.on_terminal
    }

    /// Types a line. It is written while [`Process::read_output`] runs.
    pub(super) fn type_line(&mut self, line: &str) {
        self.streams.outgoing.extend_from_slice(line.as_bytes());
        self.streams.outgoing.push(b'\n');
    }

    /// Types a line if `fresh` has not expired when its first byte is written. The rest is written while [`Process::read_output`] runs.
    /// Returns false if nothing is typed.
    pub(super) async fn type_while_fresh(&mut self, line: &str, fresh: &Freshness) -> bool {
        self.streams.send_while_fresh(&[line.as_bytes(), b"\n"].concat(), fresh).await
    }

    /// Whether everything that was typed is written.
    pub(super) fn has_typed(&self) -> bool {
        self.streams.outgoing.is_empty()
    }

    /// Whether something asks for a password: the terminal takes whole lines and does not echo them (termios(3)). A line editor
    /// switches off both.
    pub(super) fn asks_for_password(&self) -> bool {
        tcgetattr(&self.terminal).is_ok_and(|terminal| {
            let flags = terminal.local_flags;
            flags.contains(LocalFlags::ICANON) && !flags.contains(LocalFlags::ECHO)
        })
    }

    /// Waits for the next piece of output. It is cancel-safe.
    pub(super) async fn read_output(&mut self) -> ProgramOutput {
        self.streams.read_output().await
    }

    /// How the program ended, once its output has: None if it still runs. The rest of its output goes to the tail.
    pub(super) async fn exit_status(&mut self, tail: &mut OutputTail) -> Option<ExitStatus> {
        let rest = async {
            while let Some(piece) = self.streams.rest_of_stderr().await {
                tail.feed(&piece);
            }
        };
        // One of its children may keep the other end open for ever.
        let (status, _) = tokio::join!(timeout(SIGNAL_TIMEOUT, self.child.wait()), timeout(SIGNAL_TIMEOUT, rest));
        status.ok().and_then(Result::ok)
    }

    /// Ends the program and its children, and returns when they have ended. It closes the input, gives the program `grace` to end by
    /// itself, unless `hurry` is cancelled, and then takes at most two seconds.
    pub(super) async fn end(mut self, grace: Duration, hurry: &CancellationToken) {
        match self.on_terminal {
            true => self.streams.outgoing = vec![END_OF_INPUT],
            false => self.streams.input = None,
        }
        tokio::select! {
            () = self.ended() => {}
            () = sleep(grace) => {}
            () = hurry.cancelled() => {}
        }
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            // The system does not reuse the ID while one of the group is left, and hardly at once afterwards.
            if killpg(self.group, signal).is_err() {
                return;
            }
            let _ = timeout(SIGNAL_TIMEOUT, self.all_ended()).await;
        }
    }

    /// Waits until the program has ended. It keeps reading, because a program whose output nobody reads may never end.
    async fn ended(&mut self) {
        loop {
            tokio::select! {
                _ = self.child.wait() => return,
                _ = self.streams.read_output() => {}
            }
        }
    }

    /// Waits until the program and its children have ended.
    async fn all_ended(&mut self) {
        self.ended().await;
        while killpg(self.group, None).is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // This fails if all have ended. The runtime reaps the program.
        let _ = killpg(self.group, Signal::SIGKILL);
    }
}

/// Whether an environment variable is for us only, and no program that we start: our own, and the password of our database.
pub fn is_private_variable(name: &str) -> bool {
    name.starts_with("HALFBUILT_") || name == "PGPASSWORD"
}
