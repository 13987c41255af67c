//! The route to one address of one server: the socket, the user at its other end, the encryption.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use nix::unistd::{Uid, User};
use openssl::ssl;
use openssl::x509::X509VerifyResult;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio_openssl::SslStream;

use super::server_name;
use super::tls::{PROTOCOL, Tls};
use super::wire::{Socket, Stream};

/// An address that a socket can be opened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// The options of a socket.
#[derive(Clone, Default)]
pub(super) struct SocketOptions {
    pub(super) keepalive: Option<TcpKeepalive>,
    pub(super) user_timeout: Option<Duration>,
    /// `requirepeer`: the user who has to be at the other end of a Unix socket.
    pub(super) peer: Option<String>,
}

/// Whether to encrypt the connection.
#[derive(Clone)]
pub(super) enum Encryption {
    None,
    /// If the server has it.
    Offered(Arc<Tls>),
    Needed(Arc<Tls>),
}

/// Everything that is needed to reach the server once more.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) address: Address,
    /// The name that the server's certificate has to have.
    pub(super) name: String,
    pub(super) options: SocketOptions,
    pub(super) encryption: Encryption,
}

/// Why a route does not lead to a login.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum RouteError {
    /// The socket could not be opened.
    #[error(transparent)]
    Socket(io::Error),
    /// The server did not answer in time.
    #[error("no answer within {0:?} (connect_timeout)")]
    TimedOut(Duration),
    /// The socket belongs to another user.
    #[error("the server runs as {found}, and requirepeer is {wanted}")]
    Peer {
        /// The user that the server runs as.
        found: String,
        /// The user that was asked for.
        wanted: String,
    },
    /// The operating system does not name the user at the other end.
    #[error("the user that the server runs as is not known")]
    PeerUnknown(#[source] io::Error),
    /// The connection broke before the login.
    #[error("the connection was lost before the login")]
    Lost(#[source] io::Error),
    /// The server has no TLS.
    #[error("the server does not support TLS")]
    NoTls,
    /// The answer was neither yes nor no.
    #[error("the server did not answer the request for TLS")]
    NoAnswer,
    /// The answer has more bytes than one, which is an attack.
    #[error("the server sent plain text after its answer to the request for TLS")]
    ExtraBytes,
    /// The handshake failed.
    #[error("TLS: {error}{}", verification_text(.verified))]
    Handshake {
        /// OpenSSL's error.
        #[source]
        error: ssl::Error,
        /// Its verdict on the server's certificate.
        verified: X509VerifyResult,
    },
    /// OpenSSL could not start a session.
    #[error("TLS could not be set up")]
    Session(#[source] openssl::error::ErrorStack),
    /// The certificate belongs to another server.
    #[error("the server's certificate is not one of {0:?}: hostname mismatch")]
    Name(String),
    /// The certificate cannot be compared with a name.
    #[error("sslmode=verify-full needs the host's name")]
    NoName,
    /// With sslnegotiation=direct the server has to name its protocol.
    #[error("the server did not say that it speaks PostgreSQL inside TLS (ALPN)")]
    NoProtocol,
}

fn verification_text(verified: &X509VerifyResult) -> String {
    if *verified == X509VerifyResult::OK { String::new() } else { format!(": {verified}") }
}

impl Route {
    /// Opens the connection, up to the login. The flag says whether it is encrypted.
    pub(super) async fn open(&self) -> Result<(Stream, bool), RouteError> {
        let mut socket = self.socket().await.map_err(RouteError::Socket)?;
        self.check_peer(&socket)?;
        let (tls, needed) = match &self.encryption {
            Encryption::None => return Ok((Stream::Plain(socket), false)),
            Encryption::Offered(tls) => (tls, false),
            Encryption::Needed(tls) => (tls, true),
        };
        if !tls.direct && !request_tls(&mut socket).await? {
            return if needed { Err(RouteError::NoTls) } else { Ok((Stream::Plain(socket), false)) };
        }
        Ok((Stream::Encrypted(Box::new(self.handshake(tls, socket).await?)), true))
    }

    async fn socket(&self) -> io::Result<Socket> {
        match &self.address {
            Address::Unix(path) => UnixStream::connect(path).await.map(Socket::Unix),
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                let socket = SockRef::from(&stream);
                if let Some(keepalive) = &self.options.keepalive {
                    socket.set_tcp_keepalive(keepalive)?;
                }
                #[cfg(target_os = "linux")]
                if let Some(timeout) = self.options.user_timeout {
                    socket.set_tcp_user_timeout(Some(timeout))?;
                }
                Ok(Socket::Tcp(stream))
            }
        }
    }

    fn check_peer(&self, socket: &Socket) -> Result<(), RouteError> {
        let (Some(wanted), Socket::Unix(stream)) = (&self.options.peer, socket) else { return Ok(()) };
        let uid = stream.peer_cred().map_err(RouteError::PeerUnknown)?.uid();
        let user = User::from_uid(Uid::from_raw(uid)).map_err(|error| RouteError::PeerUnknown(error.into()))?;
        let found = user.map_or_else(|| format!("user {uid}"), |user| user.name);
        if found == *wanted { Ok(()) } else { Err(RouteError::Peer { found, wanted: wanted.clone() }) }
    }

    async fn handshake(&self, tls: &Tls, socket: Socket) -> Result<SslStream<BufReader<Socket>>, RouteError> {
        if tls.check_name && self.name.is_empty() {
            return Err(RouteError::NoName);
        }
        let session = tls.session(&self.name).map_err(RouteError::Session)?;
        let mut stream = SslStream::new(session, BufReader::new(socket)).map_err(RouteError::Session)?;
        if let Err(error) = Pin::new(&mut stream).connect().await {
            return Err(RouteError::Handshake { error, verified: stream.ssl().verify_result() });
        }
        if tls.check_name {
            let named =
                stream.ssl().peer_certificate().is_some_and(|certificate| server_name::names(&certificate, &self.name));
            if !named {
                return Err(RouteError::Name(self.name.clone()));
            }
        }
        if tls.direct && stream.ssl().selected_alpn_protocol() != Some(PROTOCOL) {
            return Err(RouteError::NoProtocol);
        }
        Ok(stream)
    }
}

/// Asks the server for TLS, by the manual's SSLRequest: a length and a code. The server answers with one byte. More plain text with it
/// is an attack, and then no fallback without TLS follows either. What comes later goes into the handshake, where it fails.
async fn request_tls(socket: &mut Socket) -> Result<bool, RouteError> {
    const REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
    socket.write_all(&REQUEST).await.map_err(RouteError::Lost)?;
    let mut answer = [0; 2];
    let length = socket.read(&mut answer).await.map_err(RouteError::Lost)?;
    match &answer[..length] {
        b"S" => Ok(true),
        b"N" => Ok(false),
        [] => Err(RouteError::Lost(io::ErrorKind::UnexpectedEof.into())),
        [b'S' | b'N', ..] => Err(RouteError::ExtraBytes),
        // The text of an error is not used: nothing has proved yet who the server is.
        _ => Err(RouteError::NoAnswer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_as_it_was_asked_for() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = Address::Tcp(listener.local_addr().expect("an address"));
        let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(77)).with_retries(5);
        let limit = Duration::from_millis(9000);
        let asked = SocketOptions { keepalive: Some(keepalive), user_timeout: Some(limit), peer: None };
        for (options, expected) in [(asked, true), (SocketOptions::default(), false)] {
            let route = Route { address: address.clone(), name: String::new(), options, encryption: Encryption::None };
            let Ok(Socket::Tcp(stream)) = route.socket().await else { panic!("no socket") };
            let socket = SockRef::from(&stream);
            assert!(stream.nodelay().expect("an option"));
            assert_eq!(socket.keepalive().expect("an option"), expected);
            assert_eq!(socket.tcp_keepalive_time().expect("an option") == Duration::from_secs(77), expected);
            assert_eq!(socket.tcp_keepalive_retries().expect("an option") == 5, expected);
            #[cfg(target_os = "linux")]
            assert_eq!(socket.tcp_user_timeout().expect("an option"), expected.then_some(limit));
        }
    }
}
