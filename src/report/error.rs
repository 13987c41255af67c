//! Why a report or a list of URLs is refused.

use crate::build_url::{AddressForm, BuildUrlError};
use crate::file_access::{LONGEST_LINE, REPORT, size};
use crate::text::Foreign;

/// A report or a list that cannot be trusted. Lines are counted from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    #[error("it cannot be read")]
    Read(#[from] std::io::Error),
    #[error("it is larger than {}", size(REPORT.largest))]
    TooLarge,
    #[error("line {line}: it is longer than {}", size(LONGEST_LINE))]
    LongLine { line: u64 },
    #[error("line {line}: it is not UTF-8")]
    NotUtf8 { line: u64 },
    #[error("it is empty: expected a report with its header row, or a list of URLs")]
    Empty,
    /// Another file of this program.
    #[error("it is {0}, not a report")]
    SomethingElse(&'static str),
    #[error("its cells are separated by {0:?}, not by commas")]
    Separator(char),
    /// The first line is neither a header nor a URL.
    #[error("line {line}: expected the header row of a report or the URL of a build, found {found:?}")]
    Neither { line: u64, found: Foreign },
    /// Rows of a report that were cut out of it.
    #[error("line {line}: it is a row of a report, and the report's first line, which names the columns, is missing")]
    NoHeader { line: u64 },
    #[error("the header row has {how} column {column:?}")]
    Column {
        /// `no` or `more than one`.
        how: &'static str,
        column: &'static str,
    },
    #[error("line {line}: the row has {found} cells, the header has {expected}")]
    Cells { line: u64, found: u64, expected: u64 },
    #[error("line {line}: {column} {value:?}: expected {expected}")]
    Cell { line: u64, column: &'static str, value: Foreign, expected: &'static str },
    #[error("line {line}: {text:?} is not the URL of a build")]
    Url { line: u64, text: Foreign, form: AddressForm, source: BuildUrlError },
    #[error("line {line}: {url} is listed twice, first on line {first}")]
    Twice { line: u64, url: Foreign, first: u64 },
    #[error("it is not CSV")]
    Csv(#[source] csv::Error),
}

impl ReportError {
    /// What the operator can do next.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Cells { .. } => "the file may have been cut, or a cell edited without its quotes: scan again",
            Self::Column { .. } => {
                "the first row of a report names its columns, separated by commas: `halfbuilt scan -o` writes it"
            }
            Self::NoHeader { .. } => {
                "keep the first line of the report: (head -1 report.csv; grep in-flight report.csv) | halfbuilt delete -"
            }
            Self::Separator(_) => "save it as CSV with commas",
            Self::SomethingElse(_) => "give the report that `halfbuilt scan -o` wrote",
            Self::Url { text, .. } if text.as_str().starts_with('/') => "--base-url https://HOST completes it",
            Self::NotUtf8 { .. } => "save it as \"CSV UTF-8\"",
            Self::Url { form: AddressForm::AsWritten, .. } => {
                "expected an http or https address, as the database has it"
            }
            Self::Url { form: AddressForm::CircleCi, .. } => {
                "expected https://HOST/VCS/ORG/PROJECT/NUMBER, such as https://ci.example.com/gh/acme/api/1234"
            }
            Self::Twice { .. } => "remove one of the two rows",
            Self::Neither { .. } => "give a report that `halfbuilt scan -o` wrote, or a list with one URL a line",
            Self::Cell { .. } => "scan again, or remove the row",
            Self::Read(_) | Self::TooLarge | Self::LongLine { .. } | Self::Empty | Self::Csv(_) => return None,
        };
        Some(hint.to_owned())
    }
}
