//! A server, or the network before it, that says nothing.

use std::time::Duration;

use super::error::DatabaseError;

/// Does something unless the server says nothing for too long; without a limit it is waited for.
pub(super) async fn within_limit<T>(
    what: &str,
    limit: Option<Duration>,
    work: impl Future<Output = Result<T, DatabaseError>>,
) -> Result<T, DatabaseError> {
    let Some(limit) = limit else { return work.await };
    let silent = |_| Err(DatabaseError::NoAnswer { what: what.to_owned(), limit });
    tokio::time::timeout(limit, work).await.unwrap_or_else(silent)
}
