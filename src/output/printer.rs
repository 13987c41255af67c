//! Messages: everything on stderr is written here.

use std::error::Error;
use std::fmt;
use std::io::{self, IsTerminal, Write};

use crate::causes::distinct_causes;
use crate::text::{Foreign, no_command};

use super::terminal::{Color, before_a_line, paint_message};

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Warnings, errors, hints and outcomes.
    Quiet,
    /// Also what a command reads and writes.
    #[default]
    Normal,
    /// Also how it does it.
    Verbose,
}

/// Writes to stderr, one message a line. A message that cannot be written does not end a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Printer {
    verbosity: Verbosity,
    color: Color,
}

impl Printer {
    pub fn new(verbosity: Verbosity, color: Color) -> Self {
        Self { verbosity, color }
    }

    pub fn verbosity(self) -> Verbosity {
        self.verbosity
    }

    /// Whether output has colours.
    pub fn color(self) -> Color {
        self.color
    }

    /// Writes what is good to know; `--quiet` leaves it out.
    pub fn say(self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            self.tell(text);
        }
    }

    /// Writes how something is done, with `--verbose` only.
    pub fn detail(self, text: &str) {
        if self.verbosity >= Verbosity::Verbose {
            self.tell(text);
        }
    }

    /// Writes an outcome, also with `--quiet`.
    pub fn tell(self, text: &str) {
        // One write: other processes may write to the same terminal.
        let _ = io::stderr().lock().write_all(line(&Foreign::new(text), self.color.on_stderr()).as_bytes());
    }

    /// Writes a command for the runner of a CI.
    pub fn command(self, line: &str) {
        let _ = io::stderr().lock().write_all(format!("{}\n", Foreign::new(line)).as_bytes());
    }

    pub fn warn(self, text: &str) {
        self.tell(&format!("warning: {text}"));
    }

    /// Writes what may help, also with `--quiet`.
    pub fn hint(self, text: &str) {
        self.tell(&format!("hint: {text}"));
    }

    /// Writes the whole command that comes next, ready to be copied.
    pub fn next(self, command: &str) {
        self.say(&format!("next: {command}"));
    }

    /// Writes an error, its causes and a hint.
    pub fn fail(self, error: &dyn Error, hint: Option<&str>) {
        self.tell(&format!("error: {error}"));
        for cause in distinct_causes(error) {
            self.tell(&format!("  caused by: {cause}"));
        }
        if let Some(hint) = hint {
            self.hint(hint);
        }
    }

    /// Writes a text of several lines; `--quiet` leaves it out.
    pub fn say_lines(self, text: &impl fmt::Display) {
        text.to_string().lines().for_each(|line| self.say(line));
    }

    /// Writes an outcome of several lines, also with `--quiet`.
    pub fn tell_lines(self, text: &impl fmt::Display) {
        text.to_string().lines().for_each(|line| self.tell(line));
    }

    /// Whether a person is at the terminal, who can be asked.
    pub fn can_ask(self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks a person for a line. `None` if nobody is at the terminal.
    pub fn ask(self, question: &str) -> Option<String> {
        if !self.can_ask() {
            return None;
        }
        // The lock must not be held while a person thinks: other tasks write messages.
        let _ = write!(io::stderr(), "{}", Foreign::new(question));
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).ok()?;
        Some(answer.trim().to_owned())
    }
}

/// A line of stderr.
fn line(text: &Foreign, has_colors: bool) -> String {
    let text = no_command(text.as_str());
    let text = if has_colors { paint_message(&text) } else { text };
    format!("{}{text}\n", before_a_line())
}
