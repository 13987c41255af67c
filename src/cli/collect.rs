//! The flags of `collect`.

use std::num::NonZeroU8;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::values::{self, BackupTime};

/// The flags of `collect`.
#[derive(Debug, Args)]
pub struct CollectArgs {
    /// The server: https://ci.example.com
    ///
    /// The host of its API. On CircleCI Server 4 the user interface is at app.DOMAIN, and the API at DOMAIN itself.
    #[arg(value_name = "SOURCE", required_unless_present = "forget")]
    pub source: Option<String>,
    /// Where to put what is collected: a PostgreSQL database of yours, as of --database-url, or the word private
    ///
    /// It goes into a schema of its own, halfbuilt. `private` is a PostgreSQL of this program's own on this machine, which runs while a
    /// command needs it: no server of yours is needed, only its programs.
    #[arg(long, value_name = "DATABASE|private")]
    pub into: String,
    /// A file that holds the token: a personal API token of an administrator [default: the environment variable HALFBUILT_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Leave out builds that were over before this time; those that are not over are collected whatever their age [default: the longest
    /// run time before --backup-time]
    #[arg(long, value_name = "TIME", value_parser = values::time, conflicts_with = "all")]
    pub since: Option<Timestamp>,
    /// Collect all builds, however old
    #[arg(long)]
    pub all: bool,
    /// When the backup was taken, with a time zone, such as 2026-11-20T02:00:00Z; or @FILE, a file that says it (`halfbuilt help
    /// find-times`)
    #[arg(long, value_name = "TIME|@FILE", value_parser = values::backup_time, env = "HALFBUILT_BACKUP_TIME")]
    pub backup_time: Option<BackupTime>,
    /// When the restored server came back: documents that were fetched before are fetched again
    #[arg(long, value_name = "TIME", value_parser = values::time, env = "HALFBUILT_RESTORED_AT")]
    pub restored_at: Option<Timestamp>,
    /// The longest time that the server lets a build run, such as 5h or '2 days' [default: 5h]
    #[arg(long, value_name = "DURATION", value_parser = values::duration, env = "HALFBUILT_MAX_RUN_TIME")]
    pub max_run_time: Option<SignedDuration>,
    /// Also look whether output and artifacts can be had, of the builds that the backup may have cut: their sizes and times, not what they say
    #[arg(long)]
    pub output: bool,
    /// How many questions may be under way at once
    #[arg(long, value_name = "N", default_value = "4")]
    pub jobs: NonZeroU8,
    /// Ask at most so many questions a second, such as 5 or 0.5
    #[arg(long, value_name = "N", default_value = "50", value_parser = values::rate)]
    pub rate: f64,
    /// How long the server may be silent while it answers
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::wait)]
    pub timeout: Duration,
    /// Certificates (PEM) to trust besides the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Send the token without encryption to a host that is not this machine
    #[arg(long)]
    pub allow_plain_http: bool,
    /// Remove what was collected, and collect nothing
    #[arg(long, conflicts_with_all = ["source", "token_file", "since", "all", "output", "ca_file"])]
    pub forget: bool,
}
