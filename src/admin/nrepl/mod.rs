//! Deleting through a Clojure nREPL: the same form that an operator types, on a session of our own.
//!
//! One form is one deletion. What is not known is never sent again: after a timeout or a lost connection the next
//! deletion gets a new connection, a new session, and the function is looked for anew.

mod connection;
mod form;
pub(crate) mod fuzzing;
mod response;
mod session;

#[cfg(test)]
mod delete_tests;
#[cfg(test)]
mod open_tests;
#[cfg(test)]
mod scripted;

use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::answer::Answer;
use super::clojure::{self, Function};
use super::error::AdminError;
use super::freshness::Freshness;
use super::function::AdminFn;
use super::options::Options;
use super::retry::Patience;
use super::text::{chain, shown};
use super::via::Via;
use crate::build_url::BuildUrl;
use connection::{Connection, LinkError};
use session::{CallError, Session};

/// A client of one nREPL that deletes builds.
#[derive(Debug)]
pub(super) struct Client {
    server: Server,
    function: Function,
    /// None after a call that did not end well.
    session: Option<Session>,
    patience: Patience,
    /// How often in a row no connection could be made.
    failures: u32,
}

/// What it takes to connect once more.
#[derive(Clone, Debug)]
struct Server {
    host: String,
    port: u16,
    /// Both as `--via` names them.
    address: String,
    timeout: Duration,
    /// The functions to look for, in this order.
    candidates: Vec<AdminFn>,
}

impl Client {
    /// Connects, opens a session and looks for the function.
    ///
    /// # Errors
    /// Any of these failed.
    pub(super) async fn connect(host: &str, port: u16, options: Options) -> Result<Self, AdminError> {
        let host = host.to_owned();
        let address = Via::Nrepl { host: host.clone(), port }.to_string();
        let candidates = options.admin_fn.map_or_else(AdminFn::usual, |function| vec![function]);
        let server = Server { host, port, address, timeout: options.timeout, candidates };
        let (session, function) = server.open().await?;
        Ok(Self::new(server, function, session))
    }

    fn new(server: Server, function: Function, session: Session) -> Self {
        Self { server, function, session: Some(session), patience: Patience::default(), failures: 0 }
    }

    /// Connects once more, for another deletion at the same time.
    ///
    /// # Errors
    /// No more connections can be made, or the name means another function there.
    pub(super) async fn another(&self) -> Result<Self, AdminError> {
        let session = self.open_alike().await?;
        Ok(Self::new(self.server.clone(), self.function.clone(), session))
    }

    /// Deletes one build.
    pub(super) async fn delete(&mut self, build: &BuildUrl, fresh: &Freshness) -> Answer {
        let mut session = match self.fresh_session().await {
            Ok(session) => session,
            Err(error) => return self.without_session(&error),
        };
        self.failures = 0;
        // The session is put back only after a complete answer: whatever else happens, a dropped future included, the
        // next deletion cannot take this one's late answer for its own.
        match session.evaluate_while_fresh(&clojure::call(&self.function.called, build), fresh).await {
            Ok(response) => {
                self.session = Some(session).filter(|_| !response.session_is_unknown());
                response.answer()
            }
            Err(CallError::Stale) => {
                self.session = Some(session);
                Answer::Stale(fresh.too_late())
            }
            Err(error @ CallError::NeedInput) => {
                session.interrupt().await;
                Answer::Failed(chain(&error))
            }
            Err(error) => Answer::Unknown(chain(&error)),
        }
    }

    /// A session for one more deletion: the one at hand, or a new one on a new connection.
    async fn fresh_session(&mut self) -> Result<Session, AdminError> {
        if let Some(mut session) = self.session.take()
            && session.refresh().await
        {
            return Ok(session);
        }
        self.open_alike().await
    }

    /// Nothing was sent. A server that was there and is not may be on its way back.
    fn without_session(&mut self, error: &AdminError) -> Answer {
        self.failures += 1;
        let may_come_back = matches!(error, AdminError::Connect { .. } | AdminError::Lost { .. });
        if !may_come_back || self.failures >= self.patience.connections_later {
            return Answer::Denied(chain(error));
        }
        Answer::Busy(self.patience.back_off(self.failures - 1), chain(error))
    }

    /// A session on a new connection, where the name still means the same function.
    async fn open_alike(&self) -> Result<Session, AdminError> {
        let (session, function) = self.server.open().await?;
        if function != self.function {
            return Err(AdminError::FunctionChanged {
                address: self.server.address.clone(),
                now: function.to_string(),
                before: self.function.to_string(),
            });
        }
        Ok(session)
    }

    /// Closes the session, if there is one.
    pub(super) async fn close(self) {
        if let Some(session) = self.session {
            session.close().await;
        }
    }

    /// The address and the function.
    pub(super) fn describe(&self) -> String {
        format!("{} {}", self.server.address, self.function)
    }
}

impl Server {
    async fn open(&self) -> Result<(Session, Function), AdminError> {
        let connection = match timeout(self.timeout, Connection::open(&self.host, self.port)).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(source)) => return Err(AdminError::Connect { address: self.address.clone(), source }),
            Err(_) => return Err(self.failed("connecting", CallError::Timeout(self.timeout))),
        };
        let session = Session::open(connection, self.timeout).await;
        let mut session = session.map_err(|error| self.failed("opening a session", error))?;
        let function = self.find_function(&mut session).await?;
        Ok((session, function))
    }

    /// The first candidate that the server knows.
    async fn find_function(&self, session: &mut Session) -> Result<Function, AdminError> {
        for called in &self.candidates {
            let response = session.evaluate(&form::resolve(called)).await;
            let response = response.map_err(|error| self.failed("looking for the function", error))?;
            let unresolved =
                |said| AdminError::Unresolved { address: self.address.clone(), tried: vec![called.clone()], said };
            let value = response.value().map_err(unresolved)?;
            match clojure::resolved(value).map_err(|_| unresolved(shown(value)))? {
                Some(var) => return Ok(Function { called: called.clone(), var }),
                None => continue,
            }
        }
        Err(AdminError::NoFunction { address: self.address.clone(), tried: self.candidates.clone() })
    }

    fn failed(&self, stage: &'static str, error: CallError) -> AdminError {
        let address = self.address.clone();
        match error {
            CallError::Timeout(timeout) => AdminError::NoAnswer { address, stage, timeout },
            CallError::Link(LinkError::Garbage(source)) => AdminError::NotAnNrepl { address, source },
            CallError::Link(LinkError::Lost(source)) => AdminError::Lost { address, stage, source },
            CallError::NoSession(said) => AdminError::NoSession { address, said },
            error @ (CallError::NeedInput | CallError::Stale) => {
                AdminError::Lost { address, stage, source: io::Error::other(error.to_string()) }
            }
        }
    }
}
