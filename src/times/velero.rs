//! Backups and restores of Velero, and of the volumes of pods, and snapshots of volumes, as `kubectl get -o json` gives them: one object, or a
//! list.
//!
//! Source: Velero, API types Backup (`status.startTimestamp`, `completionTimestamp`, `phase`), PodVolumeBackup (the same, and `spec.pod`,
//! `spec.volume`), Restore (`spec.backupName`; "Completion time is recorded even on failed restore") and PodVolumeRestore; "File System Backup":
//! the files of a live volume are read one after the other. Kubernetes CSI, API type VolumeSnapshot: `status.creationTime` is "the timestamp
//! when the point-in-time snapshot is taken by the underlying storage system"; `spec.source` names a claim of which it is taken, or a content
//! that exists already.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::text::Foreign;

use super::candidate::{Candidate, Moment};
use super::json_text::{self, Items};
use super::point::{FileFault, Point};
use super::written_time;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    api_version: Option<String>,
    kind: Option<String>,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct List {
    items: Option<Items<Object>>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    name: Option<String>,
    labels: Option<Labels>,
}

#[derive(Deserialize)]
struct Labels {
    /// What a restore puts on each object that it makes.
    #[serde(rename = "velero.io/restore-name")]
    restore: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
struct Spec {
    pod: Option<Pod>,
    volume: Option<String>,
    #[serde(rename = "backupName")]
    backup: Option<String>,
    source: Option<SnapshotSource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SnapshotSource {
    persistent_volume_claim_name: Option<String>,
    volume_snapshot_content_name: Option<String>,
}

#[derive(Default, Deserialize)]
struct Pod {
    name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    phase: Option<String>,
    start_timestamp: Option<String>,
    completion_timestamp: Option<String>,
    creation_time: Option<String>,
    ready_to_use: Option<bool>,
    error: Option<IgnoredAny>,
}

impl SnapshotSource {
    fn is_a_claim(&self) -> bool {
        self.persistent_volume_claim_name.is_some() && self.volume_snapshot_content_name.is_none()
    }
}

/// The kinds of objects.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Backup,
    VolumeBackup,
    Restore,
    VolumeRestore,
    Snapshot,
}

impl Kind {
    /// The kind of an item, which need not repeat what its list is of.
    fn of<'a>(kind: Option<&'a str>, spec: &Spec) -> Result<Self, &'a str> {
        match kind {
            Some("Backup") => Ok(Self::Backup),
            Some("PodVolumeBackup") => Ok(Self::VolumeBackup),
            Some("Restore") => Ok(Self::Restore),
            Some("PodVolumeRestore") => Ok(Self::VolumeRestore),
            Some("VolumeSnapshot") => Ok(Self::Snapshot),
            Some(other) => Err(other),
            None if spec.volume.is_some() => Ok(Self::VolumeBackup),
            None => Ok(Self::Backup),
        }
    }

    /// How the version of its API begins.
    fn api(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot.storage.k8s.io/",
            _ => "velero.io/",
        }
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Point>, FileFault> {
    let objects = match json_text::read::<List>(bytes)?.items {
        Some(items) => items.0,
        None => vec![json_text::read::<Object>(bytes)?],
    };
    // An item of a list need not repeat what the list is of.
    let points: Vec<Point> =
        objects.into_iter().enumerate().map(|(place, object)| point(place + 1, object)).collect::<Result<_, _>>()?;
    match points.is_empty() {
        true => Err(FileFault::Is("holds no backup and no restore".to_owned())),
        false => Ok(points),
    }
}

