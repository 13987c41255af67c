//! The flags of `manifest`, and those by which `verify` compares with one.

use std::path::PathBuf;

use clap::{Arg, Args};
use jiff::SignedDuration;

use super::ReadingArgs;
use super::values;

/// The flags of `manifest`.
#[derive(Debug, Args)]
pub struct ManifestArgs {
    /// Where to write the manifest [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Sign the manifest with the key in this file: 16 bytes or more, such as `openssl rand -hex 32` makes
    #[arg(long, value_name = "FILE", env = "HALFBUILT_KEY_FILE")]
    pub key_file: Option<PathBuf>,
    /// How long after its stop a build may still be written to, such as 1m, or 0s: builds that stopped so shortly before this run
    /// are not covered
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = values::duration_or_none)]
    pub settle: SignedDuration,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub reading: ReadingArgs,
}

/// What `--backup-time` is to a manifest, which can do without.
pub(super) fn backup_time(arg: Arg) -> Arg {
    let help =
        "When the backup was taken, with a time zone, such as 2026-11-20T02:00:00Z [default: the database's present]";
    arg.help(help).long_help(format!(
        "{help}\n\nThe manifest covers what was over by then; its time is the T of `verify --baseline`, where that is told no other."
    ))
}

/// The flags by which `verify` compares with a manifest.
#[derive(Debug, Args)]
#[command(next_help_heading = "Comparing with a manifest")]
pub struct BaselineArgs {
    /// Compare with this manifest, which `halfbuilt manifest` made at the backup
    ///
    /// Where there is no --backup-time, T is the manifest's. Where the manifest was made before a backup that took long, give
    /// the time at which the backup ended: what it cut in between is found only so.
    /// Reports builds that are lost, changed or extra as baseline-lost, baseline-changed and baseline-extra, names which --allow
    /// knows too; and baseline-backwards, for projects whose highest build number is lower than it was.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Demand that the manifest is signed with the key in this file [env: HALFBUILT_KEY_FILE]
    // Not read from the environment by clap, which would then ask for --baseline wherever the variable is set.
    #[arg(long, value_name = "FILE", requires = "baseline")]
    pub key_file: Option<PathBuf>,
    /// How long the server keeps builds, such as 660d: a build that was over longer before --restored-at (or now) is not lost
    #[arg(long, value_name = "DURATION", value_parser = values::duration, requires = "baseline")]
    pub retention: Option<SignedDuration>,
}
