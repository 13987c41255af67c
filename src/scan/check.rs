//! Has the server check a profile and rules before anything is read, so that a fault is told by name and line.

use crate::database::{Column, DatabaseError, Snapshot};

use super::ScanError;
use super::compose::{Relations, Scope};
use super::profile::Profile;
use super::relation::{Kind, Relation};
use super::rule::Rule;

/// Checks that the server takes every relation, and that each has its columns in the right types.
pub(super) async fn profile(snapshot: &Snapshot<'_>, profile: &Profile) -> Result<(), ScanError> {
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
    }
    Ok(())
}

/// Checks that the server takes every rule over this profile, and that each gives a key and its evidence.
pub(super) async fn rules(snapshot: &Snapshot<'_>, profile: &Profile, rules: &[&Rule]) -> Result<(), ScanError> {
    for rule in rules {
        let (statement, before) = Relations { profile, scope: Scope::All }.rule(rule);
        let part = format!("rule {}", rule.name);
        let place = Place { file: &rule.file, line: rule.line, part, sql: &rule.sql, before };
        let columns = snapshot.columns(&format!("reading {}", place.part), &statement).await;
        let columns = columns.map_err(|error| place.misfit(error))?;
        place.has_column(&columns, "build_key", Kind::Any)?;
        place.has_column(&columns, "evidence", Kind::Text)?;
    }
    Ok(())
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
        let fault = match found.as_slice() {
            [] => format!("no column {name} ({})", kind.as_str()),
            [column] if kind.accepts(&column.type_name) => return Ok(()),
            [column] => format!("column {name} is {}, expected {}", column.type_name, kind.as_str()),
            _ => format!("column {name} stands there more than once"),
        };
        Err(ScanError::Columns { file: self.file.to_owned(), line: self.line, part: self.part.clone(), fault })
    }
}
