//! What the rules for output find.

use std::collections::BTreeSet;

use super::super::moment::MINUTE;
use super::super::world::{Build, Chunk, Step};
use super::{Meaning, is};

/// What one step has too much of.
pub(super) struct Excess {
    /// Nothing is wrong but that an earlier run left pieces, and those of the later one may be whole.
    pub(super) may_be_whole: bool,
}

impl<'a> Meaning<'a> {
    pub(super) fn is_truncated(&self, build: &Build, step: &Step) -> bool {
        self.truncations(build, step).contains(&true)
    }

    /// Whether output ends early, was never closed, and was cut.
    pub(super) fn truncations(&self, build: &Build, step: &Step) -> [bool; 3] {
        let has_output = step.has_output == Some(true);
        let never_closed = step.output_closed == Some(false);
        let is_stored = self.pieces_of(step).next().is_some();
        let end = self.pieces_of(step).filter_map(Chunk::span).map(|(_, next)| next).max().unwrap_or(0).max(0);
        let ends_early = has_output && is_stored && step.output_size.is_some_and(|size| end < size);
        let is_over = self.has(step.stopped) || self.has(build.stopped) || is(build, "finished");
        let was_cut = (has_output || never_closed) && !self.has(step.stopped) && self.by_then(step.started);
        let has_begun = self.has_begun(step) || is_stored;
        [ends_early, never_closed && is_over && has_begun, was_cut]
    }

    pub(super) fn has_begun(&self, step: &Step) -> bool {
        let has_output = step.has_output == Some(true) || step.output_size.is_some_and(|size| size > 0);
        self.has(step.started) || self.has(step.stopped) || has_output
    }

    pub(super) fn has_gap(&self, build: &Build) -> bool {
        let step_keys: BTreeSet<Option<usize>> = self.chunks_of(Some(build.key)).map(|chunk| chunk.step).collect();
        step_keys.into_iter().any(|step_key| {
            let pieces = self.chunks_of(Some(build.key)).filter(|chunk| chunk.step == step_key);
            has_hole(pieces.filter_map(Chunk::span).collect())
        })
    }

    pub(super) fn is_output_missing(&self, step: &Step) -> bool {
        step.has_output == Some(true) && step.output_size != Some(0) && self.pieces_of(step).next().is_none()
    }

    /// What each step, or what has none, has too much of.
    pub(super) fn excesses(&self, build: &Build) -> Vec<Excess> {
        let step_keys: BTreeSet<Option<usize>> = self.chunks_of(Some(build.key)).map(|chunk| chunk.step).collect();
        let of_key = |key: Option<usize>| {
            let rows: Vec<&Step> =
                self.steps_of(Some(build.key)).filter(|step| key.is_some() && step.key == key).collect();
            let rows: Vec<Option<&Step>> =
                if rows.is_empty() { vec![None] } else { rows.into_iter().map(Some).collect() };
            rows.into_iter().filter_map(move |step| self.excess(build, key, step))
        };
        step_keys.into_iter().flat_map(of_key).collect()
    }

    fn excess(&self, build: &Build, key: Option<usize>, step: Option<&Step>) -> Option<Excess> {
        let pieces: Vec<&Chunk> = self.chunks_of(Some(build.key)).filter(|chunk| chunk.step == key).collect();
        // A place that is not known, or an end before the begin; or a begin before 0.
        let is_impossible = |piece: &&Chunk| piece.span().is_none_or(|(first, _)| first < 0);
        let is_over = self.is_step_over(build, step);
        let size = step.and_then(|step| step.output_size);
        let is_expired = step.is_some_and(|step| step.has_output == Some(false));
        let end = pieces.iter().filter_map(|piece| piece.span()).map(|(_, next)| next).max();
        let goes_on = is_over && !is_expired && end.zip(size).is_some_and(|(end, size)| end > size);
        let is_damaged = pieces.iter().any(is_impossible) || goes_on;
        // Whether what came later is seen not to be whole, where two runs lie in one place.
        let of_two_runs = self.later_run(build, &pieces).filter(|_| is_over && key.is_some());
        let later_is_damaged = of_two_runs.as_ref().map(|later| {
            let end = later.iter().map(|(_, next)| *next).max();
            has_hole(later.clone()) || end.zip(size).is_some_and(|(end, size)| end < size)
        });
        if !is_damaged && later_is_damaged.is_none() {
            return None;
        }
        Some(Excess { may_be_whole: !is_damaged && later_is_damaged == Some(false) })
    }

