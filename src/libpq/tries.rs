//! The tries to connect that failed.

use std::fmt;

use crate::causes::distinct_causes;

use super::auth::AuthError;
use super::route::RouteError;
use super::server_error::ServerError;

/// Why one try did not lead to a connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum TryError {
    /// The name of the server is not known.
    #[error("the name cannot be looked up")]
    Lookup(#[source] std::io::Error),
    /// The connection failed before the login.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// The server did not let the client in.
    #[error(transparent)]
    Login(ServerError),
    /// The client broke the login off.
    #[error(transparent)]
    Auth(AuthError),
    /// The server is not of the kind that was asked for.
    #[error("{0} (target_session_attrs)")]
    Unsuitable(&'static str),
    /// The server did not answer of what kind it is.
    #[error("the server cannot be asked whether it is a standby: {0}")]
    Asking(ServerError),
}

/// Every try, and why it failed.
#[derive(Debug, Default)]
pub struct Tries(Vec<Try>);

#[derive(Debug)]
struct Try {
    place: String,
    error: TryError,
}

impl Tries {
    /// The errors at the place where the search ended: without TLS after with TLS, or the reverse. The first is that of the
    /// encryption that was asked for.
    pub(super) fn last(&self) -> impl Iterator<Item = &TryError> {
        let place = self.0.last().map(|one| &one.place);
        self.0.iter().filter(move |one| Some(&one.place) == place).map(|one| &one.error)
    }

    pub(super) fn add(&mut self, place: &str, error: TryError) {
        // A fallback that fails for the same reason has nothing new to say.
        let text = error.to_string();
        if !self.0.iter().any(|one| one.place == place && one.error.to_string() == text) {
            self.0.push(Try { place: place.to_owned(), error });
        }
    }
}

impl fmt::Display for Tries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [one] = self.0.as_slice() {
            return one.error.fmt(f);
        }
        for (index, one) in self.0.iter().enumerate() {
            write!(f, "{}{}: {}", if index == 0 { "" } else { "; " }, one.place, one.error)?;
            for cause in distinct_causes(&one.error) {
                write!(f, ": {cause}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Tries {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let [one] = self.0.as_slice() { one.error.source() } else { None }
    }
}
