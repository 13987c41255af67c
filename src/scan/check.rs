//! Has the server check a profile and rules before anything is read, so that a fault has a name and a line.

use crate::database::{Column, DatabaseError, Snapshot};

use crate::obstacle::Ground;
use crate::sql;

use super::attempt::attempt;
use super::compose::{BuildSelection, Part, Relations};
use super::error::ScanError;
use super::paths;
use super::profile::{NamedSql, Profile};
use super::relation::{Kind, Relation};
use super::rule::Rule;
use super::schema::ProfileSchema;
use super::shape::Shape;
use super::tables;
use super::unread::Unread;

/// Asks for the version of the server.
const VERSION: &str = sql::SERVER.part("version");

/// Checks that the server takes every relation, and that each has its columns in the right types. A relation of which not even the columns
/// can be asked stands empty, unless it is the builds.
pub(super) async fn profile(
    snapshot: &Snapshot<'_>,
    profile: &Profile,
    schema: ProfileSchema,
) -> Result<(Shape, Unread), ScanError> {
    let mut shape = Shape::of(schema);
    let mut unread = Unread::default();
    if let Some(row) = snapshot.rows("asking for the version", VERSION, &[]).await?.next().await? {
        shape.version = row.integer("version")?.unwrap_or_default();
    }
    for relation in Relation::ALL {
        let asked = async {
            let (columns, faults) = check_relation(snapshot, profile, relation, &shape.schema).await;
            first(faults).map(|()| columns)
        };
        match attempt(snapshot, asked).await? {
            Ok(columns) if profile.offers(relation) => shape.add(relation, columns),
            Ok(_) => {}
            Err(error) if relation != Relation::Build && error.is_about_what_is_read() => {
                shape.add_missing(relation);
                unread.add(relation, &error);
            }
            Err(error) => return Err(error),
        }
    }
    Ok((shape, unread))
}

/// Checks that the server takes every rule over this profile, and that each gives a key and its evidence.
pub(super) async fn rules(
    snapshot: &Snapshot<'_>,
    profile: &Profile,
    shape: &Shape,
    rules: &[&Rule],
) -> Result<(), ScanError> {
    for rule in rules {
        first(check_rule(snapshot, profile, shape, rule).await)?;
    }
    Ok(())
}

/// All faults of one relation, as the server sees it: none if the profile leaves it out. A snapshot is of no use any
/// more after a fault that the server has found.
pub async fn relation_faults(
    snapshot: &Snapshot<'_>,
    profile: &Profile,
    relation: Relation,
    schema: &ProfileSchema,
) -> Vec<ScanError> {
    check_relation(snapshot, profile, relation, schema).await.1
}

/// All faults of one rule over a profile without fault, as the server sees it. A snapshot is of no use any more after a
/// fault that the server has found.
pub async fn rule_faults(
    snapshot: &Snapshot<'_>,
    profile: &Profile,
    rule: &Rule,
    schema: &ProfileSchema,
) -> Vec<ScanError> {
    let faults = check_rule(snapshot, profile, &Shape::of(schema.clone()), rule).await;
    if !faults.is_empty() || rule.ships() {
        return faults;
    }
    let beyond = async {
        let of_relations = tables::of_relations(profile, schema, snapshot).await?;
        tables::beyond(rule, profile, schema, &of_relations, snapshot).await
    };
    beyond.await.unwrap_or_else(Some).into_iter().collect()
}

/// What keeps relations and rules without fault from being run together, such as keys of types that cannot be compared.
pub async fn joint_fault(
    snapshot: &Snapshot<'_>,
    profile: &Profile,
    rules: &[&Rule],
    schema: &ProfileSchema,
) -> Option<ScanError> {
    let parts: Vec<Part<'_>> = rules.iter().enumerate().map(|(rank, rule)| Part::everywhere(rule, rank)).collect();
    let statement = Relations::new(profile, &Shape::of(schema.clone()), BuildSelection::All).findings(&parts);
    let part = "the scan as a whole".to_owned();
    let place = Place { file: &profile.file, line: 1, part, sql: "", before: 0 };
    snapshot.check("reading the scan as a whole", &statement).await.err().map(|error| place.misfit(error))
}

async fn check_relation(
    snapshot: &Snapshot<'_>,
    profile: &Profile,
    relation: Relation,
    schema: &ProfileSchema,
) -> (Vec<Column>, Vec<ScanError>) {
    let Some(found) = profile.relation(relation) else { return (Vec::new(), Vec::new()) };
    let sql = schema.sql(&found.sql);
    let place =
        Place { file: &profile.file, line: found.line, part: format!("relation {relation}"), sql: &sql, before: 0 };
    match snapshot.columns(&format!("reading {}", place.part), &sql).await {
        Err(error) => (Vec::new(), vec![place.misfit(error)]),
        Ok(columns) => {
            let is_there = |(name, _): &&(&str, Kind)| columns.iter().any(|column| column.name == *name);
            let asked_for: Vec<&str> = match relation {
                Relation::Build => paths::wanted(profile).collect(),
                _ => Vec::new(),
            };
            let is_wanted = |column: &&(&str, Kind)| is_there(column) || asked_for.contains(&column.0);
            let wanted = relation.columns().iter().chain(relation.optional_columns().iter().filter(is_wanted));
            let faults = wanted.filter_map(|(name, kind)| place.has_column(&columns, name, *kind).err()).collect();
            (columns, faults)
        }
    }
}

