//! The connection that the client library speaks through: a socket, encrypted or not, whose login is watched.
//! It is opened by this program and not by the library, so that what libpq does before the login can be done too.

use std::future::Ready;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::ssl::SslRef;
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_openssl::SslStream;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use super::auth::LoginWatch;

/// A socket to a server.
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// What is between the socket and the library.
pub(super) enum Stream {
    Plain(Socket),
    // OpenSSL reads a record in two small pieces: the buffer makes one read of them.
    Encrypted(Box<SslStream<BufReader<Socket>>>),
}

/// A connection whose login is watched.
pub(super) struct Wire {
    stream: Stream,
    watch: LoginWatch,
}

impl Wire {
    pub(super) fn new(stream: Stream, watch: LoginWatch) -> Self {
        Self { stream, watch }
    }

    /// Has an offer of channel binding refused where it cannot be taken up; else the library would go on without.
    pub(super) fn insist_on_binding(&mut self) {
        if let Stream::Encrypted(inner) = &self.stream
            && end_point(inner.ssl()).is_none()
        {
            self.watch.refuse_binding();
        }
    }
}

/// Does `$what` with whatever is inside.
macro_rules! inside {
    ($enum:ident, $this:expr, $inner:ident => $what:expr, $($variant:ident),+) => {
        match $this { $($enum::$variant($inner) => { let $inner = Pin::new($inner); $what })+ }
    };
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        inside!(Socket, &mut *self, inner => inner.poll_read(cx, buffer), Tcp, Unix)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        inside!(Socket, &mut *self, inner => inner.poll_write(cx, bytes), Tcp, Unix)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        inside!(Socket, &mut *self, inner => inner.poll_flush(cx), Tcp, Unix)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        inside!(Socket, &mut *self, inner => inner.poll_shutdown(cx), Tcp, Unix)
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(inside!(Stream, &mut this.stream, inner => inner.poll_read(cx, buffer), Plain, Encrypted))?;
        Poll::Ready(this.watch.read(&buffer.filled()[before..]).map_err(io::Error::other))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        inside!(Stream, &mut self.get_mut().stream, inner => inner.poll_write(cx, bytes), Plain, Encrypted)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        inside!(Stream, &mut self.get_mut().stream, inner => inner.poll_flush(cx), Plain, Encrypted)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        inside!(Stream, &mut self.get_mut().stream, inner => inner.poll_shutdown(cx), Plain, Encrypted)
    }
}

impl TlsStream for Wire {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.stream {
            Stream::Plain(_) => ChannelBinding::none(),
            Stream::Encrypted(inner) => {
                end_point(inner.ssl()).map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
            }
        }
    }
}

/// RFC 5929, "tls-server-end-point": a digest of the server's certificate, by the algorithm of its signature. There is none for
/// Ed25519, and for RSA-PSS it is where this OpenSSL binding does not look.
fn end_point(session: &SslRef) -> Option<Vec<u8>> {
    let certificate = session.peer_certificate()?;
    let algorithms = certificate.signature_algorithm().object().nid().signature_algorithms()?;
    let digest = match algorithms.digest {
        Nid::MD5 | Nid::SHA1 => MessageDigest::sha256(),
        other => MessageDigest::from_nid(other)?,
    };
    certificate.digest(digest).ok().map(|bytes| bytes.to_vec())
}

/// Stands for a handshake that is done already, where the library wants to do one.
pub(super) struct Done;

impl TlsConnect<Wire> for Done {
    type Stream = Wire;
    type Error = io::Error;
    type Future = Ready<io::Result<Wire>>;

    fn connect(self, wire: Wire) -> Self::Future {
        std::future::ready(Ok(wire))
    }
}
