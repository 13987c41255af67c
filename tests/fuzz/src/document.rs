//! Documents, lists and outputs of a CI's API.

use halfbuilt::fuzzing::{document, json_text, output, page};

const BUILD: &str = "https://ci.example.com/gh/acme/api/1";

/// What is stored is JSON if it came as JSON, has no key of a bucket, and can be jsonb. What is refused is refused in one printable line.
pub fn check(bytes: &[u8]) {
    match document(BUILD, bytes) {
        Ok((body, clean)) => {
            assert!(body.len() <= bytes.len() && clean.trim_start().starts_with('{'));
            assert_stored(&body);
            // jsonb takes neither the character 0 nor half a surrogate pair.
            assert_eq!(json_text(&clean).1, clean);
        }
        Err(error) => super::assert_printable(&error),
    }
    match page(bytes) {
        Ok(kept) => assert_eq!(json_text(&kept).1, kept),
        Err(error) => super::assert_printable(&error),
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let (cut, clean) = json_text(text);
        assert_eq!(json_text(&cut).0, cut, "what was cut is cut again");
        assert_eq!(json_text(&clean).1, clean, "what was replaced is replaced again");
    }
    let (messages, last) = output(bytes);
    assert!(messages.is_some() || last.is_none());
}

/// No address in it has a query that is a key.
fn assert_stored(body: &str) {
    for address in body.split("https://").skip(1) {
        let end = address.find(['"', '\'', '<', '>', '`', ' ', '\\', '\n', '\r', '\t']).unwrap_or(address.len());
        let query = address[..end].split_once('?').map_or("", |(_, query)| query);
        assert!(!query.contains("X-Amz-Signature="), "{address}");
    }
}
