//! The gates of a deletion: whether the choice, the database and the plan pass.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::time::sleep;
use url::Position;

use crate::admin::Via;
use crate::collection::Collection;
use crate::commands::Error;
use crate::database::{Database, DatabaseIdentity, LockAttempt, LockHolder};
use crate::deletion::journal::Who;
use crate::deletion::{self, Age, GateError, Permit};
use crate::output::Printer;
use crate::premise::Contradictions;
use crate::report;
use crate::scan::database_tag;
use crate::table::{Table, changed};
use crate::text::{Foreign, counted};
use crate::timing::Timing;

use super::choice::Chosen;
use super::origin::Origin;
use super::planning::Plan;
use super::request::DeleteRequest;

/// How long to wait for the lock of a run that may have been killed: the server notices only when it next writes to that run.
const LOCK_OF_A_KILLED_RUN: Duration = Duration::from_secs(15);
/// How often it is tried.
const TRY_LOCK_EVERY: Duration = Duration::from_millis(500);

/// Checks the choice before the database is read: all that may be deleted is on one host, the one that `--confirm` names and that the
/// policy allows, as it does the host of a profile's requests; and the report is not too old. Returns the host; `None` where nothing may be deleted.
pub(super) fn check_choice(
    request: &DeleteRequest,
    Chosen { rows, origin, .. }: &Chosen,
    printer: Printer,
) -> Result<Option<String>, Error> {
    let DeleteRequest { permit, limits, reading, .. } = request;
    let may_be_deleted = |row: &&report::Chosen| {
        let permitted = row
            .judged
            .as_ref()
            .is_none_or(|judged| judged.deletable || (!judged.timing.is_deletable() && permit.allows(judged.timing)));
        permitted && permit.denies(row).is_none()
    };
    let urls = || rows.iter().filter(may_be_deleted).filter_map(|row| row.url.as_ref());
    let host = deletion::one_host(urls(), request.confirm.as_deref())?;
    limits.check_hosts(urls())?;
    if let Some(asked) = host_of_requests(request).filter(|_| host.is_some()) {
        limits.check_host_of_requests(asked)?;
    }
    if let (Some(policy), None) = (&request.archive_required_by, &request.archive) {
        return Err(GateError::NoArchive { policy: policy.clone() }.into());
    }
    if host.is_some() && !origin.alive.is_empty() && reading.alive.is_empty() {
        return Err(GateError::NoAliveList(origin.alive.clone()).into());
    }
    origin.say_age(printer);
    origin.compare_times([reading.times.backup, reading.times.restored], printer);
    origin.compare_limits(&reading.times, printer);
    match origin.age {
        Some(age) => limits.check_age(age, Timestamp::now())?,
        None if origin.tag.is_some() => limits.check_unknown_age()?,
        // A plain list has no age: its builds are judged as they are now.
        None => {}
    }
    Ok(host)
}

/// Checks the plan: not too many builds contradict T and R, and it is not too large for the builds in scope. Says what it deletes in
/// spite of its timing. What earlier runs of the journal have deleted, or `lost`, counts too.
pub(super) fn check_plan(
    DeleteRequest { permit, limits, .. }: &DeleteRequest,
    plan: &Plan,
    (deleted, lost): (u64, u64),
    contradictions: &Contradictions,
    printer: Printer,
) -> Result<(), Error> {
    for timing in &permit.allowed_timings {
        let by_permission = plan.builds.iter().filter(|planned| planned.timing_permitted() == Some(*timing));
        let builds = by_permission.count() as u64;
        if builds > 0 {
            let builds = counted(builds, "build");
            let which = match timing {
                Timing::AfterRestore => "that did something after the restore and may be alive",
                Timing::Between => "that did something between the backup and the restore: T, R or a clock is wrong",
                _ => "without a time that shows whether the backup cut it",
            };
            printer.warn(&format!("--allow-timing {timing}: {builds} to be deleted {which}"));
        }
    }
    let deletions = plan.deletions();
    if deletions == 0 {
        return Ok(());
    }
    limits.check_times(contradictions)?;
    limits.collateral_left(lost)?;
    if deleted > 0 {
        let earlier = counted(deleted, "build");
        printer
            .say(&format!("{earlier} that earlier runs of this journal deleted count for --max and --max-percent too"));
    }
    Ok(limits.check_number(deleted + deletions, deleted + plan.builds_in_scope)?)
}

/// Warns where paths are sent to another host than that of the addresses: on another server they may name other builds.
pub(super) fn warn_of_another_host(request: &DeleteRequest, host: &str, printer: Printer) {
    if host_of_requests(request).is_some_and(|asked| asked != host) {
        printer.warn(&format!(
            "the builds are on {host}, and --via names another host: on another server their paths would name other builds"
        ));
    }
}

/// Where the requests go that the profile describes; `None` where it describes none.
fn host_of_requests(request: &DeleteRequest) -> Option<&str> {
    match (&request.via, &request.profile.deletion) {
        (Some(Via::Http(url)), Some(_)) => Some(&url[Position::BeforeHost..Position::AfterPort]),
        _ => None,
    }
}

/// Warns of globs that deny nothing.
pub(super) fn warn_of_unmatched<'a>(permit: &Permit, projects: impl Iterator<Item = &'a String>, printer: Printer) {
    let projects: Vec<&str> = projects.map(String::as_str).collect();
    for (whose, glob) in permit.denied.unmatched(&projects) {
        printer.warn(&format!("{whose} {glob:?}: no project of the database has such a name"));
    }
}

