//! The audit page: one file that works without a network and without its script.

mod chart;
mod journals;
mod rows;

use std::io::{self, Write};

use askama::Template;

use crate::audit::{Agreement, Conclusion, Fate, FateGroup, FileCheck, FindingCounts, Tone};
use crate::text::Foreign;
use crate::version::TOOL;

use super::checklist::ChecklistView;
use super::format::{builds, grouped, length, time};
use super::inputs::{AuditInputs, Fact};
use super::left::LeftGroupView;
use chart::{Chart, Share, chart};
use journals::JournalView;
use rows::RowView;

/// The most rows of the report that a page shows.
pub const MOST_ROWS: usize = 2000;
/// The most builds that are left for a person and named.
const LEFT: usize = 200;
/// The most reasons for which builds are left, where not all of them are named.
const REASONS: usize = 12;
/// The most projects that a page names.
const PROJECTS: usize = 12;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// The SHA-256 of both in base64. The page's own policy allows them and nothing else. A test fails if they change.
const STYLE_DIGEST: &str = "LHQ7Y+Q/To0VZ4QJFEjOLJLpYfO7ey0BGi81X8VGOV0=";
const SCRIPT_DIGEST: &str = "jQcz9vL7LYJeXFNQean1UoFObgJDySTHRsd5bo/vkAY=";

/// A number of builds, with a name, and its share of all.
struct Counted {
    name: Foreign,
    note: String,
    builds: String,
    share: Share,
}

/// A row of the table of states.
struct Ended {
    fate: Fate,
    rows: String,
    beyond: String,
}

