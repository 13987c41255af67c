//! Turns the reading flags into a plan and a connection.

use jiff::{SignedDuration, Timestamp};

use crate::cli::ReadingArgs;
use crate::database::{Database, Settings};
use crate::output::Printer;
use crate::scan::{Profile, Rule, ScanPlan};
use crate::timing::RestoreTimes;

use super::{Error, base_url};

/// How far two machines' clocks may be apart.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(5);

/// The rules and times by which a database is read.
pub(super) fn plan(args: &ReadingArgs, named_rules: &[String], printer: Printer) -> Result<ScanPlan, Error> {
    if let (Some(backup), Some(restored)) = (args.backup_time, args.restored_at)
        && restored < backup
    {
        return Err(Error::Usage(format!("--restored-at {restored} is before --backup-time {backup}")));
    }
    if args.restored_at.is_some() && args.backup_time.is_none() {
        let by = std::env::var_os("HALFBUILT_RESTORED_AT").map_or("", |_| " (HALFBUILT_RESTORED_AT is set)");
        return Err(Error::Usage(format!("--restored-at needs --backup-time{by}")));
    }
    for (flag, time) in [("--backup-time", args.backup_time), ("--restored-at", args.restored_at)] {
        // Every live build has started by a time that is yet to come, and would pass for one that the backup cut.
        if let Some(time) = time.filter(|time| *time > Timestamp::now() + CLOCKS_APART) {
            return Err(Error::Usage(format!("{flag} {time} is in the future")));
        }
    }
    if let Some(backup) = args.backup_time {
        let restored = args.restored_at.unwrap_or(backup);
        printer.say(&format!("backup taken at {backup}, server back at {restored}, now {:.0}", Timestamp::now()));
    }
    let profile = Profile::load(&args.profile)?;
    let rules = Rule::load_all(args.rule_folder.as_deref())?;
    let times = RestoreTimes { backup: args.backup_time, restored: args.restored_at, max_run_time: args.max_run_time };
    Ok(ScanPlan::new(profile, rules, named_rules, times, base_url(args)?)?)
}

/// The server's address. It is not read by the command line itself, whose errors would repeat a password in it.
pub(super) fn base_url(args: &ReadingArgs) -> Result<Option<String>, Error> {
    let parsed = args.base_url.as_deref().map(base_url::parse).transpose();
    parsed.map_err(|why| Error::Usage(format!("--base-url cannot be read: {why}")))
}

/// Connects to the build database.
pub(super) async fn connect(args: &ReadingArgs, printer: Printer) -> Result<Database, Error> {
    let database = connect_to(args.database_url.as_deref(), printer).await?;
    if let Some(longest) = args.statement_timeout {
        database.limit(longest).await?;
    }
    Ok(database)
}

/// Connects to a build database that `--database-url` or the environment names.
pub(super) async fn connect_to(database_url: Option<&str>, printer: Printer) -> Result<Database, Error> {
    let settings = Settings::resolve(database_url, |name| std::env::var_os(name))?;
    for warning in settings.warnings() {
        printer.warn(warning);
    }
    let by_variable = std::env::var("HALFBUILT_DATABASE_URL").ok();
    if settings.password_was_in_the_url() && database_url != by_variable.as_deref() {
        printer.warn("a password in --database-url can be seen by every user of this machine: use PGPASSWORD");
    }
    Ok(Database::connect(settings).await?)
}
