//! Reads what deleted builds were, so that somebody can run them again: what a profile says in its section `-- run-again: NAME`.

use std::collections::HashMap;

use crate::database::{Parameter, Row, Snapshot};
use crate::report::{RUN_AGAIN_COLUMNS, RunAgainBuild};

use super::check::{Place, section_faults};
use super::error::ScanError;
use super::fit::Fit;
use super::plan::ScanPlan;
use super::profile::Profile;
use super::relation::Kind;
use super::schema::ProfileSchema;

/// The word that begins the section.
const SECTION: &str = "run-again";

/// Reads what builds were, each given by all the names under which it may be on record. `None` stands for one that is not, and for all of a
/// profile without the section. Rows of other builds are passed over.
///
/// # Errors
/// The section does not fit the database, or fails; a lost connection.
pub async fn read_run_again(
    plan: &ScanPlan,
    fit: &Fit,
    snapshot: &Snapshot<'_>,
    builds: &[Vec<String>],
) -> Result<Vec<Option<RunAgainBuild>>, ScanError> {
    let mut found: Vec<Option<(usize, RunAgainBuild)>> = vec![None; builds.len()];
    let Some(section) = plan.profile.run_again() else { return Ok(vec![None; builds.len()]) };
    if let Some(fault) = run_again_faults(snapshot, &plan.profile, fit.schema()).await.into_iter().next() {
        return Err(fault);
    }
    let mut places: HashMap<&str, (usize, usize)> = HashMap::new();
    for (build, names) in builds.iter().enumerate() {
        for (rank, name) in names.iter().enumerate() {
            places.entry(name).or_insert((build, rank));
        }
    }
    let sql = fit.schema().sql(&section.sql);
    let part = format!("{SECTION} {}", section.name);
    let place = Place { file: &plan.profile.file, line: section.line, part, sql: &sql, before: 0 };
    let names = Parameter::Texts(builds.iter().flatten().cloned().collect());
    let asked = snapshot.rows("reading what is to be run again", &sql, &[names]).await;
    let mut rows = asked.map_err(|error| place.misfit(error))?;
    while let Some(row) = rows.next().await.map_err(|error| place.misfit(error))? {
        let build_url = row.text("build_url")?.unwrap_or_default();
        let Some((build, rank)) = places.get(build_url.as_str()).copied() else { continue };
        // The first of its names counts.
        if found[build].as_ref().is_none_or(|(before, _)| rank < *before) {
            found[build] = Some((rank, of_row(&row)?));
        }
    }
    Ok(found.into_iter().map(|found| found.map(|(_, build)| build)).collect())
}

/// All faults of the section, as the server sees it: none if the profile has none. A snapshot is of no use any more after a fault that the
/// server has found.
pub async fn run_again_faults(snapshot: &Snapshot<'_>, profile: &Profile, schema: &ProfileSchema) -> Vec<ScanError> {
    let Some(section) = profile.run_again() else { return Vec::new() };
    section_faults(snapshot, (profile, schema), (SECTION, section), &RUN_AGAIN_COLUMNS.map(|name| (name, Kind::Text)))
        .await
}

fn of_row(row: &Row) -> Result<RunAgainBuild, ScanError> {
    let mut cells = RUN_AGAIN_COLUMNS.map(|_| None);
    for (cell, column) in cells.iter_mut().zip(RUN_AGAIN_COLUMNS) {
        *cell = row.text(column)?;
    }
    Ok(RunAgainBuild::of(cells))
}
