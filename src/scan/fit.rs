//! That a plan fits a database: the server has taken its SQL.

use crate::database::Snapshot;

use super::check::{self, Shape};
use super::compose::{Relations, Scope};
use super::fingerprint::database_tag;
use super::plan::ScanPlan;
use super::{ScanError, rule::Rule};

/// What the server says of a plan's profile and rules. It holds for the database that was asked.
#[derive(Clone, Debug)]
pub struct Fit {
    shape: Shape,
    /// The end of every fingerprint.
    pub(super) database_tag: String,
}

impl Fit {
    /// Has the server check profile and rules.
    ///
    /// # Errors
    /// A profile or rule that does not fit the database; a lost connection.
    pub async fn check(plan: &ScanPlan, snapshot: &Snapshot<'_>) -> Result<Self, ScanError> {
        let shape = check::profile(snapshot, &plan.profile).await?;
        let rules: Vec<&Rule> = plan.rules.iter().collect();
        check::rules(snapshot, &plan.profile, &shape, &rules).await?;
        Ok(Self { shape, database_tag: database_tag(snapshot.identity()) })
    }

    pub(super) fn relations<'a>(&'a self, plan: &'a ScanPlan, scope: Scope) -> Relations<'a> {
        Relations { profile: &plan.profile, shape: &self.shape, scope }
    }
}
