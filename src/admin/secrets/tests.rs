use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn hidden(token: &str, text: &str) -> String {
    Secrets::of(&token.into()).hide(text)
}

#[test]
fn a_token_is_hidden_in_every_spelling() {
    let token = "hunter2/very+\"secret\"&<x>";
    for spelled in [
        r#"hunter2/very+"secret"&<x>"#,
        r#"HUNTER2/very+"SECRET"&<X>"#,
        r#"hunter2\/very+\"secret\"\u0026\u003Cx\u003e"#,
        r#"hunter2/very+\x22secret\x22&\u{3c}x\u{03e}"#,
        "hunter2%2Fvery%2B%22secret%22%26%3cx%3E",
        "%68%75%6e%74%65%72%32%2f%76%65%72%79%2b%22%73%65%63%72%65%74%22%26%3c%78%3e",
        "hunter2/very+&quot;secret&quot;&amp;&lt;x&gt;",
        "hunter2&#47;very&#x2B;&#34;secret&#x00022;&#038;&lt;x&#62;",
        "hunter2%252Fvery%252B%2522secret%2522%2526%253Cx%253E",
        "hunter2\\u0025\\u0032\\u0046very%2B&quot;secret&QUOT;&amp;amp;&amp;lt;x&gt;",
        "aHVudGVyMi92ZXJ5KyJzZWNyZXQiJjx4Pg==",
        "YSBodW50ZXIyL3ZlcnkrInNlY3JldCImPHg-IQ",
        "YSBodW50ZXIyL3\r\nZlcnkrInNlY3JldCImPHg-IQ",
        "eDpodW50ZXIyL3ZlcnkrInNlY3JldCImPHg%2BIQ%3D%3D",
        "68756e746572322f766572792b2273656372657422263c783e",
    ] {
        let text = format!("no: {spelled} and more");
        assert_eq!(hidden(token, &text), "no: (redacted) and more", "{spelled}");
    }
}

#[test]
fn what_is_no_secret_is_shown() {
    for text in [
        "500 Internal Server Error: no such build",
        "value {:deleted true}, 100 % & more",
        "a key = 5, Key (id)=(7) already exists, the signature of f is (a b)",
        "https://ci.example.com/gh/acme/api/1?x=y&z=%20",
        "SGVsbG8gd29ybGQsIGhvdyBhcmUgeW91Pw==",
        "",
    ] {
        assert_eq!(hidden("hunter2-very-secret", text), text);
    }
}

#[test]
fn each_part_of_a_header_is_a_secret() {
    assert_eq!(hidden("Bearer hunter2", "got hunter2, not bearer HUNTER2"), "got (redacted), not (redacted)");
    // me:hunter2
    let token = "Basic bWU6aHVudGVyMg==";
    assert_eq!(hidden(token, "me:hunter2, hunter2; bWU6aHVudGVyMg"), "(redacted), (redacted); (redacted)");
    assert_eq!(hidden("x", "a x"), "a (redacted)");
}

#[test]
fn a_token_that_breaks_off_with_the_text_is_hidden_too() {
    assert_eq!(hidden("hunter2-very-secret", "it was hunter2-ve"), "it was (redacted)");
    let long = format!("{} hunter2-very-secret", "?sig=0123456789 ".repeat(MAX_CHARS / 16));
    let shown = hidden("hunter2-very-secret", &long);
    assert!(!shown.contains("hunte"), "{shown}");
}

