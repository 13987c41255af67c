//! Addresses that are a key by themselves: whoever has such a query has what it leads to.

use std::sync::LazyLock;

use super::needle::Needle;
use super::spelling::Spelled;

/// The ends of parameters' names whose value is a secret: of S3 (both versions of its signature), Google, Azure, CloudFront, Aliyun,
/// Tencent, and of CIs that take a token in the query.
const ENDS: [&str; 12] = [
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
/// The same, where the name is no longer than that.
const WHOLE: [&str; 1] = ["sig"];
/// Names that are told in other ways too, as in the XML and the headers of S3.
const ANYWHERE: [&str; 7] = [
    "x-amz-signature",
    "x-amz-credential",
    "x-amz-security-token",
    "x-goog-signature",
    "x-goog-credential",
    "awsaccesskeyid",
    "signatureprovided",
];

/// What comes behind a name.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    End,
    Whole,
    Anywhere,
}

static NEEDLES: LazyLock<Vec<(Kind, Needle)>> = LazyLock::new(|| {
    let of = |kind, names: &'static [&str]| names.iter().map(move |name| (kind, Needle::text(name)));
    of(Kind::End, &ENDS).chain(of(Kind::Whole, &WHOLE)).chain(of(Kind::Anywhere, &ANYWHERE)).collect()
});

/// Where such queries, or such values, stand.
pub(super) fn find(text: &Spelled) -> Vec<(usize, usize)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < text.chars.len() {
        let value = NEEDLES.iter().find_map(|(kind, name)| {
            let end = name.end(text, at)?;
            if *kind == Kind::Whole && at > 0 && !text.ways_to(at).any(|(c, _)| !is_of_a_name(c)) {
                return None;
            }
            let value = match kind {
                Kind::Anywhere => behind(text, end, |c| matches!(c, '=' | ':' | '>')),
                Kind::End | Kind::Whole => behind(text, end, |c| c == '='),
            };
            value.map(|value| (value, the_end(text, value))).filter(|(value, end)| end > value)
        });
        let Some((_, end)) = value else {
            at += 1;
            continue;
        };
        let done = found.last().map_or(0, |(_, to)| *to);
        let from = beginning(text, at, done);
        found.push((from, end));
        at = end;
    }
    found
}

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// What ends an address.
fn ends_it(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '<' | '>' | '`')
}

/// Where the value begins, behind one of these signs, and quotes and blanks around it.
fn behind(text: &Spelled, mut at: usize, is_sign: impl Fn(char) -> bool) -> Option<usize> {
    let skip = |mut at: usize| {
        while let Some((_, end)) = text.ways(at).filter(|(c, _)| matches!(c, '"' | '\'' | ' ')).max_by_key(|way| way.1)
        {
            at = end;
        }
        at
    };
    at = skip(at);
    let sign = text.ways(at).filter(|(c, _)| is_sign(*c)).max_by_key(|way| way.1)?;
    Some(skip(sign.1))
}

/// Where what is hidden begins: behind the address's question mark, else with the name. Not before `done`.
fn beginning(text: &Spelled, name: usize, done: usize) -> usize {
    let (mut at, mut from) = (name, name);
    let mut is_name = true;
    while at > done {
        let ways: Vec<(char, usize)> = text.ways_to(at).collect();
        if ways.iter().any(|(c, _)| *c == '?') {
            return at;
        }
        let Some((c, before)) = ways.into_iter().min_by_key(|(_, at)| *at) else { break };
        if ends_it(text.chars[at - 1]) || before < done {
            break;
        }
        is_name &= is_of_a_name(c);
        if is_name {
            from = before;
        }
        at = before;
    }
    from
}

/// Where it ends. What is percent-encoded belongs to a value; what JSON or HTML escapes does not.
fn the_end(text: &Spelled, mut at: usize) -> usize {
    while let Some(c) = text.chars.get(at) {
        let is_over = match c {
            '\\' | '&' => text.ways(at).any(|(c, _)| ends_it(c)),
            c => ends_it(*c),
        };
        if is_over {
            break;
        }
        at = text.ways(at).map(|(_, end)| end).max().unwrap_or(at + 1);
    }
    at
}
