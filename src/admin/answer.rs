//! What the server says about one deletion.

use std::time::Duration;

/// What became of one deletion, as far as the admin path can tell. Text that came from the server is bounded and
/// escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The server says that it deleted the build: a value without an error, or 2xx.
    Accepted(String),
    /// The server says that there is no such build: 404 or 410.
    Gone(String),
    /// The server will not delete this build: 409 or 422.
    Refused(String),
    /// The server tried and failed, or said something that is no success: an exception, 500, 3xx …
    Failed(String),
    /// Sent, and no answer came: it may or may not have happened. A timeout, a lost connection, garbage.
    Unknown(String),
    /// Nothing was done for this build; it may be asked for again after this wait: 429, 503, or no connection was made. By
    /// then the build is no longer as it was read, so it has to be read again first.
    Busy(Duration, String),
    /// Nothing was sent: by the time that the connection was ready for it, what allowed it had grown too old. The connection is
    /// kept, so that it is ready the next time.
    Stale(String),
    /// Nothing was done for this build, and nothing more should be sent: 401, 403, or no connection can be made.
    Denied(String),
}

impl Answer {
    /// What was said or what went wrong, in one line.
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
