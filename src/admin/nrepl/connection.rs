//! One TCP connection to an nREPL: sends and receives messages.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::admin::bencode::{DecodeError, Decoder, Dict, Value, encode};
use crate::admin::freshness::{Freshness, write_while_fresh};

/// The most bytes of one message. The answer to a deletion is only a line or two.
pub(super) const MAX_MESSAGE: usize = 1 << 20;

/// A TCP connection that carries bencode messages.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    decoder: Decoder,
}

/// Why a connection cannot be used again.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionError {
    #[error("lost connection")]
    Lost(#[source] io::Error),
    #[error(transparent)]
    Garbage(#[from] DecodeError),
}

impl Connection {
    /// # Errors
    /// The operating system cannot connect.
    pub(super) async fn open(host: &str, port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        acknowledge_at_once(&stream);
        Ok(Self { stream, decoder: Decoder::new(MAX_MESSAGE) })
    }

    /// Sends one message. If `fresh` has expired, it sends nothing and returns false.
    ///
    /// # Errors
    /// The connection is lost. The message may have arrived.
    pub(super) async fn send(
        &mut self,
        message: &[(&str, &str)],
        fresh: Option<&Freshness>,
    ) -> Result<bool, ConnectionError> {
        let bytes = |text: &str| text.as_bytes().to_vec();
        let entries = message.iter().map(|(key, value)| (bytes(key), Value::Bytes(bytes(value)))).collect();
        let mut encoded = Vec::new();
        encode(&Value::Dict(entries), &mut encoded);
        let sent = match fresh {
            Some(fresh) => write_while_fresh(&mut self.stream, &encoded, fresh).await,
            None => self.stream.write_all(&encoded).await.map(|()| true),
        };
        sent.map_err(ConnectionError::Lost)
    }

    /// Waits for the next message. It is cancel-safe.
    ///
    /// # Errors
    /// The connection is lost, or the bytes are not a message.
    pub(super) async fn receive(&mut self) -> Result<Dict, ConnectionError> {
        loop {
            match self.decoder.value()? {
                Some(Value::Dict(message)) => return Ok(message),
                Some(_) => return Err(DecodeError::Dictionary.into()),
                None => self.read().await?,
            }
        }
    }

    /// Whether the server still keeps the connection open. To send on a closed connection succeeds at first, and would make the outcome
    /// of a deletion unknown for nothing.
    pub(super) async fn is_open(&mut self) -> bool {
        tokio::select! {
            biased;
            // What comes now is a late answer. Only the end matters.
            read = self.read() => read.is_ok(),
            // The runtime polls its sockets before it returns to a task that has yielded.
            () = tokio::task::yield_now() => true,
        }
    }

    async fn read(&mut self) -> Result<(), ConnectionError> {
        let mut bytes = [0; 8192];
        let count = self.stream.read(&mut bytes).await.map_err(ConnectionError::Lost)?;
        acknowledge_at_once(&self.stream);
        if count == 0 {
            return Err(ConnectionError::Lost(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed it")));
        }
        self.decoder.feed(&bytes[..count]);
        Ok(())
    }

    /// Closes the connection without reading what the server still sends.
    pub(super) async fn shut_down(mut self) {
        let _ = self.stream.shutdown().await;
    }
}

/// nREPL writes an answer in small pieces without TCP_NODELAY, so its second piece waits for our acknowledgement of the first. Linux
/// delays that by 40 ms: 23 evaluations a second. Quick acknowledgement does not last (tcp(7), TCP_QUICKACK), so it is requested
/// after every read.
#[cfg(target_os = "linux")]
fn acknowledge_at_once(stream: &TcpStream) {
    // A failure only costs time.
    let _ = stream.set_quickack(true);
}

#[cfg(not(target_os = "linux"))]
fn acknowledge_at_once(_: &TcpStream) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Each message comes in a small write with Nagle's algorithm on, as from nREPL. A benchmark shows the 40 ms; a test can only see
    /// that the socket option is set each time.
    #[tokio::test]
    async fn each_read_requests_quick_acknowledgement() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mut connection = Connection::open("127.0.0.1", port).await.expect("a connection");
        assert!(connection.stream.nodelay().expect("a socket option"));
        let (mut server, _) = listener.accept().await.expect("a client");
        for _ in 0..50 {
            // The state that the kernel falls back to while question and answer alternate.
            connection.stream.set_quickack(false).expect("a socket option");
            assert!(!connection.stream.quickack().expect("a socket option"));
            server.write_all(b"d1:a1:be").await.expect("a client that listens");
            connection.receive().await.expect("a message");
            assert!(connection.stream.quickack().expect("a socket option"));
        }
    }
}
