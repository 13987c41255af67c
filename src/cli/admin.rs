//! The flags that say how to talk to the admin path.

use std::num::NonZeroU8;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::admin::AdminFn;

use super::values;

/// How to talk to the admin path.
#[derive(Debug, Args)]
#[command(next_help_heading = "Talking to the admin path")]
pub struct AdminArgs {
    /// nREPL and console: the function to call [default: admin/delete-build, else
    /// circle.http.api.admin-commands/delete-build]
    #[arg(long, value_name = "NS/NAME")]
    pub admin_fn: Option<AdminFn>,
    /// Console: type into the program through a pseudo-terminal, for one that wants a terminal
    #[arg(long)]
    pub console_pty: bool,
    /// Console: how long the program may take until it is ready
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = values::wait)]
    pub start_timeout: Duration,
    /// Builds that were collected: the server to which the token may go, by which they are fetched again, https://ci.example.com
    /// [default: the host of --confirm]
    ///
    /// A database of yours says of which server its documents are, and whoever can write there can say so. With `--database-url private`
    /// the server is known.
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,
    /// HTTP, and builds that were collected: a file that holds the token [default: the environment variable HALFBUILT_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// HTTP: the header in which the token is sent, as it is [default: as the profile says, else Circle-Token]
    #[arg(long, value_name = "NAME")]
    pub token_header: Option<String>,
    /// HTTP, and builds that were collected: certificates (PEM) to trust besides the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// HTTP, and builds that were collected: send the token without encryption to a host that is not this machine
    #[arg(long)]
    pub allow_plain_http: bool,
    /// How many deletions may be under way at once; fewer are sent where the server slows down or says that it is busy
    ///
    /// The first one is always sent alone: it is proved gone before the others are sent. [default: 4; for a console 1, because each
    /// console is a program of its own]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroU8>,
    /// Send at most this many deletions a second, such as 5 or 0.5 [default: as fast as the server answers]
    #[arg(long, value_name = "N", value_parser = values::rate)]
    pub rate: Option<f64>,
    /// How long to wait for one answer
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::wait)]
    pub timeout: Duration,
}
