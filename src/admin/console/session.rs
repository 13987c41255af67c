//! A console that has answered: a form in, an answer out.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::form;
use super::launch::Launch;
use super::nonce::Nonce;
use super::process::Process;
use super::scanner::{ConsoleEvent, Scanner};
use super::streams::Heard;
use super::tail::Tail;
use crate::admin::clojure::Function;
use crate::admin::error::AdminError;
use crate::admin::freshness::Freshness;
use crate::admin::text::shown;

/// When a program that has not answered is asked again, at first and at last. What it has not read yet waits for it, so
/// there is no hurry; but some throw away what came before they were ready.
const AGAIN: Duration = Duration::from_secs(2);
const AGAIN_AT_LAST: Duration = Duration::from_secs(10);

/// On a terminal, the first question waits until the program has printed something and then nothing for this long.
const QUIET: Duration = Duration::from_millis(300);

/// How often it is looked whether something asks for a password.
const GLANCE: Duration = Duration::from_millis(250);

/// How many pieces of output that nobody asked for are read before a form is typed.
const MOST_PIECES: usize = 64;

/// The printed value of a form, or what it threw.
type Answer = Result<String, String>;

/// A console that is ready. After an error it is of no use any more.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) process: Process,
    tail: Tail,
    /// How many forms it has answered.
    pub(super) forms: u32,
}

/// Why a form has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// Nothing was typed: what allowed it had grown too old.
    #[error("not typed: what allowed it had grown too old")]
    Stale,
    /// No answer in time.
    #[error("timeout: no answer within {0:?}")]
    Timeout(Duration),
    /// The program ended, or will say nothing more.
    #[error("the console {how}{}", printed(said))]
    Ended { how: String, said: String },
    /// An answer came, and something else in the middle of it.
    #[error("garbage: something else came in the middle of the answer")]
    Garbled,
}

impl Session {
    /// Starts the program, waits until it answers, and looks for the function.
    ///
    /// # Errors
    /// It cannot be started, ends, wants a password, does not answer in time, or has no such function. Then it has been ended.
    pub(super) async fn open(launch: &Launch) -> Result<(Self, Function), AdminError> {
        let address = || launch.address.clone();
        let no_start = |source| AdminError::ConsoleStart { address: address(), source };
        let process = Process::start(&launch.command, launch.on_terminal).map_err(no_start)?;
        let mut session = Self { process, tail: Tail::default(), forms: 0 };
        let nonce = Nonce::fresh().map_err(no_start)?;
        let question = form::resolve(&launch.candidates, &nonce);
        let answer = match timeout(launch.start_timeout, session.ready_answer(launch, &question, &nonce)).await {
            Ok(Ok(answer)) => launch.function(answer),
            Ok(Err(FirstError::Ended)) => {
                let (how, said) = session.epitaph(&question).await;
                Err(AdminError::ConsoleEnded { address: address(), how, said: printed(&said) })
            }
            Ok(Err(FirstError::NoNonce(source))) => Err(no_start(source)),
            Ok(Err(FirstError::Secret)) => {
                Err(AdminError::ConsoleSecret { address: address(), said: printed(&session.tail.shown(&question)) })
            }
            Err(_) => {
                let said = printed(&session.tail.shown(&question));
                Err(AdminError::ConsoleSilent { address: address(), timeout: launch.start_timeout, said })
            }
        };
        session.tail.clear();
        match answer {
            Ok(function) => Ok((session, function)),
            Err(error) => {
                session.end(Duration::ZERO, &CancellationToken::new()).await;
                Err(error)
            }
        }
    }

    /// Asks until the console is ready: it has answered, and is not busy with what it was asked before. It would come to a deletion
    /// only after that.
    async fn ready_answer(&mut self, launch: &Launch, question: &str, nonce: &Nonce) -> Result<Answer, FirstError> {
        let (answer, asked) = self.first_answer(question, nonce).await?;
        if asked == 1 {
            return Ok(answer);
        }
        // Another question, for the answers to the first one do not tell which of them they are to.
        let nonce = Nonce::fresh().map_err(FirstError::NoNonce)?;
        let question = form::resolve(&launch.candidates, &nonce);
        self.first_answer(&question, &nonce).await.map(|(answer, _)| answer)
    }

