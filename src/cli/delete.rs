//! The flags of `delete`.

use std::path::PathBuf;

use clap::Args;

use super::ReadingArgs;
use super::admin::AdminArgs;
use super::gates::{ChosenTiming, GateArgs};

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
    /// Choose only rows of this timing; may be repeated
    ///
    /// Rows that the report calls not deletable are chosen only if this or --allow-timing names their timing.
    #[arg(long = "timing", value_name = "TIMING")]
    pub timings: Vec<ChosenTiming>,
    /// Delete the builds; without it the plan is shown, nothing is sent, and the admin path is not tried
    #[arg(long)]
    pub execute: bool,
    /// The host in the builds' URLs, to confirm that you mean it [default: you are asked for it]
    #[arg(long, value_name = "HOST")]
    pub confirm: Option<String>,
    /// Where to write the results, a row for each chosen build; an existing file is replaced only if it holds a plan, or results of
    /// the same journal [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The journal: what is about to be done and what came of it, on disk before the next step [default: beside the report,
    /// REPORT.journal.jsonl]
    ///
    /// JSON Lines, chained by SHA-256; `halfbuilt journal verify FILE` checks it. Continue a run that ended early with the same command:
    /// what was deleted is not sent again, and what was sent and has no known end is looked up first. A dry run only reads it.
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Archive each build before it is deleted, with its rows in all tables, in this new gzip file of JSON lines: to explain a
    /// deletion later, or to put a build back; read it with: zcat FILE | jq
    #[arg(long, value_name = "FILE")]
    pub archive: Option<PathBuf>,
    #[command(flatten)]
    pub gates: GateArgs,
    #[command(flatten)]
    pub admin: AdminArgs,
    #[command(flatten)]
    pub reading: ReadingArgs,
}
