//! The HTTP admin path against servers on real sockets.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Instant;

use wiremock::matchers::{any, body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::build_url::BuildUrl;

const TOKEN: &str = "hunter2-very-secret";
const BUILD: &str = "https://ci.example.com/gh/acme/api/1";

fn build() -> BuildUrl {
    BuildUrl::parse(BUILD).expect("a build")
}

fn options() -> Options {
    Options { token: Some(TOKEN.into()), timeout: Duration::from_secs(60), ..Options::default() }
}

/// A client that waits milliseconds where the real one waits seconds.
fn client(url: &str, options: Options) -> HttpClient {
    let mut client = HttpClient::new(&url.parse().expect("a URL"), options).expect("a client");
    client.retry_policy.first_wait = Duration::from_millis(1);
    client.retry_policy.longest_wait = Duration::from_secs(3);
    client
}

fn refused(url: &str, options: Options) -> AdminError {
    let error = HttpClient::new(&url.parse().expect("a URL"), options).expect_err("a client");
    assert!(error.hint().is_some(), "{error}");
    assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
    error
}

/// A server that gives these answers in turn, and expects each to be asked for.
async fn server(answers: impl IntoIterator<Item = ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    for answer in answers {
        Mock::given(any()).respond_with(answer).up_to_n_times(1).expect(1).mount(&server).await;
    }
    server
}

async fn answer_to(answers: impl IntoIterator<Item = ResponseTemplate>) -> Answer {
    let server = server(answers).await;
    let (answer, _) = settled(&mut client(&server.uri(), options())).await;
    server.verify().await;
    answer
}

/// Asks until the server is no longer busy, and returns the waits that it asked for.
async fn settled(client: &mut HttpClient) -> (Answer, Vec<Duration>) {
    let mut waits = Vec::new();
    loop {
        match client.delete(Target::at(&build()), &Freshness::for_ever()).await {
            Answer::Busy(wait, _) => waits.push(wait),
            answer => return (answer, waits),
        }
    }
}

fn status(code: u16) -> ResponseTemplate {
    ResponseTemplate::new(code)
}

/// A server that reads a request, sends these bytes and hangs up; it takes one connection only.
fn raw_server(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = [0; 4096];
        let _ = stream.read(&mut request);
        let _ = stream.write_all(bytes);
    });
    format!("http://{address}/")
}

#[tokio::test]
async fn the_request_is_a_post_with_the_url_and_the_token() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/admin/delete-build"))
        .and(header("circle-token", TOKEN))
        .and(header("content-type", "application/json"))
        .and(body_json(serde_json::json!({ "url": BUILD })))
        .respond_with(status(200).set_body_string("{\"deleted\":1}\n"))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&format!("{}/admin/delete-build", server.uri()), options());
    assert_eq!(client.describe(), format!("{}/admin/delete-build", server.uri()));
    assert_eq!(
        client.delete(Target::at(&build()), &Freshness::for_ever()).await,
        Answer::Accepted("200 OK: {\"deleted\":1}".into())
    );
    assert!(!format!("{client:?}").contains("hunter2"), "{client:?}");
}

#[tokio::test]
async fn the_token_goes_in_the_header_that_was_named() {
    let server = MockServer::start().await;
    Mock::given(header("authorization", "Bearer x")).respond_with(status(204)).expect(1).mount(&server).await;
    let options = Options { token: Some("Bearer x".into()), token_header: Some("Authorization".into()), ..options() };
    assert_eq!(
        client(&server.uri(), options).delete(Target::at(&build()), &Freshness::for_ever()).await,
        Answer::Accepted("204 No Content".into())
    );
}

