//! An nREPL session of our own. It is renewed after some evaluations.

use std::time::Duration;

use tokio::time::timeout;

use super::connection::{Connection, ConnectionError};
use super::form::NAMESPACE;
use super::response::Response;
use crate::admin::bencode::Value;
use crate::admin::freshness::Freshness;
use crate::text::Foreign;

/// The evaluations after which a session is renewed. Each adds a class loader on the server, so a session becomes slow, and nREPL 1.0.0
/// fails with a StackOverflowError after about 1,800 evaluations in one session (measured).
const RENEW_AFTER: u32 = 100;

/// How long to wait for an answer that nothing depends on.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A session on a connection of its own. After an error it cannot be used again.
#[derive(Debug)]
pub(super) struct NreplSession {
    connection: Connection,
    name: String,
    timeout: Duration,
    /// Evaluations since the session was opened.
    evaluations: u32,
    /// Requests since the connection was opened. Its number is the request's id, which its answers carry.
    requests: u64,
}

/// Why a request has no complete answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("timeout: no answer within {0:?}")]
    Timeout(Duration),
    /// Nothing was sent: the reading of the build is too old.
    #[error("not sent: the build was read too long ago")]
    Stale,
    /// The form reads from standard input.
    #[error("need-input: the server waits for input")]
    NeedInput,
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error("the server did not open a session: {0}")]
    NoSession(Foreign),
}

impl NreplSession {
    /// Opens a session. `timeout` limits this call and each later one.
    ///
    /// # Errors
    /// The server does not open a session.
    pub(super) async fn open(connection: Connection, timeout: Duration) -> Result<Self, CallError> {
        let mut session = Self { connection, name: String::new(), timeout, evaluations: 0, requests: 0 };
        session.name = session.clone_session().await?;
        Ok(session)
    }

    /// Evaluates one form in [`NAMESPACE`].
    ///
    /// # Errors
    /// There is no complete answer. The form may have been evaluated.
    pub(super) async fn evaluate(&mut self, form: &str) -> Result<Response, CallError> {
        self.evaluate_if(form, None).await
    }

    /// Evaluates one form in [`NAMESPACE`], if `fresh` has not expired when the form is written.
    ///
    /// # Errors
    /// [`CallError::Stale`]: nothing was sent, and the session can be used again. Any other error is as in [`NreplSession::evaluate`].
    pub(super) async fn evaluate_while_fresh(&mut self, form: &str, fresh: &Freshness) -> Result<Response, CallError> {
        self.evaluate_if(form, Some(fresh)).await
    }

    async fn evaluate_if(&mut self, form: &str, fresh: Option<&Freshness>) -> Result<Response, CallError> {
        self.evaluations += 1;
        let session = self.name.clone();
        self.call_if(&[("op", "eval"), ("session", &session), ("ns", NAMESPACE), ("code", form)], fresh).await
    }

    /// Prepares the session for one more evaluation, and evaluates nothing. Returns false if a new connection is needed.
    pub(super) async fn refresh(&mut self) -> bool {
        if !self.connection.is_open().await {
            return false;
        }
        if self.evaluations < RENEW_AFTER {
            return true;
        }
        let Ok(name) = self.clone_session().await else { return false };
        let old = std::mem::replace(&mut self.name, name);
        self.evaluations = 0;
        // Its answer comes among later ones and is skipped.
        let id = self.next_id();
        timeout(CLOSE_TIMEOUT, self.connection.send(&[("op", "close"), ("session", &old), ("id", &id)], None))
            .await
            .is_ok_and(|sent| sent.is_ok())
    }

    /// Interrupts the running evaluation and closes the connection. Otherwise a form that waits for input would hold a thread of the server
    /// for ever. Do not use it for a form that is merely slow: to stop a deletion half-way is worse than to wait.
    pub(super) async fn interrupt(mut self) {
        let (session, running) = (self.name.clone(), self.requests.to_string());
        self.timeout = self.timeout.min(CLOSE_TIMEOUT);
        // The connection ends here, whatever the server answers.
        let _ = self.call(&[("op", "interrupt"), ("session", &session), ("interrupt-id", &running)]).await;
        self.connection.shut_down().await;
    }

    /// Closes the session and the connection within [`CLOSE_TIMEOUT`].
    pub(super) async fn close(mut self) {
        let session = self.name.clone();
        self.timeout = self.timeout.min(CLOSE_TIMEOUT);
        // If the server does not answer, it drops the session later.
        let _ = self.call(&[("op", "close"), ("session", &session)]).await;
        self.connection.shut_down().await;
    }

    async fn clone_session(&mut self) -> Result<String, CallError> {
        self.call(&[("op", "clone")]).await?.new_session().map_err(CallError::NoSession)
    }

    /// Sends one request and waits for its complete answer.
    async fn call(&mut self, request: &[(&str, &str)]) -> Result<Response, CallError> {
        self.call_if(request, None).await
    }

    async fn call_if(&mut self, request: &[(&str, &str)], fresh: Option<&Freshness>) -> Result<Response, CallError> {
        let limit = self.timeout;
        timeout(limit, self.exchange(request, fresh)).await.map_err(|_| CallError::Timeout(limit))?
    }

    async fn exchange(&mut self, request: &[(&str, &str)], fresh: Option<&Freshness>) -> Result<Response, CallError> {
        let id = self.next_id();
        if !self.connection.send(&[request, &[("id", &id)]].concat(), fresh).await? {
            return Err(CallError::Stale);
        }
        let mut response = Response::default();
        while !response.is_done() {
            let message = self.connection.receive().await?;
            // Any other message is a late answer to an earlier request.
            if message.get(&b"id"[..]) == Some(&Value::Bytes(id.clone().into())) {
                response.add_message(message);
            }
            if response.needs_input() {
                return Err(CallError::NeedInput);
            }
        }
        Ok(response)
    }

    fn next_id(&mut self) -> String {
        self.requests += 1;
        self.requests.to_string()
    }
}
