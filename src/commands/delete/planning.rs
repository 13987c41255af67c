//! Makes the plan: what is to become of each chosen build, said before anything is done.

use std::collections::BTreeMap;

use crate::commands::Error;
use crate::database::DatabaseIdentity;
use crate::deletion::journal::Past;
use crate::deletion::{BuildReader, Decision, GateError, LiveBuilds, Planned, revise_by_journal};
use crate::exit::Exit;
use crate::output::{OutputFile, Printer, Progress};
use crate::project_glob::ProjectGlobs;
use crate::report::Chosen;
use crate::state::State;
use crate::text::Foreign;

use super::recorder::write_plan;
use super::request::DeleteRequest;

/// Up to so many chosen builds are planned by the tables themselves, which takes a look at every build, and not by indexes. Gates allow no more
/// without a flag.
const PLANNED_BY_TABLES: usize = 2000;
/// How many builds are read at once while the plan is made.
const PLANNED_AT_ONCE: usize = 1000;
/// How many of the reasons why builds are kept are listed.
const REASONS_LISTED: usize = 5;

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
            plan.push(Planned { chosen, decision, sent_before });
            progress.advance();
        }
    }
}

fn builds_in_scope(known: &BTreeMap<String, u64>, projects: &ProjectGlobs) -> u64 {
    // Builds without a project stand under the empty name.
    let named = |name: &&String| projects.matches(Some(name.as_str()).filter(|name| !name.is_empty()));
    known.iter().filter(|(name, _)| named(name)).map(|(_, builds)| builds).sum()
}

/// Ends a run in which nothing is to be deleted: either all is gone already, or nothing may be deleted.
pub(super) fn end_without_deletions(
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
    if earlier > 0 {
        // The same as of the run that deleted them.
        let kept = plan.len() - plan.iter().filter_map(Planned::kept_as).filter(|state| state.is_gone()).count();
        printer.tell(&format!("exit code 5: {kept} of the chosen builds were not deleted"));
        return Ok(Exit::NotAllDeleted);
    }
    Err(Error::NothingToDelete(format!("none of the {} chosen builds may be deleted", plan.len())))
}

/// Says how many builds the plan keeps, and why, the most frequent reasons first.
pub(super) fn say_what_is_kept(plan: &[Planned], printer: Printer) {
    let mut reasons: BTreeMap<(State, String), u64> = BTreeMap::new();
    for planned in plan {
        if let Decision::Keep(state, reason) = &planned.decision {
            *reasons.entry((*state, reason.to_string())).or_default() += 1;
        }
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, builds)| std::cmp::Reverse(*builds));
    for ((state, reason), builds) in reasons.iter().take(REASONS_LISTED) {
        let kept = if state.is_gone() { "gone" } else { "kept" };
        printer.say(&format!("{kept}: {builds} {state}: {}", Foreign::evidence(reason)));
    }
    if let Some(more) = reasons.len().checked_sub(REASONS_LISTED + 1) {
        printer.say(&format!("kept: and {} more reasons, see the results", more + 1));
    }
}

/// Warns of builds in a plain list that the database does not know: a mistyped address would count as already gone.
pub(super) fn warn_of_unknown(plan: &[Planned], printer: Printer) {
    let listed = |planned: &&Planned| planned.chosen.judged.is_none();
    let unknown = plan.iter().filter(|planned| planned.kept_as() == Some(State::AlreadyGone)).filter(listed).count();
    let all = plan.len();
    match unknown {
        0 => {}
        1 => printer.warn(&format!("1 of {all} chosen builds is not in the database: is its address right?")),
        _ => printer
            .warn(&format!("{unknown} of {all} chosen builds are not in the database: are their addresses right?")),
    }
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
        return Ok(());
    }
    let not_confirmed = || GateError::NotConfirmed(host.to_owned());
    if request.report_file().is_none() {
        return Err(not_confirmed().into());
    }
    let question = format!(
        "{} of {} chosen builds of database {} will be deleted on {host} through {}; this cannot be undone. Type the host: ",
        plan.deletions(),
        plan.builds.len(),
        Foreign::name(&database.name),
        request.via
    );
    // Waiting for a person must not keep a Ctrl-C from being heard.
    let typed = tokio::task::spawn_blocking(move || printer.ask(&question)).await;
    match typed.ok().flatten() {
        None => Err(not_confirmed().into()),
        Some(typed) if typed.eq_ignore_ascii_case(host) => Ok(()),
        Some(typed) => Err(GateError::Mistyped { typed, host: host.to_owned() }.into()),
    }
}
