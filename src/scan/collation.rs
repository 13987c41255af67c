//! Asks by which collations the indexes of the tables that are read sort text, and whether these have changed since.

use crate::collation::{ChangedCollation, Collations};
use crate::database::{DatabaseError, Parameter, Snapshot};
use crate::sql;
use crate::table::Table;
use crate::text::Foreign;

use super::attempt::attempt;
use super::error::ScanError;
use super::unread::why;

const COLLATIONS: &str = sql::COLLATION.part("collations");
const ACTUAL: &str = sql::COLLATION.part("actual_of_database");
const NO_ACTUAL: &str = sql::COLLATION.part("no_actual_of_database");
const ASKING: &str = "asking for the versions of collations";

/// The first version of PostgreSQL that records the version of a database's own collation.
const RECORDS_OF_DATABASE: i64 = 150_000;
/// What PostgreSQL calls a table of another server.
const FOREIGN_TABLE: &str = "foreign table";

impl Collations {
    /// Asks the server; what it does not answer is unknown. Where an index may miss what is there, the rest of the snapshot reads without indexes.
    ///
    /// # Errors
    /// The connection is lost.
    pub(super) async fn read(tables: &[Table], version: i64, snapshot: &Snapshot<'_>) -> Result<Self, ScanError> {
        let asked = attempt(snapshot, async { Ok(ask(tables, version, snapshot).await?) }).await?;
        let collations = match asked {
            Ok(collations) => collations,
            Err(error) if error.is_about_what_is_read() => {
                let why_unknown = Some(format!("the server does not answer: {}", why(&error)));
                Self { why_unknown, ..Self::default() }
            }
            Err(error) => return Err(error),
        };
        if collations.have_changed() {
            snapshot.read_without_indexes().await?;
        }
        Ok(collations)
    }
}

async fn ask(tables: &[Table], version: i64, snapshot: &Snapshot<'_>) -> Result<Collations, DatabaseError> {
    let actual = if version < RECORDS_OF_DATABASE { NO_ACTUAL } else { ACTUAL };
    let statement = sql::filled(COLLATIONS, &[("actual_of_database", sql::expression(actual))]);
    let (schemas, names) = tables.iter().map(|table| (table.schema.clone(), table.name.clone())).unzip();
    let parameters = [Parameter::Texts(schemas), Parameter::Texts(names)];
    let mut rows = snapshot.rows(ASKING, &statement, &parameters).await?;
    let mut found = Collations::default();
    let mut unknown = Vec::new();
    while let Some(row) = rows.next().await? {
        let is_of_database = row.boolean("is_of_database")?.unwrap_or_default();
        let name = row.text("name")?.filter(|_| !is_of_database);
        let [recorded, actual] = [row.text("recorded")?, row.text("actual")?];
        match recorded {
            Some(recorded) if Some(&recorded) != actual.as_ref() => found.changed.push(ChangedCollation {
                name: name.as_deref().map(Foreign::name),
                recorded: Foreign::name(&recorded),
                actual: actual.as_deref().map(Foreign::name),
                indexes: row.integer("users")?.unwrap_or_default().unsigned_abs(),
                first_indexes: row.texts("first_users")?.iter().map(|name| Foreign::name(name)).collect(),
            }),
            None if !row.boolean("is_stable")?.unwrap_or_default() => unknown.push(match name {
                None if version < RECORDS_OF_DATABASE => {
                    "before PostgreSQL 15 the server does not record the version of the database's own collation"
                        .to_owned()
                }
                None => "the server has no version of the database's own collation on record".to_owned(),
                Some(name) => format!("the server has no version of collation {} on record", Foreign::name(&name)),
            }),
            Some(_) | None => {}
        }
    }
    if tables.iter().any(|table| table.kind == FOREIGN_TABLE) {
        unknown.push("another server has the indexes of a foreign table".to_owned());
    }
    found.why_unknown = (!unknown.is_empty()).then(|| unknown.join("; "));
    Ok(found)
}
