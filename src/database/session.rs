//! A connection to the build database, and the read-only snapshots taken through it.
//!
//! Nothing is left to the session: each transaction is settled anew, since a pooler may give the next one to another session of the
//! server. See sql/engine/session.sql.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use tokio_postgres::types::{Kind, ToSql, Type};
use tokio_postgres::{CancelToken, Client, IsolationLevel, SimpleQueryMessage, Transaction};

use super::connect::{self, Connected, Way};
use super::identity::{self, DatabaseIdentity, Position};
use super::lock::{self, DeletionLock, Holder, Lock};
use super::row::Field;
use super::{DatabaseError, Row, Rows, Settings};

/// Settles what a transaction must not inherit: the search path, the time zone, how long it may idle.
const SESSION: &str = include_str!("../../sql/engine/session.sql");
/// Says whether it is still settled, and in which session of the server.
const SETTLED: &str = include_str!("../../sql/engine/settled.sql");
/// Goes back to the role's own search path.
const PATH_OF_ROLE: &str = include_str!("../../sql/engine/path_of_role.sql");
/// Says which schemas are on it.
const SCHEMAS: &str = include_str!("../../sql/engine/schemas.sql");
/// Says whether it is a standby.
const STANDBY: &str = include_str!("../../sql/engine/standby.sql");
/// Sets the `halfbuilt.*` settings for the transaction.
const SETTINGS: &str = include_str!("../../sql/engine/setting.sql");
/// Says how long a statement may run.
const STATEMENT_TIMEOUT: &str = include_str!("../../sql/engine/statement_timeout.sql");
/// What stands before a statement that is to be explained.
const EXPLAIN: &str = include_str!("../../sql/engine/explain.sql");
/// Lets the server compile statements, or not.
const JIT: &str = include_str!("../../sql/engine/jit.sql");

/// What is being done when a transaction is settled.
const SETTING_UP: &str = "setting up the session";

/// An open connection to the build database.
pub struct Database {
    client: Client,
    settings: Settings,
    way: Way,
    canceller: Canceller,
    /// How long a statement may run, where that is limited.
    longest: Option<Duration>,
    /// Asked for once.
    identity: Option<DatabaseIdentity>,
    /// The schemas on the role's own search path; asked for once.
    schemas: Option<Vec<String>>,
    /// The lock of a deletion, where this connection is for one.
    lock: Option<DeletionLock>,
}

/// Stops what the server is doing for a [`Database`], from elsewhere.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    way: Way,
}

/// A value for a statement's `$1`, `$2` ...
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// text\[\]
    Texts(Vec<String>),
    /// bigint\[\]
    Integers(Vec<i64>),
}

/// A column of a statement's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name that the statement gives it.
    pub name: String,
    /// PostgreSQL's name of its type (`int8`, `timestamptz` ...).
    pub type_name: String,
    /// The schema of its type.
    pub type_schema: String,
    /// The columns of the table whose row it is; `None` where it is no such row.
    pub fields: Option<Vec<String>>,
}

impl Database {
    /// Connects.
    ///
    /// # Errors
    /// The server cannot be reached or lets nobody in.
    pub async fn connect(settings: Settings) -> Result<Self, DatabaseError> {
        let Connected { client, way } = connect::connect(&settings).await?;
        let canceller = Canceller { token: client.cancel_token(), way: way.clone() };
        Ok(Self { client, settings, way, canceller, longest: None, identity: None, schemas: None, lock: None })
    }

    /// Has the server give up a statement that runs longer.
    pub fn limit(&mut self, longest: Duration) {
        self.longest = Some(longest);
    }

