//! Tables for people.

mod framed;
mod one_line;
mod row;

use jiff::Timestamp;

use crate::deletion::{Decision, Planned};
use crate::finding::Finding;
use crate::text::counted;

use super::Summary;
use super::screen::Screen;
use super::terminal::{Color, Ink, stdout_columns};
use framed::Frame;
use one_line::Lines;
use row::{Row, cell};

/// The most rows of a table: nobody reads more, and all are kept in memory.
const ROWS: usize = 200;
/// The width of a table, in characters, if neither a terminal nor COLUMNS says.
const WIDTH: u16 = 160;
/// Below this width a build takes one line.
const FRAMED_FROM: u16 = 120;

/// The table of a scan's findings.
pub(super) struct FindingTable {
    rows: Vec<Row>,
    left_out: u64,
    now: Timestamp,
}

impl FindingTable {
    pub(super) fn new() -> Self {
        Self { rows: Vec::new(), left_out: 0, now: Timestamp::now() }
    }

    pub(super) fn add(&mut self, found: &Finding) {
        if self.rows.len() >= ROWS {
            self.left_out += 1;
            return;
        }
        self.rows.push(Row::of(found, self.now));
    }

    /// The table and, under it, the summary.
    pub(super) fn finish(&self, summary: &Summary, has_colors: bool) -> Screen {
        let mut screen = Screen::new(has_colors);
        let columns = stdout_columns().unwrap_or(WIDTH);
        match (self.rows.is_empty(), columns < FRAMED_FROM) {
            (true, _) => {}
            (false, true) => one_line::write_findings(&self.rows, columns.into(), &mut screen),
            (false, false) => framed::write_findings(&self.rows, columns, &mut screen),
        }
        if self.left_out > 0 {
            let show = if self.left_out == 1 { "shows it too" } else { "shows them all" };
            screen.line(Ink::Plain, &format!("and {}: --format csv {show}", counted(self.left_out, "more row")));
        }
        screen.line(Ink::Plain, &summary.to_string());
        screen
    }
}

impl Default for FindingTable {
    fn default() -> Self {
        Self::new()
    }
}

/// The plan of a dry run, as a table.
pub fn plan_table(plan: &[Planned], color: Color) -> Screen {
    const HEADER: [&str; 3] = ["plan", "build", "why"];
    let mut screen = Screen::on_stdout(color);
    let columns = stdout_columns().unwrap_or(WIDTH);
    let rows = plan.iter().take(ROWS).map(|planned| {
        let decision = match &planned.decision {
            Decision::Delete { .. } => "delete".to_owned(),
            Decision::Keep(state, _) => format!("keep ({state})"),
        };
        [decision, cell(&planned.chosen.url_text), cell(&planned.decision.to_string())]
    });
    let ink = |decision: &str| if decision == "delete" { Ink::Bad } else { Ink::Plain };
    if columns < FRAMED_FROM {
        let mut lines = Lines::new(&HEADER);
        rows.for_each(|[decision, build, why]| {
            lines.add([(ink(&decision), decision), (Ink::Plain, build), (Ink::Plain, why)])
        });
        lines.write(columns.into(), &mut screen);
    } else {
        let mut frame = Frame::new(&HEADER, columns);
        rows.for_each(|cells| frame.add(cells));
        frame.write(&mut screen, 0, ink);
    }
    let left_out = plan.len().saturating_sub(ROWS) as u64;
    if left_out > 0 {
        let show = if left_out == 1 { "shows it too" } else { "shows them all" };
        screen.line(Ink::Plain, &format!("and {}: -o FILE {show}", counted(left_out, "more row")));
    }
    screen
}
