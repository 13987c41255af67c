//! What the kinds of JSON have in common: how one is recognised, and how a list of any length is read.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

use super::kind::{BACKUPS_READ, EvidenceKind};
use super::point::FileFault;

/// What Kubernetes calls the kinds of objects that are read here.
const VELERO_KINDS: [&str; 11] = [
    "Backup",
    "BackupList",
    "List",
    "PodVolumeBackup",
    "PodVolumeBackupList",
    "PodVolumeRestore",
    "PodVolumeRestoreList",
    "Restore",
    "RestoreList",
    "VolumeSnapshot",
    "VolumeSnapshotList",
];
/// What Google Cloud calls the kind of a snapshot of a disk.
const GCP_SNAPSHOT: &str = "compute#snapshot";

/// How the format of every manifest begins.
const MANIFESTS: &str = "halfbuilt-manifest/";

/// A list that is not longer than a file may have it.
#[derive(Debug)]
pub(super) struct Items<T>(pub(super) Vec<T>);

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OfItems<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for OfItems<T> {
            type Value = Items<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items<T>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    if items.len() == BACKUPS_READ {
                        return Err(A::Error::custom(format!("a list is longer than {BACKUPS_READ}")));
                    }
                    items.push(item);
                }
                Ok(Items(items))
            }
        }
        from.deserialize_seq(OfItems(PhantomData))
    }
}

/// Whether a file begins as JSON does that holds several things.
pub(super) fn begins(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{") || is_list(bytes)
}

/// Whether it is a list of several things. The lines of a log may begin with a bracket too, as in `[pod/pg-0/postgres]`.
pub(super) fn is_list(bytes: &[u8]) -> bool {
    let first = bytes.trim_ascii_start().strip_prefix(b"[").map(|rest| rest.trim_ascii_start().first());
    first.is_some_and(|first| first.is_none_or(|byte| b"{[]\"".contains(byte)))
}

/// What an object has that shows of which kind it is.
#[derive(serde::Deserialize)]
struct Object {
    #[serde(rename = "Snapshots")]
    snapshots: Option<IgnoredAny>,
    #[serde(rename = "DBSnapshots")]
    database_snapshots: Option<IgnoredAny>,
    #[serde(rename = "Images")]
    images: Option<IgnoredAny>,
    kind: Option<String>,
    format: Option<String>,
}

impl Object {
    /// Every kind that it can be taken for.
    fn kinds(&self) -> Vec<EvidenceKind> {
        let is_of_velero = self.kind.as_deref().is_some_and(|kind| VELERO_KINDS.contains(&kind));
        let is_manifest = self.format.as_deref().is_some_and(|format| format.starts_with(MANIFESTS));
        let kinds = [
            (self.snapshots.is_some(), EvidenceKind::EbsSnapshots),
            (self.database_snapshots.is_some(), EvidenceKind::RdsSnapshots),
            (self.images.is_some(), EvidenceKind::Ec2Images),
            (self.kind.as_deref() == Some(GCP_SNAPSHOT), EvidenceKind::GcpSnapshots),
            (is_of_velero, EvidenceKind::Velero),
            (is_manifest, EvidenceKind::Manifest),
        ];
        kinds.into_iter().filter(|(is_one, _)| *is_one).map(|(_, kind)| kind).collect()
    }
}

/// Two kinds that one object is of at once.
pub(super) fn two_kinds(bytes: &[u8]) -> Option<[EvidenceKind; 2]> {
    let object: Object =
        Some(bytes).filter(|bytes| begins(bytes)).and_then(|bytes| serde_json::from_slice(bytes).ok())?;
    match object.kinds()[..] {
        [one, other, ..] => Some([one, other]),
        _ => None,
    }
}

/// Which kind of evidence a JSON text is.
pub(super) fn kind(bytes: &[u8]) -> Option<EvidenceKind> {
    #[derive(serde::Deserialize)]
    struct Stanza {
        #[serde(rename = "name")]
        _name: String,
        #[serde(rename = "backup")]
        _backup: IgnoredAny,
    }
    if is_list(bytes) {
        if let Ok(stanzas) = serde_json::from_slice::<Items<Stanza>>(bytes) {
            return (!stanzas.0.is_empty()).then_some(EvidenceKind::PgBackRest);
        }
        let objects: Items<Object> = serde_json::from_slice(bytes).ok()?;
        let all_are = objects.0.iter().all(|object| object.kinds() == [EvidenceKind::GcpSnapshots]);
        return all_are.then_some(EvidenceKind::GcpSnapshots);
    }
    let object: Object = serde_json::from_slice(bytes).ok()?;
    object.kinds().first().copied()
}

/// Reads a whole text.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, FileFault> {
    serde_json::from_slice(bytes).map_err(|error| FileFault::Is(format!("cannot be read: {error}")))
}
