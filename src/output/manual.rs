//! The manual: what `halfbuilt help` shows. On a terminal it is rendered; elsewhere it is plain text, and Markdown as it stands.

use std::io::{self, IsTerminal};

use super::screen::Screen;
use super::terminal::{Color, Ink, stdout_size, width};
use super::topic::render;
use super::{OutputError, show};

/// The most columns of a text that is read from left to right.
const MOST_COLUMNS: usize = 100;
/// The columns of a terminal that does not say how many it has.
const COLUMNS: usize = 80;

/// The narrowest column of meanings, on however narrow a terminal.
const LEAST_COLUMNS: usize = 20;

/// A text of the program's own for a person.
pub struct Manual {
    screen: Screen,
    has_text: bool,
    /// The columns of the terminal; `None` where standard output is none.
    columns: Option<usize>,
}

impl Manual {
    /// An empty text for standard output.
    #[must_use]
    pub fn new(color: Color) -> Self {
        let columns = || stdout_size().map_or(COLUMNS, |(_, columns)| usize::from(columns));
        let columns = io::stdout().is_terminal().then(|| columns().min(MOST_COLUMNS));
        Self { screen: Screen::on_stdout(color), has_text: false, columns }
    }

    fn begin_part(&mut self) {
        if std::mem::replace(&mut self.has_text, true) {
            self.screen.end_line();
        }
    }

    /// Adds a text that may have bold words, as clap marks them.
    pub fn add_text(&mut self, text: &str) {
        self.begin_part();
        let mut ink = Ink::Plain;
        for (place, piece) in text.split("\u{1b}[").enumerate() {
            let (style, shown) = if place == 0 { ("", piece) } else { piece.split_once('m').unwrap_or_default() };
            match style {
                "" => {}
                "0" => ink = Ink::Plain,
                _ => ink = Ink::Strong,
            }
            self.screen.push(ink, shown);
        }
    }

    /// Adds a list of words, and what each means, under a title. `width`: of the widest word of all lists.
    pub fn add_list<'a>(&mut self, title: &str, rows: impl Iterator<Item = (&'a str, &'a str)>, width: usize) {
        self.begin_part();
        self.screen.line(Ink::Strong, &format!("{title}:"));
        for (word, meaning) in rows {
            self.screen.push(Ink::Code, &format!("  {word:width$}"));
            let indent = width + 4;
            let columns = self.columns.map_or(usize::MAX, |columns| columns.saturating_sub(indent).max(LEAST_COLUMNS));
            for (place, line) in wrapped(meaning, columns).iter().enumerate() {
                let before = if place == 0 { 2 } else { indent };
                self.screen.line(Ink::Plain, &format!("{}{line}", " ".repeat(before)));
            }
        }
    }

    /// Adds a topic.
    pub fn add_markdown(&mut self, markdown: &'static str) {
        self.begin_part();
        match self.columns {
            Some(columns) => render(markdown, columns, &mut self.screen),
            None => self.screen.push_own(markdown),
        }
    }

    /// Shows it, where it is long and on a terminal through a pager.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn show(self) -> Result<(), OutputError> {
        show(&self.screen)
    }
}

/// A sentence as lines of so many columns. A longer word has a line of its own.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meaning_is_broken_between_words() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("a longer-than-that b", 8), ["a", "longer-than-that", "b"]);
        assert_eq!(wrapped("", 8), [""]);
    }
}
