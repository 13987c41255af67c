//! What a terminal can show: colours, and how large it is.

use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};

use console::{Style, Term, measure_text_width};

/// What gives a word its colour.
type Paint = fn(Style) -> Style;

/// The beginnings of a message that get a colour.
const MESSAGES: [(&str, Paint); 4] = [
    ("error:", |style| style.red().bold()),
    ("warning:", |style| style.yellow().bold()),
    ("hint:", |style| style.cyan().bold()),
    ("next:", |style| style.green().bold()),
];

/// Whether output has colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    pub fn on_stdout(self) -> bool {
        self.is_on(io::stdout().is_terminal(), |name| env::var_os(name))
    }

    pub fn on_stderr(self) -> bool {
        self.is_on(io::stderr().is_terminal(), |name| env::var_os(name))
    }

    /// Sources: no-color.org; bixense.com/clicolors.
    fn is_on<V: AsRef<OsStr>>(self, is_terminal: bool, variable: impl Fn(&str) -> Option<V>) -> bool {
        let is_set = |name: &str| variable(name).is_some_and(|value| !value.as_ref().is_empty());
        let is = |name: &str, word: &str| variable(name).is_some_and(|value| value.as_ref() == word);
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto if is_set("NO_COLOR") => false,
            Self::Auto if is_set("CLICOLOR_FORCE") && !is("CLICOLOR_FORCE", "0") => true,
            Self::Auto => is_terminal && !is("TERM", "dumb") && !is("CLICOLOR", "0"),
        }
    }
}

/// Colours the word that begins a message. The text itself has no control characters.
pub(super) fn paint_message(text: &str) -> String {
    for (begin, style) in MESSAGES {
        if let Some(rest) = text.strip_prefix(begin) {
            return format!("{}{rest}", style(Style::new().force_styling(true)).apply_to(begin));
        }
    }
    text.to_owned()
}

/// What comes before a line on a terminal: it removes a progress bar, which is drawn again below the line.
pub(super) fn before_a_line() -> &'static str {
    // Source: ECMA-48, carriage return and erase in line.
    let is_terminal = io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|kind| kind != "dumb");
    if is_terminal { "\r\u{1b}[2K" } else { "" }
}

/// How a piece of text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    Plain,
    /// A heading, or a word that counts.
    Strong,
    Good,
    Bad,
    /// What matters less.
    Faint,
    /// A command to be typed, or another text to be taken letter for letter.
    Code,
}

/// Colours a text, which has no control characters.
pub(super) fn paint(ink: Ink, text: &str) -> String {
    let style = Style::new().force_styling(true);
    let style = match ink {
        Ink::Plain => return text.to_owned(),
        Ink::Strong => style.bold(),
        Ink::Good => style.green(),
        Ink::Bad => style.red(),
        Ink::Faint => style.dim(),
        Ink::Code => style.cyan(),
    };
    style.apply_to(text).to_string()
}

/// The columns of a terminal that a text takes.
pub(super) fn width(text: &str) -> usize {
    measure_text_width(text)
}

/// The rows and columns of the terminal on standard output. Where it does not know them, LINES and COLUMNS say.
pub(super) fn stdout_size() -> Option<(u16, u16)> {
    Term::stdout().size_checked().or_else(|| Some((number("LINES")?, number("COLUMNS")?)))
}

/// The columns of the terminal on standard output; of another output as COLUMNS says.
pub(super) fn stdout_columns() -> Option<u16> {
    Term::stdout().size_checked().map(|(_, columns)| columns).or_else(|| number("COLUMNS"))
}

fn number(variable: &str) -> Option<u16> {
    env::var(variable).ok()?.parse().ok().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(is_terminal: bool, variables: &[(&str, &'static str)]) -> bool {
        Color::Auto.is_on(is_terminal, |name| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| *value)
        })
    }

    #[test]
    fn a_terminal_has_colours_and_the_environment_may_change_that() {
        assert!(auto(true, &[]) && auto(true, &[("NO_COLOR", "")]) && auto(true, &[("TERM", "xterm")]));
        assert!(!auto(false, &[]) && !auto(true, &[("NO_COLOR", "1")]) && !auto(true, &[("TERM", "dumb")]));
        assert!(auto(false, &[("CLICOLOR_FORCE", "1")]) && !auto(false, &[("CLICOLOR_FORCE", "0")]));
        assert!(!auto(true, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]) && !auto(true, &[("CLICOLOR", "0")]));
        assert!(Color::Always.is_on(false, |_| Some("1")) && !Color::Never.is_on(true, |_| Some("1")));
    }

    #[test]
    fn only_the_first_word_of_a_message_has_a_colour() {
        assert_eq!(paint_message("hint: an error: x"), "\u{1b}[36m\u{1b}[1mhint:\u{1b}[0m an error: x");
        assert_eq!(paint_message("an error: x"), "an error: x");
    }
}
