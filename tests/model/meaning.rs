//! What the rules and the report's columns mean, once more: plain loops over plain rows, slow, and written from the
//! documentation and not from the program.

use std::collections::BTreeSet;

use super::moment::{HOUR, Moment, R, T};
use super::report::Row;
use super::world::{Build, Chunk, Step, Tells, Url, World};

/// All rules there are.
pub const RULES: [&str; 11] = [
    "stuck-running",
    "closed-after-restore",
    "stuck-queued",
    "step-unfinished",
    "output-truncated",
    "output-gap",
    "output-missing",
    "orphan-step",
    "orphan-output",
    "duplicate-number",
    "impossible-times",
];

/// The flags that tell the two times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Nothing,
    Backup,
    Both,
}

/// The longest time that the server lets a build run.
const MAX_RUN_TIME: i64 = 5 * HOUR;

/// A world, and what halfbuilt is told of the restore.
pub struct Meaning<'a> {
    world: &'a World,
    /// As far as the profile has them.
    steps: &'a [Step],
    chunks: &'a [Chunk],
    tells: Tells,
    backup: Option<Moment>,
    restored: Option<Moment>,
    now: Moment,
    /// The glob that projects have to fit.
    projects: Option<&'static str>,
}

impl<'a> Meaning<'a> {
    pub fn new(world: &'a World, told: Told, tells: Tells, projects: Option<&'static str>) -> Self {
        let backup = (told != Told::Nothing).then_some(T);
        let restored = if told == Told::Both { Some(R) } else { backup };
        let steps = if tells.steps { world.steps.as_slice() } else { &[] };
        let chunks = if tells.chunks { world.chunks.as_slice() } else { &[] };
        Self { world, steps, chunks, tells, backup, restored, now: Moment::now(), projects }
    }

    /// Whether there is a build to look at.
    pub fn has_builds(&self) -> bool {
        self.world.builds.iter().any(|build| self.is_in_scope(build))
    }

    fn is_in_scope(&self, build: &Build) -> bool {
        let Some(glob) = self.projects else {
            return true;
        };
        let Some(project) = build.project.as_deref() else {
            return false;
        };
        glob.strip_suffix('*').map_or(project == glob, |start| project.starts_with(start))
    }

    /// All that these rules find, and besides every build if `all` is asked for; sorted as the report is.
    pub fn rows(&self, rules: &BTreeSet<String>, all: bool) -> Vec<Row> {
        let mut rows = Vec::new();
        for build in self.world.builds.iter().filter(|build| self.is_in_scope(build)) {
            let reasons: Vec<String> = rules.iter().filter(|rule| self.fires(rule, build)).cloned().collect();
            if all || !reasons.is_empty() {
                rows.push(self.row_of_build(build, reasons));
            }
        }
        // What has no build is in no project.
        let missing = if self.projects.is_none() { self.missing_builds() } else { BTreeSet::new() };
        for key in missing {
            let steps = self.steps_of(key).next().is_some() && rules.contains("orphan-step");
            let chunks = self.chunks_of(key).next().is_some() && rules.contains("orphan-output");
            let fired = [("orphan-output", chunks), ("orphan-step", steps)];
            let reasons: Vec<String> =
                fired.iter().filter(|(_, fires)| *fires).map(|(rule, _)| (*rule).to_owned()).collect();
            if !reasons.is_empty() {
                rows.push(self.row_without_build(key, reasons));
            }
        }
        rows.sort_by_key(Row::place);
        rows
    }

    fn fires(&self, rule: &str, build: &Build) -> bool {
        let steps = || self.steps_of(Some(build.key));
        match rule {
            "stuck-running" => self.is_stuck_running(build),
            "closed-after-restore" => self.is_closed_after_restore(build),
            "stuck-queued" => self.is_stuck_queued(build),
            "step-unfinished" => is(build, "finished") && steps().any(is_unfinished),
            "output-truncated" => steps().any(|step| self.is_truncated(build, step)),
            "output-gap" => self.has_gap(build),
            "output-missing" => steps().any(|step| self.is_output_missing(step)),
            "duplicate-number" => self.is_duplicate(build),
            "impossible-times" => has_impossible_times(build),
            // These two find what has no build.
            "orphan-step" | "orphan-output" => false,
            unknown => panic!("the model does not know rule {unknown}"),
        }
    }

