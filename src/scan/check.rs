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
        first(relation_faults(snapshot, profile, relation).await)?;
    }
    Ok(())
}

/// Checks that the server takes every rule over this profile, and that each gives a key and its evidence.
pub(super) async fn rules(snapshot: &Snapshot<'_>, profile: &Profile, rules: &[&Rule]) -> Result<(), ScanError> {
    for rule in rules {
        first(rule_faults(snapshot, profile, rule).await)?;
    }
    Ok(())
}

/// All faults of one relation, as the server sees it: none if the profile leaves it out. A snapshot is of no use any
/// more after a fault that the server has found.
pub async fn relation_faults(snapshot: &Snapshot<'_>, profile: &Profile, relation: Relation) -> Vec<ScanError> {
    let Some(found) = profile.relation(relation) else { return Vec::new() };
    let place = Place {
        file: &profile.file,
        line: found.line,
        part: format!("relation {relation}"),
        sql: &found.sql,
        before: 0,
    };
    match snapshot.columns(&format!("reading {}", place.part), &found.sql).await {
        Err(error) => vec![place.misfit(error)],
        Ok(columns) => {
            let wanted = relation.columns().iter();
            wanted.filter_map(|(name, kind)| place.has_column(&columns, name, *kind).err()).collect()
        }
    }
}

/// All faults of one rule over a profile without fault, as the server sees it. A snapshot is of no use any more after a
/// fault that the server has found.
pub async fn rule_faults(snapshot: &Snapshot<'_>, profile: &Profile, rule: &Rule) -> Vec<ScanError> {
    let (statement, before) = Relations { profile, scope: Scope::All }.rule(rule);
    let part = format!("rule {}", rule.name);
    let place = Place { file: &rule.file, line: rule.line, part, sql: &rule.sql, before };
    match snapshot.columns(&format!("reading {}", place.part), &statement).await {
        Err(error) => vec![place.misfit(error)],
        Ok(columns) => {
            let wanted = [("build_key", Kind::Any), ("evidence", Kind::Text)].into_iter();
            wanted.filter_map(|(name, kind)| place.has_column(&columns, name, kind).err()).collect()
        }
    }
}

/// What keeps relations and rules without fault from being run together, such as keys of types that cannot be compared.
pub async fn joint_fault(snapshot: &Snapshot<'_>, profile: &Profile, rules: &[&Rule]) -> Option<ScanError> {
    let statement = Relations { profile, scope: Scope::All }.findings(rules);
    let part = "the scan as a whole".to_owned();
    let place = Place { file: &profile.file, line: 1, part, sql: "", before: 0 };
    snapshot.columns("reading the scan as a whole", &statement).await.err().map(|error| place.misfit(error))
}

fn first(faults: Vec<ScanError>) -> Result<(), ScanError> {
    faults.into_iter().next().map_or(Ok(()), Err)
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
