//! The S3 server of the tests, and the proxy before it, do what the tests that use them take for granted.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{Bucket, Fault, FaultyS3, ODD_KEYS, longest_key, request};

#[test]
fn a_listing_over_pages_gives_back_each_odd_key_once_and_in_order() {
    let bucket = Bucket::new();
    let plain = (0..1000).map(|number| format!("builds/{number}/output"));
    let keys: BTreeSet<String> =
        ODD_KEYS.iter().map(|key| (*key).to_owned()).chain([longest_key()]).chain(plain).collect();
    assert_eq!((keys.len(), longest_key().len()), (ODD_KEYS.len() + 1001, 1024));
    for key in &keys {
        bucket.put(key, key.as_bytes());
    }
    let pages = bucket.pages();
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [1000, keys.len() - 1000]);
    let sizes = pages.iter().flatten().map(|object| (object.key.clone(), object.size));
    let expected = keys.iter().map(|key| (key.clone(), key.len() as u64));
    assert_eq!(sizes.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    for key in ODD_KEYS {
        assert_eq!(bucket.get(key), key.as_bytes(), "{key:?}");
    }
}

#[test]
fn a_bucket_has_its_own_pages_and_times_and_knows_no_other() {
    let (bucket, other) = (Bucket::with_pages_of(2), Bucket::new());
    for key in ["c", "a", "e", "b", "d"] {
        bucket.put_at(key, b"x", "2026-11-20T02:00:00Z");
    }
    bucket.delete("d");
    bucket.put_at("e", b"xyz", "2026-11-20T02:00:01Z");
    let pages = bucket.pages();
    let shown = |page: &Vec<crate::support::Stored>| {
        page.iter().map(|object| format!("{} {} {}", object.key, object.size, object.last_modified)).collect::<Vec<_>>()
    };
    let at_t = |key: &str| format!("{key} 1 2026-11-20T02:00:00.000Z");
    let last = "e 3 2026-11-20T02:00:01.000Z".to_owned();
    assert_eq!(pages.iter().map(shown).collect::<Vec<_>>(), [vec![at_t("a"), at_t("b")], vec![at_t("c"), last]]);
    assert_eq!(other.keys(), Vec::<String>::new());
}

#[test]
fn who_does_not_sign_is_refused_through_the_proxy_too() {
    let (bucket, proxy) = (Bucket::new(), FaultyS3::start(&[]));
    let path = format!("/{}?list-type=2", bucket.name);
    let unsigned = request(proxy.port(), "GET", &path, &[], "");
    assert_eq!(unsigned.status, 403, "{}", unsigned.text());
    let scope = "Credential=nobody/20261120/us-east-1/s3/aws4_request";
    let header = format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature={}", "0".repeat(64));
    let unknown = request(proxy.port(), "GET", &path, &[("Authorization", &header)], "");
    assert!(unknown.text().contains("<Code>InvalidAccessKeyId</Code>"), "{}", unknown.text());
    proxy.assert_only_read();
    assert_eq!(proxy.requests(), [format!("GET {path}"), format!("GET {path}")]);
    request(proxy.port(), "DELETE", &format!("/{}/a", bucket.name), &[], "");
    assert!(std::panic::catch_unwind(|| proxy.assert_only_read()).is_err(), "it would miss a deletion");
}

/// The order of the keys on a page, as text.
fn keys(page: &str) -> Vec<&str> {
    page.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()).collect()
}

#[test]
fn each_fault_spoils_the_listings_that_were_chosen_and_no_others() {
    let bucket = Bucket::with_pages_of(3);
    for key in ["a", "b", "c", "d"] {
        bucket.put(key, b"x");
    }
    let proxy = FaultyS3::start(&[
        (2..=3, Fault::SlowDown),
        (4..=4, Fault::ExpiredToken),
        (5..=5, Fault::AccessDenied),
        (6..=6, Fault::OtherRegion),
        (7..=7, Fault::Html),
        (8..=8, Fault::Cut),
        (9..=9, Fault::HalfDocument),
        (10..=10, Fault::NoToken),
        (11..=11, Fault::OutOfOrder),
        (12..=12, Fault::FirstPageAgain),
        (13..=13, Fault::Silence),
    ]);
    let next = || bucket.page(proxy.port(), "");
    let good = next();
    assert_eq!((good.status, keys(&good.text())), (200, vec!["a", "b", "c"]));
    for (status, code) in
        [(503, "SlowDown"), (503, "SlowDown"), (400, "ExpiredToken"), (403, "AccessDenied"), (301, "PermanentRedirect")]
    {
        // What is no listing is not counted, nor spoiled.
        let object = request(proxy.port(), "GET", &format!("/{}/a", bucket.name), &[("X-Fixture", "let me in")], "");
        assert_eq!((object.status, object.text().as_str()), (200, "x"));
        let heard = next();
        assert_eq!(heard.status, status);
        assert!(heard.text().contains(&format!("<Code>{code}</Code>")), "{}", heard.text());
    }
    let html = next();
    assert_eq!((html.status, html.header("content-type")), (200, "text/html"));
    let (cut, half) = (next(), next());
    assert_eq!(cut.header("content-length"), good.header("content-length"));
    assert_eq!((cut.body.len(), half.body.len()), (good.body.len() / 2, good.body.len() / 2));
    assert_eq!(half.header("content-length"), half.body.len().to_string());
    let no_token = next().text();
    assert!(no_token.contains("<IsTruncated>true<") && !no_token.contains("NextContinuationToken"), "{no_token}");
    assert_eq!(keys(&next().text()), ["c", "b", "a"]);
    // Asked for the rest, it gives the beginning.
    assert_eq!(bucket.page(proxy.port(), "&start-after=c").body, good.body);
    let mut silent = TcpStream::connect(("127.0.0.1", proxy.port())).expect("it listens");
    write!(silent, "GET /{}?list-type=2 HTTP/1.1\r\nX-Fixture: let me in\r\n\r\n", bucket.name).expect("it reads");
    silent.set_read_timeout(Some(Duration::from_millis(300))).expect("a time limit");
    assert!(silent.read(&mut [0]).is_err(), "it says nothing, and does not hang up");
    assert_eq!(next().body, good.body);
    assert_eq!(proxy.listings(), 14);
    let head = request(proxy.port(), "HEAD", &format!("/{}/a", bucket.name), &[("X-Fixture", "let me in")], "");
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "1", 0));
    proxy.assert_only_read();
}
