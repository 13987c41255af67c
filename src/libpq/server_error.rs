//! An error that the server reported, in its own words.

use std::error::Error;

use tokio_postgres::error::{ErrorPosition, SqlState};

use crate::causes::causes;
use crate::text::Foreign;

/// An error of a login or a statement, with the server's own words at the front.
#[derive(Debug)]
pub struct ServerError {
    error: tokio_postgres::Error,
    /// Where in the statement, counted in characters from 1.
    position: Option<usize>,
}

impl ServerError {
    /// Wraps an error of the client library.
    pub fn new(error: tokio_postgres::Error) -> Self {
        let position = match error.as_db_error().and_then(|db| db.position()) {
            Some(ErrorPosition::Original(position)) => Some(*position as usize),
            _ => None,
        };
        Self { error, position }
    }

    /// Where in the statement the server found the fault, counted in characters from 1.
    pub fn position(&self) -> Option<usize> {
        self.position
    }

    /// Counts the position from a later place: `before` characters stood in front of the statement that is meant.
    pub fn skip(&mut self, before: usize) {
        self.position = self.position.and_then(|position| position.checked_sub(before));
    }

    /// The SQLSTATE, where the server gave one.
    pub fn code(&self) -> Option<&SqlState> {
        self.error.code()
    }

    /// Whether the connection ended, or failed below the protocol.
    pub fn is_about_the_connection(&self) -> bool {
        let io = |error: &(dyn Error + 'static)| error.is::<std::io::Error>();
        self.error.is_closed() || causes(&self.error).any(io)
    }
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.error.as_db_error() {
            Some(db) => {
                write!(f, "{} (SQLSTATE {})", Foreign::new(db.message()), db.code().code())?;
                db.detail().map_or(Ok(()), |detail| write!(f, "; {}", Foreign::new(detail)))?;
                db.hint().map_or(Ok(()), |hint| write!(f, "; {}", Foreign::new(hint)))
            }
            None => self.error.fmt(f),
        }
    }
}

impl Error for ServerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The server's own error is already shown; only what lies below the protocol adds to it.
        if self.error.as_db_error().is_some() { None } else { self.error.source() }
    }
}
