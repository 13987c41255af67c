//! What is said of a whole plan or run: what will be deleted, what is kept and why, and how all builds ended.

use std::collections::BTreeMap;

use crate::deletion::journal::Past;
use crate::deletion::{Decision, Planned};
use crate::obstacle::gist;
use crate::output::Printer;
use crate::state::State;
use crate::text::{Foreign, counted, was_or_were};

/// How many of the reasons why builds are kept are listed.
const REASONS_LISTED: usize = 5;
/// How many builds are listed that were not deleted.
const BUILDS_LISTED: usize = 5;
/// How many projects, rules and timings are listed before a person confirms.
const NAMES_LISTED: usize = 6;

/// Says what is about to be deleted, by project, rule and timing, and what is kept: a person confirms it next.
pub(super) fn say_what_will_be_deleted(plan: &[Planned], host: &str, printer: Printer) {
    let deletions: Vec<&Planned> = plan.iter().filter(|planned| planned.is_deletion()).collect();
    printer.tell(&format!("to be deleted on {host}: {}", counted(deletions.len() as u64, "build")));
    let [mut projects, mut rules, mut timings] = [const { BTreeMap::<String, u64>::new() }; 3];
    for planned in deletions {
        *projects.entry(planned.chosen.project.clone().unwrap_or_else(|| "no project".to_owned())).or_default() += 1;
        for reason in &planned.chosen.reasons {
            *rules.entry(reason.clone()).or_default() += 1;
        }
        if let Decision::Delete { timing, .. } = &planned.decision {
            *timings.entry(timing.to_string()).or_default() += 1;
        }
    }
    for (what, counts) in [("project", projects), ("rule", rules), ("timing", timings)] {
        // A plain list names no rules.
        if !counts.is_empty() {
            printer.tell(&format!("  by {what}: {}", largest(counts)));
        }
    }
    say_what_is_cancelled(plan, printer);
    say_what_is_kept(plan, printer);
}

/// Says how many builds are cancelled before they are deleted, which others may see.
pub(super) fn say_what_is_cancelled(plan: &[Planned], printer: Printer) {
    let builds = plan.iter().filter(|planned| planned.is_deletion() && planned.cancels_first).count() as u64;
    if builds > 0 {
        let what = if builds == 1 { "runs or waits: it is" } else { "run or wait: they are" };
        let builds = counted(builds, "build");
        printer.tell(&format!("{builds} {what} cancelled first, and the server may report that to the forge"));
    }
}

/// The largest counts first.
fn largest(counts: BTreeMap<String, u64>) -> String {
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, builds)| std::cmp::Reverse(*builds));
    let more = counts.len().saturating_sub(NAMES_LISTED);
    let mut listed: Vec<String> =
        counts.iter().take(NAMES_LISTED).map(|(name, builds)| format!("{builds} {}", Foreign::name(name))).collect();
    if more > 0 {
        listed.push(format!("and {more} more"));
    }
    listed.join(", ")
}

/// Says how many builds the plan keeps, and why: first those that are gone, then the most frequent reasons.
pub(super) fn say_what_is_kept(plan: &[Planned], printer: Printer) {
    let mut reasons: BTreeMap<(State, String), u64> = BTreeMap::new();
    for planned in plan {
        if let Decision::Keep(state, reason) = &planned.decision {
            // Without what concerns one build only.
            *reasons.entry((*state, gist(&reason.to_string()))).or_default() += 1;
        }
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    // The first state of all is deleted, and the next already-gone.
    let is_kept = |state: State| if state.is_gone() { None } else { Some(()) };
    reasons.sort_by_key(|((state, _), builds)| {
        (is_kept(*state), state.is_gone().then_some(*state), std::cmp::Reverse(*builds))
    });
    for ((state, reason), builds) in reasons.iter().take(REASONS_LISTED) {
        let kept = match state {
            State::Failed | State::Unknown => "not sent",
            _ if state.is_gone() => "gone",
            _ => "kept",
        };
        printer.say(&format!("{kept}: {builds} {state}: {}", Foreign::evidence(reason)));
    }
    if let Some(more) = reasons.len().checked_sub(REASONS_LISTED + 1) {
        printer.say(&format!("kept: and {}, see the results", counted(more as u64 + 1, "more reason")));
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

/// Warns, where builds are to be deleted, that an archive of copies is for reading only.
pub(super) fn warn_of_archive_of_copies(plan: &[Planned], printer: Printer) {
    if plan.iter().any(Planned::is_deletion) {
        printer.warn(
            "--archive keeps documents of these builds, not the builds: it cannot be put back into the CI server, and is for reading only",
        );
    }
}

/// Warns, where nothing is archived, that earlier runs of the journal did archive.
pub(super) fn warn_of_archive_before(past: &Past, printer: Printer) {
    let mut archives: Vec<String> = past.archives.keys().map(|file| Foreign::name(file).to_string()).collect();
    archives.sort_unstable();
    if let Some(first) = archives.first() {
        printer.warn(&format!(
            "earlier runs of this journal kept what they deleted in {}; this one keeps nothing: --archive {first} goes on with it",
            archives.join(", ")
        ));
    }
}

/// How many builds ended in each state.
pub(super) fn tally(states: &BTreeMap<State, u64>) -> String {
    let all: u64 = states.values().sum();
    let counted: Vec<String> = states.iter().map(|(state, builds)| format!("{builds} {state}")).collect();
    format!("{all} chosen: {}", counted.join(", "))
}

/// Says why a run that has ended is no success, and which builds the plan kept. Those whose deletion failed have been named.
pub(super) fn say_not_all_deleted(left: u64, plan: &[Planned], printer: Printer) {
    printer.tell(&format!("exit code 5: {left} of the chosen builds {} not deleted", was_or_were(left)));
    let kept = plan.iter().filter_map(|planned| Some((planned.kept_as()?, &planned.chosen.url_text)));
    let kept: Vec<_> = kept.filter(|(state, _)| !state.is_gone()).collect();
    for (state, address) in kept.iter().take(BUILDS_LISTED) {
        printer.say(&format!("  {state}: {}", Foreign::url(address)));
    }
    if let Some(more) = kept.len().checked_sub(BUILDS_LISTED + 1) {
        printer.say(&format!("  and {} more, see the results", more + 1));
    }
}
