//! Where the findings of a scan go, in the format that was asked for.

use crate::finding::Finding;
use crate::report::{Digesting, ReportWriter};

use super::json::JsonReport;
use super::table::FindingTable;
use super::{OutputError, OutputFile, Summary};

/// The format of a scan's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The report file.
    Csv,
    /// For programs.
    Json,
    /// For eyes.
    Table,
}

/// An output that takes findings as they come.
pub struct FindingsOutput {
    name: String,
    kind: Kind,
}

enum Kind {
    Csv(Box<ReportWriter<Digesting<OutputFile>>>),
    Json(JsonReport<OutputFile>),
    Table(Box<FindingTable>, OutputFile),
    /// Nobody asked for the findings themselves.
    Nowhere,
}

impl FindingsOutput {
    /// Begins an output; `None` where nobody asked for the findings themselves.
    ///
    /// # Errors
    /// It cannot be written.
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

    /// Ends the output; the table has its summary below it, JSON has it within. Gives back the SHA-256 of a report file.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn finish(self, summary: &Summary) -> Result<Option<String>, OutputError> {
        let mut digest = None;
        let finished = match self.kind {
            Kind::Csv(report) => report.finish().map(|digesting| {
                let (to, of_all) = digesting.finish();
                digest = Some(of_all);
                to
            }),
            Kind::Json(report) => report.finish(summary),
            Kind::Table(table, mut to) => table.finish(summary, &mut to).map(|()| to),
            Kind::Nowhere => return Ok(None),
        };
        finished.map_err(|source| OutputError::new(self.name, source))?.finish()?;
        Ok(digest)
    }
}
