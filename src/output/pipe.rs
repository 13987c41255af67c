//! An output that is no ordinary file: a pipe, a terminal, another device. Whoever reads it is waited for, but not without end.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::file_access::open_at_once;

/// How long a reader may take to open a pipe.
const OPENED: Duration = Duration::from_secs(5);
/// How often it is looked whether one has.
const LOOK: Duration = Duration::from_millis(20);
/// How long a reader may take nothing, in seconds.
const PATIENCE: u16 = 60;

/// An open output of that kind.
pub(super) struct Pipe(File);

impl Pipe {
    /// Opens it.
    ///
    /// # Errors
    /// It cannot be written, or nobody reads it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let began = Instant::now();
        loop {
            match open_at_once(OpenOptions::new().write(true), path) {
                Ok(file) => return Ok(Self(file)),
                // Source: open(2), ENXIO: a pipe that nobody has open for reading.
                Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => match began.elapsed() < OPENED {
                    true => sleep(LOOK),
                    false => return Err(io::Error::other("nobody reads it")),
                },
                Err(error) => return Err(error),
            }
        }
    }

    fn wait(&self) -> io::Result<()> {
        let mut descriptors = [PollFd::new(self.0.as_fd(), PollFlags::POLLOUT)];
        match poll(&mut descriptors, PollTimeout::from(PATIENCE * 1000)) {
            Ok(0) => Err(io::Error::other(format!("its reader took nothing for {PATIENCE} s"))),
            Ok(_) => Ok(()),
            // Not as the kind of that name, after which a writer goes on.
            Err(Errno::EINTR) => Err(io::Error::other("interrupted while it was written")),
            Err(error) => Err(error.into()),
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait()?,
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
