//! What is said on the terminal, and in which colours: flags of every command.

use std::ffi::OsString;

use clap::{Args, ColorChoice, ValueEnum};

use crate::output::{Color, Printer, Verbosity};

/// The flags of every command.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Terminal")]
pub struct TerminalArgs {
    /// Say less: warnings, errors, hints and outcomes, but no progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: what is connected to, what runs, and how long it takes
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Use colours [default: auto, which is on a terminal, unless NO_COLOR is set]
    #[arg(long, global = true, value_name = "WHEN")]
    pub color: Option<ColorArg>,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorArg {
    Auto,
    Always,
    Never,
}

impl TerminalArgs {
    /// What writes the messages of a command.
    pub fn printer(&self) -> Printer {
        let verbosity = match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        };
        Printer::new(verbosity, self.color.map(Color::from).unwrap_or_default())
    }
}

impl From<ColorArg> for Color {
    fn from(color: ColorArg) -> Self {
        match color {
            ColorArg::Auto => Self::Auto,
            ColorArg::Always => Self::Always,
            ColorArg::Never => Self::Never,
        }
    }
}

/// The colour that a command line asks for, before it is parsed: its help and its errors have colours too.
pub(super) fn color_of(words: impl Iterator<Item = OsString>) -> ColorArg {
    let mut color = ColorArg::Auto;
    let mut is_value = false;
    for word in words {
        let Some(word) = word.to_str() else { continue };
        let value = if std::mem::take(&mut is_value) { Some(word) } else { word.strip_prefix("--color=") };
        match word {
            "--" => break,
            "--color" => is_value = true,
            _ => color = value.and_then(|value| ColorArg::from_str(value, false).ok()).unwrap_or(color),
        }
    }
    color
}

/// The same for clap's own output.
pub(super) fn clap_color(color: ColorArg) -> ColorChoice {
    match color {
        ColorArg::Auto => ColorChoice::Auto,
        ColorArg::Always => ColorChoice::Always,
        ColorArg::Never => ColorChoice::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colour_is_known_before_the_command_line_is_parsed() {
        let color = |line: &str| color_of(line.split(' ').map(OsString::from));
        assert_eq!(color("scan --color never --flag"), ColorArg::Never);
        assert_eq!(color("--color=always scan"), ColorArg::Always);
        assert_eq!(color("scan --color purple"), ColorArg::Auto);
        assert_eq!(color("delete -- --color=always"), ColorArg::Auto);
    }
}
