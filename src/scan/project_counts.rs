//! Counts the builds of some projects, those that were there at a moment apart from those that came later.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::database::{Parameter, Snapshot};
use crate::sql::{COLLATERAL, expression, filled};
use crate::text::bytes::has_bytes;

use super::attempt::attempt;
use super::compose::{BuildSelection, Relations};
use super::error::ScanError;
use super::fit::Fit;
use super::plan::ScanPlan;

/// How many builds a project has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProjectCount {
    /// Those that have a time by the moment that was asked for.
    pub earlier: u64,
    /// Those all of whose times are after it.
    pub later: u64,
    /// Those without any time on record.
    pub without_time: u64,
}

/// How many builds each project has; `None` stands for builds without a project. A project without builds is not in it.
pub type ProjectCounts = BTreeMap<Option<String>, ProjectCount>;

/// Counts the builds of these projects. Another statement may follow where it fails because of what it reads.
///
/// # Errors
/// What the server complains about.
pub async fn count_builds(
    plan: &ScanPlan,
    fit: &Fit,
    snapshot: &Snapshot<'_>,
    (projects, by): (&BTreeSet<Option<String>>, Timestamp),
) -> Result<ProjectCounts, ScanError> {
    let named: Vec<String> = projects.iter().flatten().cloned().collect();
    let by_bytes = named.iter().any(|project| has_bytes(project));
    let statement = fit.relations(plan, BuildSelection::All).counted(by_bytes, projects.contains(&None));
    let named = if by_bytes { Parameter::Bytes(named) } else { Parameter::Texts(named) };
    let parameters = [named, Parameter::Integers(vec![by.as_microsecond()])];
    let read = async {
        let mut rows = snapshot.rows("counting builds", &statement, &parameters).await?;
        let mut counts = ProjectCounts::new();
        while let Some(row) = rows.next().await? {
            let number = |column| Ok::<_, ScanError>(row.integer(column)?.unwrap_or_default().unsigned_abs());
            let count = ProjectCount {
                earlier: number("earlier")?,
                later: number("later")?,
                without_time: number("without_time")?,
            };
            counts.insert(row.text("project")?, count);
        }
        Ok(counts)
    };
    attempt(snapshot, read).await?
}

impl Relations<'_> {
    /// How many builds the projects in the first parameter have.
    fn counted(&self, by_bytes: bool, or_of_none: bool) -> String {
        let of_projects = match by_bytes {
            true => expression(const { COLLATERAL.part("of_project_bytes") }),
            false => expression(const { COLLATERAL.part("of_projects") }),
        };
        let or_of_none = if or_of_none { expression(const { COLLATERAL.part("or_of_none") }) } else { "" };
        let values = [("of_projects", of_projects), ("or_of_none", or_of_none)];
        self.followed_by(&[], &filled(const { COLLATERAL.part("counted") }, &values))
    }
}
