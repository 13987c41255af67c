//! `halfbuilt completions`: prints the script of a shell.

use crate::cli::{self, CompletionsArgs};
use crate::exit::Exit;

use super::Error;
use super::rules::print_bytes;

/// Prints the script.
pub(super) fn run(args: &CompletionsArgs) -> Result<Exit, Error> {
    print_bytes(&cli::completions(args.shell))
}
