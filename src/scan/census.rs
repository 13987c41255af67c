//! Counts a database for a manifest: one row a build, digested by the server.

use jiff::Timestamp;

use crate::census::{CountedBuild, Coverage};
use crate::collection::Collection;
use crate::database::{DatabaseError, Parameter, Rows, Snapshot};
use crate::server_moment::ServerMoment;
use crate::sql;

use super::compose::{BuildSelection, Relations};
use super::error::ScanError;
use super::fit::Fit;
use super::plan::ScanPlan;

/// Asks what the database's present is.
const CLOCK: &str = sql::MANIFEST.part("clock");

/// Asks where the server is in its history.
const MOMENT: &str = sql::MANIFEST.part("moment");

/// Room in memory; and only dear statements are compiled.
const SETTINGS: &str = sql::MANIFEST.part("settings");

/// The present of a database, and how its server hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Until when the database has everything; `None` on a standby that has replayed nothing yet.
    pub present: Option<Timestamp>,
    /// Whether it is a standby.
    pub is_standby: bool,
    /// The digest of a build that nobody ever had: two servers that hash alike agree on it.
    pub digest: u64,
}

impl Clock {
    /// The same, where builds are documents of a collection: they are as they were when the first was fetched.
    #[must_use]
    pub fn of(self, collection: Option<&Collection>) -> Self {
        match collection {
            None => self,
            Some(collection) => Self { present: collection.fetched.map(|(from, _)| from), is_standby: false, ..self },
        }
    }
}

/// A build that was looked for by its project and number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StillPresent {
    /// Which of those that were looked for, counted from 0.
    pub position: usize,
    /// Its lifecycle now.
    pub lifecycle: Option<String>,
    /// Whether it ever started.
    pub has_started: bool,
}

/// The builds of a database, read row by row.
pub struct Census<'a> {
    rows: Rows<'a>,
}

impl Relations<'_> {
    /// The latest time of any build.
    fn newest(&self) -> String {
        self.followed_by(&[], const { sql::MANIFEST.part("newest") })
    }

    /// The builds of which the last transaction lies between two.
    fn written_between(&self) -> String {
        self.followed_by(&[], const { sql::MANIFEST.part("written_between") })
    }
}

