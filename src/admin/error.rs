//! Why the admin path could not be opened.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use openssl::error::ErrorStack;

use super::bencode::DecodeError;
use super::function::AdminFn;
use super::via::ViaError;

/// Why the admin path could not be opened. Nothing was deleted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The address itself is unusable.
    #[error(transparent)]
    Via(#[from] ViaError),
    /// No TCP connection could be made.
    #[error("cannot connect to {address}")]
    Connect {
        /// What was connected to, as `--via` names it.
        address: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The nREPL gave no answer in time while the connection was set up.
    #[error("{address} gave no answer within {timeout:?} ({stage})")]
    NoAnswer {
        /// What was connected to, as `--via` names it.
        address: String,
        /// What was being done.
        stage: &'static str,
        /// How long it was waited for.
        timeout: Duration,
    },
    /// The connection ended while it was set up.
    #[error("lost the connection to {address} ({stage})")]
    Lost {
        /// What was connected to, as `--via` names it.
        address: String,
        /// What was being done.
        stage: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// What answers there does not speak nREPL's bencode.
    #[error("{address} is not an nREPL")]
    NotAnNrepl {
        /// What was connected to, as `--via` names it.
        address: String,
        /// What was wrong with its answer.
        source: DecodeError,
    },
    /// The nREPL answered that it cannot open a session.
    #[error("{address} opened no session: {said}")]
    NoSession {
        /// What was connected to, as `--via` names it.
        address: String,
        /// What it said, bounded and escaped.
        said: String,
    },
    /// The nREPL or the console answered the question for the function with something else than a name or nil.
    #[error("{address} did not say whether {} exists: {said}", names(tried, " or "))]
    Unresolved {
        /// What was connected to, as `--via` names it.
        address: String,
        /// The functions that were asked for.
        tried: Vec<AdminFn>,
        /// What it said, bounded and escaped.
        said: String,
    },
    /// None of the functions that could delete a build is there.
    #[error("{address} has no function {}", names(tried, " and no function "))]
    NoFunction {
        /// What was connected to, as `--via` names it.
        address: String,
        /// The functions that were asked for, in this order.
        tried: Vec<AdminFn>,
    },
    /// After a new connection the name means another function than before.
    #[error("{address} now deletes with {now}, not with {before}")]
    FunctionChanged {
        /// What was connected to, as `--via` names it.
        address: String,
        /// What it is now.
        now: String,
        /// What it was when the run began.
        before: String,
    },
    /// A console program could not be started.
    #[error("cannot start {address}")]
    ConsoleStart {
        /// What was to be started, as `--via` names it.
        address: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A console program ended before it was ready.
    #[error("{address} {how} before it was ready{said}")]
    ConsoleEnded {
        /// What was started, as `--via` names it.
        address: String,
        /// That it ended, with its exit status, or that it closed its output.
        how: String,
        /// What it printed last, bounded and escaped, as the end of a sentence.
        said: String,
    },
    /// A console program did not answer in time.
    #[error("{address} was not ready within {timeout:?}{said}")]
    ConsoleSilent {
        /// What was started, as `--via` names it.
        address: String,
        /// How long it was waited for.
        timeout: Duration,
        /// What it printed last, bounded and escaped, as the end of a sentence.
        said: String,
    },
    /// A console program asks for a password, which nobody can type.
    #[error("{address} asks for a password{said}")]
    ConsoleSecret {
        /// What was started, as `--via` names it.
        address: String,
        /// What it printed last, bounded and escaped, as the end of a sentence.
        said: String,
    },
    /// An HTTP admin path without a token.
    #[error("no token for {address}")]
    TokenMissing {
        /// The URL of `--via`.
        address: String,
    },
    /// The token cannot stand in a header. It is not shown.
    #[error("the token holds a character that no HTTP header can carry")]
    TokenUnusable,
    /// The name of the token's header is no header name.
    #[error("{name:?} is not the name of an HTTP header")]
    TokenHeader {
        /// The name as it was given.
        name: String,
    },
    /// Plain HTTP to another machine, where anyone on the way could read the token.
    #[error("{address} is plain http: the token would cross the network unprotected")]
    PlainHttp {
        /// The URL of `--via`.
        address: String,
    },
    /// The file of certificates cannot be read.
    #[error("cannot read the certificates in {}", path.display())]
    CaFileRead {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file of certificates holds something else.
    #[error("{} holds a certificate that cannot be used", path.display())]
    CaFileInvalid {
        /// The file.
        path: PathBuf,
        /// What the TLS library said.
        source: ErrorStack,
    },
    /// The file of certificates holds none.
    #[error("{} holds no PEM certificate", path.display())]
    CaFileEmpty {
        /// The file.
        path: PathBuf,
    },
    /// The HTTP client could not be set up, because the TLS library failed.
    #[error("cannot set up the HTTP client")]
    HttpClient(#[source] ErrorStack),
}

impl AdminError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Via(error) => error.hint(),
            Self::Connect { .. } => Some(
                "check the host and the port of --via; a console that listens on its own machine only is reached through `ssh -L 6005:127.0.0.1:6005 HOST`",
            ),
            Self::NoAnswer { .. } => Some("check that --via names an nREPL, and that nothing holds its answers back"),
            Self::NotAnNrepl { .. } => Some("check the port of --via; an nREPL behind TLS or HTTP is not supported"),
            Self::NoFunction { .. } => Some("name the function that deletes a build with --admin-fn NAMESPACE/NAME"),
            Self::FunctionChanged { .. } => Some("find out what restarted, then run the command again"),
            Self::ConsoleEnded { .. } => Some(
                "try the command by hand: it has to lead to a Clojure prompt; if it wants a terminal, --console-pty gives it one",
            ),
            Self::ConsoleSilent { .. } => Some(
                "the command has to lead to a Clojure prompt; --start-timeout DURATION waits longer, --console-pty gives it a terminal",
            ),
            Self::ConsoleSecret { .. } => {
                Some("let it log in without one: a key, an agent, a token that was fetched before")
            }
            Self::TokenMissing { .. } => Some("--token-file FILE or the environment variable HALFBUILT_TOKEN"),
            Self::TokenUnusable => Some("the file should hold the token alone, on one line"),
            Self::TokenHeader { .. } => Some("--token-header NAME; the usual one is Circle-Token"),
            Self::PlainHttp { .. } => Some("use https, or --allow-plain-http where the network itself is trusted"),
            Self::CaFileRead { .. } | Self::CaFileInvalid { .. } | Self::CaFileEmpty { .. } => {
                Some("--ca-file wants one or more certificates in PEM: -----BEGIN CERTIFICATE-----")
            }
            Self::ConsoleStart { .. }
            | Self::Lost { .. }
            | Self::NoSession { .. }
            | Self::Unresolved { .. }
            | Self::HttpClient(_) => None,
        }
    }
}

fn names(functions: &[AdminFn], between: &str) -> String {
    functions.iter().map(AdminFn::to_string).collect::<Vec<_>>().join(between)
}
