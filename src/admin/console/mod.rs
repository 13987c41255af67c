//! Deleting through a console program: the one that an operator would start by hand, typed into.
//!
//! One form is one deletion, and its answer is known by a mark that only this form can print, so nothing depends on how the
//! console looks. What is not known is never typed again: after a timeout or a console that ended, the next deletion gets a new
//! console, and the function is looked for anew.

mod escapes;
mod form;
mod launch;
mod nonce;
mod process;
mod scanner;
mod session;
mod streams;
mod tail;

#[cfg(test)]
mod delete_tests;
#[cfg(test)]
mod open_tests;
#[cfg(test)]
mod scripted;

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use scanner::{ConsoleEvent, console_events};

use super::answer::Answer;
use super::clojure::Function;
use super::error::AdminError;
use super::freshness::Freshness;
use super::function::AdminFn;
use super::options::Options;
use super::text::{chain, shown};
use super::via::Via;
use crate::build_url::BuildUrl;
use crate::text::Foreign;
use launch::Launch;
use nonce::Nonce;
use session::{AskError, Session};

/// How many forms a console answers before a new one takes its place. Where it is a client of an nREPL, each form adds a class
/// loader to its session: nREPL 1.0.0 and its own client gave no answer to the 1,849th (measured).
const RENEW_AFTER: u32 = 500;

/// How long a console that gave no answer may take to end: what it is at should rather come to its end, too.
const LEAVE: Duration = Duration::from_secs(10);

/// How long one may take that has nothing to do.
const FAREWELL: Duration = Duration::from_secs(1);

/// A client of one console program that deletes builds.
#[derive(Debug)]
pub(super) struct Client {
    launch: Launch,
    function: Function,
    /// None after a call that did not end well.
    session: Option<Session>,
    /// Consoles that are on their way out.
    leaving: JoinSet<()>,
    /// Cancelled when they should not take their time any more.
    hurry: CancellationToken,
}

impl Client {
    /// Starts the program, waits until it answers, and looks for the function.
    ///
    /// # Errors
    /// Any of these failed.
    pub(super) async fn connect(command: &str, options: Options) -> Result<Self, AdminError> {
        let command = command.to_owned();
        let launch = Launch {
            address: format!("`console:{}`", Foreign::name(&command)),
            command,
            on_terminal: options.console_pty,
            start_timeout: options.start_timeout,
            timeout: options.timeout,
            candidates: options.admin_fn.map_or_else(AdminFn::usual, |function| vec![function]),
        };
        let (session, function) = Session::open(&launch).await?;
        let (leaving, hurry) = (JoinSet::new(), CancellationToken::new());
        Ok(Self { launch, function, session: Some(session), leaving, hurry })
    }

    /// Deletes one build.
    pub(super) async fn delete(&mut self, build: &BuildUrl, fresh: &Freshness) -> Answer {
        let line = Nonce::fresh().map(|nonce| (form::delete(&self.function.called, build, &nonce), nonce));
        let (line, nonce) = match line {
            Ok((line, _)) if line.len() > form::LONGEST_LINE => {
                return Answer::Refused("the build's address is too long to be typed".to_owned());
            }
            Ok(line) => line,
            Err(error) => return Answer::Denied(format!("no random numbers: {error}")),
        };
        let mut session = match self.fresh_session().await {
            Ok(session) => session,
            Err(error) => return Answer::Denied(chain(&error)),
        };
        // The session is put back only after a complete answer. If the future is dropped, the console goes with it.
        match session.ask(&line, &nonce, self.launch.timeout, fresh).await {
            Ok(answer) => {
                self.session = Some(session);
                meaning(answer)
            }
            Err(AskError::Stale) => {
                self.session = Some(session);
                Answer::Stale(fresh.too_late())
            }
            Err(error) => {
                self.retire(session, LEAVE);
                Answer::Unknown(chain(&error))
            }
        }
    }

    /// A session for one more deletion: the one at hand, or that of a new console.
    async fn fresh_session(&mut self) -> Result<Session, AdminError> {
        if let Some(mut session) = self.session.take() {
            if session.is_open().await && session.forms < RENEW_AFTER {
                return Ok(session);
            }
            self.retire(session, FAREWELL);
        }
        // Once more where one hangs as it starts, which nREPL's own client does now and then: nothing has been typed that matters.
        let opened = match Session::open(&self.launch).await {
            Err(AdminError::ConsoleSilent { .. }) => Session::open(&self.launch).await,
            opened => opened,
        };
        let (session, function) = opened?;
        if function == self.function {
            return Ok(session);
        }
        self.retire(session, FAREWELL);
        Err(AdminError::FunctionChanged {
            address: self.launch.address.clone(),
            now: function.to_string(),
            before: self.function.to_string(),
        })
    }

    /// Sends a console away, and waits for nothing.
    fn retire(&mut self, session: Session, patience: Duration) {
        let hurry = self.hurry.clone();
        // Those that have gone by now.
        while self.leaving.try_join_next().is_some() {}
        self.leaving.spawn(async move { session.end(patience, &hurry).await });
    }

    /// Ends all that was started.
    pub(super) async fn close(mut self) {
        if let Some(session) = self.session.take() {
            self.retire(session, FAREWELL);
        }
        let all_gone = async { while self.leaving.join_next().await.is_some() {} };
        if timeout(FAREWELL, all_gone).await.is_err() {
            self.hurry.cancel();
            while self.leaving.join_next().await.is_some() {}
        }
    }

    /// The command and the function.
    pub(super) fn describe(&self) -> String {
        let via = Via::Console { command: self.launch.command.clone() };
        format!("`{via}` {}", self.function)
    }
}

/// What an answer means for a deletion.
fn meaning(answer: Result<String, String>) -> Answer {
    match answer {
        Ok(value) => Answer::Accepted(format!("value {}", shown(&value))),
        Err(thrown) => Answer::Failed(shown(&format!("exception {}", thrown.trim_start_matches("class ")))),
    }
}
