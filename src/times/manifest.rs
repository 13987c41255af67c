//! What a manifest says of T, and whether a database can be of a backup that was taken when it was made.
//!
//! Only its head is read here: `verify --baseline` compares the builds, and checks the signature.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::server_moment::{Lack, ServerMoment};
use crate::text::{Foreign, counted, was_or_were};

use super::candidate::{Candidate, Moment};
use super::json_text;
use super::point::{FileFault, Point};
use super::witnesses::Witnesses;

/// The format that is read.
const FORMAT: &str = "halfbuilt-manifest/1";

#[derive(Deserialize)]
struct OnlyFormat {
    format: String,
}

#[derive(Deserialize)]
struct Document {
    counted_at: Option<Timestamp>,
    backup_time: Timestamp,
    database: Database,
    moment: Option<CountedMoment>,
    signature: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Database {
    system_identifier: Option<String>,
    name: String,
}

#[derive(Deserialize)]
struct CountedMoment {
    newest_build: Option<Timestamp>,
    server: Option<ServerMoment>,
}

/// The database of which a manifest was made, as it was then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedDatabase {
    /// The manifest.
    pub file: Foreign,
    /// The name of the database.
    pub name: Foreign,
    /// PostgreSQL's identifier of its server, where that is known.
    pub system_identifier: Option<Foreign>,
    /// When it was counted, by its own clock.
    pub counted_at: Option<Timestamp>,
    /// T as `--backup-time` said it; `None` where T was the time of the count.
    pub given_backup: Option<Timestamp>,
    /// The latest time of any of its builds.
    pub newest_build: Option<Timestamp>,
    /// Where its server was in its own history.
    pub server: Option<ServerMoment>,
}

/// How the history of a database server continues that of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuation {
    /// The manifest does not say where the server was.
    NotNoted,
    /// It was made of another server.
    OtherServer,
    /// Whether it is the same server is not known.
    UnknownServer,
    /// What is asked is a standby, or knows nothing of the CI.
    NotComparable,
    /// The manifest was made after the backup that it is for, so the backup may be behind it.
    MadeAfterBackup,
    /// The server lacks what the manifest had seen.
    Lacks(Lack),
    /// The server lacks none, or has written as many since.
    NotBehind {
        /// The next transaction id when the manifest was made.
        then: u64,
        /// The next transaction id now.
        now: u64,
    },
}

/// What the versions of builds' rows say of the time between a manifest and the restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenSince {
    /// The restored server's first build has an id that the manifest had seen.
    OlderBackup {
        /// The next transaction id when the manifest was made.
        then: u64,
        /// The first that the restored server wrote a build by.
        first_after: u64,
    },
    /// Builds that the backup holds beyond the manifest.
    Builds {
        /// How many.
        builds: u64,
        /// The latest time of any of them.
        last: Option<Timestamp>,
    },
}

/// What a manifest says of the database, and of T.
pub(super) fn read(bytes: &[u8]) -> Result<(CountedDatabase, Point), FileFault> {
    let OnlyFormat { format } = json_text::read(bytes)?;
    if format != FORMAT {
        return Err(FileFault::Is(format!("its format is {format:?}, and this release reads {FORMAT}")));
    }
    let Document { counted_at, backup_time, database, moment, signature } = json_text::read(bytes)?;
    if counted_at.is_some_and(|counted_at| counted_at < backup_time) {
        return Err(FileFault::Is("its backup_time is after its counted_at".to_owned()));
    }
    let counted = CountedDatabase {
        file: Foreign::default(),
        name: Foreign::name(&database.name),
        system_identifier: database.system_identifier.as_deref().map(Foreign::name),
        counted_at,
        given_backup: Some(backup_time).filter(|given| Some(*given) != counted_at),
        newest_build: moment.as_ref().and_then(|moment| moment.newest_build),
        server: moment.and_then(|moment| moment.server),
    };
    let signature = if signature.is_some() { "its signature is not checked here" } else { "it is not signed" };
    let candidate = match counted.given_backup {
        Some(given) => {
            let trap = format!("a person said so when it was made, and nothing has recorded it; {signature}");
            let source = format!("the --backup-time of the manifest of database {:?}", counted.name);
            Candidate::backup(Moment::At(given), &source, &trap)
        }
        None => {
            let trap = format!(
                "that is T only of a backup that was taken just then: builds went on until a later one, and an earlier one holds less; {signature}"
            );
            let source = format!("the time of the manifest of database {:?}", counted.name);
            Candidate::backup(Moment::OrLater(backup_time), &source, &trap)
        }
    };
    Ok((counted, Point::nameless(vec![candidate])))
}

