//! One row of an answer, read by the names of its columns, and the answer as a stream of them.

use std::time::Duration;

use futures_util::{StreamExt, stream::BoxStream};
use jiff::Timestamp;
use tokio_postgres::types::FromSql;

use super::error::DatabaseError;
use super::time_limit::within_limit;

/// One row of an answer.
pub struct Row {
    inner: tokio_postgres::Row,
    what: &'static str,
}

impl Row {
    pub(super) fn new(inner: tokio_postgres::Row, what: &'static str) -> Self {
        Self { inner, what }
    }

    /// A text, or `None` for NULL.
    pub fn text(&self, column: &str) -> Result<Option<String>, DatabaseError> {
        self.get(column)
    }

    /// A bigint, or `None` for NULL.
    pub fn integer(&self, column: &str) -> Result<Option<i64>, DatabaseError> {
        self.get(column)
    }

    /// A boolean, or `None` for NULL.
    pub fn boolean(&self, column: &str) -> Result<Option<bool>, DatabaseError> {
        self.get(column)
    }

    /// A double precision, or `None` for NULL.
    pub fn number(&self, column: &str) -> Result<Option<f64>, DatabaseError> {
        self.get(column)
    }

    /// A timestamptz, or `None` for NULL. Infinities cannot be read: the SQL has to replace them.
    pub fn time(&self, column: &str) -> Result<Option<Timestamp>, DatabaseError> {
        self.get(column)
    }

    /// An array of texts, empty for NULL.
    pub fn texts(&self, column: &str) -> Result<Vec<String>, DatabaseError> {
        Ok(self.get::<Vec<String>>(column)?.unwrap_or_default())
    }

    fn get<'a, T: FromSql<'a>>(&'a self, column: &str) -> Result<Option<T>, DatabaseError> {
        let failed = |source| DatabaseError::Column { what: self.what, column: column.to_owned(), source };
        self.inner.try_get(column).map_err(failed)
    }
}

/// Reads one value of a row that does not come from [`Rows`].
pub(super) trait Field {
    /// The value in a column; `what` was being read.
    fn field<'a, T: FromSql<'a>>(&'a self, what: &'static str, column: usize) -> Result<T, DatabaseError>;
}

impl Field for tokio_postgres::Row {
    fn field<'a, T: FromSql<'a>>(&'a self, what: &'static str, column: usize) -> Result<T, DatabaseError> {
        let failed = |source| DatabaseError::Column { what, column: column.to_string(), source };
        self.try_get(column).map_err(failed)
    }
}

/// The rows of one statement, read from the connection as they are asked for.
pub struct Rows<'a> {
    pub(super) inner: BoxStream<'a, Result<Row, DatabaseError>>,
    pub(super) what: &'static str,
    /// How long each answer of the server may take.
    pub(super) answer_limit: Option<Duration>,
}

impl Rows<'_> {
    /// The next row, or `None` after the last.
    ///
    /// # Errors
    /// The server stops with an error, or does not answer in time.
    pub async fn next(&mut self) -> Result<Option<Row>, DatabaseError> {
        within_limit(self.what, self.answer_limit, async { self.inner.next().await.transpose() }).await
    }
}
