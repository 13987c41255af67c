//! The settings of an admin path.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::function::AdminFn;

/// How to talk to the admin path.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long one call may take, but for the start of a console. nREPL: connecting and opening a session are calls of their own.
    pub timeout: Duration,
    /// How many deletions may be under way at once, at least 1. nREPL: as many connections; console: as many programs.
    pub jobs: usize,
    /// nREPL and console: the one function to call. None: the usual names are tried.
    pub admin_fn: Option<AdminFn>,
    /// Console: whether it is typed into through a pseudo-terminal.
    pub console_pty: bool,
    /// Console: how long the program may take until it answers for the first time.
    pub start_timeout: Duration,
    /// HTTP: the token; it is sent to the host of `--via` only, and never shown.
    pub token: Option<SecretString>,
    /// HTTP: the header that carries the token.
    pub token_header: String,
    /// HTTP: a PEM file of certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// HTTP: whether the token may go to another machine without TLS.
    pub allow_plain_http: bool,
}

impl Default for Options {
    /// A minute a call, the header `Circle-Token` (CircleCI API v1.1), and nothing else.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
            jobs: 1,
            admin_fn: None,
            console_pty: false,
            start_timeout: Duration::from_secs(120),
            token: None,
            token_header: "Circle-Token".to_owned(),
            ca_file: None,
            allow_plain_http: false,
        }
    }
}
