//! The list of what to run again after a deletion, as CSV.

use std::io::Write;

use crate::build_url::BuildUrl;
use crate::text::Foreign;

use super::cell::neutralised;
use super::write::{io_error, rfc4180};

/// The header row, and the columns of a profile's section `run-again`.
pub const RUN_AGAIN_COLUMNS: [&str; 10] =
    ["build_url", "project", "build_num", "branch", "commit", "workflow", "job", "started_by", "subject", "queued_at"];

/// The longest cell, in characters: the list of a million builds is written in flat memory.
const LONGEST: usize = 1000;

/// What a deleted build was; a text that is not known is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunAgainBuild {
    pub build_url: Foreign,
    pub project: Foreign,
    pub build_num: Foreign,
    pub branch: Foreign,
    pub commit: Foreign,
    pub workflow: Foreign,
    pub job: Foreign,
    pub started_by: Foreign,
    pub subject: Foreign,
    pub queued_at: Foreign,
}

impl RunAgainBuild {
    /// By the values of the columns, in their order.
    pub fn of(cells: [Option<String>; RUN_AGAIN_COLUMNS.len()]) -> Self {
        let [build_url, project, build_num, branch, commit, workflow, job, started_by, subject, queued_at] =
            cells.map(|cell| Foreign::cut(&cell.unwrap_or_default(), LONGEST));
        Self { build_url, project, build_num, branch, commit, workflow, job, started_by, subject, queued_at }
    }

    /// A build of which nothing is known but its address.
    pub fn by_address(address: &str) -> Self {
        let url = BuildUrl::parse(address).ok();
        Self {
            build_url: Foreign::cut(address, LONGEST),
            project: url.as_ref().and_then(BuildUrl::project).map(|project| Foreign::new(&project)).unwrap_or_default(),
            build_num: url
                .as_ref()
                .and_then(BuildUrl::number)
                .map(|number| Foreign::new(&number.to_string()))
                .unwrap_or_default(),
            ..Self::default()
        }
    }

    fn cells(&self) -> [&Foreign; RUN_AGAIN_COLUMNS.len()] {
        let Self { build_url, project, build_num, branch, commit, workflow, job, started_by, subject, queued_at } =
            self;
        [build_url, project, build_num, branch, commit, workflow, job, started_by, subject, queued_at]
    }
}

/// A list that is being written. People look at it in terminals and spreadsheets, and its texts come from documents: they are made harmless.
pub struct RunAgainWriter<W: Write> {
    csv: csv::Writer<W>,
}

impl<W: Write> RunAgainWriter<W> {
    /// Writes the header row.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn new(to: W) -> std::io::Result<Self> {
        let mut csv = rfc4180(to);
        csv.write_record(RUN_AGAIN_COLUMNS).map_err(io_error)?;
        Ok(Self { csv })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, build: &RunAgainBuild) -> std::io::Result<()> {
        let cells = build.cells().map(|cell| neutralised(cell.as_str()));
        self.csv.write_record(cells.iter().map(|cell| cell.as_bytes())).map_err(io_error)
    }

    /// Ends the list and returns the output.
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

    fn written(builds: &[RunAgainBuild]) -> String {
        let mut list = RunAgainWriter::new(Vec::new()).expect("a list");
        builds.iter().for_each(|build| list.write(build).expect("a row"));
        String::from_utf8(list.finish().expect("a list")).expect("UTF-8")
    }

    #[test]
    fn a_build_without_a_document_is_known_by_its_address() {
        let text = written(&[RunAgainBuild::by_address("https://ci.example.com/gh/acme/api/12")]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], RUN_AGAIN_COLUMNS.join(","));
        assert_eq!(lines[1], "https://ci.example.com/gh/acme/api/12,acme/api,12,,,,,,,");
    }

    proptest::proptest! {
        #[test]
        fn no_cell_drives_a_spreadsheet_or_a_terminal(text in "(?s)[=+@\\t\\r\\n'\"\\x1b-]?.{0,40}") {
            let text = written(&[RunAgainBuild::of(RUN_AGAIN_COLUMNS.map(|_| Some(text.clone())))]);
            let mut rows = csv::Reader::from_reader(text.as_bytes());
            let rows: Vec<csv::StringRecord> = rows.records().map(|row| row.expect("a row")).collect();
            proptest::prop_assert_eq!(rows.len(), 1);
            for cell in &rows[0] {
                proptest::prop_assert!(!cell.starts_with(['=', '+', '-', '@']), "{}", cell);
                proptest::prop_assert!(!cell.contains(char::is_control), "{}", cell);
            }
        }
    }
}
