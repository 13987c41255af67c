//! The timing of a build, and all that speaks against deleting it.

use super::super::report::WITNESS;
use super::super::world::{Build, Queue, Running, Url};
use super::{Meaning, NEVER, RULES, is};

impl<'a> Meaning<'a> {
    pub(super) fn timing(&self, build: &Build) -> &'static str {
        let (Some(backup), Some(closing_from)) = (self.backup, self.closing_from) else {
            return "unknown";
        };
        let restored = self.restored.unwrap_or(backup);
        let backup_end = backup.plus(self.tolerance);
        let signs = self.signs(build);
        let stop = self.on_record(build.stopped);
        if signs.iter().any(|sign| *sign > restored) {
            return "after-restore";
        }
        if signs.iter().any(|sign| *sign > backup) || stop.is_some_and(|stop| stop > backup_end && stop <= closing_from)
        {
            return "between";
        }
        let is_stopped = stop.is_some_and(|stop| stop <= backup_end);
        if !self.has(build.queued) && !self.has(build.started) && !is_stopped {
            return "unknown";
        }
        if is_stopped {
            return "ended";
        }
        let of_steps = self.steps_of(Some(build.key)).filter_map(|step| self.on_record(step.stopped));
        let seen = signs.into_iter().chain(of_steps).chain(stop).filter(|time| *time <= backup).max();
        let seen = seen.expect("it was queued or started by T");
        if backup.since(seen) > self.max_run_time { "stale" } else { "in-flight" }
    }

    /// All that speaks against deleting it, in the order of the report.
    pub(super) fn notes(&self, build: &Build, timing: &str, reasons: &[String], witness: bool) -> Vec<String> {
        let mut notes: Vec<String> = Vec::new();
        let mut say = |holds: bool, note: &str| notes.extend(holds.then(|| note.to_owned()));
        let has_stop = self.has(build.stopped);
        let is_over = has_stop || is(build, "finished") || is(build, "not_run");
        let later = timing == "after-restore";
        say(self.backup.is_none(), "no backup time was given");
        say(self.backup.is_some() && timing == "unknown", "no time on record");
        say(later && is_over, "it ran after the restore and is over: the backup did not cut it");
        say(
            later && !is_over && self.is_silent(build),
            "it did something after the restore, and has been silent for longer than --max-run-time: is it alive?",
        );
        say(later && !is_over && !self.is_silent(build), "it did something after the restore and may be alive");
        say(timing == "between", "it did something between the backup and the restore: T, R or a clock is wrong");
        say(self.backup.is_some() && self.restored.is_none(), "R is not known: give --restored-at");
        let is_close = self.backup.zip(self.restored).is_some_and(|(t, r)| r.since(t) <= 2 * self.tolerance);
        say(is_close, "R is too close to T for the clock tolerance");
        say(self.is_of_the_future(build), "one of its times lies in the future");
        say(self.is_duplicate(build), "another build has its number or its address");
        // An empty one is none.
        let is_missing = build.url.as_ref().is_none_or(|url| url.to_string().is_empty());
        say(is_missing, "it has no address");
        let has_form = matches!(build.url, Some(Url::Of { number, .. }) if number > 0);
        say(!is_missing && !has_form, "its address is not of the form https://HOST/VCS/ORG/PROJECT/NUMBER");
        say(has_form && !is_its_address(build), "its address names another build");
        notes.extend(self.vetoes_of_lifecycle(build, timing));
        let mut say = |holds: bool, note: &str| notes.extend(holds.then(|| note.to_owned()));
        let runs = is(build, "running");
        let ran_at_backup = match timing {
            "in-flight" | "stale" => runs || self.shows_a_start(build),
            "ended" => runs,
            _ => false,
        };
        let may_resume = ran_at_backup && self.headers.running != Some(Running::Lost);
        let stopped_since = has_stop && timing != "ended";
        say(may_resume && stopped_since, "this CI may resume what ran at the backup");
        say(
            may_resume && !stopped_since && !self.is_back_for(self.max_run_time + self.max_queue_time),
            "this CI may resume what ran at the backup: wait for --max-run-time and --max-queue-time",
        );
        let is_open = runs && (!has_stop && ["in-flight", "stale"].contains(&timing) || timing == "ended");
        let is_seen_later =
            self.last_seen(build).is_some_and(|seen| self.restored.is_some_and(|restored| seen > restored));
        say(
            is_open && is_seen_later && !self.is_silent(build),
            "one of its steps stopped after the restore: it may be alive",
        );
        notes.extend(self.ungrounded(build, reasons, witness, timing));
        notes
    }

    /// What waits, or may have waited, may start yet; and of a word that nobody knows nothing is known.
    pub(super) fn vetoes_of_lifecycle(&self, build: &Build, timing: &str) -> Option<String> {
        self.backup?;
        let may_have_waited = ["in-flight", "stale"].contains(&timing) && !self.shows_a_start(build);
        let may_run_again = may_have_waited || timing == "ended" && !self.shows_a_start(build);
        let unknown_start = "no start since it was queued is on record: it may have waited at the backup";
        match build.lifecycle.as_deref() {
            Some("held") => Some("it waits on purpose".to_owned()),
            Some("queued" | "not_running") => {
                let seems_cut = ["in-flight", "stale"].contains(&timing);
                let had_begun = seems_cut && !self.has(build.started) && self.shows_a_start(build);
                let again = (timing == "ended" || had_begun)
                    .then_some("it had started or ended by the backup, and waits again");
                let let_go = self.holds().then_some("it may have waited on purpose, and been released since");
                self.unproved_queue().or(again).or(let_go).map(str::to_owned)
            }
            Some("running") if may_run_again => {
                // As long as it may have waited, and then run.
                let both = self.max_run_time + self.max_queue_time;
                let may_be_let_go = self.holds() && may_have_waited;
                let is_settled = !may_be_let_go && self.is_back_for(both) && self.unproved_queue().is_none();
                (!is_settled).then(|| unknown_start.to_owned()).or_else(|| self.unseen_again(timing))
            }
            Some("running") => self.unseen_again(timing),
            Some("not_run" | "finished") if may_have_waited => Some(unknown_start.to_owned()),
            Some("not_run" | "finished") => None,
            _ => Some("its lifecycle is not known".to_owned()),
        }
    }

    /// Of what was over and runs nothing shows whether it runs again where neither steps nor the times of output are read.
    pub(super) fn unseen_again(&self, timing: &str) -> Option<String> {
        let has_started = self.steps.iter().any(|step| self.has(step.started));
        let has_none = self.offers.steps && self.steps.is_empty();
        let shows_work = has_started || has_none || self.chunks.iter().any(|chunk| self.has(chunk.stored));
        (timing == "ended" && !shows_work).then(|| {
            "it had ended by the backup, and without steps and output nothing shows whether it runs again".to_owned()
        })
    }

    /// Whether any build waits on purpose.
    pub(super) fn holds(&self) -> bool {
        self.world.builds.iter().any(|build| is(build, "held"))
    }

    /// Why no rule that found it is a ground for deleting it; nothing if one is.
    pub(super) fn ungrounded(&self, build: &Build, reasons: &[String], witness: bool, timing: &str) -> Vec<String> {
        let fired = RULES.into_iter().filter(|rule| reasons.iter().any(|reason| reason == rule));
        let fired: Vec<&str> = fired.chain(witness.then_some(WITNESS)).collect();
        if fired.iter().all(|rule| NEVER.contains(rule)) {
            let make = if fired.len() > 1 { "make" } else { "makes" };
            return vec![format!("{} never {make} a build deletable", fired.join(", "))];
        }
        let mut failed = Vec::new();
        for rule in fired.into_iter().filter(|rule| !NEVER.contains(rule)) {
            if let Some(blind) = self.blind(rule, build) {
                if !failed.contains(&blind) {
                    failed.push(blind);
                }
                continue;
            }
            let fails = match rule {
                "closed-after-restore" if self.headers.running != Some(Running::Lost) => {
                    vec!["the profile does not say that what ran at the backup is lost".to_owned()]
                }
                "closed-after-restore" if timing == "ended" || !self.has(build.stopped) => {
                    vec!["only one of its steps is known to have been closed after the restore".to_owned()]
                }
                "closed-after-restore"
                    if ["in-flight", "stale"].contains(&timing) && self.stopped_by_restore(build) =>
                {
                    let why = "by the server's start-up, or was the backup later?";
                    vec![format!("it stopped just before R: {why}")]
                }
                "impossible-state" => self.habits(build),
                "step-unfinished" => self.habits_of_open_steps(build),
                "output-truncated" => self.habits_of_ends(build),
                "output-excess" if self.excesses(build).iter().all(|excess| excess.may_be_whole) => {
                    vec!["pieces of an earlier run are stored too: nothing shows that its own are not whole".to_owned()]
                }
                _ => vec![],
            };
            if fails.is_empty() {
                return vec![];
            }
            failed.extend(fails);
        }
        failed
    }

    pub(super) fn stopped_by_restore(&self, build: &Build) -> bool {
        self.on_record(build.stopped).zip(self.restored).is_some_and(|(stop, restored)| stop <= restored)
    }

    /// What is not known yet of a queue, if anything.
    pub(super) fn unproved_queue(&self) -> Option<&'static str> {
        // Without T there is one thing to say, and it is said elsewhere.
        self.restored.or(self.backup)?;
        match self.headers.queue {
            Some(Queue::Elsewhere) => {}
            Some(Queue::Here) => return Some("it waits, and what waits in this database starts by itself"),
            None => return Some("the profile does not say where the queue is kept"),
        }
        if self.is_young_for(self.max_queue_time) {
            return Some("the queue has not been served for --max-queue-time yet");
        }
        self.first_start(true).is_none().then_some("no build that was queued after the restore has started yet")
    }
}

/// Whether the address names this very build: its number, and its project where that is named `org/project`.
fn is_its_address(build: &Build) -> bool {
    let Some(Url::Of { project, number, .. }) = &build.url else {
        return false;
    };
    let named = build.project.as_deref().filter(|name| name.contains('/'));
    *number > 0 && Some(*number) == build.number && named.is_none_or(|name| name.eq_ignore_ascii_case(project))
}