impl<'a> Census<'a> {
    /// Asks what the database's present is, as the snapshot sees it.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn clock(snapshot: &Snapshot<'_>) -> Result<Clock, ScanError> {
        let mut rows = snapshot.rows("asking for the time", CLOCK, &[]).await?;
        let row = rows.next().await?;
        let Some(row) = row else { return Ok(Clock { present: None, is_standby: false, digest: 0 }) };
        Ok(Clock {
            present: row.time("present")?,
            is_standby: row.boolean("is_standby")?.unwrap_or(false),
            digest: row.integer("digest")?.unwrap_or_default().cast_unsigned(),
        })
    }

    /// Asks where the server is in its own history, as the snapshot sees it.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn moment(snapshot: &Snapshot<'_>) -> Result<Option<ServerMoment>, DatabaseError> {
        let mut rows = snapshot.rows("asking for the last transaction", MOMENT, &[]).await?;
        let Some(row) = rows.next().await? else { return Ok(None) };
        let Some(next) = row.integer("next_transaction")?.and_then(|id| u64::try_from(id).ok()) else {
            return Ok(None);
        };
        let timeline = row.text("timeline")?.and_then(|digits| u32::from_str_radix(&digits, 16).ok());
        Ok(Some(ServerMoment { next_transaction: next, timeline, last_commit: row.time("last_commit")? }))
    }

    /// The latest time on record in any build.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn newest(plan: &ScanPlan, fit: &Fit, snapshot: &Snapshot<'_>) -> Result<Option<Timestamp>, ScanError> {
        let statement = fit.readable(plan, BuildSelection::All).newest();
        let mut rows = snapshot.rows("looking for the latest time of any build", &statement, &[]).await?;
        let Some(row) = rows.next().await? else { return Ok(None) };
        Ok(row.time("newest")?)
    }

    /// How many builds were written last by a transaction from `from` on and before `until`, and did nothing from `end` on; and the latest time
    /// of them.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn written_between(
        (plan, fit): (&ScanPlan, &Fit),
        snapshot: &Snapshot<'_>,
        [from, until]: [u64; 2],
        end: Timestamp,
    ) -> Result<(u64, Option<Timestamp>), ScanError> {
        let statement = fit.readable(plan, BuildSelection::All).written_between();
        let limits = [from, until].map(|id| i64::try_from(id).unwrap_or(i64::MAX));
        let limits = Parameter::Integers(vec![limits[0], limits[1], end.as_microsecond()]);
        let mut rows =
            snapshot.rows("looking for builds that were written after the manifest", &statement, &[limits]).await?;
        let Some(row) = rows.next().await? else { return Ok((0, None)) };
        Ok((row.integer("builds")?.unwrap_or_default().unsigned_abs(), row.time("last")?))
    }

    /// Starts to count every build. A build is covered if it was over by `covered`; `backup` is T.
    ///
    /// # Errors
    /// What the server complains about before the first row.
    pub async fn take(
        plan: &ScanPlan,
        fit: &Fit,
        snapshot: &'a Snapshot<'_>,
        covered: Timestamp,
        backup: Timestamp,
    ) -> Result<Self, ScanError> {
        let statement = fit.readable(plan, BuildSelection::All).census();
        let times = Parameter::Texts(vec![covered.to_string(), backup.to_string()]);
        // Sums over all steps and all output: compiling pays where there are many.
        snapshot.set_jit(true).await?;
        let mut set = snapshot.rows("setting up the session", SETTINGS, &[]).await?;
        while set.next().await?.is_some() {}
        drop(set);
        let rows = snapshot.rows("counting builds, steps and output", &statement, &[times]).await?;
        Ok(Self { rows })
    }

    /// The next build, or `None` after the last; in no order.
    ///
    /// # Errors
    /// What the server complains about; a value that cannot be read.
    pub async fn next(&mut self) -> Result<Option<CountedBuild>, ScanError> {
        let Some(row) = self.rows.next().await? else { return Ok(None) };
        Ok(Some(CountedBuild {
            project: row.text("project")?,
            number: row.integer("number")?,
            lifecycle: row.text("lifecycle")?,
            status: row.text("status")?,
            coverage: match row.integer("state")? {
                Some(0) => Coverage::Ended,
                Some(1) => Coverage::NeverRan,
                Some(2) => Coverage::EndedLately,
                Some(3) => Coverage::Undated,
                _ => Coverage::NotOver,
            },
            was_there: row.boolean("was_there")?.unwrap_or(false),
            digest: row.integer("digest")?.unwrap_or_default().cast_unsigned(),
            steps: row.integer("steps")?.unwrap_or_default(),
            stored: row.integer("stored")?.unwrap_or_default(),
            over_at: row.integer("over_at")?,
        }))
    }

    /// Looks for builds by the places of their projects (from 1) and their numbers, whatever their lifecycle.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn still_present(
        plan: &ScanPlan,
        fit: &Fit,
        snapshot: &Snapshot<'_>,
        (projects, places, numbers): (Vec<String>, Vec<i64>, Vec<i64>),
    ) -> Result<Vec<StillPresent>, ScanError> {
        let statement = fit.relations(plan, BuildSelection::All).still_present();
        let parameters = [Parameter::Texts(projects), Parameter::Integers(places), Parameter::Integers(numbers)];
        let mut rows = snapshot.rows("looking for missing builds", &statement, &parameters).await?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().await? {
            let position = row.integer("position")?.and_then(|position| usize::try_from(position - 1).ok());
            let Some(position) = position else { continue };
            found.push(StillPresent {
                position,
                lifecycle: row.text("lifecycle")?,
                has_started: row.boolean("has_started")?.unwrap_or(false),
            });
        }
        Ok(found)
    }
}