    /// Asks until there is an answer; tells how often.
    async fn first_answer(&mut self, question: &str, nonce: &Nonce) -> Result<(Answer, u32), FirstError> {
        let mut asked = 0;
        let mut scanner = Scanner::of(nonce);
        let (mut next, mut pause) = (Instant::now(), AGAIN);
        // A password prompt must not get our question for an answer, so it is given time to show itself.
        let mut patience = self.process.is_on_terminal().then_some(next + AGAIN);
        next = patience.unwrap_or(next);
        let mut asked_for_a_secret = false;
        loop {
            let glance = Instant::now() + GLANCE;
            tokio::select! {
                heard = self.process.hear() => match heard {
                    Heard::Output(piece) => {
                        self.tail.feed(&piece);
                        for event in scanner.feed(&piece) {
                            // Another question gets another answer.
                            if let ConsoleEvent::Answer(answer) = event {
                                return Ok((answer, asked));
                            }
                        }
                        next = patience.map_or(next, |latest| latest.min(Instant::now() + QUIET));
                    }
                    Heard::Talk(piece) => self.tail.feed(&piece),
                    Heard::Ended => return Err(FirstError::Ended),
                },
                () = sleep_until(if asked_for_a_secret { glance } else { next.min(glance) }) => {
                    // Twice in a row: by then a line editor has set up its terminal, and a prompt has been printed.
                    let asks = self.process.asks_for_a_secret();
                    if asks && asked_for_a_secret {
                        return Err(FirstError::Secret);
                    }
                    asked_for_a_secret = asks;
                    if !asks && next <= Instant::now() && self.process.has_typed() {
                        self.process.type_line(question);
                        asked += 1;
                        next = Instant::now() + pause;
                        pause = (pause * 3 / 2).min(AGAIN_AT_LAST);
                        patience = None;
                    }
                }
            }
        }
    }

    /// Types a form, once, if what allows it is still fresh when the program takes it, and waits for its answer.
    ///
    /// # Errors
    /// [`AskError::Stale`]: nothing was typed. Otherwise there is no answer; the form may have been evaluated.
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
        match timeout(limit, self.answer(nonce)).await {
            Ok(Some(ConsoleEvent::Garbled)) => Err(AskError::Garbled),
            Ok(Some(ConsoleEvent::Answer(answer))) => {
                // Words that come before a later end are about something else.
                self.tail.clear();
                Ok(answer)
            }
            Ok(None) => {
                let (how, said) = self.epitaph(line).await;
                Err(AskError::Ended { how, said })
            }
            Err(_) => Err(AskError::Timeout(limit)),
        }
    }

    /// The first that is heard of the answer; None if the program ends.
    async fn answer(&mut self, nonce: &Nonce) -> Option<ConsoleEvent> {
        let mut scanner = Scanner::of(nonce);
        loop {
            match self.process.hear().await {
                Heard::Output(piece) => {
                    self.tail.feed(&piece);
                    if let Some(event) = scanner.feed(&piece).into_iter().next() {
                        return Some(event);
                    }
                }
                Heard::Talk(piece) => self.tail.feed(&piece),
                Heard::Ended => return None,
            }
        }
    }

    /// Whether the program has gone on running while nobody looked. To type into one that has ended would leave a deletion's
    /// outcome unknown for nothing.
    pub(super) async fn is_open(&mut self) -> bool {
        for _ in 0..MOST_PIECES {
            tokio::select! {
                biased;
                heard = self.process.hear() => match heard {
                    Heard::Output(piece) | Heard::Talk(piece) => self.tail.feed(&piece),
                    Heard::Ended => return false,
                },
                // The runtime looks at its streams before it returns to a task that has yielded.
                () = tokio::task::yield_now() => return true,
            }
        }
        true
    }

    /// Ends the program, as [`Process::end`] does.
    pub(super) async fn end(self, patience: Duration, hurry: &CancellationToken) {
        self.process.end(patience, hurry).await;
    }

    /// How it ended, and its last words.
    async fn epitaph(&mut self, typed: &str) -> (String, String) {
        let how = match self.process.epitaph(&mut self.tail).await {
            Some(status) => format!("ended ({status})"),
            None => "closed its output".to_owned(),
        };
        (how, self.tail.shown(typed))
    }
}

/// Why there is no first answer.
enum FirstError {
    Ended,
    Secret,
    NoNonce(std::io::Error),
}

/// What was printed last, as the end of a sentence.
fn printed(said: &str) -> String {
    if said.is_empty() { " and printed nothing".to_owned() } else { shown(&format!("; it printed: {said}")) }
}
