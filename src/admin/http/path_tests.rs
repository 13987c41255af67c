//! Requests for the path of a build, as a profile describes them.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::build_url::BuildUrl;
use crate::request_path::RequestPath;

const TOKEN: &str = "hunter2:very:secret";

fn options(headers: &[(&'static str, &'static str)]) -> Options {
    let headers: BTreeMap<&str, &str> = headers.iter().copied().collect();
    let deletion = HttpDeletion::read(&headers).expect("headers");
    Options { token: Some(TOKEN.into()), deletion, ..Options::default() }
}

/// A server that gives one answer, and the request that it got.
fn server(answer: &'static str) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (sender, received) = channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = Vec::new();
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut some = [0; 4096];
            let read = stream.read(&mut some).expect("a request");
            request.extend_from_slice(&some[..read]);
        }
        let _ = stream.write_all(answer.as_bytes());
        // A test that has failed no longer receives.
        let _ = sender.send(String::from_utf8(request).expect("UTF-8"));
    });
    (url, received)
}

const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";

/// Deletes by a path below a prefix, and returns the answer and the request, its lines in order.
async fn deleted(options: Options, prefix: &str, path: &str, answer: &'static str) -> (Answer, Vec<String>) {
    let (url, received) = server(answer);
    let client = HttpClient::new(&format!("{url}{prefix}").parse().expect("a URL"), options).expect("a client");
    let build = BuildUrl::parse("https://ci.example.com/gh/acme/api/1").expect("a build");
    let path = RequestPath::parse(path).expect("a path");
    let answer = client.delete(Target { url: &build, path: Some(&path) }, &Freshness::for_ever()).await;
    let request = received.recv().expect("a request");
    assert!(request.ends_with("\r\n\r\n"), "it has a body: {request}");
    let host = url.trim_start_matches("http://");
    assert!(request.contains(&format!("\r\nhost: {host}\r\n")), "{request}");
    (answer, request.trim_end().lines().map(str::to_owned).collect())
}

fn header<'a>(request: &'a [String], name: &str) -> Vec<&'a str> {
    let begin = format!("{name}: ");
    request.iter().filter_map(|line| line.strip_prefix(&begin)).collect()
}

#[tokio::test]
async fn the_path_is_joined_to_that_of_via_and_sent_as_it_is() {
    let path = "/api/v1/repos/a%2Fb/+/x/3/";
    for (prefix, target) in [("", ""), ("/", ""), ("/base", "/base"), ("/base/", "/base"), ("/a%20b/", "/a%20b")] {
        let (answer, request) = deleted(options(&[("delete", "DELETE")]), prefix, path, NO_CONTENT).await;
        assert_eq!(answer, Answer::Accepted("204 No Content".into()));
        assert_eq!(request[0], format!("DELETE {target}{path} HTTP/1.1"));
    }
}

#[tokio::test]
async fn a_request_without_a_body_says_so_where_a_server_expects_one() {
    for (method, length) in [("DELETE", None), ("POST", Some("0")), ("PUT", Some("0")), ("PATCH", Some("0"))] {
        let (_, request) = deleted(options(&[("delete", method)]), "", "/api/1", NO_CONTENT).await;
        assert_eq!(request[0], format!("{method} /api/1 HTTP/1.1"));
        assert_eq!(header(&request, "content-length"), length.into_iter().collect::<Vec<_>>(), "{request:?}");
        assert_eq!(header(&request, "accept"), ["application/json, */*"]);
        assert_eq!(header(&request, "circle-token"), [TOKEN]);
        assert!(header(&request, "content-type").is_empty() && header(&request, "transfer-encoding").is_empty());
    }
}

#[tokio::test]
async fn the_token_goes_where_the_profile_says_unless_the_operator_says_otherwise() {
    let base64 = openssl::base64::encode_block(TOKEN.as_bytes());
    for (token, name, value) in [
        ("PRIVATE-TOKEN", "private-token", TOKEN.to_owned()),
        ("Authorization Bearer", "authorization", format!("Bearer {TOKEN}")),
        ("Authorization token", "authorization", format!("token {TOKEN}")),
        ("Basic", "authorization", format!("Basic {base64}")),
    ] {
        let own = options(&[("delete", "DELETE"), ("token", token)]);
        let (_, request) = deleted(own.clone(), "", "/api/1", NO_CONTENT).await;
        assert_eq!(header(&request, name), [value], "{token}");
        assert!(header(&request, "circle-token").is_empty());
        let operators = Options { token_header: Some("X-Mine".into()), ..own };
        let (_, request) = deleted(operators, "", "/api/1", NO_CONTENT).await;
        assert_eq!(header(&request, "x-mine"), [TOKEN]);
        assert!(name == "x-mine" || header(&request, name).is_empty(), "{request:?}");
    }
    let word = Options { token: Some("Bearer x".into()), ..options(&[("delete", "PUT"), ("token", "A Bearer")]) };
    assert_eq!(header(&deleted(word, "", "/api/1", NO_CONTENT).await.1, "a"), ["Bearer x"]);
}

