//! The header lines of a profile or rule file: `-- key: value`.

use std::collections::BTreeMap;
use std::fmt;

use crate::text::Foreign;

/// A fault in a profile or rule file, with its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {fault}")]
pub struct FileFault {
    /// The file, or the name of a built-in one.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong and what was expected.
    pub fault: Foreign,
    /// The help topic that says how it is written.
    pub topic: &'static str,
}

/// The help topic on profiles and rules.
pub(super) const PROFILES: &str = "profiles";

/// A file while it is read: its name for messages and its lines.
pub(super) struct SqlFile<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

/// A header line: `-- key: value`.
pub(super) struct Header<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a str,
}

impl<'a> SqlFile<'a> {
    /// The lines, counted from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &'a str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// A fault of this file.
    pub(super) fn fault(&self, line: usize, fault: impl fmt::Display) -> FileFault {
        let fault = Foreign::evidence(&fault.to_string());
        FileFault { file: self.name.to_owned(), line, fault, topic: PROFILES }
    }
}

/// Reads a line as a header with one of `keys`. Any other comment is prose.
pub(super) fn header<'a>(line: &'a str, keys: &[&str]) -> Option<Header<'a>> {
    let (key, value) = line.strip_prefix("--")?.split_once(':')?;
    let key = key.trim();
    keys.contains(&key).then(|| Header { key, value: value.trim() })
}

/// The header lines of a profile.
pub(super) struct Head<'a> {
    pub(super) source: &'a SqlFile<'a>,
    pub(super) head: &'a BTreeMap<&'a str, (usize, &'a str)>,
}

impl Head<'_> {
    /// Reads one of them, if it is there.
    pub(super) fn read<Value>(
        &self,
        key: &str,
        read: impl Fn(&str) -> Result<Value, String>,
    ) -> Result<Option<Value>, FileFault> {
        let found = self.head.get(key);
        found.map(|(line, value)| read(value).map_err(|fault| self.source.fault(*line, fault))).transpose()
    }
}

/// The lifecycles that a build can have.
pub(super) const LIFECYCLES: [&str; 6] = ["queued", "held", "not_run", "not_running", "running", "finished"];

/// Reads a list of lifecycles.
pub(super) fn lifecycles(words: &str) -> Result<Vec<String>, String> {
    let words: Vec<String> = words.split(',').map(|word| word.trim().to_owned()).collect();
    match words.iter().find(|word| !LIFECYCLES.contains(&word.as_str())) {
        None => Ok(words),
        Some(word) => Err(format!("lifecycle {word:?}: expected {}", LIFECYCLES.join(", "))),
    }
}

/// Whether a line holds SQL, not just white space or a comment.
pub(super) fn holds_sql(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with("--")
}

/// Whether a name can stand in a report, a flag and a file name alike.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    !text.is_empty() && text.chars().all(plain)
}

/// A statement without the semicolon that ends it in psql, and without what follows that is only comment.
pub(super) fn without_semicolon(sql: &str) -> &str {
    let mut end = sql.trim_end();
    while let Some(last) = end.lines().last() {
        if holds_sql(last) {
            break;
        }
        end = end[..end.len() - last.len()].trim_end();
    }
    end.strip_suffix(';').unwrap_or(end).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_keys_are_headers() {
        let found = |line| header(line, &["rule", "title"]).map(|header| (header.key, header.value));
        assert_eq!(found("-- rule: stuck-running"), Some(("rule", "stuck-running")));
        assert_eq!(found("--title:a: b"), Some(("title", "a: b")));
        assert_eq!(found("-- why: it hangs"), None);
        assert_eq!(found("SELECT 1 -- rule: x"), None);
    }

    #[test]
    fn the_last_semicolon_goes() {
        for (sql, expected) in [
            ("SELECT 1;", "SELECT 1"),
            ("SELECT 1 ;\n\n-- that is all\n", "SELECT 1"),
            ("SELECT ';'", "SELECT ';'"),
            ("-- nothing", ""),
        ] {
            assert_eq!(without_semicolon(sql), expected, "{sql}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_cut_without_panic(text in ".*") {
            let _ = without_semicolon(&text);
            let _ = header(&text, &["rule"]);
        }
    }
}
