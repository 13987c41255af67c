//! Asks for pages of a listing, and again where a server was busy or the answer was cut.

use std::fmt::Write;
use std::time::Duration;

use object_store::aws::{AwsAuthorizer, AwsCredentialProvider};
use object_store::client::{HttpRequest, HttpRequestBody};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, StatusCode};
use tokio::time::sleep;
use url::Url;

use crate::text::Foreign;

use super::super::error::ObjectsError;
use super::super::place::Place;
use super::page::{Page, Refusal};
use super::settings::{Settings, no_credentials};

/// A page has a thousand keys of 1024 bytes, each byte written as three at most, and their other fields.
const LARGEST_PAGE: usize = 16 << 20;
/// What is escaped in a query: all but what RFC 3986 calls unreserved.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// How long to wait before a request is sent again, each time.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_millis(800), Duration::from_secs(2), Duration::from_secs(5)];

pub(super) struct Requests {
    place: Place,
    prefix: String,
    url: Url,
    region: String,
    credentials: Option<AwsCredentialProvider>,
    client: Client,
}

/// Why a page did not come.
enum NoPage {
    /// It may come if it is asked for again.
    Perhaps(ObjectsError),
    Never(ObjectsError),
}

impl Requests {
    pub(super) fn new(place: &Place, bucket: &str, prefix: &str, settings: &Settings) -> Result<Self, ObjectsError> {
        let access = settings.access(place, bucket)?;
        let client = access.client.build();
        let client = client.map_err(|source| ObjectsError::Request { place: place.clone(), source })?;
        let (url, region, credentials) = (access.url, access.region, access.credentials);
        Ok(Self { place: place.clone(), prefix: prefix.to_owned(), url, region, credentials, client })
    }

    /// The page for a token, or the first.
    ///
    /// # Errors
    /// A server that does not answer, refuses, or says something else, after several tries.
    pub(super) async fn page(&self, token: Option<&str>) -> Result<Page, ObjectsError> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let error = match self.ask(token).await {
                Ok(page) => return Ok(page),
                Err(NoPage::Never(error)) => return Err(error),
                Err(NoPage::Perhaps(error)) => error,
            };
            match pauses.next() {
                Some(pause) => sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    async fn ask(&self, token: Option<&str>) -> Result<Page, NoPage> {
        let mut url = self.url.clone();
        // A plus sign for a space, as in a form, is signed otherwise by some servers.
        let mut query = "encoding-type=url&list-type=2".to_owned();
        for (name, value) in
            [("prefix", Some(self.prefix.as_str()).filter(|prefix| !prefix.is_empty())), ("continuation-token", token)]
        {
            if let Some(value) = value {
                let _ = write!(query, "&{name}={}", utf8_percent_encode(value, IN_QUERY));
            }
        }
        url.set_query(Some(&query));
        let mut request = self.client.get(url.clone());
        if let Some(credentials) = &self.credentials {
            // Each time: those of an instance are for an hour.
            let credential = credentials.get_credential().await;
            let credential = credential.map_err(|error| NoPage::Never(no_credentials(&self.place, &error)))?;
            let mut signed = HttpRequest::new(HttpRequestBody::empty());
            *signed.uri_mut() =
                url.as_str().parse().map_err(|_| NoPage::Never(self.no_listing("its address is none")))?;
            let signature = AwsAuthorizer::new(&credential, "s3", &self.region).try_authorize(&mut signed, None);
            signature.map_err(|error| NoPage::Never(no_credentials(&self.place, &error)))?;
            request = request.headers(signed.headers().clone());
        }
        let mut answer = request.send().await.map_err(|source| NoPage::Perhaps(self.failed(source)))?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|source| NoPage::Perhaps(self.failed(source)))? {
            if body.len() + piece.len() > LARGEST_PAGE {
                return Err(NoPage::Never(self.no_listing("a page of it has more than 16 MiB")));
            }
            body.extend_from_slice(&piece);
        }
        let text = String::from_utf8(body).map_err(|_| NoPage::Never(self.no_listing("it is no UTF-8")))?;
        if status.is_success() {
            return Page::parse(&text).map_err(|why| NoPage::Never(self.no_listing(&why)));
        }
        Err(self.refused(status, &text))
    }

    fn refused(&self, status: StatusCode, text: &str) -> NoPage {
        let refusal = Refusal::parse(text).unwrap_or_default();
        let code = match refusal.code.as_str() {
            "" if status.is_redirection() => "PermanentRedirect".to_owned(),
            code => code.to_owned(),
        };
        let said = [status.as_str(), &code, &refusal.message].into_iter().filter(|word| !word.is_empty());
        let said = Foreign::evidence(&said.collect::<Vec<_>>().join(" "));
        let error = ObjectsError::Refused { place: self.place.clone(), said, code };
        match status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            true => NoPage::Perhaps(error),
            false => NoPage::Never(error),
        }
    }

    /// The address of a request is not shown: a token in it may be long, and the place is named.
    fn failed(&self, source: reqwest::Error) -> ObjectsError {
        ObjectsError::Request { place: self.place.clone(), source: source.without_url() }
    }

    fn no_listing(&self, why: &str) -> ObjectsError {
        ObjectsError::NoListing { place: self.place.clone(), said: Foreign::evidence(why) }
    }
}
