//! The program: parses the command line, runs the command, and exits with its exit code.

use std::process::ExitCode;

use clap::Parser;
use halfbuilt::cli::Cli;
use halfbuilt::commands;
use halfbuilt::core_dumps;
use halfbuilt::exit::Exit;
use halfbuilt::output::Printer;

fn main() -> ExitCode {
    if let Err(error) = core_dumps::disable() {
        Printer.warn(&format!("cannot turn off core dumps, which may contain a password or a token: {error}"));
    }
    let exit = match Cli::try_parse() {
        Ok(cli) => match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                let exit = runtime.block_on(commands::run(cli, Printer));
                // Do not wait for an answer to a prompt that was interrupted.
                runtime.shutdown_background();
                exit
            }
            Err(error) => {
                Printer.fail(&error, None);
                Exit::Failed
            }
        },
        Err(error) if error.use_stderr() => {
            Printer.say_lines(&error.render());
            Exit::Usage
        }
        Err(help) => {
            // `--help` and `--version` come this way too. They are not errors.
            let _ = help.print();
            Exit::Clean
        }
    };
    exit.into()
}
