//! Deleting through an HTTP endpoint: a POST of `{"url": …}` for each build.
//!
//! The connections are our own, not those of a client that connects, connects anew and sends by itself: a request is sent only on a
//! connection that is ready, and only while what allows it is fresh. Nothing is ever sent twice behind our back, and no redirect is
//! followed: the token goes to the host of `--via` alone.

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
use super::retry::{Patience, Streak, retry_after};
use super::secrets::Secrets;
use super::text::{chain, shown};
use super::via::{self, Via};
use crate::build_url::BuildUrl;
use crate::file_access;
use connections::{Connection, Connections, Failure};
use route::{OpenError, Route};

/// The most bytes that are read of an answer's body.
const MOST_BODY: usize = 8192;

/// What OpenSSL says of a certificate that nobody vouches for.
const BAD_CERTIFICATE: &str = "certificate verify failed";

/// The longest time for one connection to be made, with a proxy and TLS.
const LONGEST_CONNECT: Duration = Duration::from_secs(10);

/// Who we are.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("halfbuilt/", env!("CARGO_PKG_VERSION")));

/// A client of one HTTP endpoint that deletes builds.
pub(super) struct Client {
    connections: Connections,
    url: Url,
    header: HeaderName,
    /// Marked as sensitive, so that no log shows it.
    header_value: HeaderValue,
    secrets: Secrets,
    timeout: Duration,
    patience: Patience,
    /// How often in a row the server was busy.
    waits: Streak,
    /// How often in a row no connection could be made.
    failures: Streak,
    /// Whether a connection was ever made.
    was_there: AtomicBool,
}

/// Why there is no answer.
enum NoReply {
    /// There was no connection: nothing was sent.
    Unconnected(OpenError),
    /// What allowed it had grown too old: nothing was sent.
    Stale,
    /// It was sent, and no answer came in time.
    Timeout,
    /// It was sent, and the connection was lost.
    Lost(hyper::Error),
}

/// An answer of the server.
struct Reply {
    status: StatusCode,
    retry_after: Option<String>,
    /// Status and body in one line.
    text: String,
}

impl Client {
    /// Checks what is given and sets up the client. Nothing is sent.
    ///
    /// # Errors
    /// No token or an unusable one, plain HTTP to another machine, unusable certificates.
    pub(super) fn new(url: &Url, options: Options) -> Result<Self, AdminError> {
        via::check(url)?;
        let address = Via::Http(url.clone()).to_string();
        if url.scheme() != "https" && !is_loopback(url) && !options.allow_plain_http {
            return Err(AdminError::PlainHttp { address });
        }
        let token = options.token.filter(|token| !token.expose_secret().trim().is_empty());
        let token = token.ok_or(AdminError::TokenMissing { address })?;
        let mut header_value = HeaderValue::from_str(token.expose_secret()).map_err(|_| AdminError::TokenUnusable)?;
        header_value.set_sensitive(true);
        let header = HeaderName::from_bytes(options.token_header.as_bytes());
        let header = header.map_err(|_| AdminError::TokenHeader { name: shown(&options.token_header) })?;

        let trusted = options.ca_file.as_deref().map(certificates).transpose()?.unwrap_or_default();
        // Through a proxy only inside TLS, where it cannot read the token, and never to this machine.
        let through_proxies = url.scheme() == "https" && !is_loopback(url);
        // A call's own limit is for the answer; who cannot even be connected to is known earlier.
        let limit = (options.timeout / 2).min(LONGEST_CONNECT);
        let route = Route::new(url, trusted, through_proxies, limit).map_err(AdminError::HttpClient)?;
        let connections = Connections::new(route);
        let (url, timeout) = (url.clone(), options.timeout);
        let patience = Patience::default();
        let secrets = Secrets::of(&token);
        let (waits, failures) = (Streak::default(), Streak::default());
        let was_there = AtomicBool::new(false);
        Ok(Self { connections, url, header, header_value, secrets, timeout, patience, waits, failures, was_there })
    }

    /// Asks for the deletion of one build, once. A server that is busy, or cannot be reached, may be asked again after the
    /// wait that the answer names, a few times.
    pub(super) async fn delete(&self, build: &BuildUrl, fresh: &Freshness) -> Answer {
        let began = Instant::now();
        let answer = match self.send(build, fresh).await {
            Ok(reply) if is_busy(reply.status) => self.wait_for(&reply, began),
            Ok(reply) => reply.answer(),
            Err(NoReply::Unconnected(error)) => {
                self.without_connection(&format!("cannot connect: {}", chain(&error)), began)
            }
            Err(NoReply::Stale) => Answer::Stale(fresh.too_late()),
            Err(NoReply::Timeout) => Answer::Unknown(format!("timeout: no answer within {:?}", self.timeout)),
            Err(NoReply::Lost(error)) => Answer::Unknown(self.redacted(&format!("lost connection: {}", chain(&error)))),
        };
        if !matches!(answer, Answer::Busy(..) | Answer::Stale(_)) {
            self.waits.end();
            self.failures.end();
        }
        answer
    }

