//! What a profile says of the request that deletes a build: its headers, and the path of one build.

use std::collections::BTreeMap;

use halfbuilt::http_deletion::{CodeMeaning, HEADERS, HttpDeletion};
use halfbuilt::request_path::RequestPath;

/// A path that is accepted names one place below its host, however often a server decodes it. Headers that are accepted give each code
/// one meaning. Errors are printable.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match RequestPath::parse(text) {
        Ok(path) => assert_one_place(text, path.as_str()),
        Err(error) => super::assert_error_printable(&error),
    }
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let headers: BTreeMap<&str, &str> = lines.map(|(header, value)| (header.trim(), value.trim())).collect();
    match HttpDeletion::read(&headers) {
        Ok(None) => assert!(!HEADERS.iter().any(|header| headers.contains_key(header)), "{text:?}"),
        Ok(Some(deletion)) => assert_clear(&deletion),
        Err(fault) => assert!(HEADERS.contains(&fault.header), "{fault}"),
    }
}

fn assert_one_place(text: &str, path: &str) {
    assert_eq!(text, path, "it was changed");
    assert!(path.starts_with('/') && !path.starts_with("//") && path.len() <= 2048, "{path:?}");
    let mut meaning = path.as_bytes().to_vec();
    loop {
        let text = std::str::from_utf8(&meaning).unwrap_or_else(|_| panic!("{path:?} decodes to bytes"));
        assert!(!text.contains(|c: char| c.is_control() || c == '\\'), "{path:?} decodes to {text:?}");
        let mut parts = text.strip_suffix('/').unwrap_or(text).split('/').skip(1);
        let is_odd = |part: &str| matches!(part.split(';').next(), None | Some("" | "." | ".."));
        assert!(!parts.any(is_odd), "{path:?} decodes to {text:?}");
        let decoded = decoded(&meaning);
        if decoded == meaning {
            break;
        }
        meaning = decoded;
    }
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let (mut decoded, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let digits = text.get(at + 1..at + 3).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| text[at] == b'%') {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(text[at]);
                at += 1;
            }
        }
    }
    decoded
}

fn assert_clear(deletion: &HttpDeletion) {
    let mut seen = Vec::new();
    for meaning in [CodeMeaning::Gone, CodeMeaning::Refused, CodeMeaning::Denied] {
        for code in deletion.codes_of(meaning) {
            assert!((400..600).contains(&code) && ![429, 503].contains(&code), "{code}");
            assert_eq!(deletion.meaning(code), Some(meaning));
            seen.push(code);
        }
    }
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), all, "a code has two meanings");
    if let Some(token) = &deletion.token {
        assert!(!token.name().contains(|c: char| !c.is_ascii_graphic() || c == ':'), "{token}");
    }
}
