//! Connections to the server, each used for one request after another.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout};

use super::gate::{Gate, GatedStream};
use super::route::{OpenError, Route};
use crate::admin::freshness::Freshness;

/// How long an idle connection may be used again. It is short: if the server closes the connection just when a request is sent, the
/// outcome of that deletion is unknown.
const MAX_IDLE: Duration = Duration::from_secs(1);

/// The same for a connection without a request so far: a server waits longer for the first one. Meanwhile the build is read again.
const MAX_IDLE_UNUSED: Duration = Duration::from_secs(15);

/// The idle connections, and the way to open more.
pub(super) struct Connections {
    route: Route,
    idle: Mutex<Vec<Connection>>,
}

pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    gate: Gate,
    is_used: bool,
    since: Instant,
}

/// Why a request has no response.
#[derive(Debug)]
pub(super) enum SendError {
    /// The reading of the build was too old: nothing was sent.
    Stale,
    /// The connection was closed already: nothing was sent.
    Unsent(hyper::Error),
    /// The request, or a part of it, was sent.
    Lost(hyper::Error),
}

impl Connections {
    pub(super) fn new(route: Route) -> Self {
        Self { route, idle: Mutex::default() }
    }

    /// Takes an idle connection, or opens a new one.
    ///
    /// # Errors
    /// No connection can be made.
    pub(super) async fn take(&self) -> Result<Connection, OpenError> {
        while let Some(mut connection) = self.pop() {
            // The runtime polls its sockets before it returns to a task that has yielded, and so notices what the server closed.
            tokio::task::yield_now().await;
            if matches!(timeout(MAX_IDLE, connection.sender.ready()).await, Ok(Ok(()))) {
                return Ok(connection);
            }
        }
        let gate = Gate::default();
        let stream = GatedStream::new(self.route.open().await?, gate.clone());
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with its sender, which also gets its errors.
        tokio::spawn(connection);
        Ok(Connection { sender, gate, is_used: false, since: Instant::now() })
    }

    /// Keeps a connection for another request.
    pub(super) fn put_back(&self, connection: Connection) {
        let since = if connection.is_used { Instant::now() } else { connection.since };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(Connection { since, ..connection });
    }

    /// Takes the connection that was put back last, unless it was idle too long.
    fn pop(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| {
            connection.since.elapsed() < if connection.is_used { MAX_IDLE } else { MAX_IDLE_UNUSED }
        });
        idle.pop()
    }
}

impl Connection {
    pub(super) fn is_new(&self) -> bool {
        !self.is_used
    }

    /// Sends a request, if `fresh` has not expired when it is written.
    ///
    /// # Errors
    /// There is no response.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        fresh: &Freshness,
    ) -> Result<Response<Incoming>, SendError> {
        self.is_used = true;
        self.gate.allow(*fresh);
        self.sender.send_request(request).await.map_err(|error| match () {
            () if self.gate.is_stale() => SendError::Stale,
            () if !self.gate.has_begun() => SendError::Unsent(error),
            () => SendError::Lost(error),
        })
    }
}
