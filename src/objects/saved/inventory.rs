//! A file of an S3 Inventory in CSV: it has no header, and its columns are those that were chosen for it.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html>. Bucket and key come first; then, if all
//! versions are listed, version, is-latest and is-delete-marker; then the chosen fields in a fixed order, of which size is the first and
//! the time of the last change the second. Keys are encoded as in a URL.

use std::io::BufRead;

use csv::{ByteRecord, ReaderBuilder};
use jiff::Timestamp;

use crate::file_access::LONGEST_LINE;

use super::super::entry::Entry;
use super::take::{Stop, Take};

pub(super) fn read(input: impl BufRead, take: Take<'_>) -> Result<(), Stop> {
    let mut rows = ReaderBuilder::new().has_headers(false).flexible(false).from_reader(input);
    let mut row = ByteRecord::new();
    let mut bucket = None;
    let mut number = 0_u64;
    loop {
        match rows.read_byte_record(&mut row) {
            Ok(false) => return Ok(()),
            Ok(true) => number += 1,
            Err(error) => {
                let fault = Stop::Fault(format!("row {} is no row of an inventory: {error}", number + 1));
                return Err(match error.into_kind() {
                    csv::ErrorKind::Io(source) => Stop::Read(source),
                    _ => fault,
                });
            }
        }
        if row.as_slice().len() as u64 > LONGEST_LINE {
            return Err(Stop::Fault(format!("row {number} is too long")));
        }
        let own = row.get(0).unwrap_or_default().to_vec();
        if *bucket.get_or_insert_with(|| own.clone()) != own {
            return Err(Stop::Fault(format!("row {number} is of another bucket")));
        }
        match parse(&row) {
            Some(Some(entry)) => take(entry)?,
            Some(None) => {}
            None => {
                let what = "expected the bucket, the key, the size and the time of the last change, as an S3 Inventory in CSV has them";
                return Err(Stop::Fault(format!("row {number}: {what}")));
            }
        }
    }
}

/// The inner `None` is for what is no object now: an old version, a mark of deletion, a folder of a console.
fn parse(row: &ByteRecord) -> Option<Option<Entry>> {
    let texts: Vec<&str> = row.iter().map(std::str::from_utf8).collect::<Result<_, _>>().ok()?;
    let (key, rest) = (texts.get(1).filter(|key| !key.is_empty())?, texts.get(2..)?);
    // A size is never a word, and a version is never only digits behind which two words stand.
    let rest = match rest {
        [_, "true" | "false", "true" | "false", ..] => {
            if rest[1] == "false" || rest[2] == "true" {
                return Some(None);
            }
            rest.get(3..)?
        }
        _ => rest,
    };
    let size = rest.first()?.parse().ok()?;
    let written = match rest.get(1) {
        // A row that was cut in its last field.
        Some(time) => Some(time.parse::<Timestamp>().ok()?.as_microsecond()),
        None => None,
    };
    let key: Vec<u8> = percent_encoding::percent_decode_str(&key.replace('+', " ")).collect();
    if key.ends_with(b"/") && size == 0 {
        return Some(None);
    }
    Some(Some(Entry { key, size, written }))
}
