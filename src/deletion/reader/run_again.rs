//! Reads what deleted builds were, so that somebody can run them again.

use tokio::time::timeout;

use crate::database::DatabaseError;
use crate::report::RunAgainBuild;
use crate::scan::{ScanError, read_run_again};

use super::{LiveBuilds, RECONNECT_AFTER_MS};

impl LiveBuilds<'_> {
    /// Whether the profile says what deleted builds were.
    pub fn presents_run_again(&self) -> bool {
        self.options.plan.presents_run_again()
    }

    /// What builds were, each given by all the names under which it may be on record; `None` where it is not. A database that is starting
    /// again is waited for.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn read_run_again(&mut self, builds: &[Vec<String>]) -> Result<Vec<Option<RunAgainBuild>>, ScanError> {
        let mut waits = RECONNECT_AFTER_MS.into_iter();
        loop {
            match self.read_run_again_in_time(builds).await {
                Err(error) if error.may_pass() => self.wait_for_the_database(waits.next(), error).await?,
                done => return done,
            }
        }
    }

    async fn read_run_again_in_time(
        &mut self,
        builds: &[Vec<String>],
    ) -> Result<Vec<Option<RunAgainBuild>>, ScanError> {
        let limit = self.limit;
        if !self.is_silent {
            match timeout(limit, self.read_run_again_once(builds)).await {
                Ok(read) => return read,
                Err(_) => self.is_silent = true,
            }
        }
        Err(DatabaseError::NoAnswer { what: "reading what is to be run again".to_owned(), limit }.into())
    }

    async fn read_run_again_once(&mut self, builds: &[Vec<String>]) -> Result<Vec<Option<RunAgainBuild>>, ScanError> {
        let plan = self.options.plan;
        let snapshot = self.database.snapshot(&plan.settings_by(&self.premise)).await?;
        let found = read_run_again(plan, &self.fit, &snapshot, builds).await?;
        snapshot.check_unbroken().await?;
        Ok(found)
    }
}
