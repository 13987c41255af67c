//! A journal that cannot be written any more in the middle of a run.

use halfbuilt::exit::Exit;

use crate::random::Random;
use crate::support::{Done, Report};
use crate::world::{World, at_once};

/// What the results claim is so, and what was asked for was announced, even where the journal could not record how it ended.
fn what_was_done_is_on_record(world: &World, done: &Done) {
    let results = Report::read(&world.results());
    assert_eq!(results.rows.len(), world.chosen.len(), "{}", done.stderr);
    let deleted = results.count("state", "deleted");
    assert_eq!(deleted, world.chosen.len() - world.left(), "{:?} {}", results.column("state"), done.stderr);
    assert!(deleted > 0 && results.count("state", "not-attempted") > 0, "it was not in the middle");
    world.nothing_else_is_gone();
}

#[test]
fn a_disk_that_is_full_stops_the_run_before_the_next_deletion() {
    at_once((0..4).collect(), |number, more: u64| {
        let (world, admin) = World::new(&mut Random::new(300 + number), 100);
        world.slow(0.005);
        let run = || world.delete(&admin.nrepl()).args(&["--jobs", "4"]);
        // In KiB. Without the trap a signal would kill it instead.
        let limit = 20 + 3 * more;
        let done = run().under(&format!("trap '' XFSZ; ulimit -f {limit}")).run();
        let done = done.exits(Exit::Failed).says("File too large").says("to continue: ");
        what_was_done_is_on_record(&world, &done);
        // The intents that stand in the journal, and no other, were sent.
        assert!(world.lines().iter().filter(|line| line.event == "intent").count() >= world.calls().len());
        run().run().exits(Exit::Clean);
        world.all_is_done();
        assert_eq!(world.each_call_was_announced(), 0, "nothing was sent twice");
    });
}

#[test]
fn results_that_cannot_be_written_stop_the_run_and_the_journal_has_all() {
    let (world, admin) = World::new(&mut Random::new(36), 60);
    // Its standard output takes nothing.
    let run = world.delete_into(&admin.nrepl(), "-".as_ref()).under("exec >/dev/full");
    let done = run.run().exits(Exit::Failed).says("No space left");
    world.nothing_else_is_gone();
    let gone = world.chosen.len() - world.left();
    assert!(gone <= 1, "{gone} builds were deleted though no result could be written: {}", done.stderr);
    world.delete(&admin.nrepl()).run().exits(Exit::Clean);
    world.all_is_done();
    world.each_call_was_announced();
}

#[test]
fn a_journal_that_is_removed_stops_the_run_before_the_next_deletion() {
    let (world, admin) = World::new(&mut Random::new(37), 100);
    let gate = world.gate(12);
    let all = world.chosen.len();
    let child = world.delete(&admin.nrepl()).args(&["--jobs", "4"]).start();
    gate.wait_for(1);
    std::fs::remove_file(world.journal()).expect("it is there");
    let before = world.calls().len();
    gate.open();
    let done = Done::new(child.wait_with_output().expect("it ends")).exits(Exit::Failed);
    let done = done.says("the file was removed while it was written");
    // Those that were on their way, and no batch more.
    assert!(world.calls().len() <= before + 2 * 4, "{} and then {}", before, world.calls().len());
    what_was_done_is_on_record(&world, &done);
    // Without the journal the results are all there is, and they are not written over.
    world.delete(&admin.nrepl()).run().exits(Exit::Usage).says("results are never overwritten");
    let after = world.folder.path().join("after.csv");
    world.delete_into(&admin.nrepl(), &after).run().exits(Exit::Clean);
    assert_eq!(world.left(), 0);
    world.nothing_else_is_gone();
    assert_eq!(world.calls().len(), all, "nothing was sent twice");
    let results = Report::read(&after);
    assert_eq!(results.count("state", "deleted") + results.count("state", "already-gone"), all);
}
