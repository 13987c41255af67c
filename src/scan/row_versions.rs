//! The versions of builds' rows: a witness of what was written after the restore that needs no clock.

use std::collections::BTreeSet;

use crate::database::{Parameter, Snapshot};
use crate::premise::{Premise, later};
use crate::row_versions::{RowVersions, VersionsSeen};
use crate::sql::{VERSIONS, filled};
use crate::text::Foreign;

use super::attempt::attempt;
use super::compose::{BuildSelection, Relations};
use super::error::ScanError;
use super::plan::ScanPlan;
use super::shape::{Shape, gives_row_versions};
use super::unread::why;

/// So many builds at the end before the backup show which versions are old.
const LAST_BUILDS: &str = "100";

/// Finds out whether the versions of builds' rows can be read, and says in the shape that they can. `None` where they can, or where the
/// profile gives none; else why not.
pub(super) async fn look(
    plan: &ScanPlan,
    shape: &mut Shape,
    named: &BTreeSet<(String, String)>,
    snapshot: &Snapshot<'_>,
) -> Result<Option<String>, ScanError> {
    if !gives_row_versions(&plan.profile, shape) {
        return Ok(None);
    }
    if plan.profile.presents_copies() {
        return Ok(Some("the rows are copies, written by another program than the CI".to_owned()));
    }
    if let Some(table) = foreign_part(named, snapshot).await? {
        return Ok(Some(format!("{} is a foreign table, whose rows have none", Foreign::name(&table))));
    }
    let mut with_versions = shape.clone();
    with_versions.has_row_versions = true;
    let relations = Relations::new(&plan.profile, &with_versions, BuildSelection::All);
    let statement = relations.followed_by(&[], const { VERSIONS.part("can_be_read") });
    let read = async {
        let mut rows = snapshot.rows("reading the version of a row", &statement, &[]).await?;
        while rows.next().await?.is_some() {}
        Ok(())
    };
    match attempt(snapshot, read).await? {
        Ok(()) => *shape = with_versions,
        Err(error) if error.is_about_what_is_read() => return Ok(Some(why(&error))),
        Err(error) => return Err(error),
    }
    Ok(None)
}

/// A foreign table among the tables, their partitions and their children.
async fn foreign_part(
    named: &BTreeSet<(String, String)>,
    snapshot: &Snapshot<'_>,
) -> Result<Option<String>, ScanError> {
    let (schemas, names) = named.iter().cloned().unzip();
    let parameters = [Parameter::Texts(schemas), Parameter::Texts(names)];
    let statement = const { VERSIONS.part("foreign_parts") };
    let row = snapshot.rows("looking for foreign tables", statement, &parameters).await?.next().await?;
    Ok(row.map(|row| row.text("name")).transpose()?.flatten())
}

impl Relations<'_> {
    /// What the versions of all builds' rows say, for the times in the first parameter.
    pub(super) fn row_versions(&self) -> String {
        self.followed_by(&[], &filled(const { VERSIONS.part("row_versions") }, &[("last", LAST_BUILDS)]))
    }
}

/// Asks what the versions of all builds' rows say, now that T and R are known.
pub(super) async fn ask(
    premise: &Premise,
    relations: &Relations<'_>,
    why_not: Option<&str>,
    snapshot: &Snapshot<'_>,
) -> Result<RowVersions, ScanError> {
    let (Some(backup), Some(restored)) = (premise.times.backup, premise.restored.time()) else {
        return Ok(RowVersions::NotAsked);
    };
    if let Some(why) = why_not {
        return Ok(RowVersions::NotUsed(why.to_owned()));
    }
    if !relations.shape.has_row_versions {
        return Ok(RowVersions::NotAsked);
    }
    let tolerance = premise.times.clock_tolerance;
    let times = [backup, restored].map(|time| later(time, tolerance).as_microsecond()).to_vec();
    let what = "comparing the versions of builds' rows";
    let mut rows = snapshot.rows(what, &relations.row_versions(), &[Parameter::Integers(times)]).await?;
    let row = rows.next().await?.ok_or(ScanError::NoAnswer { what })?;
    let number = |column| Ok::<_, ScanError>(row.integer(column)?.unwrap_or_default().unsigned_abs());
    Ok(RowVersions::judge(&VersionsSeen {
        next: number("next")?,
        first_after: row.integer("first_after")?.map(i64::unsigned_abs),
        least_before: row.integer("least_before")?.map(i64::unsigned_abs),
        middle_before: row.integer("middle_before")?.map(i64::unsigned_abs),
        last_before: number("last_before")?,
        versions_before: number("versions_before")?,
        older: number("older")?,
        written_again: number("written_again")?,
        over_again: number("over_again")?,
        contradicting: number("contradicting")?,
        last_contradicting: row.time("last_contradicting")?,
    }))
}
