//! Gives up on a server, or a network, that does not answer.

use std::time::Duration;

use crate::sql;

use super::error::DatabaseError;

/// Limits how long a statement may run.
const STATEMENT_TIMEOUT: &str = sql::SESSION.part("statement_timeout");

/// The statement that limits how long each of the next ones may run.
pub(super) fn statement_timeout(limit: Duration) -> String {
    // Zero would mean no limit at all.
    let milliseconds = limit.as_millis().max(1).to_string();
    sql::filled(STATEMENT_TIMEOUT, &[("milliseconds", &milliseconds)])
}

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
