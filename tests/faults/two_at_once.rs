//! Two people who delete at the same time.

use halfbuilt::exit::Exit;

use crate::random::Random;
use crate::support::{Done, Gate, Hearing, Run, psql_meanwhile, wait_until};
use crate::world::World;

/// Starts both at once and gives back how they ended. No build goes before one of them has ended, so they do meet.
fn both(gate: Gate, first: Run, second: Run) -> [Done; 2] {
    let children = [first.start(), second.start()];
    let children = std::cell::RefCell::new(children);
    wait_until(|| children.borrow_mut().iter_mut().any(|child| child.try_wait().expect("a child").is_some()));
    gate.open();
    children.into_inner().map(|child| Done::new(child.wait_with_output().expect("it ends")))
}

#[test]
fn of_two_runs_of_one_report_one_does_it_and_the_other_is_refused() {
    for (round, seed) in [(0, 5), (1, 6), (2, 7)] {
        let (world, admin) = World::new(&mut Random::new(seed), 60);
        let gate = world.gate(0);
        let other = world.folder.path().join("other.csv");
        let second = match round {
            // The very same command; and the same with files of its own.
            0 => world.delete(&admin.nrepl()),
            1 => world.delete_into(&admin.http(), &other),
            _ => world
                .delete_into(&admin.http(), &other)
                .args(&["--journal"])
                .args(&[world.folder.path().join("other.jsonl")]),
        };
        let done = both(gate, world.delete(&admin.nrepl()), second);
        let mut codes = done.each_ref().map(|done| done.code.expect("it was not killed"));
        codes.sort_unstable();
        let said = done.map(|done| done.stderr).join("\n--\n");
        assert_eq!(codes[0], Exit::Clean as i32, "{codes:?} {said}");
        let refused = [Exit::Usage, Exit::Failed, Exit::Declined].map(|exit| exit as i32);
        assert!(refused.contains(&codes[1]), "{codes:?} {said}");
        assert!(
            said.contains("another run")
                || said.contains("another halfbuilt delete is working")
                || said.contains("exists already"),
            "{said}"
        );
        if !world.results().exists() {
            // The one that had files of its own did it.
            std::fs::rename(&other, world.results()).expect("its results");
        }
        if !world.journal().exists() {
            std::fs::rename(world.folder.path().join("other.jsonl"), world.journal()).expect("its journal");
        }
        world.all_is_done();
        assert_eq!(world.each_call_was_announced(), 0, "nothing was sent twice");
        assert_eq!(world.calls().len(), world.chosen.len());
    }
}

#[test]
fn of_two_runs_of_two_reports_of_one_database_one_waits_for_another_day() {
    let (mut world, admin) = World::new(&mut Random::new(8), 60);
    let gate = world.gate(0);
    // The second report holds the builds that the first one leaves out.
    let rest = world.folder.path().join("rest");
    std::fs::create_dir(&rest).expect("a folder");
    let scan = |file: &std::path::Path| {
        let run = crate::support::halfbuilt(&["scan", "-o"]).args(&[file]).args(&crate::support::TIMES);
        run.envs(&world.variables()).run().exits(Exit::Clean);
    };
    let report = rest.join("report.csv");
    scan(&report);
    let first = world.delete(&admin.nrepl());
    let results = rest.join("results.csv");
    let second = || {
        let run = crate::support::halfbuilt(&["delete"]).args(&[&report]).args(&crate::support::TIMES);
        let run = run.args(&["--execute", "--confirm", &world.host, "--via", &admin.http(), "--max-percent", "100"]);
        run.envs(&world.variables()).env("HALFBUILT_TOKEN", crate::support::TOKEN).args(&["-o"]).args(&[&results])
    };
    let [one, other] = both(gate, first, second());
    let codes = [one.code, other.code];
    let said = format!("{}\n--\n{}", one.stderr, other.stderr);
    match codes.map(|code| code.expect("it was not killed")) {
        [0, 6] => {
            world.all_is_done();
            assert!(other.stderr.contains("another halfbuilt delete is working"), "{said}");
            assert!(!rest.join("report.csv.journal.jsonl").exists(), "the refused run has begun nothing");
            // Now it may: what the first one deleted is gone, and the rest is deleted.
            second().run().exits(Exit::Clean).says("already-gone");
        }
        [6, 0] => assert!(one.stderr.contains("another halfbuilt delete is working"), "{said}"),
        other => panic!("{other:?}: {said}"),
    }
    let calls = world.calls();
    let urls: std::collections::BTreeSet<String> = calls.iter().map(|(_, url)| url.clone()).collect();
    assert_eq!(urls.len(), calls.len(), "a build was asked for twice");
    world.chosen = urls;
}

/// Its lock was lost, and somebody else has it: whoever continues all the same deletes beside another deletion.
#[test]
fn a_deletion_whose_lock_somebody_else_has_by_now_sends_nothing() {
    let (world, admin) = World::new(&mut Random::new(12), 60);
    let gate = world.gate(6);
    let mut child = world.delete(&admin.nrepl()).args(&["--jobs", "2"]).start();
    let hearing = Hearing::of(&mut child);
    gate.wait_for(1);
    let own = "locktype = 'advisory' AND objid = 1651076212 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let number = i64::from_be_bytes(*b"halfbilt");
    // Whoever waits for it has it as soon as it is lost.
    let other = format!("SET application_name = 'another'; SELECT pg_advisory_lock({number}); SELECT pg_sleep(600)");
    let mut other = psql_meanwhile(&world.database().name, &other);
    wait_until(|| world.run(&format!("SELECT count(*) FROM pg_locks WHERE NOT granted AND {own}")) == "1");
    world.run(&format!("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE granted AND {own}"));
    wait_until(|| world.run(&format!("SELECT count(*) FROM pg_locks WHERE granted AND {own}")) == "1");
    gate.open();
    hearing.wait_for("another connection still holds the deletion lock on this database");
    let calls = world.calls().len();
    hearing.wait_for("the database is away, trying again in 2s: the deletion lock is no longer held");
    assert_eq!(world.calls().len(), calls, "{}", hearing.so_far());
    world.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'another'");
    other.wait().expect("it ends");
    hearing.done(child).exits(Exit::Clean);
    world.all_is_done();
    world.each_call_was_announced();
}
