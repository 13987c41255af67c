//! The damaged builds over time, around the backup: how many ran at each moment, and some of them one by one.

use std::collections::BinaryHeap;

use jiff::{SignedDuration, Timestamp};

use crate::report::Row;
use crate::timing::Timing;

use super::span::{RunEnd, Span};

/// The kinds of builds that are drawn, in the order in which they are stacked.
pub const CHARTED: [Timing; 5] =
    [Timing::InFlight, Timing::Stale, Timing::Ended, Timing::Between, Timing::AfterRestore];
/// How far back the picture could reach at most, in seconds.
const BEFORE: i64 = 48 * 3600;
/// How far beyond the restore, in seconds.
const AFTER: i64 = 24 * 3600;
/// The shortest cell, in seconds.
const FINEST: i64 = 60;
/// Into how many cells the time is cut at most.
const MOST_CELLS: i64 = 8192;
/// How many builds of each kind are kept to be drawn one by one.
const CANDIDATES: usize = 64;
/// The least time before the backup in the picture, in seconds.
const LEAST_BEFORE: i64 = 30 * 60;

/// The damaged builds over time, while they are added up: the memory does not grow with their number.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// T.
    pub backup: Timestamp,
    /// R.
    pub restored: Option<Timestamp>,
    /// The second at which the first cell begins.
    from: i64,
    /// How many seconds a cell has.
    step: i64,
    /// For each cell, how many more builds of each kind run than in the one before.
    changes: Vec<[i64; CHARTED.len()]>,
    /// For each cell, how many builds of each kind started.
    starts: Vec<[u64; CHARTED.len()]>,
    candidates: [BinaryHeap<Candidate>; CHARTED.len()],
    /// Builds of each kind that were added.
    builds: [u64; CHARTED.len()],
    /// Builds of which no time is known.
    pub without_times: u64,
}

/// A build that may be drawn. Which ones are is up to a digest of their lines, so that it is the same in every run and does
/// not favour any project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    order: u64,
    line: u64,
    lane: Lane,
}

/// One build over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// `org/project`.
    pub project: String,
    pub number: Option<i64>,
    pub span: Span,
}

// The order of candidates is that of their digests and lines; lanes only have to be comparable.
impl PartialOrd for Lane {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Lane {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.span.start, self.span.end, &self.project, self.number).cmp(&(
            other.span.start,
            other.span.end,
            &other.project,
            other.number,
        ))
    }
}

/// A stretch of time in the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// Where it begins.
    pub from: Timestamp,
    /// Where it ends, after its beginning.
    pub to: Timestamp,
    /// Its part of the picture's width.
    pub width: f64,
}

/// The picture of the time around the backup: before it, from there to the restore, and after.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// The stretches, in order, each from where the one before ends.
    pub stretches: Vec<Stretch>,
    /// Whether all of them are of one scale. The time in which the server was away may be drawn shorter.
    pub to_scale: bool,
    /// For each of the picture's equal columns, the most builds of each kind that ran at one moment.
    pub columns: Vec<[u64; CHARTED.len()]>,
    /// Builds one by one, by their start.
    pub lanes: Vec<Lane>,
    /// How many builds overlap with it.
    pub builds: u64,
    /// How many builds with known times do not.
    pub outside: u64,
}

impl Picture {
    /// Where a moment stands: 0 is the left edge, 1 the right one.
    pub fn place(&self, at: Timestamp) -> f64 {
        let mut before = 0.0;
        for (index, stretch) in self.stretches.iter().enumerate() {
            let part = at.duration_since(stretch.from).as_secs_f64() / seconds(stretch);
            if part < 1.0 || index + 1 == self.stretches.len() {
                return before + part * stretch.width;
            }
            before += stretch.width;
        }
        before
    }

    /// Where it begins and ends.
    pub fn ends(&self) -> (Timestamp, Timestamp) {
        let first = self.stretches.first().map_or(Timestamp::UNIX_EPOCH, |stretch| stretch.from);
        (first, self.stretches.last().map_or(first, |stretch| stretch.to))
    }
}

fn seconds(stretch: &Stretch) -> f64 {
    stretch.to.duration_since(stretch.from).as_secs_f64().max(1.0)
}

impl Timeline {
    pub(super) fn new(backup: Timestamp, restored: Option<Timestamp>) -> Self {
        let from = backup.as_second().saturating_sub(BEFORE);
        let to = restored.unwrap_or(backup).max(backup).as_second().saturating_add(AFTER);
        let step = FINEST.max((to - from) / MOST_CELLS + 1);
        let cells = usize::try_from((to - from) / step + 1).unwrap_or_default();
        Self {
            backup,
            restored,
            from,
            step,
            changes: vec![[0; CHARTED.len()]; cells + 1],
            starts: vec![[0; CHARTED.len()]; cells],
            candidates: Default::default(),
            builds: [0; CHARTED.len()],
            without_times: 0,
        }
    }

