//! A stream that lets a request through only while the reading of its build is fresh. It checks that when the first byte is written.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::admin::freshness::Freshness;

/// Whether a connection lets a request through. The sender has a clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Gate(Arc<Mutex<GateState>>);

#[derive(Clone, Copy, Debug, Default)]
enum GateState {
    /// Nothing may be written.
    #[default]
    Shut,
    /// A request may begin until this expires.
    Until(Freshness),
    /// A request has begun.
    Open,
    /// A request came too late. The connection cannot be used again.
    Stale,
}

impl Gate {
    /// Lets one more request through, until this expires.
    pub(super) fn allow(&self, fresh: Freshness) {
        self.set(GateState::Until(fresh));
    }

    /// Whether any byte of that request was written.
    pub(super) fn has_begun(&self) -> bool {
        matches!(self.state(), GateState::Open)
    }

    /// Whether that request came too late.
    pub(super) fn is_stale(&self) -> bool {
        matches!(self.state(), GateState::Stale)
    }

    fn state(&self) -> GateState {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: GateState) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

pub(super) struct GatedStream<S> {
    stream: S,
    gate: Gate,
}

impl<S> GatedStream<S> {
    pub(super) fn new(stream: S, gate: Gate) -> Self {
        Self { stream, gate }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for GatedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let may_begin = match self.gate.state() {
            GateState::Open => return Pin::new(&mut self.stream).poll_write(context, bytes),
            GateState::Until(fresh) => !fresh.has_expired(),
            GateState::Shut | GateState::Stale => false,
        };
        if !may_begin {
            self.gate.set(GateState::Stale);
            return Poll::Ready(Err(io::Error::other("the build was read too long ago")));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if matches!(written, Poll::Ready(Ok(_))) {
            self.gate.set(GateState::Open);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TLS may still hold back a part of the request.
        match self.gate.state() {
            GateState::Stale => Poll::Ready(Ok(())),
            _ => Pin::new(&mut self.stream).poll_shutdown(context),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for GatedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}
