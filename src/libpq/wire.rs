//! The connection that the client library speaks through: a socket, encrypted or not, with a watch on the login.
//! It is not opened by the library, so that everything that libpq does before a login can be done.

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

/// The layer between the socket and the library.
pub(super) enum Stream {
    Plain(Socket),
    // OpenSSL reads a record in two small pieces: the buffer makes one read of them.
    Encrypted(Box<SslStream<BufReader<Socket>>>),
}

/// A connection with a watch on its login.
pub(super) struct Wire {
    stream: Stream,
    watch: LoginWatch,
}

impl Wire {
    pub(super) fn new(stream: Stream, watch: LoginWatch) -> Self {
        Self { stream, watch }
    }

    /// Refuses an offer of channel binding that cannot be taken up: the library would go on without it.
    pub(super) fn insist_on_binding(&mut self) {
        if let Stream::Encrypted(inner) = &self.stream
            && end_point(inner.ssl()).is_none()
        {
            self.watch.refuse_binding();
        }
    }
}

/// Does `$what` with the value inside.
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

/// RFC 5929, "tls-server-end-point": a digest of the server's certificate, by the algorithm of its signature. Ed25519 has none, and
/// this OpenSSL binding does not find that of RSA-PSS.
fn end_point(session: &SslRef) -> Option<Vec<u8>> {
    let certificate = session.peer_certificate()?;
    let algorithms = certificate.signature_algorithm().object().nid().signature_algorithms()?;
    let digest = match algorithms.digest {
        Nid::MD5 | Nid::SHA1 => MessageDigest::sha256(),
        other => MessageDigest::from_nid(other)?,
    };
    certificate.digest(digest).ok().map(|bytes| bytes.to_vec())
}

/// Passes for the library's TLS handshake: the wire is encrypted already.
pub(super) struct TlsAlreadyDone;

impl TlsConnect<Wire> for TlsAlreadyDone {
    type Stream = Wire;
    type Error = io::Error;
    type Future = Ready<io::Result<Wire>>;

    fn connect(self, wire: Wire) -> Self::Future {
        std::future::ready(Ok(wire))
    }
}
