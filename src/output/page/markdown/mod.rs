//! The audit in short, as Markdown for a ticket. GitHub, GitLab and trackers that read plain tables show it alike. No foreign text
//! in it becomes a link, a mention or markup.

mod run_again;

use std::fmt;
use std::io::{self, Write};

use askama::Template;
use askama::filters::Escaper;

use crate::audit::{Agreement, Conclusion, Fate, FileCheck};
use crate::report::Row;
use crate::text::Foreign;
use crate::version::TOOL;

use super::checklist::{ChecklistView, ItemView};
use super::format::{builds, grouped, time};
use super::inputs::{AuditInputs, ChecklistInput, Fact};
use super::left::LeftGroupView;

pub use run_again::RunAgainPage;

/// The most reasons for which builds are left for a person.
const REASONS: usize = 8;
/// The most builds, projects and sessions that are named. So a ticket stays below the 65,536 characters that GitHub takes.
const ENTRIES: usize = 20;

/// Escapes whatever a renderer of Markdown would take for more than text.
#[derive(Clone, Copy, Debug)]
struct Escaped;

/// An invisible character that breaks mentions, references and addresses.
const BREAK: char = '\u{200b}';

/// Foreign text that a ticket shows as it is.
pub(in crate::output) fn escaped(text: &str) -> String {
    let mut shown = String::new();
    // Writing to memory does not fail.
    let _ = Escaped.write_escaped_str(&mut shown, text);
    shown
}

impl Escaper for Escaped {
    fn write_escaped_str<W: fmt::Write>(&self, mut to: W, text: &str) -> fmt::Result {
        let mut before: Option<char> = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '<' => to.write_str("&lt;")?,
                '>' => to.write_str("&gt;")?,
                '&' => to.write_str("&amp;")?,
                '|' => to.write_str("&#124;")?,
                '`' => to.write_str("&#96;")?,
                '\\' | '*' | '_' | '{' | '}' | '[' | ']' | '!' | '~' | '^' | '$' => write!(to, "\\{c}")?,
                // At the beginning these make a heading or a list.
                '#' | '+' | '-' | '=' if before.is_none() => write!(to, "\\{c}")?,
                '\n' | '\r' => to.write_char(' ')?,
                c => to.write_char(c)?,
            }
            let next = chars.peek().copied().unwrap_or(' ');
            // Mentions, numbers of issues, merge requests, labels, milestones; addresses.
            let refers = matches!(c, '@' | '#' | '!' | '~' | '%' | '&' | '$') && !next.is_whitespace();
            // An address, or an emoji by its name; a time of the day is neither.
            let is_time = before.is_some_and(|before| before.is_ascii_digit()) && next.is_ascii_digit();
            let leads = c == ':' && !next.is_whitespace() && !is_time;
            // The number of an issue as GitHub and Jira write it: GH-12, OPS-12.
            let numbers = c == '-'
                && before.is_some_and(|before| before.is_ascii_uppercase() || before == 'h')
                && next.is_ascii_digit();
            let is_www = c.eq_ignore_ascii_case(&'w') && next == '.';
            if refers || leads || numbers || is_www {
                to.write_char(BREAK)?;
            }
            before = Some(c);
        }
        Ok(())
    }
}

struct Build {
    /// The target of a link: only the address of a build, which has no character that ends a link or a cell.
    link: String,
    name: Foreign,
    timing: &'static str,
    rules: Foreign,
    outcome: &'static str,
}

/// The builds by rule, timing or project.
struct Table {
    name: &'static str,
    rows: Vec<(String, String)>,
    /// How many rows are left out, in words.
    more: String,
}

struct Run {
    who: String,
    began: String,
    ended: String,
    via: Foreign,
    plan: Foreign,
    /// What flags allowed beyond the defaults and the policy, in words.
    allowed: String,
    done: String,
}

#[derive(Template)]
#[template(path = "markdown/ticket.md", config = "src/output/page/askama.toml")]
struct Ticket<'a> {
    tool: &'a str,
    made_at: String,
    restored: String,
    judgement: Conclusion,
    facts: Vec<Fact>,
    has_rows: bool,
    left_builds: String,
    left: Vec<LeftGroupView>,
    left_reasons: Vec<(String, Foreign)>,
    more_reasons: usize,
    taken_out: String,
    deletable: String,
    checklist: Option<ChecklistView>,
    not_checked: Vec<(Foreign, Foreign)>,
    is_known: bool,
    checks: &'a [FileCheck],
    tables: Vec<Table>,
    sum: Option<String>,
    fates: Vec<(Fate, String, String)>,
    runs: Vec<Run>,
    more_runs: usize,
    found: String,
    builds_shown: Vec<Build>,
    left_out: String,
    report: Foreign,
    files: Vec<(Foreign, String)>,
}

///
/// # Errors
/// The output cannot be written.
pub fn write(inputs: &AuditInputs, to: &mut impl Write) -> io::Result<()> {
    ticket(inputs).write_into(to)
}

