//! One deleter at a time: a lock that lives as long as the connection.

use std::fmt;

use jiff::Timestamp;
use tokio_postgres::{Client, Row};

use super::DatabaseError;

/// Takes the lock, if nobody has it.
const LOCK: &str = include_str!("../../sql/engine/lock.sql");
/// Says who has it.
const LOCK_HOLDER: &str = include_str!("../../sql/engine/lock_holder.sql");

/// What came of the wish to be the only one.
#[derive(Debug)]
pub enum Lock {
    /// The lock is this connection's until it ends.
    Taken,
    /// Somebody else has it: the sessions that do, as far as they can be seen.
    Held(Vec<Holder>),
    /// The server does not let this role take a lock, or knows none.
    NotAllowed(DatabaseError),
}

/// A session that has the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The server's process.
    pub pid: i64,
    /// The role; `None` for what this role may not see, here and below.
    pub role: Option<String>,
    /// What it calls itself (`application_name`).
    pub program: Option<String>,
    /// Where it comes from.
    pub client: Option<String>,
    /// When it connected.
    pub since: Option<Timestamp>,
}

/// Takes the lock, or says who has it.
pub(super) async fn take(client: &Client) -> Result<Lock, DatabaseError> {
    let what = "taking the lock of a deletion";
    match client.query_one(LOCK, &[]).await {
        Ok(row) => match row.try_get(0).map_err(|source| DatabaseError::Column { what, column: 0, source })? {
            true => Ok(Lock::Taken),
            false => Ok(Lock::Held(holders(client).await?)),
        },
        Err(source) => {
            let error = DatabaseError::statement(what, source);
            if error.is_about_the_statement() { Ok(Lock::NotAllowed(error)) } else { Err(error) }
        }
    }
}

/// Who has the lock, other than this connection. Who may not see it sees nobody.
pub(super) async fn holders(client: &Client) -> Result<Vec<Holder>, DatabaseError> {
    let what = "asking who holds the lock of a deletion";
    let rows = match client.query(LOCK_HOLDER, &[]).await {
        Ok(rows) => rows,
        Err(source) => {
            let error = DatabaseError::statement(what, source);
            return if error.is_about_the_statement() { Ok(Vec::new()) } else { Err(error) };
        }
    };
    let read = |row: &Row| {
        let cell = |column| move |source| DatabaseError::Column { what, column, source };
        Ok(Holder {
            pid: row.try_get(0).map_err(cell(0))?,
            role: row.try_get(1).map_err(cell(1))?,
            program: row.try_get(2).map_err(cell(2))?,
            client: row.try_get(3).map_err(cell(3))?,
            since: row.try_get(4).map_err(cell(4))?,
        })
    };
    rows.iter().map(read).collect()
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.pid)?;
        let named = |text: &Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(str::to_owned);
        named(&self.program).map_or(Ok(()), |program| write!(f, " of {program:?}"))?;
        named(&self.role).map_or(Ok(()), |role| write!(f, " as {role:?}"))?;
        named(&self.client).map_or(Ok(()), |client| write!(f, " from {client}"))?;
        self.since.map_or(Ok(()), |since| write!(f, ", connected since {since:.0}"))
    }
}
