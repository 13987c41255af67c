//! `halfbuilt man`: prints a manual page.

use crate::cli::{self, ManArgs};
use crate::exit::Exit;
use crate::output::OutputError;

use super::Error;
use super::help::unknown_command;
use super::rules::print_bytes;

/// Prints the page.
pub(super) fn run(args: &ManArgs) -> Result<Exit, Error> {
    let page = cli::manual_page(&args.words).ok_or_else(|| unknown_command(&args.words))?;
    print_bytes(&page.map_err(|source| OutputError::new("the manual page".to_owned(), source))?)
}
