//! Finds, on a connection of its own, the sessions that another connection waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio_postgres::types::Type;

use crate::libpq::{self, Connected, ReachedServer, Settings};
use crate::sql;

use super::error::DatabaseError;
use super::lock::LockHolder;
use super::snapshot::query_error;
use super::time_limit::within_limit;

/// Begins a transaction that only reads.
const BEGIN: &str = sql::SERVER.part("lock_transaction");
/// Sets the transaction up.
const SESSION: &str = sql::SESSION.part("session");
/// Names the sessions that hold what another one waits for.
const WAITS: &str = sql::SERVER.part("waits");
const WHAT: &str = "asking what the server waits for";
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Finds the sessions that a database connection waits for, while it is busy.
#[derive(Clone)]
pub struct BlockingSessions {
    pub(super) settings: Arc<Settings>,
    pub(super) server: ReachedServer,
    /// The server's process of the latest transaction; 0 before the first.
    pub(super) pid: Arc<AtomicI64>,
}

impl BlockingSessions {
    /// The sessions that hold a lock for which the transaction waits; none if it waits for no lock.
    ///
    /// # Errors
    /// The server cannot be reached once more, or refuses the question.
    pub async fn find(&self) -> Result<Vec<LockHolder>, DatabaseError> {
        let Ok(pid @ 1..) = i32::try_from(self.pid.load(Ordering::Relaxed)) else { return Ok(Vec::new()) };
        let failed = |source| query_error(WHAT, source);
        let ask = async {
            let Connected { client, .. } = libpq::reconnect(&self.settings, &self.server).await?;
            client.batch_execute(BEGIN).await.map_err(failed)?;
            client.batch_execute(SESSION).await.map_err(failed)?;
            let rows = client.query_typed(WAITS, &[(&pid, Type::INT4)]).await.map_err(failed)?;
            rows.iter().map(|row| LockHolder::read(row, WHAT)).collect()
        };
        within_limit(WHAT, Some(ANSWER_LIMIT), ask).await
    }
}
