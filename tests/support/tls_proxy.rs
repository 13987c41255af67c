//! Encrypts for a PostgreSQL from the first byte on, as servers since version 17 do themselves (sslnegotiation=direct).

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use openssl::ssl::{AlpnError, SslAcceptor, SslFiletype, SslMethod, SslStream};

/// Starts one that shows `NAME.crt` and speaks with the server at a port of this machine; gives back its own port. It ends with
/// the process.
pub fn tls_proxy(certificate: &Path, server: &str, names_protocol: bool) -> u16 {
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).expect("an acceptor");
    builder.set_certificate_chain_file(certificate).expect("a certificate");
    builder.set_private_key_file(certificate.with_extension("key"), SslFiletype::PEM).expect("a key");
    if names_protocol {
        builder.set_alpn_select_callback(|_, offered| {
            openssl::ssl::select_next_proto(b"\x0apostgresql", offered).ok_or(AlpnError::ALERT_FATAL)
        });
    }
    let acceptor = builder.build();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = format!("127.0.0.1:{server}");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Ok(mut client) = acceptor.accept(stream) else { continue };
            let mut server = TcpStream::connect(&server).expect("the server answers");
            for socket in [client.get_ref(), &server] {
                socket.set_read_timeout(Some(Duration::from_millis(2))).expect("a time limit");
            }
            while pass(&mut client, &mut server) {}
        }
    });
    port
}

/// Passes on what has come from either side. False when one has ended.
fn pass(client: &mut SslStream<TcpStream>, server: &mut TcpStream) -> bool {
    let mut buffer = [0; 8192];
    let (from_client, from_server) = (read(client, &mut buffer).map(|read| server.write_all(&buffer[..read])), server);
    from_client.is_some_and(|passed| passed.is_ok())
        && read(from_server, &mut buffer).is_some_and(|read| client.write_all(&buffer[..read]).is_ok())
}

/// How much has come; `None` at the end.
fn read(from: &mut impl Read, buffer: &mut [u8]) -> Option<usize> {
    match from.read(buffer) {
        Ok(0) => None,
        Ok(read) => Some(read),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Some(0),
        Err(_) => None,
    }
}