#[tokio::test]
async fn each_status_has_its_meaning() {
    for (code, answer) in [
        (202, Answer::Accepted("202 Accepted".into())),
        (404, Answer::Gone("404 Not Found".into())),
        (410, Answer::Gone("410 Gone".into())),
        (401, Answer::Denied("401 Unauthorized".into())),
        (403, Answer::Denied("403 Forbidden".into())),
        (409, Answer::Refused("409 Conflict".into())),
        (422, Answer::Refused("422 Unprocessable Entity".into())),
        (304, Answer::Failed("304 Not Modified".into())),
        (400, Answer::Failed("400 Bad Request".into())),
        (500, Answer::Failed("500 Internal Server Error".into())),
        (502, Answer::Unknown("502 Bad Gateway".into())),
        (504, Answer::Unknown("504 Gateway Timeout".into())),
    ] {
        assert_eq!(answer_to([status(code)]).await, answer);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = MockServer::start().await;
    Mock::given(any()).respond_with(status(200)).expect(0).mount(&elsewhere).await;
    for code in [301, 302, 303, 307, 308] {
        let answer = answer_to([status(code).insert_header("location", elsewhere.uri())]).await;
        let Answer::Failed(text) = answer else { panic!("{answer:?}") };
        assert!(text.ends_with(&format!(" to {}, which is not followed", elsewhere.uri())), "{text}");
    }
}

#[tokio::test]
async fn what_the_server_says_is_bounded_escaped_and_without_the_token() {
    let body = format!("\u{1b}[2J{TOKEN} {}", "x".repeat(100_000));
    let answer = answer_to([status(500).set_body_string(body)]).await;
    let text = answer.text();
    assert!(text.starts_with("500 Internal Server Error: \\u{1b}[2J(redacted) xxx"), "{text}");
    assert!(text.chars().count() <= 501, "{text}");
}

#[tokio::test]
async fn a_busy_server_is_waited_for() {
    let busy = [status(429).insert_header("retry-after", "1"), status(503), status(429)];
    let answers = server(busy.into_iter().chain([status(200)])).await;
    let (answer, waits) = settled(&mut client(&answers.uri(), options())).await;
    assert_eq!(answer, Answer::Accepted("200 OK".into()));
    assert_eq!((waits.len(), waits[0]), (3, Duration::from_secs(1)));
}

#[tokio::test]
async fn a_busy_server_may_name_a_time() {
    let date = rfc2822_of(Timestamp::now() + jiff::SignedDuration::from_secs(90));
    let answers = server([status(503).insert_header("retry-after", date.as_str()), status(410)]).await;
    let mut client = client(&answers.uri(), options());
    client.retry_policy.longest_wait = Duration::from_secs(100);
    let answer = client.delete(Target::at(&build()), &Freshness::for_ever()).await;
    let wait = Duration::from_secs(30)..=Duration::from_secs(90);
    assert!(matches!(&answer, Answer::Busy(asked, _) if wait.contains(asked)), "{answer:?}");
    assert_eq!(client.delete(Target::at(&build()), &Freshness::for_ever()).await, Answer::Gone("410 Gone".into()));
}

fn rfc2822_of(time: Timestamp) -> String {
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    printer.timestamp_to_rfc9110_string(&time).expect("a date")
}

#[tokio::test]
async fn but_not_for_ever() {
    let answer = answer_to((0..7).map(|_| status(503))).await;
    assert_eq!(answer, Answer::Denied("503 Service Unavailable (waited 6 times)".into()));
    let answer = answer_to([status(429).insert_header("retry-after", "4")]).await;
    assert_eq!(answer, Answer::Denied("429 Too Many Requests (asks to wait 4 s, more than 3 s)".into()));
}

#[tokio::test]
async fn no_answer_in_time_is_unknown_and_is_not_sent_again() {
    let server = server([status(200).set_delay(Duration::from_secs(30))]).await;
    let options = Options { timeout: Duration::from_secs(2), ..options() };
    let answer = client(&server.uri(), options).delete(Target::at(&build()), &Freshness::for_ever()).await;
    assert_eq!(answer, Answer::Unknown("timeout: no answer within 2s".into()));
    assert_eq!(server.received_requests().await.map(|requests| requests.len()), Some(1));
}

#[tokio::test]
async fn a_lost_connection_is_unknown_and_is_not_sent_again() {
    for (bytes, what) in [(&b""[..], "nothing"), (b"HTTP/1.1 2", "half a line"), (b"\x15\x03\x01\0\0\0", "garbage")] {
        // The raw server takes one connection: a second try would end in Denied.
        let answer = client(&raw_server(bytes), options()).delete(Target::at(&build()), &Freshness::for_ever()).await;
        assert!(
            matches!(&answer, Answer::Unknown(text) if text.starts_with("lost connection: ")),
            "{what}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_changes_nothing() {
    let url = raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ndele");
    assert_eq!(
        client(&url, options()).delete(Target::at(&build()), &Freshness::for_ever()).await,
        Answer::Accepted("200 OK: dele".into())
    );
}

#[tokio::test]
async fn a_body_without_end_is_not_read_to_its_end() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 500 Oops\r\n\r\n");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let (begun, timeout) = (Instant::now(), Duration::from_secs(100));
    let answer =
        client(&url, Options { timeout, ..options() }).delete(Target::at(&build()), &Freshness::for_ever()).await;
    assert!(matches!(answer, Answer::Failed(_)), "{answer:?}");
    assert!(begun.elapsed() < timeout, "only the timeout ended it");
}

#[tokio::test]
async fn a_connection_that_is_closed_after_each_answer_costs_nothing() {
    let server = server((0..5).map(|_| status(200).insert_header("connection", "close"))).await;
    let client = client(&server.uri(), options());
    for _ in 0..5 {
        assert_eq!(
            client.delete(Target::at(&build()), &Freshness::for_ever()).await,
            Answer::Accepted("200 OK".into())
        );
    }
}

#[tokio::test]
async fn without_a_connection_nothing_is_sent() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let (answer, waits) = settled(&mut client(&format!("http://127.0.0.1:{port}/"), options())).await;
    assert_eq!(waits.len(), 2);
    assert!(matches!(&answer, Answer::Denied(text) if text.starts_with("cannot connect: ")), "{answer:?}");
    assert!(answer.text().contains("refused"), "{answer:?}");
}

#[test]
fn a_token_is_needed_and_has_to_fit() {
    let url = "https://ci.example.com/delete";
    for token in [None, Some("".into()), Some(" \n".into())] {
        let error = refused(url, Options { token, ..options() });
        assert!(matches!(error, AdminError::TokenMissing { .. }), "{error:?}");
        assert_eq!(error.to_string(), format!("no token for {url}"));
    }
    let error = refused(url, Options { token: Some("hunter2\r\nHost: x".into()), ..options() });
    assert!(matches!(error, AdminError::TokenUnusable), "{error:?}");
    let error = refused(url, Options { token_header: Some("Circle Token".into()), ..options() });
    assert_eq!(error.to_string(), "\"Circle Token\" is not the name of an HTTP header");
    let error = refused(url, Options { token: Some("pässwörd".into()), ..options() });
    assert!(matches!(error, AdminError::TokenUnusable), "{error:?}");
    for name in ["Host", "content-length", "TRANSFER-ENCODING", "Connection", "accept"] {
        let error = refused(url, Options { token_header: Some(name.into()), ..options() });
        assert_eq!(error.to_string(), format!("no token is sent in the header {name:?}: HTTP itself needs it"));
        assert!(error.hint().is_some_and(|hint| hint.contains("--token-header")));
    }
}

#[test]
fn plain_http_stays_on_this_machine() {
    for url in ["http://ci.example.com/", "http://10.0.0.1/", "http://[fe80::1]/", "http://localhost.example.com/"] {
        let error = refused(url, options());
        assert!(matches!(error, AdminError::PlainHttp { .. }), "{error:?}");
        assert!(error.hint().is_some_and(|hint| hint.contains("--allow-plain-http")));
        client(url, Options { allow_plain_http: true, ..options() });
    }
    for url in ["http://127.9.9.9/", "http://[::1]/", "http://localhost/", "http://LOCALHOST.:80/", "https://10.0.0.1/"]
    {
        client(url, options());
    }
}

#[test]
fn an_address_that_was_not_read_from_text_is_checked_all_the_same() {
    let error = refused("https://me:hunter2@ci.example.com/", options());
    assert_eq!(error.to_string(), "--via contains a user name or a password");
}

#[test]
fn certificates_that_cannot_be_used() {
    let directory = tempfile::tempdir().expect("a directory");
    let ca = |name: &str, content: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path
    };
    let with = |ca_file: PathBuf| refused("https://ci.example.com/", Options { ca_file: Some(ca_file), ..options() });
    assert!(matches!(with(directory.path().join("none.pem")), AdminError::CaFileRead { .. }));
    assert!(matches!(with(ca("empty.pem", "")), AdminError::CaFileEmpty { .. }));
    assert!(matches!(with(ca("text.pem", "hello")), AdminError::CaFileEmpty { .. }));
    for base64 in ["aGVsbG8=", "!"] {
        let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
        let error = with(ca("bad.pem", &pem));
        assert!(matches!(error, AdminError::CaFileInvalid { .. }), "{error:?}");
        assert!(error.to_string().contains("bad.pem"), "{error}");
    }
}
