//! The program: parses the command line, runs the command, and exits with its exit code.

use std::process::ExitCode;

use halfbuilt::cli::Cli;
use halfbuilt::commands;
use halfbuilt::core_dumps;
use halfbuilt::exit::Exit;
use halfbuilt::output::Printer;

fn main() -> ExitCode {
    if let Err(error) = core_dumps::disable() {
        let why = format!("cannot turn off core dumps, which may contain a password or a token: {error}");
        Printer::default().warn(&why);
    }
    let exit = match Cli::from_command_line() {
        Ok(cli) => match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                let printer = cli.terminal.printer();
                let exit = runtime.block_on(commands::run(cli, printer));
                // Do not wait for an answer to a prompt that was interrupted.
                runtime.shutdown_background();
                exit
            }
            Err(error) => {
                cli.terminal.printer().fail(&error, None);
                Exit::Failed
            }
        },
        Err(error) if error.use_stderr() => {
            Cli::printer_before_parsing().tell_lines(&error.render());
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
