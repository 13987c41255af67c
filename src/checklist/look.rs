//! What one probe saw, and what all probes know.

use std::net::IpAddr;
use std::sync::OnceLock;

use jiff::Timestamp;

use super::list::{Missing, Moment};
use super::machine::Metadata;
use super::outcome::Fault;
use super::probe::objects::Objects;
use super::tree::Tree;

/// What a probe saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Right(Vec<String>),
    ToDo(Vec<Fault>),
    /// It could not see: why.
    Blind(String),
    /// There is nothing to see: why.
    Nothing(String),
}

impl Look {
    pub(super) fn right(seen: impl Into<String>) -> Self {
        Self::Right(vec![seen.into()])
    }

    pub(super) fn todo(what: impl AsRef<str>) -> Self {
        Self::ToDo(vec![Fault::new(what)])
    }

    /// What it means that something is not there.
    pub(super) fn missing(means: Missing, what: String) -> Self {
        match means {
            Missing::Right => Self::right(what),
            Missing::ToDo => Self::todo(what),
            Missing::NotNeeded => Self::Nothing(what),
            Missing::NotChecked => Self::Blind(what),
        }
    }

    /// What was seen of several things that have to be right together.
    pub(super) fn all(faults: Vec<Fault>, unseen: Vec<String>, seen: Vec<String>) -> Self {
        match (faults.is_empty(), unseen.is_empty()) {
            (false, _) => Self::ToDo(faults.into_iter().chain(unseen.iter().map(Fault::new)).collect()),
            (true, false) => Self::Blind(unseen.join("; ")),
            (true, true) => Self::Right(seen),
        }
    }
}

/// What the probes know of the machine and the restore.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) tree: Tree,
    /// The addresses that the machine has; why they are not known.
    pub(super) addresses: Result<Vec<IpAddr>, String>,
    /// Its public address is among them, or it has none.
    pub(super) knows_public: bool,
    /// What the metadata service says; why it is not known.
    pub(super) metadata: Result<Metadata, String>,
    /// The machine's name.
    pub(super) machine: Option<String>,
    /// The host name by which people reach the CI.
    pub(super) host: Option<String>,
    pub(super) backup: Option<Timestamp>,
    pub(super) restored: Option<Timestamp>,
    pub(super) now: Timestamp,
    /// The host name that an item has found in the configuration.
    pub(super) found_host: OnceLock<String>,
    /// What `kubectl get -o json` said, in files that the operator named.
    pub(super) saved: Objects,
}

impl Context {
    /// The first of these times that is known, and what it is.
    pub(super) fn moment(&self, moments: &[Moment]) -> Result<(Timestamp, String), String> {
        let known = moments.iter().find_map(|moment| match moment {
            Moment::Backup => Some((self.backup?, "T".to_owned())),
            Moment::Restored => Some((self.restored?, "R".to_owned())),
            Moment::Launched => Some((self.metadata.as_ref().ok()?.launched?, "the launch".to_owned())),
            Moment::At(time) => Some((*time, "it".to_owned())),
        });
        known.map(|(time, name)| (time, format!("{name}, {time}"))).ok_or_else(|| {
            let missing = moments.iter().map(|moment| match moment {
                Moment::Backup => "T is not known: --backup-time says it".to_owned(),
                Moment::Restored => "R is not known: --restored-at says it".to_owned(),
                Moment::Launched => match &self.metadata {
                    Err(why) => format!("the launch is not known: {why}"),
                    Ok(_) => "the metadata service does not say when the instance was launched".to_owned(),
                },
                Moment::At(_) => String::new(),
            });
            missing.collect::<Vec<_>>().join("; ")
        })
    }

    /// The host name by which people reach the CI: what the operator says, else what is configured.
    pub(super) fn configured_host(&self) -> Result<&str, String> {
        let host = self.host.as_ref().or_else(|| self.found_host.get());
        host.map(String::as_str).ok_or_else(|| "the CI's host name is not known: --host says it".to_owned())
    }
}
