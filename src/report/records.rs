//! The one reader of a report's CSV. It checks the header, streams the rows, and knows the line of each.

use std::io::Read;
use std::str::FromStr;

use csv::{Position, StringRecord};
use jiff::Timestamp;

use crate::text::Foreign;
use crate::timing::Timing;

use super::cell::{BETWEEN_REASONS, COLUMNS, Column, restored};
use super::error::ReportError;
use super::lines::Lines;

/// The place of a column that the file does not have.
const ABSENT: usize = usize::MAX;

/// The rows of a report that is being read, in the memory of one row.
pub(super) struct Records<R: Read> {
    reader: csv::Reader<Lines<R>>,
    /// The place of each column of [`COLUMNS`] in this file.
    places: [usize; COLUMNS.len()],
    record: StringRecord,
}

impl<R: Read> Records<R> {
    /// Reads the header row.
    ///
    /// # Errors
    /// It cannot be read, or is not that of a report.
    pub(super) fn open(from: R) -> Result<Self, ReportError> {
        let mut reader = csv::ReaderBuilder::new().from_reader(Lines::new(from));
        let header = reader.headers().map_err(|error| report_error(error, 1))?;
        if header.is_empty() {
            return Err(ReportError::Empty);
        }
        let first = header.get(0).unwrap_or_default();
        if let Some(separator) = [';', '\t'].into_iter().find(|c| first.starts_with(&format!("build_url{c}"))) {
            return Err(ReportError::Separator(separator));
        }
        if ["decision", "state"].iter().all(|name| header.iter().any(|found| found == *name)) {
            return Err(ReportError::SomethingElse("a plan or the results of a deletion"));
        }
        Ok(Self { reader, places: [ABSENT; COLUMNS.len()], record: StringRecord::new() })
    }

    /// How many columns the header names.
    ///
    /// # Errors
    /// The header cannot be read.
    pub(super) fn width(&mut self) -> Result<usize, ReportError> {
        self.reader.headers().map(StringRecord::len).map_err(|error| report_error(error, 1))
    }

    /// Finds the columns that are read. The header has to name each once; only `note` may be absent.
    ///
    /// # Errors
    /// One of them is not there, or twice.
    pub(super) fn find(mut self, columns: &[Column]) -> Result<Self, ReportError> {
        let header = self.reader.headers().map_err(|error| report_error(error, 1))?;
        for column in columns {
            let name = column.name();
            let mut found = header.iter().enumerate().filter(|(_, found)| found.trim() == name).map(|(place, _)| place);
            self.places[*column as usize] = match (found.next(), found.next()) {
                (Some(place), None) => place,
                (None, _) if *column == Column::Note => ABSENT,
                (None, _) => return Err(ReportError::Column { how: "no", column: name }),
                (Some(_), Some(_)) => return Err(ReportError::Column { how: "more than one", column: name }),
            };
        }
        Ok(self)
    }

    /// Finds columns that help where the header names each once, and are not missed where it does not.
    ///
    /// # Errors
    /// The header cannot be read.
    pub(super) fn find_if_there(mut self, columns: &[Column]) -> Result<Self, ReportError> {
        let header = self.reader.headers().map_err(|error| report_error(error, 1))?;
        for column in columns {
            let mut found = header.iter().enumerate().filter(|(_, found)| found.trim() == column.name());
            if let (Some((place, _)), None) = (found.next(), found.next()) {
                self.places[*column as usize] = place;
            }
        }
        Ok(self)
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// The row cannot be read, or has not as many cells as the header.
    pub(super) fn next(&mut self) -> Result<Option<Cells<'_>>, ReportError> {
        loop {
            match self.reader.read_record(&mut self.record) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => {
                    let begin = error.position().map_or(0, Position::byte);
                    return Err(report_error(error, self.reader.get_mut().of(begin)));
                }
            }
            // Spreadsheets leave empty rows behind.
            if self.record.iter().any(|cell| !cell.is_empty()) {
                break;
            }
        }
        let begin = self.record.position().map_or(0, Position::byte);
        let line = self.reader.get_mut().of(begin);
        Ok(Some(Cells { record: &self.record, places: &self.places, line }))
    }

    /// The input itself. After the last row it has been read to its end.
    pub(super) fn into_inner(self) -> R {
        self.reader.into_inner().into_inner()
    }
}

fn report_error(error: csv::Error, line: u64) -> ReportError {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            ReportError::Cells { line, found: *len, expected: *expected_len }
        }
        csv::ErrorKind::Utf8 { .. } => ReportError::NotUtf8 { line },
        csv::ErrorKind::Io(_) => match error.into_kind() {
            csv::ErrorKind::Io(error) => ReportError::Read(error),
            _ => ReportError::Empty,
        },
        _ => ReportError::Csv(error),
    }
}

/// The cells of one row, by column. A cell is parsed when it is asked for, so a bad cell that nobody reads does no harm.
pub(super) struct Cells<'a> {
    record: &'a StringRecord,
    places: &'a [usize; COLUMNS.len()],
    /// The line on which the row begins, counted from 1.
    pub(super) line: u64,
}

impl Cells<'_> {
    pub(super) fn text(&self, column: Column) -> &str {
        restored(self.record.get(self.places[column as usize]).unwrap_or_default())
    }

    pub(super) fn number(&self, column: Column) -> Result<Option<i64>, ReportError> {
        if self.text(column).is_empty() { Ok(None) } else { self.parsed(column, "a number, or nothing").map(Some) }
    }

    pub(super) fn time(&self, column: Column) -> Result<Option<Timestamp>, ReportError> {
        let expected = "a time such as 2026-11-20T02:00:00Z, or nothing";
        if self.text(column).is_empty() { Ok(None) } else { self.parsed(column, expected).map(Some) }
    }

    pub(super) fn timing(&self) -> Result<Timing, ReportError> {
        self.parsed(Column::Timing, "in-flight, stale, ended, after-restore, between or unknown")
    }

    pub(super) fn deletable(&self) -> Result<bool, ReportError> {
        match self.text(Column::Deletable) {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err(self.bad(Column::Deletable, "yes or no")),
        }
    }

    pub(super) fn reasons(&self) -> Vec<String> {
        let reasons = self.text(Column::Reasons).split(BETWEEN_REASONS).map(str::trim);
        reasons.filter(|reason| !reason.is_empty()).map(str::to_owned).collect()
    }

    /// The error of a cell that holds what it cannot hold.
    pub(super) fn bad(&self, column: Column, expected: &'static str) -> ReportError {
        let value = Foreign::name(self.text(column));
        ReportError::Cell { line: self.line, column: column.name(), value, expected }
    }

    fn parsed<T: FromStr>(&self, column: Column, expected: &'static str) -> Result<T, ReportError> {
        self.text(column).parse().map_err(|_| self.bad(column, expected))
    }
}
