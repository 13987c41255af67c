//! Text from outside, made harmless for a terminal or a line of a report.

/// Shows what is no plain character by its escape (`\\n`, `\\u{1b}`), so that a text can neither break a line, drive a
/// terminal, nor read other than it is. Quotes and backslashes stay: messages are made of them.
pub fn escape_controls(text: &str) -> String {
    // Nearly all texts are plain, and there may be millions of them.
    match text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        true => text.to_owned(),
        false => text.chars().flat_map(harmless).collect(),
    }
}

/// A line in which the runner of a CI finds no command of somebody else's making, for it reads all that is said: to GitHub's,
/// `::name::` is one where it begins a line and `##[name]` wherever it stands (source: actions/runner,
/// `src/Runner.Common/ActionCommand.cs`), to Azure's `##vso[name]`, to TeamCity `##teamcity[name]`.
pub fn no_command(line: &str) -> String {
    let line = line.replace("##", "#\\u{23}");
    match line.trim_start().starts_with("::") {
        true => line.replacen(':', "\\u{3a}", 1),
        false => line,
    }
}

/// Plain text without white space at the ends, and no longer than `limit` characters; what is left out is marked.
pub fn shorten(text: &str, limit: usize) -> String {
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
    shown
}

/// A number of things: `1 build`, `2 builds`.
pub fn counted(number: u64, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{ending}")
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

/// Foreign text of at most so many characters, without control characters; a word where there is none.
pub fn foreign(text: &str, limit: usize, none: &str) -> String {
    if text.trim().is_empty() { none.to_owned() } else { shorten(text, limit) }
}

fn harmless(c: char) -> impl Iterator<Item = char> {
    let plain = matches!(c, '\\' | '\'' | '"');
    plain.then_some(c).into_iter().chain((!plain).then(|| c.escape_debug()).into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_drives_a_terminal() {
        assert_eq!(escape_controls("a\x1b[31mb\n\u{9b}c\u{202e}d é \"\\"), "a\\u{1b}[31mb\\n\\u{9b}c\\u{202e}d é \"\\");
    }

    #[test]
    fn nothing_is_a_command_of_a_runner() {
        assert_eq!(no_command("a ##[add-mask]b ###c"), "a #\\u{23}[add-mask]b #\\u{23}#c");
        assert_eq!(no_command("\u{2003} ::stop-commands::x"), "\u{2003} \\u{3a}:stop-commands::x");
        assert_eq!(no_command("a::b #c"), "a::b #c");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shorten("ééé", 2), "éé…");
        assert_eq!(shorten(" ab ", 2), "ab");
        assert!(shorten(&"\u{1b}".repeat(10_000), 500).chars().count() <= 501);
    }
}
