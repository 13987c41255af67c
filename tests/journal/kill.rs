//! A run that is killed at any instant leaves a journal that opens and holds all that was acknowledged.

use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use halfbuilt::deletion::journal::read_or_new;

use crate::child::{reported, spawn};
use crate::samples::{add, place, start, url};

/// How often; HALFBUILT_TEST_KILLS says otherwise.
const KILLS: u64 = 40;

#[test]
fn whatever_was_acknowledged_is_there_after_a_kill() {
    let (_folder, file) = place();
    let mut acknowledged = 0;
    let kills = std::env::var("HALFBUILT_TEST_KILLS").map_or(KILLS, |kills| kills.parse().expect("a number"));
    for round in 1..=kills {
        let mut child = spawn("writes", &file, "");
        let random = RandomState::new().hash_one(round);
        let mut child_says = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut stdout = String::new();
        // One in four may be killed as it starts; the others when they have written something, which a busy machine does later.
        let pause = if round % 4 == 0 { random % 120_000 } else { random % 3_000 };
        let first = if round % 4 == 0 { 0 } else { 1 + random % 100 };
        while (reported(&stdout, "acknowledged").count() as u64) < first {
            assert_ne!(child_says.read_line(&mut stdout).expect("UTF-8"), 0, "the child ended: {stdout}");
        }
        std::thread::sleep(Duration::from_micros(pause));
        child.kill().expect("a kill");
        child.wait().expect("an end");
        child_says.read_to_string(&mut stdout).expect("UTF-8");
        let past = read_or_new(&file).unwrap_or_else(|error| panic!("kill {round} after {pause} µs: {error}"));
        for number in reported(&stdout, "acknowledged") {
            let number: u64 = number.parse().expect("a number");
            assert!(past.builds.contains_key(&url(number)), "kill {round} after {pause} µs lost build {number}");
            acknowledged += 1;
        }
        assert!(past.sessions.len() as u64 <= round && past.sessions.iter().all(|session| session.end.is_none()));
    }
    assert!(acknowledged > kills, "only {acknowledged} appends came through");
    add(&file, vec![start()]);
    assert!(read_or_new(&file).expect("a journal").cut.is_none());
}
