//! Plain columns for people and for grep: no frame, nothing cut, one row a line.

use std::fmt;

use crate::text::Foreign;

/// The spaces between two columns.
const APART: usize = 2;

/// Rows of cells. All cells but the last of a row are padded. A row may have notes below it.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
enum Row {
    Cells(Vec<Foreign>),
    Note(Foreign),
}

impl Listing {
    /// Writes the names of the columns.
    pub fn new(header: &[&str]) -> Self {
        let mut listing = Self::default();
        listing.add(header.iter().map(|name| (*name).to_owned()));
        listing
    }

    pub fn add(&mut self, cells: impl IntoIterator<Item = String>) {
        // Cells may come from files and servers.
        self.rows.push(Row::Cells(cells.into_iter().map(|cell| Foreign::new(&cell)).collect()));
    }

    /// Adds a line below the latest row.
    pub fn note(&mut self, text: &str) {
        self.rows.push(Row::Note(Foreign::new(text)));
    }

    fn width(&self, column: usize) -> usize {
        let width = |row: &Row| match row {
            Row::Cells(cells) => cells.get(column).map_or(0, |cell| cell.as_str().chars().count()),
            Row::Note(_) => 0,
        };
        self.rows.iter().map(width).max().unwrap_or_default()
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            match row {
                Row::Note(text) => writeln!(f, "    {text}")?,
                Row::Cells(cells) => {
                    let mut line = String::new();
                    for (column, cell) in cells.iter().enumerate() {
                        let width = self.width(column) + APART;
                        line.push_str(&format!("{cell:<width$}"));
                    }
                    writeln!(f, "{}", line.trim_end())?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_nothing_drives_a_terminal() {
        let mut listing = Listing::new(&["rule", "title"]);
        listing.add(["é".to_owned(), "a\x1b[31m".to_owned()]);
        listing.note("b\nc");
        assert_eq!(listing.to_string(), "rule  title\né     a\\u{1b}[31m\n    b\\nc\n");
    }
}