#[test]
fn presigned_addresses_are_hidden() {
    let signed = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F2026&X-Amz-Signature=abcdef0123";
    for (text, shown) in [
        (format!("at https://s3/b/k?{signed}, gone"), "at https://s3/b/k?(redacted) gone"),
        (format!("\"https://s3/b/k?{signed}\"}}"), "\"https://s3/b/k?(redacted)\"}"),
        (
            format!("{{\"url\":\"https:\\/\\/s3\\/b?{}\"}}", signed.replace('&', "\\u0026")),
            "{\"url\":\"https:\\/\\/s3\\/b?(redacted)\"}",
        ),
        (
            format!("<a href=\"https://s3/b?{}\">", signed.replace('&', "&amp;").replace('=', "&#61;")),
            "<a href=\"https://s3/b?(redacted)\">",
        ),
        ("https://s3/k?AWSAccessKeyId=AKIA&Expires=1&Signature=a%2Bb= x".to_owned(), "https://s3/k?(redacted) x"),
        (
            "https://storage.googleapis.com/b?X-Goog-Date=1&x-goog-signature=00ff".to_owned(),
            "https://storage.googleapis.com/b?(redacted)",
        ),
        (
            "https://a.blob.core.windows.net/c?sv=1&sig=a%3D>".to_owned(),
            "https://a.blob.core.windows.net/c?(redacted)>",
        ),
        ("https://x.cloudfront.net/a?Key-Pair-Id=K&Policy=e".to_owned(), "https://x.cloudfront.net/a?(redacted)"),
        ("https://ci/build?circle-token=0123".to_owned(), "https://ci/build?(redacted)"),
        ("to%3Fx%3D1%26X-Amz-Signature%3Dabc%26y next".to_owned(), "to%3F(redacted) next"),
        (
            "<AWSAccessKeyId>AKIA</AWSAccessKeyId><SignatureProvided>abc=</SignatureProvided>".to_owned(),
            "<(redacted)</AWSAccessKeyId><(redacted)</SignatureProvided>",
        ),
        ("{\"X-Amz-Signature\": \"abc\", \"a\": 1}".to_owned(), "{\"(redacted)\", \"a\": 1}"),
        ("Credential=AKIA/x, Signature=00ff".to_owned(), "(redacted) (redacted)"),
    ] {
        assert_eq!(hide_presigned(&text), shown, "{text}");
    }
}

#[test]
fn no_text_takes_long_or_is_lost() {
    for text in ["%", "\\", "&", "&#", "%25", "\\\\", "token=", "?", "x-amz-signature", "\\u0025", "&amp;", "A", "A "] {
        let long = text.repeat(2 * MAX_CHARS / text.len());
        let began = std::time::Instant::now();
        let shown = hidden("%25&amp;\\token-AAAAAAAA", &long);
        assert!(shown.len() <= long.len() && began.elapsed().as_secs() < 60, "{text}: {:?}", began.elapsed());
    }
}

/// How a server may spell a token, with code that shares nothing with ours.
#[derive(Clone, Debug)]
enum Spelling {
    Case(Vec<bool>),
    /// Each character as one of several escapes.
    Json(Vec<u8>),
    Percent(Vec<u8>),
    Html(Vec<u8>),
}

impl Spelling {
    fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            vec(any::<bool>(), 1..20).prop_map(Self::Case),
            vec(any::<u8>(), 1..20).prop_map(Self::Json),
            vec(any::<u8>(), 1..20).prop_map(Self::Percent),
            vec(any::<u8>(), 1..20).prop_map(Self::Html),
        ]
    }

    fn spell(&self, text: &str) -> String {
        text.chars()
            .enumerate()
            .map(|(place, c)| match self {
                Self::Case(upper) => match upper[place % upper.len()] {
                    true => c.to_ascii_uppercase().to_string(),
                    false => c.to_ascii_lowercase().to_string(),
                },
                Self::Json(how) => match (how[place % how.len()] % 4, c) {
                    (0, _) => format!("\\u{:04x}", c as u32),
                    (1, _) => format!("\\u{:04X}", c as u32),
                    (_, '"' | '\\') => format!("\\{c}"),
                    (2, '/') => "\\/".to_owned(),
                    _ => c.to_string(),
                },
                Self::Percent(how) => match how[place % how.len()] % 3 {
                    0 => format!("%{:02x}", c as u32),
                    1 => format!("%{:02X}", c as u32),
                    _ if c.is_ascii_alphanumeric() => c.to_string(),
                    _ => format!("%{:02x}", c as u32),
                },
                Self::Html(how) => match (how[place % how.len()] % 6, c) {
                    (0, _) => format!("&#{};", c as u32),
                    (1, _) => format!("&#x{:x};", c as u32),
                    (2, _) => format!("&#X{:X};", c as u32),
                    (3, _) => format!("&#{:05};", c as u32),
                    (_, '&') => "&amp;".to_owned(),
                    (_, '<') => "&lt;".to_owned(),
                    (_, '>') => "&gt;".to_owned(),
                    (_, '"') => "&quot;".to_owned(),
                    (_, '\'') => "&apos;".to_owned(),
                    _ => c.to_string(),
                },
            })
            .collect()
    }
}

/// What stands around a token in base64.
#[derive(Clone, Debug)]
struct Base64 {
    before: Vec<u8>,
    after: Vec<u8>,
    for_urls: bool,
}

impl Base64 {
    fn any() -> impl Strategy<Value = Self> {
        (vec(any::<u8>(), 0..7), vec(any::<u8>(), 0..7), any::<bool>()).prop_map(|(before, after, for_urls)| Self {
            before,
            after,
            for_urls,
        })
    }

