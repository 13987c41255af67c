//! The flags of `verify` for what a restore is judged by, for where the verdict goes, and for builds that were collected.

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

/// How abnormal builds that were collected are fetched again, before they are judged.
#[derive(Debug, Args)]
#[command(next_help_heading = "Builds that were collected")]
pub struct FetchArgs {
    /// Fetch abnormal builds again from this server, of which they were collected, before they are judged: https://ci.example.com
    ///
    /// It needs a token, which goes to this server only. With `--database-url private` the server is known, and a token is enough.
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,
    /// A file that holds the token: a personal API token of an administrator [default: the environment variable HALFBUILT_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Certificates (PEM) to trust besides the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Send the token without encryption to a host that is not this machine
    #[arg(long)]
    pub allow_plain_http: bool,
}
