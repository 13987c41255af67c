//! Makes the plan: what is to become of each chosen build, said before anything is done.

use std::collections::BTreeMap;

use crate::commands::Error;
use crate::database::DatabaseIdentity;
use crate::deletion::journal::Past;
use crate::deletion::{
    AcceptedCancel, BuildReader, Decision, GateError, LiveBuilds, Planned, Reading, RequestPaths, decide_after_cancel,
    is_to_be_cancelled, revise_by_journal, say_that_it_may_be_cancelled,
};
use crate::exit::Exit;
use crate::output::{OutputFile, Printer, Progress};
use crate::premise::Premise;
use crate::project_glob::ProjectGlobs;
use crate::report::Chosen;
use crate::state::State;
use crate::text::Foreign;

use super::closing::{
    say_not_all_deleted, say_what_is_cancelled, say_what_is_kept, say_what_will_be_deleted, warn_of_unknown,
};
use super::next;
use super::recorder::write_plan;
use super::request::{DeleteRequest, Source};

/// Up to so many chosen builds are planned by the tables themselves, which takes a look at every build, and not by indexes. Gates allow no more
/// without a flag.
const PLANNED_BY_TABLES: usize = 2000;
/// How many builds are read at once while the plan is made.
const PLANNED_AT_ONCE: usize = 1000;

/// What is to become of each chosen build.
pub(super) struct Plan {
    pub(super) builds: Vec<Planned>,
    /// How many builds the database has in the projects that `--project` chooses.
    pub(super) builds_in_scope: u64,
}

impl Plan {
    pub(super) fn deletions(&self) -> u64 {
        self.builds.iter().filter(|planned| planned.is_deletion()).count() as u64
    }
}

/// Reads the chosen builds and decides on each.
///
/// # Errors
/// The database cannot be read, or it is clearly not the one that is meant.
pub(super) async fn make_plan(
    reader: &mut LiveBuilds<'_>,
    rows: Vec<Chosen>,
    projects: &ProjectGlobs,
    known: &BTreeMap<String, u64>,
    past: &Past,
    printer: Printer,
) -> Result<Plan, Error> {
    // A run that continues another may find that all builds are deleted.
    if past.sessions.is_empty() {
        check_projects(&rows, known)?;
    }
    let builds = decide(reader, rows, past, printer).await?;
    Ok(Plan { builds, builds_in_scope: builds_in_scope(known, projects) })
}

/// Refuses a database that has no build, or none of the projects of the chosen rows.
fn check_projects(rows: &[Chosen], known: &BTreeMap<String, u64>) -> Result<(), Error> {
    if known.is_empty() {
        return Err(Error::NothingToDelete("the database holds no build at all".to_owned()));
    }
    let is_known = |project: &str| known.keys().any(|known| known.eq_ignore_ascii_case(project));
    // Where projects are not named as addresses name them, nothing follows from a name that is missing.
    let named_as_in_addresses = known.keys().all(|project| project.contains('/'));
    if named_as_in_addresses && !rows.iter().any(|row| row.project.as_deref().is_none_or(is_known)) {
        let why = "the database knows none of their projects: is it the right one?";
        return Err(Error::NothingToDelete(why.to_owned()));
    }
    Ok(())
}

async fn decide(
    reader: &mut LiveBuilds<'_>,
    chosen: Vec<Chosen>,
    past: &Past,
    printer: Printer,
) -> Result<Vec<Planned>, Error> {
    let mut progress = Progress::counted("reading the chosen builds", chosen.len() as u64, printer);
    let mut plan = Vec::with_capacity(chosen.len());
    // An index may not show all that a table holds: then a build that is whole seems to lack something.
    reader.read_by_tables(chosen.len() <= PLANNED_BY_TABLES);
    let mut left = chosen.into_iter();
    loop {
        let batch: Vec<Chosen> = left.by_ref().take(PLANNED_AT_ONCE).collect();
        if batch.is_empty() {
            reader.read_by_tables(false);
            return Ok(plan);
        }
        let readings = reader.read(&batch.iter().collect::<Vec<_>>()).await?;
        for (chosen, now) in batch.into_iter().zip(readings) {
            let mut decision = reader.terms().decide(&chosen, &now);
            let url = chosen.url.as_ref().map(ToString::to_string).unwrap_or_default();
            let sent_before = past.may_be_sent(&url);
            if let Some(build) = past.builds.get(&url) {
                let was = past.identities.get(&url);
                decision = revise_by_journal(decision, &now, build, sent_before, was);
            }
            let cancelled =
                cancelled_before(&decision, &url, past).filter(|_| is_by_same_times(past, &url, reader.premise()));
            if let Some(cancel) = &cancelled {
                decision = decide_after_cancel(&reader.terms(), decision, &now, cancel);
            }
            let cancel_may_be_sent = past.cancels.may_be_sent(&url);
            if cancel_may_be_sent {
                decision = say_that_it_may_be_cancelled(decision);
            }
            let is_at_work = matches!(&now, Reading::There(found) if is_to_be_cancelled(found));
            let cancels_first = is_at_work && cancelled.is_none();
            let (project, paths) = match now {
                Reading::There(found) => (found.project.clone(), RequestPaths::of(&found)),
                _ => (None, RequestPaths::default()),
            };
            plan.push(Planned {
                chosen,
                decision,
                project,
                paths,
                sent_before,
                cancels_first,
                cancelled,
                cancel_may_be_sent,
            });
            progress.advance();
        }
    }
}

