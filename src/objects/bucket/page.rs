//! One page of a bucket's listing (ListObjectsV2).
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>

use jiff::Timestamp;
use quick_xml::events::Event;
use quick_xml::{Reader, de};
use serde::Deserialize;

/// A page of a listing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) objects: Vec<Object>,
    /// What asks for the next page; `None` on the last.
    pub(super) next: Option<String>,
}

/// An object of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) key: String,
    pub(super) size: u64,
    /// In microseconds since 1970.
    pub(super) written: Option<i64>,
}

/// What a server says instead of a page.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PageXml {
    is_truncated: bool,
    #[serde(default)]
    next_continuation_token: Option<String>,
    #[serde(default)]
    encoding_type: Option<String>,
    #[serde(default)]
    contents: Vec<ObjectXml>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ObjectXml {
    key: String,
    size: u64,
    #[serde(default)]
    last_modified: Option<String>,
}

impl Page {
    /// Reads a page. Anything else, such as a login page, is none: an empty page would say that nothing is stored.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match root(text) {
            Some(name) if name == "ListBucketResult" => {}
            Some(name) => return Err(format!("it is <{name}>")),
            None => return Err("it is no XML".to_owned()),
        }
        let page: PageXml = de::from_str(text).map_err(|error| error.to_string())?;
        let next = page.next_continuation_token.filter(|token| !token.is_empty());
        let next = match (page.is_truncated, next) {
            (true, Some(token)) => Some(token),
            (true, None) => return Err("it says that it goes on, and not how".to_owned()),
            (false, _) => None,
        };
        let is_encoded = page.encoding_type.as_deref() == Some("url");
        let object = |object: ObjectXml| {
            let key = if is_encoded { decoded(&object.key)? } else { object.key };
            let written = object.last_modified.and_then(|time| time.parse::<Timestamp>().ok());
            Ok(Object { key, size: object.size, written: written.map(Timestamp::as_microsecond) })
        };
        let objects = page.contents.into_iter().map(object).collect::<Result<_, String>>()?;
        Ok(Self { objects, next })
    }
}

impl Refusal {
    /// `None` where it is no refusal of an S3 server.
    pub(super) fn parse(text: &str) -> Option<Self> {
        root(text).filter(|name| name == "Error")?;
        de::from_str(text).ok().filter(|refusal: &Self| !refusal.code.is_empty())
    }
}

/// The name of the first element, without its namespace.
fn root(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) | Event::Empty(element) => {
                return Some(String::from_utf8_lossy(element.local_name().as_ref()).into_owned());
            }
            Event::Decl(_) | Event::Comment(_) | Event::Text(_) | Event::DocType(_) | Event::PI(_) => {}
            _ => return None,
        }
    }
}

/// A key as `encoding-type=url` writes it: as in a form, with a plus sign for a space.
fn decoded(key: &str) -> Result<String, String> {
    let spaced = key.replace('+', " ");
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(&spaced).collect();
    String::from_utf8(bytes).map_err(|_| "a key is no UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rest: &str) -> Result<Page, String> {
        let begin = "<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
        Page::parse(&format!("{begin}{rest}</ListBucketResult>"))
    }

    #[test]
    fn a_page_names_its_objects_and_the_next_page() {
        let read = page(
            "<Name>b</Name><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
             <Contents><Key>a+b/%2B%25%C3%A9</Key><LastModified>2026-11-20T02:00:00.000Z</LastModified><Size>7</Size>\
             <ETag>x</ETag></Contents><NextContinuationToken>t&amp;u</NextContinuationToken>",
        );
        let written = Some(1_795_140_000_000_000);
        let object = Object { key: "a b/+%é".to_owned(), size: 7, written };
        assert_eq!(read, Ok(Page { objects: vec![object], next: Some("t&u".to_owned()) }));
    }

    #[test]
    fn what_is_no_page_is_no_empty_bucket() {
        for text in ["", "<html><body>Sign in</body></html>", "{}", "<ListBucketResult/>", "<ListBucketResult>"] {
            assert!(Page::parse(text).is_err(), "{text}");
        }
        assert!(page("<IsTruncated>true</IsTruncated>").is_err());
        assert!(page("<IsTruncated>false</IsTruncated><Contents><Key>a</Key></Contents>").is_err());
        assert_eq!(page("<IsTruncated>false</IsTruncated>"), Ok(Page { objects: vec![], next: None }));
    }

    #[test]
    fn a_refusal_has_a_code() {
        let text = "<Error><Code>SlowDown</Code><Message>Please reduce</Message><RequestId>1</RequestId></Error>";
        assert_eq!(Refusal::parse(text).map(|refusal| refusal.code), Some("SlowDown".to_owned()));
        assert_eq!(Refusal::parse("<html/>"), None);
    }
}
