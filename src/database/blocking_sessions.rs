//! Sees from a connection of its own what another one waits for.

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
const LOOK: &str = sql::SERVER.part("lock_transaction");
/// Settles it.
const SESSION: &str = sql::SESSION.part("session");
/// Says who holds what a session waits for.
const WAITS: &str = sql::SERVER.part("waits");
/// What is being done, and how long it may take.
const WHAT: &str = "asking what the server waits for";
const LIMIT: Duration = Duration::from_secs(5);

/// Sees what a [`Database`](super::Database) waits for.
#[derive(Clone)]
pub struct BlockingSessions {
    pub(super) settings: Arc<Settings>,
    pub(super) server: ReachedServer,
    /// The server's process of the transaction that was begun last; 0 before the first.
    pub(super) pid: Arc<AtomicI64>,
}

impl BlockingSessions {
    /// The sessions that hold a lock for which the transaction waits; none where it waits for no lock.
    ///
    /// # Errors
    /// The server cannot be reached once more, or does not tell.
    pub async fn find(&self) -> Result<Vec<LockHolder>, DatabaseError> {
        let Ok(pid @ 1..) = i32::try_from(self.pid.load(Ordering::Relaxed)) else { return Ok(Vec::new()) };
        let failed = |source| query_error(WHAT, source);
        let look = async {
            let Connected { client, .. } = libpq::reconnect(&self.settings, &self.server).await?;
            client.batch_execute(LOOK).await.map_err(failed)?;
            client.batch_execute(SESSION).await.map_err(failed)?;
            let rows = client.query_typed(WAITS, &[(&pid, Type::INT4)]).await.map_err(failed)?;
            rows.iter().map(|row| LockHolder::read(row, WHAT)).collect()
        };
        within_limit(WHAT, Some(LIMIT), look).await
    }
}
