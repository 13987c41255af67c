//! Why the build database cannot be reached or read, and what to do about it.

use tokio_postgres::error::SqlState;

use crate::libpq::{ConnectError, ServerError};

/// The classes of errors that come from what is stored: files, corruption.
const OF_DAMAGE: [&str; 2] = ["58", "XX"];
/// The classes of errors that come from what a statement reads: cardinality, data, unsupported, names and rights, routines, limits of the
/// program, a function's own error, files, foreign data, corruption.
const OF_WHAT_IS_READ: [&str; 11] = ["21", "22", "0A", "42", "38", "39", "54", "P0", "58", "HV", "XX"];

/// A build database that cannot be reached or read. No text of it holds a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// No connection came about.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A standby stopped a statement, or ended the session, because the primary's changes could not wait.
    #[error("the standby cancelled {what}")]
    CancelledByStandby {
        what: String,
        /// The server's words.
        #[source]
        source: ServerError,
    },
    /// A statement failed.
    #[error("{what} failed")]
    Query {
        what: String,
        #[source]
        source: ServerError,
    },
    /// Neither the server nor the network answered in time. The server may still be at work.
    #[error("{what}: no answer within {limit:?}")]
    NoAnswer {
        what: String,
        /// The time that was allowed.
        limit: std::time::Duration,
    },
    /// A transaction continued in a session of the server other than the one in which it began.
    #[error("a transaction began in the server's process {before} and continued in process {now}")]
    Moved {
        /// The process at its beginning.
        before: i64,
        /// The process at its end.
        now: i64,
    },
    /// The settings of a transaction are no longer in force.
    #[error("a transaction lost its settings")]
    SettingsLost,
    /// The deletion lock is not held.
    #[error("the deletion lock is no longer held, or is held on a server other than the one that is read")]
    LockLost,
    /// A row holds a value that cannot be read.
    #[error("column {column} of {what} cannot be read")]
    Column {
        /// What was being read.
        what: &'static str,
        /// The column's name, or its number, counted from 0.
        column: String,
        #[source]
        source: tokio_postgres::Error,
    },
}

impl DatabaseError {
    /// The error of a statement that failed. `what` says what was being done.
    pub(super) fn statement(what: &str, error: tokio_postgres::Error) -> Self {
        let (what, source) = (what.to_owned(), ServerError::new(error));
        let recovery = match source.code() {
            // In a read-only snapshot nothing else causes this one.
            Some(code) if *code == SqlState::T_R_SERIALIZATION_FAILURE => true,
            // A primary says the same when sessions wait for each other's locks.
            Some(code) if *code == SqlState::T_R_DEADLOCK_DETECTED => source.to_string().contains("with recovery"),
            _ => false,
        };
        if recovery { Self::CancelledByStandby { what, source } } else { Self::Query { what, source } }
    }

    /// Counts the position of the fault from a later place: `before` characters stood in front of the statement that is meant.
    pub(super) fn after(mut self, before: usize) -> Self {
        if let Self::Query { source, .. } | Self::CancelledByStandby { source, .. } = &mut self {
            source.skip(before);
        }
        self
    }

    /// Whether the fault is in the statement itself: syntax, names, rights, types, values, unsupported features (SQLSTATE classes
    /// 42, 22 and 0A).
    pub fn is_about_the_statement(&self) -> bool {
        match self {
            Self::Query { source, .. } => {
                source.code().is_some_and(|code| ["42", "22", "0A"].iter().any(|class| code.code().starts_with(class)))
            }
            _ => false,
        }
    }

    /// Whether the statement failed because of what it read: damaged pages or indexes, values that cannot be used, rights, what a view or
    /// a foreign table says. Another statement of the same snapshot may still succeed, which is not so where the server, the connection or
    /// a limit is the reason.
    pub fn is_about_what_is_read(&self) -> bool {
        match self {
            Self::Query { source, .. } => source.code().is_some_and(|code| {
                *code == SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE
                    || OF_WHAT_IS_READ.iter().any(|class| code.code().starts_with(class))
            }),
            Self::Column { .. } => true,
            _ => false,
        }
    }

    /// Whether the server says that what is stored is damaged, or cannot be had from the disk: pages, indexes, files.
    pub fn is_about_damage(&self) -> bool {
        let is_of = |code: &SqlState| OF_DAMAGE.iter().any(|class| code.code().starts_with(class));
        matches!(self, Self::Query { source, .. } if source.code().is_some_and(is_of))
    }

