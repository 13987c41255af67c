//! What the rules and the report's columns mean, once more: plain loops over plain rows, slow, and written from the
//! documentation and not from the program.

mod deletable;
mod empty;
mod habits;
mod output;
mod rules;

use std::collections::BTreeSet;

use super::moment::{HOUR, MINUTE, Moment, R, SECOND, T};
use super::report::{Row, WITNESS};
use super::world::{Build, Chunk, Headers, Offers, Step, Url, World};

/// All rules there are, as a report orders them.
pub const RULES: [&str; 16] = [
    "stuck-running",
    "closed-after-restore",
    "stuck-queued",
    "impossible-state",
    "step-unfinished",
    "output-truncated",
    "output-gap",
    "output-missing",
    "output-excess",
    "unexplained",
    "orphan-step",
    "orphan-output",
    "duplicate-number",
    "duplicate-key",
    "relation-empty",
    "impossible-times",
];

/// Those that by themselves never make a build deletable; the witness says so of itself.
const NEVER: [&str; 8] = [
    "unexplained",
    "orphan-step",
    "orphan-output",
    "duplicate-number",
    "duplicate-key",
    "relation-empty",
    "impossible-times",
    WITNESS,
];

/// Which of the two times are given by flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFlags {
    Nothing,
    Backup,
    Both,
    /// R soon after T.
    Close,
}

impl TimeFlags {
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

/// The flags, and what halfbuilt can see besides the builds.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    pub time_flags: TimeFlags,
    pub offers: Offers,
    pub headers: Headers,
    pub settings: Settings,
    /// The glob that projects have to fit.
    pub projects: Option<&'static str>,
    /// When the database server says that it recovered last.
    pub recovered: Option<Moment>,
    /// Whether every piece of output is compared with T and R though R is given.
    pub every_piece: bool,
}

/// A world, and what halfbuilt knows of the restore.
pub struct Meaning<'a> {
    world: &'a World,
    /// As far as the profile has them.
    steps: &'a [Step],
    chunks: Vec<Chunk>,
    offers: Offers,
    headers: Headers,
    tolerance: i64,
    max_run_time: i64,
    max_queue_time: i64,
    backup: Option<Moment>,
    /// R, where it is known.
    restored: Option<Moment>,
    /// Whether every piece of output is compared with T and R.
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
        let Circumstances { time_flags, offers, headers, settings, projects, recovered, every_piece } = circumstances;
        let steps = if offers.steps { world.steps.as_slice() } else { &[] };
        let mut chunks = if offers.chunks { world.chunks.clone() } else { vec![] };
        if !offers.stored {
            chunks.iter_mut().for_each(|chunk| chunk.stored = None);
        }
        let mut meaning = Self {
            world,
            steps,
            chunks,
            offers,
            headers,
            tolerance: settings.tolerance.unwrap_or(5 * SECOND),
            max_run_time: settings.max_run_time.or(headers.max_run_time.map(|hours| hours * HOUR)).unwrap_or(5 * HOUR),
            max_queue_time: settings.max_queue_time.unwrap_or(HOUR),
            backup: (time_flags != TimeFlags::Nothing).then_some(T),
            restored: time_flags.restored(),
            every_piece: every_piece || time_flags.restored().is_none(),
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

    /// The signs that are compared with T and R, and whose they are. A stated gap: where R was given, a scan does not
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

    /// Whether one of its times lies in the future, as it was written.
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
            let mut reasons: Vec<String> = rules.iter().filter(|rule| self.fires(rule, build)).cloned().collect();
            // What another rule explains needs no second reason.
            if reasons.len() > 1 || all {
                reasons.retain(|rule| rule != "unexplained");
            }
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
        let counted = |number: usize| self.offers.steps.then_some(number as i64);
        row.steps = counted(self.steps_of(key).count());
        row.steps_unfinished = counted(self.steps_of(key).filter(|step| self.is_unfinished(step)).count());
        let sizes = self.steps_of(key).filter(|step| step.has_output == Some(true)).filter_map(|step| step.output_size);
        let as_shown = |sum: i128| sum.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        row.output_expected = sizes.map(i128::from).reduce(|a, b| a + b).map(as_shown);
        let stored = self.chunks_of(key).map(Chunk::length).sum();
        row.output_stored = self.offers.chunks.then_some(as_shown(stored));
        row
    }
}

fn is(build: &Build, lifecycle: &str) -> bool {
    build.lifecycle.as_deref() == Some(lifecycle)
}
