//! How often each rule fired and each oddity came up: a generator that never makes a fault proves nothing.

use std::collections::BTreeMap;
use std::fmt;

use super::Case;
use super::meaning::{Meaning, TimeFlags};
use super::moment::{HOUR, Moment, R, T};
use super::report::Row;
use super::world::{Chunk, KeyType, Queue, Running};

/// Counts of worlds, and of builds found.
#[derive(Default)]
pub struct Tally {
    worlds: u64,
    builds: u64,
    rows: u64,
    /// Of each rule and combination: in how many worlds, and how many builds.
    counts: BTreeMap<String, (u64, u64)>,
}

impl Tally {
    pub fn count(&mut self, case: &Case, rows: &[Row]) {
        self.worlds += 1;
        self.builds += case.world.builds.len() as u64;
        self.rows += rows.len() as u64;
        let mut here: BTreeMap<String, u64> = BTreeMap::new();
        for row in rows {
            for reason in &row.reasons {
                *here.entry(format!("rule {reason}")).or_default() += 1;
            }
            if let [reason] = row.reasons.as_slice() {
                *here.entry(format!("rule {reason} alone")).or_default() += 1;
            }
            *here.entry(format!("timing {}", row.timing)).or_default() += 1;
            let deletable = if row.deletable { "yes" } else { "no" };
            *here.entry(format!("deletable {deletable}")).or_default() += 1;
            for note in row.note.split("; ").filter(|note| !note.is_empty()) {
                // Neither the names of rules nor a status word.
                let words = note.split(" never make").next().filter(|start| *start != note).map(|_| "never-rule");
                let words = words.unwrap_or(note.split('"').next().unwrap_or(note));
                *here.entry(format!("note {words}")).or_default() += 1;
            }
            *here.entry(format!("row with {} reasons", row.reasons.len())).or_default() += 1;
        }
        for (oddity, number) in oddities(case) {
            here.insert(format!("odd: {oddity}"), number as u64);
        }
        for (name, number) in here.into_iter().filter(|(_, number)| *number > 0) {
            let count = self.counts.entry(name).or_default();
            count.0 += 1;
            count.1 += number;
        }
    }

    /// Each rule that could be run found something.
    pub fn assert_wide_enough(&self, cases: u32) {
        if cases < 100 {
            return;
        }
        for timing in ["in-flight", "stale", "ended", "after-restore", "between", "unknown"] {
            assert!(self.counts.contains_key(&format!("timing {timing}")), "no build was {timing}\n{self}");
        }
        // These worlds are too small for the one, and have the other, what no rule explains, so seldom that chance alone would fail this.
        let is_seldom = |rule: &&str| ["relation-empty", "unexplained"].contains(rule);
        for rule in super::meaning::RULES.into_iter().filter(|rule| !is_seldom(rule)) {
            let asked = self.counts.contains_key(&format!("ran {rule}"));
            assert!(!asked || self.counts.contains_key(&format!("rule {rule}")), "{rule} found nothing\n{self}");
        }
    }

    /// A rule was run.
    pub fn ran(&mut self, rule: &str) {
        self.counts.entry(format!("ran {rule}")).or_default().0 += 1;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} worlds, {} builds, {} rows expected", self.worlds, self.builds, self.rows)?;
        for (name, (worlds, number)) in &self.counts {
            writeln!(f, "{worlds:>8} worlds {number:>8}  {name}")?;
        }
        Ok(())
    }
}

