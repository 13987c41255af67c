//! A console session: one form in, one answer out.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::form;
use super::launch::Launch;
use super::nonce::Nonce;
use super::process::Process;
use super::scanner::{ConsoleEvent, Scanner};
use super::streams::ProgramOutput;
use super::tail::OutputTail;
use crate::admin::clojure::ResolvedFunction;
use crate::admin::error::AdminError;
use crate::admin::freshness::{Freshness, Moment};
use crate::admin::service::Service;
use crate::text::Foreign;

/// The first pause before a program that has not answered is asked again, and the longest. The question waits in the program's input,
/// but some programs throw away what came before they were ready.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// On a terminal, the first question waits until the program prints something and then nothing for this long.
const QUIET: Duration = Duration::from_millis(300);

const PASSWORD_CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// How long to wait for the answer that only makes an error clearer.
const SERVICE_TIMEOUT: Duration = Duration::from_secs(10);

/// The most pieces of unexpected output that are read before a form is typed.
const MAX_UNASKED_PIECES: usize = 64;

/// The printed value of a form, or its exception.
type Answer = Result<String, String>;

/// A console that is ready. After an error it cannot be used again.
#[derive(Debug)]
pub(super) struct ConsoleSession {
    pub(super) process: Process,
    tail: OutputTail,
    /// How many forms were typed.
    pub(super) forms: u32,
}

/// Why a form has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// Nothing was typed: the reading of the build is too old.
    #[error("not typed: the build was read too long ago")]
    Stale,
    #[error("timeout: no answer within {0:?}")]
    Timeout(Duration),
    /// The program ended, or closed its output.
    #[error("the console {how}{}", output_clause(said))]
    Ended { how: String, said: Foreign },
    #[error("garbage: other output interrupts the answer")]
    Garbled,
}

impl ConsoleSession {
    /// Starts the program, waits until it answers, and finds the function.
    ///
    /// # Errors
    /// The program does not start, ends, asks for a password, does not answer in time, or does not have the function. It is ended then.
    pub(super) async fn open(launch: &Launch) -> Result<(Self, ResolvedFunction), AdminError> {
        let address = || launch.address.clone();
        let no_start = |source| AdminError::ConsoleStart { address: address(), source };
        let process = Process::start(&launch.command, launch.on_terminal).map_err(no_start)?;
        let mut session = Self { process, tail: OutputTail::default(), forms: 0 };
        let nonce = Nonce::random().map_err(no_start)?;
        let question = form::resolve(&launch.candidates, &nonce);
        let answer = match timeout(launch.start_timeout, session.ready_answer(launch, &question, &nonce)).await {
            Ok(Ok(answer)) => launch.read_function(answer),
            Ok(Err(FirstError::Ended)) => {
                let (how, said) = session.describe_end(&question).await;
                Err(AdminError::ConsoleEnded { address: address(), how, output: output_clause(&said) })
            }
            Ok(Err(FirstError::NoNonce(source))) => Err(no_start(source)),
            Ok(Err(FirstError::Password)) => Err(AdminError::ConsolePassword {
                address: address(),
                output: output_clause(&session.tail.in_one_line(&question)),
            }),
            Err(_) => {
                let output = output_clause(&session.tail.in_one_line(&question));
                Err(AdminError::ConsoleSilent { address: address(), timeout: launch.start_timeout, output })
            }
        };
        session.tail.clear();
        match answer {
            Ok(function) => Ok((session, function)),
            Err(mut error) => {
                if let AdminError::NoFunction { service, .. } = &mut error {
                    *service = session.service().await;
                }
                session.end(Duration::ZERO, &CancellationToken::new()).await;
                Err(error)
            }
        }
    }

    /// Asks which service of a CircleCI Server this is. Returns None if there is no answer.
    async fn service(&mut self) -> Option<Service> {
        let nonce = Nonce::random().ok()?;
        let in_time = Freshness::new(Moment::now(), SERVICE_TIMEOUT);
        let answer = self.ask(&form::service(&nonce), &nonce, SERVICE_TIMEOUT, &in_time).await;
        Service::read(&answer.ok()?.ok()?)
    }

    /// Asks until the console is ready: it has answered, and no earlier question is waiting in its input. A deletion would wait behind
    /// that question.
    async fn ready_answer(&mut self, launch: &Launch, question: &str, nonce: &Nonce) -> Result<Answer, FirstError> {
        let (answer, asked) = self.first_answer(question, nonce).await?;
        if asked == 1 {
            return Ok(answer);
        }
        // A new nonce: all copies of the first question have the same answer.
        let nonce = Nonce::random().map_err(FirstError::NoNonce)?;
        let question = form::resolve(&launch.candidates, &nonce);
        self.first_answer(&question, &nonce).await.map(|(answer, _)| answer)
    }

