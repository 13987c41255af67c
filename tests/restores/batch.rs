//! Worlds that share a restore, in one database: each in projects and keys of its own, judged by one scan.

use std::fmt::Write;
use std::ops::RangeInclusive;

use crate::history::{Build, Truth, damaged_long_ago, world};
use crate::random::Random;
use crate::restore::{MINUTE, Restore, time};
use crate::support::{TestDatabase, psql_pipe};

pub struct Batch {
    pub seed: u64,
    pub restore: Restore,
    pub worlds: Vec<Vec<Build>>,
}

impl Batch {
    pub fn new(seed: u64, size: usize) -> Self {
        let now = jiff::Timestamp::now().as_microsecond();
        let restore = Restore::new(&mut Random::new(seed, 0), now);
        let number = |place: usize| place as u64 + 1;
        let mut worlds: Vec<Vec<Build>> =
            (0..size).map(|place| world(&mut Random::new(seed, number(place)), &restore)).collect();
        worlds[0].push(damaged_long_ago(restore.backup));
        // Two or less are no habit.
        let is_cancelled = |build: &&mut Build| build.status == "canceled";
        if worlds.iter_mut().flatten().filter(is_cancelled).count() < 3 {
            worlds.iter_mut().flatten().filter(is_cancelled).for_each(|build| build.truth = Truth::Damaged);
        }
        let is_endless = |build: &&mut Build| build.steps.iter().any(|step| step.is_endless);
        if worlds.iter_mut().flatten().filter(|build| is_endless(build) && is_of_the_past(build, &restore)).count() < 3
        {
            let seems_damaged =
                |build: &&mut Build| is_endless(build) && build.truth.is_sound() && build.lifecycle == "finished";
            for build in worlds.iter_mut().flatten().filter(seems_damaged) {
                (build.truth, build.story) =
                    (Truth::Damaged, "has one of two steps whose end is not on record, which is no habit");
            }
        }
        Self { seed, restore, worlds }
    }

    pub fn builds(&self) -> impl Iterator<Item = &Build> {
        self.worlds.iter().flatten()
    }

    /// The build that a row of a report is of.
    pub fn build_of(&self, project: &str, number: &str) -> (usize, &Build) {
        let place = project.strip_prefix('w').and_then(|rest| rest.strip_suffix("/p")?.parse::<usize>().ok());
        let place = place.unwrap_or_else(|| panic!("no project of these worlds: {project}"));
        let number: i64 = number.parse().expect("a number");
        (place, self.worlds[place].iter().find(|build| build.number == number).expect("a build of this world"))
    }

    pub fn load(&self, database: &TestDatabase) {
        let script = script(self.worlds.iter().enumerate());
        let done = psql_pipe(&database.name, &["-Xq", "-v", "ON_ERROR_STOP=1"], &script);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// One world, as psql reads it, with what is true of it.
    pub fn sql(&self, place: usize) -> String {
        let mut text = script([(place, &self.worlds[place])].into_iter());
        for build in &self.worlds[place] {
            writeln!(text, "-- build {}: {:?}, {}", build.number, build.truth, build.story).expect("a text");
        }
        text
    }

    /// How many builds at least, and how many at most, contradict these times. All that do anything but stop between them do, and all
    /// that stop before the last quarter of an hour; a stop in that quarter may be the server's own start-up.
    pub fn contradictions(&self, [backup, restored]: [i64; 2]) -> RangeInclusive<usize> {
        let tolerance = self.restore.tolerance;
        let between = |time: &i64| backup + tolerance < *time && *time < restored - tolerance;
        let is_early = |time: &i64| *time <= restored - 15 * MINUTE;
        let signs = |build: &Build| {
            let steps = build.steps.iter().filter_map(|step| step.started);
            let pieces = build.steps.iter().flat_map(|step| &step.pieces).map(|piece| piece.stored);
            let pieces = pieces.filter(|_| self.restore.tells_stored);
            [build.queued, build.started].into_iter().flatten().chain(steps).chain(pieces).any(|sign| between(&sign))
        };
        let stop = |build: &Build| build.stopped.filter(between);
        let surely = self.builds().filter(|build| signs(build) || stop(build).is_some_and(|stop| is_early(&stop)));
        surely.count()..=self.builds().filter(|build| signs(build) || stop(build).is_some()).count()
    }
}

/// Whether it is over, and no backup can have cut it.
fn is_of_the_past(build: &Build, restore: &Restore) -> bool {
    build.lifecycle == "finished" && build.stopped.is_some_and(|stop| stop <= restore.backup)
}

fn cell(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "\\N".to_owned(), |value| value.to_string())
}

/// Makes new tables.
fn script<'a>(worlds: impl Iterator<Item = (usize, &'a Vec<Build>)>) -> String {
    let [mut builds, mut steps, mut pieces] = [const { String::new() }; 3];
    for (place, world) in worlds {
        for build in world {
            let key = place * 100 + usize::try_from(build.number).expect("a small number");
            let at = |moment: Option<i64>| moment.map_or_else(|| build.never.to_owned(), time);
            let Build { number, lifecycle, status, .. } = build;
            let address = format!("https://ci.acme.example/gh/w{place}/p/{number}");
            let times = [build.queued, build.started, build.stopped].map(at).join("\t");
            writeln!(builds, "{key}\t{address}\tw{place}/p\t{number}\t{lifecycle}\t{status}\t{times}").expect("a text");
            for step in &build.steps {
                let times = [step.started, step.stopped].map(at).join("\t");
                let (step_key, has_output) = (step.key, step.has_output);
                let output = format!("{has_output}\t{}\t{}", cell(step.size), cell(step.closed));
                let name = if step.is_endless { "service".to_owned() } else { format!("step {step_key}") };
                writeln!(steps, "{key}\t{step_key}\t{name}\t{times}\t{output}").expect("a text");
                for piece in &step.pieces {
                    let stored = time(piece.stored);
                    writeln!(pieces, "{key}\t{step_key}\t{}\t{}\t{stored}", piece.first, piece.next).expect("a text");
                }
            }
        }
    }
    format!(
        "SET client_min_messages = warning; DROP SCHEMA IF EXISTS world CASCADE; CREATE SCHEMA world;
CREATE UNLOGGED TABLE world.build (build_key bigint, build_url text, project text, build_num bigint, lifecycle text, \
         status text, queued_at timestamptz, started_at timestamptz, stopped_at timestamptz);
CREATE UNLOGGED TABLE world.step (build_key bigint, step_key bigint, name text, started_at timestamptz, \
         stopped_at timestamptz, has_output boolean, output_size bigint, output_closed boolean);
CREATE UNLOGGED TABLE world.chunk (build_key bigint, step_key bigint, first bigint, next bigint, stored_at timestamptz);
COPY world.build FROM STDIN;
{builds}\\.
COPY world.step FROM STDIN;
{steps}\\.
COPY world.chunk FROM STDIN;
{pieces}\\.
CREATE INDEX ON world.build (build_key); CREATE INDEX ON world.step (build_key); CREATE INDEX ON world.chunk (build_key);
ANALYZE world.build, world.step, world.chunk;
"
    )
}
