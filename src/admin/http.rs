//! Deletes builds through an HTTP endpoint: one POST of `{"url": …}` for each build.
//!
//! It manages its own connections, because an ordinary HTTP client reconnects and sends again by itself. A request is sent only on a
//! connection that is ready, and only while the reading of the build is fresh. Nothing is sent twice, and no redirect is followed: the
//! token goes only to the host of `--via`.

mod connections;
mod gate;
mod route;

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use openssl::x509::X509;
use secrecy::ExposeSecret;
use tokio::time::timeout;
use url::{Host, Position, Url};

use super::answer::Answer;
use super::error::AdminError;
use super::freshness::Freshness;
use super::options::Options;
use super::retry::{RetryPolicy, Streak, parse_retry_after};
use super::secrets::Secrets;
use super::text::{error_chain, foreign};
use super::via::{Via, check_url};
use crate::build_url::BuildUrl;
use crate::file_access;
use crate::text::Foreign;
use connections::{Connection, Connections, SendError};
use route::{OpenError, Route};

/// The most bytes of a response's body that are read.
const MAX_BODY: usize = 8192;

/// How long one connection may take, with a proxy and TLS.
const MAX_CONNECT_TIME: Duration = Duration::from_secs(10);

const USER_AGENT_VALUE: HeaderValue = HeaderValue::from_static(concat!("halfbuilt/", env!("CARGO_PKG_VERSION")));

/// Deletes builds through one HTTP endpoint.
pub(super) struct HttpClient {
    connections: Connections,
    url: Url,
    header: HeaderName,
    /// Marked as sensitive, so that no log shows it.
    header_value: HeaderValue,
    secrets: Secrets,
    timeout: Duration,
    retry_policy: RetryPolicy,
    /// How often in a row the server was busy.
    busy: Streak,
    /// How often in a row connecting failed.
    failures: Streak,
    was_connected: AtomicBool,
}

/// Why there is no reply.
enum NoReply {
    /// Connecting failed: nothing was sent.
    Unconnected(OpenError),
    /// The reading of the build was too old: nothing was sent.
    Stale,
    /// The request was sent, and no answer came in time.
    Timeout,
    /// The request was sent, and the connection was lost.
    Lost(hyper::Error),
}

struct Reply {
    status: StatusCode,
    retry_after: Option<String>,
    /// Status and body in one line.
    text: Foreign,
}

impl HttpClient {
    /// Checks the options. Nothing is sent.
    ///
    /// # Errors
    /// There is no usable token, the certificates are not usable, or it is plain HTTP to another machine.
    pub(super) fn new(url: &Url, options: Options) -> Result<Self, AdminError> {
        check_url(url)?;
        let address = Via::Http(url.clone()).to_string();
        if url.scheme() != "https" && !is_loopback(url) && !options.allow_plain_http {
            return Err(AdminError::PlainHttp { address });
        }
        let token = options.token.filter(|token| !token.expose_secret().trim().is_empty());
        let token = token.ok_or(AdminError::TokenMissing { address })?;
        let mut header_value = HeaderValue::from_str(token.expose_secret()).map_err(|_| AdminError::TokenUnusable)?;
        header_value.set_sensitive(true);
        let header = HeaderName::from_bytes(options.token_header.as_bytes());
        let header = header.map_err(|_| AdminError::TokenHeader { name: foreign(&options.token_header).into() })?;

        let trusted = options.ca_file.as_deref().map(read_certificates).transpose()?.unwrap_or_default();
        // A proxy is used only inside TLS, where it cannot read the token, and never for this machine.
        let through_proxies = url.scheme() == "https" && !is_loopback(url);
        // The timeout of a call is meant for the answer. Connecting should fail earlier.
        let limit = (options.timeout / 2).min(MAX_CONNECT_TIME);
        let route = Route::new(url, trusted, through_proxies, limit).map_err(AdminError::HttpClient)?;
        let connections = Connections::new(route);
        let (url, timeout) = (url.clone(), options.timeout);
        let retry_policy = RetryPolicy::default();
        let secrets = Secrets::of(&token);
        let (busy, failures) = (Streak::default(), Streak::default());
        let was_connected = AtomicBool::new(false);
        Ok(Self {
            connections,
            url,
            header,
            header_value,
            secrets,
            timeout,
            retry_policy,
            busy,
            failures,
            was_connected,
        })
    }

