//! Tables with a frame, for wide terminals.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width};

use crate::output::screen::Screen;
use crate::output::terminal::{Ink, width};

use super::row::Row;

/// What stands between two columns.
const BETWEEN: &str = "┆";
/// The left and the right edge.
const EDGE: char = '│';
/// The column of findings that says whether a build may be deleted.
const DELETABLE: usize = 3;
/// All columns but the last may take the width divided by this to keep their words whole.
const SHARE: usize = 2;
/// What a column has besides its text: a space on each side, and the line between columns.
const AROUND: usize = 3;

pub(super) fn write_findings(rows: &[Row], columns: u16, screen: &mut Screen) {
    let mut frame = Frame::new(&["project", "build", "timing", "deletable", "reasons", "evidence"], columns);
    for row in rows {
        frame.add([
            row.project.clone(),
            row.number.clone(),
            row.timing.to_owned(),
            row.deletable().1.to_owned(),
            row.reasons.join("\n"),
            row.evidence.clone(),
        ]);
    }
    frame.write(screen, DELETABLE, |word| match word {
        "yes" => Ink::Good,
        "no" => Ink::Bad,
        _ => Ink::Plain,
    });
}

/// A table in a frame. Its last column takes the width that the others leave.
pub(super) struct Frame {
    table: Table,
    columns: u16,
    /// The longest word of each column.
    longest: Vec<usize>,
}

impl Frame {
    pub(super) fn new(header: &[&str], columns: u16) -> Self {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(columns).set_header(header);
        Self { table, columns, longest: header.iter().map(|word| width(word)).collect() }
    }

    pub(super) fn add<const N: usize>(&mut self, cells: [String; N]) {
        for (longest, cell) in self.longest.iter_mut().zip(&cells) {
            *longest = cell.split_whitespace().map(width).max().unwrap_or_default().max(*longest);
        }
        self.table.add_row(cells);
    }

    /// Writes the table, the words of one column in the colours that they have.
    pub(super) fn write(mut self, screen: &mut Screen, column: usize, ink: impl Fn(&str) -> Ink) {
        self.keep_words_whole();
        for line in self.table.lines() {
            for (place, cell) in line.split(BETWEEN).enumerate() {
                if place > 0 {
                    screen.push(Ink::Plain, BETWEEN);
                }
                let word = cell.trim_matches([' ', EDGE]);
                match cell.split_once(word).filter(|_| place == column && !word.is_empty()) {
                    Some((before, after)) => {
                        screen.push(Ink::Plain, before);
                        screen.push(ink(word), word);
                        screen.push(Ink::Plain, after);
                    }
                    None => screen.push(Ink::Plain, cell),
                }
            }
            screen.end_line();
        }
    }

    /// A word of a column is not broken, as long as the last column keeps its share of the width.
    fn keep_words_whole(&mut self) {
        let Some((_, others)) = self.longest.split_last() else { return };
        let taken: usize = others.iter().map(|longest| longest + AROUND).sum();
        if taken > usize::from(self.columns) / SHARE {
            return;
        }
        for (place, longest) in others.iter().enumerate() {
            if let (Some(column), Ok(longest)) = (self.table.column_mut(place), u16::try_from(*longest + 2)) {
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(longest)));
            }
        }
    }
}
