//! A listing, entry by entry, whatever it comes from.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::bucket::{BucketListing, Settings};
use super::entry::Entry;
use super::error::ObjectsError;
use super::place::Place;
use super::sorter::Sorted;
use super::{folder, saved};

/// What is stored in a place, in the order of the keys' bytes.
pub struct Listing {
    place: Place,
    source: Source,
    last: Option<Vec<u8>>,
    /// How many entries have been read.
    pub entries: u64,
}

enum Source {
    Bucket(Box<BucketListing>),
    Sorted(Sorted),
}

/// Tells a thread that nobody waits for it any more.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Listing {
    /// Begins to list. A folder and a saved listing are read and sorted at once; of a bucket the first page is.
    ///
    /// # Errors
    /// The place cannot be read.
    pub async fn open(place: &Place, settings: &Settings) -> Result<Self, ObjectsError> {
        let source = match place {
            Place::Bucket { name, prefix } => {
                Source::Bucket(Box::new(BucketListing::open(name, prefix, settings).await?))
            }
            Place::Folder(_) | Place::Saved(_) => Source::Sorted(sorted(place.clone()).await?),
        };
        Ok(Self { place: place.clone(), source, last: None, entries: 0 })
    }

    /// Where this is a listing of.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The next entry, or `None` after the last.
    ///
    /// # Errors
    /// The place cannot be read to its end; it is not in the order of bytes, or names a key twice.
    pub async fn next(&mut self) -> Result<Option<Entry>, ObjectsError> {
        let next = match &mut self.source {
            Source::Bucket(bucket) => bucket.next().await?,
            Source::Sorted(sorted) => sorted.next()?,
        };
        let Some(entry) = next else { return Ok(None) };
        if let Some(last) = &self.last
            && *last >= entry.key
        {
            let is_twice = *last == entry.key;
            return Err(ObjectsError::Order { place: self.place.clone(), is_twice, key: entry.key });
        }
        self.last = Some(entry.key.clone());
        self.entries += 1;
        Ok(Some(entry))
    }
}

/// Reads and sorts in a thread of its own, which ends when this is dropped.
async fn sorted(place: Place) -> Result<Sorted, ObjectsError> {
    let wanted = Wanted(Arc::new(AtomicBool::new(true)));
    let is_wanted = Arc::clone(&wanted.0);
    let read = tokio::task::spawn_blocking(move || {
        let is_wanted = move || is_wanted.load(Ordering::Relaxed);
        match &place {
            Place::Folder(path) => folder::list(path, &is_wanted),
            Place::Saved(path) => saved::list(path, &is_wanted),
            // It is listed page by page.
            Place::Bucket { .. } => Ok(None),
        }
    });
    match read.await {
        Ok(Ok(Some(sorted))) => Ok(sorted),
        Ok(Ok(None)) => Err(ObjectsError::GivenUp),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(ObjectsError::GivenUp),
    }
}
