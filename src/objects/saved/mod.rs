//! Reads a listing that somebody saved: what it is, its content says.

mod aws_json;
mod find;
mod inventory;
mod take;

use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::file_access::Input;
use crate::text::Foreign;

use super::entry::Entry;
use super::error::ObjectsError;
use super::folder::IsWanted;
use super::place::Place;
use super::sorter::{Sorted, Sorter};
use take::{Stop, Take};

/// The first bytes of gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Reads a saved listing. `None` once nobody wants it any more.
///
/// # Errors
/// A file that cannot be read or is no listing, or one that names an object twice.
pub(super) fn list(path: &Path, is_wanted: IsWanted<'_>) -> Result<Option<Sorted>, ObjectsError> {
    let place = Place::Saved(path.to_owned());
    let unreadable = |source| ObjectsError::Saved { path: path.to_owned(), source };
    if path.is_dir() {
        let why = "it is a folder: to list what is below it, give file:// and its path";
        return Err(ObjectsError::Unknown { path: path.to_owned(), fault: Foreign::new(why) });
    }
    let input = Input::open(path).map_err(unreadable)?;
    let mut sorter = Sorter::of(&place);
    let mut take = |entry: Entry| match is_wanted() {
        true => sorter.push(entry).map_err(Stop::Sort),
        false => Err(Stop::NotWanted),
    };
    match read(BufReader::new(input), &mut take) {
        Ok(()) => sorter.done().map(Some),
        Err(Stop::NotWanted) => Ok(None),
        Err(Stop::Read(source)) => Err(unreadable(source)),
        Err(Stop::Sort(error)) => Err(error),
        Err(Stop::Fault(fault)) => {
            Err(ObjectsError::Unknown { path: path.to_owned(), fault: Foreign::evidence(&fault) })
        }
    }
}

/// Reads a listing of any form, with gzip or without.
fn read(mut input: impl BufRead, take: Take<'_>) -> Result<(), Stop> {
    if input.fill_buf().map_err(Stop::Read)?.starts_with(&GZIP) {
        return read_plain(BufReader::new(MultiGzDecoder::new(input)), take);
    }
    read_plain(input, take)
}

fn read_plain(mut input: impl BufRead, take: Take<'_>) -> Result<(), Stop> {
    let begin = input.fill_buf().map_err(Stop::Read)?;
    let first = begin.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    match first {
        None => Err(Stop::Fault("it is empty: an empty listing would say that nothing is stored".to_owned())),
        Some(b'{' | b'[') => aws_json::read(input, take),
        Some(b'"') => inventory::read(input, take),
        Some(byte) if byte.is_ascii_digit() => find::read(input, take),
        Some(_) => Err(Stop::Fault(
            "it is no listing: expected the JSON of `aws s3api list-objects-v2`, an S3 Inventory in CSV, or lines of \
             find -printf '%s %T@ %P\\n'"
                .to_owned(),
        )),
    }
}

/// All entries of a listing, for tests and fuzz targets.
///
/// # Errors
/// What is wrong with it, as a message shows it.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn read_all(bytes: &[u8]) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    let mut take = |entry| {
        entries.push(entry);
        Ok(())
    };
    match read(bytes, &mut take) {
        Ok(()) => Ok(entries),
        Err(Stop::Fault(fault)) => Err(Foreign::evidence(&fault).into()),
        Err(Stop::Read(error)) => Err(Foreign::evidence(&error.to_string()).into()),
        Err(Stop::Sort(_) | Stop::NotWanted) => Err("it was given up".to_owned()),
    }
}

#[cfg(test)]
mod saved_tests;
