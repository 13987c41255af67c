//! What can go wrong in a scan.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::database::DatabaseError;

use super::header::{self, FileFault};

/// A profile or rules that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlSourceError {
    /// A file or folder could not be read.
    #[error("cannot read {}", file.display())]
    Read {
        /// The file or folder.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file has a fault.
    #[error(transparent)]
    Fault(#[from] FileFault),
    /// No profile has this name.
    #[error("unknown profile {name:?}")]
    UnknownProfile {
        name: String,
        /// The name that may be meant, and those that ship.
        hint: String,
    },
    /// `--rules` names a folder without a rule.
    #[error("no *.sql file in {}", .0.display())]
    NoRules(PathBuf),
}

/// A scan that could not be done. What a scan finds is no error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// A profile or rule file cannot be read, or has a fault.
    #[error(transparent)]
    Source(#[from] SqlSourceError),
    /// The database does not take the SQL of a profile or a rule.
    #[error("{file}, line {line}: {part} does not fit this database")]
    Misfit {
        /// The profile or rule file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// `relation step` or `rule output-gap`.
        part: String,
        /// What the server says.
        source: DatabaseError,
    },
    /// A relation or a rule does not give the columns that it should.
    #[error("{file}, line {line}: {part}: {fault}")]
    Columns {
        /// The profile or rule file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// `relation step` or `rule output-gap`.
        part: String,
        /// Which column, what it is, what was expected.
        fault: String,
    },
    /// `--rule` names a rule that does not exist.
    #[error("unknown rule {name:?}")]
    UnknownRule {
        name: String,
        /// The name that may be meant, and those that there are.
        hint: String,
    },
    /// A rule that was named cannot be run over the profile.
    #[error("rule {rule} is not run: {why}")]
    RuleNotRun {
        /// The rule.
        rule: String,
        /// Why.
        why: String,
    },
    /// A profile gives a build more than once, or without a key.
    #[error("profile {profile}: relation build {fault}")]
    Keys {
        /// The profile's name.
        profile: String,
        /// What it gives.
        fault: String,
    },
    /// The profile's tables are in no schema that is looked in, or in several.
    #[error("profile {profile}: {fault}")]
    NoSchema {
        /// The profile's name.
        profile: String,
        /// What each schema lacks, or which have them all.
        fault: String,
        /// Whether the schema was named.
        is_given: bool,
    },
    /// A profile presents what was collected, and nothing was.
    #[error("profile {profile}: this database holds no collection: {why}")]
    NoCollection {
        /// The profile's name.
        profile: String,
        /// What is missing.
        why: String,
    },
    /// The documents are older than the restore.
    #[error(
        "{collection} was fetched from {fetched_from:.0} on, before the server came back at {restored:.0}: it says nothing of the restored server"
    )]
    CollectionTooOld {
        /// The collection.
        collection: String,
        /// When its first document was fetched.
        fetched_from: Timestamp,
        /// R.
        restored: Timestamp,
    },
    /// The relation build cannot be read, so nothing can be.
    #[error("relation {relation} cannot be read{}", damaged.as_ref().map(|name| format!(": damaged is {name}")).unwrap_or_default())]
    Unread {
        relation: &'static str,
        /// The table or the index that is damaged, where the server has named its file.
        damaged: Option<String>,
        /// What the server says.
        source: DatabaseError,
    },
    /// The server gave no row where it has to give one.
    #[error("{what} gave no answer")]
    NoAnswer {
        /// What was asked.
        what: &'static str,
    },
    /// T or R is in the future.
    #[error("{flag} {time} is in the future by the database's clock, which shows {now:.0}")]
    InTheFuture {
        /// The flag.
        flag: &'static str,
        /// What it says.
        time: Timestamp,
        /// The database's clock.
        now: Timestamp,
    },
    /// A new connection leads to another database than the one before.
    #[error("a new connection leads to the database {now}; it was {before}")]
    OtherDatabase {
        /// The one before.
        before: String,
        /// The one now.
        now: String,
    },
    /// Other tables are read than when the run began.
    #[error("the tables that are read have changed since the run began: {change}")]
    OtherTables {
        /// What has changed.
        change: String,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl ScanError {
    /// Whether the same may succeed in a while, perhaps on a new connection.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Database(error) | Self::Misfit { source: error, .. } | Self::Unread { source: error, .. } => {
                error.may_pass()
            }
            _ => false,
        }
    }

    /// Whether a statement failed because of what it read, so that another one may still succeed.
    pub fn is_about_what_is_read(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_about_what_is_read())
    }

    /// Whether the server stopped a statement, which took too long.
    pub fn is_stopped_statement(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_stopped_statement())
    }

    /// Whether the server says that what is stored is damaged.
    pub fn is_about_damage(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_about_damage())
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Source(SqlSourceError::UnknownProfile { hint, .. }) => {
                Some(format!("{hint}; a file needs a path, such as ./my-profile.sql"))
            }
            Self::Source(SqlSourceError::Fault(FileFault { topic: header::PROFILES, .. }) | SqlSourceError::NoRules(_)) => {
                Some("`halfbuilt help profiles` says how profiles and rules are written".to_owned())
            }
            Self::Source(SqlSourceError::Fault(FileFault { topic, .. })) => {
                Some(format!("`halfbuilt help {topic}` says how these headers are written"))
            }
            Self::Source(SqlSourceError::Read { .. }) => None,
            Self::Misfit { part, .. } if part.starts_with(RULE) => Some(of_rules(part)),
            Self::Misfit { source, .. } | Self::Unread { source, .. } => source.hint(),
            Self::Columns { part, .. } if part.starts_with(RULE) => Some(of_rules(part)),
            Self::Columns { .. } => Some(
                "`halfbuilt profiles circleci` prints a profile that gives every column of each relation".to_owned(),
            ),
            Self::Keys { .. } => Some(
                "the relation must give each build once, with a key: look for a join that finds several rows, or none; or for a doubled row in a table that is joined".to_owned(),
            ),
            Self::NoSchema { is_given, .. } => {
                let schema = if *is_given { "" } else { "name the schema of the build tables with --schema; " };
                Some(format!("{schema}is this the right database, and the right --profile? `halfbuilt profiles` lists those that ship"))
            }
            Self::NoCollection { .. } => {
                Some("collect the builds first: `halfbuilt collect`; or is this the wrong database?".to_owned())
            }
            Self::CollectionTooOld { .. } => Some(
                "collect again from the restored server, by `halfbuilt collect` with --restored-at; or is R wrong?".to_owned(),
            ),
            Self::NoAnswer { .. } | Self::RuleNotRun { .. } => None,
            Self::InTheFuture { .. } => Some("is a clock wrong, the database's or this machine's?".to_owned()),
            Self::UnknownRule { hint, .. } => Some(hint.clone()),
            Self::OtherTables { .. } => {
                Some("find out who changed them; nothing that was read since then is used".to_owned())
            }
            Self::OtherDatabase { .. } => Some("find out what has taken its place, and start again with a new scan".to_owned()),
            Self::Database(error) => error.hint(),
        }
    }
}

/// How the part that is a rule begins.
const RULE: &str = "rule ";

/// What helps with a rule that has a fault.
fn of_rules(part: &str) -> String {
    let rule = part.trim_start_matches(RULE);
    format!(
        "a rule gives build_key and evidence over the relations build, step, chunk and object: `halfbuilt rules stuck-running` prints one, \
         `halfbuilt help rules` says what {rule} may use"
    )
}

pub(super) fn unreadable(file: &Path) -> impl FnOnce(std::io::Error) -> SqlSourceError {
    |source| SqlSourceError::Read { file: file.to_owned(), source }
}
