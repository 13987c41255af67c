//! Random small worlds in which everything odd happens often enough to collide with everything else.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::Case;
use super::meaning::{RULES, Told};
use super::moment::{HOUR, MICROSECOND, MINUTE, Moment, R, SECOND, T};
use super::world::{Build, Chunk, KeyType, Step, Tells, Url, World};

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

/// Projects with upper and lower case, other scripts, no slash and too many. Only the first three can stand in an address.
const PROJECTS: [&str; 12] = [
    "acme/api",
    "acme/Web",
    "Acme/web-2",
    "acme",
    "",
    "ä/ö",
    "zz/😀",
    "\u{ffff}/x",
    "a/b/c",
    "=acme/x",
    "two\nlines/x",
    "acme/api ",
];

/// A time by itself, or so much after another one.
#[derive(Clone, Copy, Debug)]
enum When {
    At(Option<Moment>),
    After(i64),
}

impl When {
    fn from(self, start: Option<Moment>) -> Option<Moment> {
        match self {
            Self::At(time) => time,
            Self::After(micros) => start.map(|start| start.plus(micros)),
        }
    }
}

/// A number that no other build has, or this one.
#[derive(Clone, Copy, Debug)]
enum Number {
    Own,
    Just(Option<i64>),
}

/// What an address names, told by the build that has it.
#[derive(Clone, Debug)]
enum Address {
    Own(&'static str),
    OtherNumber,
    OtherProject,
    Missing,
    SameAs(Index),
    Odd(&'static str),
}

/// One step and its output.
#[derive(Clone, Debug)]
struct Part {
    /// There is a row of it.
    is_there: bool,
    key: PartKey,
    name: Option<&'static str>,
    started: When,
    stopped: When,
    has_output: Option<bool>,
    size: Size,
    closed: Option<bool>,
    pieces: Vec<i64>,
    faults: Vec<Fault>,
}

#[derive(Clone, Debug)]
enum PartKey {
    Own,
    First,
    Missing,
}

/// What the CI says that it recorded.
#[derive(Clone, Debug)]
enum Size {
    Missing,
    /// So much more than the end of what is stored.
    Stored(i64),
    /// The sizes of the pieces added up.
    Sum,
    Just(i64),
}

/// What may have happened to stored pieces. A number chooses one of them.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Doubled(usize),
    Lost(usize),
    /// A hole, and another piece twice: of equal sizes, their sum is as it should be.
    LostAndDoubled(usize, usize),
    /// The same, but what is twice belongs to another step of the build.
    LostAndDoubledElsewhere(usize, usize),
    LostAndDoubledWithoutStep(usize, usize),
    Moved(usize, i64),
    AllMoved(i64),
    Longer(usize, i64),
    Empty(usize),
    Backwards(usize),
    /// An empty piece behind the end.
    Behind(i64),
    /// A piece behind the end, and the same backwards: whatever is summed up, they cancel out.
    ThereAndBack(i64),
    /// Two holes' worth taken away by a piece that ends before it begins.
    LostAndMadeUpBackwards(usize, usize),
}

/// A build and all that belongs to it.
#[derive(Clone, Debug)]
struct Whole {
    is_there: Presence,
    /// Has the project and the number of another build, whatever they are.
    twin: Option<Index>,
    project: Option<&'static str>,
    number: Number,
    address: Address,
    lifecycle: Option<&'static str>,
    status: Option<&'static str>,
    base: Option<Moment>,
    times: [When; 3],
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    There,
    /// Its row is lost, and what is left of it.
    Lost {
        steps: bool,
        chunks: bool,
    },
    /// Its steps and pieces do not say whose they are.
    Keyless,
}

/// A world, and how it is scanned.
pub fn case() -> impl Strategy<Value = Case> {
    let told = prop_oneof![3 => Just(Told::Both), 2 => Just(Told::Backup), 1 => Just(Told::Nothing)];
    let rules = prop_oneof![3 => Just(vec![]), 2 => subsequence(&RULES, 1..=3)];
    let projects = prop_oneof![5 => Just(None), 1 => select(&["acme/*", "*", "acme/api", "nobody/*"]).prop_map(Some)];
    let tells = prop_oneof![
        8 => Just(Tells::ALL),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(steps, chunks)| Tells { steps, chunks }),
    ];
    (world(), (told, tells), rules, projects, any::<bool>(), any::<bool>()).prop_map(
        |(world, (told, tells), rules, projects, json, witness)| Case {
            world,
            told,
            tells,
            rules,
            projects,
            json,
            witness,
        },
    )
}

