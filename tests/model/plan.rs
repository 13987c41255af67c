//! What is to be in a world, before it has keys and rows: what the generator draws, and what can be made smaller.

use proptest::sample::Index;

use super::moment::{Moment, SECOND};
use super::world::{Build, Chunk, KeyType, Step, Url, World};

/// Projects with upper and lower case, other scripts, no slash and too many. Only the first three can stand in an address.
pub const PROJECTS: [&str; 12] = [
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

/// A whole world.
#[derive(Clone, Debug)]
pub struct Plan {
    pub build_keys: KeyType,
    pub step_keys: KeyType,
    pub wholes: Vec<Whole>,
    /// A piece that is lost, and one of its size that is there twice, wherever that is.
    pub made_up: Vec<(Index, Index)>,
    /// How the pieces lie in their table; 0 leaves them as they are.
    pub order: usize,
    pub habit: Option<Habit>,
    pub endless: Option<Endless>,
}

/// Something that a CI does with all, or many, steps: it does not record how they end.
#[derive(Clone, Debug)]
pub struct Endless {
    /// What the steps are called that have it, if they are all of one name.
    pub name: Option<Option<&'static str>>,
    pub stops: bool,
    pub closes: bool,
    /// Which builds do not have it.
    pub but: Vec<usize>,
}

/// Something that a CI does with all, or many, builds of one status word: it leaves them in one cell.
#[derive(Clone, Debug)]
pub struct Habit {
    pub status: &'static str,
    pub lifecycle: &'static str,
    pub starts: bool,
    pub stops: bool,
    /// Which builds do not have it.
    pub but: Vec<usize>,
}

/// A time by itself, or so much after another one.
#[derive(Clone, Copy, Debug)]
pub enum When {
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
pub enum Number {
    Own,
    Just(Option<i64>),
}

/// What an address names, taken from the build that has it.
#[derive(Clone, Debug)]
pub enum Address {
    Own(&'static str),
    OtherNumber,
    OtherProject,
    Missing,
    SameAs(Index),
    Odd(&'static str),
}

/// One step and its output.
#[derive(Clone, Debug)]
pub struct Part {
    /// There is a row of it.
    pub is_there: bool,
    pub key: PartKey,
    pub name: Option<&'static str>,
    pub started: When,
    pub stopped: When,
    pub has_output: Option<bool>,
    pub size: Size,
    pub closed: Option<bool>,
    pub pieces: Vec<i64>,
    /// When its first piece was stored, counted from its build; the others follow it second by second.
    pub stored: When,
    pub faults: Vec<Fault>,
    /// A piece whose place is changed in the end.
    pub misplaced: Option<(usize, Misplaced)>,
}

/// What a damaged row says of the place of a piece.
#[derive(Clone, Copy, Debug)]
pub enum Misplaced {
    NoBegin,
    NoEnd,
    Nowhere,
    /// It begins there, and is as long as it was, as far as that fits.
    BeginsAt(i64),
    /// It begins where it did, and ends there.
    EndsAt(i64),
}

#[derive(Clone, Debug)]
pub enum PartKey {
    Own,
    First,
    Missing,
}

/// What the CI says that it recorded.
#[derive(Clone, Debug)]
pub enum Size {
    Missing,
    /// So much more than the end of what is stored.
    Stored(i64),
    /// The sizes of the pieces added up.
    Sum,
    Just(i64),
}

/// What may have happened to stored pieces. A number chooses one of them.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
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
    /// What there is is there once more, stored so many microseconds earlier; of the later ones one is lost, if any.
    RunBefore(i64, Option<usize>),
}

/// A piece before it has a row.
#[derive(Clone, PartialEq)]
struct Piece {
    step: Option<usize>,
    first: i64,
    next: i64,
    stored: Option<Moment>,
}

impl Piece {
    fn length(&self) -> i64 {
        self.next - self.first
    }
}

/// A build and all that belongs to it.
#[derive(Clone, Debug)]
pub struct Whole {
    pub is_there: Presence,
    /// Has the project and the number of another build, whatever they are.
    pub twin: Option<Index>,
    pub project: Option<&'static str>,
    pub number: Number,
    pub address: Address,
    pub lifecycle: Option<&'static str>,
    pub status: Option<&'static str>,
    pub base: Option<Moment>,
    pub times: [When; 3],
    pub parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    There,
    /// Its row is lost, and what is left of it.
    Lost {
        steps: bool,
        chunks: bool,
    },
    /// Its steps and pieces do not say whose they are.
    Keyless,
}

impl Plan {
    pub fn world(self) -> World {
        let Self { build_keys, step_keys, wholes, made_up, order, habit, endless } = self;
        let mut world = World { build_keys, step_keys, builds: vec![], steps: vec![], chunks: vec![] };
        for (place, whole) in wholes.iter().enumerate() {
            add(&mut world, place, whole);
        }
        if let Some(habit) = habit {
            habit.applies_to(&mut world.builds);
        }
        if let Some(endless) = endless {
            endless.applies_to(&mut world);
        }
        for (lost, doubled) in made_up {
            make_up(&mut world.chunks, lost, doubled);
        }
        let mut numbered: Vec<(usize, Chunk)> = world.chunks.drain(..).enumerate().collect();
        numbered.sort_by_key(|(place, _)| if order == 0 { *place } else { (place + 1) * order % 101 });
        world.chunks = numbered.into_iter().map(|(_, chunk)| chunk).collect();
        world
    }
}

impl Habit {
    fn applies_to(&self, builds: &mut [Build]) {
        for build in builds {
            build.status = Some(self.status.to_owned());
            if !self.but.contains(&build.key) {
                build.lifecycle = Some(self.lifecycle.to_owned());
                let some_time = build.started.or(build.queued).or(build.stopped);
                build.started = some_time.filter(|_| self.starts);
                build.stopped = some_time.filter(|_| self.stops);
            }
        }
    }
}

impl Endless {
    fn applies_to(&self, world: &mut World) {
        for build in world.builds.iter_mut().filter(|build| !self.but.contains(&build.key)) {
            build.lifecycle = Some("finished".to_owned());
        }
        let has_it = |step: &&mut Step| step.build.is_some_and(|key| !self.but.contains(&key));
        for step in world.steps.iter_mut().filter(has_it) {
            if let Some(name) = self.name {
                step.name = name.map(str::to_owned);
            }
            step.stopped = step.stopped.filter(|_| self.stops);
            step.output_closed = if self.closes { step.output_closed } else { Some(false) };
        }
    }
}

/// Adds a build and what belongs to it.
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
        let chunks = chunks(part, part.stored.from(whole.base), [key, step_key], number, whole.parts.len());
        if part.is_there && steps_left {
            let of_step = || chunks.iter().filter(|chunk| chunk.step == step_key);
            let stored = of_step().filter_map(|chunk| chunk.next).max().unwrap_or(0);
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
                    Size::Stored(more) => Some(stored.saturating_add(more)),
                    Size::Sum => Some(of_step().map(Chunk::length).sum::<i128>().min(i64::MAX.into()) as i64),
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
    let fits = |chunk: &&Chunk| chunk.length() == lost.length();
    let fitting: Vec<Chunk> = chunks.iter().filter(fits).cloned().collect();
    if !fitting.is_empty() {
        chunks.push(fitting[doubled.index(fitting.len())].clone());
    }
}

/// The stored pieces of a step, after what happened to them.
fn chunks(
    part: &Part,
    stored: Option<Moment>,
    [build, step]: [Option<usize>; 2],
    number: usize,
    parts: usize,
) -> Vec<Chunk> {
    let mut end = 0;
    let mut pieces = Vec::new();
    for (place, length) in part.pieces.iter().enumerate() {
        let stored = stored.map(|first| first.plus(place as i64 * SECOND));
        pieces.push(Piece { step, first: end, next: end + length, stored });
        end += length;
    }
    for fault in &part.faults {
        if !pieces.is_empty() {
            happens(&mut pieces, *fault, (number + 1) % parts);
        }
    }
    let row = |piece: Piece| {
        let Piece { step, first, next, stored } = piece;
        Chunk { build, step, first: Some(first), next: Some(next), stored }
    };
    let mut chunks: Vec<Chunk> = pieces.into_iter().map(row).collect();
    let count = chunks.len();
    if let Some((at, misplaced)) = part.misplaced.filter(|_| count > 0) {
        let chunk = &mut chunks[at % count];
        let length = chunk.length() as i64;
        (chunk.first, chunk.next) = match misplaced {
            Misplaced::NoBegin => (None, chunk.next),
            Misplaced::NoEnd => (chunk.first, None),
            Misplaced::Nowhere => (None, None),
            Misplaced::BeginsAt(place) => (Some(place), Some(place.saturating_add(length))),
            Misplaced::EndsAt(place) => (chunk.first, Some(place)),
        };
    }
    chunks
}

fn happens(chunks: &mut Vec<Piece>, fault: Fault, elsewhere: usize) {
    let count = chunks.len();
    let lost_and = |chunks: &mut Vec<Piece>, lost: usize, other: usize| {
        // The first of its size after the one that was asked for, so that the sum is as it was.
        let length = Piece::length;
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
            chunks.extend(doubled.map(|chunk| Piece { step: Some(elsewhere), ..chunk }));
        }
        Fault::LostAndDoubledWithoutStep(lost, other) => {
            let doubled = lost_and(chunks, lost, other);
            chunks.extend(doubled.map(|chunk| Piece { step: None, ..chunk }));
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
            chunks.push(Piece { first: last.next + by, next: last.next + by, ..last });
        }
        Fault::ThereAndBack(by) => {
            let last = chunks[count - 1].clone();
            let (first, next) = (last.next + by, last.next + by + 2);
            chunks.push(Piece { first, next, ..last.clone() });
            chunks.push(Piece { first: next, next: first, ..last });
        }
        Fault::LostAndMadeUpBackwards(lost, back) => {
            chunks.remove(lost % count);
            if let Some(chunk) = chunks.get(back % count).cloned() {
                chunks.push(Piece { first: chunk.next, next: chunk.first, ..chunk.clone() });
                chunks.push(chunk);
            }
        }
        Fault::RunBefore(micros, lost) => {
            let earlier =
                |piece: &Piece| Piece { stored: piece.stored.map(|time| time.plus(-micros)), ..piece.clone() };
            let before: Vec<Piece> = chunks.iter().map(earlier).collect();
            if let Some(lost) = lost {
                chunks.remove(lost % count);
            }
            chunks.extend(before);
        }
    }
}
