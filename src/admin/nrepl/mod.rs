//! Deletes builds through a Clojure nREPL, with the form that an operator types, in an nREPL session of our own.
//!
//! One form is one deletion. A deletion whose outcome is unknown is never sent again: after a timeout or a lost connection, the next
//! deletion gets a new connection and a new session, and the function is resolved again.

mod connection;
mod form;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod response;
mod session;

#[cfg(test)]
mod delete_tests;
#[cfg(test)]
mod look_up_tests;
#[cfg(test)]
mod open_tests;
#[cfg(test)]
mod scripted;

use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::answer::Answer;
use super::clojure::{self, ResolvedFunction};
use super::error::AdminError;
use super::freshness::Freshness;
use super::function::AdminFn;
use super::options::Options;
use super::retry::RetryPolicy;
use super::service::{self, Service};
use super::store_look::{self, StoreLook};
use super::text::{error_chain, foreign};
use super::via::Via;
use crate::build_url::BuildUrl;
use connection::{Connection, ConnectionError};
use session::{CallError, NreplSession};

/// Deletes builds through one nREPL.
#[derive(Debug)]
pub(super) struct NreplClient {
    endpoint: Endpoint,
    function: ResolvedFunction,
    /// None after a call that failed.
    session: Option<NreplSession>,
    retry_policy: RetryPolicy,
    /// How often in a row connecting failed.
    failures: u32,
}

/// What is needed to connect, more than once.
#[derive(Clone, Debug)]
struct Endpoint {
    host: String,
    port: u16,
    /// Host and port as `--via` names them.
    address: String,
    timeout: Duration,
    /// The functions to try, in this order.
    candidates: Vec<AdminFn>,
}

impl NreplClient {
    /// Connects, opens a session and finds the function.
    ///
    /// # Errors
    /// Any of these fails.
    pub(super) async fn connect(host: &str, port: u16, options: Options) -> Result<Self, AdminError> {
        let host = host.to_owned();
        let address = Via::Nrepl { host: host.clone(), port }.to_string();
        let candidates = options.admin_fn.map_or_else(AdminFn::defaults, |function| vec![function]);
        let endpoint = Endpoint { host, port, address, timeout: options.timeout, candidates };
        let (session, function) = endpoint.open().await?;
        Ok(Self::new(endpoint, function, session))
    }

    fn new(endpoint: Endpoint, function: ResolvedFunction, session: NreplSession) -> Self {
        Self { endpoint, function, session: Some(session), retry_policy: RetryPolicy::default(), failures: 0 }
    }

    /// Makes another client, for another deletion at the same time.
    ///
    /// # Errors
    /// The server accepts no more connections, or the name stands for another function there.
    pub(super) async fn connect_another(&self) -> Result<Self, AdminError> {
        let session = self.open_same_function().await?;
        Ok(Self::new(self.endpoint.clone(), self.function.clone(), session))
    }

    pub(super) async fn delete(&mut self, build: &BuildUrl, fresh: &Freshness) -> Answer {
        let mut session = match self.usable_session().await {
            Ok(session) => session,
            Err(error) => return self.answer_without_session(&error),
        };
        self.failures = 0;
        // The session is kept only after a complete answer. Otherwise, even if the future is dropped, the next deletion cannot take
        // this one's late answer for its own.
        match session.evaluate_while_fresh(&clojure::delete_form(&self.function.name, build), fresh).await {
            Ok(response) => {
                self.session = Some(session).filter(|_| !response.session_is_unknown());
                response.answer()
            }
            Err(CallError::Stale) => {
                self.session = Some(session);
                Answer::Stale(fresh.why_stale())
            }
            Err(error @ CallError::NeedInput) => {
                session.interrupt().await;
                Answer::Failed(error_chain(&error).into())
            }
            Err(error) => Answer::Unknown(error_chain(&error).into()),
        }
    }

