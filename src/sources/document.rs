//! One document of the API, as it is stored.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;

use crate::text::Foreign;

use super::answer::Fault;
use super::body::Body;
use super::json_text::{cut_queries, for_jsonb};

/// A document, ready to be stored.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) build_url: String,
    /// When it was asked for.
    pub(super) fetched_at: Timestamp,
    /// Whether the answer named the route of the API that gave it.
    pub(super) has_route: bool,
    /// Without the queries of presigned addresses.
    pub(super) body: String,
    /// The same as jsonb can take it; `None` where that is the body itself.
    pub(super) clean: Option<String>,
    /// Held as long as a large document is in memory.
    _permit: Option<OwnedSemaphorePermit>,
}

/// What is looked at before a document is stored. All else is for a profile.
#[derive(Deserialize)]
struct Head {
    build_url: Option<String>,
}

impl Document {
    /// Checks that the body is the document of this build, and takes out what must not be stored.
    ///
    /// # Errors
    /// It is no JSON object, or is of another build.
    pub(super) fn read(build_url: &str, body: Body) -> Result<Self, Fault> {
        let Body { bytes, asked_at, has_route, permit } = body;
        let unexpected = |what: &str| Fault::Unexpected(what.to_owned());
        let text = String::from_utf8(bytes).map_err(|_| unexpected("the document is no UTF-8"))?;
        if !text.trim_start().starts_with('{') {
            return Err(unexpected("the document is no JSON object"));
        }
        let body = cut_queries(text);
        let clean = match for_jsonb(&body) {
            Cow::Borrowed(_) => None,
            Cow::Owned(clean) => Some(clean),
        };
        let head: Head = serde_json::from_str(clean.as_deref().unwrap_or(&body))
            .map_err(|error| Fault::Unexpected(format!("the document is no JSON: {error}")))?;
        match head.build_url {
            Some(own) if own == build_url => {}
            Some(own) => {
                return Err(Fault::Unexpected(format!("the document is of another build, {}", Foreign::url(&own))));
            }
            None => return Err(unexpected("the document does not name its build")),
        }
        Ok(Self { build_url: build_url.to_owned(), fetched_at: asked_at, has_route, body, clean, _permit: permit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &[u8]) -> Result<Document, Fault> {
        let body = Body { bytes: body.to_vec(), asked_at: Timestamp::UNIX_EPOCH, has_route: true, permit: None };
        Document::read("https://ci.example.com/gh/acme/api/1", body)
    }

    #[test]
    fn a_document_is_kept_as_it_is_but_for_what_must_not_be_stored() {
        let sound = br#"{ "build_url":"https://ci.example.com/gh/acme/api/1","x":"\u0000","output_url":"https://b.example/1?k=v" }"#;
        let document = read(sound).expect("a document");
        assert!(document.body.ends_with(r#""x":"\u0000","output_url":"https://b.example/1" }"#), "{}", document.body);
        assert!(document.clean.expect("a copy").contains(r#""x":"\ufffd""#));
    }

    #[test]
    fn what_is_no_document_of_the_build_is_refused() {
        for (body, fault) in [
            (b"[]".as_slice(), "the document is no JSON object"),
            (b"\"x\"", "the document is no JSON object"),
            (b"{", "the document is no JSON: EOF while parsing an object at line 1 column 1"),
            (b"{}", "the document does not name its build"),
            (b"{\"x\":\"\xff\"}", "the document is no UTF-8"),
            (
                br#"{"build_url":"https://ci.example.com/gh/acme/api/2"}"#,
                "the document is of another build, https://ci.example.com/gh/acme/api/2",
            ),
        ] {
            assert_eq!(read(body).expect_err("a fault").to_string(), fault);
        }
    }
}
