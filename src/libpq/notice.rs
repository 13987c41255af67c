//! What a server says besides its answers: notices and warnings, while it lets a client in and while it runs a statement.

use std::fmt;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::error::{DbError, Severity};
use tokio_postgres::{AsyncMessage, Connection};

use crate::text::Foreign;

/// Hears what a server says.
pub(crate) type NoticeListener = Arc<dyn Fn(&Notice) + Send + Sync>;

/// A notice or a warning, in the server's own words.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Notice {
    message: Foreign,
    detail: Option<Foreign>,
    hint: Option<Foreign>,
}

impl Notice {
    /// `None` for what is meant for the server's own developers and its log.
    fn of(said: &DbError) -> Option<Self> {
        // The other severity is a word in the server's language. A server before 9.6 has no other.
        if matches!(said.parsed_severity(), Some(Severity::Debug | Severity::Log)) {
            return None;
        }
        Some(Self {
            message: Foreign::evidence(said.message()),
            detail: said.detail().map(Foreign::evidence),
            hint: said.hint().map(Foreign::evidence),
        })
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        self.detail.iter().chain(&self.hint).try_for_each(|more| write!(f, "; {more}"))
    }
}

/// Keeps a connection going until it ends. What ends it also fails the statement that waits for it: nothing has to watch it here.
pub(super) async fn drive<S, T>(mut connection: Connection<S, T>, listener: Option<NoticeListener>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = std::future::poll_fn(|context| connection.poll_message(context)).await {
        if let (AsyncMessage::Notice(said), Some(listener)) = (&message, &listener)
            && let Some(notice) = Notice::of(said)
        {
            listener(&notice);
        }
    }
}
