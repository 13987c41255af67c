//! What each rule finds.

use super::super::moment::{MINUTE, Moment};
use super::super::world::{Build, Step, Url};
use super::{Meaning, is};

impl<'a> Meaning<'a> {
    pub(super) fn fires(&self, rule: &str, build: &Build) -> bool {
        let steps = || self.steps_of(Some(build.key));
        match rule {
            "stuck-running" => self.is_stuck_running(build),
            "closed-after-restore" => self.is_closed_after_restore(build),
            "stuck-queued" => self.is_stuck_queued(build),
            "impossible-state" => self.is_impossible(build),
            "step-unfinished" => is(build, "finished") && steps().any(|step| self.is_unfinished(step)),
            _ if is(build, "held") && !matches!(rule, "duplicate-number" | "duplicate-key" | "orphan-step") => false,
            "output-truncated" => steps().any(|step| self.is_truncated(build, step)),
            "output-gap" => self.has_gap(build),
            "output-missing" => steps().any(|step| self.is_output_missing(step)),
            "output-excess" => !self.excesses(build).is_empty(),
            "unexplained" => self.is_unexplained(build),
            "duplicate-number" => self.is_duplicate(build),
            "duplicate-key" => self.has_doubled_step(build),
            "impossible-times" => self.has_impossible_times(build),
            // What has no build is found elsewhere; here it is what has no step.
            "orphan-output" => self.has_stepless_output(build),
            "orphan-step" => false,
            "relation-empty" => self.is_lost_with_others(build),
            unknown => panic!("the model does not know rule {unknown}"),
        }
    }

    /// Rules that look at what had happened by T look at what has happened by now where T is not given.
    pub(super) fn by_then(&self, time: Option<Moment>) -> bool {
        let by = self.backup.map_or(self.now, |backup| backup.plus(self.tolerance));
        self.on_record(time).is_some_and(|time| time <= by)
    }

    pub(super) fn has(&self, time: Option<Moment>) -> bool {
        self.on_record(time).is_some()
    }

    pub(super) fn is_stuck_running(&self, build: &Build) -> bool {
        let since = self.on_record(build.started).or(self.on_record(build.queued));
        is(build, "running") && !self.has(build.stopped) && (self.by_then(since) || self.is_silent(build))
    }

    pub(super) fn is_closed_after_restore(&self, build: &Build) -> bool {
        let (Some(_), Some(closing_from)) = (self.backup, self.closing_from) else {
            return false;
        };
        // The restored server's clock may be behind.
        let since = self.restored.map_or(closing_from, |restored| closing_from.min(restored.plus(-self.tolerance)));
        let since = since.max(self.backup.map_or(since, |backup| backup.plus(self.tolerance)));
        let is_closed = self.on_record(build.stopped).is_some_and(|stop| stop > since);
        let had_started = match self.on_record(build.started) {
            Some(start) => self.by_then(Some(start)),
            // Somebody else's work shows it, or its own state.
            None => {
                let queued = self.on_record(build.queued).map(|queued| queued.plus(-self.tolerance));
                let work = self.work(build).into_iter().filter(|time| queued.is_none_or(|queued| *time >= queued));
                let was_there = !self.has(build.queued) || self.by_then(build.queued);
                was_there && (is(build, "running") || { work }.any(|time| self.by_then(Some(time))))
            }
        };
        // Or only a step of it was closed.
        let is_over = is(build, "finished") && (!self.has(build.stopped) || self.by_then(build.stopped));
        let closes =
            |step: &Step| self.by_then(step.started) && self.on_record(step.stopped).is_some_and(|stop| stop > since);
        !is(build, "held") && is_closed && had_started || is_over && self.steps_of(Some(build.key)).any(closes)
    }

    pub(super) fn is_stuck_queued(&self, build: &Build) -> bool {
        let waits = is(build, "queued") || is(build, "not_running");
        let is_early = self.by_then(build.queued) || self.is_silent(build);
        waits && !self.has(build.started) && !self.has(build.stopped) && is_early
    }

    /// The cells that no sound build can be in.
    pub(super) fn is_impossible(&self, build: &Build) -> bool {
        let (started, stopped) = (self.on_record(build.started), self.on_record(build.stopped));
        match build.lifecycle.as_deref() {
            Some("finished") => started.is_some() && stopped.is_none(),
            Some("not_run") => started.is_some(),
            Some("queued" | "not_running") => {
                let by = self.restored.or(self.backup).unwrap_or(self.now);
                started.is_some_and(|start| start <= by || self.is_silent(build))
            }
            Some("running") => {
                let by = self.backup.map_or(self.now, |backup| backup.plus(self.tolerance));
                stopped.is_some_and(|stop| stop <= by)
            }
            _ => false,
        }
    }

    pub(super) fn has_impossible_times(&self, build: &Build) -> bool {
        let [queued, started, stopped] = [build.queued, build.started, build.stopped].map(|time| self.on_record(time));
        let long_before = |time: Option<Moment>, other: Option<Moment>| {
            time.zip(other).is_some_and(|(time, other)| time < other.plus(-10 * MINUTE))
        };
        long_before(stopped, started) || long_before(started, queued)
    }

    pub(super) fn is_unfinished(&self, step: &Step) -> bool {
        self.has(step.started) && !self.has(step.stopped)
    }

    /// Whether several of its steps have one key.
    pub(super) fn has_doubled_step(&self, build: &Build) -> bool {
        let keys: Vec<usize> = self.steps_of(Some(build.key)).filter_map(|step| step.key).collect();
        keys.iter().any(|key| keys.iter().filter(|other| *other == key).count() > 1)
    }

    /// Whether another build has its number in the same project, or its address.
    pub(super) fn is_duplicate(&self, build: &Build) -> bool {
        let others = self.world.builds.iter().filter(|other| other.key != build.key);
        let same_number = |other: &Build| {
            build.project.is_some()
                && build.number.is_some()
                && (&other.project, other.number) == (&build.project, build.number)
        };
        let same_url = |other: &Build| {
            build.url.is_some() && other.url.as_ref().map(Url::to_string) == build.url.as_ref().map(Url::to_string)
        };
        others.into_iter().any(|other| same_number(other) || same_url(other))
    }
}
