//! What the rules and the report's columns mean, once more: plain loops over plain rows, slow, and written from the
//! documentation and not from the program.

use std::collections::BTreeSet;

use super::moment::{HOUR, MINUTE, Moment, R, SECOND, T};
use super::report::{Row, WITNESS};
use super::world::{Build, Chunk, Headers, Queue, Running, Step, Tells, Url, World};

/// All rules there are, as a report orders them.
pub const RULES: [&str; 12] = [
    "stuck-running",
    "closed-after-restore",
    "stuck-queued",
    "impossible-state",
    "step-unfinished",
    "output-truncated",
    "output-gap",
    "output-missing",
    "orphan-step",
    "orphan-output",
    "duplicate-number",
    "impossible-times",
];

/// Those that by themselves never make a build deletable; the witness says so of itself.
const NEVER: [&str; 5] = ["orphan-step", "orphan-output", "duplicate-number", "impossible-times", WITNESS];

/// The flags that tell the two times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Nothing,
    Backup,
    Both,
    /// R soon after T.
    Close,
}

impl Told {
    pub fn restored(self) -> Option<Moment> {
        match self {
            Self::Nothing | Self::Backup => None,
            Self::Both => Some(R),
            Self::Close => Some(T.plus(20 * MINUTE)),
        }
    }
}

/// Flags whose value is a span of time, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub tolerance: Option<i64>,
    pub max_queue_time: Option<i64>,
    pub max_run_time: Option<i64>,
}

/// What halfbuilt is told, and what it can see besides the builds.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    pub told: Told,
    pub tells: Tells,
    pub headers: Headers,
    pub settings: Settings,
    /// The glob that projects have to fit.
    pub projects: Option<&'static str>,
    /// When the database server says that it recovered last.
    pub recovered: Option<Moment>,
    /// Whether every piece of output is held against T and R though R is given.
    pub every_piece: bool,
}

/// A world, and what halfbuilt is told of the restore.
pub struct Meaning<'a> {
    world: &'a World,
    /// As far as the profile has them.
    steps: &'a [Step],
    chunks: Vec<Chunk>,
    tells: Tells,
    headers: Headers,
    tolerance: i64,
    max_run_time: i64,
    max_queue_time: i64,
    backup: Option<Moment>,
    /// R, where it is known.
    restored: Option<Moment>,
    /// Whether every piece of output is held against T and R.
    every_piece: bool,
    /// How many builds contradict T and R.
    pub contradictions: usize,
    /// From when on a stop is the restored server's own.
    closing_from: Option<Moment>,
    now: Moment,
    /// The glob that projects have to fit.
    projects: Option<&'static str>,
}

impl<'a> Meaning<'a> {
    pub fn new(world: &'a World, circumstances: Circumstances) -> Self {
        let Circumstances { told, tells, headers, settings, projects, recovered, every_piece } = circumstances;
        let steps = if tells.steps { world.steps.as_slice() } else { &[] };
        let mut chunks = if tells.chunks { world.chunks.clone() } else { vec![] };
        if !tells.stored {
            chunks.iter_mut().for_each(|chunk| chunk.stored = None);
        }
        let mut meaning = Self {
            world,
            steps,
            chunks,
            tells,
            headers,
            tolerance: settings.tolerance.unwrap_or(5 * SECOND),
            max_run_time: settings.max_run_time.or(headers.max_run_time.map(|hours| hours * HOUR)).unwrap_or(5 * HOUR),
            max_queue_time: settings.max_queue_time.unwrap_or(HOUR),
            backup: (told != Told::Nothing).then_some(T),
            restored: told.restored(),
            every_piece: every_piece || told.restored().is_none(),
            contradictions: 0,
            closing_from: None,
            now: Moment::now(),
            projects,
        };
        if let Some(backup) = meaning.backup {
            if meaning.restored.is_none() && headers.copies != Some(true) {
                meaning.restored = recovered.filter(|time| meaning.is_recovery(backup, *time));
            }
            meaning.closing_from = Some(backup.plus(meaning.tolerance));
            if let Some(restored) = meaning.restored {
                let closing_from = meaning.closing_from(backup, restored);
                meaning.closing_from = Some(closing_from);
                meaning.contradictions = meaning.contradictions(backup, restored, closing_from);
            }
        }
        meaning
    }

