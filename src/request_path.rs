//! The path of a request that deletes or cancels one build, as a profile makes it from the columns of the build.

use std::fmt;

use crate::text::Foreign;

/// The most bytes of a path.
const MAX_LENGTH: usize = 2048;

/// A path that any server takes for the place that it names, such as `/api/v4/projects/7/pipelines/4711`: no host, no query, no way up,
/// and nothing hidden behind percent-encoding.
///
/// Text from a database is hostile until [`RequestPath::parse`] accepts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPath(String);

/// Why a text is no such path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestPathError {
    #[error("it has more than {MAX_LENGTH} bytes")]
    TooLong,
    #[error("it names a host")]
    Host,
    #[error("it does not begin with a slash")]
    NoSlash,
    #[error("it names nothing")]
    Nothing,
    #[error("it has a query or an anchor")]
    Query,
    /// Some servers drop what follows a semicolon.
    #[error("it has a semicolon: write it as %3B")]
    Semicolon,
    #[error("it contains the character {0}")]
    Character(Foreign),
    #[error("its percent-encoding is broken")]
    Percent,
    /// Nobody encodes these; a server takes `%61` for `a`, and so for another spelling of one path.
    #[error("it encodes the letter or digit {0}")]
    Plain(char),
    #[error("it encodes the character {0}")]
    Encoded(Foreign),
    #[error("it encodes bytes that are not UTF-8")]
    NotUtf8,
    #[error("a part of it is empty")]
    EmptyPart,
    #[error("a part of it is . or ..")]
    Dots,
}

impl RequestPath {
    /// Accepts a path and changes nothing in it.
    ///
    /// # Errors
    /// It is not the path of one place, or a server might take it for another one.
    pub fn parse(text: &str) -> Result<Self, RequestPathError> {
        if text.len() > MAX_LENGTH {
            return Err(RequestPathError::TooLong);
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(if text.contains("://") { RequestPathError::Host } else { RequestPathError::NoSlash });
        };
        if rest.is_empty() {
            return Err(RequestPathError::Nothing);
        }
        if rest.starts_with('/') {
            return Err(RequestPathError::Host);
        }
        if let Some(c) = rest.chars().find(|c| !is_of_path(*c)) {
            return Err(match c {
                '?' | '#' => RequestPathError::Query,
                ';' => RequestPathError::Semicolon,
                _ => RequestPathError::Character(Foreign::new(&c.to_string())),
            });
        }
        check_encoding(rest)?;
        // The path of a folder ends with a slash.
        let parts = rest.strip_suffix('/').unwrap_or(rest);
        parts.split('/').try_for_each(check_segment)?;
        Ok(Self(text.to_owned()))
    }

