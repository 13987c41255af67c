//! What the database itself suggests as T and R, where they are not given.

use jiff::Timestamp;

use crate::database::{Parameter, Snapshot};
use crate::premise::Premise;

use super::compose::BuildSelection;
use super::engine::Scan;
use super::error::ScanError;
use super::fit::Fit;
use super::plan::ScanPlan;

/// A time in which nothing was written to the database: a backup was most likely taken when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietTime {
    /// The last sign of life before it.
    pub last_write: Timestamp,
    /// The first one after it; `None` if it lasts until now.
    pub next_write: Option<Timestamp>,
    /// How many builds had started by then and not stopped.
    pub running: u64,
    /// What the database server's own record of a recovery says about it.
    pub recovery: Recovery,
}

/// What the server's own record of its last crash recovery says about a quiet time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// No record, or none that can be used.
    NotOnRecord,
    /// It recovered in the quiet time, as after a restore.
    Within(Timestamp),
    /// It recovered at another time, with builds on both sides of it: the restore was then, or there was another crash.
    Elsewhere(Timestamp),
}

impl Scan<'_> {
    /// What the database itself suggests as the time of the backup: nothing where it has no times.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn suggestions(&self) -> Result<Vec<QuietTime>, ScanError> {
        let (scope, parameters) = self.scope_parameters();
        find(self.plan, &self.fit, self.snapshot, (scope, &parameters)).await
    }
}

/// The same over all builds, without a scan.
///
/// # Errors
/// What the server complains about.
pub async fn quiet_times(plan: &ScanPlan, fit: &Fit, snapshot: &Snapshot<'_>) -> Result<Vec<QuietTime>, ScanError> {
    find(plan, fit, snapshot, (BuildSelection::All, &[])).await
}

async fn find(
    plan: &ScanPlan,
    fit: &Fit,
    snapshot: &Snapshot<'_>,
    (scope, parameters): (BuildSelection, &[Parameter]),
) -> Result<Vec<QuietTime>, ScanError> {
    let statement = fit.readable(plan, scope).suggestion();
    let mut rows = snapshot.rows("looking for a quiet time", &statement, parameters).await?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().await? {
        let Some(last_write) = row.time("last_write")? else { continue };
        let running = row.integer("running")?.unwrap_or_default().unsigned_abs();
        let next_write = row.time("next_write")?;
        found.push(QuietTime { last_write, next_write, running, recovery: Recovery::NotOnRecord });
    }
    drop(rows);
    let recovered = Premise::recovery(plan, fit, snapshot).await?;
    for quiet in &mut found {
        quiet.recovery = match recovered {
            Some((at, _)) if at > quiet.last_write && quiet.next_write.is_none_or(|next| at <= next) => {
                Recovery::Within(at)
            }
            Some((at, true)) => Recovery::Elsewhere(at),
            _ => Recovery::NotOnRecord,
        };
    }
    Ok(found)
}
