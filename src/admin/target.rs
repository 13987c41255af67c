//! What is asked to be deleted.

use crate::build_url::BuildUrl;
use crate::request_path::RequestPath;

/// A build that is to be deleted.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    pub url: &'a BuildUrl,
    /// The path by which the server deletes it; `None` where the server gets its address.
    pub path: Option<&'a RequestPath>,
}

impl<'a> Target<'a> {
    /// A build by its address.
    pub fn at(url: &'a BuildUrl) -> Self {
        Self { url, path: None }
    }
}
