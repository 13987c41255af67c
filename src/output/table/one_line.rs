//! Tables with one line a row, for narrow terminals: no frame, and what does not fit is cut at the end of the line.

use crate::output::screen::Screen;
use crate::output::terminal::{Ink, width};

use super::row::Row;

/// The spaces between two columns.
const APART: usize = 2;
/// The last column is left out where less than this is left for it.
const LEAST: usize = 16;
/// Stands for what is cut.
const CUT: &str = "…";

pub(super) fn write_findings(rows: &[Row], columns: usize, screen: &mut Screen) {
    const HEADER: [&str; 6] = ["build", "timing", "delete", "reasons", "age", "evidence"];
    let widest = |name: &str, text: fn(&Row) -> &str| {
        rows.iter().map(|row| width(text(row))).max().unwrap_or_default().max(width(name))
    };
    // What is always whole, and the spaces of all columns but the last.
    let whole = widest(HEADER[1], |row| row.timing) + width(HEADER[2]) + widest(HEADER[4], |row| &row.age);
    let room = columns.saturating_sub(whole + APART * (HEADER.len() - 2));
    let for_builds = rows.iter().map(|row| width(&build(row, room / 2))).max().unwrap_or_default();
    let mut lines = Lines::new(&HEADER);
    for row in rows {
        let (ink, deletable) = row.deletable();
        lines.add([
            (Ink::Strong, build(row, room / 2)),
            (Ink::Plain, row.timing.to_owned()),
            (ink, deletable.to_owned()),
            (Ink::Plain, reasons(&row.reasons, room.saturating_sub(for_builds))),
            (Ink::Plain, row.age.clone()),
            (Ink::Faint, row.evidence.clone()),
        ]);
    }
    lines.write(columns, screen);
}

/// The project and the number, which stays whole.
fn build(row: &Row, longest: usize) -> String {
    match (row.project.is_empty(), row.number.is_empty()) {
        (true, _) => row.number.clone(),
        (_, true) => cut(&row.project, longest),
        (false, false) => {
            let number = format!("/{}", row.number);
            format!("{}{number}", cut(&row.project, longest.saturating_sub(width(&number))))
        }
    }
}

/// As many of the rules as fit, and how many more there are.
fn reasons(reasons: &[String], longest: usize) -> String {
    let all = reasons.join(" ");
    if width(&all) <= longest {
        return all;
    }
    let mut shown = String::new();
    for (place, reason) in reasons.iter().enumerate() {
        let more = format!(" +{}", reasons.len() - place);
        if place > 0 && width(&shown) + width(reason) + 1 + width(&more) > longest {
            return shown + &more;
        }
        shown = if place > 0 { format!("{shown} {reason}") } else { reason.clone() };
    }
    shown
}

/// Rows of cells, each with its colour.
pub(super) struct Lines<const N: usize> {
    rows: Vec<[(Ink, String); N]>,
}

impl<const N: usize> Lines<N> {
    pub(super) fn new(header: &[&str; N]) -> Self {
        Self { rows: vec![header.map(|name| (Ink::Strong, name.to_owned()))] }
    }

    pub(super) fn add(&mut self, cells: [(Ink, String); N]) {
        self.rows.push(cells);
    }

    /// Writes a line for each row, none of which is longer than `columns`, unless its first cells are.
    pub(super) fn write(&self, columns: usize, screen: &mut Screen) {
        let widest = |column: usize| self.rows.iter().map(|row| width(&row[column].1)).max().unwrap_or_default();
        let widths: Vec<usize> = (0..N.saturating_sub(1)).map(widest).collect();
        let taken: usize = widths.iter().map(|width| width + APART).sum();
        let left = columns.saturating_sub(taken);
        for row in &self.rows {
            // The spaces at the end of a line are not written.
            let mut spaces = 0;
            for (column, (ink, cell)) in row.iter().enumerate() {
                let cell = match widths.get(column) {
                    Some(_) => cell.clone(),
                    None if left < LEAST => String::new(),
                    None => cut(cell, left),
                };
                if !cell.is_empty() {
                    screen.push(Ink::Plain, &" ".repeat(std::mem::take(&mut spaces)));
                    screen.push(*ink, &cell);
                }
                spaces += widths.get(column).map_or(0, |widest| widest + APART - width(&cell));
            }
            screen.end_line();
        }
    }
}

/// The text, or as much of it as fits before a sign that something is cut. It is cut between words where it has several.
fn cut(text: &str, longest: usize) -> String {
    if width(text) <= longest {
        return text.to_owned();
    }
    let mut shown = String::new();
    for c in text.chars() {
        if width(&shown) + width(c.encode_utf8(&mut [0; 4])) + width(CUT) > longest {
            break;
        }
        shown.push(c);
    }
    let words = shown.rfind(' ').map(|end| shown[..end].trim_end_matches([',', ';', ':']));
    format!("{}{CUT}", words.unwrap_or(&shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(project: &str, reasons: &[&str]) -> Row {
        Row {
            project: project.to_owned(),
            number: "9405".to_owned(),
            timing: "in-flight",
            is_deletable: true,
            reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
            age: "stuck 8 d 18 h".to_owned(),
            evidence: "running since 2026-11-20T01:20:10Z, never stopped".to_owned(),
        }
    }

    #[test]
    fn a_build_takes_one_line_and_no_time_is_cut() {
        let rows = [
            row("acme/api", &["stuck-running"]),
            row("acme/api", &["stuck-running", "output-truncated", "output-gap"]),
        ];
        let shown = |columns| {
            let mut screen = Screen::new(false);
            write_findings(&rows, columns, &mut screen);
            screen.as_str().to_owned()
        };
        assert_eq!(
            shown(110),
            "build          timing     delete  reasons                                    age             evidence\n\
             acme/api/9405  in-flight  yes     stuck-running                              stuck 8 d 18 h  running since…\n\
             acme/api/9405  in-flight  yes     stuck-running output-truncated output-gap  stuck 8 d 18 h  running since…\n"
        );
        assert_eq!(
            shown(80),
            "build          timing     delete  reasons           age\n\
             acme/api/9405  in-flight  yes     stuck-running     stuck 8 d 18 h\n\
             acme/api/9405  in-flight  yes     stuck-running +2  stuck 8 d 18 h\n"
        );
        assert!(shown(80).lines().all(|line| width(line) <= 80), "{}", shown(80));
    }

    #[test]
    fn a_long_project_is_cut_and_its_number_is_not() {
        assert_eq!(build(&row("an-organisation/a-project-with-a-name", &[]), 26), "an-organisation/a-pr…/9405");
        assert_eq!(cut("a time: 2026-11-20T01:20:10Z", 20), "a time…");
    }
}
