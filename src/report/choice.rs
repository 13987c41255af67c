//! One row of a report or a list, as `delete` sees it.

use crate::build_url::BuildUrl;
use crate::timing::Timing;

/// A build that was put before `delete`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The line on which it stands, counted from 1.
    pub line: u64,
    /// The address as it stands there.
    pub url_text: String,
    /// The address, where it is one of a build.
    pub url: Option<BuildUrl>,
    /// `org/project`.
    pub project: Option<String>,
    /// The names of the rules that fired.
    pub reasons: Vec<String>,
    /// What the report judged; `None` in a plain list, where the builds are judged afresh.
    pub judged: Option<Judged>,
}

/// What a report says of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What the build did around the backup.
    pub timing: Timing,
    /// Whether it may be deleted.
    pub deletable: bool,
    /// Why it may not be deleted, in words; empty where it may, or the report does not say.
    pub note: String,
    /// The digest of its state, with the tag of its database at the end.
    pub fingerprint: String,
}

/// How many hexadecimal digits of a fingerprint come before the tag of the database.
const STATE_DIGITS: usize = 24;

impl Judged {
    /// The tag of the database that the build was found in.
    pub fn database_tag(&self) -> &str {
        self.fingerprint.get(STATE_DIGITS..).unwrap_or_default()
    }
}
