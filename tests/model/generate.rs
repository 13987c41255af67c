//! Random small worlds in which everything odd happens often enough to collide with everything else.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::Case;
use super::meaning::{RULES, Settings, TimeFlags};
use super::moment::{HOUR, MICROSECOND, MINUTE, Moment, R, SECOND, T};
use super::plan::{
    Address, Endless, Fault, Habit, Misplaced, Number, PROJECTS, Part, PartKey, Plan, Presence, Size, When, Whole,
};
use super::world::{Headers, KeyType, Offers, Queue, Running, World};

/// Texts that break lines, cells, quotes, terminals and spreadsheets.
const ODD_TEXTS: [&str; 22] = [
    "ok",
    "",
    " ",
    "two\nlines",
    "two\r\nlines",
    "\nfirst",
    "\rfirst",
    "\ttab",
    "in\tside",
    "\"quoted\"",
    "it's",
    "'",
    "\u{1b}[31mred",
    "\u{9b}31m",
    "\u{7f}",
    "=1+1",
    "-1",
    "@x",
    "a;b,c",
    "back\\slash",
    "\u{202e}thgir",
    "NULL",
];

/// A world, and how it is scanned.
pub fn case() -> impl Strategy<Value = Case> {
    let time_flags = prop_oneof![6 => Just(TimeFlags::Both), 1 => Just(TimeFlags::Close), 4 => Just(TimeFlags::Backup), 2 => Just(TimeFlags::Nothing)];
    let rules = prop_oneof![3 => Just(vec![]), 2 => subsequence(&RULES, 1..=3)];
    let projects = prop_oneof![5 => Just(None), 1 => select(&["acme/*", "*", "acme/api", "nobody/*"]).prop_map(Some)];
    let offers = prop_oneof![
        8 => Just(Offers::ALL),
        2 => (any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(steps, chunks, stored)| Offers { steps, chunks, stored }),
    ];
    (world(), (time_flags, offers, headers(), settings()), rules, projects, any::<bool>(), any::<bool>()).prop_map(
        |(world, (time_flags, offers, headers, settings), rules, projects, json, witness)| Case {
            world,
            time_flags,
            offers,
            headers,
            settings,
            rules,
            projects,
            json,
            witness,
        },
    )
}

/// What the profile says of its CI: mostly that nothing which ran or waited comes back, so that much is deletable.
fn headers() -> impl Strategy<Value = Headers> {
    let running = prop_oneof![
        5 => Just(Some(Running::Lost)),
        2 => Just(Some(Running::Resumed)),
        1 => Just(None),
    ];
    let queue = prop_oneof![
        5 => Just(Some(Queue::Elsewhere)),
        1 => Just(Some(Queue::Here)),
        1 => Just(None),
    ];
    let max_run_time = prop_oneof![3 => Just(None), 1 => select(&[3, 1000]).prop_map(Some)];
    let copies = prop_oneof![6 => Just(None), 1 => any::<bool>().prop_map(Some)];
    (queue, running, max_run_time, copies).prop_map(|(queue, running, max_run_time, copies)| Headers {
        queue,
        running,
        max_run_time,
        copies,
    })
}

/// The flags. A tolerance of 10 minutes is just half of the least R - T.
fn settings() -> impl Strategy<Value = Settings> {
    let tolerance = prop_oneof![
        6 => Just(None),
        3 => select(&[0, SECOND, MINUTE, 10 * MINUTE]).prop_map(Some),
    ];
    let max_queue_time = prop_oneof![6 => Just(None), 1 => select(&[MINUTE, 2000 * HOUR]).prop_map(Some)];
    let max_run_time = prop_oneof![4 => Just(None), 1 => select(&[2 * HOUR, 7 * HOUR, 1000 * HOUR]).prop_map(Some)];
    (tolerance, max_queue_time, max_run_time).prop_map(|(tolerance, max_queue_time, max_run_time)| Settings {
        tolerance,
        max_queue_time,
        max_run_time,
    })
}

