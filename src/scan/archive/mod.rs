//! Reads everything that the database holds about some builds: whole rows, each value as the text that PostgreSQL writes, on which
//! pg_dump relies too. A profile says in its `-- archive: TABLE` sections which rows these are.

mod record;
mod section;

use crate::database::{Encoding, Parameter, Rows, Snapshot};
use crate::sql;
use crate::text::bytes;

use super::check::Place;
use super::error::ScanError;
use super::fit::Fit;
use super::header::without_semicolon;
use super::pieces;
use super::plan::ScanPlan;
use super::relation::Relation;

pub use section::archive_faults;

/// The rows of one table that belong to some builds.
const ARCHIVED: &str = sql::ARCHIVE.part("archived");
/// A relation's rows as whole rows.
const PRESENTED: &str = sql::ARCHIVE.part("presented");
/// The tables whose rows go with a build and that are not archived.
const NOT_ARCHIVED: &str = sql::ARCHIVE.part("not_archived");

/// Which rows are to be archived, and how they are read. It holds for the database that was asked.
#[derive(Debug)]
pub struct Archiving {
    sections: Vec<Section>,
    is_of_tables: bool,
    left_out: Vec<String>,
}

/// One table, or one relation of a profile that names no tables.
#[derive(Debug)]
struct Section {
    name: String,
    columns: Vec<String>,
    statement: String,
    file: String,
    line: usize,
}

/// The rows of one table that belong to some builds.
pub struct ArchiveRows<'a> {
    section: &'a Section,
    rows: Rows<'a>,
    /// Whether the database takes any bytes back as text.
    takes_bytes: bool,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveRow {
    /// The place of its build among the keys that were asked for.
    pub build: usize,
    /// Its values in the order of the columns.
    pub values: Vec<Option<String>>,
}

impl Archiving {
    /// Has the server check the sections.
    ///
    /// # Errors
    /// A section that does not fit the database; a lost connection.
    pub async fn check(plan: &ScanPlan, fit: &Fit, snapshot: &Snapshot<'_>) -> Result<Self, ScanError> {
        if plan.profile.archive().is_empty() {
            return Ok(Self { sections: of_relations(plan, fit), is_of_tables: false, left_out: Vec::new() });
        }
        let (mut sections, mut schemas, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for section in plan.profile.archive() {
            let checked = section::check(snapshot, &plan.profile, section, fit.schema()).await;
            let checked = checked.map_err(|faults| first(faults, &plan.profile.file))?;
            let sql = fit.schema().sql(&section.sql);
            let place = section::place(&plan.profile, section, &sql);
            section::has_comparable_key(&place, &checked.key_type, fit.key_type().unwrap_or_default())?;
            let every = pieces::part("every", "NOT MATERIALIZED", &sql);
            let statement = statement(fit, &[every]);
            snapshot
                .check(&format!("reading {}", place.part), &statement)
                .await
                .map_err(|error| place.misfit(error))?;
            schemas.push(checked.table.0);
            names.push(checked.table.1);
            sections.push(Section {
                name: section.table.clone(),
                columns: checked.columns,
                statement,
                file: plan.profile.file.clone(),
                line: section.line,
            });
        }
        let mut left_out = Vec::new();
        let parameters = [Parameter::Texts(schemas), Parameter::Texts(names)];
        let mut rows = snapshot.rows("looking for tables that are not archived", NOT_ARCHIVED, &parameters).await?;
        while let Some(row) = rows.next().await? {
            let [table, parent] = [row.text("child")?, row.text("parent")?].map(Option::unwrap_or_default);
            left_out.push(format!("table {table}, which refers to {parent}"));
        }
        Ok(Self { sections, is_of_tables: true, left_out })
    }

    /// Whether whole rows of tables are read; otherwise only what the relations present of them.
    pub fn is_of_tables(&self) -> bool {
        self.is_of_tables
    }

    /// The tables or relations, parents first.
    pub fn tables(&self) -> Vec<String> {
        self.sections.iter().map(|section| section.name.clone()).collect()
    }

    /// The tables that refer to archived ones, so that their rows may go with a build, and that no section names.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Begins to read the rows of one table, by its place in [`Archiving::tables`], of the builds with some keys.
    ///
    /// # Errors
    /// What the server complains about before the first row.
    pub async fn rows<'a>(
        &'a self,
        snapshot: &'a Snapshot<'_>,
        table: usize,
        keys: &[String],
    ) -> Result<Option<ArchiveRows<'a>>, ScanError> {
        let Some(section) = self.sections.get(table) else { return Ok(None) };
        let keys = Parameter::Texts(keys.to_vec());
        let rows = snapshot.rows("reading what is to be archived", &section.statement, &[keys]).await?;
        Ok(Some(ArchiveRows { section, rows, takes_bytes: snapshot.encoding() == Encoding::Absent }))
    }
}