/// How often each oddity is in a world.
fn oddities(case: &Case) -> Vec<(&'static str, usize)> {
    let world = &case.world;
    let there = |key: Option<usize>| world.builds.iter().any(|build| Some(build.key) == key);
    let count_chunks = |odd: &dyn Fn(&Chunk) -> bool| world.chunks.iter().filter(|chunk| odd(chunk)).count();
    let twin = |chunk: &Chunk| world.chunks.iter().filter(|other| *other == chunk).count() > 1;
    let overlaps = |chunk: &Chunk| {
        let same = |other: &&Chunk| (other.build, other.step) == (chunk.build, chunk.step) && *other != chunk;
        world
            .chunks
            .iter()
            .filter(same)
            .filter_map(Chunk::span)
            .any(|other| chunk.span().is_some_and(|own| other.0 < own.1 && own.0 < other.1))
    };
    let step_of = |chunk: &Chunk| {
        world.steps.iter().any(|step| (step.build, step.key) == (chunk.build, chunk.step) && step.key.is_some())
    };
    let beyond = |chunk: &Chunk| {
        let same = |step: &super::world::Step| (step.build, step.key) == (chunk.build, chunk.step);
        world.steps.iter().any(|step| same(step) && step.output_size.is_some_and(|size| chunk.next > Some(size)))
    };
    let order =
        |pair: &[Chunk]| (pair[0].build, pair[0].step, pair[0].first) > (pair[1].build, pair[1].step, pair[1].first);
    let (made_up_in_step, made_up_in_build) = made_up(case);
    let twice = world.steps.iter().filter(|step| {
        world
            .steps
            .iter()
            .filter(|other| (other.build, other.key) == (step.build, step.key) && step.key.is_some())
            .count()
            > 1
    });
    let of_builds = world.builds.iter().flat_map(|build| [build.queued, build.started, build.stopped]);
    let of_steps = world.steps.iter().flat_map(|step| [step.started, step.stopped]);
    let times: Vec<Option<Moment>> = of_builds.chain(of_steps).collect();
    let now = Moment::now();
    let at = |time: Moment| times.iter().filter(|at| **at == Some(time)).count();
    let numbers = |number: Option<i64>| world.builds.iter().filter(|build| build.number == number).count();
    let texts = |odd: &dyn Fn(&str) -> bool| {
        let texts = world.builds.iter().flat_map(|build| [&build.status, &build.project]);
        let texts = texts.chain(world.steps.iter().map(|step| &step.name));
        texts.flatten().filter(|text| odd(text)).count()
    };
    let keyed = |keys: KeyType| usize::from(world.build_keys == keys);
    let flags = |flags: TimeFlags| usize::from(case.time_flags == flags);
    vec![
        ("piece stored twice", count_chunks(&twin)),
        ("pieces overlap", count_chunks(&overlaps)),
        ("pieces out of order", world.chunks.windows(2).filter(|pair| order(pair)).count()),
        ("piece empty", count_chunks(&|chunk| chunk.span().is_some_and(|(first, next)| first == next))),
        (
            "piece backwards",
            count_chunks(&|chunk| chunk.first.zip(chunk.next).is_some_and(|(first, next)| first > next)),
        ),
        ("piece before 0", count_chunks(&|chunk| chunk.first.is_some_and(|first| first < 0))),
        ("piece of unknown place", count_chunks(&|chunk| chunk.first.is_none() || chunk.next.is_none())),
        ("piece far out", count_chunks(&|chunk| chunk.next.is_some_and(|next| next > 1 << 40))),
        ("piece beyond the size", count_chunks(&beyond)),
        ("gap with the right sum in its step", made_up_in_step),
        ("gap with the right sum in its build", made_up_in_build),
        ("chunk whose step is not there", count_chunks(&|chunk| there(chunk.build) && !step_of(chunk))),
        ("chunk without a step key", count_chunks(&|chunk| chunk.step.is_none())),
        ("chunk whose build is not there", count_chunks(&|chunk| chunk.build.is_some() && !there(chunk.build))),
        ("chunk without a build key", count_chunks(&|chunk| chunk.build.is_none())),
        ("step key twice in a build", twice.count()),
        ("step without a key", world.steps.iter().filter(|step| step.key.is_none()).count()),
        ("step whose build is not there", world.steps.iter().filter(|s| s.build.is_some() && !there(s.build)).count()),
        ("step without a build key", world.steps.iter().filter(|step| step.build.is_none()).count()),
        ("output_size NULL", world.steps.iter().filter(|step| step.output_size.is_none()).count()),
        ("output_size 0", world.steps.iter().filter(|step| step.output_size == Some(0)).count()),
        (
            "output_size below 0",
            world.steps.iter().filter(|step| step.output_size.is_some_and(|size| size < 0)).count(),
        ),
        ("has_output NULL", world.steps.iter().filter(|step| step.has_output.is_none()).count()),
        ("output_closed false", world.steps.iter().filter(|step| step.output_closed == Some(false)).count()),
        ("time NULL", times.iter().filter(|time| time.is_none()).count()),
        ("time T", at(T)),
        ("time R", at(R)),
        ("time infinity", at(Moment::INFINITY)),
        ("time -infinity", at(Moment::MINUS_INFINITY)),
        ("time not on record", times.iter().flatten().filter(|time| !time.is_on_record(now)).count()),
        ("time in the future", times.iter().flatten().filter(|time| time.is_in_future(now)).count()),
        ("time lately", times.iter().flatten().filter(|time| **time > R.plus(48 * HOUR) && **time <= now).count()),
        ("piece that says when it was stored", count_chunks(&|chunk| chunk.stored.is_some())),
        ("T and R contradicted", Meaning::new(world, case.circumstances()).contradictions),
        ("running lost", usize::from(case.headers.running == Some(Running::Lost))),
        ("queue in this database", usize::from(case.headers.queue == Some(Queue::Here))),
        ("lifecycle held", world.builds.iter().filter(|build| build.lifecycle.as_deref() == Some("held")).count()),
        ("start and stop equal", world.builds.iter().filter(|b| b.started.is_some() && b.started == b.stopped).count()),
        ("lifecycle NULL", world.builds.iter().filter(|build| build.lifecycle.is_none()).count()),
        ("build_num NULL", numbers(None)),
        ("build_num 0", numbers(Some(0))),
        ("build_num -1", numbers(Some(-1))),
        ("build_num 2^63 - 1", numbers(Some(i64::MAX))),
        ("project NULL", world.builds.iter().filter(|build| build.project.is_none()).count()),
        ("text with a line end", texts(&|text| text.contains(['\n', '\r']))),
        ("text with a quote", texts(&|text| text.contains(['"', '\'']))),
        ("text with a tab", texts(&|text| text.contains('\t'))),
        ("text with an escape sequence", texts(&|text| text.contains(['\u{1b}', '\u{9b}']))),
        ("no build", usize::from(world.builds.is_empty())),
        ("keys bigint", keyed(KeyType::Bigint)),
        ("keys uuid", keyed(KeyType::Uuid)),
        ("keys text", keyed(KeyType::Text)),
        ("keys numeric", keyed(KeyType::Numeric)),
        ("narrowed by --rule", usize::from(!case.rules.is_empty())),
        ("narrowed by --project", usize::from(case.projects.is_some())),
        ("profile without steps", usize::from(!case.offers.steps)),
        ("profile without chunks", usize::from(!case.offers.chunks)),
        ("no T", flags(TimeFlags::Nothing)),
        ("T alone", flags(TimeFlags::Backup)),
        ("T and R", flags(TimeFlags::Both)),
        ("R soon after T", flags(TimeFlags::Close)),
    ]
}

