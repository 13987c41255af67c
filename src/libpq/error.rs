//! Why no connection came about, and what to do about it.

use super::connect_hint::connect_hint;
use super::conninfo::BadConnectionString;
use super::keywords::variable_of;
use super::service::ServiceError;
use super::tls::TlsError;
use super::tries::Tries;

/// A connection that could not be made. No text of it holds a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The connection string is neither a URL nor `key=value` pairs.
    #[error(transparent)]
    ConnectionString(#[from] BadConnectionString),
    /// A connection keyword is not known. It is named if it looks like one, and not like a piece of a password.
    #[error("unknown connection keyword{}", .0.as_deref().map(|key| format!(" {key:?}")).unwrap_or_default())]
    Keyword(Option<String>),
    /// A connection keyword has a value that it cannot have.
    #[error("the connection keyword {key} has a value that is not {expected}")]
    Value {
        key: &'static str,
        /// What it can be.
        expected: &'static str,
    },
    /// An environment variable cannot be read. To ignore it would be to connect less safely than it may ask for.
    #[error("the environment variable {0} is not UTF-8")]
    Variable(&'static str),
    /// The keyword needs a file name, and its value is the text of such a file. It is not shown: it may be a private key.
    #[error("{0} is the text of a key or certificate, not the name of a file")]
    NoFileName(&'static str),
    /// A connection keyword asks for something that is not supported.
    #[error("{key} cannot be followed: {why}")]
    Unsupported { key: &'static str, why: &'static str },
    /// Two lists that belong together differ in length.
    #[error("{ones} values of {one} do not fit {others} of {other}")]
    Counts {
        one: &'static str,
        /// How many values it has.
        ones: usize,
        other: &'static str,
        /// How many values that has.
        others: usize,
    },
    /// No user is named, and the operating system has no name for the one who runs this.
    #[error("no user is named, and the operating system has no name for the current one")]
    NoUser,
    /// The service that was asked for cannot be used.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// TLS cannot be set up as asked.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The system's store vouches for any server with a certificate, so the name has to be checked too.
    #[error("sslrootcert=system needs sslmode=verify-full")]
    SystemRootsNeedVerifyFull,
    /// No server could be reached, or none lets the client in.
    #[error("cannot connect to the build database at {server}")]
    NoConnection {
        /// The servers, without a secret.
        server: String,
        /// Why, for each server that was tried.
        #[source]
        source: Tries,
    },
}

impl ConnectError {
    /// Whether the same may succeed in a while: the server was stopped, is starting, is full, or the network is down.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::NoConnection { .. })
    }

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
            Self::NoFileName(key) => format!("put the text into a file and give its name: look in {}", places(key)),
            Self::Unsupported { key, .. } => format!("leave it out: look in {}", places(key)),
            Self::Counts { .. } => "give one for each host, or one port for all hosts".to_owned(),
            Self::NoUser => "give a user in --database-url, or PGUSER".to_owned(),
            Self::Service(ServiceError::NotFound { .. }) => {
                "PGSERVICEFILE names another file; in it, the service's name stands in square brackets".to_owned()
            }
            Self::Tls(error) => return error.hint(),
            Self::NoConnection { source, .. } => return source.last().find_map(connect_hint),
            Self::SystemRootsNeedVerifyFull | Self::Service(_) => return None,
        })
    }
}

/// Where a keyword can have come from.
fn places(key: &str) -> String {
    let variable = variable_of(key).map(|name| format!(", {name}")).unwrap_or_default();
    format!("--database-url{variable} and the service file")
}
