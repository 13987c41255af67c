//! Counts builds and steps before any rule runs: what cannot be checked in them, and what deserves a remark.

use crate::not_checked::{Builds, Unchecked};
use crate::text::{Foreign, counted};

use super::attempt::attempt;
use super::compose::BuildSelection;
use super::doubled::BuildKeys;
use super::engine::Scan;
use super::error::ScanError;
use super::header::LIFECYCLES;
use super::relation::Relation;
use super::rule::{Finds, Need, Prefilter, Rule};

impl Scan<'_> {
    /// Counts numbers and addresses.
    pub(super) async fn count_names(&mut self) -> Result<(), ScanError> {
        self.snapshot.set_indexes(false).await?;
        let row = self.one_row("looking at names", |relations| relations.names()).await?;
        self.snapshot.set_indexes(true).await?;
        let Some(row) = row else { return Ok(()) };
        let count = |column: &str| Ok::<u64, ScanError>(row.integer(column)?.unwrap_or_default().unsigned_abs());
        let (builds, names, addresses) = (count("builds")?, count("names")?, count("addresses")?);
        let all_differ = names == count("different_names")? && addresses == count("different_addresses")?;
        // A build in scope may share its address with one that is not.
        self.search_space.names_differ = self.projects.is_none() && all_differ;
        self.check_keys().await?;
        if builds > 0 && names == 0 && addresses == 0 {
            self.leave_out_rules(
                |rule| rule.prefilter == Some(Prefilter::Names),
                "no build has a number or an address",
            );
        }
        Ok(())
    }

    /// Counts builds that say too little, times that are not on record, and clocks that disagree.
    pub(super) async fn count_states(&mut self) -> Result<(), ScanError> {
        let Some(row) = self.one_row("looking at states", |relations| relations.states()).await? else { return Ok(()) };
        let count = |column: &str| Ok::<u64, ScanError>(row.integer(column)?.unwrap_or_default().unsigned_abs());
        let [other_lifecycles, without_time, off_record] =
            [count("other_lifecycles")?, count("without_time")?, count("off_record")?];
        if other_lifecycles > 0 {
            let why = "their lifecycle is none of queued, held, not_run, not_running, running and finished";
            self.leave_out(Unchecked::Builds(other_lifecycles, Builds::OfNoLifecycle), why);
        }
        if without_time > 0 {
            let what = Unchecked::Builds(without_time, Builds::WaitingOrRunning);
            self.leave_out(what, "neither a start nor a queueing is on record");
        }
        let over_without_time = count("over_without_time")?;
        if over_without_time > 0 {
            // Such a build may be one that the backup cut and that some housekeeping closed.
            let what = Unchecked::Builds(over_without_time, Builds::Finished);
            self.leave_out(what, "no time on record");
        }
        let mut waiting = 0;
        for lifecycle in LIFECYCLES {
            let found = count(&format!("{lifecycle}_builds"))?;
            if ["queued", "not_running"].contains(&lifecycle) {
                waiting += found;
            }
            let yields = self.plan.profile.yields.as_ref();
            if found > 0 && yields.is_some_and(|yields| !yields.iter().any(|word| word == lifecycle)) {
                let profile = &self.plan.profile.name;
                let why = format!("profile {profile} gives it, and says that it never does (-- yields:)");
                self.leave_out(Unchecked::Builds(found, Builds::OfLifecycle(lifecycle)), &why);
            }
        }
        let (builds, queueings) = (count("builds")?, count("queueings")?);
        if builds > 0 && queueings == 0 && waiting == 0 {
            // Such tables may hold no build before it starts.
            let waits = |rule: &Rule| rule.needs.contains(&Need::QueueElsewhere);
            self.leave_out_rules(waits, "no queueing is on record");
        }
        if builds > 0 && count("starts")? == 0 {
            // Such a rule still finds those that have steps or output.
            for rule in self.rules_that_find(Finds::StartedByBackup) {
                self.leave_out(Unchecked::RuleWithoutSteps(rule), "no start is on record");
            }
        }
        let closed_unstarted = count("closed_unstarted")?;
        if closed_unstarted > 0 {
            let builds = counted(closed_unstarted, "finished build");
            let what = if closed_unstarted == 1 { "it waited" } else { "they waited" };
            self.remarks.push(format!(
                "{builds} with no start on record, and no stop by the backup: cancelled while {what}, or cut?"
            ));
        }
        self.remark_off_record(off_record, "build");
        let project = [row.text("first_early")?, row.text("last_early")?];
        let (starts, stops) =
            ((count("early_starts")?, count("earliest_start")?), (count("early_stops")?, count("earliest_stop")?));
        self.remark_on_clocks(starts, ("started", "was queued", "were queued"), &project);
        self.remark_on_clocks(stops, ("stopped", "started", "started"), &[None, None]);
        Ok(())
    }

    pub(super) fn remark_off_record(&mut self, rows: u64, of: &str) {
        if rows > 0 {
            let rows = counted(rows, of);
            self.remarks.push(format!(
                "{rows} with a time that is not on record: it lies before the year 2000, or later than now, and counts as none"
            ));
        }
    }

    /// Less than what impossible-times finds: the clocks of two machines.
    fn remark_on_clocks(
        &mut self,
        (builds, seconds): (u64, u64),
        (what, before_it, before_they): (&str, &str, &str),
        [first, last]: &[Option<String>; 2],
    ) {
        if builds > 0 {
            let of = first.as_ref().filter(|_| first == last).map(|project| format!(" of {}", Foreign::name(project)));
            let (number, of) = (counted(builds, "build"), of.unwrap_or_default());
            let when = match builds {
                1 => format!("{seconds} s before it {before_it}"),
                _ => format!("up to {seconds} s before they {before_they}"),
            };
            self.remarks.push(format!("{number}{of} {what} {when}: is a clock wrong?"));
        }
    }

    /// Finds out whether keys of builds, in scope or not, stand for several rows.
    async fn check_keys(&mut self) -> Result<(), ScanError> {
        let keys = BuildKeys::check(self.plan, &self.fit, self.snapshot).await?;
        self.search_space.build_keys_differ = keys.are_sound();
        self.remarks.extend(keys.remarks());
        self.snapshot.set(&[("doubled_by", keys.doubled_by().to_owned())]).await?;
        Ok(())
    }

    /// Finds out whether keys of steps stand for several rows, where a rule asks for it.
    pub(super) async fn check_step_keys(&mut self) -> Result<(), ScanError> {
        if !self.plan.profile.offers(Relation::Step) {
            self.search_space.step_keys_differ = true;
            return Ok(());
        }
        let asks = self.plan.rules.iter().any(|rule| rule.prefilter == Some(Prefilter::Keys));
        let asks = asks && !self.fit.unread().relations().contains(Relation::Step);
        let statement = self.relations(BuildSelection::All).step_keys().filter(|_| asks);
        let Some(statement) = statement else { return Ok(()) };
        let read = async {
            self.snapshot.set_indexes(false).await?;
            let mut rows = self.snapshot.rows("looking at the keys of steps", &statement, &[]).await?;
            let Some(row) = rows.next().await? else { return Ok(false) };
            drop(rows);
            self.snapshot.set_indexes(true).await?;
            Ok(row.integer("steps")? == row.integer("keys")?)
        };
        match attempt(self.snapshot, read).await? {
            Ok(differ) => self.search_space.step_keys_differ = differ,
            // The rule itself says what it cannot look at.
            Err(error) if error.is_about_what_is_read() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    pub(super) async fn count_steps(&mut self) -> Result<(), ScanError> {
        let is_read = self.rules.iter().any(|(_, rule)| rule.reads(Relation::Step));
        if !is_read || !self.plan.profile.offers(Relation::Step) || self.fit.unread().why(Relation::Step).is_some() {
            return Ok(());
        }
        let Some(row) = self.one_row("counting steps", |relations| relations.coverage()).await? else { return Ok(()) };
        let (every, steps) = (row.integer("every_step")?, row.integer("steps")?);
        self.scope.steps = steps.map(i64::unsigned_abs);
        self.search_space.steps_have_builds = every == steps;
        self.remark_off_record(row.integer("off_record")?.unwrap_or_default().unsigned_abs(), "step");
        let without_end = row.integer("steps_without_end")?.unwrap_or_default();
        if without_end > 0 && !self.rules_that_find(Finds::OutputEnds).is_empty() {
            let what = Unchecked::OutputEnds { steps: without_end };
            self.leave_out(what, "neither its size nor its end is on record");
        }
        Ok(())
    }
}
