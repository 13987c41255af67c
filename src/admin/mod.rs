//! The admin path: how a chosen build is deleted on the CI server.
//!
//! [`AdminPath::delete`] sends one deletion and returns what the server says. That is never proof: only the database shows whether
//! the build is gone.

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
mod service;
mod store_look;
mod target;
mod text;
#[cfg(test)]
mod tls_tests;
mod via;

use futures_util::future::join_all;

pub use answer::Answer;
pub use console::{ConsoleEvent, console_events, is_private_variable};
pub use error::AdminError;
pub use freshness::{Freshness, Moment};
pub use function::AdminFn;
pub use options::Options;
pub(crate) use retry::{RetryPolicy, parse_retry_after};
pub(crate) use secrets::Secrets;
pub use service::Service;
pub use store_look::StoreLook;
pub use target::Target;
pub use via::{Via, ViaError};

use crate::build_url::{AddressForm, BuildUrl};
use crate::request_path::RequestPath;
use pool::Pool;

/// An open connection to the server's function or endpoint that deletes builds.
#[derive(Debug)]
pub struct AdminPath {
    clients: Clients,
    description: String,
    /// Whether deletions call the function of CircleCI's documentation.
    is_documented: bool,
}

/// Source: CircleCI's documentation of Server 2.x, "Backing up and restoring"; no page for 3.x or 4.x names it.
const CAVEAT: &str = "delete-build is documented for CircleCI Server 2.x only: in a later version, only the proof of each build shows that it \
                      works (`halfbuilt help server-4`)";

/// What stands in a form of Clojure is put together from parts that are plain.
const NOT_FOR_A_CONSOLE: &str = "nothing was sent: only addresses of CircleCI's form are pasted into a console";

#[derive(Debug)]
enum Clients {
    Nrepl(Pool<nrepl::NreplClient>),
    Console(Pool<console::ConsoleClient>),
    Http(Box<http::HttpClient>, usize),
}

impl AdminPath {
    /// nREPL: connects, opens a session and checks that the function exists. Console: starts the program, waits until it answers, and
    /// checks that the function exists. HTTP: checks the token, the certificates and the scheme, and sends nothing yet.
    ///
    /// # Errors
    /// Anything found so far that would make every deletion fail.
    pub async fn connect(via: &Via, options: Options) -> Result<Self, AdminError> {
        let jobs = options.jobs.max(1);
        Ok(match via {
            Via::Nrepl { host, port } => {
                let first = nrepl::NreplClient::connect(host, *port, options).await?;
                let (description, is_documented) = (first.describe(), first.function().is_documented());
                let mut clients = vec![first];
                while clients.len() < jobs
                    && let Ok(another) = clients[0].connect_another().await
                {
                    clients.push(another);
                }
                Self { clients: Clients::Nrepl(Pool::new(clients)), description, is_documented }
            }
            Via::Console { command } => {
                let programs = (0..jobs).map(|_| console::ConsoleClient::connect(command, options.clone()));
                let clients = join_all(programs).await.into_iter().collect::<Result<Vec<_>, _>>()?;
                let description = clients.first().map(console::ConsoleClient::describe).unwrap_or_default();
                let is_documented = clients.first().is_some_and(|client| client.function().is_documented());
                Self { clients: Clients::Console(Pool::new(clients)), description, is_documented }
            }
            Via::Http(url) => {
                let client = http::HttpClient::new(url, options)?;
                let description = client.describe();
                Self { clients: Clients::Http(Box::new(client), jobs), description, is_documented: false }
            }
        })
    }

    /// How many deletions can run at once: fewer than requested if the server accepts no more connections.
    pub fn jobs(&self) -> usize {
        match &self.clients {
            Clients::Nrepl(clients) => clients.size(),
            Clients::Console(clients) => clients.size(),
            Clients::Http(_, jobs) => *jobs,
        }
    }

    /// Asks the server to delete one build, if `fresh` has not expired when the request is written to an open connection. It asks once: a
    /// deletion that may have happened is never sent again.
    ///
    /// If the future is dropped, the outcome is [`Answer::Unknown`]. The next call is safe.
    pub async fn delete(&self, target: Target<'_>, fresh: &Freshness) -> Answer {
        let evaluates = !matches!(self.clients, Clients::Http(..));
        if evaluates && target.url.form() != AddressForm::CircleCi {
            return Answer::Refused(NOT_FOR_A_CONSOLE.to_owned());
        }
        match &self.clients {
            Clients::Nrepl(clients) => clients.take().await.client.delete(target.url, fresh).await,
            Clients::Console(clients) => clients.take().await.client.delete(target.url, fresh).await,
            Clients::Http(client, _) => client.delete(target, fresh).await,
        }
    }

    /// Asks the server to cancel one build by this path, as [`Self::delete`] asks to delete one.
    pub async fn cancel(&self, path: &RequestPath, fresh: &Freshness) -> Answer {
        match &self.clients {
            Clients::Http(client, _) => client.cancel(path, fresh).await,
            Clients::Nrepl(_) | Clients::Console(_) => {
                Answer::Refused("nothing was sent: a console cancels no build".to_owned())
            }
        }
    }

    /// Asks the server's own store for one build, by `circle.model.build/find-one-by-circle-url` (documented for Server 2.x, operations). It
    /// changes nothing.
    ///
    /// If the future is dropped, the next call is safe.
    pub async fn look_up(&self, build: &BuildUrl) -> StoreLook {
        if build.form() != AddressForm::CircleCi {
            return StoreLook::NotKnown(NOT_FOR_A_CONSOLE.to_owned());
        }
        match &self.clients {
            Clients::Nrepl(clients) => clients.take().await.client.look_up(build).await,
            Clients::Console(clients) => clients.take().await.client.look_up(build).await,
            Clients::Http(..) => StoreLook::NoFunction,
        }
    }

    /// Closes all connections in at most three seconds. Console programs and their children have ended then.
    pub async fn close(self) {
        match self.clients {
            Clients::Nrepl(clients) => drop(join_all(clients.into_clients().map(nrepl::NreplClient::close)).await),
            Clients::Console(clients) => {
                drop(join_all(clients.into_clients().map(console::ConsoleClient::close)).await)
            }
            Clients::Http(..) => {}
        }
    }

    /// Where deletions go, with the function that an nREPL or a console calls. It contains no secrets.
    pub fn describe(&self) -> &str {
        &self.description
    }

    /// What to say of that function where the server is a CircleCI Server.
    pub fn caveat(&self) -> Option<&'static str> {
        self.is_documented.then_some(CAVEAT)
    }
}