    /// Whether the server's own record of a recovery can be R.
    fn is_recovery(&self, backup: Moment, time: Moment) -> bool {
        let closing_from = self.closing_from(backup, time);
        time > backup.plus(self.tolerance) && self.contradictions(backup, time, closing_from) == 0
    }

    /// Whether a moment may be the restored server's own start-up: it closes what it finds in the last 15 minutes before R, if nothing
    /// else happened then.
    fn closing_from(&self, backup: Moment, restored: Moment) -> Moment {
        let startup = backup.plus(self.tolerance).max(restored.plus(-15 * MINUTE));
        let in_startup = |time: &Moment| startup < *time && *time < restored.plus(-self.tolerance);
        let has_sign = self.signs_of_premise(backup).into_iter().any(|(_, sign)| in_startup(&sign));
        if has_sign { restored } else { startup }
    }

    /// How many builds did something where nothing can have happened. Steps and pieces of builds that are not there count for them;
    /// all that name no build are one.
    fn contradictions(&self, backup: Moment, restored: Moment, closing_from: Moment) -> usize {
        let between = |time: Moment| backup.plus(self.tolerance) < time && time < restored.plus(-self.tolerance);
        let stops =
            self.world.builds.iter().filter_map(|build| Some((Some(build.key), self.on_record(build.stopped)?)));
        let stops = stops.filter(|(_, stop)| *stop <= closing_from);
        let all = self.signs_of_premise(backup).into_iter().chain(stops);
        let builds: BTreeSet<Option<usize>> = all.filter(|(_, time)| between(*time)).map(|(key, _)| key).collect();
        builds.len()
    }

    /// The signs that are held against T and R, and whose they are. A stated gap: where R was given, a scan does not
    /// look at the pieces of a build that had stopped an hour before T.
    fn signs_of_premise(&self, backup: Moment) -> Vec<(Option<usize>, Moment)> {
        let is_long_over = |build: &&Build| {
            Some(build).and_then(|build| self.on_record(build.stopped)).is_some_and(|stop| stop <= backup.plus(-HOUR))
        };
        let unseen: BTreeSet<Option<usize>> = if self.every_piece {
            BTreeSet::new()
        } else {
            self.world.builds.iter().filter(is_long_over).map(|build| Some(build.key)).collect()
        };
        let builds = self.world.builds.iter().flat_map(|b| [(Some(b.key), b.queued), (Some(b.key), b.started)]);
        let steps = self.steps.iter().map(|step| (step.build, step.started));
        let pieces = self.chunks.iter().filter(|piece| !unseen.contains(&piece.build));
        let all = builds.chain(steps).chain(pieces.map(|piece| (piece.build, piece.stored)));
        all.filter_map(|(key, time)| Some((key, self.on_record(time)?))).collect()
    }

    /// Whether the CI has been back at work for so long: since the first build that started after R.
    fn is_back_for(&self, span: i64) -> bool {
        self.first_start(false).is_some_and(|first| self.now >= first.plus(span))
    }

    /// Whether the queue has been served for less: since R, where none that was queued since has started yet.
    fn is_young_for(&self, span: i64) -> bool {
        let back = self.first_start(true).or(self.restored).or(self.backup);
        back.is_none_or(|back| self.now < back.plus(span))
    }

    /// The first start after R, of any build or of one that was queued after R.
    fn first_start(&self, queued_since: bool) -> Option<Moment> {
        let restored = self.restored.or(self.backup)?;
        let is_later = |time: Option<Moment>| self.on_record(time).filter(|time| *time > restored);
        let builds = self.world.builds.iter().filter(|build| !queued_since || is_later(build.queued).is_some());
        builds.filter_map(|build| is_later(build.started)).min()
    }

    /// A value that is no time is none.
    fn on_record(&self, time: Option<Moment>) -> Option<Moment> {
        time.filter(|time| time.is_on_record(self.now))
    }

