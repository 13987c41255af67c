//! The verdict as annotations of a GitHub Actions run: workflow commands such as `::error title=...::...`, a line each.
//!
//! They go to standard error, since standard output is for data. The runner reads both: source, actions/runner,
//! `src/Runner.Worker/Handlers/ScriptHandler.cs`, where each stream has an `OutputManager` that processes commands. How they are
//! parsed and escaped: the same, `src/Runner.Common/ActionCommand.cs`. GitHub shows 10 errors and 10 warnings a step, and 50 a
//! job (github.com/orgs/community/discussions/26680).

use crate::drill::{Judgement, Outcome, Verdict};
use crate::text::Foreign;

/// The most errors, and the most warnings, that are written.
const ANNOTATIONS: usize = 10;
/// The most builds that an annotation names.
const BUILDS: usize = 5;
/// The longest line of an annotation, in characters.
const LINE: usize = 600;

/// The annotations of a verdict, one a line.
pub fn annotations(judgement: &Judgement) -> Vec<String> {
    let mut errors = Vec::new();
    let verdict = line(&judgement.sentence());
    let notice = match judgement.verdict {
        Verdict::Clean | Verdict::Incomplete | Verdict::Allowed => {
            Some(command("notice", "halfbuilt verify", &[verdict]))
        }
        Verdict::Abnormal | Verdict::NothingChecked => {
            errors.push(command("error", "halfbuilt verify", &[verdict]));
            None
        }
        Verdict::CouldNotLook | Verdict::Interrupted => {
            let failure = judgement.failure.as_ref().map(|failure| failure.lines()).unwrap_or_default();
            errors.push(command("error", "halfbuilt verify", &[vec![verdict], failure].concat()));
            None
        }
    };
    errors.extend(judgement.missing().map(|build| {
        command("error", "halfbuilt: an expected build", &[format!("{}: {}", build.url, build.description())])
    }));
    for check in &judgement.checks {
        let Outcome::Counted(count) = &check.outcome else { continue };
        if count.is_allowed() {
            continue;
        }
        let mut lines = vec![format!("{}: {}", check.counts_in_words(count), check.title)];
        lines.extend(count.first.iter().take(BUILDS).map(|seen| seen.line()));
        errors.push(command("error", &format!("halfbuilt: {}", check.name), &lines));
    }
    // The reason comes last, and a long list must not cut it off.
    let left = judgement.not_checked_by_reason().into_iter().map(|(why, what)| {
        command("warning", "halfbuilt: not checked", &[format!("{}: {why}", Foreign::cut(&what.join(", "), LINE / 2))])
    });
    let warnings = if judgement.verdict.is_judged() { left.collect() } else { Vec::new() };
    bounded("error", errors).into_iter().chain(bounded("warning", warnings)).chain(notice).collect()
}

/// No more than GitHub shows. The first is the verdict. If some are left out, the last says so.
fn bounded(level: &str, mut commands: Vec<String>) -> Vec<String> {
    if commands.len() > ANNOTATIONS {
        let more = commands.drain(ANNOTATIONS - 1..).count();
        let elsewhere = "see the summary of this step, or the files of --junit and --json";
        commands.push(command(level, "halfbuilt: more", &[format!("and {more} more: {elsewhere}")]));
    }
    commands
}

fn command(level: &str, title: &str, lines: &[String]) -> String {
    let text = lines.iter().map(|text| line(text)).collect::<Vec<_>>().join("\n");
    format!("::{level} title={}::{}", property(&line(title)), data(&text))
}

fn line(text: &str) -> String {
    Foreign::cut(text, LINE).into()
}

/// Escapes the text of a command, so that it stays on one line.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes the value of a property, which ends at a comma or a colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
#[path = "annotations_tests.rs"]
mod tests;