#[derive(Template)]
#[template(path = "html/page.html", config = "src/output/page/askama.toml")]
struct Page<'a> {
    style: &'a str,
    script: &'a str,
    style_digest: &'a str,
    script_digest: &'a str,
    tool: &'a str,
    made_at: String,
    restored: String,
    judgement: Conclusion,
    facts: Vec<Fact>,
    figures: Vec<(&'static str, String)>,
    left_builds: String,
    left: Vec<LeftGroupView>,
    left_reasons: Vec<(String, Foreign)>,
    more_reasons: usize,
    taken_out: String,
    deletable: String,
    checklist: Option<ChecklistView>,
    rules_run: Option<Vec<Foreign>>,
    not_checked: Vec<(Foreign, Vec<Foreign>)>,
    by_rule: Vec<Counted>,
    rules_that_found_none: String,
    by_project: Vec<Counted>,
    more_projects: String,
    by_timing: Vec<Counted>,
    chart: Option<Chart>,
    lengths: Vec<Counted>,
    longest: String,
    sum: Option<Sum>,
    checks: &'a [FileCheck],
    journals: Vec<JournalView>,
    rows: Vec<RowView>,
    all_rows: String,
    rows_shown: String,
    left_out: String,
    report: Foreign,
    files: Vec<(&'static str, Foreign, String)>,
}

struct Sum {
    found: String,
    parts: Vec<(&'static str, String)>,
    fates: Vec<Ended>,
    adds_up: bool,
}

///
/// # Errors
/// The output cannot be written.
pub fn write(inputs: &AuditInputs, to: &mut impl Write) -> io::Result<()> {
    page(inputs).write_into(to)
}

fn page(inputs: &AuditInputs) -> Page<'_> {
    let audit = &inputs.audit;
    let findings = &audit.findings;
    let journals = inputs.journals.iter();
    let left = inputs.left(LEFT);
    let (left_reasons, more_reasons) = inputs.left_reasons(&left, REASONS);
    Page {
        style: STYLE,
        script: SCRIPT,
        style_digest: STYLE_DIGEST,
        script_digest: SCRIPT_DIGEST,
        tool: TOOL,
        made_at: time(inputs.made_at),
        restored: inputs.restored(),
        judgement: audit.conclusion(),
        facts: inputs.facts(),
        figures: figures(inputs),
        left_builds: builds(audit.left()),
        left,
        left_reasons,
        more_reasons,
        taken_out: or_none(audit.taken_out()),
        deletable: or_none(if inputs.journals.is_empty() { findings.deletable } else { 0 }),
        checklist: inputs.checklist.as_ref().map(ChecklistView::new),
        rules_run: audit
            .about
            .as_ref()
            .map(|about| about.rules.iter().map(|rule| Foreign::name(rule).or("?")).collect()),
        not_checked: inputs.not_checked(),
        by_rule: counts(
            findings.by_rule.iter().filter(|(_, number)| **number > 0).map(|(rule, number)| (rule.as_str(), *number)),
            findings.builds,
            |rule| inputs.rule_titles.get(rule).cloned().unwrap_or_default(),
        ),
        rules_that_found_none: none_found(findings),
        by_project: counts(findings.projects().into_iter().take(PROJECTS), findings.builds, |project| {
            inputs.in_scope(project)
        }),
        more_projects: more(findings.by_project.len()),
        by_timing: counts(
            findings.by_timing.iter().map(|(timing, number)| (timing.as_str(), *number)),
            findings.builds,
            |name| inputs.explained(name),
        ),
        chart: audit.timeline.as_ref().filter(|_| findings.builds > 0).map(chart),
        lengths: lengths(inputs),
        longest: audit.lengths.longest.map(length).unwrap_or_default(),
        sum: sum(inputs),
        checks: &audit.checks,
        journals: journals.map(JournalView::new).collect(),
        rows: audit.rows.iter().map(|(row, fate)| RowView::new(row, inputs.link(row), *fate)).collect(),
        all_rows: grouped(findings.builds),
        rows_shown: grouped(audit.rows.len() as u64),
        left_out: or_none(audit.rows_left_out()),
        report: Foreign::url(&inputs.report.name).or("the report"),
        files: inputs.files(usize::MAX),
    }
}

fn figures(inputs: &AuditInputs) -> Vec<(&'static str, String)> {
    let audit = &inputs.audit;
    let mut figures = Vec::new();
    if let Some(about) = &audit.about {
        figures.push(("builds looked at", grouped(about.all_builds())));
    }
    figures.push(("abnormal", grouped(audit.found())));
    figures.push(("may be deleted", grouped(audit.findings.deletable)));
    if let Some(ended) = &audit.reconciliation {
        figures.extend(FateGroup::ALL.map(|part| (part.as_str(), grouped(ended.rows_of(part)))));
    }
    figures
}

fn counts<'a>(
    numbers: impl Iterator<Item = (&'a str, u64)>,
    whole: u64,
    note: impl Fn(&str) -> String,
) -> Vec<Counted> {
    let counted = |(name, number): (&str, u64)| Counted {
        name: Foreign::name(name).or("(no project)"),
        note: note(name),
        builds: grouped(number),
        share: Share::of(number, whole),
    };
    numbers.map(counted).collect()
}

fn none_found(findings: &FindingCounts) -> String {
    let rules = findings.by_rule.iter().filter(|(_, number)| **number == 0);
    let rules: Vec<String> = rules.map(|(rule, _)| Foreign::name(rule).or("?").into()).collect();
    let note = "A build that several rules find counts for each.";
    if rules.is_empty() { note.to_owned() } else { format!("{note} These found nothing: {}.", rules.join(", ")) }
}

fn more(projects: usize) -> String {
    match projects.saturating_sub(PROJECTS) {
        0 => String::new(),
        1 => "and 1 more project".to_owned(),
        more => format!("and {} more projects", grouped(more as u64)),
    }
}

fn lengths(inputs: &AuditInputs) -> Vec<Counted> {
    let lengths = &inputs.audit.lengths;
    let mut classes: Vec<(&str, u64)> = lengths.classes().collect();
    if lengths.unknown > 0 {
        classes.push(("not known", lengths.unknown));
    }
    counts(classes.into_iter(), inputs.audit.findings.builds, |_| String::new())
}

fn sum(inputs: &AuditInputs) -> Option<Sum> {
    let (ended, parts) = inputs.sum()?;
    let fates = Fate::all().filter_map(|fate| {
        let counts = ended.by_fate.get(&fate)?;
        Some(Ended { fate, rows: grouped(counts.rows), beyond: grouped(counts.beyond) })
    });
    Some(Sum { found: grouped(ended.found), parts, fates: fates.collect(), adds_up: ended.adds_up() })
}

/// A number; empty where it is 0.
fn or_none(number: u64) -> String {
    if number > 0 { grouped(number) } else { String::new() }
}
