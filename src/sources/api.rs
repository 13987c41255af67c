//! Asks the HTTP API of a CircleCI Server (v1 and v1.1): GET, nothing else. Source of paths, headers and answers: CircleCI's API v1.1
//! reference, and its script that reads a whole Server.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use url::Url;

use crate::admin::{RetryPolicy, Secrets, parse_retry_after};
use crate::file_access;
use crate::text::Foreign;

use super::address::Address;
use super::answer::{self, Fault};
use super::body::{self, Body};
use super::error::CollectError;
use super::pace::Pace;

/// The header that carries the token (CircleCI API v1.1). A query parameter would stand in the logs of every proxy.
const TOKEN: &str = "Circle-Token";
/// Redirects within the server that are followed.
const HOPS: usize = 5;
/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(10);
/// How many times longer than a silence a whole answer may take.
const LONGEST_ANSWER: u32 = 10;
/// How often a request is sent again that may get another answer.
const AGAIN: u32 = 5;
/// The same where the server was never reached: most likely it is not there.
const AGAIN_AT_FIRST: u32 = 2;
/// The largest document, in bytes. jsonb can hold no more.
const LARGEST_DOCUMENT: usize = 255 << 20;
/// The largest page of a list, in bytes.
const LARGEST_PAGE: usize = 64 << 20;
/// The largest answer of another kind, in bytes.
const LARGEST_ANSWER: usize = 16 << 20;

/// How the server is asked.
#[derive(Debug)]
pub struct ApiOptions {
    pub token: Option<SecretString>,
    /// The most requests a second.
    pub rate: f64,
    /// How long the server may be silent while it answers.
    pub timeout: Duration,
    /// Certificates (PEM) that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether the token may go to another machine without encryption.
    pub allow_plain_http: bool,
}

/// Hears of each wait before a request is sent again.
pub type OnWait = Box<dyn Fn(Duration, &Fault)>;

/// The API of one server.
pub struct Api {
    client: Client,
    address: Address,
    /// Marked as sensitive, so that no log shows it.
    token: HeaderValue,
    secrets: Secrets,
    pace: Pace,
    retry_policy: RetryPolicy,
    /// One large body is in memory at a time.
    large: Arc<Semaphore>,
    was_reached: AtomicBool,
    clock_ahead: Mutex<Option<SignedDuration>>,
    on_wait: OnWait,
}

/// Whose token it is.
#[derive(Clone, Debug, Deserialize)]
pub struct Me {
    #[serde(default)]
    pub login: Option<String>,
    #[serde(default)]
    pub admin: Option<bool>,
}

/// How a question is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    largest: usize,
}

impl Ask {
    pub(super) const DOCUMENT: Self = Self { largest: LARGEST_DOCUMENT };
    pub(super) const PAGE: Self = Self { largest: LARGEST_PAGE };
    pub(super) const ANSWER: Self = Self { largest: LARGEST_ANSWER };
}

impl Api {
    /// Checks the options. Nothing is sent.
    ///
    /// # Errors
    /// There is no usable token, the certificates are not usable, or it is plain HTTP to another machine.
    pub fn new(address: Address, options: ApiOptions, on_wait: OnWait) -> Result<Self, CollectError> {
        if !address.is_encrypted() && !address.is_loopback() && !options.allow_plain_http {
            return Err(CollectError::PlainHttp { address: address.to_string() });
        }
        let token = options.token.filter(|token| !token.expose_secret().trim().is_empty());
        let token = token.ok_or_else(|| CollectError::TokenMissing { address: address.to_string() })?;
        let text = token.expose_secret().trim();
        if !text.chars().all(|c| matches!(c, ' '..='~')) {
            return Err(CollectError::TokenUnusable);
        }
        let mut header = HeaderValue::from_str(text).map_err(|_| CollectError::TokenUnusable)?;
        header.set_sensitive(true);
        let mut builder = ClientBuilder::new()
            .user_agent(concat!("halfbuilt/", env!("CARGO_PKG_VERSION")))
            // What is followed is decided here: a client would send the token along.
            .redirect(Policy::none())
            .connect_timeout(CONNECTING)
            .read_timeout(options.timeout)
            // A server that drips its answer holds nobody for ever.
            .timeout(options.timeout * LONGEST_ANSWER)
            .referer(false);
        if !address.is_encrypted() || address.is_loopback() {
            // A proxy is used only inside TLS, where it cannot read the token, and never for this machine.
            builder = builder.no_proxy();
        }
        for certificate in options.ca_file.as_deref().map(read_certificates).transpose()?.unwrap_or_default() {
            builder = builder.add_root_certificate(certificate);
        }
        Ok(Self {
            client: builder.build().map_err(CollectError::Client)?,
            address,
            token: header,
            secrets: Secrets::of(&token),
            pace: Pace::new(options.rate),
            retry_policy: RetryPolicy::default(),
            large: Arc::new(Semaphore::new(1)),
            was_reached: AtomicBool::new(false),
            clock_ahead: Mutex::default(),
            on_wait,
        })
    }

