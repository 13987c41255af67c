//! What to do about a server that cannot be reached, or does not let the client in.

use std::error::Error;
use std::io;

use tokio_postgres::error::SqlState;

use crate::causes::causes;

use super::auth::AuthError;
use super::route::RouteError;
use super::tries::TryError;

/// What to do about a try that failed.
pub(super) fn connect_hint(error: &TryError) -> Option<String> {
    let hint = match error {
        TryError::Lookup(_) => "no such host: check the name in --database-url or PGHOST",
        TryError::Route(RouteError::Socket(error)) => return socket_hint(error),
        TryError::Route(RouteError::TimedOut(_)) => "check the address and the firewall, or raise connect_timeout",
        TryError::Route(RouteError::Peer { .. }) => {
            "is this the right socket? requirepeer names the user who must own the server process"
        }
        TryError::Route(RouteError::NoTls) => "the server has no TLS: sslmode=prefer connects without it",
        TryError::Route(RouteError::Handshake { .. }) => return handshake_hint(error),
        TryError::Route(RouteError::Name(_)) => {
            "name the server as its certificate does (host), and give its address by hostaddr"
        }
        TryError::Route(_) | TryError::Asking(_) => return None,
        TryError::Unsuitable(_) => "name more hosts, or ask for another kind by target_session_attrs",
        TryError::Auth(AuthError::Unexpected(_)) => "is this a PostgreSQL server? check the host and the port",
        TryError::Auth(AuthError::Unbound) => {
            "channel_binding=disable logs in without it: then only sslmode=verify-full proves who the server is"
        }
        TryError::Login(cause) => match cause.code() {
            Some(code) => return login_hint(code),
            None if has(error, "password missing") => "the server wants a password: give it by PGPASSWORD or ~/.pgpass",
            None if has(error, "channel binding") => "channel_binding=require needs TLS and scram-sha-256",
            None => return None,
        },
    };
    Some(hint.to_owned())
}

fn handshake_hint(error: &TryError) -> Option<String> {
    let hints = [
        (
            "certificate revoked",
            "sslcrl, sslcrldir or ~/.postgresql/root.crl names the server's certificate: ask whoever runs the server",
        ),
        (
            "certificate CRL",
            "sslcrl, sslcrldir or ~/.postgresql/root.crl has no list of an authority that vouches for the server",
        ),
        (
            "certificate verify failed",
            "the server's certificate is not trusted: give its authority by sslrootcert=FILE",
        ),
        ("unexpected EOF", "the server hung up; sslnegotiation=direct needs PostgreSQL 17 or later"),
    ];
    hints.into_iter().find(|(words, _)| has(error, words)).map(|(_, hint)| hint.to_owned())
}

fn socket_hint(error: &io::Error) -> Option<String> {
    let hint = match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "nothing listens at this address: check the host and the port in --database-url, or PGHOST and PGPORT"
        }
        io::ErrorKind::NotFound => "no such socket: name the server by --database-url or PGHOST",
        io::ErrorKind::TimedOut => "no answer: check the address and the firewall, or raise connect_timeout",
        io::ErrorKind::PermissionDenied => "this user may not use that socket",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn login_hint(code: &SqlState) -> Option<String> {
    let hint = match *code {
        SqlState::INVALID_PASSWORD => "the password is wrong: check PGPASSWORD or ~/.pgpass",
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION => "the server's pg_hba.conf does not let this user in",
        SqlState::INVALID_CATALOG_NAME => "name the database by --database-url or PGDATABASE",
        SqlState::TOO_MANY_CONNECTIONS => "the server has no free connection: try again, or as another role",
        SqlState::CANNOT_CONNECT_NOW => "the server is starting or stopping: try again in a moment",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn has(error: &(dyn Error + 'static), text: &str) -> bool {
    error.to_string().contains(text) || causes(error).any(|cause| cause.to_string().contains(text))
}
