//! Connections that are delayed, cut, reset, throttled, late or dead, to the admin path and to the database at once.

use std::io::Write;
use std::time::{Duration, Instant};

use halfbuilt::exit::Exit;

use crate::proxy::{FAULTS, Fault, FaultProxy};
use crate::random::{Random, Told, count, seed};
use crate::support::{Done, Hearing, Run};
use crate::world::World;

/// A run that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(300);

#[derive(Debug, Default)]
struct Figures {
    worlds: u64,
    builds: u64,
    /// Connections to which something happened.
    hurt: u64,
    /// Runs that came to their end by themselves, with all builds deleted.
    by_themselves: u64,
    /// Runs that gave up, by exit code.
    gave_up: std::collections::BTreeMap<i32, u64>,
    announced_again: u64,
    asked_again: u64,
}

#[test]
fn whatever_happens_to_the_connections_nothing_is_lost_or_doubled() {
    let seed = seed();
    let _told = Told(seed);
    let mut random = Random::new(seed);
    let mut figures = Figures::default();
    for _ in 0..count(5) {
        one_world(&mut random, &mut figures);
    }
    let text = format!("network faults, seed {seed}: {figures:?}; lost 0, sent twice without a look 0\n");
    std::io::stderr().write_all(text.as_bytes()).expect("stderr");
}

fn one_world(random: &mut Random, figures: &mut Figures) {
    let number = 30 + random.below(60);
    let (world, admin) = World::new(random, number);
    let over_http = random.percent(50);
    let to_admin = if over_http { admin.http_port() } else { admin.nrepl_port() };
    let [mut of_admin, mut of_database] = [(); 2].map(|()| some_faults(random));
    match random.below(4) {
        0 => of_admin = vec![Fault::None],
        1 => of_database = vec![Fault::None],
        _ => {}
    }
    let what = format!("http {over_http}, admin {of_admin:?}, database {of_database:?}");
    let to_admin = FaultProxy::start(to_admin.parse().expect("a port"), &of_admin, random.next());
    let to_database = FaultProxy::start(world.port(), &of_database, random.next());
    let via = match over_http {
        true => format!("http://127.0.0.1:{}/admin/delete-build", to_admin.port),
        false => format!("nrepl://127.0.0.1:{}", to_admin.port),
    };
    let jobs = (1 + random.below(8)).to_string();
    let command = |timeout: &str, statement_timeout: &str| {
        let run = world.delete(&via).args(&["--jobs", &jobs, "--timeout", timeout]);
        let run = run.args(&["--statement-timeout", statement_timeout]);
        run.envs(&[("PGPORT".to_owned(), to_database.port.to_string())])
    };
    // All is well by then, and only the machine may be slow.
    let in_peace = || command("60s", "60s");
    let heals = Duration::from_millis(1000 + random.below(4000));
    let done = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(heals);
            to_admin.heal();
            to_database.heal();
        });
        in_bounded_time(command("1s", "500ms"), &what)
    });
    world.nothing_else_is_gone();
    if world.journal().exists() {
        world.each_call_was_announced();
    }
    let code = done.code.expect("it was not killed");
    match code {
        0 => figures.by_themselves += 1,
        // All that a run may say that could not do it all.
        3 | 5 => *figures.gave_up.entry(code).or_default() += 1,
        // Something hung for so long that nobody had the lock when it was over.
        6 if done.stderr.contains("another halfbuilt delete is working") => {
            *figures.gave_up.entry(code).or_default() += 1
        }
        other => panic!("{what}: exit code {other}: {}", done.stderr),
    }
    let until = Instant::now() + LONGEST;
    let mut again = in_bounded_time(in_peace(), &what);
    while again.code == Some(Exit::Declined as i32) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(100));
        again = in_bounded_time(in_peace(), &what);
    }
    again.exits(Exit::Clean);
    world.all_is_done();
    figures.announced_again += world.announced_again() as u64;
    figures.asked_again += world.each_call_was_announced() as u64;
    figures.worlds += 1;
    figures.builds += world.chosen.len() as u64;
    figures.hurt += to_admin.hurt() + to_database.hurt();
}

/// One to three kinds, and that nothing happens.
fn some_faults(random: &mut Random) -> Vec<Fault> {
    let mut faults = vec![Fault::None; random.below(3) as usize];
    (0..=random.below(3)).for_each(|_| faults.push(random.pick(&FAULTS)));
    faults
}

/// Runs it to its end, which has to come.
fn in_bounded_time(run: Run, what: &str) -> Done {
    let mut child = run.start();
    let until = Instant::now() + LONGEST;
    while child.try_wait().expect("a child").is_none() {
        if Instant::now() > until {
            child.kill().expect("it is ours");
            let output = child.wait_with_output().expect("it ends");
            panic!("{what}: it hangs: {}", String::from_utf8_lossy(&output.stderr));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Done::new(child.wait_with_output().expect("it ends"))
}

#[test]
fn a_database_that_never_answers_again_is_given_up_and_found_again_when_it_is_back() {
    let mut random = Random::new(1);
    let (world, admin) = World::new(&mut random, 60);
    let gate = world.gate(6);
    let proxy = FaultProxy::start(world.port(), &[Fault::None], 1);
    // What it reads in peace is never as slow as that.
    let child = world.delete(&admin.nrepl()).args(&["--jobs", "2", "--statement-timeout", "5s"]);
    let mut child = child.envs(&[("PGPORT".to_owned(), proxy.port.to_string())]).start();
    let hearing = Hearing::of(&mut child);
    gate.wait_for(1);
    proxy.now(Fault::Blackhole);
    gate.open();
    hearing.wait_for("the database is away, trying again");
    assert!(hearing.so_far().contains("no answer within"), "{}", hearing.so_far());
    proxy.heal();
    hearing.done(child).exits(Exit::Clean);
    world.all_is_done();
    world.each_call_was_announced();
}

/// From its first word on, wherever it falls silent: what is asked before the first build is read has a limit too.
#[test]
fn a_database_that_falls_silent_is_given_up_by_every_command() {
    let mut random = Random::new(7);
    let (world, _) = World::new(&mut random, 20);
    let report = world.report();
    let report = report.to_str().expect("a path");
    for round in 0..12 {
        let proxy = FaultProxy::start(world.port(), &[Fault::Blackhole], round);
        let commands: [&[&str]; 4] = [
            &["scan"],
            &["verify"],
            &["manifest"],
            &["delete", report, "--via", "nrepl://127.0.0.1:9", "--max-percent", "100"],
        ];
        let command = commands[round as usize % 4];
        let run = crate::support::halfbuilt(command).args(&["--backup-time", crate::support::BACKUP_TIME]);
        let run = run.args(&["--statement-timeout", "1s"]).envs(&world.variables());
        let run = run.env("PGPORT", &proxy.port.to_string()).env("PGCONNECT_TIMEOUT", "3");
        let done = in_bounded_time(run, &format!("{command:?}, round {round}"));
        match done.code {
            // It fell silent when all had been said.
            Some(0 | 1) => {}
            Some(3) => assert!(
                ["no answer within", "cannot connect"].iter().any(|said| done.stderr.contains(said)),
                "{command:?}: {}",
                done.stderr
            ),
            other => panic!("{command:?}: {other:?}: {}", done.stderr),
        }
    }
}
