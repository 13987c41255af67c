//! Object storage: what is stored, held against what the records of builds promise.
//!
//! A listing comes from a bucket, a folder, or a file that somebody saved, in the order of its keys' bytes. The database gives what the
//! records promise in the same order. The two are read side by side, so memory does not grow with either.

mod bucket;
mod comparison;
mod entry;
mod error;
mod folder;
mod listing;
mod place;
mod saved;
mod sorter;
mod tally;

pub use bucket::Settings as BucketSettings;
pub use comparison::{CompareError, Compared, compare};
pub use entry::Entry;
pub use error::ObjectsError;
pub use listing::Listing;
pub use place::{ObjectsArg, Place};
pub use tally::{Absent, KindTally};

#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing {
    //! What a fuzz target sees of this module.

    use super::bucket::fuzzing::page;

    /// Reads any bytes as a saved listing and as a page of a bucket: how many objects each has, or what is wrong with it.
    pub fn listing(bytes: &[u8]) -> [Result<usize, String>; 2] {
        [super::saved::read_all(bytes).map(|entries| entries.len()), page(bytes)]
    }
}
