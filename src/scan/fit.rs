//! What a server says about a plan, once it has accepted its SQL.

use std::collections::BTreeSet;

use crate::causes::distinct_causes;
use crate::collation::Collations;
use crate::collection::Collection;
use crate::database::{DatabaseIdentity, Encoding, Snapshot};
use crate::sql::{UNREAD, filled};
use crate::table::{Table, changed};

use super::attempt::attempt;
use super::check;
use super::collection;
use super::compose::{BuildSelection, Relations};
use super::error::ScanError;
use super::fingerprint::database_tag;
use super::named::name_of_file;
use super::paths;
use super::plan::ScanPlan;
use super::relation::Relation;
use super::row_versions;
use super::rule::Rule;
use super::schema::{ProfileSchema, quoted};
use super::shape::Shape;
use super::tables::{self, Role, TablesRead};
use super::unread::{Unread, why};

/// Makes all values of a relation what would be sent of them.
const SEND_WHOLE: &str = UNREAD.part("send_whole");

/// The shape of a plan's relations, the tables that they read, and the role. It holds for the database that was asked.
#[derive(Clone, Debug)]
pub struct Fit {
    shape: Shape,
    /// What is read by name, each with its schema.
    named: BTreeSet<(String, String)>,
    tables: Vec<Table>,
    role: Role,
    collations: Collations,
    /// Whose documents the builds are; `None` where they are no documents.
    collection: Option<Collection>,
    /// Which database it is, or which CI where the builds are copies.
    identity: DatabaseIdentity,
    /// The relations that cannot be read as a whole. Each is read where nothing has shown otherwise.
    unread: Unread,
    /// Why the versions of builds' rows are not read, where the profile gives them.
    without_row_versions: Option<String>,
    /// Why tables are read without their indexes, where an index cannot be read.
    damaged_index: Option<String>,
    /// Whether text is read as the bytes that are stored, since some of it cannot be written as UTF-8.
    reads_bytes: bool,
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
        let (mut shape, unread) = check::profile(snapshot, &plan.profile, schema).await?;
        let rules: Vec<&Rule> = plan.rules.iter().filter(|rule| unread.keeps(rule).is_none()).collect();
        check::rules(snapshot, &plan.profile, &shape, &rules).await?;
        let TablesRead { named, tables, role } = tables::read(plan, &shape.schema, snapshot).await?;
        let without_row_versions = row_versions::look(plan, &mut shape, &named, snapshot).await?;
        // The indexes of copies are none of the CI's.
        let collations = match plan.profile.presents_copies() {
            true => Collations::default(),
            false => Collations::read(&tables, shape.version, snapshot).await?,
        };
        let collection = collection::read(plan, &shape.schema, snapshot).await?;
        let of_source = |collection: &Collection| DatabaseIdentity::of_source(collection.host());
        let identity = collection.as_ref().map_or_else(|| snapshot.identity().clone(), of_source);
        let database_tag = database_tag(&identity);
        let mut fit = Self {
            shape,
            named,
            tables,
            role,
            collations,
            collection,
            identity,
            unread,
            without_row_versions,
            damaged_index: None,
            reads_bytes: false,
            database_tag,
        };
        fit.read_bytes_if_needed(plan, snapshot).await?;
        Ok(fit)
    }

    /// Finds out whether the server can write all text as UTF-8. If not, the rest of the snapshot reads bytes, unless the SQL itself has
    /// letters that the server would then misunderstand.
    async fn read_bytes_if_needed(&mut self, plan: &ScanPlan, snapshot: &Snapshot<'_>) -> Result<(), ScanError> {
        let is_plain = |sql: &str| sql.lines().all(|line| line.split("--").next().unwrap_or_default().is_ascii());
        let schema = self.shape.schema.name().unwrap_or_default();
        if snapshot.encoding() != Encoding::Translated
            || !plan.profile.all_sql().chain(plan.rules.iter().map(|rule| rule.sql.as_str())).all(is_plain)
            || !schema.is_ascii()
        {
            return Ok(());
        }
        let offered = [Relation::Build, Relation::Step].into_iter().filter(|relation| plan.profile.offers(*relation));
        for relation in offered.filter(|relation| self.unread.why(*relation).is_none()) {
            let sent = filled(SEND_WHOLE, &[("relation", relation.as_str())]);
            let statement = self.relations(plan, BuildSelection::All).followed_by(&[], &sent);
            let read = async {
                let mut rows = snapshot.rows("looking for text that is no UTF-8", &statement, &[]).await?;
                while rows.next().await?.is_some() {}
                Ok(())
            };
            if let Err(ScanError::Database(error)) = attempt(snapshot, read).await?
                && error.is_about_an_encoding()
            {
                self.reads_bytes = true;
                return Ok(snapshot.read_bytes().await?);
            }
        }
        Ok(())
    }

    /// Whether text is read as the bytes that are stored, since some of it cannot be written as UTF-8.
    pub fn reads_bytes(&self) -> bool {
        self.reads_bytes
    }

    /// Whether nothing can be known of the steps or the output of any build.
    pub(super) fn lacks_signs(&self) -> bool {
        [Relation::Step, Relation::Chunk].into_iter().any(|relation| self.shape.is_missing(relation))
    }

    /// The same, once a statement has failed because of what it read: each relation is read alone, to find out which cannot be. Where each
    /// can, it was an index: the rest of the snapshot reads without any.
    ///
    /// # Errors
    /// The same error, where neither is so; relation build cannot be read; a lost connection.
    pub(super) async fn find_unread(
        self,
        plan: &ScanPlan,
        snapshot: &Snapshot<'_>,
        error: ScanError,
    ) -> Result<Self, ScanError> {
        snapshot.mark().await?;
        snapshot.set_indexes(false).await?;
        let unread = self.read_each(plan, snapshot).await?;
        snapshot.go_back().await?;
        snapshot.forget_mark().await?;
        if unread == self.unread {
            // A rule that divides by zero says nothing of an index.
            if self.reads_without_indexes() || !error.is_about_damage() {
                return Err(error);
            }
            snapshot.read_without_indexes().await?;
            return Ok(Self { damaged_index: Some(named(snapshot, &error).await?), ..self });
        }
        let mut fit = Self { unread, ..self };
        for relation in Relation::ALL.into_iter().filter(|relation| fit.unread.relations().contains(*relation)) {
            // Where a file is missing, or a materialized view has no data, the server cannot even begin to read nothing of it.
            let statement = fit.relations(plan, BuildSelection::All).open(relation);
            let read = async { Ok(snapshot.rows("reading nothing", &statement, &[]).await?.next().await?.is_some()) };
            if attempt(snapshot, read).await?.is_err() {
                fit.shape.add_missing(relation);
            }
        }
        Ok(fit)
    }

    /// Reads each relation as a whole: those that cannot be.
    async fn read_each(&self, plan: &ScanPlan, snapshot: &Snapshot<'_>) -> Result<Unread, ScanError> {
        let mut found = self.unread.clone();
        let relations = self.relations(plan, BuildSelection::All);
        let is_open = |relation: &Relation| is_read(plan, *relation) && self.unread.why(*relation).is_none();
        for relation in Relation::ALL.into_iter().filter(is_open) {
            let statement = relations.read_whole(relation);
            let read = async {
                let mut rows = snapshot.rows("reading it", &statement, &[]).await?;
                while rows.next().await?.is_some() {}
                Ok(())
            };
            match attempt(snapshot, read).await? {
                Ok(()) => {}
                Err(ScanError::Database(source)) if relation == Relation::Build => {
                    let damaged = name_of_file(snapshot, &distinct_causes(&source).join(": ")).await?;
                    return Err(ScanError::Unread { relation: relation.as_str(), damaged, source });
                }
                Err(error) if error.is_about_what_is_read() => {
                    let why = named(snapshot, &error).await?;
                    found.add_named(relation, &error, why);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Whether every relation can be read as a whole, as far as is known.
    pub fn is_read_whole(&self) -> bool {
        self.unread.is_empty()
    }

    /// Whether tables are read without their indexes: one of them is damaged, or in another order.
    pub fn reads_without_indexes(&self) -> bool {
        self.damaged_index.is_some() || self.collations.have_changed()
    }

    /// What of the database cannot be read, a sentence each.
    pub fn damage(&self) -> Vec<String> {
        let unread =
            self.unread.iter().map(|(relation, why)| format!("relation {relation} cannot be read as a whole: {why}"));
        let index = self.damaged_index.iter().map(|why| {
            format!("an index cannot be read: {why}; tables are read without their indexes, which is slow: REINDEX")
        });
        unread.chain(index).collect()
    }

    /// Why an index cannot be read, in the server's own words; `None` where all can, as far as is known.
    pub fn damaged_index(&self) -> Option<&str> {
        self.damaged_index.as_deref()
    }

    /// Whether single builds are looked up by indexes, past what cannot be read as a whole.
    pub(super) fn looks_up_by_index(&self) -> bool {
        !self.is_read_whole() && !self.reads_without_indexes()
    }

    /// The rules of the plan that can be run.
    pub fn rules<'p>(&self, plan: &'p ScanPlan) -> impl Iterator<Item = &'p Rule> {
        plan.rules.iter().filter(|rule| self.unread.keeps(rule).is_none())
    }

    /// Whether a relation can be read and has an optional column.
    pub(super) fn gives(&self, relation: Relation, column: &str) -> bool {
        self.shape.type_of(relation, column).is_some()
    }

    /// Whether the versions of builds' rows are read.
    pub(super) fn reads_row_versions(&self) -> bool {
        self.shape.has_row_versions
    }

    /// Why the versions of builds' rows are not read, where the profile gives them.
    pub(super) fn without_row_versions(&self) -> Option<&str> {
        self.without_row_versions.as_deref()
    }

    /// The relations that cannot be read as a whole, and why.
    pub(super) fn unread(&self) -> &Unread {
        &self.unread
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

    /// Whose documents the builds are; `None` where they are no documents.
    pub fn collection(&self) -> Option<&Collection> {
        self.collection.as_ref()
    }

    /// Which database it is, or which CI where the builds are copies.
    pub fn identity(&self) -> &DatabaseIdentity {
        &self.identity
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

    /// The columns with paths of builds that are read.
    pub(super) fn path_columns(&self, plan: &ScanPlan) -> Vec<&'static str> {
        paths::offered(&plan.profile, &self.shape)
    }

    /// The relations as they are: for whatever looks up single builds.
    pub(super) fn relations<'a>(&'a self, plan: &'a ScanPlan, scope: BuildSelection) -> Relations<'a> {
        Relations::new(&plan.profile, &self.shape, scope)
    }

    /// The relations as far as they can be read as a whole: the others stand empty.
    pub(super) fn readable<'a>(&'a self, plan: &'a ScanPlan, scope: BuildSelection) -> Relations<'a> {
        Relations { without: self.unread.relations(), ..self.relations(plan, scope) }
    }
}

/// The server's own words, and the name of the table or the index whose file they name.
async fn named(snapshot: &Snapshot<'_>, error: &ScanError) -> Result<String, ScanError> {
    let why = why(error);
    let name = name_of_file(snapshot, &why).await?;
    Ok(name.map_or_else(|| why.clone(), |name| format!("{why}, of {name}")))
}

/// Objects are read only where a rule asks for them.
fn is_read(plan: &ScanPlan, relation: Relation) -> bool {
    let by_a_rule = || plan.rules.iter().any(|rule| rule.reads(relation));
    plan.profile.offers(relation) && (relation != Relation::Object || by_a_rule())
}
