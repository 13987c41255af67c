//! Asks what all builds say about T and R, before any build is sorted by them.

use jiff::{SignedDuration, Timestamp};

use crate::collection::Collection;
use crate::database::{Parameter, Snapshot};
use crate::losses::Losses;
use crate::premise::{Contradictions, Premise, Restored, ahead, earlier, later};
use crate::row_versions::RowVersions;
use crate::sql;
use crate::text::bytes::has_bytes;
use crate::timing::RestoreTimes;

use super::attempt::attempt;
use super::compose::{BuildSelection, Relations};
use super::error::ScanError;
use super::fit::Fit;
use super::plan::{OutputRead, ScanPlan};
use super::profile::RowOrigin;
use super::relation::Relation;
use super::row_versions;

/// The database's own clock.
pub(super) const CLOCK: &str = sql::PREMISE.part("clock");
/// Whether this is a standby, and when the server recovered from a crash.
const RECOVERY: &str = sql::PREMISE.part("recovery");

/// How long before R the server's own start-up is looked for.
const START_UP: SignedDuration = SignedDuration::from_mins(15);

/// How far two machines' clocks may be apart.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(5);

/// The output of more builds than this is not looked up build by build.
pub(super) const BUILDS_LOOKED_UP: u64 = 200_000;

impl Premise {
    /// Finds R where it is not given, compares all builds with T and R, and sets in the snapshot what its rules need.
    ///
    /// # Errors
    /// What the server complains about.
    pub async fn establish(plan: &ScanPlan, fit: &Fit, snapshot: &Snapshot<'_>) -> Result<Self, ScanError> {
        let reader = PremiseReader { plan, relations: fit.readable(plan, BuildSelection::All), snapshot };
        let asked = Timestamp::now();
        let [_, now] = reader.clock().await?;
        let clock_ahead = ahead(now, asked, Timestamp::now());
        refuse_times_to_come(plan, now)?;
        let mut premise = Self { clock_ahead, ..reader.premise().await? };
        if let Some(seen_at) = fit.collection().and_then(Collection::seen_at) {
            premise.now = premise.now.min(seen_at);
        }
        let why_not = fit.without_row_versions();
        premise.row_versions = row_versions::ask(&premise, &reader.relations, why_not, snapshot).await?;
        reader.add_habits(&mut premise).await?;
        premise.step_habits = reader.step_habits().await?;
        snapshot.set(&plan.settings_by(&premise)).await?;
        Ok(premise)
    }

    /// The same, and what is lost of whole relations, and which relations cannot be read as a whole, where one cannot.
    ///
    /// # Errors
    /// What the server complains about; builds that cannot be read.
    pub async fn establish_readable(
        plan: &ScanPlan,
        fit: Fit,
        snapshot: &Snapshot<'_>,
    ) -> Result<(Fit, Self), ScanError> {
        let mut fit = fit;
        loop {
            match attempt(snapshot, Self::establish_with_losses(plan, &fit, snapshot)).await? {
                Err(error) if error.is_about_what_is_read() => fit = fit.find_unread(plan, snapshot, error).await?,
                done => return done.map(|premise| (fit, premise)),
            }
        }
    }

    async fn establish_with_losses(plan: &ScanPlan, fit: &Fit, snapshot: &Snapshot<'_>) -> Result<Self, ScanError> {
        let mut premise = Self::establish(plan, fit, snapshot).await?;
        premise.add_losses(plan, fit, snapshot).await?;
        Ok(premise)
    }

    /// When the server last recovered from a crash by its own record, and whether there are builds on both sides of that time.
    pub(super) async fn recovery(
        plan: &ScanPlan,
        fit: &Fit,
        snapshot: &Snapshot<'_>,
    ) -> Result<Option<(Timestamp, bool)>, ScanError> {
        let reader = PremiseReader { plan, relations: fit.readable(plan, BuildSelection::All), snapshot };
        let Some(recovered) = reader.recovery().await? else { return Ok(None) };
        Ok(Some((recovered, reader.has_both_sides(recovered).await?)))
    }
}

/// Whether a rule of the plan reads what this CI leaves open in steps by habit.
pub(super) fn asks_for_step_habits(plan: &ScanPlan) -> bool {
    plan.profile.offers(Relation::Step) && plan.rules.iter().any(|rule| rule.uses_setting("step_habits"))
}

