//! Chance that can be repeated.

use std::time::{SystemTime, UNIX_EPOCH};

/// A generator of numbers (splitmix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// True so many times out of a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize].clone()
    }
}

/// The seed that is asked for, or another one each time.
pub fn seed() -> u64 {
    let by_time = || SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_nanos() as u64;
    number("HALFBUILT_TEST_SEED").unwrap_or_else(by_time)
}

/// How much is to be done.
pub fn count(usual: u64) -> u64 {
    number("HALFBUILT_TEST_KILLS").unwrap_or(usual)
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Says with which seed it happened, if it fails.
pub struct Told(pub u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("to repeat this: HALFBUILT_TEST_SEED={}\n", self.0).as_bytes(),
            );
        }
    }
}
