//! A connection that writes, to the tables of documents alone. Nothing else in the program writes to a database.

use std::error::Error;

use jiff::Timestamp;
use tokio_postgres::Client;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::libpq::{self, Connected, Settings};
use crate::sql;

use super::connection::SERVER_KIND;
use super::error::DatabaseError;
use super::row::Row;
use super::snapshot::query_error;

/// What each transaction begins with.
const WRITING: &str = sql::COLLECT.part("writing");

/// A connection that writes. Each statement is a transaction of its own: it is done as a whole, or not at all.
pub struct Writer {
    client: Client,
}

/// A value for a statement.
#[derive(Debug)]
pub enum Value {
    Text(Option<String>),
    Texts(Vec<Option<String>>),
    Integer(i64),
    /// Integers of four bytes.
    Places(Vec<Option<i32>>),
    Integers(Vec<Option<i64>>),
    Boolean(bool),
    Booleans(Vec<bool>),
    Time(Option<Timestamp>),
    Times(Vec<Option<Timestamp>>),
}

impl Writer {
    /// Connects.
    ///
    /// # Errors
    /// The server cannot be reached, or does not let the client in.
    pub async fn connect(settings: &Settings) -> Result<Self, DatabaseError> {
        let Connected { client, .. } = libpq::connect(settings, SERVER_KIND).await?;
        Ok(Self { client })
    }

    /// Runs one statement, and gives back its rows. `what` says what is being done.
    ///
    /// # Errors
    /// The statement fails: then it has changed nothing. The connection is lost: then whether it has is not known.
    pub async fn ask(
        &mut self,
        what: &'static str,
        statement: &str,
        values: &[Value],
    ) -> Result<Vec<Row>, DatabaseError> {
        let failed = |source| query_error(what, source);
        let transaction = self.client.transaction().await.map_err(failed)?;
        transaction.batch_execute(WRITING).await.map_err(failed)?;
        let typed: Vec<(&(dyn ToSql + Sync), Type)> =
            values.iter().map(|value| (value as &(dyn ToSql + Sync), value.type_of())).collect();
        let rows = transaction.query_typed(statement, &typed).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(rows.into_iter().map(|row| Row::new(row, what)).collect())
    }

    /// Runs statements that have no parameters, all of them or none.
    ///
    /// # Errors
    /// As of [`Self::ask`].
    pub async fn run(&mut self, what: &'static str, statements: &str) -> Result<(), DatabaseError> {
        let failed = |source| query_error(what, source);
        let transaction = self.client.transaction().await.map_err(failed)?;
        transaction.batch_execute(WRITING).await.map_err(failed)?;
        transaction.batch_execute(statements).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }
}

impl Value {
    /// A text that is there.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Some(text.into()))
    }

    fn type_of(&self) -> Type {
        match self {
            Self::Text(_) => Type::TEXT,
            Self::Texts(_) => Type::TEXT_ARRAY,
            Self::Integer(_) => Type::INT8,
            Self::Places(_) => Type::INT4_ARRAY,
            Self::Integers(_) => Type::INT8_ARRAY,
            Self::Boolean(_) => Type::BOOL,
            Self::Booleans(_) => Type::BOOL_ARRAY,
            Self::Time(_) => Type::TIMESTAMPTZ,
            Self::Times(_) => Type::TIMESTAMPTZ_ARRAY,
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Text(value) => value.to_sql(kind, out),
            Self::Texts(values) => values.to_sql(kind, out),
            Self::Integer(value) => value.to_sql(kind, out),
            Self::Places(values) => values.to_sql(kind, out),
            Self::Integers(values) => values.to_sql(kind, out),
            Self::Boolean(value) => value.to_sql(kind, out),
            Self::Booleans(values) => values.to_sql(kind, out),
            Self::Time(value) => value.to_sql(kind, out),
            Self::Times(values) => values.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [
            Type::TEXT,
            Type::TEXT_ARRAY,
            Type::INT8,
            Type::INT4_ARRAY,
            Type::INT8_ARRAY,
            Type::BOOL,
            Type::BOOL_ARRAY,
            Type::TIMESTAMPTZ,
            Type::TIMESTAMPTZ_ARRAY,
        ]
        .contains(kind)
    }

    to_sql_checked!();
}
