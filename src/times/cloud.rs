//! Snapshots of managed databases and of disks, and images of machines, as the clouds' own commands describe them in JSON.
//!
//! Source: Amazon RDS API Reference, data type DBSnapshot: `SnapshotCreateTime` "changes for the copy when the snapshot is copied",
//! `OriginalSnapshotCreateTime` "doesn't change". Amazon EC2 API Reference, data type Image. Google Cloud, `gcloud compute snapshots describe`;
//! Compute Engine API, resource Snapshot: `sourceInstantSnapshot` is "The source instant snapshot used to create this snapshot".

use serde::Deserialize;

use crate::text::Foreign;

use super::candidate::{Candidate, Moment};
use super::json_text::{self, Items};
use super::point::{FileFault, NOT_WHOLE, Point};
use super::written_time;

/// How many snapshots of an image are named.
const SNAPSHOTS_NAMED: usize = 5;

#[derive(Deserialize)]
struct DatabaseSnapshots {
    #[serde(rename = "DBSnapshots")]
    snapshots: Items<DatabaseSnapshot>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DatabaseSnapshot {
    #[serde(rename = "DBSnapshotIdentifier")]
    identifier: Option<String>,
    #[serde(rename = "DBInstanceIdentifier")]
    instance: Option<String>,
    #[serde(rename = "SourceDBSnapshotIdentifier")]
    copied_from: Option<String>,
    status: Option<String>,
    snapshot_create_time: Option<String>,
    original_snapshot_create_time: Option<String>,
}

/// Reads what `aws rds describe-db-snapshots` says.
pub(super) fn read_rds(bytes: &[u8]) -> Result<Vec<Point>, FileFault> {
    let DatabaseSnapshots { snapshots } = json_text::read(bytes)?;
    points(snapshots, "snapshot", |place, snapshot: DatabaseSnapshot| {
        let name = named(snapshot.identifier, place, "snapshot", "DBSnapshotIdentifier")?;
        let (text, field) = match &snapshot.original_snapshot_create_time {
            Some(_) => (&snapshot.original_snapshot_create_time, "OriginalSnapshotCreateTime"),
            None => (&snapshot.snapshot_create_time, "SnapshotCreateTime"),
        };
        let at = time(text.as_deref(), field, "snapshot", &name)?;
        let instance = Foreign::name(snapshot.instance.as_deref().unwrap_or_default()).or("(not named)");
        let source = format!("RDS snapshot {} of {instance}, {field}", Foreign::name(&name));
        let is_copy = snapshot.copied_from.is_some_and(|from| !from.is_empty());
        let unfinished = snapshot.status.filter(|status| status != "available");
        let (moment, trap) = match unfinished {
            Some(status) => {
                let status = Foreign::name(&status);
                (Moment::Guess(at), format!("its Status is {status}, not available: {NOT_WHOLE}"))
            }
            None if field == "SnapshotCreateTime" && is_copy => {
                let trap = "this is a copy, and the time is that of the copy: describe the original";
                (Moment::NotAfter(at), trap.to_owned())
            }
            None => {
                let trap = "it is T of this database alone: what the CI keeps elsewhere, in MongoDB or on a disk, has a T of its own";
                (Moment::At(at), trap.to_owned())
            }
        };
        Ok((vec![name], Candidate::backup(moment, &source, &trap)))
    })
}

#[derive(Deserialize)]
struct Images {
    #[serde(rename = "Images")]
    images: Items<Image>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    image_id: Option<String>,
    creation_date: Option<String>,
    #[serde(default)]
    block_device_mappings: Items<Device>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Device {
    ebs: Option<Disk>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Disk {
    snapshot_id: Option<String>,
}

/// Reads what `aws ec2 describe-images` says. It leads to the snapshots, which have T.
pub(super) fn read_images(bytes: &[u8]) -> Result<Vec<Point>, FileFault> {
    let Images { images } = json_text::read(bytes)?;
    points(images, "image", |place, image: Image| {
        let name = named(image.image_id, place, "image", "ImageId")?;
        let at = time(image.creation_date.as_deref(), "CreationDate", "image", &name)?;
        let disks = image.block_device_mappings.0.into_iter().filter_map(|device| device.ebs?.snapshot_id);
        let mut disks: Vec<String> = disks.map(|id| Foreign::name(&id).to_string()).collect();
        disks.truncate(SNAPSHOTS_NAMED);
        let snapshots = match disks.is_empty() {
            true => "its snapshots, which it does not name".to_owned(),
            false => format!("`aws ec2 describe-snapshots --snapshot-ids {}`", disks.join(" ")),
        };
        let trap = format!(
            "T is the StartTime of its snapshots: {snapshots}; a copied image has the time of its copy, and a machine that was shut down for \
             it stopped writing before"
        );
        let source = format!("EC2 image {}, CreationDate", Foreign::name(&name));
        Ok((vec![name], Candidate::backup(Moment::Guess(at), &source, &trap)))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DiskSnapshot {
    name: Option<String>,
    creation_timestamp: Option<String>,
    source_disk: Option<String>,
    source_instant_snapshot: Option<String>,
    source_instant_snapshot_id: Option<String>,
    status: Option<String>,
}

/// Reads what `gcloud compute snapshots describe` or `list` says in JSON.
pub(super) fn read_gcp(bytes: &[u8]) -> Result<Vec<Point>, FileFault> {
    let snapshots = match json_text::is_list(bytes) {
        true => json_text::read(bytes)?,
        false => Items(vec![json_text::read(bytes)?]),
    };
    points(snapshots, "snapshot", |place, snapshot: DiskSnapshot| {
        let name = named(snapshot.name, place, "snapshot", "name")?;
        let at = time(snapshot.creation_timestamp.as_deref(), "creationTimestamp", "snapshot", &name)?;
        let disk = snapshot.source_disk.unwrap_or_default();
        let disk = disk.rsplit('/').next().unwrap_or_default().to_owned();
        let source = format!(
            "Google Cloud snapshot {} of disk {}, creationTimestamp",
            Foreign::name(&name),
            Foreign::name(&disk).or("(not named)")
        );
        let is_of_an_instant = snapshot.source_instant_snapshot.or(snapshot.source_instant_snapshot_id).is_some();
        let unfinished = snapshot.status.filter(|status| status != "READY");
        let (moment, trap) = match unfinished {
            Some(status) => {
                let status = Foreign::name(&status);
                (Moment::Guess(at), format!("its status is {status}, not READY: {NOT_WHOLE}"))
            }
            None if is_of_an_instant => {
                let trap =
                    "it was made from an instant snapshot, which is older: T is the creationTimestamp of that one";
                (Moment::NotAfter(at), trap.to_owned())
            }
            None => (Moment::At(at), "another disk of the same server has a snapshot and a time of its own".to_owned()),
        };
        let names = std::iter::once(name).chain(Some(disk).filter(|disk| !disk.is_empty())).collect();
        Ok((names, Candidate::backup(moment, &source, &trap)))
    })
}

/// A point of each item of a list: its names, and what it says.
fn points<T>(
    items: Items<T>,
    unit: &str,
    mut read: impl FnMut(usize, T) -> Result<(Vec<String>, Candidate), FileFault>,
) -> Result<Vec<Point>, FileFault> {
    if items.0.is_empty() {
        return Err(FileFault::Is(format!("holds no {unit}")));
    }
    let read = |(place, item)| {
        let (names, candidate) = read(place + 1, item)?;
        Ok(Point { names, candidates: vec![candidate] })
    };
    items.0.into_iter().enumerate().map(read).collect()
}

fn named(name: Option<String>, place: usize, unit: &str, field: &str) -> Result<String, FileFault> {
    name.ok_or_else(|| FileFault::Is(format!("{unit} {place} in it has no {field}")))
}

fn time(text: Option<&str>, field: &str, unit: &str, name: &str) -> Result<jiff::Timestamp, FileFault> {
    let time = text.and_then(written_time::rfc3339);
    time.ok_or_else(|| FileFault::Is(format!("the {field} of its {unit} {name} is missing, or no time")))
}
