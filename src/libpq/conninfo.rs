//! Connection strings as libpq reads them: a URL or `key=value` pairs.
//! Source: PostgreSQL manual, "34.1.1. Connection Strings".

use std::collections::BTreeMap;

/// A text that is neither a URL nor `key=value` pairs. What it says holds nothing of the text, which may be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection string cannot be read: {0}")]
pub struct BadConnectionString(&'static str);

/// The settings of one connection by libpq's keywords (`host`, `port`, `dbname` ...).
pub(super) type Keywords = BTreeMap<String, String>;

/// Whether libpq takes the character for white space. A space of another kind may be part of a password.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

/// Reads a connection string of either form.
pub(super) fn parse(text: &str) -> Result<Keywords, BadConnectionString> {
    let text = text.trim_matches(is_space);
    if text.contains('\0') {
        return Err(bad("a NUL byte cannot stand in it"));
    }
    match text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://")) {
        Some(rest) => parse_url(rest),
        // A scheme stands before any pair; in a value it is only text.
        None if text.split('=').next().is_some_and(|beginning| beginning.contains("://")) => {
            Err(bad("it starts with neither postgres:// nor postgresql://"))
        }
        None => parse_pairs(text),
    }
}

/// `[user[:password]@][host[:port][,...]][/dbname][?key=value&...]`, every part percent-encoded.
fn parse_url(rest: &str) -> Result<Keywords, BadConnectionString> {
    let (credentials, rest) = split_credentials(rest)?;
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (hosts, dbname) = address.split_once('/').unwrap_or((address, ""));

    let mut keywords = Keywords::new();
    // A part that is left out before the parameters may come from a lower layer.
    let mut set = |key: &str, value: &str| -> Result<(), BadConnectionString> {
        if !value.is_empty() {
            keywords.insert(key.to_owned(), percent_decoded(value)?);
        }
        Ok(())
    };
    set("user", user)?;
    set("password", password)?;
    set("dbname", dbname)?;
    let hosts = hosts.split(',').map(host_and_port).collect::<Result<Vec<_>, _>>()?;
    let (names, ports): (Vec<&str>, Vec<&str>) = hosts.into_iter().unzip();
    if names.iter().any(|name| !name.is_empty()) {
        set("host", &names.join(","))?;
    }
    if ports.iter().any(|port| !port.is_empty()) {
        set("port", &ports.join(","))?;
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or_else(|| bad("a parameter after ? has no value"))?;
        if value.contains('=') {
            return Err(bad("a value after ? holds a = that is not written as %3D"));
        }
        // As in libpq, an empty value is a value: `?sslmode=` must not become the default.
        let (key, value) = match (percent_decoded(key)?, percent_decoded(value)?) {
            (key, value) if key == "ssl" && value == "true" => ("sslmode".to_owned(), "require".to_owned()),
            pair => pair,
        };
        keywords.insert(key, value);
    }
    Ok(keywords)
}

/// Splits at the first `@`. As in libpq a password may hold a `?`, but not where a parameter follows: otherwise a secret among the
/// parameters would pass for a name, and be shown.
fn split_credentials(rest: &str) -> Result<(&str, &str), BadConnectionString> {
    let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
    // What follows the first / or @ of a password would pass for a database or a host, which are shown.
    let raw = || bad("a / or an @ in a name or a password is not percent-encoded");
    let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
    if !address.contains('?') && path.split('?').next().is_some_and(|path| path.contains('@')) {
        return Err(raw());
    }
    // As in libpq, at the first: so a host can begin with one, which is a socket without a file.
    let Some(at) = authority.find('@') else { return Ok(("", rest)) };
    let hosts = authority[at + 1..].split('?').next().unwrap_or_default();
    if hosts.split(',').any(|host| host.rfind('@').is_some_and(|at| at > 0)) {
        return Err(raw());
    }
    if authority[..at].split_once('?').is_some_and(|(_, query)| query.contains('=')) {
        return Err(bad("a ? or an @ in it is not percent-encoded"));
    }
    Ok((&rest[..at], &rest[at + 1..]))
}

/// `[::1]:5432` is a host in brackets and a port; so is `db:5432` without them.
fn host_and_port(text: &str) -> Result<(&str, &str), BadConnectionString> {
    let Some(inner) = text.strip_prefix('[') else { return Ok(text.rsplit_once(':').unwrap_or((text, ""))) };
    match inner.split_once(']') {
        Some(("", _)) => Err(bad("[ ] holds no address")),
        Some((host, "")) => Ok((host, "")),
        Some((host, rest)) => {
            let port = rest.strip_prefix(':').ok_or_else(|| bad("after ] expected a port or the end of the host"))?;
            Ok((host, port))
        }
        None => Err(bad("a [ is not closed")),
    }
}

fn percent_decoded(text: &str) -> Result<String, BadConnectionString> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(bad("a % is not followed by two hexadecimal digits"));
        };
        if high + low == 0 {
            return Err(bad("%00 cannot stand in it"));
        }
        bytes.push((high * 16 + low) as u8);
    }
    String::from_utf8(bytes).map_err(|_| bad("a percent-encoded part is not UTF-8"))
}

