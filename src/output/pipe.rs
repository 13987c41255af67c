//! An output that is no ordinary file: a pipe, a terminal, another device. A writer waits for its reader, but not for ever.

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
const OPEN_WAIT: Duration = Duration::from_secs(5);
/// How often that is checked.
const OPEN_RETRY: Duration = Duration::from_millis(20);
/// How long a reader may read nothing, in seconds.
const READER_WAIT: u16 = 60;

pub(super) struct Pipe(File);

impl Pipe {
    ///
    /// # Errors
    /// The output cannot be written, or nobody reads it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let began = Instant::now();
        loop {
            match open_at_once(OpenOptions::new().write(true), path) {
                Ok(file) => return Ok(Self(file)),
                // Source: open(2), ENXIO: a pipe that nobody has open for reading.
                Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => match began.elapsed() < OPEN_WAIT {
                    true => sleep(OPEN_RETRY),
                    false => return Err(io::Error::other("nobody reads it")),
                },
                Err(error) => return Err(error),
            }
        }
    }

    fn wait(&self) -> io::Result<()> {
        let mut descriptors = [PollFd::new(self.0.as_fd(), PollFlags::POLLOUT)];
        match poll(&mut descriptors, PollTimeout::from(READER_WAIT * 1000)) {
            Ok(0) => Err(io::Error::other(format!("its reader read nothing for {READER_WAIT} s"))),
            Ok(_) => Ok(()),
            // Not as `ErrorKind::Interrupted`, after which a writer would continue.
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
