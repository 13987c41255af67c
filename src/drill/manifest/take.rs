//! Makes a manifest of a database.

use jiff::{SignedDuration, Timestamp};

use crate::database::Snapshot;
use crate::scan::{Census, Clock, Fit, Relation, ScanError, ScanPlan};
use crate::version::TOOL;

use super::document::{CountedMoment, DatabaseNamed, FORMAT, Manifest, NotCovered, ProfileUsed};
use super::gather::ManifestBuilder;

/// The times of which a manifest speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoveredTimes {
    /// Builds that had stopped by then are covered.
    pub covered_until: Timestamp,
    /// T.
    pub backup: Timestamp,
}

/// Times of which no manifest can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoveredTimesError {
    #[error("--backup-time {backup} is after the database's present, {present}: what ends until then is not in it yet")]
    BackupInTheFuture { backup: Timestamp, present: Timestamp },
    #[error("--settle is too long")]
    SettleTooLong,
    /// A standby cannot say how far it is.
    #[error("this standby has replayed nothing yet, so how far it is cannot be known")]
    NoPresent,
}

impl CoveredTimesError {
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoPresent => Some("pass --backup-time, or run it on the primary".to_owned()),
            Self::BackupInTheFuture { .. } | Self::SettleTooLong => None,
        }
    }
}

impl CoveredTimes {
    /// T is the database's present where none is given. What stopped less than `settle` before the present is not covered: whoever
    /// has not committed yet may still write to it.
    ///
    /// # Errors
    /// The times contradict one another, or there is no present.
    pub fn settle(backup: Option<Timestamp>, clock: &Clock, settle: SignedDuration) -> Result<Self, CoveredTimesError> {
        let backup = match (backup, clock.present) {
            (Some(backup), Some(present)) if backup > present => {
                return Err(CoveredTimesError::BackupInTheFuture { backup, present });
            }
            (Some(backup), _) => backup,
            (None, Some(present)) => present,
            (None, None) => return Err(CoveredTimesError::NoPresent),
        };
        let settled = clock.present.map(|present| present.checked_sub(settle));
        let covered_until = match settled {
            Some(Ok(settled)) => settled.min(backup),
            Some(Err(_)) => return Err(CoveredTimesError::SettleTooLong),
            None => backup,
        };
        Ok(Self { covered_until, backup })
    }
}

impl Manifest {
    /// Counts every build of a database; `on_build` is called after each.
    ///
    /// # Errors
    /// The database failed.
    pub async fn take(
        plan: &ScanPlan,
        fit: &Fit,
        snapshot: &Snapshot<'_>,
        (clock, times): (&Clock, CoveredTimes),
        mut on_build: impl FnMut(),
    ) -> Result<Self, ScanError> {
        let newest_build = Census::newest(plan, fit, snapshot).await?;
        let server = match plan.presents_copies() {
            true => None,
            false => Census::moment(snapshot).await?,
        };
        let mut census = Census::take(plan, fit, snapshot, times.covered_until, times.backup).await?;
        let mut gathered = ManifestBuilder::default();
        while let Some(build) = census.next().await? {
            gathered.add(&build);
            on_build();
        }
        snapshot.check_unbroken().await?;
        let identity = fit.identity().clone();
        let empty = Self::empty(plan, (identity.system_identifier, identity.name), clock, times);
        Ok(Self { moment: Some(CountedMoment { newest_build, server }), ..gathered.finish(empty) })
    }

    /// A manifest of a database of which no build is counted yet.
    pub(in crate::drill) fn empty(
        plan: &ScanPlan,
        (system_identifier, name): (Option<String>, String),
        clock: &Clock,
        times: CoveredTimes,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            tool: TOOL.to_owned(),
            counted_at: clock.present,
            backup_time: times.backup,
            covered_until: times.covered_until,
            max_run_time_seconds: plan.times().max_run_time.as_secs(),
            profile: ProfileUsed {
                name: plan.profile_name().to_owned(),
                digest: plan.profile_digest(),
                unit: plan.unit().to_owned(),
                steps: plan.offers(Relation::Step),
                output: plan.offers(Relation::Chunk),
            },
            database: DatabaseNamed { system_identifier, name },
            moment: None,
            digest_check: clock.digest,
            builds: 0,
            not_covered: NotCovered::default(),
            projects: Vec::new(),
            signature: None,
        }
    }
}
