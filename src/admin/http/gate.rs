//! A stream through which a request passes only while what allows it is fresh: checked when its first byte is written.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::admin::freshness::Freshness;

/// What a connection's gate is set to; shared with the one who sends.
#[derive(Clone, Debug, Default)]
pub(super) struct Gate(Arc<Mutex<State>>);

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// Nothing may be written.
    #[default]
    Shut,
    /// A request may begin while this lasts.
    Until(Freshness),
    /// A request has begun.
    Open,
    /// A request came too late. The connection is of no use any more.
    Stale,
}

impl Gate {
    /// Lets one more request through, while this lasts.
    pub(super) fn admit(&self, fresh: Freshness) {
        self.set(State::Until(fresh));
    }

    /// Whether anything of that request was written.
    pub(super) fn has_passed(&self) -> bool {
        matches!(self.state(), State::Open)
    }

    /// Whether it came too late.
    pub(super) fn is_stale(&self) -> bool {
        matches!(self.state(), State::Stale)
    }

    fn state(&self) -> State {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: State) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

/// A stream with a gate before it.
pub(super) struct Gated<S> {
    stream: S,
    gate: Gate,
}

impl<S> Gated<S> {
    pub(super) fn new(stream: S, gate: Gate) -> Self {
        Self { stream, gate }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gated<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let may_begin = match self.gate.state() {
            State::Open => return Pin::new(&mut self.stream).poll_write(context, bytes),
            State::Until(fresh) => !fresh.is_over(),
            State::Shut | State::Stale => false,
        };
        if !may_begin {
            self.gate.set(State::Stale);
            return Poll::Ready(Err(io::Error::other("what allows the request has grown too old")));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if matches!(written, Poll::Ready(Ok(_))) {
            self.gate.set(State::Open);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Not even what TLS may hold back of it.
        match self.gate.state() {
            State::Stale => Poll::Ready(Ok(())),
            _ => Pin::new(&mut self.stream).poll_shutdown(context),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gated<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}
