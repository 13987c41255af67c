//! One abnormal build: a row of the report.

use jiff::Timestamp;

use crate::build_url::BuildUrl;
use crate::obstacle::{self, Obstacle};
use crate::timing::Timing;

/// What the note of a deletable build says where lists of what is alive were read.
const UNLISTED: &str = "not on the list of what is alive";

/// What a scan found out about one abnormal build. A finding is data, never an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The build's key within the database, as PostgreSQL writes it as text. It is no column of a report.
    pub key: String,
    /// The build's address as the database gives it; `None` where it has none.
    pub build_url: Option<String>,
    /// `org/project`.
    pub project: Option<String>,
    /// The build's number within its project.
    pub build_num: Option<i64>,
    /// queued, held, not_run, not_running, running or finished.
    pub lifecycle: Option<String>,
    /// The CI's own word for the state of the build, shown as it is.
    pub status: Option<String>,
    /// When the build was queued.
    pub queued_at: Option<Timestamp>,
    /// When the build started.
    pub started_at: Option<Timestamp>,
    /// When the build stopped.
    pub stopped_at: Option<Timestamp>,
    /// The latest sign of life in the build and its steps.
    pub last_activity_at: Option<Timestamp>,
    /// When its latest step started or its latest piece of output was stored, whichever was later: only what is at work does either. It is
    /// no column of a report.
    pub last_work_at: Option<Timestamp>,
    /// What the build did around the backup.
    pub timing: Timing,
    /// The names of the rules that fired.
    pub reasons: Vec<String>,
    /// What was seen, in words.
    pub evidence: String,
    /// How many steps the build has; `None` where the profile does not say.
    pub steps: Option<i64>,
    /// How many of them started and never stopped.
    pub steps_unfinished: Option<i64>,
    /// How much output the CI says it recorded, in the profile's unit.
    pub output_expected: Option<i64>,
    /// How much output is stored; a piece that is stored twice counts twice.
    pub output_stored: Option<i64>,
    /// The number or address that it shares, and with which builds: to delete by address may hit another build.
    pub same_address: Option<String>,
    /// The path by which the CI deletes it, as the database gives it; `None` where the profile reads none. It is no column of a report.
    pub delete_path: Option<String>,
    /// The same to cancel it.
    pub cancel_path: Option<String>,
    /// What stands against deleting the build; nothing does where it is empty.
    pub obstacles: Vec<Obstacle>,
    /// Whether lists of what is alive were read, and none of them names it. That proves nothing.
    pub unlisted: bool,
    /// A digest of the build's state: it differs as soon as the build has changed.
    pub fingerprint: String,
}

impl Finding {
    /// Whether the build may be deleted.
    pub fn is_deletable(&self) -> bool {
        self.obstacles.is_empty()
    }

    /// Why it may not be deleted, in words. Where it may, that no list of what is alive names it; empty where there was no such list.
    pub fn note(&self) -> String {
        match self.is_deletable() && self.unlisted {
            true => UNLISTED.to_owned(),
            false => obstacle::note(&self.obstacles),
        }
    }

    /// Whether an address names this very build: by its number, and by its project where the profile names projects as
    /// `org/project`. An address that names another would delete another.
    pub fn is_at(&self, url: &BuildUrl) -> bool {
        url.names(self.build_num, self.project.as_deref())
    }
}