    pub(super) fn add(&mut self, row: &Row, span: Option<Span>) {
        let kind = CHARTED.iter().position(|timing| *timing == row.timing);
        let (Some(span), Some(kind)) = (span, kind) else {
            self.without_times += 1;
            return;
        };
        self.builds[kind] += 1;
        let cells = self.starts.len() as i64;
        let cell = |second: i64| (second - self.from).div_euclid(self.step);
        // What is cut at T does not run in the moment that begins with T.
        let end = span.end.as_second() - i64::from(span.last == RunEnd::Cut);
        let first = cell(span.start.as_second());
        let last = cell(end).max(first);
        if last < 0 || first >= cells {
            return;
        }
        let index = |cell: i64| usize::try_from(cell.clamp(0, cells)).unwrap_or_default();
        self.changes[index(first)][kind] += 1;
        self.changes[index(last + 1)][kind] -= 1;
        if first >= 0 {
            self.starts[index(first)][kind] += 1;
        }
        let lane = Lane { project: row.project.clone(), number: row.build_num, span };
        let candidates = &mut self.candidates[kind];
        candidates.push(Candidate { order: mixed(row.line), line: row.line, lane });
        if candidates.len() > CANDIDATES {
            candidates.pop();
        }
    }

    /// The picture, in this many columns and with so many builds one by one at most.
    pub fn picture(&self, columns: usize, lanes: usize) -> Picture {
        let (stretches, to_scale) = self.stretches();
        let mut picture = Picture {
            stretches,
            to_scale,
            columns: vec![[0; CHARTED.len()]; columns],
            lanes: Vec::new(),
            builds: 0,
            outside: 0,
        };
        let (from, to) = picture.ends();
        let mut running = [0_i64; CHARTED.len()];
        let mut has_begun = false;
        for (cell, changes) in self.changes.iter().enumerate() {
            running.iter_mut().zip(changes).for_each(|(running, change)| *running += change);
            let at = self.from + cell as i64 * self.step;
            if at + self.step <= from.as_second() || at >= to.as_second() {
                continue;
            }
            picture.builds += match has_begun {
                // Those that run at the left edge, and then those that start within.
                false => running.iter().sum::<i64>().try_into().unwrap_or_default(),
                true => self.starts.get(cell).map_or(0, |starts| starts.iter().sum()),
            };
            has_begun = true;
            let column = |second: i64| {
                let place = picture.place(moment(second)) * columns as f64;
                (place.max(0.0) as usize).min(columns.saturating_sub(1))
            };
            let (first, last) = (column(at), column(at + self.step - 1));
            for column in &mut picture.columns[first..=last] {
                for (most, running) in column.iter_mut().zip(running) {
                    *most = (*most).max(u64::try_from(running).unwrap_or_default());
                }
            }
        }
        picture.outside = self.builds.iter().sum::<u64>().saturating_sub(picture.builds);
        picture.lanes = self.lanes(from, to, lanes);
        picture
    }

    /// Before the backup as far as nine of ten builds that it cut had run; the time in which the server was away, drawn
    /// shorter where it would push the cut out of sight; a part of what came after.
    fn stretches(&self) -> (Vec<Stretch>, bool) {
        let backup = self.backup.as_second();
        let all: u64 = self.starts.iter().map(|starts| starts[0]).sum();
        let mut passed = 0;
        let first = self.starts.iter().position(|starts| {
            passed += starts[0];
            passed > all / 10
        });
        let first = first.map_or(backup, |cell| self.from + cell as i64 * self.step);
        let before = (backup - first).max(LEAST_BEFORE) * 11 / 10;
        let away = self.restored.map_or(0, |restored| restored.as_second() - backup).max(0);
        let after = before * 3 / 10;
        let to_scale = away <= before * 4 / 10;
        let width_of_away = if to_scale { away } else { before * 3 / 10 };
        let whole = (before + width_of_away + after) as f64;
        let lengths = [(before, before), (away, width_of_away), (after, after)];
        let mut begin = backup - before;
        let mut stretches = Vec::new();
        for (length, width) in lengths.into_iter().filter(|(length, _)| *length > 0) {
            stretches.push(Stretch { from: moment(begin), to: moment(begin + length), width: width as f64 / whole });
            begin += length;
        }
        (stretches, to_scale)
    }

    fn lanes(&self, from: Timestamp, to: Timestamp, limit: usize) -> Vec<Lane> {
        let overlaps = |candidate: &&Candidate| {
            let span = candidate.lane.span;
            span.end >= from && span.start < to
        };
        let mut kinds: Vec<Vec<&Candidate>> = self
            .candidates
            .iter()
            .map(|candidates| {
                let mut kind: Vec<&Candidate> = candidates.iter().filter(overlaps).collect();
                kind.sort();
                kind.reverse();
                kind
            })
            .collect();
        let mut lanes = Vec::new();
        // Two of the builds that the backup cut for each one of another kind.
        while lanes.len() < limit && kinds.iter().any(|kind| !kind.is_empty()) {
            for kind in [0, 1, 0, 2, 0, 3, 0, 4] {
                let next = kinds[kind].pop().filter(|_| lanes.len() < limit);
                lanes.extend(next.map(|candidate| candidate.lane.clone()));
            }
        }
        lanes.sort();
        lanes
    }

    /// How many builds the backup cut, of those whose start is known.
    pub fn cut(&self) -> u64 {
        self.builds[0]
    }

    /// How long after the backup the server came back.
    pub fn gap(&self) -> Option<SignedDuration> {
        self.restored.map(|restored| restored.duration_since(self.backup))
    }
}

/// The moment of a second since 1970, or the nearest one that can be written.
fn moment(second: i64) -> Timestamp {
    let end = if second < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(second).unwrap_or(end)
}

/// Mixes the bits of a number. TimesSource: SplitMix64 (Steele, Lea, Flood 2014).
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
