//! Which database a connection leads to: the name of the database, and the identifier of its server.

use tokio_postgres::Transaction;

use crate::sql;
use crate::text::Foreign;

use super::error::DatabaseError;
use super::row::Field;

/// Names the database, and whether the role may ask for the identifier.
const IDENTITY: &str = sql::SERVER.part("identity");
/// Asks for the identifier.
const SYSTEM_IDENTIFIER: &str = sql::SERVER.part("system_identifier");
/// Asks for its place in its history.
const POSITION: &str = sql::SERVER.part("position");
/// What is being done.
const WHAT: &str = "asking which database this is";

/// Which database a connection leads to.
///
/// A physical copy of a server has its identifier, so it distinguishes neither two restores of one physical backup nor a standby
/// from its primary. Source: PostgreSQL manual, "9.27.11. Control Data Functions", `pg_control_system()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseIdentity {
    /// The number of the server's data directory; `None` if the role may not ask for it.
    pub system_identifier: Option<String>,
    /// The name of the database; the host of the CI where its builds are copies.
    pub name: String,
    /// Whether the builds are copies of what a CI keeps elsewhere: then that CI is meant, wherever the copies are.
    pub is_source: bool,
}

impl DatabaseIdentity {
    /// The identity of the CI whose documents were collected.
    pub fn of_source(host: String) -> Self {
        Self { system_identifier: None, name: host, is_source: true }
    }
}

/// The part of the identity that every server answers.
pub(super) struct NamedDatabase {
    name: String,
    may_ask: bool,
}

/// Asks for the name.
pub(super) async fn name(transaction: &Transaction<'_>) -> Result<NamedDatabase, DatabaseError> {
    let row = transaction.query_typed_one(IDENTITY, &[]).await.map_err(failed)?;
    Ok(NamedDatabase { name: row.text(WHAT, 0)?, may_ask: row.field::<Option<bool>>(WHAT, 1)? == Some(true) })
}

impl NamedDatabase {
    /// Asks for the rest. The server may refuse, and the transaction is then useless.
    pub(super) async fn complete(self, transaction: &Transaction<'_>) -> Result<DatabaseIdentity, DatabaseError> {
        let mut identity = DatabaseIdentity { system_identifier: None, name: self.name, is_source: false };
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
        if self.is_source {
            return write!(f, "of {}", Foreign::name(&self.name));
        }
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
    /// The history: each promotion of a standby begins a new one.
    pub timeline: u32,
    /// How many bytes of log had been written.
    pub written: i64,
}

/// Asks for the position; `None` on a standby, and on a server that refuses the question.
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
