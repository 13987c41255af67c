//! Who uses the private database, as the file of its lock says it.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek};

use jiff::Timestamp;

use crate::text::Foreign;

/// More than a holder writes.
const LONGEST: u64 = 4096;

/// The command that uses the private database.
#[derive(Debug, PartialEq, Eq)]
pub struct Holder {
    pid: u32,
    command: Foreign,
    since: Timestamp,
}

impl Holder {
    pub(super) fn this_process(command: &str) -> Self {
        Self { pid: std::process::id(), command: Foreign::name(command), since: Timestamp::now() }
    }

    /// As it is written.
    pub(super) fn to_lines(&self) -> String {
        format!("{}\n{}\n{}\n", self.pid, self.command, self.since)
    }

    /// Reads it; `None` if it has not been written yet.
    pub(super) fn read(mut file: &File) -> Option<Self> {
        let mut text = String::new();
        file.rewind().ok()?;
        file.take(LONGEST).read_to_string(&mut text).ok()?;
        let mut lines = text.lines();
        let (pid, command, since) = (lines.next()?, lines.next()?, lines.next()?);
        Some(Self { pid: pid.parse().ok()?, command: Foreign::name(command), since: since.parse().ok()? })
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`halfbuilt {}`, process {}, since {:.0}", self.command, self.pid, self.since)
    }
}
