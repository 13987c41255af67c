//! Messages: everything on stderr is written here.

use std::error::Error;
use std::fmt;
use std::io::{self, IsTerminal, Write};

use crate::causes::distinct_causes;
use crate::text::{Foreign, no_command};

/// Writes to stderr, one message a line. A message that cannot be written does not end a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Printer;

impl Printer {
    pub fn say(self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{}", no_command(Foreign::new(text).as_str()));
    }

    /// Writes a command for the runner of a CI.
    pub fn command(self, line: &str) {
        let _ = writeln!(io::stderr().lock(), "{}", Foreign::new(line));
    }

    pub fn warn(self, text: &str) {
        self.say(&format!("warning: {text}"));
    }

    /// Writes an error, its causes and a hint.
    pub fn fail(self, error: &dyn Error, hint: Option<&str>) {
        self.say(&format!("error: {error}"));
        for cause in distinct_causes(error) {
            self.say(&format!("  caused by: {cause}"));
        }
        if let Some(hint) = hint {
            self.say(&format!("hint: {hint}"));
        }
    }

    /// Writes a text of several lines.
    pub fn say_lines(self, text: &impl fmt::Display) {
        text.to_string().lines().for_each(|line| self.say(line));
    }

    /// Asks a person for a line. `None` if nobody is at the terminal.
    pub fn ask(self, question: &str) -> Option<String> {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return None;
        }
        // The lock must not be held while a person thinks: other tasks write messages.
        let _ = write!(io::stderr(), "{}", Foreign::new(question));
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).ok()?;
        Some(answer.trim().to_owned())
    }
}
