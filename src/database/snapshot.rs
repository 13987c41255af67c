//! One consistent, read-only view of the build database, and what can be asked through it.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{SimpleQueryMessage, Transaction};

use crate::sql;

use super::columns::{self, Column};
use super::error::DatabaseError;
use super::identity::DatabaseIdentity;
use super::row::Field;
use super::row::{Row, Rows};
use super::time_limit::within_limit;

/// Says whether the settings are still in force, and in which session of the server.
const SETTLED: &str = sql::SESSION.part("settled");
/// Says whether the lock of a deletion is held.
const LOCK_HELD: &str = sql::SERVER.part("lock_held");
/// Sets the `halfbuilt.*` settings for the transaction.
const SETTINGS: &str = sql::SESSION.part("settings");
/// What stands before a statement that is to be explained.
const EXPLAIN: &str = sql::CHECK.part("explain");
/// Lets the server compile statements, or not.
const JIT: &str = sql::SESSION.part("jit");

/// What is being done when a transaction is settled.
pub(super) const SETTING_UP: &str = "setting up the session";

/// How long the server may take to say what a statement would give: it may have to wait for a lock, which it does for a minute at most.
const LOOKING: Duration = Duration::from_secs(75);

/// A value for a statement's `$1`, `$2` ...
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// text\[\]
    Texts(Vec<String>),
    /// bigint\[\]
    Integers(Vec<i64>),
}

/// Makes sure that a transaction is what it was begun as: with its settings, in the server's process `begun_in`, with the lock held by `lock`.
/// Tells the process.
pub(super) async fn check_settings(
    transaction: &Transaction<'_>,
    lock: Option<i64>,
    begun_in: Option<i64>,
) -> Result<i64, DatabaseError> {
    let failed = |source| query_error(SETTING_UP, source);
    let row = transaction.query_typed_one(SETTLED, &[]).await.map_err(failed)?;
    let pid: i64 = row.field(SETTING_UP, 0)?;
    if let Some(before) = begun_in.filter(|before| *before != pid) {
        return Err(DatabaseError::Moved { before, now: pid });
    }
    if !row.field::<bool>(SETTING_UP, 1)? {
        return Err(DatabaseError::SettingsLost);
    }
    if let Some(lock) = lock {
        let held = transaction.query_typed_one(LOCK_HELD, &[(&vec![lock], Type::INT8_ARRAY)]).await;
        if !held.map_err(failed)?.field::<bool>(SETTING_UP, 0)? {
            return Err(DatabaseError::LockLost);
        }
    }
    Ok(pid)
}

/// One consistent, read-only view of the build database. It ends when it is dropped.
pub struct Snapshot<'a> {
    pub(super) transaction: Transaction<'a>,
    pub(super) identity: DatabaseIdentity,
    pub(super) schemas: Vec<String>,
    /// The server's process in which it was begun.
    pub(super) pid: i64,
    /// The one that has to hold the lock of a deletion, where this is for one.
    pub(super) lock: Option<i64>,
    /// How long the server may say nothing, where that is limited.
    pub(super) silence: Option<Duration>,
}

impl Snapshot<'_> {
    /// Which database is seen.
    pub fn identity(&self) -> &DatabaseIdentity {
        &self.identity
    }

    /// The schemas in which a session of this role looks for tables, in their order.
    pub fn schemas(&self) -> &[String] {
        &self.schemas
    }

    /// Makes sure, once all has been read, that all of it was read in one transaction as it was settled: what has been read is not to
    /// be believed before.
    ///
    /// # Errors
    /// It was not; the lock of the deletion is held no more; the connection is lost.
    pub async fn check_unbroken(&self) -> Result<(), DatabaseError> {
        let settled = check_settings(&self.transaction, self.lock, Some(self.pid));
        within_limit(SETTING_UP, self.looking(), settled).await.map(drop)
    }

    /// Gives settings to the SQL, as `halfbuilt.<name>`; those that are not named stay.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn set(&self, settings: &[(&str, String)]) -> Result<(), DatabaseError> {
        let (names, values) = settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).unzip();
        let parameters = [Parameter::Texts(names), Parameter::Texts(values)];
        let mut set = self.rows("giving the settings to the SQL", SETTINGS, &parameters).await?;
        while set.next().await?.is_some() {}
        Ok(())
    }

    /// Has the server check a statement, which may have parameters.
    ///
    /// # Errors
    /// [`DatabaseError::Query`] with the server's complaint and its position.
    pub async fn check(&self, what: &str, sql: &str) -> Result<(), DatabaseError> {
        within_limit(what, self.looking(), columns::check(&self.transaction, what, sql)).await
    }

    /// Has the server check a statement without parameters, and tells the columns of its result.
    ///
    /// # Errors
    /// [`DatabaseError::Query`] with the server's complaint and its position.
    pub async fn columns(&self, what: &str, sql: &str) -> Result<Vec<Column>, DatabaseError> {
        within_limit(what, self.looking(), columns::read(&self.transaction, what, sql)).await
    }

    /// How the server would run a statement, as the JSON that it gives.
    ///
    /// # Errors
    /// [`DatabaseError::Query`] with the server's complaint and its position.
    pub async fn explain(&self, what: &str, sql: &str) -> Result<String, DatabaseError> {
        let statement = format!("{EXPLAIN}{sql}");
        let explain =
            async { self.transaction.simple_query(&statement).await.map_err(|source| query_error(what, source)) };
        let rows = within_limit(what, self.looking(), explain).await?;
        let lines = rows.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        Ok(lines.collect())
    }

    /// Lets the server compile the next statements, if its settings say so, or not.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn set_jit(&self, wanted: bool) -> Result<(), DatabaseError> {
        let statement = sql::filled(JIT, &[("wanted", if wanted { "true" } else { "false" })]);
        let set = async {
            self.transaction.batch_execute(&statement).await.map_err(|source| query_error(SETTING_UP, source))
        };
        within_limit(SETTING_UP, self.looking(), set).await
    }

    /// Runs a statement and streams its rows.
    ///
    /// # Errors
    /// What the server complains about before the first row; later complaints come from [`Rows::next`].
    pub async fn rows(
        &self,
        what: &'static str,
        sql: &str,
        parameters: &[Parameter],
    ) -> Result<Rows<'_>, DatabaseError> {
        // Without a prepared statement, which a pooler may look for in another session.
        let parameters = parameters.iter().map(|parameter| (parameter.as_sql(), parameter.type_of()));
        let ask = async {
            let asked = self.transaction.query_typed_raw(sql, parameters).await;
            asked.map_err(|source| query_error(what, source))
        };
        let rows = within_limit(what, self.silence, ask).await?;
        let rows = rows.map_ok(move |row| Row::new(row, what)).map_err(move |source| query_error(what, source));
        Ok(Rows { inner: rows.boxed(), what, silence: self.silence })
    }

    /// How long the server may take for what needs no look at the rows.
    fn looking(&self) -> Option<Duration> {
        Some(self.silence.map_or(LOOKING, |silence| silence.min(LOOKING)))
    }
}

impl Parameter {
    fn as_sql(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Texts(values) => values,
            Self::Integers(values) => values,
        }
    }

    fn type_of(&self) -> Type {
        match self {
            Self::Texts(_) => Type::TEXT_ARRAY,
            Self::Integers(_) => Type::INT8_ARRAY,
        }
    }
}

pub(super) fn query_error(what: &str, source: tokio_postgres::Error) -> DatabaseError {
    DatabaseError::statement(what, source)
}