fn world() -> impl Strategy<Value = World> {
    let key_type = || select(&[KeyType::Bigint, KeyType::Uuid, KeyType::Text, KeyType::Numeric]);
    let wholes = prop_oneof![1 => vec(whole(), 0..=1), 8 => vec(whole(), 1..=4), 3 => vec(whole(), 5..=12)];
    // What is lost in one place may be twice in another, so that any sum is as it should be.
    let made_up = prop_oneof![2 => Just(vec![]), 1 => vec((any::<Index>(), any::<Index>()), 1..=2)];
    (key_type(), key_type(), wholes, made_up, 0..100_usize).prop_map(
        |(build_keys, step_keys, wholes, made_up, order)| {
            let mut world = World { build_keys, step_keys, builds: vec![], steps: vec![], chunks: vec![] };
            for (place, whole) in wholes.iter().enumerate() {
                add(&mut world, place, whole);
            }
            for (lost, doubled) in made_up {
                make_up(&mut world.chunks, lost, doubled);
            }
            // 0 leaves them as they are.
            let mut numbered: Vec<(usize, Chunk)> = world.chunks.drain(..).enumerate().collect();
            numbered.sort_by_key(|(place, _)| if order == 0 { *place } else { (place + 1) * order % 101 });
            world.chunks = numbered.into_iter().map(|(_, chunk)| chunk).collect();
            world
        },
    )
}

fn moment() -> impl Strategy<Value = Moment> {
    let around = |time: Moment| vec![time.plus(-MICROSECOND), time, time.plus(MICROSECOND)];
    let by_backup = [-30 * HOUR, -9 * HOUR, -6 * HOUR, -3 * HOUR, -HOUR, -MINUTE, -SECOND].map(|micros| T.plus(micros));
    let later = [T.plus(HOUR), T.plus(2 * HOUR), R.plus(HOUR), R.plus(2 * HOUR)];
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
    ];
    prop_oneof![
        6 => select(by_backup.to_vec()),
        4 => select(around(T)),
        2 => select(around(T.plus(-5 * HOUR))),
        2 => select(around(R)),
        2 => select(later.to_vec()),
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
    const STOPPED: &[i64] = &[MINUTE, HOUR, 0, 6 * HOUR];
    const LIFECYCLES: [&str; 7] = ["finished", "running", "queued", "not_running", "not_run", "Running", ""];
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
        2 => ([or_wild(queued()), or_wild(started()), or_wild(stopped())], any()),
    ]
}

/// When a step started, counted from its build, and stopped.
fn work() -> impl Strategy<Value = (When, When)> {
    let started = || after(&[0, SECOND, MINUTE]);
    let stopped = || after(&[SECOND, MINUTE, 10 * MINUTE]);
    prop_oneof![
        8 => (started(), stopped()),
        2 => (started(), Just(NEVER)),
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
        1 => select(&[0, 1, 4, -1]).prop_map(Size::Just),
    ];
    let has_output = prop_oneof![5 => Just(Some(true)), 2 => Just(Some(false)), 1 => Just(None)];
    let closed = prop_oneof![4 => Just(None), 4 => Just(Some(true)), 2 => Just(Some(false))];
    // Few lengths, so that doubled and lost pieces are often of one size.
    let length = || select(&[2, 2, 2, 1, 5]);
    let pieces = prop_oneof![2 => vec(length(), 0..=1), 6 => vec(length(), 2..=6)];
    let faults = prop_oneof![2 => Just(vec![]), 1 => vec(fault(), 1..=2)];
    let names = (weighted(0.93, Just(())).prop_map(|there| there.is_some()), key, weighted(0.8, select(&ODD_TEXTS)));
    (names, work(), (has_output, size, closed), pieces, faults).prop_map(
        |((is_there, key, name), (started, stopped), (has_output, size, closed), pieces, faults)| Part {
            is_there,
            key,
            name,
            started,
            stopped,
            has_output,
            size,
            closed,
            pieces,
            faults,
        },
    )
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
        1 => one.prop_map(Fault::Backwards),
        1 => select(&[0_i64, 2, 4]).prop_map(Fault::Behind),
        1 => select(&[0_i64, 2, 4]).prop_map(Fault::ThereAndBack),
        1 => two.prop_map(|(lost, back)| Fault::LostAndMadeUpBackwards(lost, back)),
    ]
}

