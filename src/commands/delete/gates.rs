//! The gates of a deletion: what the flags and the policy allow, and whether the choice, the report and the database pass.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use crate::cli::{DeleteArgs, GateArgs, TimingArg};
use crate::commands::read_request::RequestedTimes;
use crate::commands::{self, Error};
use crate::database::{Database, DatabaseIdentity, Holder, Lock};
use crate::deletion::journal::Who;
use crate::deletion::{self, Asked, GateError, Limits, Permit, Planned};
use crate::output::Printer;
use crate::policy::Policy;
use crate::premise::Contradictions;
use crate::report::Chosen;
use crate::scan::database_tag;
use crate::table::{Table, changed};
use crate::text::{counted, shorten};
use crate::timing::{RestoreTimes, Timing};

use super::origin::Origin;

/// How much of a server's complaint is said, in characters.
const SHOWN: usize = 200;

/// How long the lock of a deletion that may have been killed is waited for: the server notices when it next writes to it.
const DYING: Duration = Duration::from_secs(15);
/// How often it is tried.
const LOOKED_AGAIN: Duration = Duration::from_millis(500);

/// What the flags and the policy allow.
pub(super) struct Gates {
    pub(super) permit: Permit,
    limits: Limits,
    /// The policy that wants an archive, if one does.
    archived_by: Option<String>,
}

impl Gates {
    /// Reads the policy, if there is one, and puts the flags beside it.
    pub(super) fn settle(args: &GateArgs, tolerance: Option<SignedDuration>, only: Vec<Timing>) -> Result<Self, Error> {
        let policy = args.policy.as_deref().map(commands::policy::read).transpose()?;
        let asked = Asked {
            max: args.max,
            max_percent: args.max_percent,
            max_age: args.max_age,
            times_contradicted: args.allow,
        };
        let limits = Limits::settle(&asked, policy.as_ref())?;
        if let Some(policy) = &policy {
            keeps_to(args, policy)?;
            keeps_tolerance(tolerance, policy)?;
        }
        let timings = args.allow_timing.iter().map(timing).collect();
        let mut permit = Permit { timings, only, ..Permit::default() };
        permit.denied.add(&args.deny, "--deny")?;
        if let Some(policy) = &policy {
            permit.denied.add(&policy.delete.deny, &format!("deny in {}", policy.name()))?;
        }
        let archived_by = policy.filter(|policy| policy.delete.archive).map(|policy| policy.name());
        Ok(Self { permit, limits, archived_by })
    }

    /// Judges the choice before anything is read: all that may be deleted is on one host, the one that was named, and one
    /// that the policy allows; and the report is not too old. Gives back the host; `None` where nothing may be deleted.
    pub(super) fn choice(
        &self,
        args: &DeleteArgs,
        times: &RequestedTimes,
        chosen: &[Chosen],
        origin: &Origin,
        printer: Printer,
    ) -> Result<Option<String>, Error> {
        let may_be_deleted = |row: &&Chosen| {
            let judged = row.judged.as_ref();
            let permitted = judged.is_none_or(|judged| {
                judged.deletable || (!judged.timing.is_deletable() && self.permit.allows(judged.timing))
            });
            permitted && self.permit.denies(row).is_none()
        };
        let urls = || chosen.iter().filter(may_be_deleted).filter_map(|row| row.url.as_ref());
        let host = deletion::one_host(urls(), args.confirm.as_deref())?;
        self.limits.check_hosts(urls())?;
        if let (Some(policy), None) = (&self.archived_by, &args.archive) {
            return Err(GateError::NoArchive { policy: policy.clone() }.into());
        }
        origin.tell(printer);
        origin.compare_times([times.backup, times.restored], printer);
        origin.compare_limits(times, printer);
        match origin.age {
            Some(age) => self.limits.check_age(age, Timestamp::now())?,
            None if origin.tag.is_some() => self.limits.check_unknown_age()?,
            // A plain list has no age: its builds are judged afresh.
            None => {}
        }
        Ok(host)
    }

    /// Judges the plan: no build contradicts T and R, and it is not too large for the builds in scope. Says what it deletes in spite
    /// of its timing.
    ///
    /// What earlier sessions of the journal have deleted counts with it.
    pub(super) fn plan(
        &self,
        plan: &[Planned],
        (deleted, builds_in_scope): (u64, u64),
        contradictions: &Contradictions,
        printer: Printer,
    ) -> Result<(), Error> {
        for timing in &self.permit.timings {
            let builds = plan.iter().filter(|planned| planned.deleted_in_spite_of() == Some(*timing)).count() as u64;
            if builds > 0 {
                let builds = counted(builds, "build");
                let why = timing.explained();
                printer.warn(&format!("--allow-timing {timing}: {builds} to be deleted of which is known: {why}"));
            }
        }
        let deletions = plan.iter().filter(|planned| planned.is_deletion()).count() as u64;
        if deletions == 0 {
            return Ok(());
        }
        self.limits.check_times(contradictions)?;
        if deleted > 0 {
            let earlier = counted(deleted, "build");
            printer.say(&format!(
                "{earlier} that earlier runs of this journal deleted count for --max and --max-percent too"
            ));
        }
        Ok(self.limits.check_number(deleted + deletions, deleted + builds_in_scope)?)
    }

