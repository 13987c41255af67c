//! `backup_label` in a base backup, and the history file (`*.backup`) that the archive gets at its end.
//!
//! Source: PostgreSQL, `src/backend/access/transam/xlogbackup.c`, `build_backup_content`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::candidate::{Candidate, Moment};
use super::point::{FileFault, Point};
use super::text_lines::lines;
use super::written_time;

/// How both begin.
const BEGIN: &[u8] = b"START WAL LOCATION: ";

pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(BEGIN)
}

pub(super) fn read(bytes: &[u8], zone: Option<&TimeZone>) -> Result<Vec<Point>, FileFault> {
    let lines: Vec<String> = lines(bytes).collect();
    // A label may have line breaks, and anything behind them: what stands before it is PostgreSQL's own.
    let label = lines.iter().position(|line| line.starts_with("LABEL: ")).unwrap_or(lines.len());
    let (before_label, since_label) = lines.split_at(label);
    let is_of_its_end = before_label.iter().any(|line| line.starts_with("STOP WAL LOCATION: "));
    let stops = if is_of_its_end { since_label } else { &[] };
    let times = (time("START TIME", before_label, zone)?, time("STOP TIME", stops, zone)?);
    if is_of_its_end && !is_whole(since_label) {
        return Err(FileFault::Is(
            "does not end with START TIMELINE, STOP TIME and STOP TIMELINE: it was cut off, or a PostgreSQL before version 11 wrote it".to_owned(),
        ));
    }
    let candidate = match times {
        (Some(start), Some(stop)) if stop < start => {
            return Err(FileFault::Is("its STOP TIME is before its START TIME".to_owned()));
        }
        (_, Some(stop)) => Candidate::backup(
            Moment::At(stop),
            "the end of a base backup, STOP TIME",
            "if the restore replayed more of the archive than the backup needs, T is later, and the server's log says it (\"last \
             completed transaction\")",
        ),
        (Some(start), None) => Candidate::backup(
            Moment::NotBefore(start),
            "the start of a base backup, START TIME",
            "T is the end of a base backup, which this file does not hold",
        ),
        (None, None) => return Err(FileFault::Is("holds neither START TIME nor STOP TIME".to_owned())),
    };
    Ok(vec![Point::nameless(vec![candidate])])
}

/// Whether a history file ends as PostgreSQL has written it since version 11. Else what looks like its end may be of the label.
fn is_whole(since_label: &[String]) -> bool {
    let mut last = since_label.iter().rev().skip_while(|line| line.is_empty()).peekable();
    // The end of an incremental backup's, since version 17.
    while last.next_if(|line| line.starts_with("INCREMENTAL FROM ")).is_some() {}
    let is_timeline = |line: Option<&String>, key: &str| {
        let number = line.and_then(|line| line.strip_prefix(key));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    is_timeline(last.next(), "STOP TIMELINE: ")
        && last.next().is_some_and(|line| line.starts_with("STOP TIME: "))
        && is_timeline(last.next(), "START TIMELINE: ")
}

/// The time of a line of this key.
fn time(key: &str, lines: &[String], zone: Option<&TimeZone>) -> Result<Option<Timestamp>, FileFault> {
    let mut values = lines.iter().filter_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            written_time::at_begin(value, zone).map(Some).map_err(|fault| FileFault::of_time(fault, key))
        }
        (Some(_), Some(_)) => Err(FileFault::Is(format!("{key} stands in it twice"))),
    }
}
