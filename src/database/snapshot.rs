//! A consistent, read-only view of the build database.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{SimpleQueryMessage, Transaction};

use crate::sql;
use crate::text::bytes;

use super::columns::{self, Column};
use super::encoding::Encoding;
use super::error::DatabaseError;
use super::identity::DatabaseIdentity;
use super::row::Field;
use super::row::{Row, Rows};
use super::time_limit::{statement_timeout, within_limit};

/// Asks whether the settings are still in force, and for the server's process.
const SETTLED: &str = sql::SESSION.part("settled");
/// Asks whether the deletion lock is held.
const LOCK_HELD: &str = sql::SERVER.part("lock_held");
/// Sets the `halfbuilt.*` settings for the transaction.
const SETTINGS: &str = sql::SESSION.part("settings");
/// The words before a statement that is to be explained.
const EXPLAIN: &str = sql::CHECK.part("explain");
/// Lets the server compile statements, or not.
const JIT: &str = sql::SESSION.part("jit");
/// Has the server look up rows by an index, or not.
const BY_INDEX: &str = sql::SESSION.part("by_index");
/// Marks a place in the transaction.
const MARK: &str = sql::SESSION.part("mark");
/// Returns to the place that was marked last.
const GO_BACK: &str = sql::SESSION.part("go_back");
/// Forgets the place that was marked last.
const FORGET_MARK: &str = sql::SESSION.part("forget_mark");
/// Lets the server read indexes, or not.
const INDEXES: &str = sql::SESSION.part("indexes");

/// Lets the server read an index alone, or not.
const INDEX_ONLY: &str = sql::SESSION.part("index_only");
/// Has the server read tables without their indexes.
pub(super) const WITHOUT_INDEXES: &str = sql::COLLATION.part("without_indexes");

/// Has text sent as the bytes that are stored.
pub(super) const BYTES: &str = sql::SESSION.part("bytes");

pub(super) const SETTING_UP: &str = "setting up the session";

/// How long the server may take for a question that reads no rows. It may have to wait for a lock, but not longer than a minute.
const CATALOG_ANSWER_LIMIT: Duration = Duration::from_secs(75);

/// A value for a statement's `$1`, `$2` ...
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// text\[\]
    Texts(Vec<String>),
    /// bytea\[\], the bytes of these texts
    Bytes(Vec<String>),
    /// bigint\[\]
    Integers(Vec<i64>),
}

/// Checks that a transaction still has its settings, is in the server's process `begun_in`, and that the process `lock` holds the deletion
/// lock. Returns the process of the transaction.
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

/// A consistent, read-only view of the build database. It ends when it is dropped.
pub struct Snapshot<'a> {
    pub(super) transaction: Transaction<'a>,
    pub(super) identity: DatabaseIdentity,
    pub(super) schemas: Vec<String>,
    /// The server's process in which it began.
    pub(super) pid: i64,
    /// The process that has to hold the deletion lock, if this is for a deletion.
    pub(super) lock: Option<i64>,
    /// How long each answer of the server may take.
    pub(super) answer_limit: Option<Duration>,
    pub(super) encoding: Encoding,
    /// Whether no index may be read in it any more: one of them is damaged, or in another order.
    pub(super) distrusts_indexes: AtomicBool,
}

