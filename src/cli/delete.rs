//! The flags of `delete`.

use std::path::PathBuf;

use clap::Args;

use super::ReadingArgs;
use super::admin::AdminArgs;

/// The flags of `delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// A report that `halfbuilt scan` wrote, a list of build URLs, or - for standard input
    #[arg(value_name = "REPORT")]
    pub report: PathBuf,
    /// The admin path: nrepl://HOST:6005, 'console:COMMAND' for a console program that is started and typed into, such as
    /// 'console:circleci dev-console', or the https:// URL that takes POST {"url": ...}
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
