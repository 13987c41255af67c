//! Lists a bucket of S3, or of a server that speaks its language: GET alone.

mod page;
mod requests;
mod settings;
mod shared_config;

use std::collections::VecDeque;

use super::entry::Entry;
use super::error::ObjectsError;
use super::place::Place;
use page::Page;
use requests::Requests;
pub use settings::Settings;

#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing {
    //! What a fuzz target sees of this module.

    use super::page::Page;
    use crate::text::Foreign;

    /// How many objects a page has.
    pub(in crate::objects) fn page(bytes: &[u8]) -> Result<usize, String> {
        let page = std::str::from_utf8(bytes).map_err(|error| error.to_string()).and_then(Page::parse);
        page.map(|page| page.objects.len()).map_err(|why| Foreign::evidence(&why).into())
    }
}

/// What is stored in a bucket, page by page.
pub(super) struct BucketListing {
    place: Place,
    prefix: String,
    requests: Requests,
    waiting: VecDeque<Entry>,
    /// What asks for the next page; `None` after the last.
    next: Option<String>,
}

impl BucketListing {
    /// Asks for the first page.
    ///
    /// # Errors
    /// Settings that cannot be used, no credentials, a server that does not answer or refuses.
    pub(super) async fn open(bucket: &str, prefix: &str, settings: &Settings) -> Result<Self, ObjectsError> {
        let place = Place::Bucket { name: bucket.to_owned(), prefix: prefix.to_owned() };
        let requests = Requests::new(&place, bucket, prefix, settings)?;
        let mut listing = Self { place, prefix: prefix.to_owned(), requests, waiting: VecDeque::new(), next: None };
        listing.ask(None).await?;
        Ok(listing)
    }

    /// The next entry, or `None` after the last.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) async fn next(&mut self) -> Result<Option<Entry>, ObjectsError> {
        loop {
            if let Some(entry) = self.waiting.pop_front() {
                return Ok(Some(entry));
            }
            let Some(token) = self.next.take() else { return Ok(None) };
            self.ask(Some(&token)).await?;
        }
    }

    async fn ask(&mut self, token: Option<&str>) -> Result<(), ObjectsError> {
        let Page { objects, next } = self.requests.page(token).await?;
        // A server that gives the same page for ever is not listened to for ever.
        if next.is_some() && next.as_deref() == token {
            return Err(self.no_listing("the next page is this page"));
        }
        for object in objects {
            let Some(key) = object.key.strip_prefix(self.prefix.as_str()) else {
                return Err(self.no_listing("it has keys of another prefix"));
            };
            // What a console makes for a folder is no file.
            if key.is_empty() || key.ends_with('/') && object.size == 0 {
                continue;
            }
            self.waiting.push_back(Entry { key: key.as_bytes().to_vec(), size: object.size, written: object.written });
        }
        self.next = next;
        Ok(())
    }

    fn no_listing(&self, why: &str) -> ObjectsError {
        ObjectsError::NoListing { place: self.place.clone(), said: crate::text::Foreign::new(why) }
    }
}
