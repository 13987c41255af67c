//! Connections to the server: opened, used for one request after the other, given up.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout};

use super::gate::{Gate, Gated};
use super::route::{OpenError, Route};
use crate::admin::freshness::Freshness;

/// How long a connection may lie idle and be used again. Short, for a server that closes it at the very moment when the
/// next request is sent leaves that deletion's outcome unknown.
const IDLE: Duration = Duration::from_secs(1);

/// The same of one that has not been used yet: a server waits longer for the first request. Meanwhile the build is read again.
const UNUSED: Duration = Duration::from_secs(15);

/// The connections that are open and not in use.
pub(super) struct Connections {
    route: Route,
    idle: Mutex<Vec<Connection>>,
}

/// An open connection.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    gate: Gate,
    is_used: bool,
    since: Instant,
}

/// Why there is no answer to a request.
#[derive(Debug)]
pub(super) enum Failure {
    /// What allowed it had grown too old: nothing was sent.
    Stale,
    /// The connection had ended: nothing was sent.
    Unsent(hyper::Error),
    /// The request was sent, or some of it.
    Lost(hyper::Error),
}

impl Connections {
    pub(super) fn new(route: Route) -> Self {
        Self { route, idle: Mutex::default() }
    }

    /// An open connection: one that lies idle, or a new one.
    ///
    /// # Errors
    /// None can be made.
    pub(super) async fn take(&self) -> Result<Connection, OpenError> {
        while let Some(mut connection) = self.pop() {
            // The runtime looks at its sockets before it returns to a task that has yielded: one that the server closed is known.
            tokio::task::yield_now().await;
            if matches!(timeout(IDLE, connection.sender.ready()).await, Ok(Ok(()))) {
                return Ok(connection);
            }
        }
        let gate = Gate::default();
        let stream = Gated::new(self.route.open().await?, gate.clone());
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with its sender. What goes wrong is told to whoever sends.
        tokio::spawn(connection);
        Ok(Connection { sender, gate, is_used: false, since: Instant::now() })
    }

    /// Gives back a connection that is fit for another request.
    pub(super) fn put_back(&self, connection: Connection) {
        let since = if connection.is_used { Instant::now() } else { connection.since };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(Connection { since, ..connection });
    }

    /// The one that was put back last, if it did not lie too long.
    fn pop(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| connection.since.elapsed() < if connection.is_used { IDLE } else { UNUSED });
        idle.pop()
    }
}

impl Connection {
    /// Whether nothing was ever sent on it.
    pub(super) fn is_new(&self) -> bool {
        !self.is_used
    }

    /// Sends a request, if what allows it is still fresh when it is written.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        fresh: &Freshness,
    ) -> Result<Response<Incoming>, Failure> {
        self.is_used = true;
        self.gate.admit(*fresh);
        self.sender.send_request(request).await.map_err(|error| match () {
            () if self.gate.is_stale() => Failure::Stale,
            () if !self.gate.has_passed() => Failure::Unsent(error),
            () => Failure::Lost(error),
        })
    }
}
