//! JSON as the text that it is: what must not be stored is cut out of it, and what jsonb does not take is replaced.

use std::borrow::Cow;

/// A query that has one of these in it may be a key: S3 (both versions of its signature), Google, Azure, CloudFront, and servers that take a
/// token in the query.
const KEYS: [&str; 12] = [
    "signature",
    "x-amz-",
    "x-goog-",
    "credential",
    "token",
    "sig=",
    "accesskeyid",
    "key-pair-id",
    "expires",
    "secret",
    "password",
    "apikey",
];
/// Parameters whose values are keys, also without an address before them.
const NAMES: [&str; 6] = [
    "x-amz-signature=",
    "x-amz-credential=",
    "x-amz-security-token=",
    "x-goog-signature=",
    "x-goog-credential=",
    "awsaccesskeyid=",
];
/// The member whose address is presigned, whatever is in its query.
const OUTPUT_URL: &str = "\"output_url\"";
/// What stands for a character that cannot be kept.
const REPLACEMENT: &str = "\\ufffd";

/// Cuts the query off every address that may be presigned, wherever it stands in a JSON text, off every `output_url` whatever its form, and
/// cuts out keys of buckets that stand without an address. What was JSON stays JSON.
pub(super) fn cut_queries(json: String) -> String {
    // Letters of ASCII alone change, so places are the same in both.
    let lower = json.to_ascii_lowercase();
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while let Some(found) = lower[at..].find("http") {
        let begin = at + found;
        let Some(host) = after_scheme(&lower, begin) else {
            at = begin + "http".len();
            continue;
        };
        let (query, end) = extent(&lower, host);
        if let Some(query) = query.filter(|query| is_key(&lower[*query..end])) {
            cuts.push((query, end));
        }
        at = end;
    }
    for (place, _) in lower.match_indices(OUTPUT_URL) {
        if let Some(address) = value_of(&lower, place + OUTPUT_URL.len())
            && let (Some(query), _) = extent(&lower, address)
        {
            cuts.push((query, end_of_string(&lower, query)));
        }
    }
    for name in NAMES {
        for (place, _) in lower.match_indices(name) {
            let value = place + name.len();
            cuts.push((value, extent_of_value(&lower, value)));
        }
    }
    if cuts.is_empty() {
        return json;
    }
    cuts.sort_unstable();
    let (mut kept, mut done) = (String::with_capacity(json.len()), 0);
    for (from, to) in cuts {
        if from > done {
            kept.push_str(&json[done..from]);
        }
        done = done.max(to);
    }
    kept.push_str(&json[done..]);
    kept
}

/// Where the text of a member begins, whose name ends here; `None` if it is no text.
fn value_of(json: &str, name_end: usize) -> Option<usize> {
    let rest = json[name_end..].trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    Some(json.len() - rest.len())
}

/// Where a JSON string ends, in which this place is.
fn end_of_string(json: &str, from: usize) -> usize {
    let (bytes, mut at) = (json.as_bytes(), from);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    let mut end = at.min(json.len());
    while !json.is_char_boundary(end) {
        end += 1;
    }
    end
}

/// Where a value ends that stands after a name and a sign.
fn extent_of_value(json: &str, from: usize) -> usize {
    let is_of_value = |c: char| c.is_ascii_alphanumeric() || matches!(c, '%' | '-' | '_' | '.' | '~' | '+' | '/' | '=');
    from + json[from..].find(|c| !is_of_value(c)).unwrap_or(json.len() - from)
}

/// The place after `http://` or `https://`, in which a slash may be escaped.
fn after_scheme(json: &str, begin: usize) -> Option<usize> {
    let rest = &json[begin + "http".len()..];
    let colon = rest.strip_prefix('s').unwrap_or(rest).strip_prefix(':')?;
    let slash = |text: &'_ str| text.strip_prefix("\\/").or_else(|| text.strip_prefix('/')).map(str::len);
    let one = slash(colon)?;
    let two = slash(&colon[colon.len() - one..])?;
    Some(json.len() - two)
}

/// Where the query of the address begins, with its question mark, and where the address ends.
fn extent(json: &str, from: usize) -> (Option<usize>, usize) {
    let (mut query, mut at) = (None, from);
    let bytes = json.as_bytes();
    while let Some(byte) = bytes.get(at) {
        let (c, length) = match byte {
            b'\\' if bytes.get(at + 1) == Some(&b'/') => ('/', 2),
            // As a shell's command has it, before a question mark or an ampersand.
            b'\\' if bytes.get(at + 1) == Some(&b'\\') => ('\\', 2),
            b'\\' if bytes.get(at + 1) == Some(&b'u') => match unit(json, at) {
                Some(unit) => (char::from_u32(unit.into()).unwrap_or('\u{fffd}'), 6),
                None => break,
            },
            b'\\' => break,
            byte => (char::from(*byte), 1),
        };
        if c.is_ascii_whitespace() || c.is_ascii_control() || matches!(c, '"' | '\'' | '<' | '>' | '`') {
            break;
        }
        if c == '?' {
            query.get_or_insert(at);
        }
        at += length;
    }
    (query, at)
}

fn is_key(query: &str) -> bool {
    let query = query.to_lowercase();
    // A hyphen may be written as %2D, and an underscore is as good.
    let query = query.replace("%2d", "-").replace('_', "-");
    KEYS.iter().any(|key| query.contains(key)) || query.contains("api-key")
}

