//! Why the admin path could not be opened.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use openssl::error::ErrorStack;

use super::bencode::DecodeError;
use super::function::AdminFn;
use super::service::Service;
use super::via::ViaError;
use crate::text::Foreign;

/// Why the admin path could not be opened. Nothing was deleted. `address` is what `--via` names; `output` is what a console
/// printed last, as the end of the sentence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    #[error(transparent)]
    Via(#[from] ViaError),
    #[error("cannot connect to {address}")]
    Connect { address: String, source: io::Error },
    #[error("{address} gave no answer within {timeout:?} ({stage})")]
    NoAnswer { address: String, stage: &'static str, timeout: Duration },
    #[error("lost the connection to {address} ({stage})")]
    Lost { address: String, stage: &'static str, source: io::Error },
    /// The server does not speak nREPL's bencode.
    #[error("{address} is not an nREPL")]
    NotAnNrepl { address: String, source: DecodeError },
    #[error("{address} did not open a session: {said}")]
    NoSession { address: String, said: Foreign },
    /// The answer to the question for the function is neither a var nor nil.
    #[error("{address} did not say whether {} exists: {said}", join_names(tried, " or "))]
    Unresolved { address: String, tried: Vec<AdminFn>, said: Foreign },
    /// `service` is what the server looks like, if that is known.
    #[error("{address} has no function {}{}", join_names(tried, " and no function "), service.map(|it| format!(": {it}")).unwrap_or_default())]
    NoFunction { address: String, tried: Vec<AdminFn>, service: Option<Service> },
    /// On a new connection, the name stands for another function than before.
    #[error("{address} now deletes with {now}, not with {before}")]
    FunctionChanged { address: String, now: String, before: String },
    #[error("cannot start {address}")]
    ConsoleStart { address: String, source: io::Error },
    #[error("{address} {how} before it was ready{output}")]
    ConsoleEnded { address: String, how: String, output: String },
    #[error("{address} was not ready within {timeout:?}{output}")]
    ConsoleSilent { address: String, timeout: Duration, output: String },
    /// A console program asks for a password, which nobody can type.
    #[error("{address} asks for a password{output}")]
    ConsolePassword { address: String, output: String },
    #[error("no token for {address}")]
    TokenMissing { address: String },
    /// The message does not show the token.
    #[error("the token contains a character that is not printable ASCII")]
    TokenUnusable,
    /// The profile says that the token goes by the scheme Basic.
    #[error("the token has no colon, and this CI takes it as user:password")]
    TokenNotBasic,
    #[error("{name:?} is not the name of an HTTP header")]
    TokenHeader { name: String },
    /// A header by which the request is framed or routed.
    #[error("no token is sent in the header {name:?}: HTTP itself needs it")]
    TokenHeaderOfHttp { name: String },
    /// Plain HTTP to another machine.
    #[error("{address} uses plain HTTP: the token would cross the network unencrypted")]
    PlainHttp { address: String },
    #[error("cannot read the certificates in {}", path.display())]
    CaFileRead { path: PathBuf, source: io::Error },
    #[error("{} contains a certificate that cannot be used", path.display())]
    CaFileInvalid { path: PathBuf, source: ErrorStack },
    #[error("{} contains no PEM certificate", path.display())]
    CaFileEmpty { path: PathBuf },
    /// The TLS library failed.
    #[error("cannot set up the HTTP client")]
    HttpClient(#[source] ErrorStack),
}

impl AdminError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Via(error) => error.hint(),
            Self::Connect { .. } => Some(
                "check the host and the port of --via; if the console listens only on its own machine, forward its port with `ssh -L 6005:127.0.0.1:6005 HOST`",
            ),
            Self::NoAnswer { .. } => {
                Some("check that --via names an nREPL, and that no firewall or proxy blocks its answers")
            }
            Self::NotAnNrepl { .. } => Some("check the port of --via; an nREPL behind TLS or HTTP is not supported"),
            Self::NoFunction { service: Some(service), .. } => Some(service.hint()),
            Self::NoFunction { service: None, .. } => {
                Some("name the function that deletes a build with --admin-fn NAMESPACE/NAME")
            }
            Self::FunctionChanged { .. } => Some("find out what restarted, then run the command again"),
            Self::ConsoleEnded { .. } => Some(
                "run the command by hand: it must open a Clojure prompt; if it needs a terminal, add --console-pty",
            ),
            Self::ConsoleSilent { .. } => Some(
                "the command must open a Clojure prompt; wait longer with --start-timeout DURATION, or give it a terminal with --console-pty",
            ),
            Self::ConsolePassword { .. } => {
                Some("let the command log in without a password, for example with a key or an agent")
            }
            Self::TokenMissing { .. } => {
                Some("give a token with --token-file FILE or in the environment variable HALFBUILT_TOKEN")
            }
            Self::TokenUnusable => Some("the token file must contain the token only, on one line, in ASCII"),
            Self::TokenNotBasic => Some(
                "the token file must contain user:password on one line, or the form that the CI asks for, such as user:key:secret",
            ),
            Self::TokenHeader { .. } | Self::TokenHeaderOfHttp { .. } => {
                Some("give --token-header NAME; the default is what the profile says, else Circle-Token")
            }
            Self::PlainHttp { .. } => Some("use https, or add --allow-plain-http if you trust the network"),
            Self::CaFileRead { .. } | Self::CaFileInvalid { .. } | Self::CaFileEmpty { .. } => {
                Some("--ca-file expects one or more PEM certificates: -----BEGIN CERTIFICATE-----")
            }
            Self::ConsoleStart { .. }
            | Self::Lost { .. }
            | Self::NoSession { .. }
            | Self::Unresolved { .. }
            | Self::HttpClient(_) => None,
        }
    }
}

fn join_names(functions: &[AdminFn], separator: &str) -> String {
    functions.iter().map(AdminFn::to_string).collect::<Vec<_>>().join(separator)
}