impl Snapshot<'_> {
    /// The database that it shows.
    pub fn identity(&self) -> &DatabaseIdentity {
        &self.identity
    }

    /// How the text of the database becomes UTF-8.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The schemas on this role's search path, in order.
    pub fn schemas(&self) -> &[String] {
        &self.schemas
    }

    /// Checks, after the last row, that everything was read in one transaction with its settings. Before that, nothing that was read is
    /// certain.
    ///
    /// # Errors
    /// It was not; the deletion lock is no longer held; the connection is lost.
    pub async fn check_unbroken(&self) -> Result<(), DatabaseError> {
        let check = check_settings(&self.transaction, self.lock, Some(self.pid));
        within_limit(SETTING_UP, self.catalog_answer_limit(), check).await.map(drop)
    }

    /// Sets `halfbuilt.<name>` for the SQL; other settings stay as they are.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn set(&self, settings: &[(&str, String)]) -> Result<(), DatabaseError> {
        let (names, values) = settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).unzip();
        let parameters = [Parameter::Texts(names), Parameter::Texts(values)];
        let mut set = self.rows("setting the parameters of the SQL", SETTINGS, &parameters).await?;
        while set.next().await?.is_some() {}
        Ok(())
    }

    /// Has the server check a statement, which may have parameters.
    ///
    /// # Errors
    /// [`DatabaseError::Query`] with the server's complaint and its position.
    pub async fn check(&self, what: &str, sql: &str) -> Result<(), DatabaseError> {
        within_limit(what, self.catalog_answer_limit(), columns::check(&self.transaction, what, sql)).await
    }

    /// Has the server check a statement without parameters, and reads the columns of its result.
    ///
    /// # Errors
    /// [`DatabaseError::Query`] with the server's complaint and its position.
    pub async fn columns(&self, what: &str, sql: &str) -> Result<Vec<Column>, DatabaseError> {
        within_limit(what, self.catalog_answer_limit(), columns::read(&self.transaction, what, sql)).await
    }

    /// The server's plan of a statement, as JSON.
    ///
    /// # Errors
    /// [`DatabaseError::Query`] with the server's complaint and its position.
    pub async fn explain(&self, what: &str, sql: &str) -> Result<String, DatabaseError> {
        let statement = format!("{EXPLAIN}{sql}");
        let explain =
            async { self.transaction.simple_query(&statement).await.map_err(|source| query_error(what, source)) };
        let rows = within_limit(what, self.catalog_answer_limit(), explain).await?;
        let lines = rows.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.try_get(0).map_err(|source| query_error(what, source)).transpose(),
            _ => None,
        });
        lines.collect()
    }

    /// Has the server read tables without their indexes from now on, whatever is allowed later.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn read_without_indexes(&self) -> Result<(), DatabaseError> {
        self.order(WITHOUT_INDEXES).await?;
        self.distrusts_indexes.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Has the server send text as the bytes that are stored from now on.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn read_bytes(&self) -> Result<(), DatabaseError> {
        self.order(BYTES).await
    }

    /// Limits how long each of the next statements may run. The server stops one that runs longer.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn limit_statements(&self, limit: Duration) -> Result<(), DatabaseError> {
        self.order(&statement_timeout(limit)).await
    }

    /// Lets the server compile the next statements (if its own settings allow it), or not.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn set_jit(&self, allowed: bool) -> Result<(), DatabaseError> {
        self.order(&sql::filled(JIT, &[("wanted", if allowed { "true" } else { "false" })])).await
    }

    /// Has the server look up rows by an index wherever it can, and read no table as a whole; or choose by itself again. Never after
    /// [`Self::read_without_indexes`].
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn set_by_index(&self, wanted: bool) -> Result<(), DatabaseError> {
        if self.distrusts_indexes.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.order(&sql::filled(BY_INDEX, &[("wanted", if wanted { "true" } else { "false" })])).await
    }

    /// Marks the place to which [`Self::go_back`] returns when a statement has failed: without it, the snapshot would be lost.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn mark(&self) -> Result<(), DatabaseError> {
        self.order(MARK).await
    }

    /// Returns to the place that was marked last, with the settings of then. It stays marked.
    ///
    /// # Errors
    /// The connection is lost; nothing was marked.
    pub async fn go_back(&self) -> Result<(), DatabaseError> {
        self.order(GO_BACK).await
    }

    /// Forgets the place that was marked last. No rows may be left to read.
    ///
    /// # Errors
    /// The connection is lost; nothing was marked.
    pub async fn forget_mark(&self) -> Result<(), DatabaseError> {
        self.order(FORGET_MARK).await
    }

    /// Lets the server read the next statements from indexes (if its own settings allow it, and [`Self::read_without_indexes`] does not forbid
    /// it), or from tables alone.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn set_indexes(&self, allowed: bool) -> Result<(), DatabaseError> {
        let allowed = allowed && !self.distrusts_indexes.load(Ordering::Relaxed);
        self.order(&sql::filled(INDEXES, &[("wanted", if allowed { "true" } else { "false" })])).await
    }

    /// Lets the server read the next statements from an index alone (if its own settings allow it), or from tables too.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn set_index_only(&self, allowed: bool) -> Result<(), DatabaseError> {
        let allowed = allowed && !self.distrusts_indexes.load(Ordering::Relaxed);
        self.order(&sql::filled(INDEX_ONLY, &[("wanted", if allowed { "true" } else { "false" })])).await
    }

    async fn order(&self, statement: &str) -> Result<(), DatabaseError> {
        let done =
            async { self.transaction.batch_execute(statement).await.map_err(|source| query_error(SETTING_UP, source)) };
        within_limit(SETTING_UP, self.catalog_answer_limit(), done).await
    }

    /// Runs a statement and streams its rows.
    ///
    /// # Errors
    /// The server stops with an error before the first row; later errors come from [`Rows::next`].
    pub async fn rows(
        &self,
        what: &'static str,
        sql: &str,
        parameters: &[Parameter],
    ) -> Result<Rows<'_>, DatabaseError> {
        // Without a prepared statement: a pooler may look for it in another session.
        let parameters = parameters.iter().map(|parameter| (parameter, parameter.type_of()));
        let ask = async {
            let asked = self.transaction.query_typed_raw(sql, parameters).await;
            asked.map_err(|source| query_error(what, source))
        };
        let rows = within_limit(what, self.answer_limit, ask).await?;
        let rows = rows.map_ok(move |row| Row::new(row, what)).map_err(move |source| query_error(what, source));
        Ok(Rows { inner: rows.boxed(), what, answer_limit: self.answer_limit })
    }

    /// How long an answer may take that needs no rows.
    fn catalog_answer_limit(&self) -> Option<Duration> {
        Some(self.answer_limit.map_or(CATALOG_ANSWER_LIMIT, |limit| limit.min(CATALOG_ANSWER_LIMIT)))
    }
}

impl Parameter {
    fn type_of(&self) -> Type {
        match self {
            Self::Texts(_) => Type::TEXT_ARRAY,
            Self::Bytes(_) => Type::BYTEA_ARRAY,
            Self::Integers(_) => Type::INT8_ARRAY,
        }
    }
}

impl ToSql for Parameter {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Texts(values) | Self::Bytes(values) => {
                values.iter().map(|value| Stored(value)).collect::<Vec<_>>().to_sql(kind, out)
            }
            Self::Integers(values) => values.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::TEXT_ARRAY, Type::BYTEA_ARRAY, Type::INT8_ARRAY].contains(kind)
    }

    to_sql_checked!();
}

/// A text as the bytes that it was read as.
#[derive(Debug)]
struct Stored<'a>(&'a str);

impl ToSql for Stored<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&bytes::encode(self.0));
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        [Type::TEXT, Type::BYTEA].contains(kind)
    }

    to_sql_checked!();
}

pub(super) fn query_error(what: &str, source: tokio_postgres::Error) -> DatabaseError {
    DatabaseError::statement(what, source)
}
