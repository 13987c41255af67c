//! The program: reads the command line, runs the command, ends with its exit code.

use std::process::ExitCode;

use clap::Parser;
use halfbuilt::cli::Cli;
use halfbuilt::commands;
use halfbuilt::core_dumps;
use halfbuilt::exit::Exit;
use halfbuilt::output::Printer;

fn main() -> ExitCode {
    if let Err(error) = core_dumps::forbid() {
        Printer.warn(&format!("a core dump may hold a password or a token: {error}"));
    }
    let exit = match Cli::try_parse() {
        Ok(cli) => match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                let exit = runtime.block_on(commands::run(cli, Printer));
                // Nobody waits for a person who was asked something and interrupted instead.
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
        Err(asked) => {
            // `--help` and `--version` come this way too, and are no errors.
            let _ = asked.print();
            Exit::Clean
        }
    };
    exit.into()
}
