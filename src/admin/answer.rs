//! What the server says about one deletion.

use std::time::Duration;

/// What the server says about one deletion. The text is short and harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The server says that it deleted the build: a value without an error, or 2xx.
    Accepted(String),
    /// The server says that there is no such build: 404 or 410.
    Gone(String),
    /// The server refuses to delete this build: 409 or 422.
    Refused(String),
    /// The server tried and failed, or its answer is no success: an exception, 500, 3xx …
    Failed(String),
    /// The deletion was sent, and no valid answer came: it may have happened. A timeout, a lost connection, garbage.
    Unknown(String),
    /// Nothing was done for this build. It may be tried again after this wait, once the build has been read again: 429, 503, or no
    /// connection was made.
    Busy(Duration, String),
    /// Nothing was sent: when the connection was ready, the reading of the build was too old. The connection is kept, so that the next
    /// try is faster.
    Stale(String),
    /// Nothing was done for this build, and nothing else should be sent: 401, 403, or no connection can be made.
    Denied(String),
}

impl Answer {
    /// What the server said or what went wrong, in one line.
    pub fn text(&self) -> &str {
        match self {
            Self::Accepted(text)
            | Self::Gone(text)
            | Self::Refused(text)
            | Self::Failed(text)
            | Self::Unknown(text)
            | Self::Busy(_, text)
            | Self::Stale(text)
            | Self::Denied(text) => text,
        }
    }
}
