//! What can go wrong between this program and the build database, and what to do about it.

use std::error::Error;
use std::path::PathBuf;

use tokio_postgres::error::SqlState;

use crate::causes::causes;

use super::client_certificate::ClientCertificateError;
use super::connect::Tries;
use super::connect_hint::connect_hint;
use super::keywords::variable_of;
use super::service::ServiceError;

/// A build database that could not be reached or read. No text of it holds a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// `--database-url` is neither a URL nor `key=value` pairs.
    #[error("the connection string cannot be read: {0}")]
    ConnectionString(&'static str),
    /// A connection keyword is not known; it is named if it looks like one, and not like a piece of a password.
    #[error("unknown connection keyword{}", .0.as_deref().map(|key| format!(" {key:?}")).unwrap_or_default())]
    Keyword(Option<String>),
    /// A connection keyword has a value that it cannot have.
    #[error("the connection keyword {key} has a value that is not {expected}")]
    Value {
        /// libpq's keyword.
        key: &'static str,
        /// What it can be.
        expected: &'static str,
    },
    /// An environment variable cannot be read. To pass over it would be to connect less safely than it may ask for.
    #[error("the environment variable {0} is not UTF-8")]
    Variable(&'static str),
    /// A file is wanted, and what is given is what should be in it. It is not shown: it may be a private key.
    #[error("{0} is the text of a key or certificate, not the name of a file")]
    NoFileName(&'static str),
    /// A connection keyword asks for something that this program cannot do.
    #[error("{key} cannot be followed: {why}")]
    Unsupported {
        /// libpq's keyword.
        key: &'static str,
        /// Why.
        why: &'static str,
    },
    /// Two lists that belong together are not of one length.
    #[error("{ones} values of {one} do not fit {others} of {other}")]
    Counts {
        /// The one keyword.
        one: &'static str,
        /// How many values it has.
        ones: usize,
        /// The other keyword.
        other: &'static str,
        /// How many values that has.
        others: usize,
    },
    /// Nobody is named, and the operating system does not say who runs this.
    #[error("no user is named, and the operating system has no name for this one")]
    NoUser,
    /// A service that was asked for could not be had.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The client's own certificate cannot be used.
    #[error(transparent)]
    ClientCertificate(#[from] ClientCertificateError),
    /// OpenSSL could not be set up.
    #[error("TLS could not be set up")]
    Tls(#[source] openssl::error::ErrorStack),
    /// The file of trusted certificates cannot be used.
    #[error("no certificate could be read from {file}")]
    RootFile {
        /// The file.
        file: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Verification was asked for, and there is nothing to verify with.
    #[error("sslmode={0} needs a file of trusted certificates")]
    NoRootFile(&'static str),
    /// The system's store vouches for any server with a certificate, so the name has to be checked too.
    #[error("sslrootcert=system needs sslmode=verify-full")]
    SystemRootsNeedVerifyFull,
    /// The server could not be reached, or refused the connection.
    #[error("cannot connect to the build database at {server}")]
    Connect {
        /// The server, without a secret.
        server: String,
        /// Why, for each server that was tried.
        #[source]
        source: Tries,
    },
    /// A standby stopped a statement, or ended the session, to go on with what the primary did meanwhile.
    #[error("the standby cancelled {what}")]
    CancelledByStandby {
        /// What was being done.
        what: String,
        /// The server's words.
        #[source]
        source: ServerSaid,
    },
    /// A statement failed.
    #[error("{what} failed")]
    Query {
        /// What was being done.
        what: String,
        /// Why.
        #[source]
        source: ServerSaid,
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
    Unsettled,
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

/// An error of a statement, with the server's own words at the front.
#[derive(Debug)]
pub struct ServerSaid {
    error: tokio_postgres::Error,
    /// Where in the statement, counted in characters from 1.
    position: Option<usize>,
}

impl ServerSaid {
    pub(super) fn new(error: tokio_postgres::Error) -> Self {
        use tokio_postgres::error::ErrorPosition;
        let position = match error.as_db_error().and_then(|db| db.position()) {
            Some(ErrorPosition::Original(position)) => Some(*position as usize),
            _ => None,
        };
        Self { error, position }
    }

    /// Where in the statement the server found the fault, counted in characters from 1.
    pub fn position(&self) -> Option<usize> {
        self.position
    }

    pub(super) fn code(&self) -> Option<&SqlState> {
        self.error.code()
    }

    /// Whether the connection ended, or failed below the protocol.
    fn is_about_the_connection(&self) -> bool {
        let io = |error: &(dyn Error + 'static)| error.is::<std::io::Error>();
        self.error.is_closed() || causes(&self.error).any(io)
    }
}

impl std::fmt::Display for ServerSaid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.error.as_db_error() {
            Some(db) => {
                write!(f, "{} (SQLSTATE {})", db.message(), db.code().code())?;
                db.detail().map_or(Ok(()), |detail| write!(f, "; {detail}"))?;
                db.hint().map_or(Ok(()), |hint| write!(f, "; {hint}"))
            }
            None => self.error.fmt(f),
        }
    }
}

impl Error for ServerSaid {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The server's own error is already shown; only what lies below the protocol adds to it.
        if self.error.as_db_error().is_some() { None } else { self.error.source() }
    }
}

impl DatabaseError {
    /// A statement that failed while something was being done.
    pub(super) fn statement(what: &str, error: tokio_postgres::Error) -> Self {
        let (what, source) = (what.to_owned(), ServerSaid::new(error));
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
            source.position = source.position.and_then(|position| position.checked_sub(before));
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
            Self::Connect { .. } | Self::CancelledByStandby { .. } | Self::NoAnswer { .. } | Self::LockLost => true,
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
            Self::ConnectionString(_) => {
                "give postgres://USER@HOST:PORT/DATABASE or \"host=... port=... dbname=... user=...\"".to_owned()
            }
            Self::Keyword(_) => {
                "the keywords are libpq's: host, port, dbname, user, sslmode, sslrootcert, target_session_attrs ..."
                    .to_owned()
            }
            Self::Value { key, .. } => {
                format!("look in {}; in a URL, write / ? @ : and % of a password as %2F %3F %40 %3A %25", places(key))
            }
            Self::Variable(name) => format!("write it in UTF-8, or leave it out: unset {name}"),
            Self::NoFileName(key) => format!("put the text into a file and name that: look in {}", places(key)),
            Self::Unsupported { key, .. } => format!("leave it out: look in {}", places(key)),
            Self::Counts { .. } => "give as many as there are hosts, or one port for all of them".to_owned(),
            Self::NoUser => "give user in --database-url, or PGUSER".to_owned(),
            Self::Service(ServiceError::NotFound { .. }) => {
                "PGSERVICEFILE names another file; the name stands in it in square brackets".to_owned()
            }
            Self::ClientCertificate(error) => return error.hint(),
            Self::NoRootFile(_) => "give sslrootcert=FILE, or sslrootcert=system for the system's store".to_owned(),
            Self::Connect { source, .. } => return source.last().find_map(connect_hint),
            Self::CancelledByStandby { .. } => {
                "a standby does not wait for long reads: try again; or have it wait, by \
                 max_standby_streaming_delay; or have the primary keep what is read, by hot_standby_feedback; or read \
                 from the primary"
                    .to_owned()
            }
            Self::NoAnswer { .. } => {
                "is the server alive, and the network to it? --statement-timeout says how long it may take".to_owned()
            }
            Self::Moved { .. } | Self::Unsettled => {
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
            Self::Tls(_)
            | Self::RootFile { .. }
            | Self::SystemRootsNeedVerifyFull
            | Self::Service(_)
            | Self::Column { .. } => {
                return None;
            }
        })
    }
}

/// Where a keyword can have come from.
fn places(key: &str) -> String {
    let variable = variable_of(key).map(|name| format!(", {name}")).unwrap_or_default();
    format!("--database-url{variable} and the service file")
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