    /// Sends the deletion of one build once. If the server is busy or cannot be reached, the answer says how long to wait before the next
    /// try, a few times.
    pub(super) async fn delete(&self, build: &BuildUrl, fresh: &Freshness) -> Answer {
        let began = Instant::now();
        let answer = match self.send(build, fresh).await {
            Ok(reply) if is_busy(reply.status) => self.answer_when_busy(&reply, began),
            Ok(reply) => reply.answer(),
            Err(NoReply::Unconnected(error)) => self.answer_without_connection(&error, began),
            Err(NoReply::Stale) => Answer::Stale(fresh.why_stale()),
            Err(NoReply::Timeout) => Answer::Unknown(format!("timeout: no answer within {:?}", self.timeout)),
            Err(NoReply::Lost(error)) => {
                Answer::Unknown(self.redacted(&format!("lost connection: {}", error_chain(&error))).into())
            }
        };
        if !matches!(answer, Answer::Busy(..) | Answer::Stale(_)) {
            self.busy.reset();
            self.failures.reset();
        }
        answer
    }

    /// Names the URL, which contains no secret.
    pub(super) fn describe(&self) -> String {
        Via::Http(self.url.clone()).to_string()
    }

    /// Sends the request once on a connection that is ready.
    async fn send(&self, build: &BuildUrl, fresh: &Freshness) -> Result<Reply, NoReply> {
        loop {
            let mut connection = self.connections.take().await.map_err(NoReply::Unconnected)?;
            self.was_connected.store(true, Ordering::Relaxed);
            // Connecting may have taken long. The connection is kept for the next try.
            if fresh.has_expired() {
                self.connections.put_back(connection);
                return Err(NoReply::Stale);
            }
            let is_new = connection.is_new();
            let sent = timeout(self.timeout, connection.send(self.request(build), fresh)).await;
            return match sent.map_err(|_| NoReply::Timeout)? {
                Ok(response) => Ok(self.read(response, connection).await),
                Err(SendError::Stale) => Err(NoReply::Stale),
                Err(SendError::Unsent(error)) if is_new => Err(NoReply::Unconnected(error.into())),
                // The server closed it while it was idle. The loop ends with a new connection.
                Err(SendError::Unsent(_)) => continue,
                Err(SendError::Lost(error)) => Err(NoReply::Lost(error)),
            };
        }
    }

    fn request(&self, build: &BuildUrl) -> Request<Full<Bytes>> {
        let body = serde_json::json!({ "url": build.to_string() }).to_string();
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        // A URL that the URL standard accepts is one that these accept.
        *request.uri_mut() = self.url[Position::BeforePath..].parse().unwrap_or_default();
        let host = HeaderValue::from_str(&self.url[Position::BeforeHost..Position::AfterPort]);
        let headers = request.headers_mut();
        headers.insert(HOST, host.unwrap_or(HeaderValue::from_static("")));
        headers.insert(USER_AGENT, USER_AGENT_VALUE);
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.append(self.header.clone(), self.header_value.clone());
        request
    }

