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
    /// The digest of its state.
    pub fingerprint: String,
}
