//! The flags of every command that reads the build database.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use crate::scan::{DEFAULT_PROFILE, Profile};

use super::values::{self, BackupTime};

/// The flags of every command that reads the build database.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading the build database")]
pub struct ReadingArgs {
    /// The build database: postgres://USER@HOST:PORT/DATABASE, "host=... dbname=..." or `private` [default: PGHOST, PGUSER,
    /// PGPASSWORD and libpq's other variables]
    ///
    /// `private` is a PostgreSQL of halfbuilt's own on this machine, which runs while a command reads it.
    /// What it leaves out comes, as in psql, from a service file (PGSERVICE), libpq's environment variables and ~/.pgpass.
    /// A role that may only SELECT is enough, and a hot standby will do for reading.
    /// Give the password by PGPASSWORD or ~/.pgpass: arguments can be seen by every user of this machine.
    #[arg(long, value_name = "URL", env = "HALFBUILT_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    #[arg(long, value_name = "NAME|FILE", env = "HALFBUILT_PROFILE", help = profile())]
    pub profile: Option<String>,
    /// The schema of the build tables [default: the one schema of the role's search path that has all of them]
    #[arg(long, value_name = "NAME", env = "HALFBUILT_SCHEMA")]
    pub schema: Option<String>,
    /// A folder with rules of your own, *.sql, in addition to those that ship
    #[arg(long = "rules", value_name = "DIR")]
    pub rule_folder: Option<PathBuf>,
    /// When the backup was taken, with a time zone, such as 2026-11-20T02:00:00Z
    ///
    /// Also '2026-11-20 02:00 Europe/Berlin', @1763604000 and '8 days ago'; the first lines of a run say which moment that is. @FILE takes it
    /// from a file that you saved, such as the JSON of `aws ec2 describe-snapshots`; @FILE#NAME, where the file holds several backups:
    /// `halfbuilt help find-times`.
    /// Without it nobody can know which builds the backup cut: every timing is unknown, and nothing is deletable.
    #[arg(long, value_name = "TIME|@FILE", value_parser = values::backup_time, env = "HALFBUILT_BACKUP_TIME")]
    pub backup_time: Option<BackupTime>,
    /// When the restored server came back [default: the database server's own record of its last crash recovery, where it can be
    /// trusted]
    ///
    /// Builds that did something after it are alive until proven otherwise, and not deletable. Where it is neither given nor on
    /// record, nothing is deletable.
    #[arg(long, value_name = "TIME", value_parser = values::time, env = "HALFBUILT_RESTORED_AT")]
    pub restored_at: Option<Timestamp>,
    /// The longest time that the server lets a build run, such as 5h or '2 days' [default: the profile's own limit, else 5h]
    #[arg(long, value_name = "DURATION", value_parser = values::duration, env = "HALFBUILT_MAX_RUN_TIME")]
    pub max_run_time: Option<SignedDuration>,
    /// How far the clocks of the machines that write times may be apart [default: 5s]
    ///
    /// A stop within it after the backup counts as one by the backup. Where the restore is not more than twice as far from the backup,
    /// nothing is deletable.
    #[arg(long, value_name = "DURATION", value_parser = values::duration_or_zero, env = "HALFBUILT_CLOCK_TOLERANCE")]
    pub clock_tolerance: Option<SignedDuration>,
    /// The longest time that the restored server takes to start what waits [default: 1h]
    ///
    /// A build that has waited since the backup is deletable only once the queue has been served for so long: since the first build that
    /// was queued after the restore has started.
    #[arg(long, value_name = "DURATION", value_parser = values::duration, env = "HALFBUILT_MAX_QUEUE_TIME")]
    pub max_queue_time: Option<SignedDuration>,
    /// Cancel a statement that takes the database longer than this, such as 10m [default: the server's own limit]
    #[arg(long, value_name = "DURATION", value_parser = values::wait, env = "HALFBUILT_STATEMENT_TIMEOUT")]
    pub statement_timeout: Option<Duration>,
    /// The server's address, such as https://ci.example.com, where the database does not hold the builds' own
    #[arg(long, value_name = "URL", env = "HALFBUILT_BASE_URL")]
    pub base_url: Option<String>,
}

/// What is known to be alive.
#[derive(Debug, Args)]
pub struct AliveArgs {
    /// A list of what is alive: what `nomad status` shows, `kubectl get pods -o json`, or a build a line; may be repeated
    ///
    /// A build that a name on it may mean is never deletable. That a build is on no list proves nothing, and is only noted. A line is the
    /// address of a build, PROJECT#NUMBER or a key; jobs that are dead, and pods that have succeeded or failed, do not count. Have it written
    /// just before: `halfbuilt help timing`.
    #[arg(long = "alive", value_name = "FILE")]
    pub alive: Vec<PathBuf>,
}

/// The help of `--profile`.
fn profile() -> String {
    let names: Vec<&str> = Profile::shipped().map(|(name, _)| name).collect();
    format!(
        "How to read the database: the name of a profile that ships ({}), or a file of your own [default: {DEFAULT_PROFILE}; \
         circleci-api where the database is `private`]",
        names.join(", ")
    )
}
