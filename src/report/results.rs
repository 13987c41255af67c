//! The results file of `delete`: for every chosen row the decision, how it ended, and why.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Read, Write};

use crate::state::State;
use crate::text::Foreign;

use super::cell::{BETWEEN_REASONS, neutralised, restored};
use super::choice::Chosen;
use super::lines::Lines;
use super::write::{io_error, rfc4180};

/// The header row.
pub(super) const RESULT_COLUMNS: [&str; 7] = ["build_url", "project", "line", "reasons", "decision", "state", "reason"];

/// Whether a file holds results, or nothing at all.
pub fn begins_results(from: impl Read) -> bool {
    let header = RESULT_COLUMNS.join(",");
    let mut begin = Vec::new();
    let read = from.take(header.len() as u64).read_to_end(&mut begin);
    read.is_ok() && (begin.is_empty() || begin == header.as_bytes())
}

/// The addresses in a file of results, as they were written there. A row that a kill cut short has none; its result is in the
/// journal.
pub fn addresses(from: impl Read) -> Vec<String> {
    let mut csv = csv::Reader::from_reader(Lines::new(from));
    let rows = records(&mut csv).filter_map(Result::ok);
    rows.filter_map(|row| row.get(0).map(|cell| restored(cell).to_owned())).collect()
}

/// Whether a file holds the plan of a dry run and no result of a run. Such a file may be overwritten.
pub fn is_a_plan(from: impl Read) -> bool {
    let mut csv = csv::Reader::from_reader(Lines::new(from));
    if csv.headers().ok().is_none_or(|header| *header != RESULT_COLUMNS[..]) {
        return false;
    }
    let mut deletions = 0;
    let mut rows = records(&mut csv);
    let all = rows.all(|row| {
        let Ok(row) = row else { return false };
        let cell = |place| restored(row.get(place).unwrap_or_default());
        let is_deletion = cell(DECISION) == DELETE;
        deletions += u64::from(is_deletion);
        !is_deletion || is_planned(cell(STATE), cell(REASON))
    });
    all && deletions > 0
}

/// The rows of a file, up to the first that cannot be read or is too long.
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

/// Copies results and corrects rows: those with these addresses and lines get these states and reasons.
///
/// # Errors
/// The input is no file of results, or the output cannot be written.
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
            *why = harmless_cell(reason);
        }
        csv.write_record(&cells)?;
    }
    csv.flush()
}

/// What a row says of its build. A plan and the results of a run have the same columns. Only this type distinguishes them, when
/// they are written and when they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind<'a> {
    /// A dry run would delete the build, for this reason.
    Planned(&'a str),
    /// The plan keeps the build, which ends in this state, for this reason.
    Kept(State, &'a str),
    /// A run was to delete the build, which ended in this state, for this reason.
    Result(State, &'a str),
}

const DELETE: &str = "delete";
const KEEP: &str = "keep";
/// The places of columns in [`RESULT_COLUMNS`].
const DECISION: usize = 4;
const STATE: usize = 5;
const REASON: usize = 6;
/// The reason of every planned deletion begins with this, and no other does.
const DRY_RUN: &str = "dry run; ";

impl<'a> RowKind<'a> {
    /// The cells of the columns `decision`, `state` and `reason`.
    fn cells(self) -> (&'static str, State, Cow<'a, str>) {
        match self {
            Self::Planned(why) => (DELETE, State::NotAttempted, format!("{DRY_RUN}{why}").into()),
            Self::Kept(state, why) => (KEEP, state, why.into()),
            // A server may say so.
            Self::Result(state, why) if why.starts_with(DRY_RUN) => {
                (DELETE, state, format!("the reason: {why}").into())
            }
            Self::Result(state, why) => (DELETE, state, why.into()),
        }
    }
}

/// Whether the cells `state` and `reason` of a deletion are those of [`RowKind::Planned`].
fn is_planned(state: &str, reason: &str) -> bool {
    state == State::NotAttempted.as_str() && reason.starts_with(DRY_RUN)
}

/// A cell that drives neither a terminal nor a spreadsheet.
fn harmless_cell(text: &str) -> String {
    neutralised(Foreign::new(text).as_str()).into_owned()
}

pub struct ResultRow<'a> {
    pub chosen: &'a Chosen,
    pub kind: RowKind<'a>,
}

/// Writes results, each row at once. People look at them in terminals and spreadsheets, so text from the report or a server is made
/// harmless.
pub struct ResultWriter<W: Write> {
    csv: csv::Writer<W>,
}

impl<W: Write> ResultWriter<W> {
    /// Writes the header row.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn new(to: W) -> std::io::Result<Self> {
        let mut csv = rfc4180(to);
        csv.write_record(RESULT_COLUMNS).map_err(io_error)?;
        csv.flush()?;
        Ok(Self { csv })
    }

    /// Writes a row and hands it to the operating system, so that a kill loses none.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, row: &ResultRow<'_>) -> std::io::Result<()> {
        let chosen = row.chosen;
        let (decision, state, reason) = row.kind.cells();
        let written = self.csv.write_record([
            harmless_cell(&chosen.url_text).as_bytes(),
            harmless_cell(chosen.project.as_deref().unwrap_or_default()).as_bytes(),
            chosen.line.to_string().as_bytes(),
            harmless_cell(&chosen.reasons.join(BETWEEN_REASONS)).as_bytes(),
            decision.as_bytes(),
            state.as_str().as_bytes(),
            harmless_cell(&reason).as_bytes(),
        ]);
        written.map_err(io_error)?;
        self.csv.flush()
    }

    /// Ends the file and returns the output.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(self) -> std::io::Result<W> {
        self.csv.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(kinds: &[RowKind<'_>]) -> Vec<u8> {
        let chosen = Chosen {
            line: 2,
            url_text: "https://ci.example.com/gh/acme/api/12".to_owned(),
            url: None,
            project: None,
            reasons: Vec::new(),
            judged: None,
        };
        let mut results = ResultWriter::new(Vec::new()).expect("a file");
        kinds.iter().for_each(|kind| results.write(&ResultRow { chosen: &chosen, kind: *kind }).expect("a row"));
        results.finish().expect("a file")
    }

    #[test]
    fn a_plan_may_be_written_over_and_no_result_may() {
        let kept = RowKind::Kept(State::Refused, "dry run; of somebody");
        let planned = RowKind::Planned("in-flight: it never stopped");
        for plan in [vec![planned], vec![kept, planned, planned]] {
            assert!(is_a_plan(file(&plan).as_slice()), "{plan:?}");
        }
        // The last one is a server's own text.
        let [deleted, hostile] = [(State::Deleted, "it is gone"), (State::NotAttempted, "dry run; denied")]
            .map(|(state, why)| RowKind::Result(state, why));
        for results in
            [vec![], vec![kept], vec![deleted], vec![planned, deleted], vec![hostile], vec![planned, hostile]]
        {
            assert!(!is_a_plan(file(&results).as_slice()), "{results:?}");
        }
        let text = String::from_utf8(file(&[planned])).expect("UTF-8");
        assert!(text.ends_with(",delete,not-attempted,dry run; in-flight: it never stopped\r\n"), "{text}");
        let done = text.replace("not-attempted", "deleted");
        let cut = text.replace(",dry run; in-flight: it never stopped", "");
        let other = text.replacen("decision", "verdict", 1);
        for text in [done, cut, other, format!("{text}https://"), String::new()] {
            assert!(!is_a_plan(text.as_bytes()), "{text}");
        }
    }
}
