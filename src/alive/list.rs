//! A file that lists what is alive: which kind it is, by what is in it, and whom it names.

use std::fmt;

use crate::text::Foreign;

use super::error::AliveError;
use super::names::{AliveNames, BuildName};
use super::{kubernetes, nomad, plain};

/// How a file in UTF-16 begins, in either order of the bytes.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliveKind {
    /// What `nomad status` shows.
    Nomad,
    /// Nomad's jobs as JSON.
    NomadJson,
    /// Pods as JSON.
    Pods,
    /// A build a line.
    Plain,
}

impl AliveKind {
    /// Its words in a message, and beside a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nomad => "jobs of nomad status",
            Self::NomadJson => "jobs of Nomad as JSON",
            Self::Pods => "pods of Kubernetes",
            Self::Plain => "a list of builds",
        }
    }
}

impl fmt::Display for AliveKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a file says is alive.
#[derive(Clone, Debug)]
pub struct AliveList {
    /// The name of the file, as messages show it.
    pub file: Foreign,
    /// What it is.
    pub kind: AliveKind,
    /// How many jobs, pods or builds it lists that live.
    pub alive: u64,
    /// How many it lists that are over, which do not count.
    pub over: u64,
    /// The names of those that live.
    pub names: AliveNames,
}

impl AliveList {
    /// What these bytes of a file say.
    ///
    /// # Errors
    /// It is no list, or one that names nobody and does not say so itself.
    pub fn of(file: &str, bytes: &[u8]) -> Result<Self, AliveError> {
        if UTF_16.iter().any(|mark| bytes.starts_with(mark)) {
            return Err(AliveError::Utf16);
        }
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|_| AliveError::NotUtf8)?;
        if text.contains('\0') {
            return Err(AliveError::NotUtf8);
        }
        let text = &text.replace("\r\n", "\n").replace('\r', "\n");
        let mut names = AliveNames::default();
        let (kind, (alive, over)) = match text.trim_start().as_bytes().first() {
            None => return Err(AliveError::Empty),
            Some(b'{') => (AliveKind::Pods, kubernetes::read(text, &mut names)?),
            Some(b'[') => (AliveKind::NomadJson, nomad::read_json(text, &mut names)?),
            Some(_) if nomad::is_one(text) => (AliveKind::Nomad, nomad::read_table(text, &mut names)),
            Some(_) => (AliveKind::Plain, (plain::read(text, &mut names)?, 0)),
        };
        Ok(Self { file: Foreign::name(file), kind, alive, over, names })
    }

    /// Whether it may list this build as alive.
    pub fn may_list(&self, build: BuildName<'_>) -> bool {
        self.names.may_mean(build)
    }
}
