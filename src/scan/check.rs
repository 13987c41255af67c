//! Has the server check a profile and rules before anything is read, so that a fault is told by name and line.

use std::collections::BTreeMap;

use crate::database::{Column, DatabaseError, Snapshot};

use super::ScanError;
use super::compose::{Relations, Scope};
use super::profile::Profile;
use super::relation::{Kind, Relation};
use super::rule::Rule;

/// What the server says of a profile's relations: their columns and types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape(BTreeMap<Relation, Vec<Column>>);

impl Shape {
    /// PostgreSQL's name of a column's type; `None` where the profile has no such relation or column.
    pub(super) fn type_of(&self, relation: Relation, column: &str) -> Option<&str> {
        let columns = self.0.get(&relation)?;
        columns.iter().find(|found| found.name == column).map(|found| found.type_name.as_str())
    }
}

/// Checks that the server takes every relation, and that each has its columns in the right types.
pub(super) async fn profile(snapshot: &Snapshot<'_>, profile: &Profile) -> Result<Shape, ScanError> {
    let mut shape = Shape::default();
    for relation in Relation::ALL {
        let Some(found) = profile.relation(relation) else { continue };
        let place = Place {
            file: &profile.file,
            line: found.line,
            part: format!("relation {relation}"),
            sql: &found.sql,
            before: 0,
        };
        let columns = snapshot.columns(&format!("reading {}", place.part), &found.sql).await;
        let columns = columns.map_err(|error| place.misfit(error))?;
        for (name, kind) in relation.columns() {
            place.has_column(&columns, name, *kind)?;
        }
        for (name, kind) in relation.optional_columns() {
            if columns.iter().any(|column| column.name == *name) {
                place.has_column(&columns, name, *kind)?;
            }
        }
        shape.0.insert(relation, columns);
    }
    Ok(shape)
}

/// Checks that the server takes every rule over this profile, and that each gives a key and its evidence.
pub(super) async fn rules(
    snapshot: &Snapshot<'_>,
    profile: &Profile,
    shape: &Shape,
    rules: &[&Rule],
) -> Result<(), ScanError> {
    let key = shape.type_of(Relation::Build, "build_key").unwrap_or_default();
    for rule in rules {
        let (statement, before) = Relations { profile, shape, scope: Scope::All }.rule(rule);
        let part = format!("rule {}", rule.name);
        let place = Place { file: &rule.file, line: rule.line, part, sql: &rule.sql, before };
        let columns = snapshot.columns(&format!("reading {}", place.part), &statement).await;
        let columns = columns.map_err(|error| place.misfit(error))?;
        place.has_column(&columns, "build_key", Kind::Any)?;
        place.has_column(&columns, "evidence", Kind::Text)?;
        let found = columns.iter().find(|column| column.name == "build_key");
        if let Some(found) = found.filter(|found| !are_comparable(&found.type_name, key)) {
            return Err(place.fault(format!(
                "column build_key is {}, expected {key} as in relation build",
                found.type_name
            )));
        }
    }
    Ok(())
}

/// Whether keys of two types can stand for one another.
fn are_comparable(one: &str, other: &str) -> bool {
    one == other || [Kind::Integer, Kind::Text].into_iter().any(|kind| kind.accepts(one) && kind.accepts(other))
}

/// Where a piece of SQL stands in a file and in the statement that the server saw.
struct Place<'a> {
    file: &'a str,
    line: usize,
    part: String,
    sql: &'a str,
    before: usize,
}

impl Place<'_> {
    fn misfit(&self, source: DatabaseError) -> ScanError {
        let position = match &source {
            DatabaseError::Query { source, .. } => source.position(),
            _ => None,
        };
        let into = position.and_then(|position| position.checked_sub(self.before + 1)).unwrap_or(0);
        let lines = self.sql.chars().take(into).filter(|c| *c == '\n').count();
        ScanError::Misfit { file: self.file.to_owned(), line: self.line + lines, part: self.part.clone(), source }
    }

    fn has_column(&self, columns: &[Column], name: &str, kind: Kind) -> Result<(), ScanError> {
        let found: Vec<&Column> = columns.iter().filter(|column| column.name == name).collect();
        Err(self.fault(match found.as_slice() {
            [] => format!("no column {name} ({})", kind.as_str()),
            [column] if kind.accepts(&column.type_name) => return Ok(()),
            [column] => format!("column {name} is {}, expected {}", column.type_name, kind.as_str()),
            _ => format!("column {name} stands there more than once"),
        }))
    }

    fn fault(&self, fault: String) -> ScanError {
        ScanError::Columns { file: self.file.to_owned(), line: self.line, part: self.part.clone(), fault }
    }
}
