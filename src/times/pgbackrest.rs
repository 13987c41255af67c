//! The JSON of `pgbackrest info --output=json`.
//!
//! Source: pgBackRest, Command Reference, "Info Command", and what its version 2.45 wrote on Debian 12 (`fixtures/times`).

use serde::Deserialize;

use crate::text::Foreign;

use super::candidate::{Candidate, Moment};
use super::json_text::{self, Items};
use super::point::{FileFault, Point};
use super::written_time;

#[derive(Deserialize)]
struct Stanza {
    name: String,
    #[serde(default)]
    backup: Items<Backup>,
}

#[derive(Deserialize)]
struct Backup {
    label: Option<String>,
    timestamp: Option<Span>,
    error: Option<bool>,
}

#[derive(Clone, Copy, Deserialize)]
struct Span {
    start: Option<i64>,
    stop: Option<i64>,
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Point>, FileFault> {
    let stanzas: Items<Stanza> = json_text::read(bytes)?;
    let backups = stanzas.0.into_iter().flat_map(|Stanza { name, backup }| {
        backup.0.into_iter().map(move |backup| point(&name, backup)).collect::<Vec<_>>()
    });
    let points: Vec<Point> = backups.collect::<Result<_, _>>()?;
    match points.is_empty() {
        true => Err(FileFault::Is("holds no backup".to_owned())),
        false => Ok(points),
    }
}

fn point(stanza: &str, backup: Backup) -> Result<Point, FileFault> {
    let Some(label) = backup.label else {
        return Err(FileFault::Is(format!("a backup of its stanza {stanza} has no label")));
    };
    if let Some(Span { start: Some(start), stop: Some(stop) }) = backup.timestamp
        && stop < start
    {
        return Err(FileFault::Is(format!("timestamp.stop of backup {label} is before its timestamp.start")));
    }
    let stop = backup.timestamp.and_then(|span| span.stop).and_then(written_time::seconds);
    let stop = stop.ok_or_else(|| FileFault::Is(format!("timestamp.stop of backup {label} is missing, or no time")))?;
    let source =
        format!("pgBackRest backup {} of stanza {}, timestamp stop", Foreign::name(&label), Foreign::name(stanza));
    let trap = match backup.error {
        Some(true) => "pgBackRest found pages with errors in it; and T is that only of a restore with --type=immediate",
        _ => {
            "that is T only of a restore with --type=immediate: any other replays the archive, and then the server's log says T \
             (\"last completed transaction\")"
        }
    };
    let names = vec![label.clone(), format!("{stanza}/{label}")];
    Ok(Point { names, candidates: vec![Candidate::backup(Moment::At(stop), &source, trap)] })
}
