//! A run that is killed at any instant leaves a journal that opens and holds all that was acknowledged.

use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::time::Duration;

use halfbuilt::deletion::journal::look;

use crate::child::{spawn, told};
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
        let pause = RandomState::new().hash_one(round) % 120_000;
        std::thread::sleep(Duration::from_micros(pause));
        child.kill().expect("a kill");
        child.wait().expect("an end");
        let mut stdout = String::new();
        child.stdout.take().expect("a pipe").read_to_string(&mut stdout).expect("UTF-8");
        let past = look(&file).unwrap_or_else(|error| panic!("kill {round} after {pause} µs: {error}"));
        for number in told(&stdout, "acknowledged") {
            let number: u64 = number.parse().expect("a number");
            assert!(past.builds.contains_key(&url(number)), "kill {round} after {pause} µs lost build {number}");
            acknowledged += 1;
        }
        assert!(past.sessions.len() as u64 <= round && past.sessions.iter().all(|session| session.end.is_none()));
    }
    assert!(acknowledged > kills, "only {acknowledged} appends came through");
    add(&file, vec![start()]);
    assert!(look(&file).expect("a journal").cut.is_none());
}
