//! Deleting through an HTTP endpoint: a POST of `{"url": …}` for each build.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::header::{HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Certificate, StatusCode, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::retry::{Patience, Streak, retry_after};
use super::text::{chain, shown};
use super::{AdminError, Answer, Options, Via, via};
use crate::build_url::BuildUrl;
use crate::file_access;

/// The most bytes that are read of an answer's body.
const MOST_BODY: usize = 8192;

/// How long a connection may lie idle and be used again. Short, for a server that closes it at the very moment when the
/// next request is sent leaves that deletion's outcome unknown.
const IDLE: Duration = Duration::from_secs(1);

/// What OpenSSL says of a certificate that nobody vouches for.
const BAD_CERTIFICATE: &str = "certificate verify failed";

/// The longest time for one connection to be made.
const LONGEST_CONNECT: Duration = Duration::from_secs(5);

/// A client of one HTTP endpoint that deletes builds.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
    header: HeaderName,
    /// Marked as sensitive, so that no log shows it.
    header_value: HeaderValue,
    token: SecretString,
    timeout: Duration,
    patience: Patience,
    /// How often in a row the server was busy.
    waits: Streak,
    /// How often in a row no connection could be made.
    failures: Streak,
    /// Whether a connection was ever made.
    was_there: AtomicBool,
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

        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("halfbuilt/", env!("CARGO_PKG_VERSION")))
            // The token goes to the host of --via and to no other.
            .redirect(redirect::Policy::none())
            // A POST that may have arrived is never sent again behind our back.
            .retry(retry::never())
            // Shorter than a call's own limit, so that one that runs out while connecting is known to be just that.
            .connect_timeout((options.timeout / 2).min(LONGEST_CONNECT))
            .timeout(options.timeout)
            .pool_idle_timeout(IDLE);
        // Through a proxy only inside TLS, where it cannot read the token, and never to this machine.
        if url.scheme() != "https" || is_loopback(url) {
            builder = builder.no_proxy();
        }
        if let Some(path) = &options.ca_file {
            builder = builder.tls_certs_merge(certificates(path)?);
        }
        let http = builder.build().map_err(AdminError::HttpClient)?;
        let (url, timeout) = (url.clone(), options.timeout);
        let patience = Patience::default();
        let (waits, failures) = (Streak::default(), Streak::default());
        let was_there = AtomicBool::new(false);
        Ok(Self { http, url, header, header_value, token, timeout, patience, waits, failures, was_there })
    }

    /// Asks for the deletion of one build, once. A server that is busy, or cannot be reached, may be asked again after the
    /// wait that the answer names, a few times.
    pub(super) async fn delete(&self, build: &BuildUrl) -> Answer {
        let began = Instant::now();
        let answer = match self.send(build).await {
            Ok(reply) if is_busy(reply.status) => self.wait_for(&reply, began),
            Ok(reply) => reply.answer(),
            // No connection: nothing was sent.
            Err(error) if error.is_connect() => {
                self.without_connection(&format!("cannot connect: {}", chain(&error)), began)
            }
            Err(error) if error.is_timeout() => {
                Answer::Unknown(format!("timeout: no answer within {:?}", self.timeout))
            }
            Err(error) => Answer::Unknown(self.redacted(&format!("lost connection: {}", chain(&error)))),
        };
        if !matches!(answer, Answer::Busy(..)) {
            self.waits.end();
            self.failures.end();
        }
        answer
    }

    /// The URL; it holds no secret.
    pub(super) fn describe(&self) -> String {
        Via::Http(self.url.clone()).to_string()
    }

    /// Sends the request once.
    async fn send(&self, build: &BuildUrl) -> reqwest::Result<Reply> {
        let request = self.http.post(self.url.clone()).header(self.header.clone(), self.header_value.clone());
        let body = serde_json::json!({ "url": build.to_string() });
        let mut response = request.json(&body).send().await.map_err(reqwest::Error::without_url)?;
        self.was_there.store(true, Ordering::Relaxed);
        let header = |name| response.headers().get(name).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
        let (status, retry_after, location) = (response.status(), header(RETRY_AFTER), header(LOCATION));
        let mut bytes = Vec::new();
        // The status has decided already: a body that breaks off changes nothing.
        while bytes.len() < MOST_BODY
            && let Ok(Some(chunk)) = response.chunk().await
        {
            bytes.extend(chunk.iter().take(MOST_BODY - bytes.len()));
        }
        let mut text = status.to_string();
        if let Some(location) = location.filter(|_| status.is_redirection()) {
            text += &format!(" to {location}, which is not followed");
        }
        if !bytes.trim_ascii().is_empty() {
            text += &format!(": {}", String::from_utf8_lossy(&bytes).trim());
        }
        Ok(Reply { status, retry_after, text: self.redacted(&text) })
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

    /// The text fit to be shown, without the token even if the server repeats it.
    fn redacted(&self, text: &str) -> String {
        shown(&text.replace(self.token.expose_secret(), "(redacted)"))
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
fn certificates(path: &Path) -> Result<Vec<Certificate>, AdminError> {
    let path = path.to_owned();
    let pem = match file_access::read(&path, file_access::CERTIFICATES) {
        Ok(pem) => pem,
        Err(source) => return Err(AdminError::CaFileRead { path, source }),
    };
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if certificates.is_empty() => Err(AdminError::CaFileEmpty { path }),
        Ok(certificates) => Ok(certificates),
        Err(source) => Err(AdminError::CaFileInvalid { path, source }),
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
