//! Ctrl-C and SIGTERM while eight deletions are under way.

use std::process::{Command, Stdio};

use halfbuilt::exit::Exit;

use crate::random::Random;
use crate::support::{Done, Hearing, Report, Signal, TOKEN, signal, wait_until};
use crate::world::{World, at_once};

/// Interrupts a run in the middle, once for each signal, and gives back how it ended. What is under way by then ends before the run
/// where there is one signal, and after it where there are two.
fn interrupted(world: &World, via: &str, signals: &[Signal]) -> Done {
    let gate = world.gate(7);
    let run = world.delete(via).args(&["--jobs", "8", "--timeout", "600s"]);
    let mut child = run.in_a_group_of_its_own().start();
    let hearing = Hearing::of(&mut child);
    gate.wait_for(1);
    for (name, words) in signals.iter().zip(["interrupted: ", "interrupted again: "]) {
        signal(&child, *name);
        hearing.wait_for(words);
    }
    let mut gate = Some(gate);
    if signals.len() == 1 {
        gate = None;
    }
    let done = hearing.done(child).exits(Exit::Interrupted);
    drop(gate);
    done
}

/// Types the command that the run has printed.
fn go_on(world: &World, done: &Done) -> Done {
    let command = done.stderr.lines().find_map(|line| line.strip_prefix("to continue: ")).expect("a command");
    let mut bash = Command::new("bash");
    bash.args(["-c", command]).env_clear().env("HOME", "/nonexistent").env("HALFBUILT_TOKEN", TOKEN);
    bash.envs(world.variables()).current_dir(env!("CARGO_TARGET_TMPDIR")).stdin(Stdio::null());
    Done::new(bash.output().expect("bash starts"))
}

/// Every chosen build has a row, and what it says is so. Tells how many are unknown.
fn on_record(world: &World) -> usize {
    let results = Report::read(&world.results());
    assert_eq!(results.rows.len(), world.chosen.len());
    let [deleted, unknown, not_attempted] =
        ["deleted", "unknown", "not-attempted"].map(|state| results.count("state", state));
    assert_eq!(deleted + unknown + not_attempted, world.chosen.len(), "{:?}", results.column("state"));
    // What was under way when nobody waited any more ends on the server a little later.
    wait_until(|| (deleted..=deleted + unknown).contains(&(world.chosen.len() - world.left())));
    assert!(not_attempted > 0, "it was not in the middle");
    world.nothing_else_is_gone();
    unknown
}

#[test]
fn once_lets_what_is_under_way_end_and_the_printed_command_goes_on() {
    at_once(vec![Signal::SIGINT, Signal::SIGTERM], |number, name| {
        let (world, admin) = World::new(&mut Random::new(200 + number), 100);
        let via = if number == 0 { admin.nrepl() } else { admin.http() };
        let done = interrupted(&world, &via, &[name]);
        assert_eq!(on_record(&world), 0, "{name}");
        assert_eq!(world.open_intents(), 0);
        go_on(&world, &done).exits(Exit::Clean);
        world.all_is_done();
        assert_eq!(world.each_call_was_announced(), 0, "nothing was sent twice");
    });
}

#[test]
fn twice_waits_for_nothing_and_the_printed_command_goes_on() {
    at_once(vec![[Signal::SIGINT, Signal::SIGINT], [Signal::SIGINT, Signal::SIGTERM]], |number, names| {
        let (world, admin) = World::new(&mut Random::new(220 + number), 100);
        let via = if number == 0 { admin.nrepl() } else { admin.http() };
        let done = interrupted(&world, &via, &names);
        assert!(on_record(&world) > 0, "{names:?}");
        assert!(done.stderr.contains("what was deleted was not read again at the end"), "{}", done.stderr);
        let journal = |end: bool| {
            std::fs::read_to_string(world.journal()).expect("a journal").contains(&format!("\"read_again\":{end}"))
        };
        assert!(journal(false) && !journal(true), "{names:?}");
        go_on(&world, &done).exits(Exit::Clean);
        assert!(journal(true), "{names:?}");
        world.all_is_done();
        world.each_call_was_announced();
    });
}