fn world() -> impl Strategy<Value = World> {
    let key_type = || select(&[KeyType::Bigint, KeyType::Uuid, KeyType::Text, KeyType::Numeric]);
    let wholes = prop_oneof![1 => vec(whole(), 0..=1), 8 => vec(whole(), 1..=4), 3 => vec(whole(), 5..=12)];
    // What is lost in one place may be twice in another, so that any sum is as it should be.
    let made_up = prop_oneof![2 => Just(vec![]), 1 => vec((any::<Index>(), any::<Index>()), 1..=2)];
    let habit = prop_oneof![5 => Just(None), 1 => habit().prop_map(Some)];
    let endless = prop_oneof![4 => Just(None), 1 => endless().prop_map(Some)];
    (key_type(), key_type(), wholes, made_up, 0..100_usize, habit, endless).prop_map(
        |(build_keys, step_keys, wholes, made_up, order, habit, endless)| {
            Plan { build_keys, step_keys, wholes, made_up, order, habit, endless }.world()
        },
    )
}

fn endless() -> impl Strategy<Value = Endless> {
    let lacks = select(&[(false, true), (true, false), (false, false)]);
    let name = weighted(0.8, select(&[None, Some("service"), Some("\"quoted\"")]));
    (name, lacks, vec(0..12_usize, 0..=4)).prop_map(|(name, (stops, closes), but)| Endless { name, stops, closes, but })
}

fn habit() -> impl Strategy<Value = Habit> {
    let lifecycles = select(&["finished", "finished", "queued", "not_running", "not_run", "running", "held"]);
    let status = select(&["ok", "canceled", "", "\"quoted\""]);
    (status, lifecycles, weighted(0.8, Just(())), any::<bool>(), vec(0..12_usize, 0..=4)).prop_map(
        |(status, lifecycle, starts, stops, but)| {
            // A build that is finished has this habit where its stop is missing, one that runs where it has one.
            let stops = if lifecycle == "finished" { stops && but.len() > 3 } else { stops || lifecycle == "running" };
            Habit { status, lifecycle, starts: starts.is_some(), stops, but }
        },
    )
}

fn moment() -> impl Strategy<Value = Moment> {
    let around = |time: Moment| vec![time.plus(-MICROSECOND), time, time.plus(MICROSECOND)];
    let by_backup = [-30 * HOUR, -9 * HOUR, -6 * HOUR, -3 * HOUR, -HOUR, -MINUTE, -SECOND].map(|micros| T.plus(micros));
    let later = [T.plus(HOUR), T.plus(2 * HOUR), R.plus(HOUR), R.plus(2 * HOUR)];
    // The edges of the tolerance, and of the last 15 minutes before R, in which a server may start.
    let edges = [T.plus(5 * SECOND), R.plus(-5 * SECOND), R.plus(-15 * MINUTE)].into_iter().flat_map(around);
    let edges: Vec<Moment> =
        edges.chain([R.plus(-7 * MINUTE), R.plus(-HOUR), T.plus(MINUTE), T.plus(12 * MINUTE)]).collect();
    // Hours and minutes ago, and a clock that is a little ahead.
    let lately = [-30 * MINUTE, -4 * HOUR, -6 * HOUR, 4 * MINUTE].map(|micros| Moment::base().plus(micros));
    let first = Moment::of(1, 1, 1, 0);
    // The program's clock ends on 9999-12-30: nobody has to know.
    let last = Moment::of(9999, 12, 29, 0);
    let extreme = [
        Moment::INFINITY,
        Moment::MINUS_INFINITY,
        first.plus(-MICROSECOND),
        first,
        Moment::of(-43, 3, 15, 0),
        last.plus(-MICROSECOND),
        Moment::of(10_000, 1, 2, 0),
        Moment::of(20_000, 1, 1, 0),
        Moment::of(2900, 1, 1, 0),
        Moment::of(1970, 1, 1, 0),
        Moment::of(1970, 1, 1, 0),
        Moment::of(2000, 1, 1, 0),
        Moment::of(2000, 1, 1, 0).plus(-MICROSECOND),
        Moment::base().plus(72 * HOUR),
    ];
    prop_oneof![
        6 => select(by_backup.to_vec()),
        4 => select(around(T)),
        2 => select(around(T.plus(-5 * HOUR))),
        2 => select(around(R)),
        1 => select(later.to_vec()),
        1 => select(edges),
        2 => select(lately.to_vec()),
        1 => select(extreme.to_vec()),
    ]
}

/// A time by itself.
fn wild() -> impl Strategy<Value = When> {
    prop_oneof![1 => Just(NEVER), 3 => moment().prop_map(|time| When::At(Some(time)))]
}

/// So much after another time.
fn after(micros: &'static [i64]) -> impl Strategy<Value = When> {
    select(micros).prop_map(When::After)
}