impl ArchiveRows<'_> {
    /// The columns of the table.
    pub fn columns(&self) -> &[String] {
        &self.section.columns
    }

    /// The next row, or `None` after the last.
    ///
    /// # Errors
    /// What the server complains about; a row that is no row of the table, or of none of the builds.
    pub async fn next(&mut self) -> Result<Option<ArchiveRow>, ScanError> {
        let Some(row) = self.rows.next().await? else { return Ok(None) };
        let place = row.integer("place")?.and_then(|place| usize::try_from(place).ok()?.checked_sub(1));
        let build = place.ok_or_else(|| self.section.fault("a row whose build_key is none of those asked for"))?;
        let text =
            row.text("whole")?.ok_or_else(|| self.section.fault("a build_key without a row: is it an outer join?"))?;
        let text = if self.takes_bytes { Some(text) } else { bytes::whole(text) };
        let text = text.ok_or_else(|| self.section.fault("text that is no UTF-8, which could not be put back"))?;
        let values = record::values(&text).filter(|values| values.len() == self.section.columns.len());
        let values = values.ok_or_else(|| self.section.fault("a row of other columns than before"))?;
        Ok(Some(ArchiveRow { build, values }))
    }
}

impl Section {
    fn fault(&self, fault: &str) -> ScanError {
        let part = format!("archive {}", self.name);
        Place { file: &self.file, line: self.line, part, sql: "", before: 0 }.fault(format!("it gives {fault}"))
    }
}

/// Where a profile names no tables, only what its relations present can be read.
fn of_relations(plan: &ScanPlan, fit: &Fit) -> Vec<Section> {
    let offered = Relation::ALL.into_iter().filter_map(|relation| Some((relation, plan.profile.relation(relation)?)));
    let section = |(relation, found): (Relation, &super::version_column::RelationSql)| {
        let presented = sql::filled(PRESENTED, &[("relation", relation.as_str())]);
        let parts = [
            pieces::part(relation.as_str(), "NOT MATERIALIZED", &fit.schema().sql(&found.sql)),
            pieces::part("every", "NOT MATERIALIZED", &presented),
        ];
        Section {
            name: relation.to_string(),
            columns: unique_columns(fit.columns(relation)),
            statement: statement(fit, &parts),
            file: plan.profile.file.clone(),
            line: found.line,
        }
    };
    offered.map(section).collect()
}

/// A relation may give a column of its own twice; an object must not.
fn unique_columns(columns: Vec<String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(columns.len());
    for column in columns {
        let again = (2..).map(|count| format!("{column} ({count})"));
        let free = std::iter::once(column.clone()).chain(again).find(|name| !names.contains(name));
        names.push(free.unwrap_or(column));
    }
    names
}

fn statement(fit: &Fit, parts: &[String]) -> String {
    let archived = sql::filled(ARCHIVED, &[("key_type", &fit.key_type_quoted().unwrap_or_else(|| "text".to_owned()))]);
    format!("WITH {}\n{}", parts.join(", "), without_semicolon(&archived))
}

fn first(faults: Vec<ScanError>, file: &str) -> ScanError {
    let unknown = || ScanError::Columns {
        file: file.to_owned(),
        line: 1,
        part: "archive".to_owned(),
        fault: "a fault without a name".to_owned(),
    };
    faults.into_iter().next().unwrap_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_one_name_get_different_names() {
        let columns = ["a", "b", "a", "a (2)", "a"].map(str::to_owned).to_vec();
        assert_eq!(unique_columns(columns), ["a", "b", "a (2)", "a (2) (2)", "a (3)"]);
    }
}
