//! Admin servers that lie, fall silent, or talk garbage, much and without end. Whatever they say, the database has the last word,
//! and the program takes no more memory for it.

use std::time::Duration;

use halfbuilt::exit::Exit;

use crate::liar::{Liar, Lie};
use crate::random::Random;
use crate::support::{Admin, Done, Report};
use crate::world::{World, at_once, peak_memory};

/// The most memory that a run may take at any time, in KiB.
const MOST_MEMORY: u64 = 64 << 10;

fn world(seed: u64) -> (World, Admin) {
    World::new(&mut Random::new(seed), 20)
}

/// Deletes through a liar; gives back how the run ended and how much memory it took.
fn lied_to(world: &World, admin: &Admin, over_http: bool, lie: Lie) -> (Done, u64, u64) {
    let liar = Liar::start(if over_http { admin.http_port() } else { admin.nrepl_port() }, lie);
    let via = match over_http {
        true => format!("http://127.0.0.1:{}/admin/delete-build", liar.port),
        false => format!("nrepl://127.0.0.1:{}", liar.port),
    };
    let mut child = world.delete(&via).args(&["--timeout", "10s", "--jobs", "4"]).start();
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        peak = peak_memory(child.id()).unwrap_or_default().max(peak);
        std::thread::sleep(Duration::from_millis(1));
    }
    (Done::new(child.wait_with_output().expect("it ends")), peak, liar.said())
}

fn lie(first: &[u8], then: &[u8]) -> Lie {
    Lie { first: first.to_vec(), then: then.to_vec() }
}

/// Garbage, and answers that are huge or never end, for nREPL and for HTTP.
fn endless_lies() -> Vec<(&'static str, bool, Lie)> {
    let kilobytes = vec![b'x'; 64 << 10];
    let garbage: Vec<u8> = (0..4096_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let printed = format!("d2:id1:23:out{}:{}e", kilobytes.len(), "y".repeat(kilobytes.len()));
    let nested = "l".repeat(1 << 20);
    let chunk = format!("{:x}\r\n{}\r\n", kilobytes.len(), "z".repeat(kilobytes.len()));
    let many: String = (0..1000).map(|number| format!("X-{number}: {}\r\n", "h".repeat(100))).collect();
    vec![
        ("garbage", false, lie(&garbage, &[])),
        ("garbage without end", false, lie(&[], &garbage)),
        ("one text without end", false, lie(b"d5:value999999999:", &kilobytes)),
        ("a length without end", false, lie(b"d5:value9", b"9999999999999999")),
        ("messages without end", false, lie(&[], printed.as_bytes())),
        ("lists in lists", false, lie(nested.as_bytes(), &[])),
        ("garbage", true, lie(&garbage, &[])),
        ("garbage without end", true, lie(&[], &garbage)),
        ("a body without end", true, lie(b"HTTP/1.1 500 Oops\r\n\r\n", &kilobytes)),
        ("chunks without end", true, lie(b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n", chunk.as_bytes())),
        ("a header without end", true, lie(b"HTTP/1.1 500 Oops\r\nX-Long: ", &kilobytes)),
        ("headers without end", true, lie(b"HTTP/1.1 500 Oops\r\n", many.as_bytes())),
        ("interim answers without end", true, lie(&[], b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")),
    ]
}

#[test]
fn no_answer_however_long_takes_memory_and_none_is_believed() {
    at_once(endless_lies(), |number, (name, over_http, lie)| {
        let (world, admin) = world(500 + number);
        let (done, peak, said) = lied_to(&world, &admin, over_http, lie);
        let name = format!("{number}: {name}, http {over_http}: {said} bytes said, {peak} KiB taken: {}", done.stderr);
        assert!(peak > 1000 && peak < MOST_MEMORY, "{name}");
        assert_eq!(done.code, Some(Exit::NotAllDeleted as i32), "{name}");
        let results = Report::read(&world.results());
        assert_eq!(results.count("state", "deleted"), 0, "{name}");
        assert!(results.count("state", "not-attempted") > 0, "the canary stops it: {name}");
        assert_eq!(world.left(), world.chosen.len(), "{name}");
        assert!(done.stderr.len() < 20_000, "{name}");
        assert_eq!(world.calls(), [], "{name}");
        world.each_call_was_announced();
        world.nothing_else_is_gone();
        if std::env::var_os("HALFBUILT_TEST_KILLS").is_some() {
            let text = name.lines().next().unwrap_or_default();
            std::io::Write::write_all(&mut std::io::stderr(), format!("{text}\n").as_bytes()).expect("stderr");
        }
    });
}

#[test]
fn a_server_that_deletes_and_never_answers() {
    at_once(vec![false, true], |number, over_http| {
        let (world, admin) = world(520 + number);
        let via = if over_http { admin.http() } else { admin.nrepl() };
        admin.behaves(world.database(), "swallow");
        let done = world.delete(&via).args(&["--timeout", "5s", "--jobs", "4"]).run();
        // Each is looked up and gone; after three times in a row no more are sent.
        let done = done.exits(Exit::NotAllDeleted).says("3 times in a row no answer came");
        let results = Report::read(&world.results());
        let deleted = results.count("state", "deleted");
        assert!(deleted >= 3, "{}", done.stderr);
        assert_eq!(deleted, world.chosen.len() - world.left());
        assert_eq!(deleted, world.calls().len());
        world.nothing_else_is_gone();
        admin.behaves(world.database(), "normal");
        world.delete(&via).run().exits(Exit::Clean);
        world.all_is_done();
        assert_eq!(world.each_call_was_announced(), 0, "nothing was sent twice");
    });
}

#[test]
fn a_server_that_says_done_and_did_nothing() {
    at_once(vec![false, true], |number, over_http| {
        let (world, admin) = world(540 + number);
        let via = if over_http { admin.http() } else { admin.nrepl() };
        admin.behaves(world.database(), "pretend");
        world.delete(&via).run().exits(Exit::NotAllDeleted).says("the first build ended as failed");
        assert_eq!((world.left(), world.calls().len()), (world.chosen.len(), 1));
        // The same command asks again, for the build has been looked up, and stops at it once more.
        world.delete(&via).run().exits(Exit::NotAllDeleted);
        assert_eq!(world.each_call_was_announced(), 1);
        admin.behaves(world.database(), "normal");
        world.delete(&via).run().exits(Exit::Clean);
        world.all_is_done();
        world.each_call_was_announced();
    });
}

#[test]
fn a_server_that_turns_bad_in_the_middle() {
    at_once(vec!["pretend", "swallow", "throw"], |number, how| {
        let (world, admin) = World::new(&mut Random::new(560 + number), 100);
        let all = world.chosen.len();
        let gate = world.gate(12);
        let child = world.delete(&admin.nrepl()).args(&["--timeout", "15s", "--jobs", "4"]).start();
        // Those that are on their way are not meant.
        gate.wait_for(1);
        admin.behaves(world.database(), how);
        gate.open();
        let done = Done::new(child.wait_with_output().expect("it ends")).exits(Exit::NotAllDeleted);
        let results = Report::read(&world.results());
        assert_eq!(results.rows.len(), all);
        assert_eq!(results.count("state", "deleted"), all - world.left(), "{how}: {}", done.stderr);
        world.each_call_was_announced();
        admin.behaves(world.database(), "normal");
        world.delete(&admin.nrepl()).run().exits(Exit::Clean);
        world.all_is_done();
        world.each_call_was_announced();
    });
}