/// `host=db port=5432 password='it\'s'`, white space around `=` allowed.
fn parse_pairs(text: &str) -> Result<Keywords, BadConnectionString> {
    let mut keywords = Keywords::new();
    let mut rest = text.chars().peekable();
    loop {
        while rest.next_if(|c| is_space(*c)).is_some() {}
        if rest.peek().is_none() {
            return Ok(keywords);
        }
        let mut key = String::new();
        while let Some(c) = rest.next_if(|c| *c != '=' && !is_space(*c)) {
            key.push(c);
        }
        while rest.next_if(|c| is_space(*c)).is_some() {}
        if rest.next() != Some('=') {
            // The word may be a password that was typed in the wrong place: it is not shown.
            return Err(bad("a word is not followed by = and a value"));
        }
        while rest.next_if(|c| is_space(*c)).is_some() {}
        keywords.insert(key, pair_value(&mut rest)?);
    }
}

fn pair_value(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, BadConnectionString> {
    let quoted = rest.next_if_eq(&'\'').is_some();
    let mut value = String::new();
    loop {
        match rest.next() {
            Some('\\') => value.extend(rest.next()),
            Some('\'') if quoted => return Ok(value),
            Some(c) if is_space(c) && !quoted => return Ok(value),
            Some(c) => value.push(c),
            None if quoted => return Err(bad("a quoted value is not closed")),
            None => return Ok(value),
        }
    }
}

fn bad(why: &'static str) -> BadConnectionString {
    BadConnectionString(why)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keywords(pairs: &[(&str, &str)]) -> Keywords {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn urls() {
        for (url, expected) in [
            ("postgres://", vec![]),
            ("postgresql://db/ci", vec![("host", "db"), ("dbname", "ci")]),
            (
                "postgres://ro:p%40ss%2F@db:5433/ci?sslmode=require",
                vec![
                    ("user", "ro"),
                    ("password", "p@ss/"),
                    ("host", "db"),
                    ("port", "5433"),
                    ("dbname", "ci"),
                    ("sslmode", "require"),
                ],
            ),
            ("postgres://[::1]:5433/", vec![("host", "::1"), ("port", "5433")]),
            ("postgres://%2Frun%2Fpg/ci", vec![("host", "/run/pg"), ("dbname", "ci")]),
            (
                "postgres:///ci?host=/run/pg&ssl=true",
                vec![("dbname", "ci"), ("host", "/run/pg"), ("sslmode", "require")],
            ),
            ("postgres://a:1,b:2/ci", vec![("host", "a,b"), ("port", "1,2"), ("dbname", "ci")]),
            (
                "postgres://u@[::1]:1,%2Frun:,c/ci",
                vec![("user", "u"), ("host", "::1,/run,c"), ("port", "1,,"), ("dbname", "ci")],
            ),
            (
                "postgresql://?service=ci&target_session_attrs=any",
                vec![("service", "ci"), ("target_session_attrs", "any")],
            ),
            (
                "postgres://db/?sslmode=&%73slcert=&ss%6C=tr%75e&host=",
                vec![("host", ""), ("sslmode", "require"), ("sslcert", "")],
            ),
            ("postgres://u:p@@x/ci", vec![("user", "u"), ("password", "p"), ("host", "@x"), ("dbname", "ci")]),
            ("postgres://db/a%40b?options=x@y", vec![("host", "db"), ("dbname", "a@b"), ("options", "x@y")]),
            ("postgres://u%40x:p?q@db", vec![("user", "u@x"), ("password", "p?q"), ("host", "db")]),
        ] {
            assert_eq!(parse(url).expect(url), keywords(&expected), "{url}");
        }
    }

    #[test]
    fn pairs() {
        for (text, expected) in [
            ("", vec![]),
            ("host=db port = 5433", vec![("host", "db"), ("port", "5433")]),
            (r"password='it\'s a \\ secret' user=ro", vec![("password", r"it's a \ secret"), ("user", "ro")]),
            (r"password=a\ b", vec![("password", "a b")]),
            (
                "password=a\u{a0}b\u{b}user=\u{2003}ro\u{a0}",
                vec![("password", "a\u{a0}b"), ("user", "\u{2003}ro\u{a0}")],
            ),
            ("password=a://b", vec![("password", "a://b")]),
            ("password='' dbname=ci", vec![("password", ""), ("dbname", "ci")]),
        ] {
            assert_eq!(parse(text).expect(text), keywords(&expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_text_itself() {
        for text in [
            "mysql://db/ci",
            "secret",
            "password='secret",
            "postgres://db/%zz",
            "postgres://db/%00",
            "postgres://db/ci?secret",
            "postgres://ro:/secret@db/ci",
            "postgres://ro:x/secret@db/ci?sslmode=require",
            "postgres://ro:p@secret@db/ci",
            "password=secret\0",
        ] {
            let message = parse(text).expect_err(text).to_string();
            assert!(!message.contains("secret"), "{message}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = parse(&text);
            let _ = parse(&format!("postgres://{text}"));
        }

        #[test]
        fn any_quoted_value_reads_back(value in "[^\0]*") {
            let quoted = value.replace('\\', r"\\").replace('\'', r"\'");
            let read = parse(&format!("password='{quoted}' host=db")).expect("a connection string");
            prop_assert_eq!(&read["password"], &value);
        }

        #[test]
        fn any_percent_encoded_password_reads_back(value in "[^\0]{1,20}") {
            let encoded: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let read = parse(&format!("postgres://u:{encoded}@db/ci")).expect("a connection string");
            prop_assert_eq!(&read["password"], &value);
        }
    }
}
