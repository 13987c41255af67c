//! The flags that say what may be deleted at all.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::SignedDuration;

use crate::percent::Percent;
use crate::policy::Policy;

use super::values;

/// What may be deleted.
#[derive(Debug, Args)]
#[command(next_help_heading = "What may be deleted")]
pub struct GateArgs {
    /// Delete nothing where more than N builds would be deleted [default: 1000]
    #[arg(long, value_name = "N", value_parser = values::at_least_one)]
    pub max: Option<u64>,
    /// Delete nothing where more than P percent of the builds in scope would be deleted [default: 5; 20 builds are
    /// always allowed]
    ///
    /// In scope are the builds of the database in the projects that --project chooses. If you set P, it counts for fewer than 20 builds too.
    #[arg(long, value_name = "P")]
    pub max_percent: Option<Percent>,
    /// Never delete builds of projects that fit this glob, in upper or lower case; several as a list, a,b
    #[arg(long = "deny", value_name = "GLOB")]
    pub deny: Vec<String>,
    /// Delete builds of this timing too, which are not deletable by themselves, and choose them; several as a list, a,b
    ///
    /// A build that did something after the restore may be alive; "between" means that --backup-time, --restored-at or a clock is
    /// wrong; "unknown", that it is not known whether the backup cut it.
    #[arg(long = "allow-timing", value_name = "TIMING", value_delimiter = ',')]
    pub allow_timing: Vec<TimingArg>,
    /// Delete even if N builds contradict the two times, times-contradicted=N, or even if the server deletes N others along,
    /// collateral=N [default: 0]
    ///
    /// A build that did something between the backup and the restore cannot be in a database that was restored from that backup. While
    /// there are more of them than N, nothing is deleted. Where more than N builds are gone that were not sent, the run
    /// stops.
    #[arg(long = "allow", value_name = "CHECK=N", value_parser = values::allowance)]
    pub allow: Vec<values::Allowed>,
    /// Delete nothing if the report was scanned longer ago than this [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub max_age: Option<SignedDuration>,
    #[arg(long, value_name = "FILE", env = "HALFBUILT_POLICY", help = policy(), long_help = long_policy())]
    pub policy: Option<PathBuf>,
}

/// The help of `--policy`.
fn policy() -> String {
    let keys =
        Policy::sections().into_iter().find(|(section, _)| *section == "delete").map(|(_, keys)| keys.join(", "));
    let keys = keys.unwrap_or_default();
    let (keys, last) = keys.rsplit_once(", ").unwrap_or_default();
    format!("A policy in TOML, whose section \"delete\" has {keys} and {last}, in place of the defaults")
}

fn long_policy() -> String {
    format!("{}\n\nA flag may be stricter than the policy, never looser; what --deny names is denied too.", policy())
}

/// What a build did around the backup, by which rows are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ChosenTiming {
    /// Started by the backup, not stopped by it
    InFlight,
    /// Stuck long before the backup
    Stale,
    /// Over before the backup
    Ended,
    /// Did something after the restore
    AfterRestore,
    /// Did something between the backup and the restore
    Between,
    /// No time shows what it did
    Unknown,
}

/// The timings that are not deletable by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TimingArg {
    /// Did something after the restore: alive until proven otherwise
    AfterRestore,
    /// Did something between the backup and the restore, which cannot be
    Between,
    /// No backup time was given, or no time is on record
    Unknown,
}