fn ticket(inputs: &AuditInputs) -> Ticket<'_> {
    let audit = &inputs.audit;
    let file = |name: &str| Foreign::url(name).or("?");
    let reason = |why: &Foreign| Foreign::url(why.as_str());
    let left = inputs.left(ENTRIES);
    let (left_reasons, more_reasons) = inputs.left_reasons(&left, REASONS);
    let not_checked = inputs.not_checked().into_iter().take(ENTRIES);
    let runs: Vec<Run> = inputs.sessions().map(run).collect();
    let earlier = runs.len().saturating_sub(ENTRIES);
    // Those that are left stand above.
    let is_other = |(row, fate): &&(Row, Option<Fate>)| fate.map_or(row.deletable, Fate::is_over);
    let others = audit.rows.iter().filter(is_other);
    let other_builds = audit.findings.builds - audit.remaining.builds;
    Ticket {
        tool: TOOL,
        made_at: time(inputs.made_at),
        restored: inputs.restored(),
        judgement: audit.conclusion(),
        facts: inputs.facts(),
        has_rows: audit.findings.builds > 0 || audit.left() > 0,
        left_builds: builds(audit.left()),
        left,
        left_reasons: left_reasons.into_iter().map(|(number, why)| (number, reason(&why))).collect(),
        more_reasons,
        taken_out: or_none(audit.taken_out()),
        deletable: or_none(if inputs.journals.is_empty() { audit.findings.deletable } else { 0 }),
        checklist: inputs.checklist.as_ref().map(checklist),
        not_checked: not_checked
            .map(|(why, what)| {
                (Foreign::url(&what.iter().map(Foreign::as_str).collect::<Vec<_>>().join(", ")), reason(&why))
            })
            .collect(),
        is_known: audit.about.is_some(),
        checks: &audit.checks[..audit.checks.len().min(ENTRIES)],
        tables: tables(inputs),
        sum: inputs.sum().map(|(ended, parts)| {
            let parts = parts.into_iter().map(|(part, builds)| format!("{builds} {part}"));
            let sign = if ended.adds_up() { "=" } else { "≠" };
            format!("{} found {sign} {}", grouped(ended.found), parts.collect::<Vec<_>>().join(" + "))
        }),
        fates: audit
            .reconciliation
            .iter()
            .flat_map(|ended| {
                ended.by_fate.iter().map(|(fate, counts)| (*fate, grouped(counts.rows), grouped(counts.beyond)))
            })
            .collect(),
        more_runs: earlier,
        runs: runs.into_iter().skip(earlier).collect(),
        left_out: or_none(other_builds.saturating_sub(ENTRIES as u64)),
        found: builds(audit.findings.builds),
        builds_shown: others
            .take(ENTRIES)
            .map(|(row, fate)| {
                let number = row.build_num.map(|number| number.to_string()).unwrap_or_default();
                Build {
                    link: inputs.link(row).unwrap_or_default(),
                    name: Foreign::new(&format!("{} {number}", Foreign::name(&row.project).or("(no project)"))),
                    timing: row.timing.as_str(),
                    rules: Foreign::name(&row.reasons.join(", ")).or("–"),
                    outcome: fate.map_or("", Fate::as_str),
                }
            })
            .collect(),
        report: file(&inputs.report.name),
        files: inputs.files(ENTRIES).into_iter().take(2 * ENTRIES).map(|(_, name, sha256)| (name, sha256)).collect(),
    }
}

/// What of a checklist needs somebody.
fn checklist(input: &ChecklistInput) -> ChecklistView {
    let mut view = ChecklistView::new(input);
    view.items.retain(ItemView::needs_somebody);
    view.items.truncate(ENTRIES);
    for item in &mut view.items {
        item.lines.truncate(REASONS);
        item.lines.iter_mut().for_each(|line| *line = Foreign::url(line.as_str()));
    }
    view
}

/// A number; empty where it is 0.
fn or_none(number: u64) -> String {
    if number > 0 { grouped(number) } else { String::new() }
}

fn run(session: &crate::deletion::journal::Session) -> Run {
    let start = &session.start;
    let name = |text: &str| Foreign::name(text).or("?");
    let ended = session.end.as_ref().map(|(at, end)| format!("{}, {}", time(*at), end.ending.as_str()));
    let done: Vec<String> =
        session.results.iter().map(|(state, number)| format!("{} {state}", grouped(*number))).collect();
    Run {
        who: format!("{} on {}", name(&start.user), name(&start.machine)),
        began: time(session.at),
        ended: ended.unwrap_or_else(|| "no end on record".to_owned()),
        via: name(&start.admin),
        plan: Foreign::cut(&start.plan, 12).or("?"),
        allowed: match start.allowed.is_empty() {
            true => String::new(),
            false => format!("allowed by flags: {}", Foreign::evidence(&start.allowed.join(", "))),
        },
        done: if done.is_empty() { "nothing".to_owned() } else { done.join(", ") },
    }
}

fn tables(inputs: &AuditInputs) -> Vec<Table> {
    let findings = &inputs.audit.findings;
    let note = |name, of: &str| match (name, inputs.in_scope(of)) {
        ("Project", note) if !note.is_empty() => format!(" ({note})"),
        _ => String::new(),
    };
    let table = |name, numbers: Vec<(&str, u64)>, none: &'static str| {
        let more = match numbers.len().saturating_sub(ENTRIES) {
            0 => String::new(),
            more => format!("and {} more", grouped(more as u64)),
        };
        let first = numbers.into_iter().take(ENTRIES);
        let row = |(one, number): (&str, u64)| {
            (format!("{}{}", Foreign::name(one).or(none), note(name, one)), grouped(number))
        };
        let rows: Vec<(String, String)> = first.map(row).collect();
        Table { name, rows, more }
    };
    let mut tables = vec![
        table("Rule", findings.by_rule.iter().map(|(name, number)| (name.as_str(), *number)).collect(), "?"),
        table("Timing", findings.by_timing.iter().map(|(name, number)| (name.as_str(), *number)).collect(), "?"),
        table("Project", findings.projects(), "(no project)"),
    ];
    tables.retain(|table| !table.rows.is_empty());
    tables
}
