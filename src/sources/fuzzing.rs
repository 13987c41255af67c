//! What the fuzz targets call.

use jiff::Timestamp;

use super::body::Body;
use super::document::Document;
use super::json_text::{cut_queries, for_jsonb};
use super::listing;
use super::outputs;

/// A document as it would be stored for this build, and what jsonb would be given; else the error.
///
/// # Errors
/// It is none of this build.
pub fn document(build_url: &str, bytes: &[u8]) -> Result<(String, String), String> {
    let body = Body { bytes: bytes.to_vec(), asked_at: Timestamp::UNIX_EPOCH, has_route: true, permit: None };
    let document = Document::read(build_url, body).map_err(|fault| fault.to_string())?;
    let clean = document.clean.unwrap_or_else(|| document.body.clone());
    Ok((document.body, clean))
}

/// What is kept of a page of a list of builds; else the error.
///
/// # Errors
/// It is none.
pub fn page(bytes: &[u8]) -> Result<String, String> {
    listing::kept_of_page(bytes).map_err(|fault| fault.to_string())
}

/// A text after what must not be stored is cut out of it, and after what jsonb does not take is replaced.
pub fn json_text(text: &str) -> (String, String) {
    (cut_queries(text.to_owned()), for_jsonb(text).into_owned())
}

/// How many messages an output has, and when the last was written.
pub fn output(bytes: &[u8]) -> (Option<i64>, Option<Timestamp>) {
    let (messages, times) = outputs::messages(bytes);
    (messages, times.into_iter().max())
}
