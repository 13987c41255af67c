//! kill -9 at a random instant, and the same command again, until it ends.

use std::io::Write;
use std::time::{Duration, Instant};

use halfbuilt::exit::Exit;

use crate::random::{Random, Told, count, seed};
use crate::support::{Done, Run};
use crate::world::{World, at_once};

/// How much a journal grows by each deletion, about, in bytes.
const GROWS: u64 = 950;

/// When a run is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So long after its start.
    After(Duration),
    /// So long after the journal has grown by so many bytes.
    Grown(u64, Duration),
}

/// What came of it.
#[derive(Debug, Default)]
struct Figures {
    runs: u64,
    kills: u64,
    worlds: u64,
    builds: u64,
    /// Deletions without a known end when the run was killed.
    open: u64,
    most_open: u64,
    /// Kills that left at least one open.
    with_open: u64,
    /// Builds that were announced again by a later run, which had looked them up and found them.
    announced_again: u64,
    /// Those of them for which the server was really asked twice.
    asked_again: u64,
    /// How often a new run had to wait until the server had noticed that the killed one is gone.
    waits: u64,
    archives: u64,
}

#[test]
fn a_run_that_is_killed_goes_on_and_loses_and_doubles_nothing() {
    let seed = seed();
    let _told = Told(seed);
    let mut random = Random::new(seed);
    let kills = count(8);
    let mut figures = Figures::default();
    while figures.kills < kills {
        one_world(&mut random, kills - figures.kills, &mut figures);
    }
    // Whatever would have been lost or doubled has failed the test by now.
    let text = format!("kill harness, seed {seed}: {figures:?}; lost 0, sent twice without a look 0\n");
    std::io::stderr().write_all(text.as_bytes()).expect("stderr");
}

fn one_world(random: &mut Random, kills: u64, figures: &mut Figures) {
    // Where the server takes long for a deletion, the next run comes while it is still at it.
    let is_slow = random.percent(15);
    let (number, asked) = (if is_slow { 20 } else { 100 + random.below(250) }, 1 + random.below(5));
    let (world, admin) = World::new(random, number);
    if is_slow {
        world.slow(0.5);
    } else if random.percent(40) {
        world.slow(0.001 * random.below(60) as f64);
    }
    let via = if random.percent(50) { admin.nrepl() } else { admin.http() };
    let (jobs, rate) =
        ((1 + random.below(8)).to_string(), random.percent(20).then(|| (80 + random.below(300)).to_string()));
    let is_archived = random.percent(40);
    let command = || -> Run {
        let run = world.delete(&via).args(&["--jobs", &jobs]);
        let run = if let Some(rate) = &rate { run.args(&["--rate", rate]) } else { run };
        if is_archived { run.args(&["--archive"]).args(&[world.archive()]) } else { run }
    };
    let chosen = world.chosen.len() as u64;
    for _ in 0..asked.min(kills) {
        figures.runs += 1;
        let moment = moment(random, chosen);
        if killed(&world, command(), moment) {
            figures.kills += 1;
            let open = world.open_intents() as u64;
            figures.open += open;
            figures.most_open = figures.most_open.max(open);
            figures.with_open += u64::from(open > 0);
        }
        // Also in between nothing else is gone.
        world.nothing_else_is_gone();
    }
    let done = to_its_end(&command, figures);
    done.exits(Exit::Clean);
    world.all_is_done();
    world.the_page_agrees();
    figures.announced_again += world.announced_again() as u64;
    figures.asked_again += world.each_call_was_announced() as u64;
    if is_archived {
        world.all_is_archived();
        figures.archives += 1;
    }
    figures.worlds += 1;
    figures.builds += chosen;
}

fn moment(random: &mut Random, chosen: u64) -> Moment {
    let moment = Duration::from_micros(random.below(20_000));
    match random.percent(20) {
        true => Moment::After(Duration::from_millis(random.below(400))),
        false => Moment::Grown(random.below(chosen * GROWS), moment),
    }
}

/// Starts a run and kills it at that moment. False where it has ended before.
fn killed(world: &World, run: Run, moment: Moment) -> bool {
    let length = || std::fs::metadata(world.journal()).map_or(0, |file| file.len());
    let (began, before) = (Instant::now(), length());
    let mut child = run.start();
    loop {
        let now = match moment {
            Moment::After(time) => began.elapsed() >= time,
            Moment::Grown(bytes, _) => length() >= before + bytes,
        };
        if now {
            break;
        }
        if child.try_wait().expect("a child").is_some() {
            break;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    if let Moment::Grown(_, time) = moment {
        std::thread::sleep(time);
    }
    child.kill().expect("it is ours");
    let output = child.wait_with_output().expect("it ends");
    std::os::unix::process::ExitStatusExt::signal(&output.status) == Some(9)
}

/// The same command, until nobody kills it any more.
fn to_its_end(command: &impl Fn() -> Run, figures: &mut Figures) -> Done {
    let until = Instant::now() + Duration::from_secs(180);
    loop {
        figures.runs += 1;
        let done = command().run();
        // The killed run's own session may still be finishing its statement, and hold the lock.
        if done.code != Some(Exit::Declined as i32) || Instant::now() > until {
            return done;
        }
        figures.waits += 1;
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_deletion_that_the_server_is_still_at_is_looked_up_and_may_then_be_asked_for_again() {
    at_once(vec![false, true], |number, over_http| {
        let (world, admin) = World::new(&mut Random::new(700 + number), 10);
        let gate = world.gate(0);
        let via = if over_http { admin.http() } else { admin.nrepl() };
        let mut child = world.delete(&via).start();
        gate.wait_for(1);
        child.kill().expect("it is ours");
        child.wait().expect("it ends");
        assert_eq!((world.open_intents(), world.left()), (1, world.chosen.len()), "the server is still at it");
        // It waits there for the first one, finds no such build, and the database shows that it is gone.
        let again = world.delete(&via).args(&["--jobs", "8"]).start();
        gate.wait_for(2);
        gate.open();
        Done::new(again.wait_with_output().expect("it ends")).exits(Exit::Clean);
        world.all_is_done();
        world.the_page_agrees();
        assert_eq!((world.each_call_was_announced(), world.announced_again()), (1, 1));
    });
}