    /// Whether the server found text that it cannot write in the encoding of this program.
    pub fn is_about_an_encoding(&self) -> bool {
        let codes = [SqlState::UNTRANSLATABLE_CHARACTER, SqlState::CHARACTER_NOT_IN_REPERTOIRE];
        matches!(self, Self::Query { source, .. } if source.code().is_some_and(|code| codes.contains(code)))
    }

    /// Whether the server stopped the statement: it took too long, or somebody wanted it stopped.
    pub fn is_stopped_statement(&self) -> bool {
        matches!(self, Self::Query { source, .. } if source.code() == Some(&SqlState::QUERY_CANCELED))
    }

    /// Whether the deletion lock is no longer held.
    pub fn is_a_lost_lock(&self) -> bool {
        matches!(self, Self::LockLost)
    }

    /// Whether a retry may succeed, perhaps on a new connection: the server was stopped, is starting, is full, or the connection was
    /// lost.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Connect(error) => error.may_pass(),
            Self::CancelledByStandby { .. } | Self::NoAnswer { .. } | Self::LockLost => true,
            Self::Query { source, .. } => match source.code() {
                // Connection exceptions, insufficient resources, operator intervention. A statement that was cancelled would be cancelled again.
                Some(code) if *code == SqlState::QUERY_CANCELED || *code == SqlState::DISK_FULL => false,
                Some(code) => ["08", "53", "57"].iter().any(|class| code.code().starts_with(class)),
                None => source.is_about_the_connection(),
            },
            _ => false,
        }
    }

    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Connect(error) => return error.hint(),
            Self::CancelledByStandby { .. } => {
                "a standby does not wait for long reads: try again, or let it wait (max_standby_streaming_delay), or let the primary \
                 keep what is read (hot_standby_feedback), or read from the primary"
                    .to_owned()
            }
            Self::NoAnswer { .. } => {
                "is the server alive, and the network to it? --statement-timeout limits how long an answer may take".to_owned()
            }
            Self::Moved { .. } | Self::SettingsLost => {
                "a pooler or proxy does not keep a transaction in one session of the server: connect to the server itself, or let the \
                 pooler pool transactions or sessions, not statements"
                    .to_owned()
            }
            Self::LockLost => {
                "another deletion may be running by now; connect to the server itself: a pooler must lead all connections to one server, \
                 and must not end an open transaction"
                    .to_owned()
            }
            Self::Query { source, .. } if source.code().is_none() && source.is_about_the_connection() => {
                "the server's log says why: where its process crashed over what is stored (signal 11), it would crash again, and end all of \
                 the server's sessions each time: read a copy of the database"
                    .to_owned()
            }
            Self::Query { source, .. } => return query_hint(source.code()?),
            Self::Column { .. } => return None,
        })
    }
}

fn query_hint(code: &SqlState) -> Option<String> {
    let hint = match *code {
        SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_COLUMN => {
            "is this the right database, and does --profile fit its tables? A profile writes them :\"schema\".NAME, and \
             --schema names the schema"
        }
        SqlState::INSUFFICIENT_PRIVILEGE => {
            "this role may not read the table, or not all of it: GRANT SELECT on it, or connect as another role; `halfbuilt sql role` prints \
             a script that makes one"
        }
        SqlState::QUERY_CANCELED => {
            "the server stopped the statement: allow more time by --statement-timeout or by statement_timeout in PGOPTIONS, or read \
             a standby"
        }
        SqlState::T_R_DEADLOCK_DETECTED => "this session and another one waited for each other's locks: try again",
        SqlState::LOCK_NOT_AVAILABLE => {
            "another session holds a lock on the table: see pg_locks on the server, and try again"
        }
        SqlState::DISK_FULL | SqlState::CONFIGURATION_LIMIT_EXCEEDED => {
            "the server has no more room for temporary files, or allows no more (temp_file_limit): a larger work_mem in PGOPTIONS \
             needs fewer of them, and so does --rule or --project"
        }
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED | SqlState::IO_ERROR | SqlState::UNDEFINED_FILE => {
            "what is stored is damaged: pg_amcheck shows where, REINDEX mends an index, and what is lost of a table can only come from another \
             backup; zero_damaged_pages loses what is on the page, needs a REINDEX after it, and is for the database's administrator to decide"
        }
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => "the server was stopped: start again when it is back",
        _ => return None,
    };
    Some(hint.to_owned())
}
