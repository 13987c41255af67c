//! The admin path: how a chosen build is deleted on the CI server.
//!
//! [`AdminPath::delete`] sends one deletion and tells what the server said about it. That is never proof: whether the
//! build is gone is for the database to say.

mod clojure;
mod console;
mod error;
mod freshness;
mod function;
mod http;
pub(crate) mod nrepl;
mod pool;
mod retry;
mod secrets;
mod text;
#[cfg(test)]
mod tls_tests;
mod via;

use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::join_all;
use secrecy::SecretString;

pub use console::{ConsoleEvent, console_events};
pub use error::AdminError;
pub use freshness::{Freshness, Moment};
pub use function::{AdminFn, AdminFnError};
pub use nrepl::DecodeError;
pub use via::{Via, ViaError};

use crate::build_url::BuildUrl;
use pool::Pool;

/// How to talk to the admin path.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long one call may take, but for the start of a console. nREPL: connecting and opening a session are calls of their own.
    pub timeout: Duration,
    /// How many deletions may be under way at once, at least 1. nREPL: as many connections; console: as many programs.
    pub jobs: usize,
    /// nREPL and console: the one function to call. None: the usual names are tried.
    pub admin_fn: Option<AdminFn>,
    /// Console: whether it is typed into through a pseudo-terminal.
    pub console_pty: bool,
    /// Console: how long the program may take until it answers for the first time.
    pub start_timeout: Duration,
    /// HTTP: the token; it is sent to the host of `--via` only, and never shown.
    pub token: Option<SecretString>,
    /// HTTP: the header that carries the token.
    pub token_header: String,
    /// HTTP: a PEM file of certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// HTTP: whether the token may go to another machine without TLS.
    pub allow_plain_http: bool,
}

impl Default for Options {
    /// A minute a call, the header `Circle-Token` (CircleCI API v1.1), and nothing else.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
            jobs: 1,
            admin_fn: None,
            console_pty: false,
            start_timeout: Duration::from_secs(120),
            token: None,
            token_header: "Circle-Token".to_owned(),
            ca_file: None,
            allow_plain_http: false,
        }
    }
}

/// What became of one deletion, as far as the admin path can tell. Text that came from the server is bounded and
/// escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The server says that it deleted the build: a value without an error, or 2xx.
    Accepted(String),
    /// The server says that there is no such build: 404 or 410.
    Gone(String),
    /// The server will not delete this build: 409 or 422.
    Refused(String),
    /// The server tried and failed, or said something that is no success: an exception, 500, 3xx …
    Failed(String),
    /// Sent, and no answer came: it may or may not have happened. A timeout, a lost connection, garbage.
    Unknown(String),
    /// Nothing was done for this build; it may be asked for again after this wait: 429, 503, or no connection was made. By
    /// then the build is no longer as it was read, so it has to be read again first.
    Busy(Duration, String),
    /// Nothing was sent: by the time that the connection was ready for it, what allowed it had grown too old. The connection is
    /// kept, so that it is ready the next time.
    Stale(String),
    /// Nothing was done for this build, and nothing more should be sent: 401, 403, or no connection can be made.
    Denied(String),
}

impl Answer {
    /// What was said or what went wrong, in one line.
    pub fn text(&self) -> &str {
        match self {
            Self::Accepted(text)
            | Self::Gone(text)
            | Self::Refused(text)
            | Self::Failed(text)
            | Self::Unknown(text)
            | Self::Busy(_, text)
            | Self::Stale(text)
            | Self::Denied(text) => text,
        }
    }
}

/// An open way to the server's delete-build.
#[derive(Debug)]
pub struct AdminPath {
    path: Path,
    description: String,
}

#[derive(Debug)]
enum Path {
    Nrepl(Pool<nrepl::Client>),
    Console(Pool<console::Client>),
    Http(Box<http::Client>, usize),
}

impl AdminPath {
    /// Opens the way. nREPL: connects, opens a session and makes sure that the function is there. Console:
    /// starts the program, waits until it answers, and makes sure of the same. HTTP: checks the token, the certificates and the
    /// scheme; nothing is sent yet.
    ///
    /// # Errors
    /// Whatever would make every deletion fail, as far as it can be seen now.
    pub async fn connect(via: &Via, options: Options) -> Result<Self, AdminError> {
        let jobs = options.jobs.max(1);
        Ok(match via {
            Via::Nrepl { host, port } => {
                let first = nrepl::Client::connect(host, *port, options).await?;
                let description = first.describe();
                let mut clients = vec![first];
                while clients.len() < jobs
                    && let Ok(another) = clients[0].another().await
                {
                    clients.push(another);
                }
                Self { path: Path::Nrepl(Pool::new(clients)), description }
            }
            Via::Console { command } => {
                let programs = (0..jobs).map(|_| console::Client::connect(command, options.clone()));
                let clients = join_all(programs).await.into_iter().collect::<Result<Vec<_>, _>>()?;
                let description = clients.first().map(console::Client::describe).unwrap_or_default();
                Self { path: Path::Console(Pool::new(clients)), description }
            }
            Via::Http(url) => {
                let client = http::Client::new(url, options)?;
                let description = client.describe();
                Self { path: Path::Http(Box::new(client), jobs), description }
            }
        })
    }

    /// How many deletions can be under way at once: fewer than was asked for where the server takes no more connections.
    pub fn jobs(&self) -> usize {
        match &self.path {
            Path::Nrepl(clients) => clients.size(),
            Path::Console(clients) => clients.size(),
            Path::Http(_, jobs) => *jobs,
        }
    }

    /// Asks the server to delete one build, if what allows it is still fresh when it is written to an open connection. It is asked
    /// once: a deletion that may have happened is never sent again.
    ///
    /// A call whose future is dropped half-way counts as [`Answer::Unknown`]; the next one is safe to make.
    pub async fn delete(&self, build: &BuildUrl, fresh: &Freshness) -> Answer {
        match &self.path {
            Path::Nrepl(clients) => clients.take().await.client.delete(build, fresh).await,
            Path::Console(clients) => clients.take().await.client.delete(build, fresh).await,
            Path::Http(client, _) => client.delete(build, fresh).await,
        }
    }

    /// Takes leave of the server; takes three seconds at most. A console program and all its children have ended then.
    pub async fn close(self) {
        match self.path {
            Path::Nrepl(clients) => drop(join_all(clients.into_clients().map(nrepl::Client::close)).await),
            Path::Console(clients) => drop(join_all(clients.into_clients().map(console::Client::close)).await),
            Path::Http(..) => {}
        }
    }

    /// Where deletions go, and for an nREPL or a console the function that is called: for a plan, a log, a journal. Without
    /// secrets.
    pub fn describe(&self) -> &str {
        &self.description
    }
}
