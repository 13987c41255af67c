//! What is to become of each chosen build, told before anything is done.

use std::collections::BTreeMap;

use crate::admin::Via;
use crate::cli::DeleteArgs;
use crate::commands::Error;
use crate::commands::guard::Guard;
use crate::commands::record::show_plan;
use crate::deletion::journal::Past;
use crate::deletion::{BuildReader, Decision, GateError, Planned, with_past};
use crate::exit::Exit;
use crate::output::{OutputFile, Printer, Progress};
use crate::project_glob::ProjectGlobs;
use crate::report::Chosen;
use crate::state::State;
use crate::text::shorten;

use super::choice::is_dash;

/// How many builds are read at once while the plan is made.
const PLANNED_AT_ONCE: usize = 1000;
/// How many reasons for which builds are kept are said.
const REASONS_SHOWN: usize = 5;
/// How many characters of such a reason are said.
const REASON_SHOWN: usize = 120;
/// How many characters of a database's name are said.
const NAME_SHOWN: usize = 120;

pub(super) async fn make_plan(
    guard: &mut Guard<'_>,
    chosen: Vec<Chosen>,
    known: &BTreeMap<String, u64>,
    past: &Past,
    printer: Printer,
) -> Result<Vec<Planned>, Error> {
    // A run that goes on may have deleted all there was.
    let begins = past.sessions.is_empty();
    if known.is_empty() && begins {
        return Err(Error::NothingToDelete("the database holds no build at all".to_owned()));
    }
    let is_known = |project: &str| known.keys().any(|known| known.eq_ignore_ascii_case(project));
    // Where projects are not named as addresses name them, nothing follows from a name that is not there.
    let tells = known.keys().all(|project| project.contains('/'));
    if tells && begins && !chosen.iter().any(|row| row.project.as_deref().is_none_or(is_known)) {
        let why = "the database knows none of their projects: is it the right one?";
        return Err(Error::NothingToDelete(why.to_owned()));
    }
    let mut progress = Progress::counted("reading the chosen builds", chosen.len() as u64, printer);
    let mut plan = Vec::with_capacity(chosen.len());
    let mut left = chosen.into_iter();
    loop {
        let batch: Vec<Chosen> = left.by_ref().take(PLANNED_AT_ONCE).collect();
        if batch.is_empty() {
            return Ok(plan);
        }
        let readings = guard.read(&batch.iter().collect::<Vec<_>>()).await?;
        for (chosen, now) in batch.into_iter().zip(readings) {
            let mut decision = guard.terms().decide(&chosen, &now);
            let url = chosen.url.as_ref().map(ToString::to_string).unwrap_or_default();
            let sent_before = past.may_be_sent(&url);
            if let Some(build) = past.builds.get(&url) {
                let was = past.identities.get(&url);
                decision = with_past(decision, &now, build, sent_before, was);
            }
            plan.push(Planned { chosen, decision, sent_before });
            progress.advance();
        }
    }
}

/// How many builds of the database are in the projects that `--project` chooses.
pub(super) fn builds_in_scope(known: &BTreeMap<String, u64>, projects: &ProjectGlobs) -> u64 {
    // Builds without a project stand under the empty name.
    let named = |name: &&String| projects.matches(Some(name.as_str()).filter(|name| !name.is_empty()));
    known.iter().filter(|(name, _)| named(name)).map(|(_, builds)| builds).sum()
}

/// Nothing is to be deleted: either all is gone already, or nothing may be deleted.
pub(super) fn nothing_left(
    plan: &[Planned],
    output: OutputFile,
    on_stdout: bool,
    printer: Printer,
) -> Result<Exit, Error> {
    show_plan(plan, output, on_stdout)?;
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
        printer.say(&format!("exit code 5: {kept} of the chosen builds were not deleted"));
        return Ok(Exit::NotAllDeleted);
    }
    Err(Error::NothingToDelete(format!("none of the {} chosen builds may be deleted", plan.len())))
}

/// Says how many builds the plan keeps, and why, the most frequent reasons first.
pub(super) fn say_what_is_kept(plan: &[Planned], printer: Printer) {
    let mut reasons: BTreeMap<(State, &str), u64> = BTreeMap::new();
    for planned in plan {
        if let Decision::Keep(state, reason) = &planned.decision {
            *reasons.entry((*state, reason)).or_default() += 1;
        }
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, builds)| std::cmp::Reverse(*builds));
    for ((state, reason), builds) in reasons.iter().take(REASONS_SHOWN) {
        let kept = if state.is_gone() { "gone" } else { "kept" };
        printer.say(&format!("{kept}: {builds} {state}: {}", shorten(reason, REASON_SHOWN)));
    }
    if let Some(more) = reasons.len().checked_sub(REASONS_SHOWN + 1) {
        printer.say(&format!("kept: and {} more reasons, see the results", more + 1));
    }
}

/// Warns of builds that the database does not know and that stand in a plain list, which a slip of the pen may have put there:
/// they would pass for deleted.
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

/// What a person is asked to agree to.
pub(super) struct Question<'a> {
    pub(super) host: &'a str,
    pub(super) via: &'a Via,
    /// The name of the database in which builds are read.
    pub(super) database: &'a str,
    pub(super) deletions: usize,
    pub(super) chosen: usize,
}

/// Lets nobody delete on a host that they did not name.
pub(super) async fn confirm(args: &DeleteArgs, question: Question<'_>, printer: Printer) -> Result<(), Error> {
    let Question { host, via, database, deletions, chosen } = question;
    if args.confirm.is_some() {
        return Ok(());
    }
    let nobody = || GateError::NotConfirmed(host.to_owned());
    if is_dash(&args.report) {
        return Err(nobody().into());
    }
    let question = format!(
        "{deletions} of {chosen} chosen builds of database {} will be deleted on {host} through {via}; this cannot be undone. \
         Type the host: ",
        shorten(database, NAME_SHOWN)
    );
    // Waiting for a person must not keep a Ctrl-C from being heard.
    let typed = tokio::task::spawn_blocking(move || printer.ask(&question)).await;
    match typed.ok().flatten() {
        None => Err(nobody().into()),
        Some(typed) if typed.eq_ignore_ascii_case(host) => Ok(()),
        Some(typed) => Err(GateError::Mistyped { typed, host: host.to_owned() }.into()),
    }
}