fn add(world: &mut World, place: usize, whole: &Whole) {
    let key = (whole.is_there != Presence::Keyless).then_some(place);
    let started = whole.times[1].from(whole.base);
    if whole.is_there == Presence::There {
        let number = match whole.number {
            Number::Own => Some(100 + place as i64),
            Number::Just(number) => number,
        };
        let twin = whole.twin.filter(|_| !world.builds.is_empty());
        let (project, number) = match twin.map(|twin| &world.builds[twin.index(world.builds.len())]) {
            Some(twin) => (twin.project.clone(), twin.number),
            None => (whole.project.map(str::to_owned), number),
        };
        world.builds.push(Build {
            key: place,
            url: address(world, &whole.address, project.as_deref(), number),
            project,
            number,
            lifecycle: whole.lifecycle.map(str::to_owned),
            status: whole.status.map(str::to_owned),
            queued: whole.times[0].from(whole.base),
            started,
            stopped: whole.times[2].from(whole.base),
        });
    }
    let (steps_left, chunks_left) = match whole.is_there {
        Presence::Lost { steps, chunks } => (steps, chunks),
        Presence::There | Presence::Keyless => (true, true),
    };
    for (number, part) in whole.parts.iter().enumerate() {
        let step_key = match part.key {
            PartKey::Own => Some(number),
            PartKey::First => Some(0),
            PartKey::Missing => None,
        };
        let chunks = chunks(part, key, step_key, number, whole.parts.len());
        if part.is_there && steps_left {
            let of_step = || chunks.iter().filter(|chunk| chunk.step == step_key);
            let stored = of_step().map(|chunk| chunk.next).max().unwrap_or(0);
            let part_started = part.started.from(whole.base);
            world.steps.push(Step {
                build: key,
                key: step_key,
                name: part.name.map(str::to_owned),
                started: part_started,
                stopped: part.stopped.from(part_started),
                has_output: part.has_output,
                output_size: match part.size {
                    Size::Missing => None,
                    Size::Stored(more) => Some(stored + more),
                    Size::Sum => Some(of_step().map(|chunk| chunk.next - chunk.first).sum()),
                    Size::Just(size) => Some(size),
                },
                output_closed: part.closed,
            });
        }
        world.chunks.extend(chunks.into_iter().filter(|_| chunks_left));
    }
}

fn address(world: &World, address: &Address, project: Option<&str>, number: Option<i64>) -> Option<Url> {
    // Whether a project can stand in an address is known of the first ones and of no other.
    let plain = project.filter(|project| PROJECTS[..3].contains(project));
    let named = project.is_some_and(|project| project.contains('/'));
    let project = match (plain, named, project) {
        (Some(plain), ..) => plain.to_owned(),
        // A project that is not named org/project: any will do.
        (None, false, None) => "acme/api".to_owned(),
        (None, ..) => return Some(Url::Other(format!("https://ci.acme.example/gh/{}/7", project.unwrap_or_default()))),
    };
    let of = |vcs, project, number: i64| {
        // Only numbers from 1 on are numbers of a build.
        let url = Url::Of { vcs, project, number };
        if number > 0 { url } else { Url::Other(url.to_string()) }
    };
    let number = number.unwrap_or(7);
    match address {
        Address::Own(vcs) => Some(of(vcs, project, number)),
        Address::OtherNumber => Some(of("gh", project, number.saturating_sub(1))),
        Address::OtherProject => Some(of("gh", "other/project".to_owned(), number)),
        Address::Missing => None,
        Address::SameAs(_) if world.builds.is_empty() => None,
        Address::SameAs(index) => world.builds[index.index(world.builds.len())].url.clone(),
        Address::Odd(text) => Some(Url::Other((*text).to_owned())),
    }
}

