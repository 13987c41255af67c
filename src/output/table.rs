//! Tables for people.

use std::io::{self, Write};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};

use crate::deletion::{Decision, Planned};
use crate::finding::Finding;
use crate::text::Foreign;

use super::Summary;
use super::harmless::for_people;
use super::terminal::stdout_columns;

/// The most rows of a table: nobody reads more, and all are kept in memory.
const ROWS: usize = 200;
/// The most characters of a cell.
const CELL: usize = 160;
/// The width of a table, in characters, if neither a terminal nor COLUMNS says.
const WIDTH: u16 = 160;

pub(super) struct FindingTable {
    table: Table,
    left_out: u64,
}

impl FindingTable {
    pub(super) fn new() -> Self {
        Self { table: table(&["project", "build", "timing", "deletable", "reasons", "evidence"]), left_out: 0 }
    }

    pub(super) fn add(&mut self, found: &Finding) {
        if self.table.row_count() >= ROWS {
            self.left_out += 1;
            return;
        }
        self.table.add_row([
            cell(found.project.as_deref().unwrap_or_default()),
            found.build_num.map(|number| number.to_string()).unwrap_or_default(),
            found.timing.to_string(),
            if found.is_deletable() { "yes" } else { "no" }.to_owned(),
            found.reasons.join("\n"),
            cell(&found.evidence),
        ]);
    }

    /// Writes the table and, under it, the summary.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(super) fn finish(&self, summary: &Summary, mut to: impl Write) -> io::Result<()> {
        if !self.table.is_empty() {
            write!(to, "{}", for_people(&self.table))?;
        }
        if self.left_out > 0 {
            writeln!(to, "and {} more rows: --format csv shows them all", self.left_out)?;
        }
        write!(to, "{}", for_people(summary))
    }
}

impl Default for FindingTable {
    fn default() -> Self {
        Self::new()
    }
}

/// The plan of a dry run.
pub struct PlanTable;

impl PlanTable {
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn write(plan: &[Planned], mut to: impl Write) -> io::Result<()> {
        let mut rows = table(&["plan", "build", "why"]);
        for planned in plan.iter().take(ROWS) {
            let decision = match &planned.decision {
                Decision::Delete { .. } => "delete".to_owned(),
                Decision::Keep(state, _) => format!("keep ({state})"),
            };
            let why = planned.decision.to_string();
            rows.add_row([decision, cell(&planned.chosen.url_text), cell(&why)]);
        }
        write!(to, "{}", for_people(&rows))?;
        match plan.len().saturating_sub(ROWS) {
            0 => Ok(()),
            more => writeln!(to, "and {more} more rows: -o FILE shows them all"),
        }
    }
}

fn cell(text: &str) -> String {
    Foreign::cut(text, CELL).into()
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(stdout_columns().unwrap_or(WIDTH));
    table.set_header(header);
    table
}
