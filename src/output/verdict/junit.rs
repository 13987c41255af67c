//! The verdict as JUnit XML, for the page of tests that a CI server shows.
//!
//! JUnit has no single schema. The file holds what the schema of Jenkins' xUnit plugin knows (junit-10.xsd, in both of its forms), which
//! is more than CircleCI and GitLab read: `testsuites` (name, tests, failures, errors), `testsuite` (name, tests, failures, errors,
//! skipped, timestamp, time), `testcase` (classname, name) with `failure`, `error` or `skipped` (message, type) and `system-out`.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::drill::{Check, CheckKind, Count, ExpectedBuild, Judgement, Outcome, Verdict};
use crate::text::{Foreign, counted};

/// The longest line that is written, in characters.
const LINE: usize = 2_000;
const BASELINE: &str = "halfbuilt baseline";

/// Writes the verdict.
///
/// # Errors
/// The output cannot be written.
pub(super) fn write(judgement: &Judgement, to: &mut impl Write) -> io::Result<()> {
    let mut report = Report::new("halfbuilt verify");
    let of_kind = |kind: CheckKind| judgement.checks.iter().filter(move |check| check.kind == kind);
    let rules = of_kind(CheckKind::Rule).map(|check| case(check, "halfbuilt.rules"));
    let baseline = of_kind(CheckKind::Baseline).map(|check| case(check, "halfbuilt.baseline"));
    let times = of_kind(CheckKind::Times).map(|check| case(check, "halfbuilt.times"));
    let collation = of_kind(CheckKind::Collation).map(|check| case(check, "halfbuilt.collation"));
    let relations = of_kind(CheckKind::Relation).map(|check| case(check, "halfbuilt.relations"));
    let expected = judgement.expected.iter().map(|build| expectation(judgement, build));
    let gaps = judgement.gaps.iter().map(|gap| {
        let status = skipped(&gap.why);
        new_case("halfbuilt.coverage", &gap.what.to_string(), status)
    });
    let all = [
        ("halfbuilt verdict", nothing_judged(judgement).into_iter().collect::<Vec<_>>()),
        ("halfbuilt times", times.collect()),
        ("halfbuilt collation", collation.collect()),
        ("halfbuilt rules", rules.collect()),
        (BASELINE, baseline.collect()),
        ("halfbuilt relations", relations.collect()),
        ("halfbuilt expected builds", expected.collect()),
        ("halfbuilt coverage", gaps.collect()),
    ];
    let mut sentence = Some(line(&judgement.sentence()));
    for (name, cases) in all {
        if cases.is_empty() {
            continue;
        }
        let mut suite = TestSuite::new(name);
        suite.add_test_cases(cases);
        suite.extra.insert("timestamp".into(), format!("{:.0}", judgement.about.started_at).into());
        if let Some(sentence) = sentence.take() {
            // One pass over the database checks everything at once, so only the first suite has a time.
            suite.set_time(duration(judgement));
            suite.set_system_out(sentence);
        } else if name == BASELINE {
            suite.set_system_out(text(judgement.come_and_gone()));
        }
        report.add_test_suite(suite);
    }
    let text = report.to_string().map_err(io::Error::other)?;
    // The library writes the number of skipped tests on the root too, where the schema does not know it. The root comes first.
    to.write_all(text.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1).as_bytes())
}

/// The duration by the clock of the machine, or zero if that was set back meanwhile.
fn duration(judgement: &Judgement) -> std::time::Duration {
    let about = &judgement.about;
    about.ended_at.duration_since(about.started_at).try_into().unwrap_or_default()
}

/// The error of a run that judged nothing.
fn nothing_judged(judgement: &Judgement) -> Option<TestCase> {
    if judgement.verdict.is_judged() {
        return None;
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    let lines = judgement.failure.as_ref().map(|failure| failure.lines()).unwrap_or_else(|| vec![judgement.sentence()]);
    status.set_type(judgement.verdict.as_str());
    status.set_message(lines.first().map(|first| line(first)).unwrap_or_default());
    status.set_description(text(lines));
    Some(new_case("halfbuilt.verdict", "the database was judged", status))
}

fn case(check: &Check, class: &str) -> TestCase {
    match &check.outcome {
        Outcome::Read => new_case(class, &check.name, TestCaseStatus::success()),
        Outcome::NotChecked(why) => new_case(class, &check.name, skipped(why)),
        Outcome::Failed(why) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type(Verdict::CouldNotLook.as_str());
            status.set_message(line(&format!("could not look: {why}")));
            new_case(class, &check.name, status)
        }
        Outcome::NotNeeded(why) => new_case(class, &check.name, skipped(&format!("not needed: {why}"))),
        Outcome::Counted(count) if count.is_allowed() => {
            let mut case = new_case(class, &check.name, TestCaseStatus::success());
            if count.found > 0 {
                case.set_system_out(text(found(check, count)));
            }
            case
        }
        Outcome::Counted(count) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let lines = found(check, count);
            status.set_type("abnormal").set_message(lines.first().map(|first| line(first)).unwrap_or_default());
            status.set_description(text(lines));
            new_case(class, &check.name, status)
        }
    }
}

/// What a check found: a line with the counts, then the first builds.
fn found(check: &Check, count: &Count) -> Vec<String> {
    let more = count.unexpected().saturating_sub(count.first.len() as u64);
    let more =
        (more > 0 && check.names_builds()).then(|| format!("and {more} more; verify -o report.csv lists them all"));
    let title = if check.title.is_empty() { String::new() } else { format!(" ({})", check.title) };
    std::iter::once(format!("{}: {}{title}", check.name, check.counts_in_words(count)))
        .chain(count.first.iter().map(|seen| seen.line()))
        .chain(more)
        .collect()
}

fn expectation(judgement: &Judgement, build: &ExpectedBuild) -> TestCase {
    let name = build.url.to_string();
    let status = match &build.found {
        _ if !judgement.verdict.is_judged() => skipped("the database was not judged"),
        Some(_) => TestCaseStatus::success(),
        None => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type("not-found").set_message(line(&format!("{name}: {}", build.description())));
            status
        }
    };
    let mut case = new_case("halfbuilt.expected", &name, status);
    if build.found.is_some() {
        case.set_system_out(line(&build.description()));
    }
    case
}

fn new_case(class: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(line(name), status);
    case.set_classname(class);
    case
}

fn skipped(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(line(why));
    status
}

/// One line of text. XML cannot hold most control characters, not even escaped, so their escapes are written as text.
fn line(text: &str) -> String {
    Foreign::cut(text, LINE).into()
}

fn text(lines: Vec<String>) -> String {
    lines.iter().map(|text| line(text)).collect::<Vec<_>>().join("\n")
}

impl Check {
    /// The builds found, expected and allowed, in words.
    pub(super) fn counts_in_words(&self, count: &Count) -> String {
        let expected = match count.expected {
            0 => String::new(),
            expected => format!(", {expected} of them expected"),
        };
        let thing = match self.kind {
            CheckKind::Collation => "collation",
            _ if self.counts_projects() => "project",
            _ => "build",
        };
        format!("{} found{expected}, {} allowed", counted(count.found, thing), count.allowed)
    }
}

#[cfg(test)]
#[path = "junit_tests.rs"]
mod tests;