    /// Rules that look at what had happened by T look at what has happened by now where no T is told.
    fn by_then(&self, time: Option<Moment>) -> bool {
        time.is_some_and(|time| time <= self.backup.unwrap_or(self.now))
    }

    fn is_stuck_running(&self, build: &Build) -> bool {
        is(build, "running") && build.stopped.is_none() && self.by_then(build.started.or(build.queued))
    }

    fn is_closed_after_restore(&self, build: &Build) -> bool {
        match (self.backup, build.started, build.stopped) {
            (Some(backup), Some(started), Some(stopped)) => started <= backup && stopped > backup,
            _ => false,
        }
    }

    fn is_stuck_queued(&self, build: &Build) -> bool {
        let waits = is(build, "queued") || is(build, "not_running");
        waits && build.started.is_none() && build.stopped.is_none() && self.by_then(build.queued)
    }

    fn is_truncated(&self, build: &Build, step: &Step) -> bool {
        let has_output = step.has_output == Some(true);
        let never_closed = step.output_closed == Some(false);
        let end = self.pieces_of(step).map(|piece| piece.next).max();
        let ends_early = match (end, step.output_size) {
            (Some(end), Some(size)) => has_output && end < size,
            _ => false,
        };
        let is_over = step.stopped.is_some() || build.stopped.is_some() || is(build, "finished");
        let was_cut = (has_output || never_closed) && step.stopped.is_none() && self.by_then(step.started);
        ends_early || (never_closed && is_over) || was_cut
    }

    fn has_gap(&self, build: &Build) -> bool {
        let step_keys: BTreeSet<Option<usize>> = self.chunks_of(Some(build.key)).map(|chunk| chunk.step).collect();
        step_keys.into_iter().any(|step_key| {
            let mut pieces: Vec<&Chunk> =
                self.chunks_of(Some(build.key)).filter(|chunk| chunk.step == step_key).collect();
            pieces.sort_by_key(|piece| (piece.first, piece.next));
            let mut reached = 0;
            for piece in pieces {
                if piece.first > reached {
                    return true;
                }
                reached = reached.max(piece.next);
            }
            false
        })
    }

    fn is_output_missing(&self, step: &Step) -> bool {
        step.has_output == Some(true) && step.output_size != Some(0) && self.pieces_of(step).next().is_none()
    }

    /// Whether another build has its number in the same project, or its address.
    fn is_duplicate(&self, build: &Build) -> bool {
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

    fn steps_of(&self, build: Option<usize>) -> impl Iterator<Item = &'a Step> {
        self.steps.iter().filter(move |step| step.build == build)
    }

