//! Reads a report row by row with all that it says, for whoever sums it up. Nothing is acted on here: addresses, projects
//! and fingerprints are taken as text.

use std::io::Read;
use std::str::FromStr;

use csv::StringRecord;
use jiff::Timestamp;

use crate::text::shorten;
use crate::timing::Timing;

use super::cell::restored;
use super::columns::{BETWEEN_REASONS, COLUMNS, NOTE};
use super::lines::Lines;
use super::read::ReportError;

/// How much of a foreign text is shown in a message, in characters.
const SHOWN: usize = 80;

/// One row of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line on which it begins, counted from 1.
    pub line: u64,
    /// The address as it stands there; empty where the build has none.
    pub build_url: String,
    /// `org/project`; empty where it is not known.
    pub project: String,
    /// The build's number within its project.
    pub build_num: Option<i64>,
    /// queued, not_run, not_running, running or finished.
    pub lifecycle: String,
    /// The CI's own word.
    pub status: String,
    /// When it was queued.
    pub queued_at: Option<Timestamp>,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it stopped.
    pub stopped_at: Option<Timestamp>,
    /// The latest sign of life.
    pub last_activity_at: Option<Timestamp>,
    /// What it did around the backup.
    pub timing: Timing,
    /// The names of the rules that fired.
    pub reasons: Vec<String>,
    /// What was seen, in words.
    pub evidence: String,
    /// How many steps it has.
    pub steps: Option<i64>,
    /// How many of them never stopped.
    pub steps_unfinished: Option<i64>,
    /// How much output was recorded.
    pub output_expected: Option<i64>,
    /// How much is stored.
    pub output_stored: Option<i64>,
    /// Whether it may be deleted.
    pub deletable: bool,
    /// The digest of its state.
    pub fingerprint: String,
    /// Why it may not be deleted, in words; empty where it may, or the report does not say.
    pub note: String,
}

/// A report that is being read: an iterator over its rows, in the memory of one row. It ends at the first error.
pub struct Rows<R: Read> {
    reader: csv::Reader<Lines<R>>,
    places: [usize; COLUMNS.len()],
    record: StringRecord,
    broken: bool,
}

impl<R: Read> Rows<R> {
    /// Begins with the header row.
    ///
    /// # Errors
    /// It cannot be read, or has not every column of a report: a plain list of addresses has none.
    pub fn new(from: R) -> Result<Self, ReportError> {
        let mut reader = csv::ReaderBuilder::new().from_reader(Lines::new(from));
        let header = reader.headers().map_err(|error| told(error, 1))?.clone();
        if header.is_empty() {
            return Err(ReportError::Empty);
        }
        let first = header.get(0).unwrap_or_default();
        if let Some(separator) = [';', '\t'].into_iter().find(|c| first.starts_with(&format!("build_url{c}"))) {
            return Err(ReportError::Separator(separator));
        }
        if header.len() == 1 {
            return Err(ReportError::SomethingElse("a plain list"));
        }
        if ["decision", "state"].iter().all(|name| header.iter().any(|found| found == *name)) {
            return Err(ReportError::SomethingElse("a plan or the results of a deletion"));
        }
        let mut places = [0; COLUMNS.len()];
        for (place, column) in places.iter_mut().zip(COLUMNS) {
            let mut found = header.iter().enumerate().filter(|(_, name)| name.trim() == column).map(|(place, _)| place);
            *place = match (found.next(), found.next()) {
                (Some(place), None) => place,
                // A place that no record has.
                (None, _) if column == NOTE => usize::MAX,
                (None, _) => return Err(ReportError::Column { how: "no", column }),
                (Some(_), Some(_)) => return Err(ReportError::Column { how: "more than one", column }),
            };
        }
        Ok(Self { reader, places, record: StringRecord::new(), broken: false })
    }

    /// What it was read from. After the last row this has been read to its end.
    pub fn into_inner(self) -> R {
        self.reader.into_inner().into_inner()
    }