    /// Which database this is.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn identity(&mut self) -> Result<DatabaseIdentity, DatabaseError> {
        let identity = match self.identity.take() {
            Some(known) => known,
            None => {
                let named = identity::name(&self.begin().await?.transaction).await?;
                // In a transaction of its own, which a refusal may spoil.
                named.complete(&self.begin().await?.transaction).await?
            }
        };
        Ok(self.identity.insert(identity).clone())
    }

    /// Whether it is a standby.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn is_standby(&mut self) -> Result<bool, DatabaseError> {
        let what = "asking whether the server is a standby";
        let begun = self.begin().await?;
        let row = begun.transaction.query_typed_one(STANDBY, &[]).await.map_err(|source| query_error(what, source))?;
        row.field(what, 0)
    }

    /// Where the server is in its history; `None` where it does not tell.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn position(&mut self) -> Result<Option<Position>, DatabaseError> {
        identity::position(&self.begin().await?.transaction).await
    }

    /// The schemas in which a session of this role looks for tables, in their order.
    async fn schemas(&mut self) -> Result<Vec<String>, DatabaseError> {
        let what = "asking where tables are looked for";
        let schemas = match self.schemas.take() {
            Some(known) => known,
            None => {
                let begun = self.begin().await?;
                let failed = |source| query_error(what, source);
                begun.transaction.batch_execute(PATH_OF_ROLE).await.map_err(failed)?;
                begun.transaction.query_typed_one(SCHEMAS, &[]).await.map_err(failed)?.field(what, 0)?
            }
        };
        Ok(self.schemas.insert(schemas).clone())
    }

    /// Tries to become the only deletion on this database, for as long as this connection lives. From then on every snapshot makes
    /// sure that it still is. `holder` says who that is to be, in one word.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn lock(&mut self, holder: &str) -> Result<Lock, DatabaseError> {
        // The connection has to be the lock's own: foreign SQL runs on this one, and its transactions end.
        let Connected { client, .. } = connect::once_more(&self.settings, &self.way).await?;
        let (lock, taken) = lock::take(client, holder).await?;
        self.lock = taken;
        Ok(match lock {
            // A lock that cannot be seen by those who read is none: the two connections may lead to two servers.
            Lock::Taken if self.snapshot(&[]).await.is_err_and(|error| error.is_a_lost_lock()) => {
                self.lock = None;
                return Err(DatabaseError::LockLost);
            }
            other => other,
        })
    }

    /// The other sessions that hold the lock of [`Database::lock`], as far as this role may see them.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn lock_holders(&mut self) -> Result<Vec<Holder>, DatabaseError> {
        let own = self.lock.as_ref().map(DeletionLock::pid);
        let mut holders = lock::holders(&self.begin().await?.transaction).await?;
        holders.retain(|holder| Some(holder.pid) != own);
        Ok(holders)
    }

    /// Something that can stop a running statement while the snapshot is busy with it.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Begins a read-only transaction in which everything is seen as of one moment.
    ///
    /// `settings` become `halfbuilt.<name>` for the SQL in it; an absent one is set to the empty text.
    ///
    /// # Errors
    /// The connection is lost; something between here and the server does not keep the transaction together; the lock of the
    /// deletion that this is for is held no more.
    pub async fn snapshot(&mut self, settings: &[(&str, String)]) -> Result<Snapshot<'_>, DatabaseError> {
        let identity = self.identity().await?;
        let schemas = self.schemas().await?;
        let Begun { transaction, pid, lock } = self.begin().await?;
        let snapshot = Snapshot { transaction, identity, schemas, pid, lock };
        snapshot.give(settings).await?;
        Ok(snapshot)
    }

    /// Begins a transaction, and settles it before anything else is asked.
    async fn begin(&mut self) -> Result<Begun<'_>, DatabaseError> {
        let failed = |source| query_error(SETTING_UP, source);
        let begin = self.client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let transaction = begin.start().await.map_err(failed)?;
        transaction.batch_execute(SESSION).await.map_err(failed)?;
        if let Some(longest) = self.longest {
            // Zero would mean no limit at all.
            let milliseconds = longest.as_millis().max(1).to_string();
            let limited = STATEMENT_TIMEOUT.replace(":milliseconds", &milliseconds);
            transaction.batch_execute(&limited).await.map_err(failed)?;
        }
        let lock = self.lock.as_ref().map(DeletionLock::pid);
        let pid = settled(&transaction, lock, None).await?;
        Ok(Begun { transaction, pid, lock })
    }
}

/// A transaction that has been settled.
struct Begun<'a> {
    transaction: Transaction<'a>,
    /// The server's process in which it runs.
    pid: i64,
    /// The one that has to hold the lock of a deletion, where this is for one.
    lock: Option<i64>,
}

