//! The `-- archive: TABLE` sections of a profile, as the server sees them.

use crate::database::{Column, Snapshot};

use super::super::check::{Place, are_comparable};
use super::super::error::ScanError;
use super::super::profile::{ArchiveSql, Profile};
use super::super::schema::ProfileSchema;

/// The column that holds the whole row.
const WHOLE: &str = "whole";

/// What the server says of a section without fault.
pub(super) struct Checked {
    /// The table's schema and name.
    pub(super) table: (String, String),
    /// The table's columns.
    pub(super) columns: Vec<String>,
    /// PostgreSQL's name of the type of its build_key.
    pub(super) key_type: String,
}

/// All faults of one section, as the server sees it. A snapshot is of no use any more after a fault that the server has
/// found.
pub async fn archive_faults(
    snapshot: &Snapshot<'_>,
    profile: &Profile,
    table: &str,
    schema: &ProfileSchema,
) -> Vec<ScanError> {
    match profile.archive().iter().find(|section| section.table == table) {
        Some(section) => check(snapshot, profile, section, schema).await.err().unwrap_or_default(),
        None => Vec::new(),
    }
}

/// Checks that the server takes a section, and that it gives whole rows of the table whose name it bears.
pub(super) async fn check(
    snapshot: &Snapshot<'_>,
    profile: &Profile,
    section: &ArchiveSql,
    schema: &ProfileSchema,
) -> Result<Checked, Vec<ScanError>> {
    let sql = schema.sql(&section.sql);
    let place = place(profile, section, &sql);
    let columns = snapshot.columns(&format!("reading {}", place.part), &sql).await;
    let columns = columns.map_err(|error| vec![place.misfit(error)])?;
    let found =
        [("build_key", "any type"), (WHOLE, "the row of a table")].map(|(name, kind)| one(&columns, name, kind));
    let [key, whole] = found.map(|found| found.map_err(|fault| place.fault(fault)));
    let whole = whole.and_then(|whole| row_of_table(whole, &section.table).map_err(|fault| place.fault(fault)));
    match (key, whole) {
        (Ok(key), Ok((table, columns))) => Ok(Checked { table, columns, key_type: key.type_name.clone() }),
        (key, whole) => Err(key.err().into_iter().chain(whole.err()).collect()),
    }
}

pub(super) fn place<'a>(profile: &'a Profile, section: &'a ArchiveSql, sql: &'a str) -> Place<'a> {
    Place { file: &profile.file, line: section.line, part: format!("archive {}", section.table), sql, before: 0 }
}

fn one<'a>(columns: &'a [Column], name: &str, kind: &str) -> Result<&'a Column, String> {
    let mut found = columns.iter().filter(|column| column.name == name);
    match (found.next(), found.next()) {
        (Some(column), None) => Ok(column),
        (Some(_), Some(_)) => Err(format!("column {name} appears more than once")),
        (None, _) => Err(format!("no column {name} ({kind})")),
    }
}

type Table = ((String, String), Vec<String>);

/// The name is what the rows are put back by, so it has to be the table's own.
fn row_of_table(whole: &Column, name: &str) -> Result<Table, String> {
    let Some(fields) = &whole.fields else {
        let type_name = &whole.type_name;
        return Err(format!(
            "column {WHOLE} is {type_name}, expected the row of table {name}, as in SELECT t AS {WHOLE} FROM {name} AS t"
        ));
    };
    let table = (whole.type_schema.clone(), whole.type_name.clone());
    if name != table.1 && name != format!("{}.{}", table.0, table.1) {
        return Err(format!("column {WHOLE} is a row of {}, expected one of {name}", table.1));
    }
    Ok((table, fields.clone()))
}

/// Whether a section's keys can be compared with those of the builds.
pub(super) fn has_comparable_key(place: &Place<'_>, found: &str, key: &str) -> Result<(), ScanError> {
    if are_comparable(found, key) {
        return Ok(());
    }
    Err(place.fault(format!("column build_key is {found}, expected {key} as in relation build")))
}
