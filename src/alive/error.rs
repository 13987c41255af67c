//! Why a file is no list of what is alive.

use crate::text::Foreign;

/// A file that cannot be used as a list of what is alive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AliveError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[from] std::io::Error),
    /// It is in UTF-16.
    #[error("it is written in UTF-16, and only UTF-8 is read")]
    Utf16,
    /// It is no UTF-8.
    #[error("it is not UTF-8 text")]
    NotUtf8,
    /// It holds nothing.
    #[error("it is empty")]
    Empty,
    /// It holds comments alone.
    #[error("it holds comments, and names no build")]
    NamesNothing,
    /// It is a file of another kind.
    #[error("it is {what}")]
    Other {
        /// What it is.
        what: &'static str,
        /// What to do instead.
        hint: &'static str,
    },
    /// It is JSON of which nothing can be learnt.
    #[error("it is JSON, and {0}")]
    Json(Foreign),
    /// A line names no build.
    #[error("line {line} names no build: {text:?}")]
    Line {
        /// Its number.
        line: usize,
        /// What it holds.
        text: Foreign,
    },
}

impl AliveError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read(_) => return None,
            Self::Utf16 => "save it in UTF-8, as `iconv -f UTF-16 -t UTF-8` writes it".to_owned(),
            Self::Empty => {
                "did the command that wrote it fail? where nothing runs, `nomad status` says \"No running jobs\", and \
                              kubectl gives a List without items"
                    .to_owned()
            }
            Self::Other { hint, .. } => (*hint).to_owned(),
            Self::NotUtf8 | Self::NamesNothing | Self::Json(_) | Self::Line { .. } => {
                "it takes what `nomad status` shows, the JSON of `kubectl get pods -o json`, or a list with one build a line: its address, \
                 PROJECT#NUMBER or its key; `halfbuilt help timing`"
                    .to_owned()
            }
        })
    }
}
