//! Keys that stand for several rows: whether a table holds such rows, or a join of the profile doubles those of another.

use serde_json::Value;

use crate::database::{Parameter, Row, Snapshot};
use crate::sql::{SCOPE, filled};
use crate::text::{Foreign, counted};

use super::compose::{BuildSelection, Relations};
use super::error::ScanError;
use super::fit::Fit;
use super::header::without_semicolon;
use super::plan::ScanPlan;
use super::relation::Relation;
use super::schema::quoted;

/// The casts of a key that keep one value for each of the column's.
const CASTS: [&str; 4] = ["::text", "::bigint", "::numeric", "::character varying"];

/// What the keys of a profile's builds stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildKeys {
    /// How many builds have none.
    without: u64,
    /// How many keys stand for several rows.
    doubled: u64,
    why: Doubling,
}

/// Why keys stand for several rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Doubling {
    /// Nobody can tell.
    #[default]
    Unknown,
    /// This table holds the rows.
    Table(String),
    /// This table holds each of these keys once.
    Join(String),
    /// This table holds some of these keys more than once, and others once.
    Both(String),
}

impl BuildKeys {
    /// Reads the keys of all builds, in scope or not: only keys connect steps and output with their build.
    ///
    /// # Errors
    /// A join of the profile doubles half of the builds or more, or most of them have no key: that is a fault of the profile.
    pub async fn check(plan: &ScanPlan, fit: &Fit, snapshot: &Snapshot<'_>) -> Result<Self, ScanError> {
        snapshot.set_indexes(false).await?;
        let found = Self::read(plan, fit, snapshot).await?;
        snapshot.set_indexes(true).await?;
        Ok(found)
    }

    async fn read(plan: &ScanPlan, fit: &Fit, snapshot: &Snapshot<'_>) -> Result<Self, ScanError> {
        let relations = fit.relations(plan, BuildSelection::All);
        let Some(row) = first_row(snapshot, "looking at keys", &relations.keys()).await? else {
            return Ok(Self::default());
        };
        let [builds, with_key, keys] = counts(&row, ["builds", "with_key", "keys"])?;
        let without = builds - with_key;
        let fault = |fault: String| ScanError::Keys { profile: plan.profile.name.clone(), fault };
        if 2 * without > builds {
            return Err(fault(format!("gives {without} of {} without a build_key", counted(builds, "build"))));
        }
        if keys == with_key {
            return Ok(Self { without, ..Self::default() });
        }
        let origin = Origin::find(plan, fit, snapshot).await?;
        let statement = relations.doubled_keys(origin.as_ref());
        let Some(row) = first_row(snapshot, "looking at keys of several rows", &statement).await? else {
            return Ok(Self::default());
        };
        let [doubled, in_table] = counts(&row, ["doubled", "in_table"])?;
        let why = match origin.as_ref().map(Origin::shown) {
            None => Doubling::Unknown,
            Some(table) if in_table == doubled => Doubling::Table(table),
            Some(table) if 2 * (doubled - in_table) >= keys => {
                let what = counted(doubled, "build key");
                return Err(fault(format!("gives {what} of {keys} more than once, and {table} holds each once")));
            }
            Some(table) if in_table == 0 => Doubling::Join(table),
            Some(table) => Doubling::Both(table),
        };
        Ok(Self { without, doubled, why })
    }

    /// Whether each build has a key, and each key one build.
    pub(super) fn are_sound(&self) -> bool {
        self.without == 0 && self.doubled == 0
    }

    /// The value of the setting doubled_by, for the rule that finds such keys.
    pub(super) fn doubled_by(&self) -> &'static str {
        match self.why {
            _ if self.doubled == 0 => "",
            Doubling::Unknown => "unknown",
            Doubling::Table(_) => "table",
            Doubling::Join(_) => "join",
            Doubling::Both(_) => "both",
        }
    }

    /// What is wrong with the keys, in words.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.doubled > 0 {
            let stand = if self.doubled == 1 { "stands" } else { "stand" };
            let what = format!("{} {stand} for several rows", counted(self.doubled, "build key"));
            remarks.push(match &self.why {
                Doubling::Unknown => {
                    format!("{what}: whether a table holds them more than once, or a join of the profile doubles its rows, is not known")
                }
                Doubling::Table(table) => format!("{what} of {table}: was its primary key built again after the restore?"),
                Doubling::Join(table) => {
                    format!("{what}: {table} holds each once, and a join of the profile finds several rows")
                }
                Doubling::Both(table) => {
                    format!("{what}: {table} holds some of them more than once, and a join of the profile finds several rows for others")
                }
            });
        }
        if self.without > 0 {
            let have = if self.without == 1 { "has" } else { "have" };
            remarks.push(format!("{} {have} no key", counted(self.without, "build")));
        }
        remarks
    }
}

/// The column that the key of a build comes from.
pub(super) struct Origin {
    /// One table; or the partitions of one.
    tables: Vec<(String, String)>,
    column: String,
    casts: String,
}