    /// The server that is asked.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// The server does not say so.
    pub async fn me(&self) -> Result<Me, Fault> {
        let body = self.get("/api/v1.1/me", Ask::ANSWER).await?;
        let me: Me = serde_json::from_slice(&body.bytes).map_err(|error| {
            let why = Foreign::evidence(&self.hidden(&error.to_string()));
            Fault::Unexpected(format!("what it says of the token's user cannot be read: {why}"))
        })?;
        Ok(Me { login: me.login.map(|login| self.hidden(&login)), ..me })
    }

    /// A text without the token, however the server spells it.
    pub(super) fn hidden(&self, text: &str) -> String {
        self.secrets.hide(text)
    }

    /// How far the server's clock is ahead of this machine's, by the last answer that said what time it is. Not before such an answer.
    pub fn clock_ahead(&self) -> Option<SignedDuration> {
        *self.clock_ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear_clock(&self, headers: &HeaderMap) {
        let said = text(headers, DATE).and_then(|date| DateTimeParser::new().parse_timestamp(&date).ok());
        if let Some(said) = said {
            *self.clock_ahead.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(said.duration_since(Timestamp::now()));
        }
    }

    /// The path of a build's document; `None` if the address is none of a build. The host in it is not looked at: only the named server is asked.
    pub(super) fn document_path(&self, build_url: &str) -> Option<String> {
        let url = Url::parse(build_url).ok()?;
        let prefix = self.address.join("/").ok()?;
        let path = url.path().strip_prefix(prefix.path().trim_end_matches('/')).unwrap_or(url.path());
        let parts = path.split('/').skip(1).filter(|part| !part.is_empty()).count();
        (parts == 4 && path.split('/').count() == 5).then(|| format!("/api/v1.1/project{path}"))
    }

    /// Asks for something of the API, as often as it takes.
    ///
    /// # Errors
    /// The server gives no usable answer.
    pub(super) async fn get(&self, path: &str, ask: Ask) -> Result<Body, Fault> {
        let url = self.address.join(path).map_err(|_| Fault::Unexpected("its path makes no address".to_owned()))?;
        self.patiently(|| self.once(url.clone(), ask)).await
    }

    /// Asks at another address than the API's: a bucket's. The token does not go there, unless it is the server itself.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) async fn get_object(&self, url: &Url, range: Option<&'static str>) -> Result<Response, Fault> {
        self.patiently(|| async {
            let mut request = self.client.get(url.clone());
            if self.address.has_origin_of(url) {
                request = request.header(TOKEN, self.token.clone());
            }
            if let Some(range) = range {
                request = request.header(reqwest::header::RANGE, range);
            }
            let response = request.send().await?;
            match response.status() {
                status if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
                    Err(self.judge(response).await)
                }
                _ => Ok(response),
            }
        })
        .await
    }

    /// The body of such an answer.
    pub(super) async fn body(&self, response: Response, asked_at: Timestamp, largest: usize) -> Result<Body, Fault> {
        body::read(response, asked_at, largest, &self.large).await
    }

    async fn patiently<T, Asking: Future<Output = Result<T, Fault>>>(
        &self,
        ask: impl Fn() -> Asking,
    ) -> Result<T, Fault> {
        let mut before = 0;
        loop {
            self.pace.turn().await;
            let fault = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            let most = if self.was_reached.load(Ordering::Relaxed) { AGAIN } else { AGAIN_AT_FIRST };
            if !fault.may_pass() || before >= most {
                return Err(fault);
            }
            let wait = match fault {
                Fault::Busy { said, wait: Some(wait) } if wait > self.retry_policy.longest_wait => {
                    return Err(Fault::AsksTooMuch { said, wait });
                }
                Fault::Busy { wait: Some(wait), .. } => wait,
                _ => self.retry_policy.back_off(before),
            };
            (self.on_wait)(wait, &fault);
            match fault {
                Fault::Busy { .. } => self.pace.pause(wait).await,
                _ => sleep(wait).await,
            }
            before += 1;
        }
    }

    async fn once(&self, url: Url, ask: Ask) -> Result<Body, Fault> {
        let mut url = url;
        for _ in 0..HOPS {
            let mut request = self.client.get(url.clone()).header(TOKEN, self.token.clone());
            // Without it the API answers in Clojure's own notation.
            request = request.header(ACCEPT, "application/json");
            // What a cache says is of an earlier time than the question.
            request = request.header(CACHE_CONTROL, "no-cache");
            let asked_at = Timestamp::now();
            let response = request.send().await?;
            self.was_reached.store(true, Ordering::Relaxed);
            self.hear_clock(response.headers());
            if response.status().is_redirection() {
                let to = text(response.headers(), LOCATION).and_then(|to| url.join(&to).ok());
                match to {
                    Some(to) if self.address.has_origin_of(&to) => url = to,
                    Some(to) => return Err(Fault::Redirected(Foreign::url(&self.hidden(without_query(&to))))),
                    None => return Err(self.judge(response).await),
                }
                continue;
            }
            if response.status() != StatusCode::OK || !is_json(response.headers()) {
                return Err(self.judge(response).await);
            }
            return body::read(response, asked_at, ask.largest, &self.large).await;
        }
        Err(Fault::Unexpected(format!("the server redirects more than {HOPS} times")))
    }

    /// What an answer is that is no success, or no JSON.
    async fn judge(&self, response: Response) -> Fault {
        let (status, is_json) = (response.status(), is_json(response.headers()));
        let has_route = response.headers().contains_key(body::ROUTE);
        let content_type = text(response.headers(), CONTENT_TYPE).unwrap_or_default();
        let wait = text(response.headers(), RETRY_AFTER).and_then(|at| parse_retry_after(&at, Timestamp::now()));
        let body = self.secrets.hide(&body::beginning(response).await);
        let said = answer::said(status, &body);
        match status {
            StatusCode::OK => Fault::NotJson {
                content_type: Foreign::name(&content_type).or("of no named type"),
                said: Foreign::cut(&body.split_whitespace().collect::<Vec<_>>().join(" "), 120),
            },
            StatusCode::UNAUTHORIZED => Fault::Unauthorized(said),
            StatusCode::FORBIDDEN if answer::is_limit_of_the_forge(&body) => Fault::Busy { said, wait },
            StatusCode::FORBIDDEN => Fault::Forbidden(said),
            StatusCode::NOT_FOUND => Fault::NotFound(answer::missing(&body, is_json, has_route)),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Fault::Busy { said, wait },
            status => Fault::Failed { status, said },
        }
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Api({})", self.address)
    }
}

fn text(headers: &HeaderMap, name: reqwest::header::HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn is_json(headers: &HeaderMap) -> bool {
    text(headers, CONTENT_TYPE)
        .is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("application/json"))
}

fn without_query(url: &Url) -> &str {
    &url[..url::Position::AfterPath]
}

/// Reads a PEM file of at least one certificate.
fn read_certificates(path: &Path) -> Result<Vec<Certificate>, CollectError> {
    let path = path.to_owned();
    let pem = match file_access::read(&path, file_access::CERTIFICATES) {
        Ok(pem) => pem,
        Err(source) => return Err(CollectError::CaFile { path, source }),
    };
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(CollectError::CaFileInvalid { path }),
    }
}