#[test]
fn basic_needs_a_name_and_a_password() {
    let url = "https://ci.example.com".parse().expect("a URL");
    let basic = || options(&[("delete", "DELETE"), ("token", "Basic")]);
    for token in ["hunter2", "Basic aHVudGVyMg=="] {
        let error = HttpClient::new(&url, Options { token: Some(token.into()), ..basic() }).expect_err("a client");
        assert!(matches!(error, AdminError::TokenNotBasic), "{error:?}");
        assert!(error.hint().is_some() && !error.to_string().contains(token), "{error}");
    }
    let two_lines = Options { token: Some("a:b\nc".into()), ..basic() };
    assert!(matches!(HttpClient::new(&url, two_lines), Err(AdminError::TokenUnusable)));
}

/// In base64 or escaped, another letter could not be recognised where a server repeats it.
#[test]
fn a_token_is_printable_ascii_in_each_form() {
    let url = "https://ci.example.com".parse().expect("a URL");
    for form in ["Basic", "X-Token", "Authorization Bearer"] {
        for token in ["u:pässwörd", "u:\u{7f}x", "u:a\tb", "u:\u{200b}x", "u:\u{ff50}"] {
            let own = options(&[("delete", "DELETE"), ("token", form)]);
            let error = HttpClient::new(&url, Options { token: Some(token.into()), ..own }).expect_err("a client");
            assert!(matches!(error, AdminError::TokenUnusable), "{form}: {error:?}");
            assert!(error.hint().is_some_and(|hint| hint.contains("ASCII")) && !error.to_string().contains(token));
        }
    }
}

#[tokio::test]
async fn a_server_that_repeats_the_token_is_not_repeated() {
    let body = format!("you are {TOKEN}, {} or secret", openssl::base64::encode_block(TOKEN.as_bytes()));
    let answer = format!("HTTP/1.1 500 Oops\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let own = options(&[("delete", "DELETE"), ("token", "Basic")]);
    let (answer, _) = deleted(own, "", "/api/1", answer.leak()).await;
    assert_eq!(
        answer,
        Answer::Failed("500 Internal Server Error: you are (redacted), (redacted) or (redacted)".into())
    );
}

#[tokio::test]
async fn the_profile_says_what_the_answers_mean() {
    let own = || options(&[("delete", "DELETE"), ("gone", "404"), ("refused", "400, 403"), ("denied", "401 500")]);
    for (answer, expected) in [
        ("200 OK", Answer::Accepted("200 OK".into())),
        ("404 x", Answer::Gone("404 Not Found".into())),
        ("400 x", Answer::Refused("400 Bad Request".into())),
        ("403 x", Answer::Refused("403 Forbidden".into())),
        ("401 x", Answer::Denied("401 Unauthorized".into())),
        ("500 x", Answer::Denied("500 Internal Server Error".into())),
        // The lists of the profile are whole.
        ("410 x", Answer::Failed("410 Gone".into())),
        ("409 x", Answer::Failed("409 Conflict".into())),
        ("502 x", Answer::Unknown("502 Bad Gateway".into())),
        ("302 x", Answer::Failed("302 Found".into())),
    ] {
        let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(deleted(own(), "", "/api/1", answer.leak()).await.0, expected);
    }
    let (answer, _) =
        deleted(own(), "", "/api/1", "HTTP/1.1 503 x\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n").await;
    assert!(matches!(answer, Answer::Busy(wait, _) if wait == Duration::from_secs(1)), "{answer:?}");
}

#[tokio::test]
async fn a_page_is_no_answer() {
    for kind in ["text/html", "TEXT/HTML; charset=utf-8", "application/xhtml+xml"] {
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: 6\r\n\r\n<html>");
        let (answer, _) = deleted(options(&[("delete", "DELETE")]), "", "/api/1", answer.leak()).await;
        assert_eq!(answer, Answer::Failed("200 OK, answered with a page: is this a login page?".into()));
    }
}

#[tokio::test]
async fn without_a_path_nothing_is_sent() {
    let client = HttpClient::new(&"http://127.0.0.1:9".parse().expect("a URL"), options(&[("delete", "DELETE")]));
    let build = BuildUrl::parse("https://ci.example.com/gh/acme/api/1").expect("a build");
    let answer = client.expect("a client").delete(Target::at(&build), &Freshness::for_ever()).await;
    assert_eq!(answer, Answer::Refused("nothing was sent: it has no path to delete it by".into()));
}
