//! The results file of `delete`: every chosen row, what was decided, how it ended and why.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use crate::state::State;
use crate::text::escape_controls;

use super::cell::{BETWEEN_REASONS, neutralised, restored};
use super::choice::Chosen;
use super::lines::Lines;
use super::write::rfc4180;

/// The header row.
pub const RESULT_COLUMNS: [&str; 7] = ["build_url", "project", "line", "reasons", "decision", "state", "reason"];

/// Whether a file holds results, or nothing at all.
pub fn begins_results(from: impl Read) -> bool {
    let header = RESULT_COLUMNS.join(",");
    let mut begin = Vec::new();
    let read = from.take(header.len() as u64).read_to_end(&mut begin);
    read.is_ok() && (begin.is_empty() || begin == header.as_bytes())
}

/// The addresses in a file of results, as they were written there. A row that was cut by a kill has none: what it told is in
/// the journal.
pub fn addresses(from: impl Read) -> Vec<String> {
    let mut csv = csv::Reader::from_reader(Lines::new(from));
    let rows = records(&mut csv).filter_map(Result::ok);
    rows.filter_map(|row| row.get(0).map(|cell| restored(cell).to_owned())).collect()
}

/// Whether a file holds the plan of a dry run and nothing that was done.
pub fn is_a_plan(from: impl Read) -> bool {
    let mut csv = csv::Reader::from_reader(Lines::new(from));
    if csv.headers().ok().is_none_or(|header| *header != RESULT_COLUMNS[..]) {
        return false;
    }
    let planned = |row: &csv::StringRecord| match (row.get(4), row.get(6)) {
        (Some("delete"), Some(reason)) => Some(reason.starts_with(DRY_RUN)),
        _ => None,
    };
    let mut rows = records(&mut csv);
    let mut seen = false;
    rows.all(|row| {
        let is_planned = row.as_ref().ok().map(planned);
        seen |= is_planned == Some(Some(true));
        matches!(is_planned, Some(None | Some(true)))
    }) && seen
}

/// The rows of a file, none longer than one may be; what cannot be read ends them.
fn records<R: Read>(csv: &mut csv::Reader<Lines<R>>) -> impl Iterator<Item = csv::Result<csv::StringRecord>> {
    let mut is_over = false;
    std::iter::from_fn(move || {
        let mut row = csv::StringRecord::new();
        let read = match csv.read_record(&mut row) {
            _ if is_over => return None,
            Ok(false) => return None,
            Ok(true) => Ok(row),
            Err(error) => {
                is_over = error.is_io_error();
                Err(error)
            }
        };
        let begin = csv.position().byte();
        csv.get_mut().of(begin);
        Some(read)
    })
}

/// Results in which some rows have ended otherwise after all: those with these addresses and lines, in these states for these reasons.
///
/// # Errors
/// What is there is no file of results, or the new one cannot be written.
pub fn amended(
    from: impl Read,
    to: impl Write,
    otherwise: &BTreeMap<(String, u64), (State, String)>,
) -> std::io::Result<()> {
    let mut rows = csv::Reader::from_reader(from);
    let mut csv = rfc4180(to);
    csv.write_record(rows.headers()?)?;
    for row in rows.records() {
        let mut cells: Vec<String> = row?.iter().map(str::to_owned).collect();
        let place = (cells.first().cloned(), cells.get(2).and_then(|line| line.parse().ok()));
        if let (Some(url), Some(line)) = place
            && let Some((state, reason)) = otherwise.get(&(restored(&url).to_owned(), line))
            && let [_, _, _, _, _, is, why] = cells.as_mut_slice()
        {
            state.as_str().clone_into(is);
            *why = neutralised(&escape_controls(reason)).into_owned();
        }
        csv.write_record(&cells)?;
    }
    csv.flush()
}

/// How the reason of a row begins that a dry run would delete.
pub const DRY_RUN: &str = "dry run; ";

/// How one chosen row ended.
pub struct ResultRow<'a> {
    /// The row.
    pub chosen: &'a Chosen,
    /// Whether the plan was to delete it.
    pub planned: bool,
    /// How it ended.
    pub state: State,
    /// Why.
    pub reason: &'a str,
}

/// Results that are being written, each row at once. What stands in them is for people to look at, by whatever means: text from
/// the report or a server comes with nothing in it that a terminal would obey.
pub struct ResultWriter<W: Write> {
    csv: csv::Writer<W>,
}

impl<W: Write> ResultWriter<W> {
    /// Begins the file with its header row.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn new(to: W) -> std::io::Result<Self> {
        let mut csv = rfc4180(to);
        csv.write_record(RESULT_COLUMNS)?;
        csv.flush()?;
        Ok(Self { csv })
    }

    /// Adds a row and hands it to the operating system, so that a kill loses none.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, row: &ResultRow<'_>) -> std::io::Result<()> {
        let chosen = row.chosen;
        self.csv.write_record([
            neutralised(&escape_controls(&chosen.url_text)).as_bytes(),
            neutralised(&escape_controls(chosen.project.as_deref().unwrap_or_default())).as_bytes(),
            chosen.line.to_string().as_bytes(),
            neutralised(&escape_controls(&chosen.reasons.join(BETWEEN_REASONS))).as_bytes(),
            if row.planned { b"delete" } else { b"keep" },
            row.state.as_str().as_bytes(),
            neutralised(&escape_controls(row.reason)).as_bytes(),
        ])?;
        self.csv.flush()
    }

    /// Ends the file and gives back what it was written to.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(self) -> std::io::Result<W> {
        self.csv.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}
