//! The deletion lock, which allows one deletion at a time. It lives as long as a transaction, on a connection of its own.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, GenericClient, Row};

use crate::sql;

use super::error::DatabaseError;
use super::row::Field;

/// Begins the transaction.
const LOCK_TRANSACTION: &str = sql::SERVER.part("lock_transaction");
/// Sets the transaction up.
const SESSION: &str = sql::SESSION.part("session");
/// Names the holder, and lets the transaction last.
const LOCK_STAYS: &str = sql::SERVER.part("lock_settings");
/// Takes the lock, if nobody has it.
const LOCK: &str = sql::SERVER.part("lock");
/// Names its holders.
const LOCK_HOLDER: &str = sql::SERVER.part("lock_holder");
const TAKING: &str = "taking the deletion lock";

/// What came of an attempt to take the deletion lock.
#[derive(Debug)]
pub enum LockAttempt {
    /// The lock is taken, until its connection ends.
    Taken,
    /// Other sessions hold it: those that this role may see.
    Held(Vec<LockHolder>),
    /// The server does not let this role take a lock, or has no such lock.
    NotAllowed(DatabaseError),
}

/// The deletion lock. It is held until this is dropped.
pub(super) struct DeletionLock {
    /// Its transaction is open, and ends with the connection.
    client: Arc<Client>,
    pid: i64,
}

impl DeletionLock {
    /// The server's process that holds it.
    pub(super) fn pid(&self) -> i64 {
        self.pid
    }

    /// Returns a function that says at any moment whether the lock may still be held: its connection is not known to have ended.
    pub(super) fn watch(&self) -> Box<dyn Fn() -> bool> {
        let client = Arc::downgrade(&self.client);
        Box::new(move || client.upgrade().is_some_and(|client| !client.is_closed()))
    }

    /// Whether its connection is known to have ended.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }
}

/// A session that holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockHolder {
    pub pid: i64,
    /// The role; `None` for what this role may not see, here and below.
    pub role: Option<String>,
    /// Its `application_name`. A deletion writes there who runs it, and where.
    pub program: Option<String>,
    pub client: Option<String>,
    pub since: Option<Timestamp>,
}

/// Takes the lock on a new connection, which then serves nothing else; or names the holders.
pub(super) async fn take(client: Client, holder: &str) -> Result<(LockAttempt, Option<DeletionLock>), DatabaseError> {
    let failed = |source| DatabaseError::statement(TAKING, source);
    client.batch_execute(LOCK_TRANSACTION).await.map_err(failed)?;
    client.batch_execute(SESSION).await.map_err(failed)?;
    client.query_typed(LOCK_STAYS, &[(&holder, Type::TEXT)]).await.map_err(failed)?;
    match client.query_typed_one(LOCK, &[]).await.map_err(failed) {
        Ok(row) if row.field(TAKING, 0)? => {
            let pid = row.field(TAKING, 1)?;
            Ok((LockAttempt::Taken, Some(DeletionLock { client: Arc::new(client), pid })))
        }
        Ok(_) => Ok((LockAttempt::Held(holders(&client).await?), None)),
        Err(error) if error.is_about_the_statement() => Ok((LockAttempt::NotAllowed(error), None)),
        Err(error) => Err(error),
    }
}

/// The other sessions that hold the lock, as far as this role may see them.
pub(super) async fn holders(client: &impl GenericClient) -> Result<Vec<LockHolder>, DatabaseError> {
    let what = "asking who holds the deletion lock";
    let rows = match client.query_typed(LOCK_HOLDER, &[]).await {
        Ok(rows) => rows,
        Err(source) => {
            let error = DatabaseError::statement(what, source);
            return if error.is_about_the_statement() { Ok(Vec::new()) } else { Err(error) };
        }
    };
    rows.iter().map(|row| LockHolder::read(row, what)).collect()
}

impl LockHolder {
    /// Reads a row of the part `lock_holder` or `waits` of server.sql.
    pub(super) fn read(row: &Row, what: &'static str) -> Result<Self, DatabaseError> {
        Ok(Self {
            pid: row.field(what, 0)?,
            role: row.field(what, 1)?,
            program: row.field(what, 2)?,
            client: row.field(what, 3)?,
            since: row.field(what, 4)?,
        })
    }
}

impl fmt::Display for LockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |text: &Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(str::to_owned);
        match named(&self.program) {
            Some(program) => write!(f, "{program:?}")?,
            None => f.write_str("a session whose name this role may not see")?,
        }
        self.since.map_or(Ok(()), |since| write!(f, ", since {since:.0}"))?;
        write!(f, " (the server's process {}", self.pid)?;
        named(&self.role).map_or(Ok(()), |role| write!(f, ", role {role:?}"))?;
        named(&self.client).map_or(Ok(()), |client| write!(f, ", from {client}"))?;
        f.write_str(")")
    }
}
