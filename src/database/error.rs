//! What can go wrong between this program and the build database, and what to do about it.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use tokio_postgres::error::SqlState;

use crate::causes::causes;

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
    /// An environment variable would change the connection and is not followed.
    #[error("the environment variable {0} is set, and halfbuilt does not follow it yet")]
    NotFollowed(String),
    /// A list of revoked certificates is there and is not followed yet.
    #[error("there is a list of revoked certificates, {0}, and halfbuilt does not follow it yet")]
    Revoked(PathBuf),
    /// OpenSSL could not be set up.
    #[error("TLS could not be set up")]
    Tls(#[source] openssl::error::ErrorStack),
    /// The file of trusted certificates cannot be used.
    #[error("no certificate could be read from {file}")]
    RootFile {
        /// The file.
        file: PathBuf,
        /// Why.
        source: openssl::error::ErrorStack,
    },
    /// Verification was asked for, and there is nothing to verify with.
    #[error("sslmode={0} needs a file of trusted certificates")]
    NoRootFile(String),
    /// The system's store vouches for any server with a certificate, so the name has to be checked too.
    #[error("sslrootcert=system needs sslmode=verify-full")]
    SystemRootsNeedVerifyFull,
    /// The server could not be reached, or refused the connection.
    #[error("cannot connect to the build database at {server}")]
    Connect {
        /// The server, without a secret.
        server: String,
        /// Why.
        #[source]
        source: tokio_postgres::Error,
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

    fn code(&self) -> Option<&SqlState> {
        self.error.code()
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
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::ConnectionString(_) => {
                "give postgres://USER@HOST:PORT/DATABASE or \"host=... port=... dbname=... user=...\"".to_owned()
            }
            Self::Keyword(_) => {
                "known are host, hostaddr, port, dbname, user, password, passfile, sslmode, sslrootcert, \
                 connect_timeout, application_name, options and target_session_attrs"
                    .to_owned()
            }
            Self::NotFollowed(name) => format!("unset {name} and give the connection by --database-url"),
            Self::Value { .. } => "in a URL, write / ? @ : and % of a password as %2F %3F %40 %3A %25".to_owned(),
            Self::Revoked(_) => "move it away if you can do without".to_owned(),
            Self::NoRootFile(_) => "give sslrootcert=FILE, or sslrootcert=system for the system's store".to_owned(),
            Self::Connect { source, .. } => return connect_hint(source),
            Self::Query { source, .. } => return query_hint(source.code()?),
            Self::Tls(_) | Self::RootFile { .. } | Self::SystemRootsNeedVerifyFull | Self::Column { .. } => {
                return None;
            }
        })
    }
}

fn connect_hint(error: &tokio_postgres::Error) -> Option<String> {
    if let Some(code) = error.code() {
        let hint = match *code {
            SqlState::INVALID_PASSWORD => "the password is wrong: check PGPASSWORD or ~/.pgpass",
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION => "the server's pg_hba.conf does not let this user in",
            SqlState::INVALID_CATALOG_NAME => "name the database by --database-url or PGDATABASE",
            SqlState::TOO_MANY_CONNECTIONS => "the server has no free connection: try again, or as another role",
            SqlState::CANNOT_CONNECT_NOW => "the server is starting or stopping: try again in a moment",
            _ => return None,
        };
        return Some(hint.to_owned());
    }
    let io = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
    let hint = match io.map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => {
            "nothing listens there: check the host and the port in --database-url, or PGHOST and PGPORT"
        }
        Some(io::ErrorKind::NotFound) => "no such socket: name the server by --database-url or PGHOST",
        Some(io::ErrorKind::TimedOut) => "no answer: check the address and the firewall, or raise connect_timeout",
        Some(io::ErrorKind::PermissionDenied) => "this user may not use that socket",
        _ if chain_has(error, "password missing") => "the server wants a password: give it by PGPASSWORD or ~/.pgpass",
        _ if chain_has(error, "lookup address") => "no such host: check the name in --database-url or PGHOST",
        _ if chain_has(error, "certificate verify failed") => {
            "the server's certificate is not trusted: give its authority by sslrootcert=FILE"
        }
        _ if chain_has(error, "does not support TLS") => "the server has no TLS: sslmode=prefer would do without",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn query_hint(code: &SqlState) -> Option<String> {
    let hint = match *code {
        SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_COLUMN => {
            "is this the right database, and does --profile fit its tables? `PGOPTIONS=-csearch_path=SCHEMA` names \
             another schema"
        }
        SqlState::INSUFFICIENT_PRIVILEGE => {
            "this role may not read the table, or not all of it: GRANT SELECT on it, or connect as another"
        }
        SqlState::QUERY_CANCELED => "the server stopped the statement: statement_timeout in PGOPTIONS can be raised",
        SqlState::T_R_SERIALIZATION_FAILURE => {
            "a standby cancels long reads: try again, raise max_standby_streaming_delay, or read from the primary"
        }
        SqlState::LOCK_NOT_AVAILABLE => "somebody holds a lock on the table: see pg_locks on the server, and try again",
        SqlState::DISK_FULL => "the server's temporary space is full",
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => "the server was stopped: start again when it is back",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn chain_has(error: &(dyn Error + 'static), text: &str) -> bool {
    error.to_string().contains(text) || causes(error).any(|cause| cause.to_string().contains(text))
}
