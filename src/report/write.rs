//! Writes findings as report rows.

use std::io::Write;

use jiff::Timestamp;

use crate::finding::Finding;
use crate::text::bytes::escape;

use super::cell::{BETWEEN_REASONS, COLUMNS, neutralised};

/// A report that is being written.
pub struct ReportWriter<W: Write> {
    csv: csv::Writer<W>,
}

/// A CSV writer by RFC 4180: lines end in CRLF.
pub(super) fn rfc4180<W: Write>(to: W) -> csv::Writer<W> {
    csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to)
}

impl<W: Write> ReportWriter<W> {
    /// Writes the header row.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn new(to: W) -> std::io::Result<Self> {
        let mut csv = rfc4180(to);
        csv.write_record(COLUMNS).map_err(io_error)?;
        Ok(Self { csv })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, found: &Finding) -> std::io::Result<()> {
        self.write_row(found).map_err(io_error)
    }

    fn write_row(&mut self, found: &Finding) -> Result<(), csv::Error> {
        self.text(found.build_url.as_deref())?;
        self.text(found.project.as_deref())?;
        self.number(found.build_num)?;
        self.text(found.lifecycle.as_deref())?;
        self.text(found.status.as_deref())?;
        for time in [found.queued_at, found.started_at, found.stopped_at, found.last_activity_at] {
            self.time(time)?;
        }
        self.csv.write_field(found.timing.as_str())?;
        self.text(Some(&found.reasons.join(BETWEEN_REASONS)))?;
        self.text(Some(&found.evidence))?;
        for count in [found.steps, found.steps_unfinished, found.output_expected, found.output_stored] {
            self.number(count)?;
        }
        self.csv.write_field(if found.is_deletable() { "yes" } else { "no" })?;
        self.csv.write_field(&found.fingerprint)?;
        self.text(Some(&found.note()))?;
        self.csv.write_record(None::<&[u8]>)
    }

    /// Ends the report and returns the output.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(self) -> std::io::Result<W> {
        self.csv.into_inner().map_err(csv::IntoInnerError::into_error)
    }

    fn text(&mut self, text: Option<&str>) -> Result<(), csv::Error> {
        self.csv.write_field(neutralised(&escape(text.unwrap_or_default())).as_bytes())
    }

    fn number(&mut self, number: Option<i64>) -> Result<(), csv::Error> {
        self.csv.write_field(number.map(|number| number.to_string()).unwrap_or_default())
    }

    /// RFC 3339 in UTC.
    fn time(&mut self, time: Option<Timestamp>) -> Result<(), csv::Error> {
        self.csv.write_field(time.map(|time| time.to_string()).unwrap_or_default())
    }
}

/// The fault itself: a closed pipe has to be recognised.
pub(super) fn io_error(error: csv::Error) -> std::io::Error {
    let words = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(fault) => fault,
        _ => std::io::Error::other(words),
    }
}
