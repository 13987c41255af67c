//! The JSON of `aws ec2 describe-snapshots`.
//!
//! Source: Amazon EC2 API Reference, data type Snapshot: `startTime` is "The time stamp when the snapshot was initiated", `completionTime`
//! "The time stamp when the snapshot was completed". Amazon EBS User Guide, "Copy an Amazon EBS snapshot": a copy is a new snapshot, whose
//! volume ID "should not be used for any purpose".

use serde::Deserialize;

use crate::text::Foreign;

use super::candidate::{Candidate, Moment};
use super::json_text::{self, Items};
use super::point::{FileFault, NOT_WHOLE, Point};
use super::written_time;

/// The volume that a copied snapshot names.
const VOLUME_OF_A_COPY: &str = "vol-ffffffff";

/// The states of a snapshot that is whole; the last two are of one in the recycle bin.
const WHOLE: [&str; 3] = ["completed", "recoverable", "recovering"];

#[derive(Deserialize)]
struct Snapshots {
    #[serde(rename = "Snapshots")]
    snapshots: Items<Snapshot>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Snapshot {
    snapshot_id: Option<String>,
    volume_id: Option<String>,
    start_time: Option<String>,
    description: Option<String>,
    state: Option<String>,
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Point>, FileFault> {
    let Snapshots { snapshots } = json_text::read(bytes)?;
    if snapshots.0.is_empty() {
        return Err(FileFault::Is("holds no snapshot".to_owned()));
    }
    snapshots.0.into_iter().enumerate().map(|(place, snapshot)| point(place + 1, snapshot)).collect()
}

fn point(place: usize, snapshot: Snapshot) -> Result<Point, FileFault> {
    let Some(id) = snapshot.snapshot_id.as_ref() else {
        return Err(FileFault::Is(format!("snapshot {place} in it has no SnapshotId")));
    };
    let start = snapshot.start_time.as_deref().and_then(written_time::rfc3339);
    let start =
        start.ok_or_else(|| FileFault::Is(format!("the StartTime of its snapshot {id} is missing, or no time")))?;
    let volume = snapshot.volume_id.as_deref().unwrap_or_default();
    let source =
        format!("EBS snapshot {} of volume {}, StartTime", Foreign::name(id), Foreign::name(volume).or("(not named)"));
    let unfinished = snapshot.state.as_deref().filter(|state| !WHOLE.contains(state));
    let candidate = if snapshot.is_a_copy() {
        let trap = "this is a copy, which has the time of the copy: T is that of the original, so describe that";
        Candidate::backup(Moment::NotAfter(start), &source, trap)
    } else if let Some(state) = unfinished {
        let trap = format!("its State is {}, not {}: {NOT_WHOLE}", Foreign::name(state), WHOLE[0]);
        Candidate::backup(Moment::Guess(start), &source, &trap)
    } else {
        let trap = "a copied snapshot would have the time of its copy, and another volume of the same server that another request \
                    made has another time";
        Candidate::backup(Moment::At(start), &source, trap)
    };
    let names = std::iter::once(id.clone()).chain(snapshot.volume_id).collect();
    Ok(Point { names, candidates: vec![candidate] })
}

impl Snapshot {
    /// Whether it shows that it was made from another snapshot.
    fn is_a_copy(&self) -> bool {
        let description = self.description.as_deref().unwrap_or_default();
        let says_so = ["[Copied ", "Copied for DestinationAmi", "Copied snapshot"];
        self.volume_id.as_deref() == Some(VOLUME_OF_A_COPY)
            || says_so.iter().any(|words| description.starts_with(words))
    }
}
