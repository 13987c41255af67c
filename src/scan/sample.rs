//! Looks at some rows of what a profile presents: which builds have an address by which they can be deleted, and one row of each relation.

use crate::build_url::AddressForm;
use crate::database::{Row, Snapshot};
use crate::http_deletion::HttpDeletion;
use crate::obstacle::Obstacle;
use crate::sql::{CHECK, expression, filled};
use crate::text::Foreign;

use super::attempt::attempt;
use super::compose::BuildSelection;
use super::error::ScanError;
use super::fit::Fit;
use super::header::without_semicolon;
use super::judge::{Address, of_address};
use super::paths::{self, of_paths};
use super::plan::ScanPlan;
use super::relation::{CANCEL_PATH, DELETE_PATH, Relation};

/// The addresses of so many builds are looked at.
const ADDRESSES_JUDGED: u64 = 100_000;

/// Some rows of what a profile presents.
pub struct Sample {
    /// One row of each relation that it presents.
    pub examples: Vec<Example>,
    /// Why the versions of builds' rows are not read, where the profile gives them.
    pub without_row_versions: Option<Foreign>,
    /// What the addresses are good for; `None` where an example of a build could not be read.
    pub addresses: Option<Result<Addresses, ScanError>>,
}

/// One row of a relation: the columns and what stands in them, `None` for NULL.
pub struct Example {
    pub relation: Relation,
    /// `None` where the relation has no row.
    pub row: Result<Option<ExampleRow>, ScanError>,
}

/// The columns of a row and what stands in them, `None` for NULL.
pub type ExampleRow = Vec<(String, Option<String>)>;

/// How many addresses can be used to delete a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    pub looked_at: u64,
    pub usable: u64,
    /// Whether there are more builds, whose addresses were not looked at.
    pub are_more: bool,
    /// Why the others cannot be used. The first reason of a build counts.
    pub unusable: Vec<Unusable>,
}

/// Builds whose addresses cannot be used, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    pub why: String,
    pub builds: u64,
    /// One of them.
    pub example: Foreign,
}

impl Sample {
    /// Reads them. What cannot be read of one relation hides nothing of the others.
    ///
    /// # Errors
    /// A lost connection.
    pub async fn read(plan: &ScanPlan, fit: &Fit, snapshot: &Snapshot<'_>) -> Result<Self, ScanError> {
        let mut sample = Self {
            examples: Vec::new(),
            without_row_versions: fit.without_row_versions().map(Foreign::evidence),
            addresses: None,
        };
        for relation in Relation::ALL.into_iter().filter(|relation| plan.profile.offers(*relation)) {
            let row = attempt(snapshot, example(plan, fit, snapshot, relation)).await?;
            let can_be_read = row.is_ok();
            sample.examples.push(Example { relation, row: only_of_what_is_read(row)? });
            if relation == Relation::Build && can_be_read {
                let judged = attempt(snapshot, Addresses::judge(plan, fit, snapshot, ADDRESSES_JUDGED)).await?;
                sample.addresses = Some(only_of_what_is_read(judged)?);
            }
        }
        Ok(sample)
    }

    /// What could not be read.
    pub fn faults(&self) -> impl Iterator<Item = &ScanError> {
        let of_addresses = self.addresses.iter().filter_map(|judged| judged.as_ref().err());
        self.examples.iter().filter_map(|example| example.row.as_ref().err()).chain(of_addresses)
    }
}

/// Keeps an error that is about what was read; any other ends the reading.
fn only_of_what_is_read<T>(done: Result<T, ScanError>) -> Result<Result<T, ScanError>, ScanError> {
    match done {
        Err(error) if !error.is_about_what_is_read() => Err(error),
        done => Ok(done),
    }
}

async fn example(
    plan: &ScanPlan,
    fit: &Fit,
    snapshot: &Snapshot<'_>,
    relation: Relation,
) -> Result<Option<ExampleRow>, ScanError> {
    let Some(written) = plan.profile.relation(relation) else { return Ok(None) };
    let offered = fit.columns(relation);
    let known = relation.columns().iter().chain(relation.optional_columns()).map(|(name, _)| *name);
    let known: Vec<&str> = known.filter(|name| offered.iter().any(|offered| offered == name)).collect();
    let column = |name: &&str| filled(expression(const { CHECK.part("example_column") }), &[("column", name)]);
    let columns = known.iter().map(column).collect::<Vec<_>>().join(",\n       ");
    let asked = fit.schema().sql(without_semicolon(written.sql(fit.reads_row_versions())));
    let statement = filled(const { CHECK.part("example") }, &[("columns", &columns), ("asked", &asked)]);
    let mut rows = snapshot.rows(reading_a_row(relation), &statement, &[]).await?;
    let mut found = None;
    while let Some(row) = rows.next().await? {
        let value = |name: &&str| Ok(((*name).to_owned(), row.text(name)?));
        found = Some(known.iter().map(value).collect::<Result<ExampleRow, ScanError>>()?);
    }
    Ok(found)
}

