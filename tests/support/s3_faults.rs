//! A proxy before the S3 server, which spoils the listings that a test chooses, and keeps on record what it was asked.

use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::s3;
use super::site::{Site, SiteAnswer};
use super::stand_in::{Heard, request};

/// What becomes of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends in the middle of the body.
    Cut,
    /// Half of the document, sent as if it were all of it.
    HalfDocument,
    /// 503, which asks for a slower pace.
    SlowDown,
    /// 400, as for a session that has ended.
    ExpiredToken,
    /// 403.
    AccessDenied,
    /// 301 without a Location: the bucket is in `eu-west-1`.
    OtherRegion,
    /// 200 and a page of HTML, as of a proxy that wants a login.
    Html,
    /// There is more, and no token to ask for it.
    NoToken,
    /// The first page that was asked for, with its token, once more.
    FirstPageAgain,
    /// The first and the last key of the page have changed places.
    OutOfOrder,
    /// No answer at all; the connection stays open.
    Silence,
}

/// A running proxy. It ends with the process.
pub struct FaultyS3 {
    site: Site,
}

impl FaultyS3 {
    /// A proxy that spoils the n-th requests for a listing, counted from 1, with each retry: `(2..=4, Fault::SlowDown)`, or
    /// `(1..=usize::MAX, Fault::AccessDenied)`. All else is passed on as it is.
    pub fn start(faults: &[(RangeInclusive<usize>, Fault)]) -> Self {
        let faults = faults.to_vec();
        let (listings, first_page) = (AtomicUsize::new(0), Mutex::new(None));
        let site = Site::start(move |asked, head| {
            if !is_listing(asked) {
                return given(pass_on(asked, head));
            }
            let number = listings.fetch_add(1, Ordering::Relaxed) + 1;
            let fault = faults.iter().find(|(range, _)| range.contains(&number)).map(|(_, fault)| *fault);
            match fault {
                Some(fault) if fault.needs_the_page() => spoil(fault, pass_on(asked, head), &first_page),
                Some(fault) => fault.answer(),
                None => {
                    let heard = pass_on(asked, head);
                    first_page.lock().expect("a lock").get_or_insert_with(|| heard.body.clone());
                    given(heard)
                }
            }
        });
        Self { site }
    }

    pub fn port(&self) -> u16 {
        self.site.port
    }

    /// Method and path, with query, of each request so far.
    pub fn requests(&self) -> Vec<String> {
        let line = |head: String| head.lines().next().unwrap_or_default().to_owned();
        let without_version =
            |line: String| line.rsplit_once(' ').map_or(line.clone(), |(request, _)| request.to_owned());
        self.site.heard().into_iter().map(line).map(without_version).collect()
    }

    /// How many listings were asked for.
    pub fn listings(&self) -> usize {
        self.requests().iter().filter(|asked| is_listing(asked)).count()
    }

    /// Whoever spoke with the bucket has asked something, and changed nothing.
    #[track_caller]
    pub fn assert_only_read(&self) {
        let requests = self.requests();
        assert!(!requests.is_empty(), "nothing was asked");
        let writes: Vec<_> =
            requests.iter().filter(|asked| !asked.starts_with("GET ") && !asked.starts_with("HEAD ")).collect();
        assert_eq!(writes, Vec::<&String>::new());
    }
}

/// `GET /BUCKET?...`, of either version; not a question about the bucket.
fn is_listing(asked: &str) -> bool {
    let Some(target) = asked.strip_prefix("GET /") else { return false };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let is_bucket = !path.is_empty() && path.find('/').is_none_or(|slash| slash + 1 == path.len());
    is_bucket && !["location", "versioning", "acl"].iter().any(|what| query.split(['&', '=']).next() == Some(what))
}

/// What the server says to a request. One that would write is passed on without its body.
fn pass_on(asked: &str, head: &str) -> Heard {
    let (method, path) = asked.split_once(' ').expect("a request");
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    let is_own = |name: &str| ["content-length", "connection"].contains(&name.to_lowercase().as_str());
    let headers: Vec<_> = headers.filter(|(name, _)| !is_own(name)).collect();
    let mut heard = request(s3::port(), method, path, &headers, "");
    if method == "HEAD" {
        // The site sends its length alone.
        heard.body = vec![0; heard.header("content-length").parse().unwrap_or(0)];
    }
    heard
}

