//! The S3 server of the tests, and the proxy before it, do what the tests that use them take for granted.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sha::sha256;
use openssl::sign::Signer;

use crate::support::{Bucket, Fault, FaultyS3, ODD_KEYS, Stored, longest_key, request};

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
    let shown = |page: &Vec<Stored>| {
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
    proxy.assert_only_read();
    assert_eq!(proxy.requests(), [format!("GET {path}")]);
    request(proxy.port(), "DELETE", &format!("/{}/a", bucket.name), &[], "");
    assert!(std::panic::catch_unwind(|| proxy.assert_only_read()).is_err(), "it would miss a deletion");
}

/// The headers of a request for a page, signed by AWS's rules (signature version 4) with what an environment says.
fn signed(environment: &[(String, String)], port: u16, path: &str, query: &str) -> Vec<(&'static str, String)> {
    let variable = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let hmac = |key: &[u8], text: &str| {
        let key = PKey::hmac(key).expect("a key");
        let mut signer = Signer::new(MessageDigest::sha256(), &key).expect("a signer");
        signer.sign_oneshot_to_vec(text.as_bytes()).expect("a signature")
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let moment = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut headers = vec![
        ("host", format!("127.0.0.1:{port}")),
        ("x-amz-content-sha256", hex(&sha256(b""))),
        ("x-amz-date", moment.clone()),
    ];
    headers.extend(variable("AWS_SESSION_TOKEN").map(|token| ("x-amz-security-token", token)));
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let asked = format!("GET\n{path}\n{query}\n{lines}\n{names}\n{}", hex(&sha256(b"")));
    let words = [&moment[..8], &variable("AWS_REGION").expect("a region"), "s3", "aws4_request"].map(str::to_owned);
    let secret = format!("AWS4{}", variable("AWS_SECRET_ACCESS_KEY").expect("a secret")).into_bytes();
    let key = words.iter().fold(secret, |key, word| hmac(&key, word));
    let scope = words.join("/");
    let digest = hex(&sha256(asked.as_bytes()));
    let signature = hex(&hmac(&key, &format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}")));
    let id = variable("AWS_ACCESS_KEY_ID").expect("a key");
    let proof = format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
    headers.push(("Authorization", proof));
    headers
}

#[test]
fn a_good_signature_is_taken_through_the_proxy_and_each_other_is_refused_by_name() {
    let (bucket, proxy) = (Bucket::new(), FaultyS3::start(&[]));
    bucket.put("a b/1", b"x");
    let (path, query) = (format!("/{}", bucket.name), "list-type=2&prefix=a%20b%2F");
    let answer = |environment: &[(String, String)]| {
        let headers = signed(environment, proxy.port(), &path, query);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let heard = request(proxy.port(), "GET", &format!("{path}?{query}"), &headers, "");
        let text = heard.text();
        let word = |name: &str| text.split(&format!("<{name}>")).nth(1).and_then(|rest| rest.split('<').next());
        format!("{} {}", heard.status, word("Code").or_else(|| word("Key")).expect("a code or a key"))
    };
    let through = bucket.environment_through(proxy.port());
    let with = |name: &str, value: &str| {
        let mut changed: Vec<_> = through.iter().filter(|(known, _)| known != name).cloned().collect();
        changed.push((name.to_owned(), value.to_owned()));
        changed
    };
    assert_eq!(answer(&through), "200 a b/1");
    assert_eq!(answer(&bucket.session_environment()), "200 a b/1");
    assert_eq!(answer(&with("AWS_SECRET_ACCESS_KEY", "wrong")), "403 SignatureDoesNotMatch");
    assert_eq!(answer(&with("AWS_ACCESS_KEY_ID", "nobody")), "403 InvalidAccessKeyId");
    assert_eq!(answer(&with("AWS_REGION", "eu-west-1")), "400 AuthorizationHeaderMalformed");
    assert_eq!(answer(&with("AWS_SESSION_TOKEN", "wrong")), "400 InvalidToken");
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
