//! The output of a scan's findings, in one of three formats.

use crate::finding::Finding;
use crate::report::{Digesting, ReportWriter};

use super::json::JsonReport;
use super::screen::Screen;
use super::table::FindingTable;
use super::terminal::Color;
use super::{OutputError, OutputFile, Summary};

/// The format of a scan's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The report.
    Csv,
    Json,
    /// For people.
    Table,
}

/// What an output leaves to do.
#[derive(Debug, Default)]
pub struct Finished {
    /// The SHA-256 of a report.
    pub report_sha256: Option<String>,
    /// A table for standard output. It is shown once the database is left alone: a person may look at it for hours.
    pub screen: Option<Screen>,
}

/// Writes findings as they are found.
pub struct FindingsOutput {
    name: String,
    kind: Kind,
}

enum Kind {
    Csv(Box<ReportWriter<Digesting<OutputFile>>>),
    Json(JsonReport<OutputFile>),
    Table(Box<FindingTable>, OutputFile),
    /// The findings are only counted.
    Nowhere,
}

impl FindingsOutput {
    /// Begins an output; `None` if the findings are only counted.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn open(output: Option<(Format, OutputFile)>) -> Result<Self, OutputError> {
        let Some((format, to)) = output else { return Ok(Self { name: String::new(), kind: Kind::Nowhere }) };
        let name = to.name();
        let kind = match format {
            Format::Csv => ReportWriter::new(Digesting::new(to)).map(|report| Kind::Csv(Box::new(report))),
            Format::Json => JsonReport::new(to).map(Kind::Json),
            Format::Table => Ok(Kind::Table(Box::default(), to)),
        };
        match kind {
            Ok(kind) => Ok(Self { name, kind }),
            Err(source) => Err(OutputError::new(name, source)),
        }
    }

    /// Adds a finding.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn add(&mut self, found: &Finding) -> Result<(), OutputError> {
        let added = match &mut self.kind {
            Kind::Csv(report) => report.write(found),
            Kind::Json(report) => report.write(found),
            Kind::Table(table, _) => {
                table.add(found);
                Ok(())
            }
            Kind::Nowhere => Ok(()),
        };
        added.map_err(|source| OutputError::new(self.name.clone(), source))
    }

    /// Ends the output. A table gets the summary below it, JSON within it.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn finish(self, summary: &Summary, color: Color) -> Result<Finished, OutputError> {
        let mut done = Finished::default();
        let finished = match self.kind {
            Kind::Csv(report) => report.finish().map(|digesting| {
                let (to, of_all) = digesting.finish();
                done.report_sha256 = Some(of_all);
                to
            }),
            Kind::Json(report) => report.finish(summary),
            Kind::Table(table, mut to) => {
                let screen = table.finish(summary, to.has_colors(color));
                if to.is_stdout() {
                    done.screen = Some(screen);
                    return Ok(done);
                }
                to.write_screen(&screen)?;
                Ok(to)
            }
            Kind::Nowhere => return Ok(done),
        };
        finished.map_err(|source| OutputError::new(self.name, source))?.finish()?;
        Ok(done)
    }
}