    /// Reads the response, and keeps the connection if it can carry another request.
    async fn read(&self, response: Response<Incoming>, connection: Connection) -> Reply {
        let header = |name| response.headers().get(name).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
        let (status, retry_after, location) = (response.status(), header(RETRY_AFTER), header(LOCATION));
        let mut bytes = Vec::new();
        let mut body = response.into_body();
        // The status decides. A body that breaks off or never ends changes nothing.
        let is_whole = timeout(self.timeout, async {
            while bytes.len() < MAX_BODY {
                match body.frame().await {
                    Some(Ok(frame)) => {
                        bytes.extend(frame.data_ref().into_iter().flatten().take(MAX_BODY - bytes.len()));
                    }
                    Some(Err(_)) => return false,
                    None => return true,
                }
            }
            false
        });
        if is_whole.await.unwrap_or(false) {
            self.connections.put_back(connection);
        }
        let mut text = status.to_string();
        if let Some(location) = location.filter(|_| status.is_redirection()) {
            text += &format!(" to {location}, which is not followed");
        }
        if !bytes.trim_ascii().is_empty() {
            text += &format!(": {}", String::from_utf8_lossy(&bytes).trim());
        }
        Reply { status, retry_after, text: self.redacted(&text) }
    }

    /// Answers for a busy server: how long to wait, or to give up.
    fn answer_when_busy(&self, reply: &Reply, began: Instant) -> Answer {
        let waits = self.busy.add(began);
        if waits >= self.retry_policy.busy_waits {
            return Answer::Denied(format!("{} (waited {waits} times)", reply.text));
        }
        let asked = reply.retry_after.as_deref().and_then(|header| parse_retry_after(header, Timestamp::now()));
        if let Some(wait) = asked.filter(|wait| *wait > self.retry_policy.longest_wait) {
            let (asked, most) = (wait.as_secs(), self.retry_policy.longest_wait.as_secs());
            return Answer::Denied(format!("{} (asks to wait {asked} s, more than {most} s)", reply.text));
        }
        Answer::Busy(asked.unwrap_or_else(|| self.retry_policy.back_off(waits)), reply.text.to_string())
    }

    /// Answers for a server that cannot be reached: how long to wait, or to give up.
    fn answer_without_connection(&self, error: &OpenError, began: Instant) -> Answer {
        let why = self.redacted(&format!("cannot connect: {}", error_chain(error)));
        let failures = self.failures.add(began);
        // To wait does not make a certificate valid.
        if error.is_untrusted_certificate() {
            return Answer::Denied(format!("{why}; --ca-file FILE trusts a certificate of your own"));
        }
        let most = match self.was_connected.load(Ordering::Relaxed) {
            true => self.retry_policy.reconnects,
            false => self.retry_policy.first_connects,
        };
        if failures + 1 >= most {
            return Answer::Denied(why.into());
        }
        Answer::Busy(self.retry_policy.back_off(failures), why.into())
    }

    /// Makes server text fit for a message: the token is removed, however the server spells it.
    fn redacted(&self, text: &str) -> Foreign {
        foreign(&self.secrets.hide(text))
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpClient({})", self.describe())
    }
}

impl Reply {
    fn answer(self) -> Answer {
        let text = self.text.into();
        match self.status {
            status if status.is_success() => Answer::Accepted(text),
            StatusCode::NOT_FOUND | StatusCode::GONE => Answer::Gone(text),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Answer::Denied(text),
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => Answer::Refused(text),
            // A gateway lost the server behind it, or gave up on it.
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Answer::Unknown(text),
            _ => Answer::Failed(text),
        }
    }
}

fn is_busy(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}

/// Whether the URL names this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.trim_end_matches('.').eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// Reads a PEM file of at least one certificate.
fn read_certificates(path: &Path) -> Result<Vec<X509>, AdminError> {
    let path = path.to_owned();
    let pem = match file_access::read(&path, file_access::CERTIFICATES) {
        Ok(pem) => pem,
        Err(source) => return Err(AdminError::CaFileRead { path, source }),
    };
    match X509::stack_from_pem(&pem) {
        Ok(certificates) if certificates.is_empty() => Err(AdminError::CaFileEmpty { path }),
        Ok(certificates) => Ok(certificates),
        Err(source) => Err(AdminError::CaFileInvalid { path, source }),
    }
}

#[cfg(test)]
mod wire_tests;

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
