//! What a server says about a plan, once it has accepted its SQL.

use std::collections::BTreeSet;

use crate::collation::Collations;
use crate::database::Snapshot;
use crate::table::{Table, changed};

use super::check;
use super::compose::{BuildSelection, Relations};
use super::error::ScanError;
use super::fingerprint::database_tag;
use super::plan::ScanPlan;
use super::relation::Relation;
use super::rule::Rule;
use super::schema::{ProfileSchema, quoted};
use super::shape::Shape;
use super::tables::{self, Role, TablesRead};

/// The shape of a plan's relations, the tables that they read, and the role. It holds for the database that was asked.
#[derive(Clone, Debug)]
pub struct Fit {
    shape: Shape,
    /// What is read by name, each with its schema.
    named: BTreeSet<(String, String)>,
    tables: Vec<Table>,
    role: Role,
    collations: Collations,
    /// The end of every fingerprint.
    pub(super) database_tag: String,
}

impl Fit {
    /// Has the server check profile and rules. Where the order of text has changed since indexes were built, the rest of the snapshot reads
    /// without indexes.
    ///
    /// # Errors
    /// A profile or rule that does not fit the database; a lost connection.
    pub async fn check(plan: &ScanPlan, snapshot: &Snapshot<'_>) -> Result<Self, ScanError> {
        let schema = tables::find_schema(plan, snapshot).await?;
        let shape = check::profile(snapshot, &plan.profile, schema).await?;
        let rules: Vec<&Rule> = plan.rules.iter().collect();
        check::rules(snapshot, &plan.profile, &shape, &rules).await?;
        let TablesRead { named, tables, role } = tables::read(plan, &shape.schema, snapshot).await?;
        let collations = Collations::read(&tables, shape.version, snapshot).await?;
        Ok(Self { shape, named, tables, role, collations, database_tag: database_tag(snapshot.identity()) })
    }

    /// The tables that are read.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// Makes sure that the same tables are read as when this was made.
    ///
    /// # Errors
    /// Others are, or another view has taken the place of one; a lost connection.
    pub async fn reads_the_same(&self, snapshot: &Snapshot<'_>) -> Result<(), ScanError> {
        let (now, _) = tables::described(&self.named, snapshot).await?;
        match now == self.tables {
            true => Ok(()),
            false => Err(ScanError::OtherTables { change: changed(&self.tables, &now) }),
        }
    }

    /// The role that runs the statements.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// What the server knows of the order of text.
    pub fn collations(&self) -> &Collations {
        &self.collations
    }

    /// The schema in which the profile's tables are, where it does not name it itself.
    pub fn schema(&self) -> &ProfileSchema {
        &self.shape.schema
    }

    /// The type of a build's key, as PostgreSQL names it.
    pub(super) fn key_type(&self) -> Option<&str> {
        self.shape.type_of(Relation::Build, "build_key")
    }

    /// The same with its schema, as it stands in a statement.
    pub(super) fn key_type_quoted(&self) -> Option<String> {
        let key = self.shape.columns(Relation::Build).iter().find(|column| column.name == "build_key")?;
        Some(format!("{}.{}", quoted(&key.type_schema), quoted(&key.type_name)))
    }

    /// The names of a relation's columns, in its order.
    pub(super) fn columns(&self, relation: Relation) -> Vec<String> {
        self.shape.columns(relation).iter().map(|column| column.name.clone()).collect()
    }

    pub(super) fn relations<'a>(&'a self, plan: &'a ScanPlan, scope: BuildSelection) -> Relations<'a> {
        Relations { profile: &plan.profile, shape: &self.shape, scope }
    }
}
