//! The verdict in Markdown, for the page of a GitHub Actions run: appended to the file that GITHUB_STEP_SUMMARY names.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::drill::{Judgement, Outcome, Seen};
use crate::file_access::open_or_create;
use crate::text::Foreign;

/// The most bytes that the runner takes for a step. Source: the text of its own error, "supports content up to a size of
/// 1024k".
const LARGEST: u64 = 1024 * 1024;
/// The most builds that are named for a rule.
const BUILDS: usize = 10;
/// The most rows of a table, should there be very many rules or expected builds.
const ROWS: usize = 50;
/// The longest text, in characters.
const TEXT: usize = 300;
/// The longest verdict, in characters: it names all that was not checked.
const SENTENCE: usize = 10_000;

/// Appends the verdict to the file of a step's summary.
///
/// # Errors
/// The file cannot be written, or has no room for the verdict.
pub fn append(judgement: &Judgement, file: &Path) -> io::Result<()> {
    let text = markdown(judgement);
    let mut file = open_or_create(File::options().append(true).mode(0o644), file)?;
    let there = file.metadata()?.len();
    if there.saturating_add(text.len() as u64) >= LARGEST {
        return Err(io::Error::other(format!("it holds {there} bytes, and GitHub shows at most {LARGEST}")));
    }
    // In one write, so that the text does not mix with another program's.
    file.write_all(text.as_bytes())
}

/// The verdict as Markdown.
pub(super) fn markdown(judgement: &Judgement) -> String {
    let verdict = plain_up_to(SENTENCE, &judgement.sentence());
    let mut lines = vec!["## halfbuilt verify".to_owned(), String::new(), verdict, String::new()];
    if let Some(collection) = &judgement.about.collection {
        lines.extend([plain_up_to(TEXT, &format!("Of {collection}.")), String::new()]);
    }
    if let Some(failure) = &judgement.failure {
        lines.extend(failure.lines().iter().map(|line| format!("- {}", plain_up_to(SENTENCE, line))));
        lines.push(String::new());
    }
    if judgement.verdict.is_judged() {
        lines.extend(rules(judgement));
        lines.extend(builds(judgement));
        lines.extend(projects(judgement));
    }
    lines.extend(expected(judgement));
    lines.extend(not_checked(judgement));
    lines.join("\n") + "\n"
}

fn rules(judgement: &Judgement) -> Vec<String> {
    let mut lines = vec!["| rule | found | expected | allowed | |".to_owned(), "|---|---:|---:|---:|---|".to_owned()];
    for check in judgement.checks.iter().take(ROWS) {
        let Outcome::Counted(count) = &check.outcome else { continue };
        let passed = if count.is_allowed() { "passed" } else { "**failed**" };
        let name = plain(&check.name);
        lines.push(format!("| {name} | {} | {} | {} | {passed} |", count.found, count.expected, count.allowed));
    }
    lines.push(String::new());
    let more = judgement.checks.len().saturating_sub(ROWS);
    if more > 0 {
        lines.extend([format!("{more} more checks are not shown."), String::new()]);
    }
    lines
}

/// The first builds of each rule that failed.
fn builds(judgement: &Judgement) -> Vec<String> {
    let mut lines = Vec::new();
    for check in judgement.checks.iter().take(ROWS) {
        let Outcome::Counted(count) = &check.outcome else { continue };
        if count.is_allowed() {
            continue;
        }
        lines.extend([format!("### {}", plain(&check.name)), String::new()]);
        lines.extend(count.first.iter().take(BUILDS).map(|seen| format!("- {}", plain(&Seen::line(seen)))));
        let more = count.unexpected().saturating_sub(count.first.len().min(BUILDS) as u64);
        if !check.names_builds() {
            lines.push(format!("- {}", plain(&check.title)));
        } else if more > 0 {
            lines.push(format!("- and {more} more"));
        }
        lines.push(String::new());
    }
    lines
}

/// The projects that are gone since the baseline, and those that are new.
fn projects(judgement: &Judgement) -> Vec<String> {
    let projects = judgement.come_and_gone();
    if projects.is_empty() {
        return Vec::new();
    }
    let heading = ["### Projects".to_owned(), String::new()];
    let rows = projects.iter().map(|line| format!("- {}", plain(line)));
    heading.into_iter().chain(rows).chain([String::new()]).collect()
}

fn expected(judgement: &Judgement) -> Vec<String> {
    if judgement.expected.is_empty() || !judgement.verdict.is_judged() {
        return Vec::new();
    }
    let builds = judgement.expected.iter().take(ROWS);
    let rows = builds.map(|build| format!("- {}: {}", plain(&build.url.to_string()), plain(&build.description())));
    let more = judgement.expected.len().saturating_sub(ROWS);
    let more = (more > 0).then(|| format!("- and {more} more"));
    let heading = ["### Expected builds".to_owned(), String::new()];
    heading.into_iter().chain(rows).chain(more).chain([String::new()]).collect()
}

fn not_checked(judgement: &Judgement) -> Vec<String> {
    let reasons = judgement.not_checked_by_reason();
    if reasons.is_empty() {
        return Vec::new();
    }
    // Each text is cut on its own, so that a long list never cuts off the reason.
    let rows = reasons.iter().take(ROWS).map(|(why, what)| format!("- {}: {}", plain(&what.join(", ")), plain(why)));
    let more = reasons.len().saturating_sub(ROWS);
    let more = (more > 0).then(|| format!("- and {more} more"));
    let heading = ["### Not checked".to_owned(), String::new()];
    heading.into_iter().chain(rows).chain(more).chain([String::new()]).collect()
}

/// Text that Markdown shows as it is: no link, no tag, no entity, and no end of a cell. Any ASCII punctuation mark can be escaped by a
/// backslash: source, GitHub Flavored Markdown, "Backslash escapes".
fn plain(text: &str) -> String {
    plain_up_to(TEXT, text)
}

fn plain_up_to(limit: usize, text: &str) -> String {
    let mut escaped = String::new();
    for c in Foreign::cut(text, limit).as_str().chars() {
        if c.is_ascii_punctuation() {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
#[path = "step_summary_tests.rs"]
mod tests;
