//! A connection to the build database, and the read-only snapshots taken through it.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use tokio_postgres::types::{Kind, ToSql};
use tokio_postgres::{CancelToken, Client, IsolationLevel, Transaction};

use super::connect::{self, Connected};
use super::identity::{DatabaseIdentity, Whereabouts};
use super::lock::{self, Holder, Lock};
use super::route::Route;
use super::{DatabaseError, Row, Rows, Settings};

/// Settles what a session must not inherit: the time zone, the search path, how long it may idle.
const SESSION: &str = include_str!("../../sql/engine/session.sql");
/// Sets the `halfbuilt.*` settings for the transaction.
const SETTINGS: &str = include_str!("../../sql/engine/setting.sql");
/// Says how long a statement may run.
const STATEMENT_TIMEOUT: &str = include_str!("../../sql/engine/statement_timeout.sql");
/// Lets the server compile statements, or not.
const JIT: &str = include_str!("../../sql/engine/jit.sql");

/// An open connection to the build database.
pub struct Database {
    client: Client,
    canceller: Canceller,
    /// Asked for once.
    identity: Option<DatabaseIdentity>,
}

/// Stops what the server is doing for a [`Database`], from elsewhere.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    route: Route,
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
        let Connected { client, route } = connect::connect(&settings).await?;
        let canceller = Canceller { token: client.cancel_token(), route };
        let database = Self { client, canceller, identity: None };
        let settled = database.client.batch_execute(SESSION).await;
        settled.map_err(|source| query_error("setting up the session", source))?;
        Ok(database)
    }

    /// Has the server give up a statement that runs longer.
    ///
    /// # Errors
    /// The connection is lost; the server does not take such a long time.
    pub async fn limit(&self, longest: Duration) -> Result<(), DatabaseError> {
        // Zero would mean no limit at all.
        let milliseconds = longest.as_millis().max(1);
        let done =
            self.client.batch_execute(&STATEMENT_TIMEOUT.replace(":milliseconds", &milliseconds.to_string())).await;
        done.map_err(|source| query_error("setting up the session", source))
    }

    /// Which database this is.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn identity(&mut self) -> Result<DatabaseIdentity, DatabaseError> {
        let identity = match self.identity.take() {
            Some(known) => known,
            None => DatabaseIdentity::ask(&self.client).await?,
        };
        Ok(self.identity.insert(identity).clone())
    }

    /// Whether it is a standby, and where tables are looked for.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn whereabouts(&self) -> Result<Whereabouts, DatabaseError> {
        Whereabouts::ask(&self.client).await
    }

    /// Tries to become the only deletion on this database, for as long as this connection lives.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn lock(&self) -> Result<Lock, DatabaseError> {
        lock::take(&self.client).await
    }

    /// The other sessions that hold the lock of [`Database::lock`], as far as this role may see them.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn lock_holders(&self) -> Result<Vec<Holder>, DatabaseError> {
        lock::holders(&self.client).await
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
    /// The connection is lost.
    pub async fn snapshot(&mut self, settings: &[(&str, String)]) -> Result<Snapshot<'_>, DatabaseError> {
        let identity = self.identity().await?;
        let begin = self.client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let transaction = begin.start().await.map_err(|source| query_error("beginning a snapshot", source))?;
        let snapshot = Snapshot { transaction, identity };
        snapshot.give(settings).await?;
        Ok(snapshot)
    }
}

impl Canceller {
    /// Asks the server to stop the running statement. A server that does not answer is left alone.
    pub async fn cancel(&self) {
        connect::cancel(&self.token, &self.route).await;
    }
}

/// One consistent, read-only view of the build database. It ends when it is dropped.
pub struct Snapshot<'a> {
    transaction: Transaction<'a>,
    identity: DatabaseIdentity,
}

impl Snapshot<'_> {
    /// Which database is seen.
    pub fn identity(&self) -> &DatabaseIdentity {
        &self.identity
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

    /// Lets the server compile the next statements, if its settings say so, or not.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn compiles(&self, wanted: bool) -> Result<(), DatabaseError> {
        let statement = JIT.replace(":wanted", if wanted { "true" } else { "false" });
        let done = self.transaction.batch_execute(&statement).await;
        done.map_err(|source| query_error("setting up the session", source))
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
        let parameters = parameters.iter().map(Parameter::as_sql);
        let rows = self.transaction.query_raw(sql, parameters).await;
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