/// By a time in the future every live build has started, and would pass for one that the backup cut. This machine's clock may be the
/// one that is wrong, so the database's clock decides.
fn refuse_times_to_come(plan: &ScanPlan, now: Timestamp) -> Result<(), ScanError> {
    let RestoreTimes { backup, restored, .. } = *plan.times();
    for (flag, time) in [("--backup-time", backup), ("--restored-at", restored)] {
        if let Some(time) = time.filter(|time| *time > later(now, CLOCKS_APART)) {
            return Err(ScanError::InTheFuture { flag, time, now });
        }
    }
    Ok(())
}

/// What the builds say about T and one R.
struct Answer {
    contradictions: Contradictions,
    closing_from: Option<Timestamp>,
    first_served: Option<Timestamp>,
    first_start: Option<Timestamp>,
    start_up_stops: u64,
    now: Timestamp,
}

struct PremiseReader<'a> {
    plan: &'a ScanPlan,
    relations: Relations<'a>,
    snapshot: &'a Snapshot<'a>,
}

impl PremiseReader<'_> {
    async fn premise(&self) -> Result<Premise, ScanError> {
        let times = *self.plan.times();
        let premise = |restored: Restored, answer: Answer| Premise {
            times,
            restored,
            contradictions: answer.contradictions,
            recovered_before_backup: None,
            recovery_contradicted: None,
            start_up_stops: answer.start_up_stops,
            closing_from: answer.closing_from,
            first_served: answer.first_served,
            first_start: answer.first_start,
            habits: String::new(),
            step_habits: String::new(),
            losses: Losses::default(),
            row_versions: RowVersions::NotAsked,
            holds: false,
            shows_work: false,
            has_steps: None,
            now: answer.now,
            clock_ahead: SignedDuration::ZERO,
        };
        let Some(backup) = times.backup else {
            return Ok(Premise::without_backup(times, self.clock().await?[0]));
        };
        let recovered = self.recovery().await?;
        let stopped_by = later(backup, times.clock_tolerance);
        let recovered_before_backup = match recovered.filter(|recovered| *recovered <= stopped_by) {
            Some(recovered) if self.has_both_sides(recovered).await? => Some(recovered),
            _ => None,
        };
        let premise =
            |restored: Restored, answer: Answer| Premise { recovered_before_backup, ..premise(restored, answer) };
        if let Some(restored) = times.restored {
            return Ok(premise(Restored::Given(restored), self.ask(Some(restored), self.plan.output_read()).await?));
        }
        let mut recovery_contradicted = None;
        if let Some(recovered) = recovered.filter(|recovered| *recovered > stopped_by) {
            // Here a single piece counts, whatever else its build says: nothing may be on record before the recovery.
            let answer = self.ask(Some(recovered), OutputRead::Every).await?;
            // A later crash, or a reset by hand, moves the record: then builds have been at work before it.
            if answer.contradictions.builds == 0 {
                return Ok(premise(Restored::Recovered(recovered), answer));
            }
            recovery_contradicted = Some((recovered, answer.contradictions));
        }
        let answer = self.ask(None, OutputRead::OfBuildsAtWork).await?;
        let sorted_by = Answer { closing_from: Some(stopped_by), contradictions: Contradictions::default(), ..answer };
        Ok(Premise { recovery_contradicted, start_up_stops: 0, ..premise(Restored::Unknown, sorted_by) })
    }

    /// The states that are habits of the CI, whether builds wait on purpose, and whether anything shows that they are at work.
    async fn add_habits(&self, premise: &mut Premise) -> Result<(), ScanError> {
        let what = "looking for habits of the CI";
        let mut rows = self.snapshot.rows(what, &self.relations.habits(), &[]).await?;
        let row = rows.next().await?.ok_or(ScanError::NoAnswer { what })?;
        premise.habits = row.text("habits")?.unwrap_or_default();
        premise.holds = row.boolean("holds")?.unwrap_or(true);
        premise.has_steps = row.boolean("has_steps")?;
        // A table without a single step says nothing about how this CI writes steps.
        let has_no_step = self.plan.profile.offers(Relation::Step) && premise.has_steps == Some(false);
        premise.shows_work = row.boolean("shows_work")?.unwrap_or(false) || has_no_step;
        Ok(())
    }

    /// What this CI leaves open in steps by habit; empty where no rule reads it.
    async fn step_habits(&self) -> Result<String, ScanError> {
        if !asks_for_step_habits(self.plan) {
            return Ok(String::new());
        }
        let what = "looking for habits in steps";
        let mut rows = self.snapshot.rows(what, &self.relations.habits_of_steps(), &[]).await?;
        let row = rows.next().await?.ok_or(ScanError::NoAnswer { what })?;
        Ok(row.text("step_habits")?.unwrap_or_default())
    }

    /// The time of this snapshot, and the time now, by the database's clock.
    async fn clock(&self) -> Result<[Timestamp; 2], ScanError> {
        let what = "asking for the time";
        let mut rows = self.snapshot.rows(what, CLOCK, &[]).await?;
        let row = rows.next().await?.ok_or(ScanError::NoAnswer { what })?;
        let time = |time: Option<Timestamp>| time.ok_or(ScanError::NoAnswer { what });
        Ok([time(row.time("now")?)?, time(row.time("at_this_moment")?)?])
    }

    /// What all builds say about T and this R; without R, only the time, and whether the queue moves.
    async fn ask(&self, restored: Option<Timestamp>, output: OutputRead) -> Result<Answer, ScanError> {
        self.snapshot.set(&self.plan.settings_with(restored, None)).await?;
        // Where the time of pieces is not on record, no output is read at all.
        let narrows = output == OutputRead::OfBuildsAtWork && self.relations.narrows_output();
        let keys = if restored.is_some() && narrows { self.at_work().await? } else { None };
        let statement = self.relations.premise(keys.is_some());
        let times = Parameter::Integers(self.window(restored));
        let parameters: Vec<Parameter> = std::iter::once(times).chain(keys.map(Parameter::Texts)).collect();
        let what = "comparing all builds with the two times";
        let mut rows = self.snapshot.rows(what, &statement, &parameters).await?;
        let row = rows.next().await?;
        let Some(row) = row else {
            // A statement without FROM gives a row, always.
            return Err(ScanError::NoAnswer { what });
        };
        Ok(Answer {
            contradictions: Contradictions {
                builds: row.integer("builds")?.unwrap_or_default().unsigned_abs(),
                first: row.time("first")?,
                last: row.time("last")?,
            },
            closing_from: row.time("closing_from")?,
            first_served: row.time("first_served")?,
            now: row.time("now")?.ok_or(ScanError::NoAnswer { what })?,
            first_start: row.time("first_start")?,
            start_up_stops: row.integer("start_up_stops")?.unwrap_or_default().unsigned_abs(),
        })
    }

    /// T + tolerance, R - tolerance, where the last quarter of an hour before R begins, and R, in microseconds since 1970. R is T where
    /// it is not known.
    fn window(&self, restored: Option<Timestamp>) -> Vec<i64> {
        let times = self.plan.times();
        let backup = times.backup.unwrap_or_default();
        let restored = restored.unwrap_or(backup);
        let after = later(backup, times.clock_tolerance);
        let start_up = earlier(restored, START_UP).max(after);
        [after, earlier(restored, times.clock_tolerance), start_up, restored].map(Timestamp::as_microsecond).to_vec()
    }

    /// The keys of the builds that may have been at work after T; `None` where there are too many to look up.
    async fn at_work(&self) -> Result<Option<Vec<String>>, ScanError> {
        let statement = self.relations.at_work(BUILDS_LOOKED_UP + 1);
        let mut rows = self.snapshot.rows("looking for builds at work after the backup", &statement, &[]).await?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next().await? {
            keys.extend(row.text("build_key")?);
        }
        // The server may not take back a key that is no UTF-8.
        Ok(Some(keys).filter(|keys| keys.len() as u64 <= BUILDS_LOOKED_UP && !keys.iter().any(|key| has_bytes(key))))
    }

    /// The server's own record of R; none on a standby, which has one of its own, and none where the rows are copies.
    async fn recovery(&self) -> Result<Option<Timestamp>, ScanError> {
        if self.plan.profile.rows == RowOrigin::Copies {
            return Ok(None);
        }
        let mut rows = self.snapshot.rows("asking when the server recovered", RECOVERY, &[]).await?;
        let Some(row) = rows.next().await? else { return Ok(None) };
        if row.boolean("is_standby")?.unwrap_or(true) {
            return Ok(None);
        }
        Ok(row.time("recovered_at")?)
    }

    async fn has_both_sides(&self, at: Timestamp) -> Result<bool, ScanError> {
        let statement = self.relations.sides();
        let parameters = [Parameter::Texts(vec![at.to_string()])];
        let mut rows = self.snapshot.rows("looking at both sides of a recovery", &statement, &parameters).await?;
        let row = rows.next().await?;
        Ok(row.map(|row| row.boolean("has_both")).transpose()?.flatten().unwrap_or(false))
    }
}