const NEVER: When = When::At(None);

/// When a build was queued, started and stopped, and its lifecycle: mostly such as belong together, so that many worlds
/// are nearly healthy.
fn life() -> impl Strategy<Value = ([When; 3], Option<&'static str>)> {
    const QUEUED: &[i64] = &[-SECOND, -MINUTE, 0, -6 * HOUR];
    // 10 minutes are what clocks may be apart before times are impossible.
    const SKEWED: &[i64] = &[10 * MINUTE, 10 * MINUTE + MICROSECOND, HOUR];
    const STOPPED: &[i64] = &[MINUTE, HOUR, 0, 6 * HOUR];
    const BEFORE: &[i64] = &[-10 * MINUTE, -10 * MINUTE - MICROSECOND, -HOUR];
    const LIFECYCLES: [&str; 8] = ["finished", "running", "queued", "not_running", "not_run", "held", "Running", ""];
    let any = || weighted(0.9, select(&LIFECYCLES));
    let mostly = |right: &'static [&'static str]| prop_oneof![3 => select(right).prop_map(Some), 1 => any()];
    let queued = || after(QUEUED).boxed();
    let started = || after(&[0]).boxed();
    let stopped = || after(STOPPED).boxed();
    let never = || Just(NEVER).boxed();
    let or_wild = |when: BoxedStrategy<When>| prop_oneof![when, wild()].boxed();
    prop_oneof![
        4 => ([queued(), started(), stopped()], mostly(&["finished"])),
        4 => ([queued(), started(), never()], mostly(&["running"])),
        3 => ([queued(), never(), never()], mostly(&["queued", "not_running", "running"])),
        // Canceled before it started.
        1 => ([queued(), never(), stopped()], mostly(&["finished", "queued", "not_running", "not_run"])),
        // No sound build can be so, or it waits on purpose.
        1 => ([queued(), started(), never()], mostly(&["finished", "queued", "not_running", "not_run", "held"])),
        1 => ([queued(), started(), stopped()], mostly(&["running", "queued", "not_run", "held"])),
        1 => ([after(SKEWED).boxed(), started(), stopped()], mostly(&["finished", "running", "held"])),
        1 => ([queued(), started(), after(BEFORE).boxed()], mostly(&["finished", "held"])),
        2 => ([or_wild(queued()), or_wild(started()), or_wild(stopped())], any()),
    ]
}

/// When a step started, counted from its build, and stopped.
fn work() -> impl Strategy<Value = (When, When)> {
    let started = || after(&[0, SECOND, MINUTE]);
    let stopped = || after(&[SECOND, MINUTE, 10 * MINUTE]);
    prop_oneof![
        8 => (started(), stopped()),
        4 => (started(), Just(NEVER)),
        1 => (Just(NEVER), Just(NEVER)),
        1 => (prop_oneof![started(), wild()], prop_oneof![stopped(), wild()]),
    ]
}

fn whole() -> impl Strategy<Value = Whole> {
    let lost = prop_oneof![Just((true, true)), Just((true, false)), Just((false, true))];
    let is_there = prop_oneof![
        14 => Just(Presence::There),
        2 => lost.prop_map(|(steps, chunks)| Presence::Lost { steps, chunks }),
        1 => Just(Presence::Keyless),
    ];
    let number = prop_oneof![
        8 => Just(Number::Own),
        3 => select(&[1, 2]).prop_map(|number| Number::Just(Some(number))),
        2 => select(&[None, Some(0), Some(-1), Some(i64::MAX), Some(i64::MAX - 1), Some(i64::MIN)]).prop_map(Number::Just),
    ];
    let address = prop_oneof![
        8 => select(&["gh", "github", "bb"]).prop_map(Address::Own),
        1 => Just(Address::OtherNumber),
        1 => Just(Address::OtherProject),
        1 => Just(Address::Missing),
        1 => any::<Index>().prop_map(Address::SameAs),
        1 => select(&ODD_TEXTS).prop_map(Address::Odd),
    ];
    let project = weighted(0.88, prop_oneof![6 => select(&PROJECTS[..3]), 2 => select(&PROJECTS)]);
    let names = (project, number, address, weighted(0.9, select(&ODD_TEXTS)));
    let is_there = (is_there, weighted(0.08, any::<Index>()));
    (is_there, names, weighted(0.97, moment()), life(), vec(part(), 0..=5)).prop_map(
        |((is_there, twin), (project, number, address, status), base, (times, lifecycle), parts)| Whole {
            is_there,
            twin,
            project,
            number,
            address,
            lifecycle,
            status,
            base,
            times,
            parts,
        },
    )
}

