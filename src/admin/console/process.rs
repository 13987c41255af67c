//! The program behind a console: started, typed into, listened to, ended with all its children.
//!
//! It gets a session and a controlling terminal of its own. So a Ctrl-C that is meant for us does not reach it in the middle of a
//! deletion; it cannot ask for a password on the operator's terminal, where the answer would be lost among ours; and if we are
//! killed, the terminal hangs up and the program with it. Its standard streams are pipes, or that terminal where it is asked for.

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

use super::streams::{Heard, Streams, sink, source};
use super::tail::Tail;
use crate::admin::freshness::Freshness;

/// So wide that no line of ours is broken.
const COLUMNS: u16 = 4000;

/// How long a program may take over a signal, or over its last words.
const OBEYS: Duration = Duration::from_millis(500);

/// What ends the input of a terminal (Ctrl-D).
const END_OF_INPUT: u8 = 4;

/// A running program. Dropped, it is killed.
pub(super) struct Process {
    child: Child,
    /// Its number, which is that of its session and of its process group, too.
    group: Pid,
    streams: Streams,
    /// Its controlling terminal, to see how it is set.
    terminal: OwnedFd,
    /// With pipes: keeps that terminal from hanging up while nobody has it open.
    _held: Option<OwnedFd>,
    on_terminal: bool,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Process({})", self.group)
    }
}

impl Process {
    /// Starts `sh -c COMMAND`. None of our secrets are in its environment. `TERM` is `dumb`, which keeps most programs from
    /// drawing.
    ///
    /// # Errors
    /// There is no terminal to be had, or no shell.
    pub(super) fn start(command: &str, on_terminal: bool) -> io::Result<Self> {
        // Under nohup this signal is ignored, and what is ignored is so in all programs that are started: then nothing would end the
        // children of a console that has ended. A signal that somebody listens to is none that is ignored.
        drop(signal(SignalKind::hangup())?);
        let (pty, slave) = pty_process::open().map_err(io::Error::other)?;
        pty.resize(Size::new(50, COLUMNS)).map_err(io::Error::other)?;
        let terminal = pty.as_fd().try_clone_to_owned()?;
        let held = if on_terminal { None } else { Some(slave.as_fd().try_clone_to_owned()?) };
        let mut shell = Command::new("/bin/sh").arg("-c").arg(command).env("TERM", "dumb").kill_on_drop(true);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours_alone(&name.to_string_lossy())) {
            shell = shell.env_remove(name);
        }
        if !on_terminal {
            shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        let mut child = shell.spawn(slave).map_err(io::Error::other)?;
        let number = child.id().and_then(|id| i32::try_from(id).ok());
        let group = Pid::from_raw(number.ok_or_else(|| io::Error::other("it ended at once"))?);
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

    /// Whether its standard streams are the terminal.
    pub(super) fn is_on_terminal(&self) -> bool {
        self.on_terminal
    }

    /// Types a line. It goes out while the program is listened to.
    pub(super) fn type_line(&mut self, line: &str) {
        self.streams.outgoing.extend_from_slice(line.as_bytes());
        self.streams.outgoing.push(b'\n');
    }

    /// Types a line, if what allows it is still fresh when the first of it is taken. What is left of it then goes out while the
    /// program is listened to. False where nothing was typed.
    pub(super) async fn type_while_fresh(&mut self, line: &str, fresh: &Freshness) -> bool {
        self.streams.send_while_fresh(&[line.as_bytes(), b"\n"].concat(), fresh).await
    }

    /// Whether all that was typed has been taken by the system.
    pub(super) fn has_typed(&self) -> bool {
        self.streams.outgoing.is_empty()
    }

    /// Whether something asks for a password: the terminal takes whole lines and does not echo them (termios(3)). Line editors
    /// switch off both.
    pub(super) fn asks_for_a_secret(&self) -> bool {
        tcgetattr(&self.terminal).is_ok_and(|terminal| {
            let flags = terminal.local_flags;
            flags.contains(LocalFlags::ICANON) && !flags.contains(LocalFlags::ECHO)
        })
    }

    /// Waits for the next piece of output. Dropping the future loses nothing.
    pub(super) async fn hear(&mut self) -> Heard {
        self.streams.hear().await
    }

    /// How the program ended, after its output has: None where it still runs. Its last words go to the tail.
    pub(super) async fn epitaph(&mut self, tail: &mut Tail) -> Option<ExitStatus> {
        let words = async {
            while let Some(piece) = self.streams.last_words().await {
                tail.feed(&piece);
            }
        };
        // A child of it may hold the other end for ever.
        let (status, _) = tokio::join!(timeout(OBEYS, self.child.wait()), timeout(OBEYS, words));
        status.ok().and_then(Result::ok)
    }

    /// Ends the program and its children, and returns when they have ended: within two seconds, after `patience`, in which it
    /// may end by itself because its input has, or after `hurry`, if that comes earlier.
    pub(super) async fn end(mut self, patience: Duration, hurry: &CancellationToken) {
        match self.on_terminal {
            true => self.streams.outgoing = vec![END_OF_INPUT],
            false => self.streams.input = None,
        }
        tokio::select! {
            () = self.ended() => {}
            () = sleep(patience) => {}
            () = hurry.cancelled() => {}
        }
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            // Its number is not given to another as long as one of the group is left, and hardly in the moment after.
            if killpg(self.group, signal).is_err() {
                return;
            }
            let _ = timeout(OBEYS, self.all_ended()).await;
        }
    }

    /// Waits until the program has ended, and listens so long, for one that is not heard cannot go on to its end.
    async fn ended(&mut self) {
        loop {
            tokio::select! {
                _ = self.child.wait() => return,
                _ = self.streams.hear() => {}
            }
        }
    }

    /// The same for its children.
    async fn all_ended(&mut self) {
        self.ended().await;
        while killpg(self.group, None).is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Where all have ended there is no such group; the runtime then takes note of the program's end.
        let _ = killpg(self.group, Signal::SIGKILL);
    }
}

/// Whether a variable of the environment is meant for us alone. The way to the database is: the console has its own.
fn is_ours_alone(name: &str) -> bool {
    name.starts_with("HALFBUILT_") || name == "PGPASSWORD"
}
