//! A small HTTP server on loopback, which answers as a test says: for what a checklist asks.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use openssl::ssl::{SslAcceptor, SslMethod};

/// Answers a request: its method with its path, and its head.
type Answerer = Box<dyn Fn(&str, &str) -> SiteAnswer + Send + Sync>;

/// What is answered.
pub enum SiteAnswer {
    /// A status, more header lines, and a body.
    With(u16, String, Vec<u8>),
    /// The same with status 200, and no more than half of the body that it promises.
    Cut(String, Vec<u8>),
    /// A body without an end: it goes on until nobody reads it any more.
    Endless,
    /// Nothing: the connection stays open.
    Silence,
}

impl SiteAnswer {
    pub fn text(status: u16, body: &str) -> Self {
        Self::With(status, String::new(), body.as_bytes().to_vec())
    }
}

/// It goes with the test program.
pub struct Site {
    pub port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Site {
    /// A server that speaks plain HTTP.
    pub fn start(answer: impl Fn(&str, &str) -> SiteAnswer + Send + Sync + 'static) -> Self {
        Self::serve(Box::new(answer), None)
    }

    /// The same with TLS: a key and a certificate, in PEM.
    pub fn start_tls(key: &[u8], certificate: &[u8]) -> Self {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).expect("TLS");
        let key = openssl::pkey::PKey::private_key_from_pem(key).expect("a key");
        acceptor.set_private_key(&key).expect("a key");
        acceptor.set_certificate(&openssl::x509::X509::from_pem(certificate).expect("one")).expect("a certificate");
        Self::serve(Box::new(|_, _| SiteAnswer::text(200, "")), Some(acceptor.build()))
    }

    fn serve(answer: Answerer, tls: Option<SslAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&heard), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer, tls) = (Arc::clone(&log), Arc::clone(&answer), tls.clone());
                std::thread::spawn(move || match tls {
                    None => converse(stream, &log, &answer),
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream) {
                            converse(stream, &log, &answer);
                        }
                    }
                });
            }
        });
        Self { port, heard }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Method, path and head of each request.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("a lock").clone()
    }
}

fn converse(mut stream: impl Read + Write, log: &Mutex<Vec<String>>, answer: &Answerer) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    log.lock().expect("a lock").push(head.clone());
    let request = head.lines().next().unwrap_or_default();
    let request = request.rsplit_once(' ').map_or(request, |(request, _)| request).to_owned();
    match answer(&request, &head) {
        SiteAnswer::With(status, headers, body) => {
            // An answer to HEAD says how long the body would be.
            let sent = if request.starts_with("HEAD ") { 0 } else { body.len() };
            send(&mut stream, status, &headers, body.len(), &body[..sent]);
        }
        SiteAnswer::Cut(headers, body) => send(&mut stream, 200, &headers, body.len(), &body[..body.len() / 2]),
        SiteAnswer::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 x\r\nConnection: close\r\n\r\n");
            while stream.write_all(&[b'x'; 1 << 16]).is_ok() {}
        }
        // Until the other side has had enough.
        SiteAnswer::Silence => drop(stream.read(&mut [0])),
    }
}

fn send(stream: &mut impl Write, status: u16, headers: &str, length: usize, body: &[u8]) {
    let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
    // Who has gone needs no answer.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

/// Nothing listens there any more.
pub fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    // A connection that was made keeps the port from being given to another test at once.
    let _client = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    let _server = listener.accept().expect("a connection");
    port
}
