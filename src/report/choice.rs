//! One row of a report or a list, as `delete` sees it.

use crate::build_url::BuildUrl;
use jiff::Timestamp;

use crate::timing::Timing;

/// A build that the operator gave to `delete`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Its line in the file, counted from 1.
    pub line: u64,
    /// The address as the file has it.
    pub url_text: String,
    /// The address, if it is that of a build.
    pub url: Option<BuildUrl>,
    /// `org/project`.
    pub project: Option<String>,
    /// The names of the rules that fired.
    pub reasons: Vec<String>,
    /// What the report says of it; `None` in a plain list, whose builds are judged by the database alone.
    pub judged: Option<Judged>,
}

/// What a report says of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub timing: Timing,
    pub deletable: bool,
    /// Why it may not be deleted, in words. Empty if it may be deleted, or the report does not say.
    pub note: String,
    /// Its number within its project, as far as the report says so.
    pub build_num: Option<i64>,
    /// When it was queued and started, as far as the report says so.
    pub queued_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    /// The digest of its state, with the tag of its database at the end.
    pub fingerprint: String,
}

/// The hexadecimal digits of a fingerprint before the tag of the database.
const STATE_DIGITS: usize = 24;

impl Judged {
    /// The tag of the database in which the build was found.
    pub fn database_tag(&self) -> &str {
        self.fingerprint.get(STATE_DIGITS..).unwrap_or_default()
    }
}