    /// The signs of life of a build: what only one that runs or waits can do.
    fn signs(&self, build: &Build) -> Vec<Moment> {
        let steps = self.steps_of(Some(build.key)).map(|step| step.started);
        let pieces = self.chunks_of(Some(build.key)).map(|chunk| chunk.stored);
        let all = [build.queued, build.started].into_iter().chain(steps).chain(pieces);
        all.filter_map(|time| self.on_record(time)).collect()
    }

    /// When its steps started and its output was stored.
    fn work(&self, build: &Build) -> Vec<Moment> {
        let steps = self.steps_of(Some(build.key)).map(|step| step.started);
        let pieces = self.chunks_of(Some(build.key)).map(|chunk| chunk.stored);
        steps.chain(pieces).filter_map(|time| self.on_record(time)).collect()
    }

    /// Whether anything shows that it started since it was queued.
    fn shows_a_start(&self, build: &Build) -> bool {
        let since = self.on_record(build.queued).map(|queued| queued.plus(-self.tolerance));
        let starts = self.on_record(build.started).into_iter().chain(self.work(build));
        starts.into_iter().any(|start| since.is_none_or(|since| start >= since))
    }

    /// When it was last seen at work: its signs, and its steps' stops. Its own stop may be somebody else's doing.
    fn last_seen(&self, build: &Build) -> Option<Moment> {
        let stops = self.steps_of(Some(build.key)).filter_map(|step| self.on_record(step.stopped));
        self.signs(build).into_iter().chain(stops).max()
    }

    fn is_silent(&self, build: &Build) -> bool {
        self.last_seen(build).is_some_and(|time| time < self.now.plus(-self.max_run_time))
    }