    fn read(&mut self) -> Result<Option<Row>, ReportError> {
        loop {
            match self.reader.read_record(&mut self.record) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => {
                    let begin = error.position().map_or(0, csv::Position::byte);
                    return Err(told(error, self.reader.get_mut().of(begin)));
                }
            }
            // Spreadsheets leave these behind.
            if self.record.iter().any(|cell| !cell.is_empty()) {
                break;
            }
        }
        let begin = self.record.position().map_or(0, csv::Position::byte);
        let line = self.reader.get_mut().of(begin);
        Cells { record: &self.record, places: &self.places, line }.row().map(Some)
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Result<Row, ReportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        let read = self.read();
        self.broken = read.is_err();
        read.transpose()
    }
}

/// An error of the CSV reader in the words of a report.
fn told(error: csv::Error, line: u64) -> ReportError {
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

/// The cells of one record, by column.
struct Cells<'a> {
    record: &'a StringRecord,
    places: &'a [usize; COLUMNS.len()],
    line: u64,
}

impl Cells<'_> {
    fn row(&self) -> Result<Row, ReportError> {
        let reasons = self.text(10).split(BETWEEN_REASONS).map(str::trim).filter(|reason| !reason.is_empty());
        Ok(Row {
            line: self.line,
            build_url: self.text(0).to_owned(),
            project: self.text(1).to_owned(),
            build_num: self.number(2)?,
            lifecycle: self.text(3).to_owned(),
            status: self.text(4).to_owned(),
            queued_at: self.time(5)?,
            started_at: self.time(6)?,
            stopped_at: self.time(7)?,
            last_activity_at: self.time(8)?,
            timing: self.parsed(9, "in-flight, stale, ended, after-restore, between or unknown")?,
            reasons: reasons.map(str::to_owned).collect(),
            evidence: self.text(11).to_owned(),
            steps: self.number(12)?,
            steps_unfinished: self.number(13)?,
            output_expected: self.number(14)?,
            output_stored: self.number(15)?,
            deletable: match self.text(16) {
                "yes" => true,
                "no" => false,
                _ => return Err(self.bad(16, "yes or no")),
            },
            fingerprint: self.text(17).to_owned(),
            note: self.text(18).to_owned(),
        })
    }

    /// A cell by its place in [`COLUMNS`].
    fn text(&self, column: usize) -> &str {
        restored(self.record.get(self.places[column]).unwrap_or_default())
    }

    fn parsed<T: FromStr>(&self, column: usize, expected: &'static str) -> Result<T, ReportError> {
        self.text(column).parse().map_err(|_| self.bad(column, expected))
    }

    fn number(&self, column: usize) -> Result<Option<i64>, ReportError> {
        if self.text(column).is_empty() { Ok(None) } else { self.parsed(column, "a number, or nothing").map(Some) }
    }

    fn time(&self, column: usize) -> Result<Option<Timestamp>, ReportError> {
        let expected = "a time such as 2026-11-20T02:00:00Z, or nothing";
        if self.text(column).is_empty() { Ok(None) } else { self.parsed(column, expected).map(Some) }
    }

    fn bad(&self, column: usize, expected: &'static str) -> ReportError {
        let value = shorten(self.text(column), SHOWN);
        ReportError::Cell { line: self.line, column: COLUMNS[column], value, expected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Finding;
    use crate::report::ReportWriter;

    fn finding() -> Finding {
        Finding {
            key: "1".to_owned(),
            build_url: Some("https://ci.example.com/gh/acme/api/7".to_owned()),
            project: Some("=acme/\"api\"".to_owned()),
            build_num: Some(-7),
            lifecycle: Some("running".to_owned()),
            status: None,
            queued_at: None,
            started_at: "2026-11-20T01:50:10.5Z".parse().ok(),
            stopped_at: None,
            last_activity_at: None,
            timing: Timing::InFlight,
            reasons: vec!["stuck-running".to_owned(), "output-gap".to_owned()],
            evidence: "two\nlines, and \u{1b}".to_owned(),
            steps: Some(3),
            steps_unfinished: None,
            output_expected: Some(i64::MAX),
            output_stored: Some(0),
            shares: None,
            obstacles: Vec::new(),
            fingerprint: "ab".to_owned(),
        }
    }

    fn written(findings: &[Finding]) -> String {
        let mut report = ReportWriter::new(Vec::new()).expect("a report");
        findings.iter().for_each(|finding| report.write(finding).expect("a row"));
        String::from_utf8(report.finish().expect("an end")).expect("UTF-8")
    }

    fn read(text: &str) -> Result<Vec<Row>, ReportError> {
        Rows::new(text.as_bytes())?.collect()
    }

    #[test]
    fn what_was_found_reads_back() {
        let rows = read(&written(&[finding(), finding()])).expect("rows");
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4]);
        let (row, found) = (&rows[0], finding());
        assert_eq!(
            [&row.build_url, &row.project],
            [&found.build_url, &found.project].map(|text| text.as_ref().expect("a text"))
        );
        assert_eq!((row.build_num, row.started_at, row.stopped_at), (found.build_num, found.started_at, None));
        assert_eq!((&row.reasons, &row.evidence, row.timing), (&found.reasons, &found.evidence, found.timing));
        assert_eq!((row.steps, row.steps_unfinished, row.output_expected), (Some(3), None, Some(i64::MAX)));
        assert_eq!((row.deletable, row.status.as_str(), row.fingerprint.as_str()), (true, "", "ab"));
    }

    #[test]
    fn what_cannot_be_trusted_names_its_line() {
        let good = written(&[finding(), finding()]);
        for (from, to, expected) in [
            ("in-flight", "lately", "line 2: timing \"lately\": expected in-flight, stale"),
            ("2026-11-20T01:50:10.5Z", "soon", "line 2: started_at \"soon\": expected a time"),
            (",yes,", ",maybe,", "line 2: deletable \"maybe\": expected yes or no"),
            ("'-7", "x", "line 2: build_num \"x\": expected a number"),
            (",steps,", ",stages,", "the header row has no column \"steps\""),
            (",yes,ab,\r\n", ",yes,ab,,c\r\n", "line 2: the row has 20 cells, the header has 19"),
        ] {
            let from = if good.contains(from) { from } else { "-7" };
            let message = read(&good.replacen(from, to, 1)).expect_err(to).to_string();
            assert!(message.contains(expected), "{message}");
        }
        assert!(matches!(read(""), Err(ReportError::Empty)));
        assert!(matches!(read("https://ci/gh/a/b/1\n"), Err(ReportError::SomethingElse("a plain list"))));
        let mut bytes = good.into_bytes();
        let end = bytes.len() - 9;
        bytes[end] = 0xff;
        let error = Rows::new(&bytes[..]).expect("a header").find_map(Result::err).expect("an error");
        assert_eq!(error.to_string(), "line 4: it is not UTF-8");
    }

    #[test]
    fn a_report_without_notes_is_read_as_before() {
        let kept = Finding { obstacles: vec![crate::obstacle::Obstacle::Between], ..finding() };
        let text = written(std::slice::from_ref(&kept));
        assert_eq!(read(&text).expect("rows")[0].note, kept.note());
        let older = text.replace(",fingerprint,note\r\n", ",fingerprint\r\n");
        let older = older
            .replace(&format!(",{}\r\n", kept.note()), "\r\n")
            .replace(&format!(",\"{}\"\r\n", kept.note()), "\r\n");
        let row = &read(&older).expect("rows")[0];
        assert_eq!((row.deletable, row.note.as_str(), row.fingerprint.as_str()), (false, "", "ab"));
    }

    #[test]
    fn rows_that_a_spreadsheet_left_are_no_rows() {
        let text = format!("\u{feff}{}{}\r\n", written(&[finding()]), ",".repeat(COLUMNS.len() - 1));
        assert_eq!(read(&text).expect("rows").len(), 1);
    }
}
