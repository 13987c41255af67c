//! Deletes builds through HTTP: one POST of `{"url": …}` to one endpoint for each build, or the request that the profile describes for the
//! path of each build.
//!
//! It manages its own connections, because an ordinary HTTP client reconnects and sends again by itself. A request is sent only on a
//! connection that is ready, and only while the reading of the build is fresh. Nothing is sent twice, and no redirect is followed: the
//! token goes only to the host of `--via`.

mod connections;
mod gate;
mod request;
mod route;
mod token;

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use hyper::{Request, Response, StatusCode};
use jiff::Timestamp;
use openssl::x509::X509;
use tokio::time::timeout;
use url::{Host, Url};

use super::answer::Answer;
use super::error::AdminError;
use super::freshness::Freshness;
use super::options::Options;
use super::retry::{RetryPolicy, Streak, parse_retry_after};
use super::secrets::Secrets;
use super::target::Target;
use super::text::{error_chain, foreign};
use super::via::{Via, check_url};
use crate::file_access;
use crate::http_deletion::{CodeMeaning, HttpDeletion};
use crate::request_path::RequestPath;
use crate::text::Foreign;
use connections::{Connection, Connections, SendError};
use request::{Asked, RequestMaker};
use route::{OpenError, Route};
use token::TokenInHeader;

/// The most bytes of a response's body that are read.
const MAX_BODY: usize = 8192;

/// How long one connection may take, with a proxy and TLS.
const MAX_CONNECT_TIME: Duration = Duration::from_secs(10);

/// Deletes builds through one HTTP endpoint.
pub(super) struct HttpClient {
    connections: Connections,
    url: Url,
    requests: RequestMaker,
    /// How the profile says that builds are deleted; `None` for a POST of their addresses.
    deletion: Option<HttpDeletion>,
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
    /// Whether the body is a page for a person.
    is_page: bool,
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
        let TokenInHeader { name, value, secrets } = TokenInHeader::new(&options, address)?;
        let requests = RequestMaker::new(url, (name, value));
        let trusted = options.ca_file.as_deref().map(read_certificates).transpose()?.unwrap_or_default();
        // A proxy is used only inside TLS, where it cannot read the token, and never for this machine.
        let through_proxies = url.scheme() == "https" && !is_loopback(url);
        // The timeout of a call is meant for the answer. Connecting should fail earlier.
        let limit = (options.timeout / 2).min(MAX_CONNECT_TIME);
        let route = Route::new(url, trusted, through_proxies, limit).map_err(AdminError::HttpClient)?;
        let connections = Connections::new(route);
        let (url, timeout) = (url.clone(), options.timeout);
        let retry_policy = RetryPolicy::default();
        let (busy, failures) = (Streak::default(), Streak::default());
        let was_connected = AtomicBool::new(false);
        Ok(Self {
            connections,
            url,
            requests,
            deletion: options.deletion,
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
    pub(super) async fn delete(&self, target: Target<'_>, fresh: &Freshness) -> Answer {
        match (&self.deletion, target.path) {
            (None, _) => self.ask(&Asked::Url(target.url), fresh).await,
            (Some(deletion), Some(path)) => self.ask(&Asked::Path(deletion.delete, path), fresh).await,
            (Some(_), None) => Answer::Refused("nothing was sent: it has no path to delete it by".to_owned()),
        }
    }

    /// The same for a cancel.
    pub(super) async fn cancel(&self, path: &RequestPath, fresh: &Freshness) -> Answer {
        match self.deletion.as_ref().and_then(|deletion| deletion.cancel) {
            Some(method) => self.ask(&Asked::Path(method, path), fresh).await,
            None => Answer::Refused("nothing was sent: the profile cancels no build".to_owned()),
        }
    }

    /// Sends one request.
    async fn ask(&self, asked: &Asked<'_>, fresh: &Freshness) -> Answer {
        let Some(request) = self.requests.make(asked) else {
            return Answer::Refused("nothing was sent: no request can be made for its path".to_owned());
        };
        let began = Instant::now();
        let answer = match self.send(&request, fresh).await {
            Ok(reply) if is_busy(reply.status) => self.answer_when_busy(&reply, began),
            Ok(reply) => reply.answer(self.deletion.as_ref()),
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

    /// Names the URL, which contains no secret, and the method where the profile says it.
    pub(super) fn describe(&self) -> String {
        let address = Via::Http(self.url.clone());
        match &self.deletion {
            Some(deletion) => format!("{address} by {}", deletion.delete),
            None => address.to_string(),
        }
    }

    /// Sends the request once on a connection that is ready.
    async fn send(&self, request: &Request<Full<Bytes>>, fresh: &Freshness) -> Result<Reply, NoReply> {
        loop {
            let mut connection = self.connections.take().await.map_err(NoReply::Unconnected)?;
            self.was_connected.store(true, Ordering::Relaxed);
            // Connecting may have taken long. The connection is kept for the next try.
            if fresh.has_expired() {
                self.connections.put_back(connection);
                return Err(NoReply::Stale);
            }
            let is_new = connection.is_new();
            let sent = timeout(self.timeout, connection.send(request.clone(), fresh)).await;
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

    /// Reads the response, and keeps the connection if it can carry another request.
    async fn read(&self, response: Response<Incoming>, connection: Connection) -> Reply {
        let header = |name| response.headers().get(name).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
        let (status, retry_after, location) = (response.status(), header(RETRY_AFTER), header(LOCATION));
        let is_page = header(CONTENT_TYPE).is_some_and(|kind| is_page(&kind));
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
        Reply { status, retry_after, is_page, text: self.redacted(&text) }
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
    /// What it says of the build, by the profile where that says it.
    fn answer(self, deletion: Option<&HttpDeletion>) -> Answer {
        let text: String = self.text.into();
        if let Some(meaning) = deletion.and_then(|deletion| deletion.meaning(self.status.as_u16())) {
            return match meaning {
                CodeMeaning::Gone => Answer::Gone(text),
                CodeMeaning::Refused => Answer::Refused(text),
                CodeMeaning::Denied => Answer::Denied(text),
            };
        }
        match self.status {
            status if status.is_success() && deletion.is_some() && self.is_page => {
                Answer::Failed(format!("{status}, answered with a page: is this a login page?"))
            }
            status if status.is_success() => Answer::Accepted(text),
            // The profile leaves them out of its lists.
            _ if deletion.is_some()
                && !matches!(self.status, StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT) =>
            {
                Answer::Failed(text)
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => Answer::Gone(text),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Answer::Denied(text),
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => Answer::Refused(text),
            // A gateway lost the server behind it, or gave up on it.
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Answer::Unknown(text),
            _ => Answer::Failed(text),
        }
    }
}

/// Whether a type of content is that of a page.
fn is_page(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    ["text/html", "application/xhtml+xml"].iter().any(|page| kind.eq_ignore_ascii_case(page))
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
mod path_tests;
#[cfg(test)]
mod wire_tests;

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