fn given(heard: Heard) -> SiteAnswer {
    SiteAnswer::With(heard.status, headers(&heard), heard.body)
}

fn headers(heard: &Heard) -> String {
    let own = ["content-length", "connection", "transfer-encoding"];
    let others = heard.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    others.map(|(name, value)| format!("{name}: {value}\r\n")).collect()
}

impl Fault {
    fn needs_the_page(self) -> bool {
        matches!(self, Self::Cut | Self::HalfDocument | Self::NoToken | Self::FirstPageAgain | Self::OutOfOrder)
    }

    /// An answer that the server has no part in.
    fn answer(self) -> SiteAnswer {
        match self {
            Self::SlowDown => error(503, "", "SlowDown", "Please reduce your request rate.", ""),
            Self::ExpiredToken => error(400, "", "ExpiredToken", "The provided token has expired.", ""),
            Self::AccessDenied => error(403, "", "AccessDenied", "Access Denied", ""),
            Self::OtherRegion => error(
                301,
                "x-amz-bucket-region: eu-west-1\r\n",
                "PermanentRedirect",
                "The bucket you are attempting to access must be addressed using the specified endpoint.",
                "<Endpoint>s3.eu-west-1.amazonaws.com</Endpoint>",
            ),
            Self::Html => SiteAnswer::With(
                200,
                "Content-Type: text/html\r\n".to_owned(),
                b"<!doctype html>\n<html><head><title>Sign in</title></head><body><form></form></body></html>\n"
                    .to_vec(),
            ),
            Self::Silence => SiteAnswer::Silence,
            Self::Cut | Self::HalfDocument | Self::NoToken | Self::FirstPageAgain | Self::OutOfOrder => {
                panic!("{self:?} spoils a page")
            }
        }
    }
}

fn error(status: u16, headers: &str, code: &str, message: &str, more: &str) -> SiteAnswer {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{more}\
         <RequestId>4442587FB7D0A2F9</RequestId></Error>"
    );
    SiteAnswer::With(status, format!("Content-Type: application/xml\r\n{headers}"), body.into_bytes())
}

fn spoil(fault: Fault, heard: Heard, first_page: &Mutex<Option<Vec<u8>>>) -> SiteAnswer {
    assert_eq!(heard.status, 200, "{fault:?} is for a page: {}", heard.text());
    let (headers, page) = (headers(&heard), heard.text());
    let body = match fault {
        Fault::Cut => return SiteAnswer::Cut(headers, heard.body),
        Fault::HalfDocument => heard.body[..heard.body.len() / 2].to_vec(),
        Fault::NoToken => without_token(&page).into_bytes(),
        Fault::OutOfOrder => out_of_order(&page).into_bytes(),
        _ => first_page.lock().expect("a lock").clone().expect("a page was asked for before"),
    };
    SiteAnswer::With(200, headers, body)
}

fn without_token(page: &str) -> String {
    let (before, rest) = page.split_once("<NextContinuationToken>").unwrap_or((page, ""));
    let after = rest.split_once("</NextContinuationToken>").map_or(rest, |(_, after)| after);
    let whole = format!("{before}{after}").replace("<IsTruncated>false<", "<IsTruncated>true<");
    assert!(whole.contains("<IsTruncated>true<"), "a page of a listing: {page}");
    whole
}

fn out_of_order(page: &str) -> String {
    const OBJECT: (&str, &str) = ("<Contents>", "</Contents>");
    let (first, last) = (page.find(OBJECT.0).expect("an object"), page.rfind(OBJECT.0).expect("an object"));
    assert_ne!(first, last, "one key has no order: {page}");
    let end = |start: usize| start + page[start..].find(OBJECT.1).expect("its end") + OBJECT.1.len();
    let (first_end, last_end) = (end(first), end(last));
    [&page[..first], &page[last..last_end], &page[first_end..last], &page[first..first_end], &page[last_end..]].concat()
}
