//! Turns the reading flags into a plan and a connection.

use jiff::{SignedDuration, Timestamp};

use crate::cli::ReadingArgs;
use crate::database::{Database, DatabaseIdentity, Settings};
use crate::output::Printer;
use crate::premise::{Contradictions, Premise, Restored};
use crate::scan::{Profile, Role, Rule, ScanPlan};
use crate::table::{Table, in_words};
use crate::text::counted;
use crate::timing::RestoreTimes;

use super::waiting::said_while;
use super::{Error, base_url};

/// The largest clock tolerance. No clocks are further apart, and the server can add it to any time.
const LARGEST_TOLERANCE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How far two machines' clocks may be apart.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(5);

/// Clocks that are further apart are said to be.
const CLOCKS_AGREE: SignedDuration = SignedDuration::from_mins(1);

/// The rules and times by which a database is read.
pub(super) fn plan(args: &ReadingArgs, named_rules: &[String]) -> Result<ScanPlan, Error> {
    if let (Some(backup), Some(restored)) = (args.backup_time, args.restored_at)
        && restored < backup
    {
        return Err(Error::Usage(format!("--restored-at {restored} is before --backup-time {backup}")));
    }
    let tolerance = args.clock_tolerance.unwrap_or(RestoreTimes::CLOCK_TOLERANCE);
    if let (Some(backup), Some(restored)) = (args.backup_time, args.restored_at)
        && restored.duration_since(backup) < tolerance
    {
        let apart = restored.duration_since(backup);
        return Err(Error::Usage(format!(
            "--clock-tolerance {tolerance:#} is longer than the time between --backup-time and --restored-at, {apart:#}: builds before \
             and after the restore cannot be told apart"
        )));
    }
    if tolerance > LARGEST_TOLERANCE {
        return Err(Error::Usage(format!(
            "--clock-tolerance {tolerance:#} is longer than {LARGEST_TOLERANCE:#}: clocks that are further apart tell nothing"
        )));
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
    let profile = Profile::load(&args.profile)?;
    let rules = Rule::load_all(args.rule_folder.as_deref())?;
    let times = times(args, Some(&profile));
    Ok(ScanPlan::new(profile, rules, named_rules, times, base_url(args)?)?.in_schema(args.schema.clone()))
}

/// What the flags say of the restore, and the profile of its CI.
pub(super) fn times(args: &ReadingArgs, profile: Option<&Profile>) -> RestoreTimes {
    let of_profile = profile.and_then(|profile| profile.max_run_time);
    RestoreTimes {
        backup: args.backup_time,
        restored: args.restored_at,
        max_run_time: args.max_run_time.or(of_profile).unwrap_or(RestoreTimes::MAX_RUN_TIME),
        clock_tolerance: args.clock_tolerance.unwrap_or(RestoreTimes::CLOCK_TOLERANCE),
        max_queue_time: args.max_queue_time.unwrap_or(RestoreTimes::MAX_QUEUE_TIME),
    }
}

/// Says what is read: whoever owns a table decides what is in it.
pub(super) fn say_tables(identity: &DatabaseIdentity, tables: &[Table], printer: Printer) {
    printer.say(&format!("reading database {:?}: {}", identity.name, in_words(tables)));
}

/// Warns of SQL of one's own that runs as a role which may do more than read.
pub(super) fn warn_of_role(args: &ReadingArgs, plan: &ScanPlan, role: &Role, printer: Printer) {
    let whose = match (plan.profile_ships(), &args.rule_folder) {
        (true, None) => return,
        (false, None) => format!("--profile {}", args.profile),
        (true, Some(folder)) => format!("--rules {}", folder.display()),
        (false, Some(folder)) => format!("--profile {} and --rules {}", args.profile, folder.display()),
    };
    let may = match role {
        Role { is_superuser: true, .. } => "is a superuser: it reaches the server's files, and other databases",
        Role { owns: true, .. } => "owns the tables, or may do what their owner may",
        _ => return,
    };
    printer.warn(&format!(
        "{whose}: SQL that runs as role {:?}, which {may}; do you know who wrote it? sql/role.sql makes a role that only reads",
        role.name
    ));
}

/// Says what the run goes by: T and R, how they are known, and what contradicts them. What follows from it comes first: it is said
/// before any build is.
pub(super) fn say_premise(premise: &Premise, printer: Printer) {
    let ahead = premise.clock_ahead;
    if ahead.abs() > CLOCKS_AGREE {
        let is = if ahead.is_negative() { "behind" } else { "ahead of" };
        // In whole minutes.
        let apart = SignedDuration::from_mins((ahead.abs().as_secs() + 30) / 60);
        printer.warn(&format!(
            "the database's clock is {apart:#} {is} this machine's: one of the two is wrong, and T, R and ages are told by them"
        ));
    }
    if premise.times.backup.is_none() {
        return;
    }
    printer.say(&premise.to_string());
    if let Some(sentence) = premise.contradictions.question() {
        printer.warn(&sentence);
        printer.say(
            "hint: a backup that takes long is of the moment at which it ended; find T and R again, and look at the builds in between \
             before anything is deleted",
        );
    }
    if premise.start_up_stops > 0 {
        let builds = counted(premise.start_up_stops, "build");
        printer.say(&format!(
            "{builds} stopped shortly before R, and nothing else was done then: taken for closed by the server's own start-up"
        ));
    }
    if let Some(at) = premise.recovered_before_backup {
        printer.warn(&format!(
            "the database server recovered from a crash at {at:.0}, before the backup time, with builds on both sides of it: if the restore \
             was then, T and R are wrong, and builds that live look cut"
        ));
    }
    match premise.restored {
        Restored::Unknown => {
            if let Some((at, Contradictions { builds, last: Some(last), .. })) = premise.recovery_contradicted {
                let builds = counted(builds, "build");
                printer.say(&format!(
                    "the database server recovered from a crash at {at:.0}, but {builds} did something between the backup and then, the \
                     last at {last}: that was not the restore, or the backup time is wrong"
                ));
            }
            printer.warn("when the server came back is not known: nothing is deletable without --restored-at");
        }
        Restored::Given(_) | Restored::Recovered(_) if premise.is_too_close() => {
            let tolerance = premise.times.clock_tolerance;
            printer.warn(&format!(
                "the server came back so soon after the backup that clocks which may be {tolerance:#} apart (--clock-tolerance) tell \
                 nothing: nothing is deletable"
            ));
        }
        Restored::Given(_) | Restored::Recovered(_) => {}
    }
}

/// The server's address. It is not read by the command line itself, whose errors would repeat a password in it.
pub(super) fn base_url(args: &ReadingArgs) -> Result<Option<String>, Error> {
    let parsed = args.base_url.as_deref().map(base_url::parse).transpose();
    parsed.map_err(|why| Error::Usage(format!("--base-url cannot be read: {why}")))
}

/// Connects to the build database.
pub(super) async fn connect(args: &ReadingArgs, printer: Printer) -> Result<Database, Error> {
    let mut database = connect_to(args.database_url.as_deref(), printer).await?;
    if let Some(longest) = args.statement_timeout {
        database.limit(longest);
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
    let what = format!("still connecting to {}", settings.description());
    Ok(said_while(&what, printer, Database::connect(settings)).await?)
}
