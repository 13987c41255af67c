//! Reads which columns a statement has, and leaves nothing behind in the session of the server.
//!
//! The client library can read them too. But for each type that is not built in it prepares statements and uses them again in later
//! transactions, for which a pooler has another session.

use futures_util::future::join;
use tokio_postgres::{Row, Transaction};

use crate::sql;

use super::error::DatabaseError;
use super::row::Field;

/// Has the server check the statement that follows.
const PREPARE: &str = sql::CHECK.part("prepare");
/// Has it forget that statement.
const UNPREPARE: &str = sql::CHECK.part("unprepare");
/// Names the columns.
const NAMES: &str = sql::CHECK.part("column_names");
/// Names their types.
const TYPES: &str = sql::CHECK.part("column_types");
/// The piece of that statement for one column.
const TYPE: &str = sql::CHECK.part("column_type");

/// What is being read.
const WHAT: &str = "the columns of a statement";

/// A column of a statement's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name that the statement gives it.
    pub name: String,
    /// PostgreSQL's name of its type (`int8`, `timestamptz` ...).
    pub type_name: String,
    /// The schema of its type.
    pub type_schema: String,
    /// If it is the row of a table, the columns of that table.
    pub fields: Option<Vec<String>>,
}

/// Has the server check a statement, which may have parameters.
///
/// # Errors
/// [`DatabaseError::Query`] with the server's complaint and its position.
pub(super) async fn check(transaction: &Transaction<'_>, what: &str, sql: &str) -> Result<(), DatabaseError> {
    let prepare = format!("{PREPARE}{sql}");
    // Sent together, but not by the simple protocol, in which one text can be two statements.
    let (prepared, forgotten) =
        join(transaction.query_typed(&prepare, &[]), transaction.query_typed(UNPREPARE, &[])).await;
    // The position is counted from the beginning of the statement itself.
    let complaint = |source| DatabaseError::statement(what, source).after(PREPARE.chars().count());
    prepared.map_err(complaint)?;
    forgotten.map_err(|source| DatabaseError::statement(what, source)).map(drop)
}

/// Has the server check a statement without parameters, and reads the columns of its result.
///
/// # Errors
/// [`DatabaseError::Query`] with the server's complaint and its position.
pub(super) async fn read(transaction: &Transaction<'_>, what: &str, sql: &str) -> Result<Vec<Column>, DatabaseError> {
    let failed = |source| DatabaseError::statement(what, source);
    let names = sql::filled(NAMES, &[("asked", sql)]);
    let (checked, names) = join(check(transaction, what, sql), transaction.query_typed(&names, &[])).await;
    checked?;
    let names = names.map_err(failed)?.iter().map(|row| row.field(WHAT, 0)).collect::<Result<Vec<String>, _>>()?;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let columns: Vec<String> = (1..=names.len()).map(|number| format!("c{number}")).collect();
    let types: Vec<String> = columns.iter().map(|column| sql::filled(TYPE, &[("column", column)])).collect();
    let values = [("columns", &*columns.join(", ")), ("types", &types.join(", ")), ("asked", sql)];
    let sql = sql::filled(TYPES, &values);
    let types = transaction.query_typed(&sql, &[]).await.map_err(failed)?;
    names.into_iter().zip(&types).map(|(name, row)| column(name, row)).collect()
}

fn column(name: String, row: &Row) -> Result<Column, DatabaseError> {
    let [type_name, type_schema] = [row.field(WHAT, 0)?, row.field(WHAT, 1)?];
    Ok(Column { name, type_name, type_schema, fields: row.field(WHAT, 2)? })
}