/// All faults of a section of which a profile has one at most: `word` begins it, and its rows have these columns. A snapshot is of no use any
/// more after a fault that the server has found.
pub(super) async fn section_faults(
    snapshot: &Snapshot<'_>,
    (profile, schema): (&Profile, &ProfileSchema),
    (word, section): (&str, &NamedSql),
    wanted: &[(&str, Kind)],
) -> Vec<ScanError> {
    // The server says the columns only of a statement without parameters.
    let sql = schema.sql(&section.sql).replace("$1", "NULL");
    let part = format!("{word} {}", section.name);
    let place = Place { file: &profile.file, line: section.line, part, sql: &sql, before: 0 };
    match snapshot.columns(&format!("reading {}", place.part), &sql).await {
        Err(error) => vec![place.misfit(error)],
        Ok(columns) => wanted.iter().filter_map(|(name, kind)| place.has_column(&columns, name, *kind).err()).collect(),
    }
}

async fn check_rule(snapshot: &Snapshot<'_>, profile: &Profile, shape: &Shape, rule: &Rule) -> Vec<ScanError> {
    let (statement, before) = Relations::new(profile, shape, BuildSelection::All).rule(rule);
    let part = format!("rule {}", rule.name);
    let place = Place { file: &rule.file, line: rule.line, part, sql: &rule.sql, before };
    let columns = match snapshot.columns(&format!("reading {}", place.part), &statement).await {
        Err(error) => return vec![place.misfit(error)],
        Ok(columns) => columns,
    };
    let obstacle = (rule.ground == Ground::RowByRow).then_some(("obstacle", Kind::Text));
    let wanted = [("build_key", Kind::Any), ("evidence", Kind::Text)].into_iter().chain(obstacle);
    let mut faults: Vec<ScanError> =
        wanted.filter_map(|(name, kind)| place.has_column(&columns, name, kind).err()).collect();
    let found = columns.iter().find(|column| column.name == "build_key").map(|column| column.type_name.as_str());
    if let (Some(found), Some(key)) = (found, shape.type_of(Relation::Build, "build_key"))
        && !are_comparable(found, key)
    {
        faults.push(place.fault(format!("column build_key is {found}, expected {key} as in relation build")));
    }
    faults
}

/// Whether keys of two types can stand for one another.
pub(super) fn are_comparable(one: &str, other: &str) -> bool {
    one == other || [Kind::Integer, Kind::Text].into_iter().any(|kind| kind.accepts(one) && kind.accepts(other))
}

fn first(faults: Vec<ScanError>) -> Result<(), ScanError> {
    faults.into_iter().next().map_or(Ok(()), Err)
}

/// Where a piece of SQL stands in a file and in the statement that the server saw.
pub(super) struct Place<'a> {
    pub(super) file: &'a str,
    pub(super) line: usize,
    pub(super) part: String,
    pub(super) sql: &'a str,
    /// How many characters of the statement stand before it.
    pub(super) before: usize,
}

impl Place<'_> {
    pub(super) fn misfit(&self, source: DatabaseError) -> ScanError {
        if !source.is_about_the_statement() {
            return source.into();
        }
        let position = match &source {
            DatabaseError::Query { source, .. } => source.position(),
            _ => None,
        };
        let into = position.and_then(|position| position.checked_sub(self.before + 1)).unwrap_or(0);
        let lines = self.sql.chars().take(into).filter(|c| *c == '\n').count();
        ScanError::Misfit { file: self.file.to_owned(), line: self.line + lines, part: self.part.clone(), source }
    }

    pub(super) fn has_column(&self, columns: &[Column], name: &str, kind: Kind) -> Result<(), ScanError> {
        let found: Vec<&Column> = columns.iter().filter(|column| column.name == name).collect();
        Err(self.fault(match found.as_slice() {
            [] => format!("no column {name} ({})", kind.as_str()),
            [column] if kind.accepts(&column.type_name) => return Ok(()),
            [column] => format!("column {name} is {}, expected {}", column.type_name, kind.as_str()),
            _ => format!("column {name} appears more than once"),
        }))
    }

    pub(super) fn fault(&self, fault: String) -> ScanError {
        ScanError::Columns { file: self.file.to_owned(), line: self.line, part: self.part.clone(), fault }
    }
}
