//! The program that shows a long text page by page, chosen and called as git does.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};

use super::screen::Screen;
use super::terminal::stdout_size;
use super::{OutputError, OutputFile};

/// What a shell exits with where it does not find a program. Source: POSIX, Shell Command Language, 2.8.2.
const NOT_FOUND: i32 = 127;
/// The pager where none is named.
const DEFAULT: &str = "less";
/// How less shows a text: not at all where it fits on the screen, with colours, and left on the screen at its end.
const LESS: &str = "FRX";

/// Shows a text on standard output, where it is longer than the terminal through a pager.
///
/// # Errors
/// Standard output cannot be written.
pub fn show(screen: &Screen) -> Result<(), OutputError> {
    let is_long = || stdout_size().is_some_and(|(rows, columns)| screen.rows(columns) >= usize::from(rows));
    if io::stdout().is_terminal() && is_long() && page(screen.as_str()) {
        return Ok(());
    }
    let mut output = OutputFile::for_people();
    output.write_screen(screen)?;
    output.finish()
}

/// Shows a text through a pager. `false` where there is no pager, and nothing was shown.
fn page(text: &str) -> bool {
    let Some(mut command) = command(|name| env::var_os(name)) else { return false };
    if env::var_os("LESS").is_none() {
        command.env("LESS", LESS);
    }
    let Ok(mut child) = command.stdin(Stdio::piped()).spawn() else { return false };
    if let Some(mut stdin) = child.stdin.take() {
        // Who has seen enough quits before the end.
        let _ = stdin.write_all(text.as_bytes());
    }
    child.wait().map_or(true, |status| status.code() != Some(NOT_FOUND))
}

/// The command of the pager; `None` where the environment wants none.
fn command(variable: impl Fn(&str) -> Option<OsString>) -> Option<Command> {
    match variable("HALFBUILT_PAGER").or_else(|| variable("PAGER")) {
        Some(named) if named.is_empty() || named == "cat" => None,
        Some(named) => {
            // It may have arguments.
            let mut command = Command::new("sh");
            command.arg("-c").arg(named);
            Some(command)
        }
        None => Some(Command::new(DEFAULT)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_the_pager() {
        let chosen = |variables: &[(&str, &str)]| {
            let value = |name: &str| variables.iter().find(|(variable, _)| *variable == name);
            let command = command(|name| value(name).map(|(_, value)| OsString::from(value)))?;
            let words = std::iter::once(command.get_program()).chain(command.get_args());
            Some(words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(chosen(&[]).as_deref(), Some("less"));
        assert_eq!(chosen(&[("PAGER", "more -f")]).as_deref(), Some("sh -c more -f"));
        assert_eq!(chosen(&[("PAGER", "more"), ("HALFBUILT_PAGER", "most")]).as_deref(), Some("sh -c most"));
        assert_eq!(chosen(&[("PAGER", "more"), ("HALFBUILT_PAGER", "")]), None);
        assert_eq!(chosen(&[("PAGER", "cat")]), None);
    }
}
