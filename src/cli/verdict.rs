//! The flags of `verify` for what a restore is judged by, and for where the verdict goes.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(next_help_heading = "The verdict")]
pub struct VerdictArgs {
    /// Fail unless this build is found: one that the backup cut, because you started it just before; may be repeated
    ///
    /// It proves that the drill sees damage. Pass the address of the build's page, such as
    /// https://ci.example.com/gh/org/project/1234. An expected build that the backup cut does not count against the restore, and
    /// needs no --allow. The builds that --policy expects are expected too.
    #[arg(long = "expect", value_name = "URL")]
    pub expect: Vec<String>,
    /// A file of builds to expect, as with --expect: one address per line; lines that begin with # are ignored
    #[arg(long, value_name = "FILE")]
    pub expect_file: Option<PathBuf>,
    /// A policy in TOML, whose section "verify" has allow, such as { stuck-running = 2 }, and expect, a list of addresses
    ///
    /// Where the policy has allow, it counts for every rule, and --allow may only allow less.
    #[arg(long, value_name = "FILE", env = "HALFBUILT_POLICY")]
    pub policy: Option<PathBuf>,
    /// Write the verdict as JUnit XML, for a CI server's page of tests: one test case for each rule and relation; - is standard
    /// output
    ///
    /// A check that was not made is skipped, with the reason. A check that found more than is allowed is a failure, which names the
    /// first builds. A run that could not look, or had nothing to check, is an error; the file is written then too.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write the verdict as JSON, for programs; - is standard output
    ///
    /// The format is halfbuilt-verdict/1. Its main fields are verdict (clean, passed, incomplete, failed, nothing-checked,
    /// could-not-look or interrupted), exit_code, sentence, error, checks, not_checked, expected and findings.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}