fn reading_a_row(relation: Relation) -> &'static str {
    match relation {
        Relation::Build => "reading a row of relation build",
        Relation::Step => "reading a row of relation step",
        Relation::Chunk => "reading a row of relation chunk",
        Relation::Object => "reading a row of relation object",
    }
}

impl Addresses {
    /// Judges the addresses of `most` builds at most.
    async fn judge(plan: &ScanPlan, fit: &Fit, snapshot: &Snapshot<'_>, most: u64) -> Result<Self, ScanError> {
        // One more shows whether there are more.
        let columns = fit.path_columns(plan);
        let values = [("most", &*(most + 1).to_string()), ("paths", &paths::shown(&columns, "build"))];
        let asked = filled(const { CHECK.part("addresses") }, &values);
        let deletion = plan.profile.deletion.as_ref();
        let statement = fit.relations(plan, BuildSelection::All).followed_by(&[], &asked);
        let mut rows = snapshot.rows("reading the addresses of builds", &statement, &[]).await?;
        let mut addresses = Self::default();
        while let Some(row) = rows.next().await? {
            if addresses.looked_at == most {
                addresses.are_more = true;
                continue;
            }
            addresses.add(&row, &columns, (plan.profile.addresses, deletion))?;
        }
        addresses.unusable.sort_by_key(|unusable| std::cmp::Reverse(unusable.builds));
        Ok(addresses)
    }

    fn add(
        &mut self,
        row: &Row,
        columns: &[&str],
        (form, deletion): (AddressForm, Option<&HttpDeletion>),
    ) -> Result<(), ScanError> {
        self.looked_at += 1;
        let (url, project) = (row.text("build_url")?, row.text("project")?);
        let (number, odd_number) = (row.integer("build_num")?, row.text("odd_number")?);
        let address =
            Address { url: url.as_deref(), number, project: project.as_deref(), odd_number: odd_number.as_deref() };
        let path = |column: &'static str| if columns.contains(&column) { row.text(column) } else { Ok(None) };
        let (delete_path, cancel_path) = (path(DELETE_PATH)?, path(CANCEL_PATH)?);
        let paths = (delete_path.as_deref(), cancel_path.as_deref());
        let Some(obstacle) = of_address(form, &address).chain(of_paths(form, deletion, paths)).next() else {
            self.usable += 1;
            return Ok(());
        };
        let why = reason(&obstacle);
        match self.unusable.iter_mut().find(|unusable| unusable.why == why) {
            Some(unusable) => unusable.builds += 1,
            None => {
                let key = row.text("build_key")?.unwrap_or_default();
                self.unusable.push(Unusable { why, builds: 1, example: shown(&obstacle, (&address, paths), &key) });
            }
        }
        Ok(())
    }
}

/// Why an address cannot be used, in the same words for all builds.
fn reason(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::OddNumber(_) => "its number is no whole number".to_owned(),
        same_for_all => same_for_all.to_string(),
    }
}

/// The build, with what is wrong with it in sight.
fn shown(
    obstacle: &Obstacle,
    (address, (delete_path, cancel_path)): (&Address<'_>, (Option<&str>, Option<&str>)),
    key: &str,
) -> Foreign {
    let path = |path: Option<&str>| Foreign::url(path.unwrap_or_default()).or("an empty path");
    let url = Foreign::url(address.url.unwrap_or_default());
    let (key, project) = (Foreign::name(key), Foreign::name(address.project.unwrap_or_default()).or("no project"));
    let number = address.number.map_or_else(|| "no number".to_owned(), |number| format!("number {number}"));
    let shown = match obstacle {
        Obstacle::NoAddress => format!("build {key} ({project}, {number})"),
        Obstacle::OtherAddress => format!("{url} of build {key} ({project}, {number})"),
        Obstacle::OddNumber(odd) => format!("{} of build {key} ({project})", Foreign::name(odd)),
        Obstacle::StrangeDeletePath(_) => format!("{} of build {key} ({project})", path(delete_path)),
        Obstacle::StrangeCancelPath(_) => format!("{} of build {key} ({project})", path(cancel_path)),
        _ => url.to_string(),
    };
    Foreign::new(&shown)
}