    /// Asks until there is an answer, and returns how often it asked.
    async fn first_answer(&mut self, question: &str, nonce: &Nonce) -> Result<(Answer, u32), FirstError> {
        let mut asked = 0;
        let mut scanner = Scanner::of(nonce);
        let (mut next, mut pause) = (Instant::now(), FIRST_PAUSE);
        // A password prompt must not get our question as its answer, so it gets time to appear.
        let mut ask_by = self.process.is_on_terminal().then_some(next + FIRST_PAUSE);
        next = ask_by.unwrap_or(next);
        let mut asked_for_password = false;
        loop {
            let next_check = Instant::now() + PASSWORD_CHECK_INTERVAL;
            tokio::select! {
                output = self.process.read_output() => match output {
                    ProgramOutput::Stdout(piece) => {
                        self.tail.feed(&piece);
                        for event in scanner.feed(&piece) {
                            // A garbled answer is no loss: the question is asked again.
                            if let ConsoleEvent::Answer(answer) = event {
                                return Ok((answer, asked));
                            }
                        }
                        next = ask_by.map_or(next, |latest| latest.min(Instant::now() + QUIET));
                    }
                    ProgramOutput::Other(piece) => self.tail.feed(&piece),
                    ProgramOutput::StdoutClosed => return Err(FirstError::Ended),
                },
                () = sleep_until(if asked_for_password { next_check } else { next.min(next_check) }) => {
                    // Twice in a row: by then a line editor has set up its terminal, and a prompt is printed.
                    let asks = self.process.asks_for_password();
                    if asks && asked_for_password {
                        return Err(FirstError::Password);
                    }
                    asked_for_password = asks;
                    if !asks && next <= Instant::now() && self.process.has_typed() {
                        self.process.type_line(question);
                        asked += 1;
                        next = Instant::now() + pause;
                        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
                        ask_by = None;
                    }
                }
            }
        }
    }

    /// Types a form once, if `fresh` has not expired when the program takes it, and waits for its answer.
    ///
    /// # Errors
    /// [`AskError::Stale`]: nothing was typed. Any other error: there is no answer, and the form may have been evaluated.
    pub(super) async fn ask(
        &mut self,
        line: &str,
        nonce: &Nonce,
        limit: Duration,
        fresh: &Freshness,
    ) -> Result<Answer, AskError> {
        if !self.process.type_while_fresh(line, fresh).await {
            return Err(AskError::Stale);
        }
        self.forms += 1;
        match timeout(limit, self.wait_for_answer(nonce)).await {
            Ok(Some(ConsoleEvent::Garbled)) => Err(AskError::Garbled),
            Ok(Some(ConsoleEvent::Answer(answer))) => {
                // What was printed until now does not explain a later end.
                self.tail.clear();
                Ok(answer)
            }
            Ok(None) => {
                let (how, said) = self.describe_end(line).await;
                Err(AskError::Ended { how, said })
            }
            Err(_) => Err(AskError::Timeout(limit)),
        }
    }

    /// Waits for the answer. Returns None if the program ends.
    async fn wait_for_answer(&mut self, nonce: &Nonce) -> Option<ConsoleEvent> {
        let mut scanner = Scanner::of(nonce);
        loop {
            match self.process.read_output().await {
                ProgramOutput::Stdout(piece) => {
                    self.tail.feed(&piece);
                    if let Some(event) = scanner.feed(&piece).into_iter().next() {
                        return Some(event);
                    }
                }
                ProgramOutput::Other(piece) => self.tail.feed(&piece),
                ProgramOutput::StdoutClosed => return None,
            }
        }
    }

    /// Whether the program still runs. To type into one that has ended would make the outcome of a deletion unknown for nothing.
    pub(super) async fn is_open(&mut self) -> bool {
        for _ in 0..MAX_UNASKED_PIECES {
            tokio::select! {
                biased;
                output = self.process.read_output() => match output {
                    ProgramOutput::Stdout(piece) | ProgramOutput::Other(piece) => self.tail.feed(&piece),
                    ProgramOutput::StdoutClosed => return false,
                },
                // The runtime polls its streams before it returns to a task that has yielded.
                () = tokio::task::yield_now() => return true,
            }
        }
        true
    }

    pub(super) async fn end(self, grace: Duration, hurry: &CancellationToken) {
        self.process.end(grace, hurry).await;
    }

    /// How the program ended, and what it printed last.
    async fn describe_end(&mut self, typed: &str) -> (String, Foreign) {
        let how = match self.process.exit_status(&mut self.tail).await {
            Some(status) => format!("ended ({status})"),
            None => "closed its output".to_owned(),
        };
        (how, self.tail.in_one_line(typed))
    }
}

/// Why the console did not become ready.
enum FirstError {
    Ended,
    Password,
    NoNonce(std::io::Error),
}

/// What was printed last, as the end of a sentence.
fn output_clause(said: &Foreign) -> String {
    if said.is_empty() { " and printed nothing".to_owned() } else { format!("; it printed: {said}") }
}
