//! Finds the secret parts of presigned URLs: whoever has the query has access.

use std::sync::LazyLock;

use super::needle::Needle;
use super::spelling::SpelledText;

/// A parameter whose name ends so has a secret value: S3 (both versions of its signature), Google, Azure, CloudFront, Aliyun, Tencent,
/// and CIs that take a token in the query.
const NAME_ENDINGS: [&str; 12] = [
    "signature",
    "credential",
    "token",
    "accesskeyid",
    "accessid",
    "key-pair-id",
    "apikey",
    "api-key",
    "api_key",
    "secret",
    "password",
    "q-ak",
];
/// A parameter of exactly this name has a secret value.
const WHOLE_NAMES: [&str; 1] = ["sig"];
/// These names also stand elsewhere, for example in S3's XML and headers.
const NAMES_ANYWHERE: [&str; 7] = [
    "x-amz-signature",
    "x-amz-credential",
    "x-amz-security-token",
    "x-goog-signature",
    "x-goog-credential",
    "awsaccesskeyid",
    "signatureprovided",
];

/// How a name must match.
#[derive(Clone, Copy, PartialEq)]
enum NameMatch {
    Ending,
    Whole,
    Anywhere,
}

static NEEDLES: LazyLock<Vec<(NameMatch, Needle)>> = LazyLock::new(|| {
    let of = |kind, names: &'static [&str]| names.iter().map(move |name| (kind, Needle::text(name)));
    of(NameMatch::Ending, &NAME_ENDINGS)
        .chain(of(NameMatch::Whole, &WHOLE_NAMES))
        .chain(of(NameMatch::Anywhere, &NAMES_ANYWHERE))
        .collect()
});

/// Finds secret queries and values: the first place and the place after the last.
pub(super) fn find(text: &SpelledText) -> Vec<(usize, usize)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < text.chars.len() {
        let value = NEEDLES.iter().find_map(|(kind, name)| {
            let end = name.end(text, at)?;
            if *kind == NameMatch::Whole && at > 0 && !text.readings_ending_at(at).any(|(c, _)| !is_name_char(c)) {
                return None;
            }
            let value = match kind {
                NameMatch::Anywhere => value_after(text, end, |c| matches!(c, '=' | ':' | '>')),
                NameMatch::Ending | NameMatch::Whole => value_after(text, end, |c| c == '='),
            };
            value.map(|value| (value, end_of_value(text, value))).filter(|(value, end)| end > value)
        });
        let Some((_, end)) = value else {
            at += 1;
            continue;
        };
        let done = found.last().map_or(0, |(_, to)| *to);
        let from = start_of_secret(text, at, done);
        found.push((from, end));
        at = end;
    }
    found
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// Whether the character ends a URL.
fn ends_url(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '<' | '>' | '`')
}

/// Where the value begins: after one of these signs, and any quotes and blanks around it.
fn value_after(text: &SpelledText, mut at: usize, is_sign: impl Fn(char) -> bool) -> Option<usize> {
    let skip = |mut at: usize| {
        while let Some((_, end)) =
            text.readings_at(at).filter(|(c, _)| matches!(c, '"' | '\'' | ' ')).max_by_key(|way| way.1)
        {
            at = end;
        }
        at
    };
    at = skip(at);
    let sign = text.readings_at(at).filter(|(c, _)| is_sign(*c)).max_by_key(|way| way.1)?;
    Some(skip(sign.1))
}

/// Where the secret begins: after the URL's question mark, or else with the name. Not before `done`.
fn start_of_secret(text: &SpelledText, name: usize, done: usize) -> usize {
    let (mut at, mut from) = (name, name);
    let mut is_name = true;
    while at > done {
        let ways: Vec<(char, usize)> = text.readings_ending_at(at).collect();
        if ways.iter().any(|(c, _)| *c == '?') {
            return at;
        }
        let Some((c, before)) = ways.into_iter().min_by_key(|(_, at)| *at) else { break };
        if ends_url(text.chars[at - 1]) || before < done {
            break;
        }
        is_name &= is_name_char(c);
        if is_name {
            from = before;
        }
        at = before;
    }
    from
}

/// Where the value ends. A percent-encoded character belongs to the value; one that JSON or HTML escapes does not.
fn end_of_value(text: &SpelledText, mut at: usize) -> usize {
    while let Some(c) = text.chars.get(at) {
        let is_over = match c {
            '\\' | '&' => text.readings_at(at).any(|(c, _)| ends_url(c)),
            c => ends_url(*c),
        };
        if is_over {
            break;
        }
        at = text.readings_at(at).map(|(_, end)| end).max().unwrap_or(at + 1);
    }
    at
}
