//! Counts the builds of the database that lists of what is alive name.

use crate::alive::{AliveList, BuildName, LookedUp};
use crate::database::{Parameter, Snapshot};
use crate::sql::ALIVE;

use super::attempt::attempt;
use super::compose::{BuildSelection, Relations};
use super::engine::Scan;
use super::error::ScanError;
use super::fit::Fit;
use super::plan::ScanPlan;

/// Counts, for each list of the plan, the builds that it may name, in scope or not; `None` where they cannot be read as a whole.
///
/// # Errors
/// What the server complains about.
pub async fn count_listed(plan: &ScanPlan, fit: &Fit, snapshot: &Snapshot<'_>) -> Result<Vec<Option<u64>>, ScanError> {
    let mut counts = Vec::new();
    for list in &plan.alive {
        let counted = attempt(snapshot, count(plan, fit, snapshot, list)).await?;
        counts.push(match counted {
            Err(error) if error.is_about_what_is_read() => None,
            counted => Some(counted?),
        });
    }
    Ok(counts)
}

async fn count(plan: &ScanPlan, fit: &Fit, snapshot: &Snapshot<'_>, list: &AliveList) -> Result<u64, ScanError> {
    let LookedUp { texts, numbers, .. } = list.names.looked_up().clone();
    if texts.is_empty() && numbers.is_empty() {
        return Ok(0);
    }
    let statement = fit.relations(plan, BuildSelection::All).listed();
    let parameters = [Parameter::Texts(texts), Parameter::Integers(numbers)];
    let mut rows = snapshot.rows("looking for what is listed as alive", &statement, &parameters).await?;
    let mut listed = 0;
    while let Some(row) = rows.next().await? {
        let (key, url, project) = (row.text("build_key")?, row.text("build_url")?, row.text("project")?);
        let build = BuildName {
            key: key.as_deref().unwrap_or_default(),
            url: url.as_deref(),
            project: project.as_deref(),
            number: row.integer("build_num")?,
        };
        listed += u64::from(list.may_list(build));
    }
    Ok(listed)
}

impl Scan<'_> {
    /// As [`count_listed`].
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn count_listed(&self) -> Result<Vec<Option<u64>>, ScanError> {
        count_listed(self.plan, &self.fit, self.snapshot).await
    }
}

impl Relations<'_> {
    /// The builds that names on a list may mean.
    fn listed(&self) -> String {
        self.followed_by(&[], const { ALIVE.part("listed") })
    }
}
