//! Finds a profile's tables: in which schema they are, and what is behind their names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::database::{Parameter, Snapshot};
use crate::sql;
use crate::table::Table;

use super::attempt::attempt;
use super::compose::{BuildSelection, Relations};
use super::error::ScanError;
use super::fingerprint::hexadecimal;
use super::plan::ScanPlan;
use super::profile::Profile;
use super::relation::Relation;
use super::rule::Rule;
use super::schema::{self, ProfileSchema};
use super::shape::Shape;

/// Finds tables by name in some schemas.
const TABLES: &str = sql::CHECK.part("tables");
/// Finds the tables behind the names that are read.
const TABLES_READ: &str = sql::CHECK.part("tables_read");
/// Names the role.
const ROLE: &str = sql::SERVER.part("role");
/// The schemas of temporary tables.
const TEMPORARY: &str = "pg_temp";
/// The hexadecimal digits of a whole SHA-256.
const WHOLE: usize = 64;

/// Finds the schema that has all tables of the profile's relations: the named one, the profile's own, or the only one of the role's search
/// path.
///
/// # Errors
/// No schema has them all, or several have; a lost connection.
pub async fn find_schema(plan: &ScanPlan, snapshot: &Snapshot<'_>) -> Result<ProfileSchema, ScanError> {
    let wanted: BTreeSet<String> = plan.profile.all_sql().flat_map(schema::names).collect();
    if wanted.is_empty() {
        return match &plan.schema {
            None => Ok(ProfileSchema::default()),
            Some(schema) => Err(fault(
                plan,
                format!("it writes no table :\"schema\".NAME, so schema {schema:?} has no meaning for it"),
            )),
        };
    }
    let looked_in = match plan.schema.as_ref().or(plan.profile.schema.as_ref()) {
        Some(schema) => vec![schema.clone()],
        None => snapshot.schemas().to_vec(),
    };
    let parameters = [Parameter::Texts(looked_in.clone()), Parameter::Texts(wanted.iter().cloned().collect())];
    let mut rows = snapshot.rows("looking for the profile's tables", TABLES, &parameters).await?;
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    while let Some(row) = rows.next().await? {
        let [schema, name] = [row.text("schema")?, row.text("name")?].map(Option::unwrap_or_default);
        found.entry(schema).or_default().insert(name);
    }
    drop(rows);
    let has_all = |schema: &&String| found.get(*schema) == Some(&wanted);
    let complete: Vec<String> = looked_in.iter().filter(has_all).cloned().collect();
    match complete.as_slice() {
        [only] if only.chars().any(char::is_control) => {
            Err(fault(plan, format!("the name of schema {only:?} cannot stand in SQL")))
        }
        [only] => Ok(ProfileSchema::new(only.clone())),
        [] if plan.profile.presents_copies() => Err(ScanError::NoCollection {
            profile: plan.profile.name.clone(),
            why: lacking(&looked_in, &wanted, &found),
        }),
        [] => Err(fault(plan, lacking(&looked_in, &wanted, &found))),
        several => {
            let several: Vec<String> = several.iter().map(|schema| format!("{schema:?}")).collect();
            Err(fault(plan, format!("the schemas {} all have its tables", several.join(" and "))))
        }
    }
}

fn fault(plan: &ScanPlan, fault: String) -> ScanError {
    ScanError::NoSchema { profile: plan.profile.name.clone(), fault, is_given: plan.schema.is_some() }
}

/// Which tables each schema lacks.
fn lacking(looked_in: &[String], wanted: &BTreeSet<String>, found: &BTreeMap<String, BTreeSet<String>>) -> String {
    let none = BTreeSet::new();
    let lacks = |schema: &String| {
        let existing = found.get(schema).unwrap_or(&none);
        let missing: Vec<&str> = wanted.difference(existing).map(String::as_str).collect();
        format!("schema {schema:?} has no {}", missing.join(", "))
    };
    match looked_in {
        [] => "no schema is on the search path of this role, or it may use none of them".to_owned(),
        some => some.iter().map(lacks).collect::<Vec<_>>().join("; "),
    }
}

/// The role that runs the statements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Role {
    /// The role.
    pub name: String,
    /// Whether it is a superuser.
    pub is_superuser: bool,
    /// Whether it may do what the owner of one of the tables may.
    pub owns: bool,
}

/// The tables that a profile reads, and the role.
pub(super) struct TablesRead {
    /// What is read by name, each with its schema.
    pub(super) named: BTreeSet<(String, String)>,
    pub(super) tables: Vec<Table>,
    pub(super) role: Role,
}

