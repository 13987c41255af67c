//! What each reader of a saved listing gives its entries to.

use std::io;

use super::super::entry::Entry;
use super::super::error::ObjectsError;

/// Takes each entry as it is read; whoever reads stops at an error.
pub(super) type Take<'t> = &'t mut dyn FnMut(Entry) -> Result<(), Stop>;

/// Why reading ends.
#[derive(Debug)]
pub(super) enum Stop {
    /// What is wrong with the file, in words.
    Fault(String),
    Read(io::Error),
    Sort(ObjectsError),
    NotWanted,
}
