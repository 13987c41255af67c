//! The flags of `verify` that say what to hold a restore to, and where to write the verdict.

use std::path::PathBuf;

use clap::Args;

/// What to hold a restore to, and where to write the verdict.
#[derive(Debug, Args)]
#[command(next_help_heading = "The verdict")]
pub struct VerdictArgs {
    /// Fail unless this build is found: one that you know the backup cut, since you started it just before; may be repeated
    ///
    /// It proves that the drill sees damage where there is some. Give the address of the build's page, as
    /// https://ci.example.com/gh/org/project/1234. An expected build that was cut by the backup is not held against the
    /// restore: it needs no --allow. What --policy expects is expected besides.
    #[arg(long = "expect", value_name = "URL")]
    pub expect: Vec<String>,
    /// A file of builds to be expected as by --expect, an address a line; lines that begin with # are passed over
    #[arg(long, value_name = "FILE")]
    pub expect_file: Option<PathBuf>,
    /// A policy, TOML, whose section "verify" has allow, such as { stuck-running = 2 }, and expect, a list of addresses
    ///
    /// Where it has allow, that rules every rule: --allow may then only allow less.
    #[arg(long, value_name = "FILE", env = "HALFBUILT_POLICY")]
    pub policy: Option<PathBuf>,
    /// Write the verdict as JUnit XML, for a CI server's page of tests: a test case for each rule and relation; - is standard
    /// output
    ///
    /// What was not checked is skipped, with the reason; what found more than is allowed is a failure that names the first
    /// builds; a run that could not look, or found nothing to check, is an error. The file is written in these cases too.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write the verdict as JSON, for programs: halfbuilt-verdict/1, whose fields are told in the README; - is standard output
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}