/// Everything that the relations of a profile are made of, sorted by schema and name.
///
/// # Errors
/// A relation that does not fit the database; a temporary table; a lost connection.
pub(super) async fn read(
    plan: &ScanPlan,
    schema: &ProfileSchema,
    snapshot: &Snapshot<'_>,
) -> Result<TablesRead, ScanError> {
    let mut named = of_relations(&plan.profile, schema, snapshot).await?;
    for rule in plan.rules.iter().filter(|rule| !rule.ships()) {
        if let Some(fault) = beyond(rule, &plan.profile, schema, &named, snapshot).await? {
            return Err(fault);
        }
    }
    // Only this names a view that is written with its schema: the server's plan shows only what is behind it.
    named.extend(plan.profile.all_sql().flat_map(schema::pairs));
    if let Some(schema) = schema.name() {
        let names = plan.profile.all_sql().flat_map(schema::names);
        named.extend(names.map(|name| (schema.to_owned(), name)));
    }
    if let Some((_, table)) = named.iter().find(|(schema, _)| schema.starts_with(TEMPORARY)) {
        return Err(fault(plan, format!("{table:?} is a temporary table")));
    }
    let (tables, owns) = described(&named, snapshot).await?;
    let mut role = Role { owns, ..Role::default() };
    if let Some(row) = snapshot.rows("asking for the role", ROLE, &[]).await?.next().await? {
        role.name = row.text("name")?.unwrap_or_default();
        role.is_superuser = row.boolean("is_superuser")?.unwrap_or_default();
    }
    Ok(TablesRead { named, tables, role })
}

/// The tables of some names now, and those behind them; and whether this role may do what the owner of one of them may.
pub(super) async fn described(
    named: &BTreeSet<(String, String)>,
    snapshot: &Snapshot<'_>,
) -> Result<(Vec<Table>, bool), ScanError> {
    let (schemas, names) = named.iter().cloned().unzip();
    let parameters = [Parameter::Texts(schemas), Parameter::Texts(names)];
    let mut rows = snapshot.rows("asking which tables are read", TABLES_READ, &parameters).await?;
    let (mut tables, mut owns) = (Vec::new(), false);
    while let Some(row) = rows.next().await? {
        let [schema, name, kind, owner] =
            [row.text("schema")?, row.text("name")?, row.text("kind")?, row.text("owner")?]
                .map(Option::unwrap_or_default);
        owns |= row.boolean("is_own")?.unwrap_or_default();
        let digest = |definition: String| hexadecimal(&Sha256::digest(definition), WHOLE);
        tables.push(Table { schema, name, kind, owner, definition_sha256: row.text("definition")?.map(digest) });
    }
    Ok((tables, owns))
}

/// The tables that the relations of a profile scan.
pub(super) async fn of_relations(
    profile: &Profile,
    schema: &ProfileSchema,
    snapshot: &Snapshot<'_>,
) -> Result<BTreeSet<(String, String)>, ScanError> {
    let mut found = BTreeSet::new();
    for relation in Relation::ALL {
        let Some(written) = profile.relation(relation) else { continue };
        let what = format!("asking what relation {relation} reads");
        // What cannot be read at all, since a right or a file is missing, is found out later, and said. Its SQL names its tables.
        if let Err(error) = attempt(snapshot, explain(&what, &schema.sql(&written.sql), snapshot, &mut found)).await? {
            if error.is_about_what_is_read() { continue } else { return Err(error) }
        }
    }
    Ok(found)
}

/// A rule reads relations only: any other table would be in no list of what was read.
pub(super) async fn beyond(
    rule: &Rule,
    profile: &Profile,
    schema: &ProfileSchema,
    of_relations: &BTreeSet<(String, String)>,
    snapshot: &Snapshot<'_>,
) -> Result<Option<ScanError>, ScanError> {
    let shape = Shape::of(schema.clone());
    let (statement, _) = Relations::new(profile, &shape, BuildSelection::All).rule(rule);
    let mut found = BTreeSet::new();
    explain(&format!("asking what rule {} reads", rule.name), &statement, snapshot, &mut found).await?;
    Ok(found.difference(of_relations).next().map(|(schema, name)| ScanError::Columns {
        file: rule.file.clone(),
        line: rule.line,
        part: format!("rule {}", rule.name),
        fault: format!("it reads table {schema}.{name}: a rule reads build, step, chunk and object, and nothing else"),
    }))
}

async fn explain(
    what: &str,
    sql: &str,
    snapshot: &Snapshot<'_>,
    into: &mut BTreeSet<(String, String)>,
) -> Result<(), ScanError> {
    let explained = snapshot.explain(what, sql).await?;
    let explained: Value = serde_json::from_str(&explained).map_err(|_| ScanError::NoAnswer { what: "EXPLAIN" })?;
    scanned(&explained, into);
    Ok(())
}

/// The tables that a plan of the server scans.
fn scanned(explained: &Value, into: &mut BTreeSet<(String, String)>) {
    match explained {
        Value::Array(items) => items.iter().for_each(|item| scanned(item, into)),
        Value::Object(fields) => {
            if let (Some(schema), Some(name)) = (explained["Schema"].as_str(), explained["Relation Name"].as_str()) {
                into.insert((schema.to_owned(), name.to_owned()));
            }
            fields.values().for_each(|value| scanned(value, into));
        }
        _ => {}
    }
}
