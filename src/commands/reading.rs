//! Turns the reading flags into a plan and a connection.

use jiff::Timestamp;

use crate::cli::ReadingArgs;
use crate::database::{Database, Settings};
use crate::output::Printer;
use crate::scan::{Profile, Rule, ScanPlan};
use crate::timing::RestoreTimes;

use super::Error;

/// The rules and times by which a database is read.
pub(super) fn plan(args: &ReadingArgs, named_rules: &[String], printer: Printer) -> Result<ScanPlan, Error> {
    if let (Some(backup), Some(restored)) = (args.backup_time, args.restored_at)
        && restored < backup
    {
        return Err(Error::Usage(format!("--restored-at {restored} is before --backup-time {backup}")));
    }
    if args.restored_at.is_some() && args.backup_time.is_none() {
        return Err(Error::Usage("--restored-at needs --backup-time".to_owned()));
    }
    for (flag, time) in [("--backup-time", args.backup_time), ("--restored-at", args.restored_at)] {
        if let Some(time) = time.filter(|time| *time > Timestamp::now()) {
            printer.warn(&format!("{flag} {time} is in the future by this machine's clock"));
        }
    }
    let profile = Profile::load(&args.profile)?;
    let rules = Rule::load_all(args.rule_folder.as_deref())?;
    let times = RestoreTimes { backup: args.backup_time, restored: args.restored_at, max_run_time: args.max_run_time };
    Ok(ScanPlan::new(profile, rules, named_rules, times, args.base_url.clone())?)
}

/// Connects to the build database.
pub(super) async fn connect(args: &ReadingArgs, printer: Printer) -> Result<Database, Error> {
    let settings = Settings::resolve(args.database_url.as_deref(), |name| std::env::var(name).ok())?;
    if settings.password_was_in_the_url() && std::env::var_os("HALFBUILT_DATABASE_URL").is_none() {
        printer.warn("a password in --database-url can be seen by every user of this machine: use PGPASSWORD");
    }
    Ok(Database::connect(settings).await?)
}
