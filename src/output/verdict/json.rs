//! The verdict as JSON, for programs: `halfbuilt-verdict/1`, whose schema is `verdict.schema.json` beside this file.
//!
//! A new field needs no new version. No field is removed, renamed, or given another meaning.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::drill::{
    Backwards, Check, ComparedWith, ComparisonTotals, ExpectedBuild, Failure, Judgement, Outcome, ScanNumbers, Seen,
};
use crate::report::collection_to_json;
use crate::timing::Timing;
use crate::version::TOOL;

const FORMAT: &str = "halfbuilt-verdict/1";

/// Writes the verdict.
///
/// # Errors
/// The output cannot be written.
pub(super) fn write(judgement: &Judgement, to: &mut impl Write) -> io::Result<()> {
    let about = &judgement.about;
    let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string());
    let document = json!({
        "format": FORMAT,
        "tool": TOOL,
        "verdict": judgement.verdict.as_str(),
        "exit_code": judgement.exit() as u8,
        "sentence": judgement.sentence(),
        "error": judgement.failure.as_ref().map(failure),
        "started_at": time(Some(about.started_at)),
        "ended_at": time(Some(about.ended_at)),
        "database": about.database.as_ref().map(|database| json!({
            "name": database.name,
            "system_identifier": database.system_identifier,
        })),
        "collection": about.collection.as_ref().map(collection_to_json),
        "profile": about.profile,
        "backup_time": time(about.times.backup),
        "restored_at": time(about.times.restored),
        "max_run_seconds": about.times.max_run_time.as_secs(),
        "baseline": about.baseline.as_ref().map(|with| baseline(with, judgement.seen.as_ref())),
        "scope": judgement.seen.as_ref().map(scope),
        "findings": judgement.seen.as_ref().map(findings),
        "checks": judgement.checks.iter().map(check).collect::<Vec<_>>(),
        "not_checked": judgement.gaps.iter().map(|gap| json!({ "what": gap.what.to_string(), "why": gap.why })).collect::<Vec<_>>(),
        "expected": judgement.expected.iter().map(expected).collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *to, &document)?;
    writeln!(to)
}

fn failure(failure: &Failure) -> Value {
    json!({ "message": failure.message, "causes": failure.causes, "hint": failure.hint })
}

fn baseline(with: &ComparedWith, seen: Option<&ScanNumbers>) -> Value {
    json!({
        "file": with.file,
        "backup_time": with.backup_time.to_string(),
        "covered_until": with.covered_until.to_string(),
        "builds": with.builds,
        "signature_is_good": with.signature_is_good,
        "comparison": seen.and_then(|seen| seen.compared.as_ref()).map(comparison),
    })
}

fn comparison(totals: &ComparisonTotals) -> Value {
    let projects = |named: &[(String, u64)]| {
        named.iter().map(|(name, builds)| json!({ "project": name, "builds": builds })).collect::<Vec<_>>()
    };
    let backwards = |found: &Backwards| json!({ "project": found.project, "was": found.was, "is": found.is });
    json!({
        "compared": totals.compared(),
        "retired": totals.retired,
        "undecided": totals.undecided,
        "projects_gone": projects(&totals.gone),
        "projects_new": projects(&totals.new),
        "numbers_backwards": totals.backwards.iter().map(backwards).collect::<Vec<_>>(),
    })
}

fn scope(seen: &ScanNumbers) -> Value {
    let compared = seen.compared.as_ref().map(|totals| totals.builds);
    json!({ "builds": seen.builds, "projects": seen.projects, "steps": seen.steps, "compared": compared })
}

fn findings(seen: &ScanNumbers) -> Value {
    json!({
        "abnormal": seen.abnormal,
        "deletable": seen.deletable,
        "by_timing": seen.by_timing,
        "by_project": seen.by_project,
    })
}

fn check(check: &Check) -> Value {
    let (checked, why, count) = match &check.outcome {
        Outcome::Counted(count) => (true, None, Some(count)),
        Outcome::Read => (true, None, None),
        Outcome::NotChecked(why) | Outcome::Failed(why) => (false, Some(why), None),
        Outcome::NotNeeded(_) => (false, None, None),
    };
    let why_not_needed = match &check.outcome {
        Outcome::NotNeeded(why) => Some(why),
        Outcome::Counted(_) | Outcome::Read | Outcome::NotChecked(_) | Outcome::Failed(_) => None,
    };
    json!({
        "kind": check.kind.as_str(),
        "name": check.name,
        "title": check.title,
        "checked": checked,
        "why_not_checked": why,
        "failed": matches!(check.outcome, Outcome::Failed(_)),
        "why_not_needed": why_not_needed,
        "found": count.map(|count| count.found),
        "expected": count.map(|count| count.expected),
        "allowed": count.map(|count| count.allowed),
        "passed": count.map(|count| count.is_allowed()),
        "first": count.map(|count| count.first.iter().map(seen).collect::<Vec<_>>()),
    })
}

fn seen(seen: &Seen) -> Value {
    json!({
        "build_url": seen.build_url,
        "project": seen.project,
        "build_num": seen.build_num,
        "timing": seen.timing.unwrap_or(Timing::Unknown).as_str(),
        "evidence": seen.evidence,
    })
}

fn expected(build: &ExpectedBuild) -> Value {
    let found = build.found.as_ref();
    json!({
        "build_url": build.url.to_string(),
        "found": found.is_some(),
        "timing": found.map(|found| found.timing.as_str()),
        "reasons": found.map(|found| &found.reasons),
        "as_expected": found.map(|found| found.as_expected),
        "resembles": build.resembles,
        "differs": build.differs,
    })
}
