//! The charts of a page. Places are percentages of the width, so the chart fits a phone and a desk, and its text keeps its size.
//!
//! Drawn by hand, not by a chart library: the charts of charts-rs 2 have a fixed width with the text scaled along, their
//! colours written into every shape (no dark mode), a font that the page does not carry, and neither role nor title.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::audit::{CHARTED, Lane, Picture, RunEnd, Timeline};
use crate::text::Foreign;

use super::super::format::{builds, grouped, length, time};

/// The parts into which the time is divided.
const COLUMNS: usize = 240;
/// The most builds that are drawn one by one.
const LANES: usize = 36;
/// The height of the area for the builds, in pixels.
const HEIGHT: f64 = 150.0;
/// The distances between two marks on the axis, in seconds.
const STEPS: [i64; 15] =
    [60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172_800, 604_800, 2_592_000];
/// The most marks.
const MARKS: i64 = 8;

/// A part of the width or of a whole, shown as a percentage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Share(f64);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.2}", self.0 * 100.0);
        write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl Share {
    /// A part of a whole; zero if the whole is zero.
    pub(super) fn of(part: u64, whole: u64) -> Self {
        Self(if whole == 0 { 0.0 } else { part as f64 / whole as f64 })
    }

    /// The anchor of a label at this place, such that the label stays in the chart.
    pub(super) fn anchor(self) -> &'static str {
        match self.0 {
            x if x < 0.2 => "start",
            x if x > 0.86 => "end",
            _ => "middle",
        }
    }
}

/// A rectangle of the chart: the builds of one kind at one time.
pub(super) struct Block {
    pub(super) kind: usize,
    pub(super) x: Share,
    pub(super) width: Share,
    pub(super) y: String,
    pub(super) height: String,
}

/// A mark on the axis of time.
pub(super) struct Mark {
    pub(super) x: Share,
    pub(super) text: String,
    /// Every second mark is hidden if there is little room.
    pub(super) is_odd: bool,
}

/// The name of a kind of builds.
pub(super) struct Key {
    pub(super) kind: usize,
    pub(super) name: &'static str,
    pub(super) explained: &'static str,
}

/// One build, drawn as a bar.
pub(super) struct Bar {
    pub(super) project: Foreign,
    pub(super) number: String,
    pub(super) kind: usize,
    pub(super) x: Share,
    pub(super) width: Share,
    pub(super) end: Share,
    pub(super) begins_earlier: bool,
    pub(super) last: &'static str,
    pub(super) description: String,
}

/// The chart of builds over time.
pub(super) struct Chart {
    pub(super) blocks: Vec<Block>,
    pub(super) marks: Vec<Mark>,
    pub(super) backup: Share,
    pub(super) backup_time: String,
    pub(super) restored: Option<Share>,
    /// The width of the time in which the server was away.
    pub(super) gap: Share,
    pub(super) gap_middle: Share,
    pub(super) is_broken: bool,
    pub(super) restored_time: String,
    pub(super) most: String,
    pub(super) keys: Vec<Key>,
    pub(super) bars: Vec<Bar>,
    pub(super) description: String,
    pub(super) left_out: Vec<String>,
    pub(super) bars_description: String,
}

/// Draws the chart.
pub(super) fn chart(timeline: &Timeline) -> Chart {
    let picture = timeline.picture(COLUMNS, LANES);
    let (from, to) = picture.ends();
    let place = |at| Share(picture.place(at));
    let most = picture.columns.iter().map(|column| column.iter().sum::<u64>()).max().unwrap_or_default();
    let restored = timeline.restored.filter(|restored| *restored > timeline.backup).map(place);
    let backup = place(timeline.backup);
    let used = |kind: &usize| picture.columns.iter().any(|column| column[*kind] > 0) || has_lane(&picture, *kind);
    let keys = (0..CHARTED.len()).filter(used);
    let cut = timeline.cut();
    let description = format!(
        "Damaged builds that ran at each moment from {} to {}: at most {} at once. {} running when the backup was taken at {}: \
         what came after is lost.",
        time(from),
        time(to),
        grouped(most),
        if cut == 1 { "1 build was".to_owned() } else { format!("{} were", builds(cut)) },
        time(timeline.backup),
    );
    Chart {
        blocks: blocks(&picture, most.max(1)),
        marks: marks(&picture),
        backup,
        backup_time: clock(timeline.backup),
        restored,
        gap: Share((restored.map_or(backup.0, |restored| restored.0) - backup.0).max(0.0)),
        gap_middle: Share((restored.map_or(backup.0, |restored| restored.0) + backup.0) / 2.0),
        is_broken: !picture.to_scale,
        restored_time: timeline.restored.map(clock).unwrap_or_default(),
        most: grouped(most),
        keys: keys
            .map(|kind| Key { kind, name: CHARTED[kind].as_str(), explained: CHARTED[kind].explained() })
            .collect(),
        bars: picture.lanes.iter().map(|lane| bar(lane, &picture)).collect(),
        left_out: left_out(timeline, &picture),
        bars_description: bars_description(&picture),
        description,
    }
}

fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M").to_string()
}

fn has_lane(picture: &Picture, kind: usize) -> bool {
    picture.lanes.iter().any(|lane| lane.span.timing == CHARTED[kind])
}

/// One rectangle for each kind and each stretch of time without a change.
fn blocks(picture: &Picture, most: u64) -> Vec<Block> {
    let count = picture.columns.len();
    let mut blocks = Vec::new();
    let mut begin = 0;
    while begin < count {
        let column = picture.columns[begin];
        let end = (begin..count).find(|other| picture.columns[*other] != column).unwrap_or(count);
        let mut below = 0;
        for (kind, number) in column.into_iter().enumerate().filter(|(_, number)| *number > 0) {
            let height = |number: u64| number as f64 / most as f64 * HEIGHT;
            below += number;
            blocks.push(Block {
                kind,
                x: Share(begin as f64 / count as f64),
                width: Share((end - begin) as f64 / count as f64),
                y: format!("{:.1}", HEIGHT - height(below)),
                // High enough to be seen.
                height: format!("{:.1}", height(number).max(1.5)),
            });
        }
        begin = end;
    }
    blocks
}

fn marks(picture: &Picture) -> Vec<Mark> {
    // The first stretch, which is never drawn shorter, and the whole width decide the distance.
    let per_width = picture
        .stretches
        .first()
        .map_or(1.0, |first| first.to.duration_since(first.from).as_secs_f64() / first.width.max(f64::EPSILON))
        as i64;
    let step = STEPS.into_iter().find(|step| per_width / step < MARKS).unwrap_or(per_width.max(1));
    // A time that is drawn shorter has no room for marks.
    let with_room = picture.stretches.iter().enumerate().filter(|(place, _)| picture.to_scale || *place != 1);
    let seconds = with_room.flat_map(|(_, stretch)| {
        let first = (stretch.from.as_second() - 1).div_euclid(step) + 1;
        (first..).map(move |place| place * step).take_while(|second| *second < stretch.to.as_second())
    });
    let times = seconds.filter_map(|second| Timestamp::from_second(second).ok());
    let marks = times.enumerate().map(|(place, at)| {
        let days = step >= 86400 || at.as_second().rem_euclid(86400) == 0;
        let text = if days { at.strftime("%b %-d").to_string() } else { clock(at) };
        Mark { x: Share(picture.place(at)), text, is_odd: place % 2 == 1 }
    });
    // A label at the edge would be cut off.
    marks.filter(|mark| (0.02..0.98).contains(&mark.x.0)).collect()
}

fn bar(lane: &Lane, picture: &Picture) -> Bar {
    let span = &lane.span;
    let (start, end) = (picture.place(span.start), picture.place(span.end).clamp(0.0, 1.0));
    let ran = length(SignedDuration::from_secs(span.length().as_secs()));
    let (last, description) = match span.last {
        RunEnd::Cut => ("cut", format!("cut after {ran}")),
        RunEnd::Stopped => ("stopped", format!("{}, ran {ran}", span.timing)),
        RunEnd::Seen => ("seen", format!("{}, last seen after {ran}", span.timing)),
    };
    Bar {
        project: Foreign::name(&lane.project).or("(no project)"),
        number: lane.number.map(|number| number.to_string()).unwrap_or_default(),
        kind: CHARTED.iter().position(|timing| *timing == span.timing).unwrap_or_default(),
        x: Share(start.clamp(0.0, 1.0)),
        width: Share((end - start.clamp(0.0, 1.0)).max(0.0)),
        end: Share(end),
        begins_earlier: start < 0.0,
        last,
        description,
    }
}

fn left_out(timeline: &Timeline, picture: &Picture) -> Vec<String> {
    let mut sentences = Vec::new();
    if !picture.to_scale
        && let Some(gap) = timeline.gap()
    {
        sentences.push(format!("The {} between backup and restore are drawn shorter than they were.", length(gap)));
    }
    if picture.outside > 0 {
        sentences.push(format!("{} ended before, or began after, the time that is shown.", builds(picture.outside)));
    }
    if timeline.without_times > 0 {
        let have = if timeline.without_times == 1 { "has" } else { "have" };
        sentences.push(format!("{} {have} no start, or no sign of how long it ran.", builds(timeline.without_times)));
    }
    sentences
}

fn bars_description(picture: &Picture) -> String {
    let drawn = picture.lanes.len() as u64;
    if drawn == picture.builds {
        return "Each damaged build in this time, by its start.".to_owned();
    }
    format!(
        "{} of the {} in this time, chosen evenly from the whole report with more weight on those that the backup cut, by their start.",
        grouped(drawn),
        builds(picture.builds)
    )
}
