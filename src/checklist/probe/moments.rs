//! Whether T and R fit what a cluster says of its backup and its restore.

use jiff::{SignedDuration, Timestamp};

use crate::checklist::list::Moment;
use crate::checklist::look::{Context, Look};
use crate::duration::in_words;

use super::object::{ContainerState, Object};
use super::velero::{Cluster, times};

/// A time that people write to the minute is off by so much.
const ROUNDED: SignedDuration = SignedDuration::from_mins(1);
/// R may be so long after all pods run: people wait, and change DNS records.
const USUAL: SignedDuration = SignedDuration::from_hours(1);
/// No server is kept closed for longer, so that R is wrong.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// Whether T is within the backup that was restored. Where the copy of a volume says T, it is at the end of that copy, or before.
pub(super) fn backup_time(cluster: &Cluster, context: &Context) -> Look {
    let backup = match cluster.backup() {
        Ok(backup) => backup,
        Err(why) => return Look::Blind(why),
    };
    let of = format!("Backup {}, {}", backup.full_name(), times(backup));
    let time = match context.moment(&[Moment::Backup]) {
        Ok((time, _)) => time,
        Err(why) => return Look::Blind(format!("{why}; {of}")),
    };
    let Some((began, ended)) = backup.began.zip(backup.ended) else {
        return Look::Blind(format!("nothing says whether T, {time}, is within {of}"));
    };
    match time < earlier(began) || time > later(ended, ROUNDED) {
        true => Look::todo(format!("T, {time}, is not within {of}")),
        false => Look::right(format!("T, {time}, is within {of}")),
    }
}

/// Whether R is not before the end of the newest restore, and not long after the server could run builds.
pub(super) fn restore_time(cluster: &Cluster, context: &Context) -> Look {
    let restore = match &cluster.restore {
        Ok(restore) => *restore,
        Err(why) => return Look::Blind(why.clone()),
    };
    let of = format!("Restore {}", restore.full_name());
    let time = match context.moment(&[Moment::Restored]) {
        Ok((time, _)) => time,
        Err(why) => return Look::Blind(format!("{why}; {of}: {}", times(restore))),
    };
    let Some(ended) = restore.ended else {
        return Look::Blind(format!("R is {time}, and {of} does not say when it ended"));
    };
    if time < earlier(ended) {
        return Look::todo(format!("R, {time}, is before the end of {of}, {ended}"));
    }
    // A pod that started again later says less, and nothing wrong.
    let since = pods_since(cluster).map_or(ended, |since| since.max(ended));
    let waited = in_words(time.duration_since(since));
    if time <= later(since, USUAL) {
        return Look::right(format!("R, {time}, is not before the end of {of}, {ended}"));
    }
    let what = match pods_since(cluster) {
        Some(_) => {
            format!("R, {time}, is {waited} after all pods ran, {since}: builds that ran in between would look dead")
        }
        None => format!("R, {time}, is {waited} after the end of {of}, {ended}, and no pod says since when it runs"),
    };
    match time > later(since, LONGEST) && pods_since(cluster).is_some() {
        true => Look::todo(what),
        false => Look::Blind(format!("{what}; was the server closed until then?")),
    }
}

/// Since when all pods of the databases' namespace run, as far as they say it.
fn pods_since(cluster: &Cluster) -> Option<Timestamp> {
    let namespace = *cluster.namespace.as_ref().ok()?;
    let pods = cluster.of_kind("Pod").filter(|pod: &&Object| pod.namespace == namespace);
    let began = pods.flat_map(|pod| &pod.containers).filter_map(|container| match container.state {
        ContainerState::Running(began) => began,
        _ => None,
    });
    began.max()
}

fn earlier(time: Timestamp) -> Timestamp {
    time.saturating_sub(ROUNDED).unwrap_or(Timestamp::MIN)
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}
