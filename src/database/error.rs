//! What can go wrong between this program and the build database, and what to do about it.

use tokio_postgres::error::SqlState;

use crate::libpq::{ConnectError, ServerError};

/// A build database that could not be reached or read. No text of it holds a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// No connection came about.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A standby stopped a statement, or ended the session, to go on with what the primary did meanwhile.
    #[error("the standby cancelled {what}")]
    CancelledByStandby {
        /// What was being done.
        what: String,
        /// The server's words.
        #[source]
        source: ServerError,
    },
    /// A statement failed.
    #[error("{what} failed")]
    Query {
        /// What was being done.
        what: String,
        /// Why.
        #[source]
        source: ServerError,
    },
    /// The server, or the network before it, has said nothing for too long. What was asked for may still be done there.
    #[error("{what}: no answer within {limit:?}")]
    NoAnswer {
        /// What was being done.
        what: String,
        /// How long it was waited for.
        limit: std::time::Duration,
    },
    /// A transaction has gone on in another session of the server than the one in which it began.
    #[error("a transaction began in the server's process {before} and went on in process {now}")]
    Moved {
        /// The process at its beginning.
        before: i64,
        /// The process at its end.
        now: i64,
    },
    /// What was set for a transaction is not set in it.
    #[error("what was set for a transaction is not set in it")]
    SettingsLost,
    /// The lock that makes a deletion the only one is not held.
    #[error("the lock of this deletion is not held any more, or is held on another server than the one that is read")]
    LockLost,
    /// A row held something that cannot be read.
    #[error("column {column} of {what} cannot be read")]
    Column {
        /// What was being read.
        what: &'static str,
        /// The column, counted from 0.
        column: usize,
        /// Why.
        #[source]
        source: tokio_postgres::Error,
    },
}

impl DatabaseError {
    /// A statement that failed while something was being done.
    pub(super) fn statement(what: &str, error: tokio_postgres::Error) -> Self {
        let (what, source) = (what.to_owned(), ServerError::new(error));
        let recovery = match source.code() {
            // A snapshot that is only read has no other way to this one.
            Some(code) if *code == SqlState::T_R_SERIALIZATION_FAILURE => true,
            // Here a primary says the same where sessions wait for one another's locks.
            Some(code) if *code == SqlState::T_R_DEADLOCK_DETECTED => source.to_string().contains("with recovery"),
            _ => false,
        };
        if recovery { Self::CancelledByStandby { what, source } } else { Self::Query { what, source } }
    }

    /// The same, where so many characters stood before the statement that is meant.
    pub(super) fn after(mut self, before: usize) -> Self {
        if let Self::Query { source, .. } | Self::CancelledByStandby { source, .. } = &mut self {
            source.skip(before);
        }
        self
    }

    /// Whether the server complains about a statement itself, not about the circumstances: syntax, names, rights, types,
    /// values and what it does not know how to do (SQLSTATE classes 42, 22 and 0A).
    pub fn is_about_the_statement(&self) -> bool {
        match self {
            Self::Query { source, .. } => {
                source.code().is_some_and(|code| ["42", "22", "0A"].iter().any(|class| code.code().starts_with(class)))
            }
            _ => false,
        }
    }

    /// Whether the lock of a deletion is held no more.
    pub fn is_a_lost_lock(&self) -> bool {
        matches!(self, Self::LockLost)
    }

    /// Whether the same may succeed in a while, perhaps on a new connection: the server was stopped, is starting, is full, or
    /// the connection was lost.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Connect(error) => error.may_pass(),
            Self::CancelledByStandby { .. } | Self::NoAnswer { .. } | Self::LockLost => true,
            Self::Query { source, .. } => match source.code() {
                // Connection exceptions, insufficient resources, operator intervention. What was cancelled would be again.
                Some(code) if *code == SqlState::QUERY_CANCELED || *code == SqlState::DISK_FULL => false,
                Some(code) => ["08", "53", "57"].iter().any(|class| code.code().starts_with(class)),
                None => source.is_about_the_connection(),
            },
            _ => false,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Connect(error) => return error.hint(),
            Self::CancelledByStandby { .. } => {
                "a standby does not wait for long reads: try again; or have it wait, by \
                 max_standby_streaming_delay; or have the primary keep what is read, by hot_standby_feedback; or read \
                 from the primary"
                    .to_owned()
            }
            Self::NoAnswer { .. } => {
                "is the server alive, and the network to it? --statement-timeout says how long it may take".to_owned()
            }
            Self::Moved { .. } | Self::SettingsLost => {
                "something between here and the server, such as a pooler, does not keep a transaction in one session: connect to the \
                 server itself, or have the pooler pool transactions or sessions, not statements"
                    .to_owned()
            }
            Self::LockLost => {
                "another deletion may be at work by now: a pooler must lead all connections to one server, and keep an open \
                 transaction; connect to the server itself"
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
            "this role may not read the table, or not all of it: GRANT SELECT on it, or connect as another"
        }
        SqlState::QUERY_CANCELED => {
            "the server stopped the statement: give it longer by --statement-timeout, or by statement_timeout in \
             PGOPTIONS, or read a standby"
        }
        SqlState::T_R_DEADLOCK_DETECTED => {
            "another session's locks and this one's stood in each other's way: try again"
        }
        SqlState::LOCK_NOT_AVAILABLE => "somebody holds a lock on the table: see pg_locks on the server, and try again",
        SqlState::DISK_FULL | SqlState::CONFIGURATION_LIMIT_EXCEEDED => {
            "the server has no more room for temporary files, or allows no more (temp_file_limit): a larger work_mem in \
             PGOPTIONS needs fewer, and so does --rule or --project"
        }
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => "the server was stopped: start again when it is back",
        _ => return None,
    };
    Some(hint.to_owned())
}
