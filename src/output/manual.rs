//! The manual: what `halfbuilt help` shows. On a terminal it is rendered; elsewhere it is plain text and Markdown as it stands.

use std::io::{self, IsTerminal, Write};

use console::Style;

use super::terminal::{Color, stdout_size};
use super::topic::render;
use super::{OutputError, OutputFile};

/// The most columns of a text that is read from left to right.
const MOST_COLUMNS: usize = 100;
/// The columns of a terminal that does not say how many it has.
const COLUMNS: usize = 80;

/// A text of the program's own for a person.
pub struct Manual {
    text: String,
    /// The width of the terminal; `None` where standard output is none.
    terminal: Option<usize>,
    has_styles: bool,
}

impl Manual {
    /// An empty text for standard output.
    #[must_use]
    pub fn new(color: Color) -> Self {
        let columns = || stdout_size().map_or(COLUMNS, |(_, columns)| usize::from(columns));
        let terminal = io::stdout().is_terminal().then(|| columns().min(MOST_COLUMNS));
        Self { text: String::new(), terminal, has_styles: color.on_stdout() }
    }

    fn begin_part(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// Adds a text that exists with and without styles.
    pub fn add_styled(&mut self, styled: &str, plain: &str) {
        self.begin_part();
        self.text.push_str(if self.has_styles { styled } else { plain });
    }

    /// Adds a list of words, and what each means, under a title. `width`: of the widest word of all lists.
    pub fn add_list<'a>(&mut self, title: &str, rows: impl Iterator<Item = (&'a str, &'a str)>, width: usize) {
        self.begin_part();
        let style = Style::new().bold().underlined().force_styling(self.has_styles);
        self.text.push_str(&format!("{}\n", style.apply_to(format!("{title}:"))));
        for (word, meaning) in rows {
            let bold = Style::new().bold().force_styling(self.has_styles);
            self.text.push_str(&format!("  {}{}  {meaning}\n", bold.apply_to(word), " ".repeat(width - word.len())));
        }
    }

    /// Adds a topic.
    pub fn add_markdown(&mut self, markdown: &str) {
        self.begin_part();
        match self.terminal {
            Some(width) => self.text.push_str(&render(markdown, width, self.has_styles)),
            None => self.text.push_str(markdown),
        }
    }

    /// Shows it.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn show(self) -> Result<(), OutputError> {
        let mut output = OutputFile::for_own_text();
        let name = output.name();
        output.write_all(self.text.as_bytes()).map_err(|source| OutputError::new(name, source))?;
        output.finish()
    }
}
