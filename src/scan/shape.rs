//! The shape of a profile's relations: their columns and types, as a database gives them, or as they are assumed without one.

use std::collections::{BTreeMap, BTreeSet};

use crate::database::Column;

use super::profile::Profile;
use super::relation::{Kind, ROW_VERSION, Relation, STEP_ID};
use super::schema::ProfileSchema;
use super::version_column::RelationSql;

/// The version of a server that is assumed, in the form of server_version_num.
const ASSUMED_VERSION: i64 = 150_000;

/// The server's version, and the columns and types of a profile's relations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// The server's version, such as 150018.
    pub(super) version: i64,
    /// Where the tables of the profile are.
    pub(super) schema: ProfileSchema,
    columns: BTreeMap<Relation, Vec<Column>>,
    /// Whether the versions of builds' rows can be read, and are of use.
    pub(super) has_row_versions: bool,
    /// The relations of which not even the columns can be asked: a file of a table is missing. They stand empty everywhere.
    missing: BTreeSet<Relation>,
}

impl Shape {
    /// What is known before the server is asked.
    pub(super) fn of(schema: ProfileSchema) -> Self {
        Self { schema, ..Self::default() }
    }

    /// What the keys and columns of a profile look like where no database says so: build keys are bigint, as in the reference schema, step
    /// keys are text, and an optional column is there if the SQL of the relation names it.
    pub(super) fn assumed(profile: &Profile) -> Self {
        let mut shape = Self { version: ASSUMED_VERSION, ..Self::default() };
        for relation in Relation::ALL {
            let Some(written) = profile.relation(relation) else { continue };
            let is_named = |name: &str| {
                let belongs = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let code = written.sql.lines().map(|line| line.split("--").next().unwrap_or_default());
                code.flat_map(|line| line.split(|c| !belongs(c))).any(|word| word == name)
            };
            let optional = relation.optional_columns().iter().filter(|(name, _)| is_named(name));
            let columns = relation.columns().iter().chain(optional).map(|(name, kind)| Column {
                name: (*name).to_owned(),
                type_name: assumed_type(name, *kind).to_owned(),
                type_schema: "pg_catalog".to_owned(),
                fields: None,
            });
            shape.columns.insert(relation, columns.collect());
        }
        shape.has_row_versions = !profile.presents_copies() && gives_row_versions(profile, &shape);
        shape
    }

    pub(super) fn add(&mut self, relation: Relation, columns: Vec<Column>) {
        self.columns.insert(relation, columns);
    }

    pub(super) fn add_missing(&mut self, relation: Relation) {
        self.missing.insert(relation);
    }

    /// Whether not even the columns of a relation can be asked.
    pub(super) fn is_missing(&self, relation: Relation) -> bool {
        self.missing.contains(&relation)
    }

    /// The columns of a relation, in its order; none where the profile has no such relation.
    pub(super) fn columns(&self, relation: Relation) -> &[Column] {
        self.columns.get(&relation).map_or(&[], Vec::as_slice)
    }

    /// PostgreSQL's name of a column's type; `None` where the profile has no such relation or column.
    pub(super) fn type_of(&self, relation: Relation, column: &str) -> Option<&str> {
        let columns = self.columns.get(&relation)?;
        columns.iter().find(|found| found.name == column).map(|found| found.type_name.as_str())
    }
}

/// Whether a profile gives the versions of builds' rows: by its header, or as a column like others.
pub(super) fn gives_row_versions(profile: &Profile, shape: &Shape) -> bool {
    let by_header = profile.relation(Relation::Build).is_some_and(RelationSql::has_versions);
    by_header || shape.type_of(Relation::Build, ROW_VERSION).is_some()
}

/// PostgreSQL's name of the type that a column most likely has.
fn assumed_type(name: &str, kind: Kind) -> &'static str {
    match (name, kind) {
        (STEP_ID, _) => "int4",
        ("build_key", _) | (_, Kind::Integer | Kind::Number) => "int8",
        (_, Kind::Any | Kind::Text) => "text",
        (_, Kind::Time) => "timestamptz",
        (_, Kind::Boolean) => "bool",
        (_, Kind::Version) => "xid",
    }
}
