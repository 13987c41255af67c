//! The flags of `delete`.

use std::path::PathBuf;

use clap::Args;

use super::admin::AdminArgs;
use super::gates::{ChosenTiming, GateArgs};
use super::{AliveArgs, ReadingArgs};

/// The flags of `delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// A report that `halfbuilt scan` wrote, a list of build URLs, or - for standard input; or the URLs of the builds themselves
    #[arg(value_name = "REPORT|URL", required = true)]
    pub sources: Vec<PathBuf>,
    /// The admin path, which --execute needs: nrepl://HOST:6005, 'console:COMMAND' for a console program that is started and typed into,
    /// such as 'console:circleci dev-console', or the https:// URL that takes POST {"url": ...}
    #[arg(long, value_name = "URI", env = "HALFBUILT_VIA", hide_env_values = true)]
    pub via: Option<String>,
    /// Choose only rows that this rule found; several as a list, a,b
    #[arg(long = "reason", value_name = "RULE", value_delimiter = ',')]
    pub reasons: Vec<String>,
    /// Choose only rows of projects that fit this glob, such as 'acme/*'; several as a list, a,b (a comma of a name stands in brackets)
    #[arg(long = "project", value_name = "GLOB")]
    pub projects: Vec<String>,
    /// Choose only rows of this timing; several as a list, a,b
    ///
    /// Rows that the report calls not deletable are chosen only if this or --allow-timing names their timing.
    #[arg(long = "timing", value_name = "TIMING", value_delimiter = ',')]
    pub timings: Vec<ChosenTiming>,
    /// Choose in an editor, which shows a line for each row that the other flags choose: only the lines that are left are chosen
    ///
    /// The editor is that of VISUAL or EDITOR. Nothing is chosen if the list comes back empty.
    #[arg(long)]
    pub choose: bool,
    /// Delete the builds; without it the plan is shown, nothing is sent, and the admin path is not tried
    #[arg(long)]
    pub execute: bool,
    /// Show the plan and send nothing, as without --execute
    #[arg(long, conflicts_with = "execute")]
    pub dry_run: bool,
    /// The host in the builds' URLs, to confirm that you mean it [default: you are asked for it]
    #[arg(long, value_name = "HOST")]
    pub confirm: Option<String>,
    /// Where to write the results, a row for each chosen build; an existing file is replaced only if it holds a plan, or results of
    /// the same journal [default: standard output; with --execute on a terminal, a new file halfbuilt-results-TIME.csv]
    ///
    /// A dry run on a terminal shows its plan as a table there. - is standard output in any case.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The journal: what is about to be done and what came of it, on disk before the next step [default: beside the report,
    /// REPORT.journal.jsonl]
    ///
    /// JSON Lines, chained by SHA-256; `halfbuilt journal verify FILE` checks it. Continue a run that ended early with the same command:
    /// what was deleted is not sent again, and what was sent and has no known end is looked up first. A dry run only reads it.
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Archive each build before it is deleted, with its rows in all tables, in this gzip file of JSON lines: to explain a
    /// deletion later, or to put a build back; read it with: zcat FILE | jq
    ///
    /// The file must be new, or the one of this journal: a run that continues adds to its end. A build that changed before its
    /// deletion was sent stands in it twice; the last one is what was deleted.
    #[arg(long, value_name = "FILE")]
    pub archive: Option<PathBuf>,
    #[command(flatten)]
    pub alive: AliveArgs,
    #[command(flatten)]
    pub gates: GateArgs,
    #[command(flatten)]
    pub admin: AdminArgs,
    #[command(flatten)]
    pub reading: ReadingArgs,
}
