//! Counts builds, which shows whether a server deletes others along.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::timeout;

use crate::causes::in_one_line;
use crate::database::DatabaseError;
use crate::deletion::collateral::Count;
use crate::scan::{ProjectCounts, ScanError, count_builds};

use super::{LiveBuilds, RECONNECT_AFTER_MS};

/// How long a count may take: a run is not held up by it for longer, and goes on without.
const COUNTING_LASTS: Duration = Duration::from_secs(30);

impl LiveBuilds<'_> {
    /// Counts the builds of these projects that were there when this was opened, by the database's clock. A database that is starting again
    /// is waited for.
    pub(super) async fn count_builds(&mut self, projects: &BTreeSet<Option<String>>) -> Result<Count, ScanError> {
        if self.options.plan.presents_copies() {
            return Ok(Count::NotChecked("the database holds copies of the builds".to_owned()));
        }
        let mut waits = RECONNECT_AFTER_MS.into_iter();
        loop {
            match self.count_in_time(projects).await {
                Ok(counts) => return Ok(Count::Builds(counts)),
                Err(error) if error.may_pass() => self.wait_for_the_database(waits.next(), error).await?,
                Err(error) if error.is_about_what_is_read() || error.is_stopped_statement() => {
                    return Ok(Count::NotChecked(in_one_line(&error)));
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn count_in_time(&mut self, projects: &BTreeSet<Option<String>>) -> Result<ProjectCounts, ScanError> {
        let limit = self.limit.max(COUNTING_LASTS * 2);
        if !self.is_silent {
            match timeout(limit, self.count_once(projects)).await {
                Ok(counts) => return counts,
                Err(_) => self.is_silent = true,
            }
        }
        Err(DatabaseError::NoAnswer { what: "counting builds".to_owned(), limit }.into())
    }

    async fn count_once(&mut self, projects: &BTreeSet<Option<String>>) -> Result<ProjectCounts, ScanError> {
        let (plan, began) = (self.options.plan, self.premise.now);
        let snapshot = self.database.snapshot(&plan.settings_by(&self.premise)).await?;
        if self.options.statement_timeout.is_none_or(|limit| limit > COUNTING_LASTS) {
            snapshot.limit_statements(COUNTING_LASTS).await?;
        }
        let counts = count_builds(plan, &self.fit, &snapshot, (projects, began)).await?;
        // Where somebody has replaced a table since, all builds may look gone.
        self.fit.reads_the_same(&snapshot).await?;
        snapshot.check_unbroken().await?;
        Ok(counts)
    }
}