    fn encode(&self, text: &str) -> String {
        let encoded = base64::encode_block(&[&self.before, text.as_bytes(), &self.after].concat());
        match self.for_urls {
            true => encoded.replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned(),
            false => encoded,
        }
    }
}

/// All that somebody reads who unescapes and decodes a text again and again, by the plainest means.
fn readings(text: &str) -> Vec<String> {
    let mut all = vec![text.to_owned()];
    for round in 0..4 {
        let mut next = Vec::new();
        for text in &all {
            next.extend([unpercent(text), unjson(text), unhtml(text)]);
            if round > 0 {
                next.extend(unbase64(text));
            }
        }
        next.retain(|text| !all.contains(text));
        next.sort();
        next.dedup();
        if next.is_empty() && round > 0 {
            break;
        }
        all.extend(next);
        all.truncate(300);
    }
    all
}

fn numbered(text: &str, begin: &str, radix: u32, digits: std::ops::RangeInclusive<usize>, end: &str) -> String {
    let (mut done, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(begin) {
        done += before;
        let length = after.chars().take(*digits.end()).take_while(|c| c.is_digit(radix)).count();
        let number = u32::from_str_radix(&after[..length], radix).ok().and_then(char::from_u32);
        rest = match number {
            Some(c) if length >= *digits.start() && after[length..].starts_with(end) => {
                done.push(c);
                &after[length + end.len()..]
            }
            _ => {
                done += begin;
                after
            }
        };
    }
    done + rest
}

fn unpercent(text: &str) -> String {
    numbered(text, "%", 16, 2..=2, "")
}

fn unjson(text: &str) -> String {
    // A backslash of its own is set aside, so that it escapes nothing.
    let text = text.replace("\\\\", "\u{1}").replace("\\/", "/").replace("\\\"", "\"");
    numbered(&text, "\\u", 16, 4..=4, "").replace('\u{1}', "\\")
}

fn unhtml(text: &str) -> String {
    let text = numbered(&text.replace("&#X", "&#x"), "&#x", 16, 1..=7, ";");
    let text = numbered(&text, "&#", 10, 1..=7, ";");
    let names = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    names.iter().fold(text, |text, (name, c)| text.replace(name, c))
}

fn unbase64(text: &str) -> Vec<String> {
    let text = text.replace('-', "+").replace('_', "/");
    let runs = text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/')).filter(|run| run.len() > 3);
    let phases = runs.flat_map(|run| (0..4).map(move |skipped| &run[skipped..]));
    let decoded = phases.filter_map(|run| {
        let padded = format!("{run}{}", ["", "A==", "==", "="][run.len() % 4]);
        base64::decode_block(&padded).ok()
    });
    decoded.map(|bytes| bytes.iter().map(|byte| char::from(*byte)).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever way of writing it is put somewhere in a reply, none is left.
    #[test]
    fn no_way_of_writing_a_token_is_left(
        token in "[!-~]{8,30}",
        (before, after) in ("[ -~]{0,12}", "[ -~]{0,12}"),
        spellings in vec(Spelling::any(), 0..3),
        base64 in prop::option::of(Base64::any()),
        outside in prop::option::of(Spelling::any()),
    ) {
        let spelled = spellings.iter().fold(token.clone(), |text, spelling| spelling.spell(&text));
        let encoded = base64.as_ref().map_or(spelled.clone(), |base64| base64.encode(&spelled));
        // Base64 in another case is none any more.
        let outside = outside.filter(|spelling| base64.is_none() || !matches!(spelling, Spelling::Case(_)));
        let encoded = outside.as_ref().map_or(encoded.clone(), |spelling| spelling.spell(&encoded));
        let text = format!("{before} {encoded} {after}");
        let shown = hidden(&token, &text);
        prop_assert!(!shown.contains(&encoded), "{text:?} is shown as {shown:?}");
        let wanted = token.to_lowercase();
        for reading in readings(&shown) {
            prop_assert!(!reading.to_lowercase().contains(&wanted), "{text:?} is shown as {shown:?}, which reads {reading:?}");
        }
    }

    /// A text that holds no token and no key is shown as it is.
    #[test]
    fn nothing_else_is_hidden(text in "[a-z ,.:;%&\\\\\"0-9]{0,200}") {
        prop_assert_eq!(hidden("Q7zK-4fWm9-XvR2t", &text), text);
    }
}