fn point(place: usize, object: Object) -> Result<Point, FileFault> {
    let Object { api_version, kind, metadata, spec, status } = object;
    let kind = Kind::of(kind.as_deref(), &spec);
    let api = kind.map_or(Kind::Backup.api(), Kind::api);
    if let Some(other) = api_version.filter(|version| !version.starts_with(api)) {
        let expected = api.trim_end_matches('/');
        return Err(FileFault::Is(format!("item {place} of it is of {other}, not of {expected}")));
    }
    let kind = kind.map_err(|other| FileFault::Is(format!("item {place} of it is a {other}")))?;
    let Some(name) = metadata.name else { return Err(FileFault::Is(format!("item {place} of it has no name"))) };
    let time = |text: &Option<String>, what: &str| match text.as_deref() {
        None => Ok(None),
        Some(text) => {
            let time = written_time::rfc3339(text);
            time.map(Some).ok_or_else(|| FileFault::Is(format!("{what} of {name} is no time")))
        }
    };
    let begin = time(&status.start_timestamp, "status.startTimestamp")?;
    let end = time(&status.completion_timestamp, "status.completionTimestamp")?;
    let taken = time(&status.creation_time, "status.creationTime")?;
    if let (Some(begin), Some(end)) = (begin, end)
        && end < begin
    {
        return Err(FileFault::Is(format!("{name} was complete before it began")));
    }
    let is_of_a_claim = spec.source.as_ref().is_some_and(SnapshotSource::is_a_claim);
    let is_restored = metadata.labels.is_some_and(|labels| labels.restore.is_some());
    let volume =
        spec.volume.or_else(|| spec.source.and_then(|source| source.persistent_volume_claim_name)).unwrap_or_default();
    let pod = spec.pod.and_then(|pod| pod.name).unwrap_or_default();
    let shown = Foreign::name(&name);
    let of_volume = Foreign::name(&volume).or("(not named)");
    let of_pod = Foreign::name(&pod).or("(not named)");
    let source = match kind {
        Kind::Backup => format!("Velero Backup {shown}"),
        Kind::VolumeBackup => format!("Velero PodVolumeBackup {shown} of volume {of_volume} of pod {of_pod}"),
        Kind::Restore => {
            let backup = Foreign::name(spec.backup.as_deref().unwrap_or_default()).or("(not named)");
            format!("Velero Restore {shown} of backup {backup}")
        }
        Kind::VolumeRestore => format!("Velero PodVolumeRestore {shown} of volume {of_volume} of pod {of_pod}"),
        Kind::Snapshot => format!("VolumeSnapshot {shown} of volume claim {of_volume}, creationTime"),
    };
    let phase = Foreign::name(status.phase.as_deref().unwrap_or_default()).or("(not said)");
    let quality = match (status.error, status.ready_to_use) {
        (Some(_), _) => Quality::Failed,
        (None, Some(false)) => Quality::NotReady,
        (None, _) if is_restored || !is_of_a_claim => Quality::OfOther,
        (None, _) => Quality::OfVolume,
    };
    let said = Said { begin, end, taken, phase, quality };
    let candidate = match kind {
        Kind::Backup | Kind::VolumeBackup => said.backup(kind == Kind::VolumeBackup, &source),
        Kind::Restore | Kind::VolumeRestore => said.restore(kind == Kind::VolumeRestore, &source),
        Kind::Snapshot => said.snapshot(&source),
    };
    let candidate = candidate.ok_or_else(|| {
        let what = if kind == Kind::Snapshot { "was taken" } else { "began" };
        FileFault::Is(format!("{name} does not say when it {what}"))
    })?;
    let names = std::iter::once(name).chain(Some(volume).filter(|volume| !volume.is_empty())).collect();
    Ok(Point { names, candidates: vec![candidate] })
}

/// What an object says of itself.
struct Said {
    begin: Option<Timestamp>,
    end: Option<Timestamp>,
    taken: Option<Timestamp>,
    phase: Foreign,
    quality: Quality,
}

/// What the time of a snapshot is worth.
#[derive(Clone, Copy)]
enum Quality {
    /// It was taken of a volume.
    OfVolume,
    /// It stands for a snapshot that existed already.
    OfOther,
    NotReady,
    Failed,
}

impl Said {
    fn is_complete(&self) -> bool {
        self.phase.as_str() == "Completed"
    }

    fn backup(&self, is_of_a_volume: bool, source: &str) -> Option<Candidate> {
        let unfinished = format!("its phase is {}, so it may lack a part", self.phase);
        Some(match (self.begin?, self.end) {
            (begin, Some(end)) if self.is_complete() => {
                let trap = match is_of_a_volume {
                    true => {
                        "a file-by-file copy is of no one moment: what was written meanwhile may be in it or not, and the copy of a \
                         running database may be torn"
                    }
                    false => {
                        "it covers all volumes: the PodVolumeBackup or the snapshot of the database's own volume is more exact"
                    }
                };
                Candidate::backup(Moment::Within { begin, end }, source, trap)
            }
            (_, Some(end)) => Candidate::backup(Moment::Guess(end), source, &unfinished),
            (begin, None) => {
                let trap = format!("it does not say when it was complete; {unfinished}");
                Candidate::backup(Moment::NotBefore(begin), source, &trap)
            }
        })
    }

    /// A pod starts when its volumes are there.
    fn restore(&self, is_of_a_volume: bool, source: &str) -> Option<Candidate> {
        let begin = self.begin?;
        let Some(end) = self.end else {
            let trap = format!("its phase is {}, and when it was complete is not known: R is later", self.phase);
            return Some(Candidate::restored(Moment::NotBefore(begin), source, &trap));
        };
        let ended = if self.is_complete() {
            "the database came back after that".to_owned()
        } else {
            format!("its phase is {}, so a part may be missing; the database came back after that", self.phase)
        };
        let trap = match is_of_a_volume {
            true => format!("{ended}: a pod starts when all of its volumes are there"),
            false => format!(
                "{ended}, unless its pod needed nothing of what was restored last: the server's log is more exact"
            ),
        };
        Some(Candidate::restored(Moment::NotBefore(end), source, &trap))
    }

    fn snapshot(&self, source: &str) -> Option<Candidate> {
        let taken = self.taken?;
        let (moment, trap) = match self.quality {
            Quality::Failed => (Moment::Guess(taken), "it has an error: it may never have been made whole"),
            Quality::NotReady => (
                Moment::Guess(taken),
                "its readyToUse is false: nothing can have been restored from it yet, so save it again",
            ),
            Quality::OfOther => (
                Moment::NotAfter(taken),
                "it was made of a snapshot that existed already, as a restore makes one, and its time may be that of the restore: describe the \
                 one that was taken of the volume claim",
            ),
            Quality::OfVolume => {
                (Moment::At(taken), "it is of one volume: the snapshot of each other volume has a time of its own")
            }
        };
        Some(Candidate::backup(moment, source, trap))
    }
}