/// A piece is lost, and another one of its size is there twice, wherever that is.
fn make_up(chunks: &mut Vec<Chunk>, lost: Index, doubled: Index) {
    if chunks.is_empty() {
        return;
    }
    let lost = chunks.remove(lost.index(chunks.len()));
    let fits = |chunk: &&Chunk| chunk.next - chunk.first == lost.next - lost.first;
    let fitting: Vec<Chunk> = chunks.iter().filter(fits).cloned().collect();
    if !fitting.is_empty() {
        chunks.push(fitting[doubled.index(fitting.len())].clone());
    }
}

/// The stored pieces of a step, after what happened to them.
fn chunks(part: &Part, build: Option<usize>, step: Option<usize>, number: usize, parts: usize) -> Vec<Chunk> {
    let mut end = 0;
    let mut chunks = Vec::new();
    for length in &part.pieces {
        chunks.push(Chunk { build, step, first: end, next: end + length });
        end += length;
    }
    for fault in &part.faults {
        if !chunks.is_empty() {
            happens(&mut chunks, *fault, (number + 1) % parts);
        }
    }
    chunks
}

fn happens(chunks: &mut Vec<Chunk>, fault: Fault, elsewhere: usize) {
    let count = chunks.len();
    let lost_and = |chunks: &mut Vec<Chunk>, lost: usize, other: usize| {
        // The first of its size after the one that was asked for, so that the sum is as it was.
        let length = |chunk: &Chunk| chunk.next - chunk.first;
        let (lost, other) = (lost % count, other % count);
        let size = length(&chunks[lost]);
        let place =
            (0..count).map(|step| (other + step) % count).find(|at| *at != lost && length(&chunks[*at]) == size);
        let doubled = place.map(|place| chunks[place].clone());
        chunks.remove(lost);
        doubled
    };
    match fault {
        Fault::Doubled(at) => chunks.push(chunks[at % count].clone()),
        Fault::Lost(at) => drop(chunks.remove(at % count)),
        Fault::LostAndDoubled(lost, other) => {
            let doubled = lost_and(chunks, lost, other);
            chunks.extend(doubled);
        }
        Fault::LostAndDoubledElsewhere(lost, other) => {
            let doubled = lost_and(chunks, lost, other);
            chunks.extend(doubled.map(|chunk| Chunk { step: Some(elsewhere), ..chunk }));
        }
        Fault::LostAndDoubledWithoutStep(lost, other) => {
            let doubled = lost_and(chunks, lost, other);
            chunks.extend(doubled.map(|chunk| Chunk { step: None, ..chunk }));
        }
        Fault::Moved(at, by) => {
            chunks[at % count].first += by;
            chunks[at % count].next += by;
        }
        Fault::AllMoved(by) => {
            for chunk in chunks {
                chunk.first += by;
                chunk.next += by;
            }
        }
        Fault::Longer(at, by) => chunks[at % count].next += by,
        Fault::Empty(at) => chunks[at % count].next = chunks[at % count].first,
        Fault::Backwards(at) => {
            let chunk = &mut chunks[at % count];
            (chunk.first, chunk.next) = (chunk.next, chunk.first);
        }
        Fault::Behind(by) => {
            let last = chunks[count - 1].clone();
            chunks.push(Chunk { first: last.next + by, next: last.next + by, ..last });
        }
        Fault::ThereAndBack(by) => {
            let last = chunks[count - 1].clone();
            let (first, next) = (last.next + by, last.next + by + 2);
            chunks.push(Chunk { first, next, ..last.clone() });
            chunks.push(Chunk { first: next, next: first, ..last });
        }
        Fault::LostAndMadeUpBackwards(lost, back) => {
            chunks.remove(lost % count);
            if let Some(chunk) = chunks.get(back % count).cloned() {
                chunks.push(Chunk { first: chunk.next, next: chunk.first, ..chunk.clone() });
                chunks.push(chunk);
            }
        }
    }
}
