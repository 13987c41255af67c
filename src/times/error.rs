//! Why a file says nothing of T.

use crate::text::{Foreign, counted};

use super::candidate::{Candidate, Moment};
use super::kind::{EvidenceKind, LogShape};

/// How many names a message lists.
const NAMES_LISTED: usize = 10;

/// A file that cannot be used as evidence, or not without more words.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[source] std::io::Error),
    /// It is no evidence that is known.
    #[error("it is none of the kinds that are known")]
    Unknown,
    /// It is in UTF-16.
    #[error("it is written in UTF-16, and only UTF-8 is read")]
    Utf16,
    /// It is a log in a shape that is not read.
    #[error("it is a log as {0}, and only the server's own text is read")]
    LogShape(LogShape),
    /// It is of two kinds at once.
    #[error("it is of two kinds at once, {0} and {1}")]
    TwoKinds(EvidenceKind, EvidenceKind),
    /// It holds several backups of one name.
    #[error("it is {kind}, and holds {} of different times that have one name, {name:?}", counted(*backups, kind.unit()))]
    SameName {
        /// What it is.
        kind: EvidenceKind,
        /// The name.
        name: Foreign,
        /// How many have it.
        backups: u64,
    },
    /// It is evidence of this kind, and has a fault.
    #[error("it is {kind}, and {fault}")]
    Fault {
        /// What it is.
        kind: EvidenceKind,
        /// What is wrong.
        fault: Foreign,
    },
    /// Its times are in a zone whose name says too little.
    #[error("it is {kind}, and its times are in zone {zone:?}, a name that several zones have")]
    Zone {
        /// What it is.
        kind: EvidenceKind,
        /// The name of the zone.
        zone: Foreign,
    },
    /// It holds several backups.
    #[error("it is {kind}, and holds {}: {}", counted(names.len() as u64, kind.unit()), listed(names))]
    Several {
        /// What it is.
        kind: EvidenceKind,
        /// A name of each.
        names: Vec<Foreign>,
        /// Whether the zone of its times is named, so that none of them can be.
        zone_is_named: bool,
    },
    /// It holds no backup of the name that was asked for.
    #[error("it is {kind}, and holds no {} {name:?}, but {}", kind.unit(), listed(names))]
    NoSuch {
        /// What it is.
        kind: EvidenceKind,
        /// What was asked for.
        name: Foreign,
        /// What is there.
        names: Vec<Foreign>,
    },
    /// It says something of T or R, but not T.
    #[error("it does not say T: {}", known(candidates))]
    NotSaid {
        /// What it says.
        candidates: Vec<Candidate>,
        /// The name of the one start in it, where naming it would say more.
        name: Option<Foreign>,
    },
}

impl EvidenceError {
    /// Whether other words on the command line help.
    pub fn is_about_the_choice(&self) -> bool {
        matches!(self, Self::Several { .. } | Self::NoSuch { .. } | Self::Zone { .. })
    }

    /// What to do next with this file.
    pub fn hint(&self, file: &str) -> Option<String> {
        match self {
            Self::Read(_) => None,
            Self::Utf16 => Some("save it in UTF-8, as `iconv -f UTF-16 -t UTF-8` writes it".to_owned()),
            Self::LogShape(_) => Some(
                "save the server's own text: what goes to its standard error, as `journalctl -o cat`, `docker logs` and `kubectl logs` show it"
                    .to_owned(),
            ),
            Self::SameName { .. } => {
                Some("the file has to hold one of them: cut it to the one that is meant".to_owned())
            }
            Self::Unknown => Some(format!(
                "a file of evidence is {}; `halfbuilt help find-times` says how each is saved",
                EvidenceKind::ALL.map(|kind| kind.to_string()).join(", or ")
            )),
            Self::Fault { .. } | Self::TwoKinds(..) => {
                Some("save it again: `halfbuilt help find-times` says how".to_owned())
            }
            Self::Zone { .. } => {
                Some(format!("name the zone after a #, as in {file}#Europe/Berlin; or have it written in UTC"))
            }
            Self::Several { kind, zone_is_named: true, .. } => {
                Some(format!("cut the file to the {} that is meant: none can be named where the zone is", kind.unit()))
            }
            Self::Several { names, .. } | Self::NoSuch { names, .. } => {
                names.first().map(|name| format!("name one after a #, as in {file}#{name}"))
            }
            Self::NotSaid { candidates, name: Some(name) } if candidates.iter().any(is_guess) => Some(format!(
                "if that is the first start after the restore, and the backup was taken while the server was down, name it: {file}#{name}"
            )),
            Self::NotSaid { candidates, .. } => Some(match candidates.iter().any(is_start_of_base_backup) {
                true => "the archive's *.backup file has its end, STOP TIME; `halfbuilt help find-times`".to_owned(),
                false => format!(
                    "`halfbuilt help find-times` says where T is found; `halfbuilt times {file}` shows all that the file says"
                ),
            }),
        }
    }
}

fn is_guess(known: &Candidate) -> bool {
    matches!(known.moment, Moment::Guess(_))
}

fn is_start_of_base_backup(known: &Candidate) -> bool {
    matches!(known.moment, Moment::NotBefore(_)) && known.source.as_str().contains("START TIME")
}

/// What is known all the same.
fn known(candidates: &[Candidate]) -> String {
    let known: Vec<String> = candidates.iter().map(ToString::to_string).collect();
    known.join("; and ")
}

fn listed(names: &[Foreign]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES_LISTED).map(Foreign::as_str).collect();
    match names.len() - shown.len() {
        0 if shown.is_empty() => "nothing".to_owned(),
        0 => shown.join(", "),
        others => format!("{} and {others} more", shown.join(", ")),
    }
}
