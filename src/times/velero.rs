//! Backups of Velero, and of the volumes of pods, as `kubectl get -o json` gives them: one object, or a list.
//!
//! Source: Velero, API types Backup (`status.startTimestamp`, `completionTimestamp`, `phase`) and PodVolumeBackup (the same, and `spec.pod`,
//! `spec.volume`); "File System Backup": the files of a live volume are read one after the other.

use serde::Deserialize;

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
}

#[derive(Default, Deserialize)]
struct Spec {
    pod: Option<Pod>,
    volume: Option<String>,
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
        true => Err(FileFault::Is("holds no backup".to_owned())),
        false => Ok(points),
    }
}

fn point(place: usize, object: Object) -> Result<Point, FileFault> {
    let Object { api_version, kind, metadata, spec, status } = object;
    if let Some(other) = api_version.filter(|version| !version.starts_with("velero.io/")) {
        return Err(FileFault::Is(format!("item {place} of it is of {other}, not of velero.io")));
    }
    let is_of_a_volume = match kind.as_deref() {
        Some("PodVolumeBackup") => true,
        Some("Backup") => false,
        None => spec.volume.is_some(),
        Some(other) => return Err(FileFault::Is(format!("item {place} of it is a {other}"))),
    };
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
    let shown = Foreign::name(&name);
    let pod = spec.pod.and_then(|pod| pod.name).unwrap_or_default();
    let volume = spec.volume.unwrap_or_default();
    let source = match is_of_a_volume {
        true => format!(
            "Velero PodVolumeBackup {shown} of volume {} of pod {}",
            Foreign::name(&volume).or("(not named)"),
            Foreign::name(&pod).or("(not named)")
        ),
        false => format!("Velero Backup {shown}"),
    };
    let whole = status.phase.as_deref() == Some("Completed");
    let phase = Foreign::name(status.phase.as_deref().unwrap_or_default()).or("(not said)");
    let unfinished = format!("its phase is {phase}, so it may lack a part");
    let candidate = match (begin, end) {
        (Some(begin), Some(end)) if end < begin => {
            return Err(FileFault::Is(format!("{name} was complete before it began")));
        }
        (Some(begin), Some(end)) if whole => {
            let trap = match is_of_a_volume {
                true => {
                    "a file-by-file copy is of no one moment: what was written meanwhile may be in it or not, and the copy of a \
                         running database may be torn"
                }
                false => {
                    "it covers all volumes: the PodVolumeBackup or the snapshot of the database's own volume is more exact"
                }
            };
            Candidate::backup(Moment::Within { begin, end }, &source, trap)
        }
        (Some(_), Some(end)) => Candidate::backup(Moment::Guess(end), &source, &unfinished),
        (Some(begin), None) => Candidate::backup(
            Moment::NotBefore(begin),
            &source,
            &format!("it does not say when it was complete; {unfinished}"),
        ),
        (None, _) => return Err(FileFault::Is(format!("{name} does not say when it began"))),
    };
    let names = std::iter::once(name).chain(Some(volume).filter(|volume| !volume.is_empty())).collect();
    Ok(Point { names, candidates: vec![candidate] })
}
