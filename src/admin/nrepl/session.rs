//! An nREPL session of our own: opened, used for a while, renewed, closed.

use std::time::Duration;

use tokio::time::timeout;

use super::connection::{Connection, LinkError};
use super::form::NAMESPACE;
use super::response::Response;
use crate::admin::bencode::Value;
use crate::admin::freshness::Freshness;

/// How many evaluations a session lives. Each adds a class loader on the server, so an old session grows slow, and
/// nREPL 1.0.0 fails with a StackOverflowError after about 1,800 evaluations in one session (measured).
const RENEW_AFTER: u32 = 100;

/// How long to wait for an answer that nothing depends on.
const FAREWELL: Duration = Duration::from_secs(2);

/// A session on a connection. After an error it is of no use any more.
#[derive(Debug)]
pub(super) struct Session {
    connection: Connection,
    name: String,
    timeout: Duration,
    /// Evaluations since the session was opened.
    evaluations: u32,
    /// Requests since the connection was opened: each has its own number, by which its answers are known.
    requests: u64,
}

/// Why a request has no complete answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// No complete answer in time.
    #[error("timeout: no answer within {0:?}")]
    Timeout(Duration),
    /// Nothing was sent: what allowed it had grown too old.
    #[error("not sent: what allowed it had grown too old")]
    Stale,
    /// The form waits for somebody to type something.
    #[error("need-input: the server waits for input")]
    NeedInput,
    /// The connection failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The server has answered, and opened no session.
    #[error("the server opened no session: {0}")]
    NoSession(String),
}

impl Session {
    /// Opens a session; `timeout` is for this and for each later call.
    ///
    /// # Errors
    /// No session was opened.
    pub(super) async fn open(connection: Connection, timeout: Duration) -> Result<Self, CallError> {
        let mut session = Self { connection, name: String::new(), timeout, evaluations: 0, requests: 0 };
        session.name = session.clone_default().await?;
        Ok(session)
    }

    /// Evaluates one form, read in [`NAMESPACE`].
    ///
    /// # Errors
    /// There is no complete answer; the form may have been evaluated.
    pub(super) async fn evaluate(&mut self, form: &str) -> Result<Response, CallError> {
        self.evaluate_if(form, None).await
    }

    /// The same, if what allows it is still fresh when it is written.
    ///
    /// # Errors
    /// As above, or [`CallError::Stale`]: then nothing was sent, and the session is as good as before.
    pub(super) async fn evaluate_while_fresh(&mut self, form: &str, fresh: &Freshness) -> Result<Response, CallError> {
        self.evaluate_if(form, Some(fresh)).await
    }

    async fn evaluate_if(&mut self, form: &str, fresh: Option<&Freshness>) -> Result<Response, CallError> {
        self.evaluations += 1;
        let session = self.name.clone();
        self.call_if(&[("op", "eval"), ("session", &session), ("ns", NAMESPACE), ("code", form)], fresh).await
    }

    /// Makes the session fit for one more evaluation: true where it is, false where a new connection is needed.
    /// Nothing is evaluated.
    pub(super) async fn refresh(&mut self) -> bool {
        if !self.connection.is_open().await {
            return false;
        }
        if self.evaluations < RENEW_AFTER {
            return true;
        }
        let Ok(name) = self.clone_default().await else { return false };
        let old = std::mem::replace(&mut self.name, name);
        self.evaluations = 0;
        // Its answer comes among later ones and is passed over.
        let id = self.next_id();
        timeout(FAREWELL, self.connection.send(&[("op", "close"), ("session", &old), ("id", &id)], None))
            .await
            .is_ok_and(|sent| sent.is_ok())
    }

    /// Stops the evaluation that runs, then leaves. Without this a form that waits for input would hold a thread of the
    /// server for ever. It is not for a form that is merely slow: to stop a deletion half-way is worse than to wait.
    pub(super) async fn interrupt(mut self) {
        let (session, running) = (self.name.clone(), self.requests.to_string());
        self.timeout = self.timeout.min(FAREWELL);
        // Whether or not it says that it has stopped, the connection ends here.
        let _ = self.call(&[("op", "interrupt"), ("session", &session), ("interrupt-id", &running)]).await;
        self.connection.shut_down().await;
    }

    /// Closes the session and the connection, in bounded time.
    pub(super) async fn close(mut self) {
        let session = self.name.clone();
        self.timeout = self.timeout.min(FAREWELL);
        // A server that does not answer forgets the session in its own time.
        let _ = self.call(&[("op", "close"), ("session", &session)]).await;
        self.connection.shut_down().await;
    }

    async fn clone_default(&mut self) -> Result<String, CallError> {
        self.call(&[("op", "clone")]).await?.new_session().map_err(CallError::NoSession)
    }

    /// Sends one request and waits for all of its answer.
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
            // Anything else is a late answer to an earlier request.
            if message.get(&b"id"[..]) == Some(&Value::Bytes(id.clone().into())) {
                response.absorb(message);
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
