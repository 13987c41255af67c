//! The rows of a report with all columns, for the audit. Nothing is deleted by them, so addresses, projects and fingerprints are
//! plain text.

use std::io::Read;

use jiff::Timestamp;

use crate::timing::Timing;

use super::cell::Column;
use super::error::ReportError;
use super::records::{Cells, Records};

/// One row of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line on which the row begins, counted from 1.
    pub line: u64,
    /// The address as the report has it; empty if the build has none.
    pub build_url: String,
    /// `org/project`; empty if it is not known.
    pub project: String,
    /// The build's number within its project.
    pub build_num: Option<i64>,
    /// queued, not_run, not_running, running or finished.
    pub lifecycle: String,
    /// The CI's own word.
    pub status: String,
    pub queued_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub stopped_at: Option<Timestamp>,
    /// The latest sign of life.
    pub last_activity_at: Option<Timestamp>,
    pub timing: Timing,
    /// The names of the rules that fired.
    pub reasons: Vec<String>,
    /// What was seen, in words.
    pub evidence: String,
    pub steps: Option<i64>,
    /// Steps that never stopped.
    pub steps_unfinished: Option<i64>,
    /// The output that the CI says it recorded.
    pub output_expected: Option<i64>,
    /// The output that is stored.
    pub output_stored: Option<i64>,
    pub deletable: bool,
    /// The digest of its state.
    pub fingerprint: String,
    /// Why it may not be deleted, in words. Empty if it may be deleted, or the report does not say.
    pub note: String,
}

/// An iterator over the rows of a report, in the memory of one row. It ends at the first error.
pub struct Rows<R: Read> {
    records: Records<R>,
    broken: bool,
}

impl<R: Read> Rows<R> {
    /// Reads the header row.
    ///
    /// # Errors
    /// It cannot be read, or lacks a column of a report, as a plain list of URLs does.
    pub fn new(from: R) -> Result<Self, ReportError> {
        let mut records = Records::open(from)?;
        if records.width()? == 1 {
            return Err(ReportError::SomethingElse("a plain list"));
        }
        Ok(Self { records: records.find(Column::ALL)?, broken: false })
    }

    /// The input itself. After the last row it has been read to its end.
    pub fn into_inner(self) -> R {
        self.records.into_inner()
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Result<Row, ReportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        let read = self.records.next().and_then(|cells| cells.map(|cells| row(&cells)).transpose());
        self.broken = read.is_err();
        read.transpose()
    }
}

fn row(cells: &Cells<'_>) -> Result<Row, ReportError> {
    let text = |column| cells.text(column).to_owned();
    Ok(Row {
        line: cells.line,
        build_url: text(Column::BuildUrl),
        project: text(Column::Project),
        build_num: cells.number(Column::BuildNum)?,
        lifecycle: text(Column::Lifecycle),
        status: text(Column::Status),
        queued_at: cells.time(Column::QueuedAt)?,
        started_at: cells.time(Column::StartedAt)?,
        stopped_at: cells.time(Column::StoppedAt)?,
        last_activity_at: cells.time(Column::LastActivityAt)?,
        timing: cells.timing()?,
        reasons: cells.reasons(),
        evidence: text(Column::Evidence),
        steps: cells.number(Column::Steps)?,
        steps_unfinished: cells.number(Column::StepsUnfinished)?,
        output_expected: cells.number(Column::OutputExpected)?,
        output_stored: cells.number(Column::OutputStored)?,
        deletable: cells.deletable()?,
        fingerprint: text(Column::Fingerprint),
        note: text(Column::Note),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Finding;
    use crate::report::ReportWriter;
    use crate::report::cell::COLUMNS;
    use crate::testing;

    fn finding() -> Finding {
        Finding {
            key: "1".to_owned(),
            build_url: Some("https://ci.example.com/gh/acme/api/7".to_owned()),
            project: Some("=acme/\"api\"".to_owned()),
            build_num: Some(-7),
            lifecycle: Some("running".to_owned()),
            started_at: "2026-11-20T01:50:10.5Z".parse().ok(),
            reasons: vec!["stuck-running".to_owned(), "output-gap".to_owned()],
            evidence: "two\nlines, and \u{1b}".to_owned(),
            steps: Some(3),
            output_expected: Some(i64::MAX),
            output_stored: Some(0),
            fingerprint: "ab".to_owned(),
            ..testing::finding()
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
        let kept = Finding {
            obstacles: vec![crate::obstacle::Obstacle::Between("stopped at 2026-11-20T03:00:00Z".to_owned())],
            ..finding()
        };
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
