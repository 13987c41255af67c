//! Counts a database for a manifest: one row a build, digested by the server.

use jiff::Timestamp;

use crate::census::{Counted, Coverage};
use crate::database::{Parameter, Rows, Snapshot};
use crate::finding::Finding;
use crate::obstacle::Ground;
use crate::sql;

use super::ScanError;
use super::compose::{self, Scope};
use super::engine::Scan;
use super::fit::Fit;
use super::found;
use super::plan::ScanPlan;
use super::rule::Rule;

/// Asks what the database's present is.
const CLOCK: &str = sql::MANIFEST.part("clock");

/// Room in memory; and only dear statements are compiled.
const SETTINGS: &str = sql::MANIFEST.part("settings");

/// What a database says of itself before it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Until when it has everything; `None` on a standby that has replayed nothing yet.
    pub present: Option<Timestamp>,
    /// Whether it is a standby.
    pub is_standby: bool,
    /// The digest of a build that nobody ever had: two servers that hash alike agree on it.
    pub digest: u64,
}

/// A build that was looked for by its project and number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct There {
    /// Which of those that were looked for, counted from 0.
    pub position: usize,
    /// How it fares now.
    pub lifecycle: Option<String>,
    /// Whether it ever started.
    pub has_started: bool,
}

/// Builds that were found by other means than a rule, to be told in the report beside what rules find.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// What stands in `reasons`: a plain word.
    pub rule: &'static str,
    /// The names of their projects, each once.
    pub projects: Vec<String>,
    /// For each build the place of its project in `projects`, counted from 1.
    pub places: Vec<i64>,
    /// For each build its number.
    pub numbers: Vec<i64>,
    /// For each build what was seen.
    pub evidence: Vec<String>,
}

impl Given {
    /// Puts its values behind the other parameters of a statement, and gives a rule that reads them there.
    pub(super) fn into_rule(self, parameters: &mut Vec<Parameter>) -> Rule {
        let sql = compose::given(parameters.len() + 1);
        parameters.push(Parameter::Texts(self.projects));
        parameters.push(Parameter::Integers(self.places));
        parameters.push(Parameter::Integers(self.numbers));
        parameters.push(Parameter::Texts(self.evidence));
        let name = self.rule.to_owned();
        Rule {
            name,
            title: String::new(),
            needs: Vec::new(),
            lifecycles: Vec::new(),
            ground: Ground::Never,
            sieve: None,
            text: String::new(),
            sql,
            file: String::new(),
            line: 1,
        }
    }
}

/// The builds of a database, read row by row.
pub struct Census<'a> {
    rows: Rows<'a>,
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
            present: row.time(0)?,
            is_standby: row.boolean(1)?.unwrap_or(false),
            digest: row.integer(2)?.unwrap_or_default().cast_unsigned(),
        })
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
        let statement = fit.relations(plan, Scope::All).census();
        let times = Parameter::Texts(vec![covered.to_string(), backup.to_string()]);
        // Sums over all steps and all output: what compiling is good for, where there are many.
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
    pub async fn next(&mut self) -> Result<Option<Counted>, ScanError> {
        let Some(row) = self.rows.next().await? else { return Ok(None) };
        Ok(Some(Counted {
            project: row.text(0)?,
            number: row.integer(1)?,
            lifecycle: row.text(2)?,
            status: row.text(3)?,
            coverage: match row.integer(4)? {
                Some(0) => Coverage::Ended,
                Some(1) => Coverage::NeverRan,
                Some(2) => Coverage::EndedLately,
                Some(3) => Coverage::Undated,
                _ => Coverage::NotOver,
            },
            was_there: row.boolean(5)?.unwrap_or(false),
            digest: row.integer(6)?.unwrap_or_default().cast_unsigned(),
            steps: row.integer(7)?.unwrap_or_default(),
            stored: row.integer(8)?.unwrap_or_default(),
            over_at: row.integer(9)?,
        }))
    }

    /// Looks for builds by the places of their projects (from 1) and their numbers, however they fare.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn there(
        plan: &ScanPlan,
        fit: &Fit,
        snapshot: &Snapshot<'_>,
        (projects, places, numbers): (Vec<String>, Vec<i64>, Vec<i64>),
    ) -> Result<Vec<There>, ScanError> {
        let statement = fit.relations(plan, Scope::All).there();
        let parameters = [Parameter::Texts(projects), Parameter::Integers(places), Parameter::Integers(numbers)];
        let mut rows = snapshot.rows("looking for missing builds", &statement, &parameters).await?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().await? {
            let position = row.integer(0)?.and_then(|position| usize::try_from(position - 1).ok());
            let Some(position) = position else { continue };
            found.push(There { position, lifecycle: row.text(1)?, has_started: row.boolean(2)?.unwrap_or(false) });
        }
        Ok(found)
    }
}

/// What a scan can do for a comparison with a manifest.
impl Scan<'_> {
    /// What is told of a build that is not there.
    pub fn absent(&self, project: &str, number: Option<i64>, rule: &str, evidence: String) -> Finding {
        found::absent(&self.fit, project, number, rule, evidence)
    }

    /// Starts to count every build, in or out of scope, for a comparison with a manifest.
    ///
    /// # Errors
    /// What the server complains about before the first row.
    pub async fn census(&self, covered: Timestamp, backup: Timestamp) -> Result<Census<'_>, ScanError> {
        Census::take(self.plan, &self.fit, self.snapshot, covered, backup).await
    }

    /// What the database says of itself before it is counted.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn clock(&self) -> Result<Clock, ScanError> {
        Census::clock(self.snapshot).await
    }

    /// Looks for builds by the places of their projects (from 1) and their numbers, however they fare.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn there(&self, builds: (Vec<String>, Vec<i64>, Vec<i64>)) -> Result<Vec<There>, ScanError> {
        self.snapshot.set_jit(false).await?;
        Census::there(self.plan, &self.fit, self.snapshot, builds).await
    }
}
