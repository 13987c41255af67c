//! One row of an answer, read by the names of its columns, and the answer as a stream of them.

use std::time::Duration;

use futures_util::{StreamExt, stream::BoxStream};
use jiff::Timestamp;
use tokio_postgres::types::{FromSql, Type};

use super::error::DatabaseError;
use crate::text::bytes;

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

    /// A text, or `None` for NULL. Bytes that are no UTF-8 are kept (see [`bytes`]).
    pub fn text(&self, column: &str) -> Result<Option<String>, DatabaseError> {
        Ok(self.get::<Text>(column)?.map(|text| text.0))
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
        Ok(strings(self.get(column)?.unwrap_or_default()))
    }

    fn get<'a, T: FromSql<'a>>(&'a self, column: &str) -> Result<Option<T>, DatabaseError> {
        let failed = |source| DatabaseError::Column { what: self.what, column: column.to_owned(), source };
        self.inner.try_get(column).map_err(failed)
    }
}

/// A text whose bytes need not be UTF-8.
struct Text(String);

impl<'a> FromSql<'a> for Text {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        match *kind {
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
                Ok(Self(bytes::decode(raw).into_owned()))
            }
            // What an extension has made of text.
            _ => String::from_sql(kind, raw).map(Self),
        }
    }

    fn accepts(kind: &Type) -> bool {
        <String as FromSql>::accepts(kind)
    }
}

fn strings(texts: Vec<Text>) -> Vec<String> {
    texts.into_iter().map(|text| text.0).collect()
}

/// Reads one value of a row that does not come from [`Rows`].
pub(super) trait Field {
    /// The value in a column; `what` was being read.
    fn field<'a, T: FromSql<'a>>(&'a self, what: &'static str, column: usize) -> Result<T, DatabaseError>;

    /// The text in a column, whose bytes need not be UTF-8.
    fn text(&self, what: &'static str, column: usize) -> Result<String, DatabaseError> {
        self.field::<Text>(what, column).map(|text| text.0)
    }

    /// The same of an array.
    fn texts(&self, what: &'static str, column: usize) -> Result<Vec<String>, DatabaseError> {
        self.field(what, column).map(strings)
    }
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