    fn chunks_of(&self, build: Option<usize>) -> impl Iterator<Item = &'a Chunk> {
        self.chunks.iter().filter(move |chunk| chunk.build == build)
    }

    /// What is stored of a step's output. No key is no key: it fits nothing.
    fn pieces_of(&self, step: &Step) -> impl Iterator<Item = &'a Chunk> {
        let (build, key) = (step.build, step.key);
        let fits = move |chunk: &&Chunk| build.is_some() && key.is_some() && (chunk.build, chunk.step) == (build, key);
        self.chunks.iter().filter(fits)
    }

    /// Keys that steps or chunks name and no build has; `None` among them where they name none.
    fn missing_builds(&self) -> BTreeSet<Option<usize>> {
        let named = self.steps.iter().map(|step| step.build).chain(self.chunks.iter().map(|chunk| chunk.build));
        let there = |key: Option<usize>| self.world.builds.iter().any(|build| Some(build.key) == key);
        named.filter(|key| !there(*key)).collect()
    }

    fn row_of_build(&self, build: &Build, reasons: Vec<String>) -> Row {
        let counted = self.row_without_build(Some(build.key), reasons);
        let timing = self.timing(build);
        let may_go = ["in-flight", "stale", "ended"].contains(&timing) && !self.is_duplicate(build);
        Row {
            key: Some(self.world.build_keys.shown(build.key)),
            url: build.url.as_ref().map(Url::to_string),
            project: build.project.clone(),
            number: build.number,
            lifecycle: build.lifecycle.clone(),
            status: build.status.clone(),
            queued: known(build.queued),
            started: known(build.started),
            stopped: known(build.stopped),
            last_activity: self.signs_of_life(build).into_iter().max(),
            timing: timing.to_owned(),
            deletable: may_go && is_its_address(build),
            ..counted
        }
    }

    fn row_without_build(&self, key: Option<usize>, reasons: Vec<String>) -> Row {
        let mut row = Row { reasons, timing: "unknown".to_owned(), is_grounded: true, ..Row::default() };
        if key.is_none() {
            return Row { uncounted: true, ..row };
        }
        row.last_activity = self.steps_of(key).flat_map(|step| [step.started, step.stopped]).filter_map(known).max();
        let counted = |number: usize| self.tells.steps.then_some(number as i64);
        row.steps = counted(self.steps_of(key).count());
        row.steps_unfinished = counted(self.steps_of(key).filter(|step| is_unfinished(step)).count());
        let sizes = self.steps_of(key).filter(|step| step.has_output == Some(true)).filter_map(|step| step.output_size);
        row.output_expected = sizes.reduce(|a, b| a + b);
        let stored = self.chunks_of(key).map(|chunk| chunk.next - chunk.first).sum();
        row.output_stored = self.tells.chunks.then_some(stored);
        row
    }

    /// All times of a build and its steps that are known.
    fn signs_of_life(&self, build: &Build) -> Vec<Moment> {
        let of_steps = self.steps_of(Some(build.key)).flat_map(|step| [step.started, step.stopped]);
        [build.queued, build.started, build.stopped].into_iter().chain(of_steps).filter_map(known).collect()
    }

    fn timing(&self, build: &Build) -> &'static str {
        let start = known(build.started).or(known(build.queued));
        let (Some(backup), Some(restored), Some(start)) = (self.backup, self.restored, start) else {
            return "unknown";
        };
        let latest_step = self.steps_of(Some(build.key)).filter_map(|step| known(step.started)).max();
        let alive_since = if start > backup { Some(start) } else { latest_step.filter(|step| *step > backup) };
        match alive_since {
            Some(since) if since > restored => return "after-restore",
            Some(_) => return "between",
            None => {}
        }
        if known(build.stopped).is_some_and(|stopped| stopped <= backup) {
            return "ended";
        }
        let seen = self.signs_of_life(build).into_iter().filter(|time| *time <= backup).max().unwrap_or(start);
        if backup.since(seen) > MAX_RUN_TIME { "stale" } else { "in-flight" }
    }
}

fn known(time: Option<Moment>) -> Option<Moment> {
    time.filter(|time| time.is_known())
}

fn is(build: &Build, lifecycle: &str) -> bool {
    build.lifecycle.as_deref() == Some(lifecycle)
}

fn is_unfinished(step: &Step) -> bool {
    step.started.is_some() && step.stopped.is_none()
}

fn has_impossible_times(build: &Build) -> bool {
    let before =
        |time: Option<Moment>, other: Option<Moment>| time.zip(other).is_some_and(|(time, other)| time < other);
    let stopped_without_start = build.stopped.is_some() && build.started.is_none();
    before(build.stopped, build.started) || before(build.started, build.queued) || stopped_without_start
}

/// Whether the address names this very build: its number, and its project where that is named `org/project`.
fn is_its_address(build: &Build) -> bool {
    let Some(Url::Of { project, number, .. }) = &build.url else {
        return false;
    };
    let named = build.project.as_deref().filter(|name| name.contains('/'));
    *number > 0 && Some(*number) == build.number && named.is_none_or(|name| name.eq_ignore_ascii_case(project))
}
