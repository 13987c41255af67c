//! One TCP connection to an nREPL: messages out, messages in.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::admin::bencode::{DecodeError, Decoder, Dict, Value, encode};
use crate::admin::freshness::{Freshness, write_while_fresh};

/// The most bytes of one message. The answer to a deletion is a line or two.
pub(super) const LARGEST_MESSAGE: usize = 1 << 20;

/// A TCP connection that carries bencode messages.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    decoder: Decoder,
}

/// Why a connection is of no use any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// The other side closed it, or the network did.
    #[error("lost connection")]
    Lost(#[source] io::Error),
    /// What came is no message.
    #[error(transparent)]
    Garbage(#[from] DecodeError),
}

impl Connection {
    /// Connects to a host name or an address.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) async fn open(host: &str, port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        acknowledge_at_once(&stream);
        Ok(Self { stream, decoder: Decoder::new(LARGEST_MESSAGE) })
    }

    /// Sends one message. False, and nothing is sent, where what allows it has grown too old.
    ///
    /// # Errors
    /// The connection is lost; the message may have arrived or not.
    pub(super) async fn send(
        &mut self,
        message: &[(&str, &str)],
        fresh: Option<&Freshness>,
    ) -> Result<bool, LinkError> {
        let bytes = |text: &str| text.as_bytes().to_vec();
        let entries = message.iter().map(|(key, value)| (bytes(key), Value::Bytes(bytes(value)))).collect();
        let mut encoded = Vec::new();
        encode(&Value::Dict(entries), &mut encoded);
        let sent = match fresh {
            Some(fresh) => write_while_fresh(&mut self.stream, &encoded, fresh).await,
            None => self.stream.write_all(&encoded).await.map(|()| true),
        };
        sent.map_err(LinkError::Lost)
    }

    /// Waits for the next message. Dropping the future loses no bytes.
    ///
    /// # Errors
    /// The connection is lost, or what came is no message.
    pub(super) async fn receive(&mut self) -> Result<Dict, LinkError> {
        loop {
            match self.decoder.value()? {
                Some(Value::Dict(message)) => return Ok(message),
                Some(_) => return Err(DecodeError::Dictionary.into()),
                None => self.read().await?,
            }
        }
    }

    /// Whether the other side has kept the connection open while nobody looked. Sending into a connection that it has
    /// closed succeeds at first, and would leave a deletion's outcome unknown for nothing.
    pub(super) async fn is_open(&mut self) -> bool {
        tokio::select! {
            biased;
            // What comes uncalled is a late answer; only the end matters here.
            read = self.read() => read.is_ok(),
            // The runtime looks at its sockets before it returns to a task that has yielded.
            () = tokio::task::yield_now() => true,
        }
    }

    async fn read(&mut self) -> Result<(), LinkError> {
        let mut bytes = [0; 8192];
        let count = self.stream.read(&mut bytes).await.map_err(LinkError::Lost)?;
        acknowledge_at_once(&self.stream);
        if count == 0 {
            return Err(LinkError::Lost(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed it")));
        }
        self.decoder.feed(&bytes[..count]);
        Ok(())
    }

    /// Says goodbye to the other side; what it still sends is not read.
    pub(super) async fn shut_down(mut self) {
        // It is over either way.
        let _ = self.stream.shutdown().await;
    }
}

/// nREPL writes an answer in small pieces without TCP_NODELAY, so that its second piece waits for our acknowledgement of
/// the first, which Linux delays by 40 ms: 23 evaluations a second. Quick acknowledgement is no lasting state
/// (tcp(7), TCP_QUICKACK), so it is asked for after every read.
#[cfg(target_os = "linux")]
fn acknowledge_at_once(stream: &TcpStream) {
    // Slow is better than not at all: where it fails, nothing is lost but time.
    let _ = stream.set_quickack(true);
}

#[cfg(not(target_os = "linux"))]
fn acknowledge_at_once(_: &TcpStream) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Each message comes in a small write of its own with Nagle's algorithm on, as from nREPL. That this is worth 40 ms
    /// an answer is for a benchmark to show; a test can only see that the socket is told so each time.
    #[tokio::test]
    async fn each_read_asks_for_quick_acknowledgement() {
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
