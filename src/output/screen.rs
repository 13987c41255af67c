//! Text that a person reads, with colours.

use crate::text::{Foreign, no_command};

use super::terminal::{Color, Ink, paint, width};

/// A text for a person. What comes from outside drives no terminal: the only control characters are line feeds and colours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    has_colors: bool,
    text: String,
    /// The width of each line.
    widths: Vec<usize>,
    /// Whether the next text begins a line.
    is_in_line: bool,
}

impl Screen {
    pub fn new(has_colors: bool) -> Self {
        Self { has_colors, ..Self::default() }
    }

    /// A text for standard output.
    pub fn on_stdout(color: Color) -> Self {
        Self::new(color.on_stdout())
    }

    /// Adds text, which may have several lines.
    pub fn push(&mut self, ink: Ink, text: &str) {
        for (place, line) in text.split('\n').enumerate() {
            if place > 0 {
                self.end_line();
            }
            if line.is_empty() {
                continue;
            }
            let harmless = Foreign::new(line);
            // A CI's runner reads standard output too.
            let harmless = no_command(harmless.as_str());
            if !std::mem::replace(&mut self.is_in_line, true) {
                self.widths.push(0);
            }
            if let Some(latest) = self.widths.last_mut() {
                *latest += width(&harmless);
            }
            self.text += &if self.has_colors { paint(ink, &harmless) } else { harmless };
        }
    }

    /// Adds lines of the program's own, as they stand: nobody else had a hand in them, so no escape is needed.
    pub fn push_own(&mut self, text: &'static str) {
        for line in text.lines() {
            self.widths.push(width(line));
            self.text += line;
            self.text.push('\n');
        }
    }

    /// Adds a line.
    pub fn line(&mut self, ink: Ink, text: &str) {
        self.push(ink, text);
        self.end_line();
    }

    /// Ends a line.
    pub fn end_line(&mut self) {
        if !std::mem::take(&mut self.is_in_line) {
            self.widths.push(0);
        }
        self.text.push('\n');
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The rows of a terminal with so many columns that it takes.
    pub(super) fn rows(&self, columns: u16) -> usize {
        self.widths.iter().map(|width| width.div_ceil(columns.max(1).into()).max(1)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_drives_no_terminal() {
        let mut screen = Screen::new(true);
        screen.push(Ink::Good, "yes");
        screen.line(Ink::Plain, " a\u{1b}[31mb\u{9b}c");
        screen.push(Ink::Plain, "::stop-commands::x\n\n");
        assert_eq!(screen.as_str(), "\u{1b}[32myes\u{1b}[0m a\\u{1b}[31mb\\u{9b}c\n\\u{3a}:stop-commands::x\n\n");
        assert_eq!(screen.widths, [23, 23, 0]);
        assert_eq!((screen.rows(80), screen.rows(10)), (3, 7));
    }

    #[test]
    fn without_colours_there_is_no_control_character() {
        let mut screen = Screen::new(false);
        screen.line(Ink::Bad, "no\ra");
        assert_eq!(screen.as_str(), "no\\ra\n");
    }
}
