//! The admin path: how a chosen build is deleted on the CI server.
//!
//! [`AdminPath::delete`] sends one deletion and tells what the server said about it. That is never proof: whether the
//! build is gone is for the database to say.

mod answer;
mod bencode;
mod clojure;
mod console;
mod error;
mod freshness;
mod function;
mod http;
pub(crate) mod nrepl;
mod options;
mod pool;
mod retry;
mod secrets;
mod text;
#[cfg(test)]
mod tls_tests;
mod via;

use futures_util::future::join_all;

pub use answer::Answer;
pub use bencode::DecodeError;
pub use console::{ConsoleEvent, console_events};
pub use error::AdminError;
pub use freshness::{Freshness, Moment};
pub use function::{AdminFn, AdminFnError};
pub use options::Options;
pub use via::{Via, ViaError};

use crate::build_url::BuildUrl;
use pool::Pool;

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
