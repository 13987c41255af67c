//! Which database this is: what tells a report's database from another one of the same name.

use tokio_postgres::Transaction;

use crate::sql;

use super::error::DatabaseError;
use super::row::Field;

/// Names the database, and says whether the identifier may be asked for.
const IDENTITY: &str = sql::SERVER.part("identity");
/// Asks for the identifier.
const SYSTEM_IDENTIFIER: &str = sql::SERVER.part("system_identifier");
/// Asks for its place in its history.
const POSITION: &str = sql::SERVER.part("position");
/// What is being done.
const WHAT: &str = "asking which database this is";

/// Which database a connection leads to.
///
/// A physical copy of a server has its identifier: two restores of one physical backup cannot be told apart by it, nor a
/// standby from its primary. Source: PostgreSQL manual, "9.27.11. Control Data Functions", `pg_control_system()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseIdentity {
    /// The number of the server's data directory; `None` where the role may not ask for it.
    pub system_identifier: Option<String>,
    /// The name of the database.
    pub name: String,
}

/// What may be asked of every server.
pub(super) struct Named {
    name: String,
    may_ask: bool,
}

/// Asks for the name.
pub(super) async fn name(transaction: &Transaction<'_>) -> Result<Named, DatabaseError> {
    let row = transaction.query_typed_one(IDENTITY, &[]).await.map_err(failed)?;
    Ok(Named { name: row.field(WHAT, 0)?, may_ask: row.field::<Option<bool>>(WHAT, 1)? == Some(true) })
}

impl Named {
    /// Asks for the rest. The server may refuse that, and the transaction is then of no more use.
    pub(super) async fn complete(self, transaction: &Transaction<'_>) -> Result<DatabaseIdentity, DatabaseError> {
        let mut identity = DatabaseIdentity { system_identifier: None, name: self.name };
        if self.may_ask {
            match transaction.query_typed_one(SYSTEM_IDENTIFIER, &[]).await.map_err(failed) {
                Ok(row) => identity.system_identifier = row.field(WHAT, 0)?,
                // Some hosted servers grant the right and refuse the answer.
                Err(error) if error.is_about_the_statement() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(identity)
    }
}

fn failed(source: tokio_postgres::Error) -> DatabaseError {
    DatabaseError::statement(WHAT, source)
}

impl std::fmt::Display for DatabaseIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.name)?;
        match &self.system_identifier {
            Some(number) => write!(f, " of the server with system identifier {number}"),
            None => f.write_str(" (this role may not ask for the server's system identifier)"),
        }
    }
}

/// A place in the history of a database server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Which history: each promotion of a standby begins a new one.
    pub timeline: u32,
    /// How many bytes of log had been written in it.
    pub written: i64,
}

/// Asks for the position. A server that does not tell has none, and a standby none of its own.
pub(super) async fn position(transaction: &Transaction<'_>) -> Result<Option<Position>, DatabaseError> {
    let what = "asking how far the server's log has come";
    let row = match transaction.query_typed_one(POSITION, &[]).await {
        Ok(row) => row,
        Err(source) => {
            let error = DatabaseError::statement(what, source);
            return if error.is_about_the_statement() { Ok(None) } else { Err(error) };
        }
    };
    let timeline: Option<String> = row.field(what, 0)?;
    let timeline = timeline.and_then(|digits| u32::from_str_radix(&digits, 16).ok());
    let written: Option<i64> = row.field(what, 1)?;
    Ok(timeline.zip(written).map(|(timeline, written)| Position { timeline, written }))
}
