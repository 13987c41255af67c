//! One file a command: it turns flags into a request, lets an engine do the work, and shows the outcome.

mod alive;
mod backup_evidence;
mod backup_times;
mod base_url;
mod checklist;
mod collect;
mod command_line;
mod completions;
mod database_address;
mod delete;
mod denied;
mod error;
mod fetching;
mod files;
mod fitting;
mod help;
mod interrupt;
mod journal;
mod man;
mod manifest;
mod metadata;
mod next_step;
mod objects;
mod policy;
mod preamble;
mod profile_check;
mod profile_faults;
mod profile_rules;
mod profile_sample;
mod profiles;
mod read_request;
mod report;
mod rules;
mod scan;
mod scanning;
mod server_warnings;
mod shown_address;
mod sql;
mod times;
mod token;
mod under_way;
mod verify;
mod waiting;

pub use error::Error;

use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::output::{Printer, STANDARD_OUTPUT};
use interrupt::Interrupt;

/// Runs a command, and shows its error.
pub async fn run(cli: Cli, printer: Printer) -> Exit {
    // What became of builds, and what a verdict stands on, is not lost in silence.
    let is_record = match &cli.command {
        Command::Delete(args) => args.execute,
        Command::Verify(_) => true,
        _ => false,
    };
    let interrupt = Interrupt::listen(printer);
    let work = async {
        match cli.command {
            Command::Times(args) => times::run(*args, &interrupt, printer).await,
            Command::Checklist(args) => checklist::run(*args, &interrupt, printer).await,
            Command::Collect(args) => collect::run(*args, &interrupt, printer).await,
            Command::Scan(args) => scan::run(*args, &interrupt, printer).await,
            Command::Delete(args) => delete::run(*args, &interrupt, printer).await,
            Command::Manifest(args) => manifest::run(*args, &interrupt, printer).await,
            Command::Verify(args) => verify::run(*args, &interrupt, printer).await,
            Command::Report(args) => report::run(args, printer),
            Command::Journal(args) => journal::run(args, printer),
            Command::Rules(args) => rules::run(&args),
            Command::Profiles(args) => profiles::run(args, &interrupt, printer).await,
            Command::Sql(args) => sql::run(&args),
            Command::Completions(args) => completions::run(&args),
            Command::Man(args) => man::run(&args),
            Command::Help(args) => help::run(&args, printer),
        }
    };
    let done = tokio::select! {
        done = work => done,
        () = interrupt.left() => Err(Error::Interrupted),
    };
    done.unwrap_or_else(|error| {
        if !is_record && matches!(&error, Error::Unread(output) if output == STANDARD_OUTPUT) {
            // Who has seen enough needs no error, as of git.
            return Exit::OutputClosed;
        }
        printer.fail(&error, error.hint().as_deref());
        error.exit()
    })
}