/// The cancel that an earlier run sent and the server accepted, where it may be why the build has changed. One that is as it was is cancelled
/// again, whatever the server said.
fn cancelled_before(decision: &Decision, url: &str, past: &Past) -> Option<AcceptedCancel> {
    let is_as_it_was = matches!(decision, Decision::Delete { .. });
    past.cancels.accepted(url).filter(|_| !is_as_it_was)
}

/// Whether the run that cancelled a build sorted builds by the same T and R: by others, what the build did after its cancel says something else.
fn is_by_same_times(past: &Past, url: &str, premise: &Premise) -> bool {
    let now = [premise.times.backup, premise.restored.time()].map(|time| time.map(|time| time.to_string()));
    let session = past.session_of_cancel(url);
    session.is_some_and(|session| [&session.start.backup_time, &session.start.restored_at] == now.each_ref())
}

fn builds_in_scope(known: &BTreeMap<String, u64>, projects: &ProjectGlobs) -> u64 {
    // Builds without a project stand under the empty name.
    let named = |name: &&String| projects.matches(Some(name.as_str()).filter(|name| !name.is_empty()));
    known.iter().filter(|(name, _)| named(name)).map(|(_, builds)| builds).sum()
}

/// Ends a run in which nothing is to be deleted: either all is gone already, or nothing may be deleted.
pub(super) fn end_without_deletions(
    request: &DeleteRequest,
    plan: &[Planned],
    results: OutputFile,
    on_stdout: bool,
    printer: Printer,
) -> Result<Exit, Error> {
    write_plan(plan, results, on_stdout, printer.color())?;
    say_what_is_kept(plan, printer);
    let earlier = plan.iter().filter(|planned| planned.kept_as() == Some(State::Deleted)).count();
    let mut may_have_been_deleted = plan.iter().filter(|planned| planned.kept_as() != Some(State::Refused));
    let by_somebody = plan.iter().any(|planned| planned.kept_as() == Some(State::AlreadyGone));
    if earlier == 0 && by_somebody && may_have_been_deleted.all(|planned| planned.kept_as().is_some_and(State::is_gone))
    {
        printer.warn("what could be deleted is gone already: if that is a surprise, is this the right database?");
    } else {
        warn_of_unknown(plan, printer);
    }
    if plan.iter().filter_map(Planned::kept_as).all(State::is_gone) {
        return Ok(Exit::Clean);
    }
    let is_cancelled = plan.iter().any(|planned| planned.kept_as() == Some(State::Cancelled));
    if earlier > 0 || is_cancelled {
        // The same as of the run that deleted or cancelled them.
        let kept = plan.len() - plan.iter().filter_map(Planned::kept_as).filter(|state| state.is_gone()).count();
        say_not_all_deleted(kept as u64, plan, printer);
        next::say_scan_again(request, printer);
        return Ok(Exit::NotAllDeleted);
    }
    let why = match plan.len() {
        1 => "the chosen build may not be deleted".to_owned(),
        builds => format!("none of the {builds} chosen builds may be deleted"),
    };
    Err(match request.reading.times.backup {
        Some(_) => Error::NothingToDelete(why),
        None => Error::NothingToDeleteYet { why, hint: next::give_times(request) },
    })
}

/// Asks for the host, unless `--confirm` names it: nobody deletes on a host that they did not name.
pub(super) async fn confirm(
    request: &DeleteRequest,
    host: &str,
    database: &DatabaseIdentity,
    plan: &Plan,
    printer: Printer,
) -> Result<(), Error> {
    if request.confirm.is_some() {
        say_what_is_cancelled(&plan.builds, printer);
        return Ok(());
    }
    let not_confirmed = || GateError::NotConfirmed(host.to_owned());
    // Then standard input is the list, and nobody answers there.
    if matches!(request.source, Source::Stdin) {
        return Err(not_confirmed().into());
    }
    if printer.can_ask() {
        say_what_will_be_deleted(&plan.builds, host, printer);
    }
    let question = format!(
        "{} of {} chosen builds of database {} will be deleted on {host} through {}; this cannot be undone. Type the host: ",
        plan.deletions(),
        plan.builds.len(),
        Foreign::name(&database.name),
        request.admin_path()?
    );
    // Waiting for a person must not keep a Ctrl-C from being heard.
    let typed = tokio::task::spawn_blocking(move || printer.ask(&question)).await;
    match typed.ok().flatten() {
        None => Err(not_confirmed().into()),
        Some(typed) if typed.eq_ignore_ascii_case(host) => Ok(()),
        Some(typed) => Err(GateError::Mistyped { typed, host: host.to_owned() }.into()),
    }
}
