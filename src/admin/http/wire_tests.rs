//! What really goes over the wire, and when.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use url::Url;

use super::connections::{Connections, SendError};
use super::route::Route;
use super::*;
use crate::admin::Moment;
use crate::build_url::BuildUrl;

const LIMIT: Duration = Duration::from_secs(3);

/// A reading from before a long suspension of the machine.
fn stale_reading() -> Freshness {
    Freshness::new(Moment::now().suspended_for(LIMIT * 2), LIMIT)
}

fn build() -> BuildUrl {
    BuildUrl::parse("https://ci.example.com/gh/acme/api/1").expect("a build")
}

fn client(url: &str) -> HttpClient {
    let options = Options { token: Some("hunter2".into()), ..Options::default() };
    HttpClient::new(&url.parse().expect("a URL"), options).expect("a client")
}

/// A server that serves connections in turn, and sends all that came on each one when the client has closed it.
fn server(connections: Vec<fn(&mut TcpStream)>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/admin", listener.local_addr().expect("an address"));
    let (sender, received) = channel();
    std::thread::spawn(move || {
        for serve in connections {
            let (mut stream, _) = listener.accept().expect("a client");
            serve(&mut stream);
            let mut rest = String::new();
            let _ = stream.read_to_string(&mut rest);
            // A test that has failed no longer receives.
            let _ = sender.send(rest);
        }
    });
    (url, received)
}

/// What came on the first connection. The client's own end of it has to be able to go on meanwhile.
async fn next(received: Receiver<String>) -> String {
    let text = tokio::task::spawn_blocking(move || received.recv_timeout(Duration::from_secs(100)));
    text.await.expect("it ends").expect("a connection that ends")
}

/// Answers the request that comes.
fn answers(stream: &mut TcpStream) {
    let mut said = Vec::new();
    while !said.ends_with(b"}") {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).expect("a client");
        assert_ne!(read, 0, "the client has gone");
        said.extend_from_slice(&piece[..read]);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").expect("a client");
}

#[tokio::test]
async fn what_has_grown_old_is_not_sent_and_the_connection_is_kept_for_the_next_time() {
    let (url, received) = server(vec![answers]);
    let client = client(&url);
    for _ in 0..2 {
        let answer = client.delete(Target::at(&build()), &stale_reading()).await;
        assert!(matches!(&answer, Answer::Stale(why) if why.starts_with("not sent: ")), "{answer:?}");
    }
    // The server takes one connection only.
    assert_eq!(client.delete(Target::at(&build()), &Freshness::for_ever()).await, Answer::Accepted("200 OK".into()));
    drop(client);
    assert_eq!(next(received).await, "");
}

/// Between the last look and the write: the gate of the connection itself holds it back, and not a byte of it is on the wire.
#[tokio::test]
async fn what_grows_old_on_the_way_to_the_socket_does_not_reach_it() {
    let (url, received) = server(vec![|_| ()]);
    let url: Url = url.parse().expect("a URL");
    let connections = Connections::new(Route::new(&url, Vec::new(), false, LIMIT).expect("a route"));
    let mut connection = connections.take().await.expect("a connection");
    let request = client(url.as_str()).requests.make(&Asked::Url(&build())).expect("a request");
    let failure = connection.send(request, &stale_reading()).await;
    assert!(matches!(failure, Err(SendError::Stale)), "{failure:?}");
    drop((connection, connections));
    assert_eq!(next(received).await, "");
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_it_lay_idle_is_made_anew_and_nothing_is_sent_into_it() {
    let close = |stream: &mut TcpStream| {
        answers(stream);
        stream.shutdown(std::net::Shutdown::Write).expect("a socket");
    };
    let (url, received) = server(vec![close, answers]);
    let client = client(&url);
    assert_eq!(client.delete(Target::at(&build()), &Freshness::for_ever()).await, Answer::Accepted("200 OK".into()));
    // Until the end of the first one has come here.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(client.delete(Target::at(&build()), &Freshness::for_ever()).await, Answer::Accepted("200 OK".into()));
    assert_eq!(next(received).await, "", "sent into a connection that was closed");
}

#[tokio::test]
async fn what_a_server_says_before_it_is_asked_is_no_answer() {
    let eager = |stream: &mut TcpStream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").expect("a client");
        std::thread::sleep(Duration::from_millis(100));
    };
    let (url, _received) = server(vec![eager; 8]);
    let client = client(&url);
    let answer = client.delete(Target::at(&build()), &stale_reading()).await;
    assert!(matches!(answer, Answer::Stale(_)), "{answer:?}");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let answer = client.delete(Target::at(&build()), &Freshness::for_ever()).await;
    assert!(!matches!(answer, Answer::Gone(_)), "{answer:?}");
}

#[tokio::test]
async fn the_head_of_a_request_is_whole() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut said = [0; 4096];
        let read = stream.read(&mut said).expect("a request");
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").expect("a client");
        String::from_utf8_lossy(&said[..read]).into_owned()
    });
    let client = client(&format!("http://{address}/a%20b/delete"));
    assert_eq!(
        client.delete(Target::at(&build()), &Freshness::for_ever()).await,
        Answer::Accepted("204 No Content".into())
    );
    let said = heard.join().expect("it ends").to_lowercase();
    let (head, body) = said.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("post /a%20b/delete http/1.1"));
    let mut lines: Vec<&str> = lines.collect();
    lines.sort_unstable();
    let length = format!("content-length: {}", body.len());
    let (agent, host) = (format!("user-agent: halfbuilt/{}", env!("CARGO_PKG_VERSION")), format!("host: {address}"));
    let expected = ["accept: */*", "circle-token: hunter2", &length, "content-type: application/json", &host, &agent];
    assert_eq!(lines, expected);
    assert_eq!(body, r#"{"url":"https://ci.example.com/gh/acme/api/1"}"#);
}
