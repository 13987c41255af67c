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
    /// Sign the manifest with the key in this file, of 16 bytes or more: `openssl rand -hex 32` makes one
    #[arg(long, value_name = "FILE", env = "HALFBUILT_KEY_FILE")]
    pub key_file: Option<PathBuf>,
    /// How long after its stop a build may still be written to, such as 1m or 0s: a build that stopped less than that before this run
    /// is not covered
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = values::duration_or_zero)]
    pub settle: SignedDuration,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// The help of `--backup-time` for a manifest, which does not need the flag.
pub(super) fn backup_time(arg: Arg) -> Arg {
    let help =
        "When the backup was taken, with a time zone, such as 2026-11-20T02:00:00Z [default: the database's present]";
    arg.help(help).long_help(format!(
        "{help}\n\nThe manifest covers the builds that were over by then. `verify --baseline` takes this time as T where it has no \
         --backup-time."
    ))
}

/// The flags by which `verify` compares with a manifest.
#[derive(Debug, Args)]
#[command(next_help_heading = "Comparing with a manifest")]
pub struct BaselineArgs {
    /// Compare with this manifest, which `halfbuilt manifest` made at the backup
    ///
    /// Without --backup-time, T is the time of the manifest. If the backup took long and the manifest was made before it, pass the
    /// time at which the backup ended: otherwise the builds that it cut in between are not found.
    /// Builds that are lost, changed or extra are reported as baseline-lost, baseline-changed and baseline-extra, and projects whose
    /// highest build number is lower than it was as baseline-backwards. --allow accepts these names.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Require that the manifest is signed with the key in this file [env: HALFBUILT_KEY_FILE]
    // clap does not read the environment here: it would require --baseline wherever the variable is set.
    #[arg(long, value_name = "FILE", requires = "baseline")]
    pub key_file: Option<PathBuf>,
    /// How long the server keeps builds, such as 660d: a build that was over longer than that before --restored-at (or now) does not
    /// count as lost
    #[arg(long, value_name = "DURATION", value_parser = values::duration, requires = "baseline")]
    pub retention: Option<SignedDuration>,
}