fn part() -> impl Strategy<Value = Part> {
    let key = prop_oneof![12 => Just(PartKey::Own), 1 => Just(PartKey::First), 1 => Just(PartKey::Missing)];
    let size = prop_oneof![
        10 => Just(Size::Stored(0)),
        3 => Just(Size::Sum),
        3 => select(&[1, -1, 2, -2, 100]).prop_map(Size::Stored),
        2 => Just(Size::Missing),
        1 => select(&[0, 1, 4, -1, i64::MAX, i64::MIN]).prop_map(Size::Just),
    ];
    let has_output = prop_oneof![4 => Just(Some(true)), 2 => Just(Some(false)), 1 => Just(None)];
    let closed = prop_oneof![4 => Just(None), 4 => Just(Some(true)), 3 => Just(Some(false))];
    // Few lengths, so that doubled and lost pieces are often of one size.
    let length = || select(&[2, 2, 2, 1, 5]);
    let pieces = prop_oneof![2 => vec(length(), 0..=1), 6 => vec(length(), 2..=6)];
    let faults = prop_oneof![2 => Just(vec![]), 1 => vec(fault(), 1..=2)];
    let names = (weighted(0.93, Just(())).prop_map(|there| there.is_some()), key, weighted(0.8, select(&ODD_TEXTS)));
    let stored = prop_oneof![4 => Just(NEVER), 6 => after(&[0, SECOND, MINUTE]).boxed(), 1 => wild().boxed()];
    let faults = (faults, weighted(0.06, (0..6_usize, misplaced())));
    (names, work(), (has_output, size, closed), (pieces, stored), faults).prop_map(
        |(
            (is_there, key, name),
            (started, stopped),
            (has_output, size, closed),
            (pieces, stored),
            (faults, misplaced),
        )| Part {
            is_there,
            key,
            name,
            started,
            stopped,
            has_output,
            size,
            closed,
            pieces,
            stored,
            faults,
            misplaced,
        },
    )
}

/// What no sound server writes: no place, or one at the ends of what there is.
fn misplaced() -> impl Strategy<Value = Misplaced> {
    let far = || select(&[i64::MIN, i64::MIN + 1, -5, 1 << 32, i64::MAX - 1, i64::MAX]);
    prop_oneof![
        Just(Misplaced::NoBegin),
        Just(Misplaced::NoEnd),
        Just(Misplaced::Nowhere),
        far().prop_map(Misplaced::BeginsAt),
        far().prop_map(Misplaced::EndsAt),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    let (one, two) = (0..6_usize, (0..6_usize, 0..6_usize));
    prop_oneof![
        3 => one.clone().prop_map(Fault::Doubled),
        2 => one.clone().prop_map(Fault::Lost),
        3 => two.clone().prop_map(|(lost, doubled)| Fault::LostAndDoubled(lost, doubled)),
        2 => two.clone().prop_map(|(lost, doubled)| Fault::LostAndDoubledElsewhere(lost, doubled)),
        1 => two.clone().prop_map(|(lost, doubled)| Fault::LostAndDoubledWithoutStep(lost, doubled)),
        2 => (one.clone(), select(&[-1_i64, 1, -2, 2])).prop_map(|(piece, by)| Fault::Moved(piece, by)),
        1 => select(&[1_i64, 2, -1]).prop_map(Fault::AllMoved),
        2 => (one.clone(), select(&[-1_i64, 1, 2, 100])).prop_map(|(piece, by)| Fault::Longer(piece, by)),
        1 => one.clone().prop_map(Fault::Empty),
        1 => one.clone().prop_map(Fault::Backwards),
        1 => select(&[0_i64, 2, 4]).prop_map(Fault::Behind),
        1 => select(&[0_i64, 2, 4]).prop_map(Fault::ThereAndBack),
        1 => two.prop_map(|(lost, back)| Fault::LostAndMadeUpBackwards(lost, back)),
        // 10 minutes are what clocks may be apart.
        2 => (select(&[48 * HOUR, 10 * MINUTE, HOUR]), weighted(0.6, one)).prop_map(|(micros, lost)| Fault::RunBefore(micros, lost)),
    ]
}