/// How many steps, and builds, have a hole though the sizes of their pieces add up to their ends.
fn made_up(case: &Case) -> (usize, usize) {
    let mut streams: BTreeMap<(Option<usize>, Option<usize>), Vec<&Chunk>> = BTreeMap::new();
    // Those that lie far out would take long to walk.
    let is_near =
        |chunk: &&Chunk| chunk.span().is_some_and(|(first, next)| first.unsigned_abs() < 10_000 && next < 10_000);
    for chunk in case.world.chunks.iter().filter(is_near) {
        streams.entry((chunk.build, chunk.step)).or_default().push(chunk);
    }
    let span = |piece: &Chunk| piece.span().unwrap_or_default();
    let sum = |pieces: &[&Chunk]| pieces.iter().map(|piece| piece.length() as i64).sum::<i64>();
    let end = |pieces: &[&Chunk]| pieces.iter().map(|piece| span(piece).1).max().unwrap_or(0);
    let has_hole = |pieces: &[&Chunk]| {
        (0..end(pieces)).any(|unit| !pieces.iter().any(|piece| span(piece).0 <= unit && unit < span(piece).1))
    };
    let in_step = streams.values().filter(|pieces| has_hole(pieces) && sum(pieces) == end(pieces)).count();
    let builds: std::collections::BTreeSet<Option<usize>> = streams.keys().map(|(build, _)| *build).collect();
    let in_build = builds.into_iter().filter(|build| {
        let of_build: Vec<&Vec<&Chunk>> = streams.iter().filter(|(key, _)| key.0 == *build).map(|(_, p)| p).collect();
        let sums: i64 = of_build.iter().map(|pieces| sum(pieces)).sum();
        let ends: i64 = of_build.iter().map(|pieces| end(pieces)).sum();
        let open = of_build.iter().any(|pieces| has_hole(pieces));
        open && sums == ends && of_build.iter().any(|pieces| sum(pieces) != end(pieces))
    });
    (in_step, in_build.count())
}