impl CountedDatabase {
    /// Whether the history of this server continues that of the manifest. `system_identifier` is the server's own.
    pub fn continued_by(&self, system_identifier: Option<&str>, server: Option<&Witnesses>) -> Continuation {
        let Some(then) = self.server else { return Continuation::NotNoted };
        let now = server.filter(|server| !server.is_standby).and_then(|server| server.moment);
        let Some(now) = now else { return Continuation::NotComparable };
        match (&self.system_identifier, system_identifier) {
            (Some(theirs), Some(ours)) if theirs.as_str() != ours => return Continuation::OtherServer,
            (Some(_), Some(_)) => {}
            _ => return Continuation::UnknownServer,
        }
        if self.given_backup.is_some() {
            return Continuation::MadeAfterBackup;
        }
        match now.lack_since(&then) {
            Some(lack) => Continuation::Lacks(lack),
            None => Continuation::NotBehind { then: then.next_transaction, now: now.next_transaction },
        }
    }

    /// What it says besides T, a line each.
    pub fn remarks(&self) -> Vec<String> {
        let known = |time: Option<Timestamp>| {
            time.map_or_else(|| "at a time that it does not say".to_owned(), |time| format!("at {time}"))
        };
        let mut remarks = vec![format!("it was made of database {:?} {}", self.name, known(self.counted_at))];
        if let Some(ServerMoment { next_transaction, timeline, last_commit }) = self.server {
            let timeline = timeline.map(|timeline| format!(", on timeline {timeline}")).unwrap_or_default();
            remarks.push(format!("the database server was at transaction {next_transaction} then{timeline}"));
            remarks.push(match last_commit {
                Some(at) => format!("the last commit that it had seen was at {at}"),
                None => "when the last commit was is not known: the server kept no times of commits".to_owned(),
            });
        }
        remarks.extend(self.newest_build.map(|newest| format!("the latest time of its builds is {newest}")));
        remarks
    }
}

impl Continuation {
    /// The word for it, for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotNoted => "not-noted",
            Self::OtherServer => "other-server",
            Self::UnknownServer => "unknown-server",
            Self::NotComparable => "not-comparable",
            Self::MadeAfterBackup => "made-after-backup",
            Self::Lacks(_) => "older-backup",
            Self::NotBehind { .. } => "not-behind",
        }
    }

    /// Whether the database cannot be of a backup that was taken when the manifest was made, or later.
    pub fn is_contradiction(self) -> bool {
        matches!(self, Self::Lacks(_))
    }
}

impl WrittenSince {
    /// Whether the database cannot be of a backup that was taken when the manifest was made, or later.
    pub fn is_contradiction(self) -> bool {
        matches!(self, Self::OlderBackup { .. })
    }
}

/// In words that follow the name of the manifest and a colon.
impl fmt::Display for WrittenSince {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OlderBackup { then, first_after } => write!(
                f,
                "the restored server wrote its first build by transaction {first_after}, and had been at {then} when the manifest was made: it \
                 was restored from a backup that is older than the manifest, or R is wrong"
            ),
            Self::Builds { builds: 0, .. } => f.write_str(
                "no build was written last between the manifest and the restored server's first build, by the versions of rows: nothing speaks \
                 for a later T (steps and output were not looked at)",
            ),
            Self::Builds { builds, last } => {
                let last = last.map(|last| format!(", with times until {last}")).unwrap_or_default();
                let was = was_or_were(*builds);
                write!(
                    f,
                    "{} {was} written last between the manifest and the restored server's first build, by the versions of rows{last}: the \
                     backup was taken after the manifest, or the restored server wrote them again",
                    counted(*builds, "build")
                )
            }
        }
    }
}

/// In words that follow the name of the manifest and a colon.
impl fmt::Display for Continuation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNoted => f.write_str(
                "it does not say where the database server was, so whether this database is of an older backup is not known",
            ),
            Self::OtherServer => f.write_str(
                "it was made of another database server, by the system identifier, as where a dump was loaded: transactions are not compared",
            ),
            Self::UnknownServer => f.write_str(
                "the system identifier of one of the two servers is not known: transactions are not compared",
            ),
            Self::NotComparable => {
                f.write_str("this server is a standby, or says nothing of the CI: transactions are not compared")
            }
            Self::MadeAfterBackup => f.write_str(
                "it was made after the T that it names, so the backup may be older than the manifest: transactions are not compared",
            ),
            Self::Lacks(lack) => lack.fmt(f),
            Self::NotBehind { then, now } => write!(
                f,
                "this database is at transaction {now}, and had been at {then} when the manifest was made: it is of no older backup, unless \
                 more than {} transactions were written since the restore",
                now - then
            ),
        }
    }
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
