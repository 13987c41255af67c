//! The flags of `delete`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::admin::AdminFn;

use super::{ReadingArgs, values};

/// The flags of `delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// A report that `halfbuilt scan` wrote, a list of build URLs, or - for standard input
    #[arg(value_name = "REPORT")]
    pub report: PathBuf,
    /// The admin path: nrepl://HOST:6005, or the https:// URL that takes POST {"url": ...}
    #[arg(long, value_name = "URI")]
    pub via: String,
    /// Choose only rows that this rule found; may be repeated
    #[arg(long = "reason", value_name = "RULE")]
    pub reasons: Vec<String>,
    /// Choose only rows of projects that fit this glob, such as 'acme/*'; may be repeated
    #[arg(long = "project", value_name = "GLOB")]
    pub projects: Vec<String>,
    /// Delete; without it the plan is shown and nothing is sent
    #[arg(long)]
    pub execute: bool,
    /// The host in the builds' URLs, to confirm that it is the one that is meant [default: it is asked for]
    #[arg(long, value_name = "HOST")]
    pub confirm: Option<String>,
    /// Where to write the results, a row for each chosen build; with --execute it must not exist yet [default:
    /// standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub admin: AdminArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub reading: ReadingArgs,
}

/// How to talk to the admin path.
#[derive(Debug, Args)]
#[command(next_help_heading = "Talking to the admin path")]
pub struct AdminArgs {
    /// nREPL: the function to call [default: admin/delete-build, else
    /// circle.http.api.admin-commands/delete-build]
    #[arg(long, value_name = "NS/NAME")]
    pub admin_fn: Option<AdminFn>,
    /// HTTP: a file that holds the token [default: the environment variable HALFBUILT_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// HTTP: the header in which the token is sent
    #[arg(long, value_name = "NAME", default_value = "Circle-Token")]
    pub token_header: String,
    /// HTTP: certificates (PEM) to trust besides the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// HTTP: send the token without encryption to a host that is not this machine
    #[arg(long)]
    pub allow_plain_http: bool,
    /// How long to wait for one answer
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::wait)]
    pub timeout: Duration,
}