    /// The pieces that are not of an earlier run, where one of that and one that came later lie in the same place. Empty ones lie nowhere.
    fn later_run(&self, build: &Build, pieces: &[&Chunk]) -> Option<Vec<(i64, i64)>> {
        let since = self.on_record(build.queued).or(self.on_record(build.started))?.plus(-10 * MINUTE);
        let spans = |counts: &dyn Fn(&Chunk) -> bool| -> Vec<(i64, i64)> {
            let chosen = pieces.iter().filter(|piece| counts(piece)).filter_map(|piece| piece.span());
            chosen.filter(|(first, next)| first < next).collect()
        };
        let stored = |piece: &Chunk| self.on_record(piece.stored);
        let earlier = spans(&|piece| stored(piece).is_some_and(|time| time < since));
        let later = spans(&|piece| stored(piece).is_some_and(|time| time >= since));
        let meet = earlier.iter().any(|one| later.iter().any(|other| one.0 < other.1 && other.0 < one.1));
        meet.then(|| spans(&|piece| stored(piece).is_none_or(|time| time >= since)))
    }

    /// Whether a step, or the build that has it, is over.
    fn is_step_over(&self, build: &Build, step: Option<&Step>) -> bool {
        step.is_some_and(|step| self.has(step.stopped)) || self.has(build.stopped) || self.is_over(build)
    }

    /// Whether some of its output names no step that is on record, where any is.
    pub(super) fn has_stepless_output(&self, build: &Build) -> bool {
        let has_step =
            |chunk: &Chunk| self.steps_of(Some(build.key)).any(|step| step.key.is_some() && step.key == chunk.step);
        !self.steps.is_empty() && self.chunks_of(Some(build.key)).any(|chunk| !has_step(chunk))
    }

    /// Whether what is stored of it differs from what was recorded, in whatever way.
    pub(super) fn is_unexplained(&self, build: &Build) -> bool {
        let differs = |step: &Step| {
            let pieces: Vec<&Chunk> = self.pieces_of(step).collect();
            let spans: Vec<(i64, i64)> =
                pieces.iter().filter_map(|piece| piece.span()).filter(|(a, z)| a < z).collect();
            let has_odd = pieces.iter().any(|piece| piece.span().is_none());
            let has_output = match step.has_output {
                Some(has_output) => has_output,
                // It does not say; then something of it has to be there.
                None => has_odd || !spans.is_empty(),
            };
            let Some(size) = step.output_size else { return false };
            let is_within = spans.iter().all(|(first, next)| *first >= 0 && *next <= size);
            let is_whole = !has_odd && is_within && covered(&spans) == i128::from(size);
            has_output && self.is_step_over(build, Some(step)) && !is_whole
        };
        self.steps_of(Some(build.key)).any(differs) || self.has_stepless_output(build)
    }
}

/// Whether something is missing between 0 and the last of them.
fn has_hole(mut spans: Vec<(i64, i64)>) -> bool {
    spans.sort_unstable();
    let mut reached = 0;
    for (first, next) in spans {
        if first > reached {
            return true;
        }
        reached = reached.max(next);
    }
    false
}

/// How many units there is something of: between any two neighbouring marks there is all or nothing.
fn covered(spans: &[(i64, i64)]) -> i128 {
    let marks: BTreeSet<i64> = spans.iter().flat_map(|(first, next)| [*first, *next]).collect();
    let marks: Vec<i64> = marks.into_iter().collect();
    let is_covered = |pair: &&[i64]| spans.iter().any(|(first, next)| *first <= pair[0] && pair[1] <= *next);
    marks.windows(2).filter(is_covered).map(|pair| i128::from(pair[1]) - i128::from(pair[0])).sum()
}