    /// Whether a time of it lies in the future, as it was written.
    fn is_of_the_future(&self, build: &Build) -> bool {
        let steps = self.steps_of(Some(build.key)).flat_map(|step| [step.started, step.stopped]);
        let pieces = self.chunks_of(Some(build.key)).map(|chunk| chunk.stored);
        let times = [build.queued, build.started, build.stopped].into_iter().chain(steps).chain(pieces);
        times.flatten().any(|time| time.is_in_future(self.now))
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
                rows.push(self.row_of_build(build, reasons, all));
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
            "impossible-state" => self.is_impossible(build),
            "step-unfinished" => is(build, "finished") && steps().any(|step| self.is_unfinished(step)),
            _ if is(build, "held") && !matches!(rule, "duplicate-number" | "orphan-step" | "orphan-output") => false,
            "output-truncated" => steps().any(|step| self.is_truncated(build, step)),
            "output-gap" => self.has_gap(build),
            "output-missing" => steps().any(|step| self.is_output_missing(step)),
            "duplicate-number" => self.is_duplicate(build),
            "impossible-times" => self.has_impossible_times(build),
            // These two find what has no build.
            "orphan-step" | "orphan-output" => false,
            unknown => panic!("the model does not know rule {unknown}"),
        }
    }

    /// Rules that look at what had happened by T look at what has happened by now where no T is told.
    fn by_then(&self, time: Option<Moment>) -> bool {
        let by = self.backup.map_or(self.now, |backup| backup.plus(self.tolerance));
        self.on_record(time).is_some_and(|time| time <= by)
    }

    fn has(&self, time: Option<Moment>) -> bool {
        self.on_record(time).is_some()
    }

    fn is_stuck_running(&self, build: &Build) -> bool {
        let since = self.on_record(build.started).or(self.on_record(build.queued));
        is(build, "running") && !self.has(build.stopped) && (self.by_then(since) || self.is_silent(build))
    }

    fn is_closed_after_restore(&self, build: &Build) -> bool {
        let (Some(_), Some(closing_from)) = (self.backup, self.closing_from) else {
            return false;
        };
        // The restored server's clock may be behind.
        let since = self.restored.map_or(closing_from, |restored| closing_from.min(restored.plus(-self.tolerance)));
        let since = since.max(self.backup.map_or(since, |backup| backup.plus(self.tolerance)));
        let is_closed = self.on_record(build.stopped).is_some_and(|stop| stop > since);
        let had_started = match self.on_record(build.started) {
            Some(start) => self.by_then(Some(start)),
            // Somebody else's work tells it, or its own state.
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

    fn is_stuck_queued(&self, build: &Build) -> bool {
        let waits = is(build, "queued") || is(build, "not_running");
        let is_early = self.by_then(build.queued) || self.is_silent(build);
        waits && !self.has(build.started) && !self.has(build.stopped) && is_early
    }

    /// The cells that no sound build can be in.
    fn is_impossible(&self, build: &Build) -> bool {
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

    /// Whether so many builds of its status word, or of its lifecycle, are in its cell that this is what the CI does. When a
    /// waiting build started, and how long it has been silent, counts for nothing here.
    fn habits(&self, build: &Build) -> Vec<String> {
        let is_in_cell = |other: &&&Build| {
            let waits = is(other, "queued") || is(other, "not_running");
            let holds = if waits { self.has(other.started) } else { self.is_impossible(other) };
            other.lifecycle == build.lifecycle && holds
        };
        let are_most = |alike: Vec<&Build>, least: usize| {
            let same = alike.iter().filter(is_in_cell).count();
            same >= least && 2 * same > alike.len()
        };
        let builds = || self.world.builds.iter();
        let of_status = builds().filter(|other| other.status == build.status).collect();
        let of_lifecycle = builds().filter(|other| other.lifecycle == build.lifecycle).collect();
        let status =
            build.status.as_ref().map_or_else(|| "without a status".to_owned(), |word| format!("of status \"{word}\""));
        let lifecycle = format!("that are {}", build.lifecycle.as_deref().unwrap_or_default());
        let found = [(are_most(of_status, 3), status), (are_most(of_lifecycle, 10), lifecycle)];
        let said = found.into_iter().filter(|(holds, _)| *holds);
        // The one by its word is told alone.
        said.take(1).map(|(_, which)| format!("most builds {which} are so: a habit of this CI?")).collect()
    }

    fn is_truncated(&self, build: &Build, step: &Step) -> bool {
        self.truncations(build, step).contains(&true)
    }

    /// Whether output ends early, was never closed, and was cut.
    fn truncations(&self, build: &Build, step: &Step) -> [bool; 3] {
        let has_output = step.has_output == Some(true);
        let never_closed = step.output_closed == Some(false);
        let end = self.pieces_of(step).map(|piece| piece.next).max();
        let ends_early = match (end, step.output_size) {
            (Some(end), Some(size)) => has_output && end < size,
            _ => false,
        };
        let is_over = self.has(step.stopped) || self.has(build.stopped) || is(build, "finished");
        let was_cut = (has_output || never_closed) && !self.has(step.stopped) && self.by_then(step.started);
        let has_begun = self.has_begun(step) || self.pieces_of(step).next().is_some();
        [ends_early, never_closed && is_over && has_begun, was_cut]
    }

    fn has_begun(&self, step: &Step) -> bool {
        let has_output = step.has_output == Some(true) || step.output_size.is_some_and(|size| size > 0);
        self.has(step.started) || self.has(step.stopped) || has_output
    }

    /// The builds that are over and that no backup can have cut.
    fn builds_of_the_past(&self) -> Vec<&'a Build> {
        let spans = |build: &Build| {
            let began = self.on_record(build.started).or(self.on_record(build.queued));
            self.by_then(began) && self.has(build.stopped) && !self.by_then(build.stopped)
        };
        self.world.builds.iter().filter(|build| self.is_over(build) && !spans(build)).collect()
    }

    fn is_over(&self, build: &Build) -> bool {
        is(build, "finished") || is(build, "not_run")
    }

    /// Whether so many steps of one name, builds of one status or project, or steps of all names, lack something that this is what the
    /// CI does.
    fn lack(
        &self,
        build: &Build,
        name: Option<&str>,
        counts: impl Fn(&Step) -> bool,
        lacks: impl Fn(&Step) -> bool,
    ) -> [bool; 4] {
        let builds = self.builds_of_the_past();
        let steps = builds.iter().flat_map(|build| self.steps_of(Some(build.key)));
        let past: Vec<&Step> = steps.filter(|step| counts(step)).collect();
        let are_most = |alike: &[&Step], least: usize| {
            let lacking = alike.iter().filter(|step| lacks(step)).count();
            lacking >= least && 2 * lacking > alike.len()
        };
        let is_habit_of = |name: Option<&str>| {
            let named: Vec<&Step> = past.iter().copied().filter(|step| step.name.as_deref() == name).collect();
            are_most(&named, 3)
        };
        let long_ago = self.backup.unwrap_or(self.now).plus(-self.max_run_time);
        let is_old = |build: &&&Build| {
            let times = [build.started, build.queued, build.stopped];
            times.into_iter().find_map(|time| self.on_record(time)).is_some_and(|time| time < long_ago)
        };
        let are_most_builds = |alike: Vec<&&Build>| {
            let alike: Vec<&&Build> = alike.into_iter().filter(|build| is(build, "finished")).collect();
            // Of a name that is no habit by itself.
            let lacks = |step: &Step| lacks(step) && !is_habit_of(step.name.as_deref());
            let holds_one = |build: &&&&Build| self.steps_of(Some(build.key)).any(lacks);
            let lacking: Vec<&&Build> = alike.iter().filter(holds_one).copied().collect();
            lacking.iter().filter(|build| is_old(build)).count() >= 3 && 2 * lacking.len() > alike.len()
        };
        let of_status = builds.iter().filter(|other| other.status == build.status).collect();
        let of_project = builds.iter().filter(|other| other.project == build.project).collect();
        [is_habit_of(name), are_most_builds(of_status), are_most_builds(of_project), are_most(&past, 10)]
    }

    fn are_open_by_habit(&self, build: &Build, name: Option<&str>) -> [bool; 4] {
        self.lack(build, name, |step| self.has(step.started), |step| self.is_unfinished(step))
    }

    /// Nothing where one of its steps is open that others of its name are not.
    fn habits_of_open_steps(&self, build: &Build) -> Vec<String> {
        let open = self.steps_of(Some(build.key)).filter(|step| self.is_unfinished(step));
        let words = open.map(|step| {
            let named = |what: &str, name: &Option<String>| name.as_ref().map(|name| format!("{what} \"{name}\""));
            let what = match self.are_open_by_habit(build, step.name.as_deref()) {
                [true, ..] => {
                    let steps = named("steps", &step.name).unwrap_or_else(|| "steps without a name".to_owned());
                    format!("{steps} never stop")
                }
                [_, true, ..] => {
                    let of = named("of status", &build.status).unwrap_or_else(|| "without a status".to_owned());
                    format!("builds {of} leave steps open")
                }
                [_, _, true, _] => {
                    let of = if build.project.is_some() { "of its project" } else { "without a project" };
                    format!("builds {of} leave steps open")
                }
                [.., true] => "steps never stop".to_owned(),
                [..] => return None,
            };
            Some(format!("most {what}: a habit of this CI?"))
        });
        let words: Option<Vec<String>> = words.collect();
        words.and_then(|words| words.into_iter().min()).into_iter().collect()
    }

    fn habits_of_ends(&self, build: &Build) -> Vec<String> {
        let is_habit = |step: &Step| {
            let [ends_early, never_closed, was_cut] = self.truncations(build, step);
            let name = step.name.as_deref();
            let told = |step: &Step| step.output_closed.is_some() && self.has_begun(step);
            let is_unclosed = |step: &Step| step.output_closed == Some(false) && self.has_begun(step);
            let unclosed = || self.lack(build, name, told, is_unclosed).contains(&true);
            let open = || self.are_open_by_habit(build, name).contains(&true) && self.is_over(build);
            !ends_early && (!never_closed || unclosed()) && (!was_cut || open())
        };
        let mut found = self.steps_of(Some(build.key)).filter(|step| self.is_truncated(build, step));
        let word = "that no end is on record: a habit of this CI?".to_owned();
        found.all(is_habit).then_some(word).into_iter().collect()
    }

    fn has_impossible_times(&self, build: &Build) -> bool {
        let [queued, started, stopped] = [build.queued, build.started, build.stopped].map(|time| self.on_record(time));
        let long_before = |time: Option<Moment>, other: Option<Moment>| {
            time.zip(other).is_some_and(|(time, other)| time < other.plus(-10 * MINUTE))
        };
        long_before(stopped, started) || long_before(started, queued)
    }

    fn is_unfinished(&self, step: &Step) -> bool {
        self.has(step.started) && !self.has(step.stopped)
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

    fn chunks_of(&self, build: Option<usize>) -> impl Iterator<Item = &Chunk> {
        self.chunks.iter().filter(move |chunk| chunk.build == build)
    }

    /// What is stored of a step's output. No key is no key: it fits nothing.
    fn pieces_of(&self, step: &Step) -> impl Iterator<Item = &Chunk> {
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

    fn row_of_build(&self, build: &Build, reasons: Vec<String>, witness: bool) -> Row {
        let timing = self.timing(build);
        let notes = self.notes(build, timing, &reasons, witness);
        let counted = self.row_without_build(Some(build.key), reasons);
        let last_activity = self.last_seen(build).max(self.on_record(build.stopped));
        Row {
            key: Some(self.world.build_keys.shown(build.key)),
            url: build.url.as_ref().map(Url::to_string),
            project: build.project.clone(),
            number: build.number,
            lifecycle: build.lifecycle.clone(),
            status: build.status.clone(),
            queued: self.on_record(build.queued),
            started: self.on_record(build.started),
            stopped: self.on_record(build.stopped),
            last_activity,
            timing: timing.to_owned(),
            deletable: notes.is_empty(),
            note: notes.join("; "),
            ..counted
        }
    }

    fn row_without_build(&self, key: Option<usize>, reasons: Vec<String>) -> Row {
        let note = "there is no build to delete".to_owned();
        let mut row = Row { reasons, timing: "unknown".to_owned(), is_grounded: true, note, ..Row::default() };
        if key.is_none() {
            return Row { uncounted: true, ..row };
        }
        let of_steps = self.steps_of(key).flat_map(|step| [step.started, step.stopped]);
        let times = of_steps.chain(self.chunks_of(key).map(|chunk| chunk.stored));
        row.last_activity = times.filter_map(|time| self.on_record(time)).max();
        let starts = self.steps_of(key).map(|step| step.started);
        let signs = starts.chain(self.chunks_of(key).map(|chunk| chunk.stored));
        let latest = signs.filter_map(|time| self.on_record(time)).max();
        row.timing = match (self.backup, latest) {
            (Some(backup), Some(sign)) if sign > self.restored.unwrap_or(backup) => "after-restore",
            (Some(backup), Some(sign)) if sign > backup => "between",
            _ => "unknown",
        }
        .to_owned();
        let counted = |number: usize| self.tells.steps.then_some(number as i64);
        row.steps = counted(self.steps_of(key).count());
        row.steps_unfinished = counted(self.steps_of(key).filter(|step| self.is_unfinished(step)).count());
        let sizes = self.steps_of(key).filter(|step| step.has_output == Some(true)).filter_map(|step| step.output_size);
        row.output_expected = sizes.reduce(|a, b| a + b);
        let stored = self.chunks_of(key).map(|chunk| chunk.next - chunk.first).sum();
        row.output_stored = self.tells.chunks.then_some(stored);
        row
    }

    fn timing(&self, build: &Build) -> &'static str {
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
    fn notes(&self, build: &Build, timing: &str, reasons: &[String], witness: bool) -> Vec<String> {
        let mut notes: Vec<String> = Vec::new();
        let mut say = |holds: bool, note: &str| notes.extend(holds.then(|| note.to_owned()));
        let has_stop = self.has(build.stopped);
        let is_over = has_stop || is(build, "finished") || is(build, "not_run");
        let later = timing == "after-restore";
        say(self.backup.is_none(), "no backup time was given");
        say(self.backup.is_some() && timing == "unknown", "no time of it is on record");
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
        say(self.is_of_the_future(build), "a time of it lies in the future");
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
            "a step of it stopped after the restore: it may be alive",
        );
        notes.extend(self.ungrounded(build, reasons, witness, timing));
        notes
    }

    /// What waits, or may have waited, may start yet; and of a word that nobody knows nothing is known.
    fn vetoes_of_lifecycle(&self, build: &Build, timing: &str) -> Option<String> {
        self.backup?;
        let may_have_waited = ["in-flight", "stale"].contains(&timing) && !self.shows_a_start(build);
        let may_run_again = may_have_waited || timing == "ended" && !self.shows_a_start(build);
        let unknown_start = "no start since it was queued is on record: it may have waited at the backup";
        match build.lifecycle.as_deref() {
            Some("held") => Some("it waits on purpose".to_owned()),
            Some("queued" | "not_running") => {
                let seems_cut = ["in-flight", "stale"].contains(&timing);
                let had_begun = seems_cut && !self.has(build.started) && self.shows_a_start(build);
                let again =
                    (timing == "ended" || had_begun).then_some("it had begun or ended by the backup, and waits");
                let let_go = self.holds().then_some("it may have waited on purpose, and been let go since");
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

    /// Of what was over and runs nothing tells whether it runs again where neither steps nor the times of output are read.
    fn unseen_again(&self, timing: &str) -> Option<String> {
        let has_started = self.steps.iter().any(|step| self.has(step.started));
        let has_none = self.tells.steps && self.steps.is_empty();
        let shows_work = has_started || has_none || self.chunks.iter().any(|chunk| self.has(chunk.stored));
        (timing == "ended" && !shows_work).then(|| {
            "it had ended by the backup, and without steps and output nothing shows whether it runs again".to_owned()
        })
    }

    /// Whether any build waits on purpose.
    fn holds(&self) -> bool {
        self.world.builds.iter().any(|build| is(build, "held"))
    }

    /// Why no rule that found it is a ground for deleting it; nothing if one is.
    fn ungrounded(&self, build: &Build, reasons: &[String], witness: bool, timing: &str) -> Vec<String> {
        let fired = RULES.into_iter().filter(|rule| reasons.iter().any(|reason| reason == rule));
        let fired: Vec<&str> = fired.chain(witness.then_some(WITNESS)).collect();
        if fired.iter().all(|rule| NEVER.contains(rule)) {
            let make = if fired.len() > 1 { "make" } else { "makes" };
            return vec![format!("{} never {make} a build deletable", fired.join(", "))];
        }
        let mut failed = Vec::new();
        for rule in fired.into_iter().filter(|rule| !NEVER.contains(rule)) {
            let fails = match rule {
                "closed-after-restore" if self.headers.running != Some(Running::Lost) => {
                    vec!["the profile does not say that what ran at the backup is lost".to_owned()]
                }
                "closed-after-restore" if timing == "ended" || !self.has(build.stopped) => {
                    vec!["only a step of it is known to have been closed after the restore".to_owned()]
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
                _ => vec![],
            };
            if fails.is_empty() {
                return vec![];
            }
            failed.extend(fails);
        }
        failed
    }

    fn stopped_by_restore(&self, build: &Build) -> bool {
        self.on_record(build.stopped).zip(self.restored).is_some_and(|(stop, restored)| stop <= restored)
    }

    /// What is not known yet of a queue, if anything.
    fn unproved_queue(&self) -> Option<&'static str> {
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

fn is(build: &Build, lifecycle: &str) -> bool {
    build.lifecycle.as_deref() == Some(lifecycle)
}

/// Whether the address names this very build: its number, and its project where that is named `org/project`.
fn is_its_address(build: &Build) -> bool {
    let Some(Url::Of { project, number, .. }) = &build.url else {
        return false;
    };
    let named = build.project.as_deref().filter(|name| name.contains('/'));
    *number > 0 && Some(*number) == build.number && named.is_none_or(|name| name.eq_ignore_ascii_case(project))
}