/// Makes sure that a transaction is what it was begun as: settled, in the server's process `begun_in`, with the lock held by `lock`.
/// Tells the process.
async fn settled(
    transaction: &Transaction<'_>,
    lock: Option<i64>,
    begun_in: Option<i64>,
) -> Result<i64, DatabaseError> {
    let holders: Vec<i64> = lock.into_iter().collect();
    let row = transaction.query_typed_one(SETTLED, &[(&holders, Type::INT8_ARRAY)]).await;
    let row = row.map_err(|source| query_error(SETTING_UP, source))?;
    let pid: i64 = row.field(SETTING_UP, 0)?;
    if let Some(before) = begun_in.filter(|before| *before != pid) {
        return Err(DatabaseError::Moved { before, now: pid });
    }
    if !row.field::<bool>(SETTING_UP, 1)? {
        return Err(DatabaseError::Unsettled);
    }
    if lock.is_some() && !row.field::<bool>(SETTING_UP, 2)? {
        return Err(DatabaseError::LockLost);
    }
    Ok(pid)
}

impl Canceller {
    /// Asks the server to stop the running statement. A server that does not answer is left alone.
    pub async fn cancel(&self) {
        connect::cancel(&self.token, &self.way).await;
    }
}

/// One consistent, read-only view of the build database. It ends when it is dropped.
pub struct Snapshot<'a> {
    transaction: Transaction<'a>,
    identity: DatabaseIdentity,
    schemas: Vec<String>,
    pid: i64,
    lock: Option<i64>,
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
    pub async fn holds(&self) -> Result<(), DatabaseError> {
        settled(&self.transaction, self.lock, Some(self.pid)).await.map(drop)
    }

    /// Gives settings to the SQL, as `halfbuilt.<name>`; those that are not named stay.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn give(&self, settings: &[(&str, String)]) -> Result<(), DatabaseError> {
        let (names, values) = settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).unzip();
        let parameters = [Parameter::Texts(names), Parameter::Texts(values)];
        let mut set = self.rows("giving the settings to the SQL", SETTINGS, &parameters).await?;
        while set.next().await?.is_some() {}
        Ok(())
    }

    /// Has the server check a statement, and tells the columns of its result.
    ///
    /// # Errors
    /// [`DatabaseError::Query`] with the server's complaint and its position.
    pub async fn columns(&self, what: &str, sql: &str) -> Result<Vec<Column>, DatabaseError> {
        let prepared = self.transaction.prepare(sql).await.map_err(|source| query_error(what, source))?;
        Ok(prepared.columns().iter().map(described).collect())
    }

    /// How the server would run a statement, as the JSON that it gives.
    ///
    /// # Errors
    /// [`DatabaseError::Query`] with the server's complaint and its position.
    pub async fn explanation(&self, what: &str, sql: &str) -> Result<String, DatabaseError> {
        let statement = format!("{EXPLAIN}{sql}");
        let rows = self.transaction.simple_query(&statement).await.map_err(|source| query_error(what, source))?;
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
    pub async fn compiles(&self, wanted: bool) -> Result<(), DatabaseError> {
        let statement = JIT.replace(":wanted", if wanted { "true" } else { "false" });
        let done = self.transaction.batch_execute(&statement).await;
        done.map_err(|source| query_error(SETTING_UP, source))
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
        let rows = self.transaction.query_typed_raw(sql, parameters).await;
        let rows = rows.map_err(|source| query_error(what, source))?;
        let rows = rows.map_ok(move |row| Row::new(row, what)).map_err(move |source| query_error(what, source));
        Ok(Rows { inner: rows.boxed() })
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

fn described(column: &tokio_postgres::Column) -> Column {
    let fields = match column.type_().kind() {
        Kind::Composite(fields) => Some(fields.iter().map(|field| field.name().to_owned()).collect()),
        _ => None,
    };
    Column {
        name: column.name().to_owned(),
        type_name: column.type_().name().to_owned(),
        type_schema: column.type_().schema().to_owned(),
        fields,
    }
}

fn query_error(what: &str, source: tokio_postgres::Error) -> DatabaseError {
    DatabaseError::statement(what, source)
}