    /// The path, which begins with a slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a character may stand in a path (RFC 3986, section 3.3), but for the semicolon.
fn is_of_path(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~!$&'()*+,=:@%/".contains(c)
}

/// Each percent sign begins an encoded byte, and none of these is a letter or a digit.
fn check_encoding(text: &str) -> Result<(), RequestPathError> {
    for encoded in text.split('%').skip(1) {
        let byte = encoded_byte(encoded.as_bytes()).ok_or(RequestPathError::Percent)?;
        if byte.is_ascii_alphanumeric() {
            return Err(RequestPathError::Plain(byte.into()));
        }
    }
    Ok(())
}

/// Checks what a segment means to servers that decode it, and to those that decode it more than once.
fn check_segment(segment: &str) -> Result<(), RequestPathError> {
    let mut meaning = segment.to_owned();
    loop {
        if let Some(c) = meaning.chars().find(|c| c.is_control() || *c == '\\') {
            return Err(RequestPathError::Encoded(Foreign::new(&c.to_string())));
        }
        for part in meaning.split('/') {
            match part.split(';').next() {
                None | Some("") => return Err(RequestPathError::EmptyPart),
                Some("." | "..") => return Err(RequestPathError::Dots),
                Some(_) => {}
            }
        }
        let decoded = decoded(meaning.as_bytes());
        let decoded = String::from_utf8(decoded).map_err(|_| RequestPathError::NotUtf8)?;
        if decoded == meaning {
            return Ok(());
        }
        meaning = decoded;
    }
}

/// Decodes once. A percent sign that begins no byte stands for itself.
fn decoded(text: &[u8]) -> Vec<u8> {
    let (mut decoded, mut rest) = (Vec::new(), text);
    while let Some((first, others)) = rest.split_first() {
        match encoded_byte(others).filter(|_| *first == b'%') {
            Some(byte) => {
                decoded.push(byte);
                rest = &others[2..];
            }
            None => {
                decoded.push(*first);
                rest = others;
            }
        }
    }
    decoded
}

/// The byte of the two hexadecimal digits that a text begins with.
fn encoded_byte(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(0)? << 4 | digit(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_of_real_servers_are_accepted_as_they_are() {
        for path in [
            "/api/v4/projects/7/pipelines/4711",
            "/api/v0.2/jobs/12/",
            "/api/v1/repos/space%2Frepo/+/pipelines/p/executions/3",
            "/api/v1/repos/caf%C3%A9/x~y/actions/runs/7",
            "/app/rest/builds/id:7",
            "/a/100%25/@me/b%3Fc%23d/e%3Bf",
        ] {
            assert_eq!(RequestPath::parse(path).map(|path| path.to_string()).as_deref(), Ok(path));
        }
    }

    #[test]
    fn what_a_server_may_take_for_another_place_is_refused() {
        use RequestPathError as E;
        let character = |c: &str| E::Character(Foreign::new(c));
        let encoded = |c: &str| E::Encoded(Foreign::new(c));
        for (hostile, error) in [
            ("", E::NoSlash),
            ("api/1", E::NoSlash),
            (" /api/1", E::NoSlash),
            ("https://evil.example.com/api/1", E::Host),
            ("//evil.example.com/api/1", E::Host),
            ("/", E::Nothing),
            ("/api//1", E::EmptyPart),
            ("/api/1//", E::EmptyPart),
            ("/api/a%2F%2Fb/1", E::EmptyPart),
            ("/api/%2Fetc/1", E::EmptyPart),
            ("/api/x%2F/1", E::EmptyPart),
            ("/api/../1", E::Dots),
            ("/api/.", E::Dots),
            ("/..", E::Dots),
            ("/api/%2e%2E/1", E::Dots),
            ("/api/.%2e", E::Dots),
            ("/api/..%2f2", E::Dots),
            ("/api/x%2F..%2Fy/1", E::Dots),
            ("/api/%252e%252e/1", E::Dots),
            ("/api/..%3Bx/1", E::Dots),
            ("/api/..;/1", E::Semicolon),
            ("/api/x;y/1", E::Semicolon),
            ("/api/1?all=true", E::Query),
            ("/api/1#x", E::Query),
            ("/api/1\r\nHost: evil.example.com", character("\r")),
            ("/api/1\n", character("\n")),
            ("/api/ 1", character(" ")),
            ("/api\\..\\1", character("\\")),
            ("/api/\u{e9}/1", character("\u{e9}")),
            ("/api/%0a1", encoded("\n")),
            ("/api/1%00", encoded("\0")),
            ("/api/%C2%85", encoded("\u{85}")),
            ("/api/%250d", encoded("\r")),
            ("/api/..%5C1", encoded("\\")),
            ("/api/%c0%ae%c0%ae/1", E::NotUtf8),
            ("/api/%", E::Percent),
            ("/api/%2", E::Percent),
            ("/api/%zz", E::Percent),
            ("/api/%+1", E::Percent),
            ("/api/%31", E::Plain('1')),
        ] {
            assert_eq!(RequestPath::parse(hostile), Err(error), "{hostile:?}");
        }
        let longest = format!("/{}", "x".repeat(MAX_LENGTH - 1));
        assert!(RequestPath::parse(&longest).is_ok());
        assert_eq!(RequestPath::parse(&format!("{longest}x")), Err(E::TooLong));
    }

    proptest::proptest! {
        #[test]
        fn a_path_that_is_accepted_stays_as_it_is_when_a_client_resolves_it(
            text in "/([a-z.%/;\\\\?#@: ]|%2[eEfF5]|%5[cC]|\\.\\.|%0[aA]){0,12}"
        ) {
            if let Ok(path) = RequestPath::parse(&text) {
                let url = url::Url::parse("https://ci.example.com").and_then(|base| base.join(path.as_str()));
                let url = url.expect("a URL");
                proptest::prop_assert_eq!(url.as_str(), format!("https://ci.example.com{text}"));
            }
        }

        #[test]
        fn any_name_that_is_encoded_is_accepted_unless_a_server_may_misread_it(name in "[^%]{1,12}") {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            let encode = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
            let encoded: String = name.bytes().map(encode).collect();
            let mut parts = name.split('/').map(|part| part.split(';').next().unwrap_or_default());
            let is_misread = name.contains(|c: char| c.is_control() || c == '\\')
                || parts.any(|part| matches!(part, "" | "." | ".."));
            proptest::prop_assert_eq!(RequestPath::parse(&format!("/api/{encoded}/1")).is_err(), is_misread);
        }
    }
}