impl Origin {
    /// Asks the server for its plan of the relation build. `None` where the key is anything but a column of one table.
    async fn find(plan: &ScanPlan, fit: &Fit, snapshot: &Snapshot<'_>) -> Result<Option<Self>, ScanError> {
        let Some(written) = plan.profile.relation(Relation::Build) else { return Ok(None) };
        let explained = snapshot.explain("asking where keys come from", &fit.schema().sql(&written.sql)).await?;
        let explained: Value = serde_json::from_str(&explained).map_err(|_| ScanError::NoAnswer { what: "EXPLAIN" })?;
        let place = fit.columns(Relation::Build).iter().position(|name| name == "build_key");
        let key = place.and_then(|place| explained[0]["Plan"]["Output"][place].as_str());
        let Some((alias, column, casts)) = key.and_then(column_of) else { return Ok(None) };
        let mut tables = Vec::new();
        scans_of(&explained, &|name| alias.as_ref().is_none_or(|alias| name == alias), &mut tables);
        if let Some(alias) = alias.filter(|_| tables.is_empty()) {
            // The server numbers the aliases of partitions.
            let is_partition = |name: &str| {
                let rest = name.strip_prefix(&*alias).and_then(|rest| rest.strip_prefix('_'));
                rest.is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
            };
            scans_of(&explained, &is_partition, &mut tables);
        }
        Ok(Some(Self { tables, column, casts }).filter(|origin| !origin.tables.is_empty()))
    }

    fn shown(&self) -> String {
        let names: Vec<String> =
            self.tables.iter().map(|(schema, name)| Foreign::name(&format!("{schema}.{name}")).to_string()).collect();
        match names.as_slice() {
            [only] => format!("table {only}"),
            several => format!("tables {}", several.join(", ")),
        }
    }

    fn rows(&self) -> String {
        let rows = self.tables.iter().map(|(schema, name)| {
            let table = format!("{}.{}", quoted(schema), quoted(name));
            let values = [("column", &*quoted(&self.column)), ("casts", &self.casts), ("table", &table)];
            filled(without_semicolon(const { SCOPE.part("rows_of_table") }), &values)
        });
        rows.collect::<Vec<_>>().join("\nUNION ALL\n")
    }
}

impl Relations<'_> {
    /// How many keys stand for several rows, and how many of them do so in the table that they come from.
    fn doubled_keys(&self, origin: Option<&Origin>) -> String {
        let nothing = || without_semicolon(const { SCOPE.part("no_rows_of_table") }).to_owned();
        let rows = format!("\n{}\n", origin.map_or_else(nothing, Origin::rows));
        self.followed_by(&[], &filled(const { SCOPE.part("doubled_keys") }, &[("rows_of_table", &rows)]))
    }
}

async fn first_row(snapshot: &Snapshot<'_>, what: &'static str, statement: &str) -> Result<Option<Row>, ScanError> {
    const NOTHING: [Parameter; 0] = [];
    Ok(snapshot.rows(what, statement, &NOTHING).await?.next().await?)
}

fn counts<const N: usize>(row: &Row, columns: [&str; N]) -> Result<[u64; N], ScanError> {
    let mut counts = [0; N];
    for (count, column) in counts.iter_mut().zip(columns) {
        *count = row.integer(column)?.unwrap_or_default().unsigned_abs();
    }
    Ok(counts)
}

/// Alias, column and casts of an expression in a plan that is nothing but a column: `b.build_id`, `(b.build_id)::text`. Where a plan reads
/// one table, the server writes no alias.
fn column_of(expression: &str) -> Option<(Option<String>, String, String)> {
    let mut inner = expression.trim();
    let mut casts = String::new();
    loop {
        if let Some((before, cast)) = CASTS.iter().find_map(|cast| Some((inner.strip_suffix(cast)?, cast))) {
            casts.insert_str(0, cast);
            inner = before;
        } else if let Some(within) = inner.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            inner = within;
        } else {
            break;
        }
    }
    let (first, rest) = identifier(inner)?;
    let Some(rest) = rest.strip_prefix('.') else { return rest.is_empty().then_some((None, first, casts)) };
    let (column, rest) = identifier(rest)?;
    rest.is_empty().then_some((Some(first), column, casts))
}

/// The name at the beginning of a text, as the server writes it, and what follows.
fn identifier(text: &str) -> Option<(String, &str)> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '$').unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let (part, after) = rest.split_once('"')?;
        name.push_str(part);
        let Some(further) = after.strip_prefix('"') else { return Some((name, after)) };
        name.push('"');
        rest = further;
    }
}

/// The tables that a plan scans under such an alias.
fn scans_of(explained: &Value, is_wanted: &dyn Fn(&str) -> bool, into: &mut Vec<(String, String)>) {
    match explained {
        Value::Array(items) => items.iter().for_each(|item| scans_of(item, is_wanted, into)),
        Value::Object(fields) => {
            let [alias, schema, name] = ["Alias", "Schema", "Relation Name"].map(|field| explained[field].as_str());
            if let (Some(alias), Some(schema), Some(name)) = (alias, schema, name)
                && is_wanted(alias)
            {
                let table = (schema.to_owned(), name.to_owned());
                if !into.contains(&table) {
                    into.push(table);
                }
            }
            fields.values().for_each(|value| scans_of(value, is_wanted, into));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_a_column_is_known_as_one() {
        for (expression, expected) in [
            ("b.build_id", Some((Some("b"), "build_id", ""))),
            ("build_id", Some((None, "build_id", ""))),
            ("(b.build_id)::text", Some((Some("b"), "build_id", "::text"))),
            ("((build_id)::bigint)::text", Some((None, "build_id", "::bigint::text"))),
            ("\"my b\".\"Id \"\"x\"\"\"", Some((Some("my b"), "Id \"x\"", ""))),
            ("b.build_id + 1", None),
            ("(b.build_id)::numeric(10,2)", None),
            ("md5((b.build_id)::text)", None),
            ("(a.x)::text || (b.y)::text", None),
            ("1", None),
            ("", None),
        ] {
            let found = column_of(expression);
            let found =
                found.as_ref().map(|(alias, column, casts)| (alias.as_deref(), column.as_str(), casts.as_str()));
            assert_eq!(found, expected, "{expression}");
        }
    }
}
