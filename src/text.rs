//! Text from outside as messages, pages and reports show it, and the words for numbers and reasons.

use std::fmt;

pub(crate) mod bytes;
pub mod similar;

/// The longest name that is shown, in characters: of a project, a database, a column.
const NAME: usize = 120;
/// The longest URL or path that is shown, in characters.
const URL: usize = 300;
/// The longest evidence or reason that is shown, in characters.
const EVIDENCE: usize = 500;

/// Text from a database, a file or a server, to be shown and nothing else. It breaks no line, drives no terminal, and reads as
/// it is: a character that is not plain is shown by its escape (`\\n`, `\\u{1b}`). Quotes and backslashes stay.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Foreign(String);

impl Foreign {
    /// The whole text.
    pub fn new(text: &str) -> Self {
        // Nearly all texts are plain, and there may be millions of them.
        Self(match text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            true => text.to_owned(),
            false => text.chars().flat_map(harmless).collect(),
        })
    }

    /// A name of a usual length.
    pub fn name(text: &str) -> Self {
        Self::cut(text, NAME)
    }

    /// A URL or path of a usual length.
    pub fn url(text: &str) -> Self {
        Self::cut(text, URL)
    }

    /// Evidence or a reason of a usual length.
    pub fn evidence(text: &str) -> Self {
        Self::cut(text, EVIDENCE)
    }

    /// At most `limit` characters, without white space at the ends; `…` stands for what is cut.
    pub fn cut(text: &str, limit: usize) -> Self {
        let mut shown = String::new();
        let mut length = 0;
        for c in text.trim().chars() {
            length += harmless(c).count();
            if length > limit {
                shown.push('…');
                break;
            }
            shown.extend(harmless(c));
        }
        Self(shown)
    }

    /// The text, or `none` where it is blank.
    pub fn or(self, none: &str) -> Self {
        if self.0.trim().is_empty() { Self(none.to_owned()) } else { self }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl serde::Serialize for Foreign {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl From<Foreign> for String {
    fn from(text: Foreign) -> Self {
        text.0
    }
}

fn harmless(c: char) -> impl Iterator<Item = char> {
    let plain = matches!(c, '\\' | '\'' | '"');
    let byte = bytes::byte_of(c);
    let digits = byte.into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
    let escaped = byte.into_iter().flat_map(|_| ['\\', 'x']).chain(digits);
    let kept = (!plain && byte.is_none()).then(|| c.escape_debug()).into_iter().flatten();
    plain.then_some(c).into_iter().chain(escaped).chain(kept)
}

/// A line in which the runner of a CI finds no command. To GitHub's runner, `::name::` at the beginning of a line is a command, and
/// `##[name]` anywhere (source: actions/runner,
/// `src/Runner.Common/ActionCommand.cs`), to Azure's `##vso[name]`, to TeamCity `##teamcity[name]`.
pub fn no_command(line: &str) -> String {
    let line = line.replace("##", "#\\u{23}");
    match line.trim_start().starts_with("::") {
        true => line.replacen(':', "\\u{3a}", 1),
        false => line,
    }
}

/// A number of things: `1 build`, `2 builds`.
pub fn counted(number: u64, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

/// The verb for a number of things.
pub fn is_or_are(number: u64) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

/// The verb for a number of things, in the past.
pub fn was_or_were(number: u64) -> &'static str {
    if number == 1 { "was" } else { "were" }
}

/// A number, its digits in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A number of builds, its digits in groups of three: `1 build`, `100,000 builds`.
pub fn builds(number: u64) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} build{ending}", grouped(number))
}

/// What was left out, by reason, in the order in which the reasons first occur.
pub fn by_reason<What, Why: PartialEq>(left_out: impl Iterator<Item = (What, Why)>) -> Vec<(Why, Vec<What>)> {
    let mut reasons: Vec<(Why, Vec<What>)> = Vec::new();
    for (what, why) in left_out {
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, whats)) => whats.push(what),
            None => reasons.push((why, vec![what])),
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_drives_a_terminal() {
        let text = "a\x1b[31mb\n\u{9b}c\u{202e}d é \"\\";
        for shown in [Foreign::new(text), Foreign::name(text), Foreign::url(text), Foreign::evidence(text)] {
            assert_eq!(shown.to_string(), "a\\u{1b}[31mb\\n\\u{9b}c\\u{202e}d é \"\\");
            assert!(!format!("{shown:?}").contains(char::is_control));
        }
    }

    #[test]
    fn nothing_is_a_command_of_a_runner() {
        assert_eq!(no_command("a ##[add-mask]b ###c"), "a #\\u{23}[add-mask]b #\\u{23}#c");
        assert_eq!(no_command("\u{2003} ::stop-commands::x"), "\u{2003} \\u{3a}:stop-commands::x");
        assert_eq!(no_command("a::b #c"), "a::b #c");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let cut = |text: &str, limit| Foreign::cut(text, limit).to_string();
        assert_eq!(cut("ééé", 2), "éé…");
        assert_eq!(cut(" ab ", 2), "ab");
        assert!(cut(&"\u{1b}".repeat(10_000), 500).chars().count() <= 501);
        assert_eq!([" ", "\n", "x"].map(|text| Foreign::name(text).or("none").to_string()), ["none", "none", "x"]);
    }
}