/// Checks that the rows are from the database that is connected to.
pub(super) fn check_database(identity: &DatabaseIdentity, origin: &Origin) -> Result<(), GateError> {
    let Some(tag) = &origin.tag else { return Ok(()) };
    if *tag == database_tag(identity) {
        return Ok(());
    }
    let name_alone = DatabaseIdentity { system_identifier: None, ..identity.clone() };
    let is_source = identity.is_source || origin.database.as_ref().is_some_and(|own| own.is_source);
    let hint = match (&origin.database, &identity.system_identifier) {
        (Some(own), _) if own.is_source && !identity.is_source => Some(format!(
            "the report is {own}: --profile circleci-api reads what was collected, in the database that holds the documents"
        )),
        (Some(own), _) if is_source => {
            Some(format!("the report is {own}: collect from that server again, or scan what is collected here"))
        }
        (None, _) if is_source => Some("scan what is collected here".to_owned()),
        (Some(own), Some(_)) if own.system_identifier.is_some() => Some(format!(
            "the report is from {own}: name that one by --database-url or PGDATABASE and PGHOST, or scan this one (an upgrade by pg_upgrade \
             gives a server another system identifier, and reports of before are then from another database)"
        )),
        (_, Some(_)) if *tag == database_tag(&name_alone) => Some(
            "the role that scanned may not ask for the system identifier: scan again as this role, or GRANT EXECUTE ON FUNCTION \
             pg_control_system() to that one"
                .to_owned(),
        ),
        (_, None) => Some(
            "this role may not ask for the system identifier, and the one that scanned may have: delete and scan as one role, \
             or GRANT EXECUTE ON FUNCTION pg_control_system() to this one"
                .to_owned(),
        ),
        _ => None,
    };
    Err(GateError::OtherDatabase { connected: identity.to_string(), hint })
}

/// Checks that the collection, of which the builds in scope are counted, is not too old, and says what the lock does not guard.
pub(super) fn check_collection(
    request: &DeleteRequest,
    collection: Option<&Collection>,
    printer: Printer,
) -> Result<(), GateError> {
    let Some(collection) = collection else { return Ok(()) };
    if request.execute {
        printer.say(&format!(
            "the deletion lock is in the database of the documents: it does not keep others from deleting on {}",
            Foreign::url(&collection.source)
        ));
    }
    let began = collection.began_at.unwrap_or(Timestamp::MIN);
    request.limits.check_age(Age::CollectedAt(began), Timestamp::now())
}

/// Checks that the tables are those that were scanned.
pub(super) fn check_tables(now: &[Table], origin: &Origin) -> Result<(), GateError> {
    match &origin.tables {
        Some(scanned) if scanned != now => Err(GateError::OtherTables { change: changed(scanned, now) }),
        _ => Ok(()),
    }
}

/// Refuses to delete by what a standby says, or where nothing can be kept of what is read again. A dry run only warns.
pub(super) async fn check_primary(
    database: &mut Database,
    (execute, holds_copies): (bool, bool),
    printer: Printer,
) -> Result<(), Error> {
    let standby = if holds_copies { GateError::StandbyOfCopies } else { GateError::Standby };
    match database.is_standby().await? {
        true if execute => Err(standby.into()),
        true => {
            printer.warn(&standby.to_string());
            Ok(())
        }
        false => Ok(()),
    }
}

/// Takes the deletion lock: one deletion at a time may work on a database. A dry run takes no lock, and only warns of another run.
pub(super) async fn take_lock(database: &mut Database, execute: bool, printer: Printer) -> Result<(), Error> {
    let busy = |holders: &[_]| GateError::Busy(holders.iter().map(ToString::to_string).collect());
    if !execute {
        let holders = database.lock_holders().await?;
        if !holders.is_empty() {
            printer.warn(&busy(&holders).to_string());
        }
        return Ok(());
    }
    let (began, mut said) = (Instant::now(), false);
    loop {
        match database.lock(&Who::current().application_name()).await? {
            LockAttempt::Taken => return Ok(()),
            LockAttempt::Held(holders) if began.elapsed() < LOCK_OF_A_KILLED_RUN && !holders.iter().any(is_alive) => {
                if !said {
                    let who: Vec<String> = holders.iter().map(ToString::to_string).collect();
                    printer.say(&format!(
                        "the lock of a deletion is held by {}: waiting up to {LOCK_OF_A_KILLED_RUN:?}, in case it has just been killed and the server has \
                         not noticed yet",
                        who.join(", ")
                    ));
                    said = true;
                }
                sleep(TRY_LOCK_EVERY).await;
            }
            LockAttempt::Held(holders) => return Err(busy(&holders).into()),
            LockAttempt::NotAllowed(error) => {
                let causes = crate::causes::distinct_causes(&error).join(": ");
                let causes = Foreign::evidence(&causes);
                printer.warn(&format!("not checked whether another deletion is working: {error}: {causes}"));
                return Ok(());
            }
        }
    }
}

/// Whether the lock holder is a living process of this machine.
fn is_alive(holder: &LockHolder) -> bool {
    holder.program.as_deref().is_some_and(|program| Who::current().knows_alive(program))
}
