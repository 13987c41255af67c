//! Deletes builds by typing into a console program, the one that an operator would start by hand.
//!
//! One form is one deletion. Its answer carries a mark that only this form can print, so nothing depends on how the console looks. A
//! deletion whose outcome is unknown is never typed again: after a timeout, or when the console ends, the next deletion gets a new
//! console, and the function is resolved again.

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
mod look_up_tests;
#[cfg(test)]
mod open_tests;
#[cfg(test)]
mod scripted;

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use process::is_private_variable;
pub use scanner::{ConsoleEvent, console_events};

use super::answer::Answer;
use super::clojure::ResolvedFunction;
use super::error::AdminError;
use super::freshness::{Freshness, Moment};
use super::function::AdminFn;
use super::options::Options;
use super::store_look::{self, StoreLook};
use super::text::{error_chain, foreign};
use super::via::Via;
use crate::build_url::BuildUrl;
use crate::text::Foreign;
use launch::Launch;
use nonce::Nonce;
use session::{AskError, ConsoleSession};

/// How many forms one console answers before a new one replaces it. If it is an nREPL client, each form adds a class loader to its
/// session: nREPL 1.0.0 and its own client gave no answer to form 1,849 (measured).
const RENEW_AFTER: u32 = 500;

/// How long a console that gave no answer may take to end: its deletion should finish first.
const BUSY_GRACE: Duration = Duration::from_secs(10);

/// How long an idle console may take to end.
const IDLE_GRACE: Duration = Duration::from_secs(1);

/// Deletes builds through one console program.
#[derive(Debug)]
pub(super) struct ConsoleClient {
    launch: Launch,
    function: ResolvedFunction,
    /// None after a call that failed.
    session: Option<ConsoleSession>,
    /// Consoles that are ending.
    ending: JoinSet<()>,
    /// Cancelled when the ending consoles get no more time.
    hurry: CancellationToken,
}

impl ConsoleClient {
    /// Starts the program, waits until it answers, and finds the function.
    ///
    /// # Errors
    /// Any of these fails.
    pub(super) async fn connect(command: &str, options: Options) -> Result<Self, AdminError> {
        let command = command.to_owned();
        let launch = Launch {
            address: format!("`console:{}`", Foreign::name(&command)),
            command,
            on_terminal: options.console_pty,
            start_timeout: options.start_timeout,
            timeout: options.timeout,
            candidates: options.admin_fn.map_or_else(AdminFn::defaults, |function| vec![function]),
        };
        let (session, function) = ConsoleSession::open(&launch).await?;
        let (ending, hurry) = (JoinSet::new(), CancellationToken::new());
        Ok(Self { launch, function, session: Some(session), ending, hurry })
    }

    pub(super) async fn delete(&mut self, build: &BuildUrl, fresh: &Freshness) -> Answer {
        let line = Nonce::random().map(|nonce| (form::delete(&self.function.name, build, &nonce), nonce));
        let (line, nonce) = match line {
            Ok((line, _)) if line.len() > form::MAX_LINE => {
                return Answer::Refused("the build's URL is too long to type".to_owned());
            }
            Ok(line) => line,
            Err(error) => return Answer::Denied(format!("cannot get random numbers: {error}")),
        };
        let mut session = match self.usable_session().await {
            Ok(session) => session,
            Err(error) => return Answer::Denied(error_chain(&error).into()),
        };
        // The session is kept only after a complete answer. If the future is dropped, the console is dropped with it.
        match session.ask(&line, &nonce, self.launch.timeout, fresh).await {
            Ok(answer) => {
                self.session = Some(session);
                deletion_answer(answer)
            }
            Err(AskError::Stale) => {
                self.session = Some(session);
                Answer::Stale(fresh.why_stale())
            }
            Err(error) => {
                self.retire(session, BUSY_GRACE);
                Answer::Unknown(error_chain(&error).into())
            }
        }
    }

    /// Asks the server's own store for a build.
    pub(super) async fn look_up(&mut self, build: &BuildUrl) -> StoreLook {
        let nonce = match Nonce::random() {
            Ok(nonce) => nonce,
            Err(error) => return StoreLook::NotKnown(format!("cannot get random numbers: {error}")),
        };
        let line = form::look_up(build, &nonce);
        if line.len() > form::MAX_LINE {
            return StoreLook::NotKnown("the build's URL is too long to type".to_owned());
        }
        let mut session = match self.usable_session().await {
            Ok(session) => session,
            Err(error) => return StoreLook::NotKnown(error_chain(&error).into()),
        };
        // A console that does not take the line within the time of one answer gets none.
        let in_time = Freshness::new(Moment::now(), self.launch.timeout);
        match session.ask(&line, &nonce, self.launch.timeout, &in_time).await {
            Ok(answer) => {
                self.session = Some(session);
                answer.map_or_else(
                    |thrown| StoreLook::NotKnown(exception(&thrown).into()),
                    |it| store_look::read_answer(&it),
                )
            }
            Err(AskError::Stale) => {
                self.retire(session, BUSY_GRACE);
                StoreLook::NotKnown("the console takes no line".to_owned())
            }
            Err(error) => {
                self.retire(session, BUSY_GRACE);
                StoreLook::NotKnown(error_chain(&error).into())
            }
        }
    }

    /// Returns a session for one more question or deletion: the current one, or that of a new console.
    async fn usable_session(&mut self) -> Result<ConsoleSession, AdminError> {
        if let Some(mut session) = self.session.take() {
            if session.is_open().await && session.forms < RENEW_AFTER {
                return Ok(session);
            }
            self.retire(session, IDLE_GRACE);
        }
        // Try twice: nREPL's own client sometimes hangs as it starts. The new console has no deletion yet.
        let opened = match ConsoleSession::open(&self.launch).await {
            Err(AdminError::ConsoleSilent { .. }) => ConsoleSession::open(&self.launch).await,
            opened => opened,
        };
        let (session, function) = opened?;
        if function == self.function {
            return Ok(session);
        }
        self.retire(session, IDLE_GRACE);
        Err(AdminError::FunctionChanged {
            address: self.launch.address.clone(),
            now: function.to_string(),
            before: self.function.to_string(),
        })
    }

    /// Ends a console in the background.
    fn retire(&mut self, session: ConsoleSession, grace: Duration) {
        let hurry = self.hurry.clone();
        // Forget those that have ended.
        while self.ending.try_join_next().is_some() {}
        self.ending.spawn(async move { session.end(grace, &hurry).await });
    }

    /// Ends all consoles.
    pub(super) async fn close(mut self) {
        if let Some(session) = self.session.take() {
            self.retire(session, IDLE_GRACE);
        }
        let all_ended = async { while self.ending.join_next().await.is_some() {} };
        if timeout(IDLE_GRACE, all_ended).await.is_err() {
            self.hurry.cancel();
            while self.ending.join_next().await.is_some() {}
        }
    }

    /// The function that deletes.
    pub(super) fn function(&self) -> &ResolvedFunction {
        &self.function
    }

    /// Names the command and the function.
    pub(super) fn describe(&self) -> String {
        let via = Via::Console { command: self.launch.command.clone() };
        format!("`{via}` {}", self.function)
    }
}

/// Turns a console's answer into the answer to a deletion.
fn deletion_answer(answer: Result<String, String>) -> Answer {
    match answer {
        Ok(value) => Answer::Accepted(format!("value {}", foreign(&value))),
        Err(thrown) => Answer::Failed(exception(&thrown).into()),
    }
}

/// What a form threw, in words.
fn exception(thrown: &str) -> Foreign {
    foreign(&format!("exception {}", thrown.trim_start_matches("class ")))
}
