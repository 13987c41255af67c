//! Talk: everything that goes to stderr goes through here.

use std::error::Error;
use std::fmt;
use std::io::{self, IsTerminal, Write};

use crate::causes::distinct_causes;
use crate::text::{Foreign, no_command};

/// Writes to stderr, one message a line. What cannot be said there is not worth ending a run for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Printer;

impl Printer {
    /// Says something.
    pub fn say(self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{}", no_command(Foreign::new(text).as_str()));
    }

    /// Tells the runner of a CI what to do.
    pub fn command(self, line: &str) {
        let _ = writeln!(io::stderr().lock(), "{}", Foreign::new(line));
    }

    /// Says something that may be amiss.
    pub fn warn(self, text: &str) {
        self.say(&format!("warning: {text}"));
    }

    /// Says what went wrong, what it came from, and what to do next.
    pub fn fail(self, error: &dyn Error, hint: Option<&str>) {
        self.say(&format!("error: {error}"));
        for cause in distinct_causes(error) {
            self.say(&format!("  caused by: {cause}"));
        }
        if let Some(hint) = hint {
            self.say(&format!("hint: {hint}"));
        }
    }

    /// Says something that has lines of its own.
    pub fn say_lines(self, text: &impl fmt::Display) {
        text.to_string().lines().for_each(|line| self.say(line));
    }

    /// Asks a person for a line. `None` where no person is there.
    pub fn ask(self, question: &str) -> Option<String> {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return None;
        }
        // The lock must not be held while a person thinks: others have things to say.
        let _ = write!(io::stderr(), "{}", Foreign::new(question));
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).ok()?;
        Some(answer.trim().to_owned())
    }
}
