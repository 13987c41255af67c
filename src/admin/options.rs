//! The settings of an admin path.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::function::AdminFn;
use crate::http_deletion::HttpDeletion;

#[derive(Clone, Debug)]
pub struct Options {
    /// How long one call may take. The start of a console has its own limit. nREPL: to connect and to open a session are calls too.
    pub timeout: Duration,
    /// How many deletions may run at once, at least 1. nREPL: as many connections. Console: as many programs.
    pub jobs: usize,
    /// nREPL and console: the function to call. None: the default names are tried.
    pub admin_fn: Option<AdminFn>,
    /// Console: whether its standard streams are a pseudo-terminal.
    pub console_pty: bool,
    /// Console: how long the program may take until its first answer.
    pub start_timeout: Duration,
    /// HTTP: the token. It is sent only to the host of `--via`, and never shown.
    pub token: Option<SecretString>,
    /// HTTP: the header that carries the token, as it is; `None` where `deletion` says it, or it is the usual one.
    pub token_header: Option<String>,
    /// HTTP: how the profile says that builds are deleted; `None` for a POST of their addresses.
    pub deletion: Option<HttpDeletion>,
    /// HTTP: a PEM file of certificates to trust in addition to the system's.
    pub ca_file: Option<PathBuf>,
    /// HTTP: whether the token may go to another machine without TLS.
    pub allow_plain_http: bool,
}

impl Default for Options {
    /// A minute for each call.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
            jobs: 1,
            admin_fn: None,
            console_pty: false,
            start_timeout: Duration::from_secs(120),
            token: None,
            token_header: None,
            deletion: None,
            ca_file: None,
            allow_plain_http: false,
        }
    }
}
