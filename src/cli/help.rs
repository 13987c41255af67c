//! `help`, `man` and `completions`: what clap knows of the commands, as text.

use std::io;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;

/// The words after `help`.
#[derive(Debug, Args)]
pub struct HelpArgs {
    /// A topic, or a command with its subcommand [default: list all]
    #[arg(value_name = "TOPIC|COMMAND")]
    pub words: Vec<String>,
}

/// The arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// A command with its subcommand [default: the program]
    #[arg(value_name = "COMMAND")]
    pub words: Vec<String>,
}

/// The arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// A command in a list.
#[derive(Clone, Debug)]
pub struct ListedCommand {
    pub name: String,
    /// What it does, in one line.
    pub about: String,
}

/// The commands of the program, in the order of its help.
#[must_use]
pub fn commands() -> Vec<ListedCommand> {
    let listed = |command: &clap::Command| ListedCommand {
        name: command.get_name().to_owned(),
        about: command.get_about().map(ToString::to_string).unwrap_or_default(),
    };
    Cli::command().get_subcommands().filter(|command| !command.is_hide_set()).map(listed).collect()
}

/// The words by which a command, or a command of a command, is called.
#[must_use]
pub fn command_names() -> Vec<String> {
    let root = Cli::command();
    let names = root.get_subcommands().flat_map(|command| {
        let below = command.get_subcommands().map(|below| format!("{} {}", command.get_name(), below.get_name()));
        std::iter::once(command.get_name().to_owned()).chain(below)
    });
    names.collect()
}

/// The long help of a command, with the control sequences of bold words; `None` if there is no such command.
#[must_use]
pub fn command_help(words: &[String]) -> Option<String> {
    Some(find(words)?.render_long_help().ansi().to_string())
}

/// The manual page of a command, in roff; `None` if there is no such command.
///
/// # Errors
/// As of writing to memory: never.
#[must_use]
pub fn manual_page(words: &[String]) -> Option<io::Result<Vec<u8>>> {
    let command = find(words)?;
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(command).render(&mut page);
    Some(rendered.map(|()| page))
}

/// The script by which a shell completes the commands and flags.
#[must_use]
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "halfbuilt", &mut script);
    script
}

/// A command or a command of a command, with its usage and the flags of all commands.
fn find(words: &[String]) -> Option<clap::Command> {
    let mut root = Cli::command();
    root.build();
    words.iter().try_fold(root, |command, word| command.find_subcommand(word).cloned())
}