    /// Says which globs deny nothing.
    pub(super) fn tell_unmatched<'a>(&self, projects: impl Iterator<Item = &'a String>, printer: Printer) {
        let projects: Vec<&str> = projects.map(String::as_str).collect();
        for (whose, glob) in self.permit.denied.unmatched(&projects) {
            printer.warn(&format!("{whose} {glob:?}: no project of the database has such a name"));
        }
    }
}

/// Judges whether the rows are from the database that is connected to.
pub(super) fn database(identity: &DatabaseIdentity, origin: &Origin) -> Result<(), GateError> {
    let Some(tag) = &origin.tag else { return Ok(()) };
    if *tag == database_tag(identity) {
        return Ok(());
    }
    let name_alone = DatabaseIdentity { system_identifier: None, ..identity.clone() };
    let of = match (&origin.database, &identity.system_identifier) {
        (Some(own), Some(_)) if own.system_identifier.is_some() => Some(format!(
            "the report is from {own}: name that one by --database-url or PGDATABASE and PGHOST, or scan this one"
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
    Err(GateError::OtherDatabase { connected: identity.to_string(), of })
}

/// Judges whether the tables are those of which the rows are.
pub(super) fn tables(now: &[Table], origin: &Origin) -> Result<(), GateError> {
    match &origin.tables {
        Some(scanned) if scanned != now => Err(GateError::OtherTables { change: changed(scanned, now) }),
        _ => Ok(()),
    }
}

/// Lets nobody delete by what a standby says. A dry run is only told.
pub(super) async fn primary(database: &mut Database, execute: bool, printer: Printer) -> Result<(), Error> {
    match database.is_standby().await? {
        true if execute => Err(GateError::Standby.into()),
        true => {
            printer.warn(&GateError::Standby.to_string());
            Ok(())
        }
        false => Ok(()),
    }
}

/// Lets one deletion be at work on a database at a time. A dry run takes no lock, and only says that somebody is at work.
pub(super) async fn alone(database: &mut Database, execute: bool, printer: Printer) -> Result<(), Error> {
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
        match database.lock(&Who::am_i().holder()).await? {
            Lock::Taken => return Ok(()),
            Lock::Held(holders) if began.elapsed() < DYING && !holders.iter().any(is_alive) => {
                if !said {
                    let who: Vec<String> = holders.iter().map(ToString::to_string).collect();
                    printer.say(&format!(
                        "the lock of a deletion is held by {}: waiting up to {DYING:?}, in case it has just been killed and the server has \
                         not noticed yet",
                        who.join(", ")
                    ));
                    said = true;
                }
                sleep(LOOKED_AGAIN).await;
            }
            Lock::Held(holders) => return Err(busy(&holders).into()),
            Lock::NotAllowed(error) => {
                let causes = crate::causes::told_apart(&error).join(": ");
                let causes = shorten(&causes, SHOWN);
                printer.warn(&format!("not checked whether another deletion is at work: {error}: {causes}"));
                return Ok(());
            }
        }
    }
}

/// Whether who holds the lock is known to live: a process of this machine.
fn is_alive(holder: &Holder) -> bool {
    holder.program.as_deref().is_some_and(|program| Who::am_i().sees_alive(program))
}

/// The flags allow no timing that the policy does not.
fn keeps_to(args: &GateArgs, policy: &Policy) -> Result<(), GateError> {
    let Some(ruled) = &policy.delete.allow_timing else { return Ok(()) };
    match args.allow_timing.iter().map(timing).find(|asked| !ruled.contains(asked)) {
        None => Ok(()),
        Some(asked) => {
            let ruled: Vec<&str> = ruled.iter().map(|timing| timing.as_str()).collect();
            Err(GateError::Looser {
                flag: "--allow-timing",
                asked: asked.to_string(),
                ruled: format!("{ruled:?}"),
                policy: policy.name(),
                key: "allow_timing",
            })
        }
    }
}

/// Where a policy rules how many builds may contradict T and R, a flag cannot make them fewer by a larger tolerance.
fn keeps_tolerance(asked: Option<SignedDuration>, policy: &Policy) -> Result<(), GateError> {
    let ruled = policy.delete.clock_tolerance;
    let ruled = ruled.or(policy.delete.times_contradicted.map(|_| RestoreTimes::CLOCK_TOLERANCE));
    match (asked, ruled) {
        (Some(asked), Some(ruled)) if asked > ruled => Err(GateError::Looser {
            flag: "--clock-tolerance",
            asked: format!("{asked:#}"),
            ruled: format!("{ruled:#}"),
            policy: policy.name(),
            key: "clock_tolerance",
        }),
        _ => Ok(()),
    }
}

pub(super) fn timing(allowed: &TimingArg) -> Timing {
    match allowed {
        TimingArg::AfterRestore => Timing::AfterRestore,
        TimingArg::Between => Timing::Between,
        TimingArg::Unknown => Timing::Unknown,
    }
}