    /// The URL; it holds no secret.
    pub(super) fn describe(&self) -> String {
        Via::Http(self.url.clone()).to_string()
    }

    /// Sends the request once, on a connection that is ready.
    async fn send(&self, build: &BuildUrl, fresh: &Freshness) -> Result<Reply, NoReply> {
        loop {
            let mut connection = self.connections.take().await.map_err(NoReply::Unconnected)?;
            self.was_there.store(true, Ordering::Relaxed);
            // Whatever it took to get here. The connection is ready for the next time.
            if fresh.is_over() {
                self.connections.put_back(connection);
                return Err(NoReply::Stale);
            }
            let is_new = connection.is_new();
            let sent = timeout(self.timeout, connection.send(self.request(build), fresh)).await;
            return match sent.map_err(|_| NoReply::Timeout)? {
                Ok(response) => Ok(self.read(response, connection).await),
                Err(Failure::Stale) => Err(NoReply::Stale),
                Err(Failure::Unsent(error)) if is_new => Err(NoReply::Unconnected(error.into())),
                // The server had closed it while it lay idle. There are only so many of these.
                Err(Failure::Unsent(_)) => continue,
                Err(Failure::Lost(error)) => Err(NoReply::Lost(error)),
            };
        }
    }

    fn request(&self, build: &BuildUrl) -> Request<Full<Bytes>> {
        let body = serde_json::json!({ "url": build.to_string() }).to_string();
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        // An address that the URL standard takes is one that these take.
        *request.uri_mut() = self.url[Position::BeforePath..].parse().unwrap_or_default();
        let host = HeaderValue::from_str(&self.url[Position::BeforeHost..Position::AfterPort]);
        let headers = request.headers_mut();
        headers.insert(HOST, host.unwrap_or(HeaderValue::from_static("")));
        headers.insert(USER_AGENT, AGENT);
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.append(self.header.clone(), self.header_value.clone());
        request
    }

    /// What the server says. The connection is given back where it is fit for another request.
    async fn read(&self, response: Response<Incoming>, connection: Connection) -> Reply {
        let header = |name| response.headers().get(name).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
        let (status, retry_after, location) = (response.status(), header(RETRY_AFTER), header(LOCATION));
        let mut bytes = Vec::new();
        let mut body = response.into_body();
        // The status has decided already: a body that breaks off, or never ends, changes nothing.
        let is_whole = timeout(self.timeout, async {
            while bytes.len() < MOST_BODY {
                match body.frame().await {
                    Some(Ok(frame)) => {
                        bytes.extend(frame.data_ref().into_iter().flatten().take(MOST_BODY - bytes.len()));
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

    /// How long to wait for a busy server, unless it has been waited for often enough.
    fn wait_for(&self, reply: &Reply, began: Instant) -> Answer {
        let waits = self.waits.add(began);
        if waits >= self.patience.waits {
            return Answer::Denied(format!("{} (waited {waits} times)", reply.text));
        }
        let asked = reply.retry_after.as_deref().and_then(|header| retry_after(header, Timestamp::now()));
        if let Some(wait) = asked.filter(|wait| *wait > self.patience.longest) {
            let (asked, most) = (wait.as_secs(), self.patience.longest.as_secs());
            return Answer::Denied(format!("{} (asks to wait {asked} s, more than {most} s)", reply.text));
        }
        Answer::Busy(asked.unwrap_or_else(|| self.patience.back_off(waits)), reply.text.clone())
    }

    /// How long to wait before another connection is tried, unless that has been done often enough.
    fn without_connection(&self, why: &str, began: Instant) -> Answer {
        let failures = self.failures.add(began);
        // No wait makes a certificate good.
        if why.contains(BAD_CERTIFICATE) {
            return Answer::Denied(self.redacted(&format!("{why}; --ca-file FILE trusts a certificate of your own")));
        }
        let most = match self.was_there.load(Ordering::Relaxed) {
            true => self.patience.connections_later,
            false => self.patience.connections,
        };
        if failures + 1 >= most {
            return Answer::Denied(self.redacted(why));
        }
        Answer::Busy(self.patience.back_off(failures), self.redacted(why))
    }

    /// The text fit to be shown, without the token even if the server repeats it, however it is written.
    fn redacted(&self, text: &str) -> String {
        shown(&self.secrets.hide(text))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.describe())
    }
}

impl Reply {
    fn answer(self) -> Answer {
        match self.status {
            status if status.is_success() => Answer::Accepted(self.text),
            StatusCode::NOT_FOUND | StatusCode::GONE => Answer::Gone(self.text),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Answer::Denied(self.text),
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => Answer::Refused(self.text),
            // A gateway says that it lost, or gave up on, the server that it had asked.
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Answer::Unknown(self.text),
            _ => Answer::Failed(self.text),
        }
    }
}

fn is_busy(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}

/// Whether the URL names this very machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.trim_end_matches('.').eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// The certificates in a PEM file: at least one.
fn certificates(path: &Path) -> Result<Vec<X509>, AdminError> {
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