    /// Asks the server's own store for a build.
    pub(super) async fn look_up(&mut self, build: &BuildUrl) -> StoreLook {
        let mut session = match self.usable_session().await {
            Ok(session) => session,
            Err(error) => return StoreLook::NotKnown(error_chain(&error).into()),
        };
        // As for a deletion, the session is kept only after a complete answer.
        match session.evaluate(&format!("({})", store_look::question(build))).await {
            Ok(response) => {
                self.session = Some(session).filter(|_| !response.session_is_unknown());
                response.value().map_or_else(|said| StoreLook::NotKnown(said.into()), store_look::read_answer)
            }
            Err(error @ CallError::NeedInput) => {
                session.interrupt().await;
                StoreLook::NotKnown(error_chain(&error).into())
            }
            Err(error) => StoreLook::NotKnown(error_chain(&error).into()),
        }
    }

    /// Returns a session for one more question or deletion: the current one, or a new one on a new connection.
    async fn usable_session(&mut self) -> Result<NreplSession, AdminError> {
        if let Some(mut session) = self.session.take()
            && session.refresh().await
        {
            return Ok(session);
        }
        self.open_same_function().await
    }

    /// The answer where nothing was sent. A server that was reached before may be restarting.
    fn answer_without_session(&mut self, error: &AdminError) -> Answer {
        self.failures += 1;
        let may_be_restarting = matches!(error, AdminError::Connect { .. } | AdminError::Lost { .. });
        if !may_be_restarting || self.failures >= self.retry_policy.reconnects {
            return Answer::Denied(error_chain(error).into());
        }
        Answer::Busy(self.retry_policy.back_off(self.failures - 1), error_chain(error).into())
    }

    /// Opens a session on a new connection, and checks that the name stands for the same function.
    async fn open_same_function(&self) -> Result<NreplSession, AdminError> {
        let (session, function) = self.endpoint.open().await?;
        if function != self.function {
            return Err(AdminError::FunctionChanged {
                address: self.endpoint.address.clone(),
                now: function.to_string(),
                before: self.function.to_string(),
            });
        }
        Ok(session)
    }

    pub(super) async fn close(self) {
        if let Some(session) = self.session {
            session.close().await;
        }
    }

    /// The function that deletes.
    pub(super) fn function(&self) -> &ResolvedFunction {
        &self.function
    }

    /// Names the address and the function.
    pub(super) fn describe(&self) -> String {
        format!("{} {}", self.endpoint.address, self.function)
    }
}

impl Endpoint {
    async fn open(&self) -> Result<(NreplSession, ResolvedFunction), AdminError> {
        let connection = match timeout(self.timeout, Connection::open(&self.host, self.port)).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(source)) => return Err(AdminError::Connect { address: self.address.clone(), source }),
            Err(_) => return Err(self.open_error("connecting", CallError::Timeout(self.timeout))),
        };
        let session = NreplSession::open(connection, self.timeout).await;
        let mut session = session.map_err(|error| self.open_error("opening a session", error))?;
        let function = self.find_function(&mut session).await?;
        Ok((session, function))
    }

    /// Finds the first candidate that exists on the server.
    async fn find_function(&self, session: &mut NreplSession) -> Result<ResolvedFunction, AdminError> {
        for name in &self.candidates {
            let response = session.evaluate(&form::resolve(name)).await;
            let response = response.map_err(|error| self.open_error("looking for the function", error))?;
            let unresolved =
                |said| AdminError::Unresolved { address: self.address.clone(), tried: vec![name.clone()], said };
            let value = response.value().map_err(unresolved)?;
            match clojure::parse_var(value).map_err(|_| unresolved(foreign(value)))? {
                Some(var) => return Ok(ResolvedFunction { name: name.clone(), var }),
                None => continue,
            }
        }
        let service = session.evaluate(&format!("({})", service::question())).await;
        let service = service.ok().and_then(|response| Service::read(response.value().ok()?));
        Err(AdminError::NoFunction { address: self.address.clone(), tried: self.candidates.clone(), service })
    }

    fn open_error(&self, stage: &'static str, error: CallError) -> AdminError {
        let address = self.address.clone();
        match error {
            CallError::Timeout(timeout) => AdminError::NoAnswer { address, stage, timeout },
            CallError::Connection(ConnectionError::Garbage(source)) => AdminError::NotAnNrepl { address, source },
            CallError::Connection(ConnectionError::Lost(source)) => AdminError::Lost { address, stage, source },
            CallError::NoSession(said) => AdminError::NoSession { address, said },
            error @ (CallError::NeedInput | CallError::Stale) => {
                AdminError::Lost { address, stage, source: io::Error::other(error.to_string()) }
            }
        }
    }
}
