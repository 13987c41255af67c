//! The verdict as annotations of a GitHub Actions run: workflow commands such as `::error title=...::...`, a line each.
//!
//! They go to standard error, since standard output is for data. The runner reads both alike: source, actions/runner,
//! `src/Runner.Worker/Handlers/ScriptHandler.cs`, where each stream has an `OutputManager` that processes commands. How they are
//! parsed and escaped: the same, `src/Runner.Common/ActionCommand.cs`. How many are shown: 10 errors and 10 warnings a step, 50 a
//! job (github.com/orgs/community/discussions/26680).

use crate::drill::{Judgement, Outcome, Verdict};
use crate::text::Foreign;

/// How many errors, and how many warnings, are written.
const ANNOTATIONS: usize = 10;
/// How many builds an annotation names.
const BUILDS: usize = 5;
/// The longest line of an annotation, in characters.
const LINE: usize = 600;

/// The annotations of a verdict, each a line.
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
        let mut lines = vec![format!("{}: {}", check.told(count), check.title)];
        lines.extend(count.first.iter().take(BUILDS).map(|seen| seen.line()));
        errors.push(command("error", &format!("halfbuilt: {}", check.name), &lines));
    }
    // The reason stands last, and is not to be cut off with the end of a long list.
    let left = judgement.not_checked_by_reason().into_iter().map(|(why, what)| {
        command("warning", "halfbuilt: not checked", &[format!("{}: {why}", Foreign::url(&what.join(", ")))])
    });
    let warnings = if judgement.verdict.is_judged() { left.collect() } else { Vec::new() };
    bounded("error", errors).into_iter().chain(bounded("warning", warnings)).chain(notice).collect()
}

/// No more than are shown, so that what matters most is not lost among the rest: the first says the verdict. Where there are
/// more, the last says so.
fn bounded(level: &str, mut commands: Vec<String>) -> Vec<String> {
    if commands.len() > ANNOTATIONS {
        let more = commands.drain(ANNOTATIONS - 1..).count();
        let where_else = "which the summary of this step tells, and the files of --junit and --json";
        commands.push(command(level, "halfbuilt: more", &[format!("and {more} more, {where_else}")]));
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

/// Escapes what a command says, so that it ends where its line does.
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
