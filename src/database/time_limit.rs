//! Gives up on a server, or a network, that does not answer.

use std::time::Duration;

use super::error::DatabaseError;

/// Does the work, unless it takes longer than the limit.
pub(super) async fn within_limit<T>(
    what: &str,
    limit: Option<Duration>,
    work: impl Future<Output = Result<T, DatabaseError>>,
) -> Result<T, DatabaseError> {
    let Some(limit) = limit else { return work.await };
    let too_late = |_| Err(DatabaseError::NoAnswer { what: what.to_owned(), limit });
    tokio::time::timeout(limit, work).await.unwrap_or_else(too_late)
}