/// The UTF-16 unit that the escape at this place stands for.
fn unit(json: &str, at: usize) -> Option<u16> {
    let digits = json.get(at + 2..at + 6)?;
    u16::from_str_radix(digits, 16).ok().filter(|_| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// A JSON text that jsonb can take: U+FFFD stands for the character 0 and for half a surrogate pair.
/// Source: PostgreSQL manual, "8.14. JSON Types".
pub(super) fn for_jsonb(json: &str) -> Cow<'_, str> {
    let bytes = json.as_bytes();
    let mut kept: Option<String> = None;
    let (mut done, mut at) = (0, 0);
    while let Some(found) = bytes[at..].iter().position(|byte| *byte == b'\\') {
        at += found;
        if bytes.get(at + 1) != Some(&b'u') {
            // The escaped character may be the first byte of several.
            at = (at + 2).min(bytes.len());
            continue;
        }
        let follows = |at: usize| bytes.get(at..at + 2).filter(|next| *next == b"\\u").and_then(|_| unit(json, at));
        let length = match unit(json, at) {
            Some(0xD800..=0xDBFF) if matches!(follows(at + 6), Some(0xDC00..=0xDFFF)) => 12,
            Some(0 | 0xD800..=0xDFFF) => {
                let kept = kept.get_or_insert_with(|| String::with_capacity(json.len()));
                kept.push_str(&json[done..at]);
                kept.push_str(REPLACEMENT);
                done = at + 6;
                6
            }
            Some(_) => 6,
            None => 2,
        };
        at += length;
    }
    match kept {
        None => Cow::Borrowed(json),
        Some(kept) => Cow::Owned(kept + &json[done..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(json: &str) -> String {
        cut_queries(json.to_owned())
    }

    #[test]
    fn no_presigned_query_stays_wherever_it_stands() {
        for (json, expected) in [
            (
                r#"{"output_url":"https://b.example/o?X-Amz-Signature=1&b=2"}"#,
                r#"{"output_url":"https://b.example/o"}"#,
            ),
            (r#"{"output_url" : "https://b.example/o?anything"}"#, r#"{"output_url" : "https://b.example/o"}"#),
            (r#"{"url":"http:\/\/b.example\/o?sig=1"}"#, r#"{"url":"http:\/\/b.example\/o"}"#),
            (
                r#"{"x":"curl 'https://b.example/o?Expires=1&Signature=2' -o x"}"#,
                r#"{"x":"curl 'https://b.example/o' -o x"}"#,
            ),
            (r#"{"x":"https://b.example/o\u003ftoken\u003d1 and"}"#, r#"{"x":"https://b.example/o and"}"#),
            (r#"{"x":"https://b.example/o?X%2DAmz%2DCredential=1\nmore"}"#, r#"{"x":"https://b.example/o\nmore"}"#),
            (
                r#"{"x":"https://a.example https://b.example/o?api_key=1\" y"}"#,
                r#"{"x":"https://a.example https://b.example/o\" y"}"#,
            ),
        ] {
            assert_eq!(cut(json), expected);
        }
    }

    #[test]
    fn other_addresses_stay_as_they_are() {
        for json in [
            r#"{"avatar_url":"https://avatars.example/u/1?v=4"}"#,
            r#"{"x":"http, https: and http:/x?token=1"}"#,
            r#"{"compare":"https://github.com/acme/api/compare/1...2#token"}"#,
            "{}",
        ] {
            assert_eq!(cut(json), json);
        }
    }

    #[test]
    fn what_jsonb_does_not_take_is_replaced() {
        for (json, expected) in [
            (r#"["a\u0000b"]"#, r#"["a\ufffdb"]"#),
            (r#"["\\u0000"]"#, r#"["\\u0000"]"#),
            (r#"["\\\u0000"]"#, r#"["\\\ufffd"]"#),
            (r#"["\ud83d\ude00"]"#, r#"["\ud83d\ude00"]"#),
            (r#"["\ud83d x \ude00"]"#, r#"["\ufffd x \ufffd"]"#),
            (r#"["\ud83d\ud83d\ude00"]"#, r#"["\ufffd\ud83d\ude00"]"#),
            (r#"["\"é\é"]"#, r#"["\"é\é"]"#),
            (r#"["\u12"#, r#"["\u12"#),
        ] {
            assert_eq!(for_jsonb(json), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_was_json_stays_json(text in "[^\\x00]{0,40}", path in "[ -~]{0,30}") {
            let value = serde_json::json!({ "a": text, "output_url": format!("https://x.example/{path}"), "b": format!("see http://x/?{path} !") });
            let json = value.to_string();
            let cut = cut_queries(json.clone());
            let read: serde_json::Value = serde_json::from_str(&cut).expect("JSON");
            proptest::prop_assert!(!read["output_url"].as_str().expect("a text").split(['"', '\'', '<', '>', '`', ' ', '\\']).next().expect("a part").contains('?'));
            proptest::prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&for_jsonb(&json)).expect("JSON"), value);
        }

        #[test]
        fn any_text_is_taken(text in "(?s)(http|https|:|/|\\\\|u|00|d83d|\\?|\"|sig=|é|.){0,30}") {
            let _ = for_jsonb(&cut_queries(text));
        }
    }
}
