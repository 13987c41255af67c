//! The text of pg_waldump: the last commit before the checkpoint that ended a recovery.
//!
//! Source: PostgreSQL, `src/bin/pg_waldump/pg_waldump.c` (`XLogDumpDisplayRecord`), `src/backend/access/rmgrdesc/xactdesc.c`, `xlogdesc.c`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::candidate::{Candidate, Moment};
use super::kind::BACKUPS_READ;
use super::point::{FileFault, Point};
use super::text_lines::lines;
use super::written_time;

/// How each record begins.
const RECORD: &str = "rmgr: ";
/// How many lines are looked at to recognise one: what a shell printed may stand before the first record.
const LINES_LOOKED_AT: usize = 20;

pub(super) fn is_one(bytes: &[u8]) -> bool {
    lines(bytes).take(LINES_LOOKED_AT).any(|line| line.starts_with(RECORD) && line.contains(", desc: "))
}

pub(super) fn read(bytes: &[u8], zone: Option<&TimeZone>) -> Result<Vec<Point>, FileFault> {
    let mut last_commit: Option<Timestamp> = None;
    let mut points = Vec::new();
    for line in lines(bytes).filter(|line| line.starts_with(RECORD)) {
        let Some((head, description)) = line.split_once(", desc: ") else { continue };
        if let Some(time) = description.strip_prefix("COMMIT ") {
            let time = written_time::at_begin(time, zone)
                .map_err(|fault| FileFault::of_time(fault, "the time of a COMMIT"))?;
            last_commit = Some(last_commit.map_or(time, |before| before.max(time)));
        }
        let is_end = description.starts_with("CHECKPOINT_SHUTDOWN ") || description.starts_with("END_OF_RECOVERY ");
        if let Some(commit) = last_commit.filter(|_| is_end) {
            let place =
                head.split_once(", lsn: ").and_then(|(_, rest)| rest.split(',').next()).unwrap_or_default().trim();
            if points.len() == BACKUPS_READ {
                return Err(FileFault::Is(format!("holds more than {BACKUPS_READ} shutdown checkpoints")));
            }
            points.push(point(place, commit));
        }
    }
    match (points.is_empty(), last_commit) {
        (false, _) => Ok(points),
        (true, Some(_)) => Err(FileFault::Is(
            "no CHECKPOINT_SHUTDOWN follows a COMMIT in it: where the recovery ended is not known".to_owned(),
        )),
        (true, None) => Err(FileFault::Is("holds no COMMIT".to_owned())),
    }
}

fn point(place: &str, commit: Timestamp) -> Point {
    let place = place.chars().take(40).collect::<String>();
    let source = format!("the last COMMIT before the shutdown checkpoint at {place}");
    let trap = "a clean shutdown writes such a checkpoint too: it has to be the one with which the first start after the restore ended its \
                recovery";
    Point { names: vec![place], candidates: vec![Candidate::backup(Moment::LastCommit(commit), &source, trap)] }
}
