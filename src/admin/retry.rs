//! How long to wait before an HTTP request is sent once more, and how often. Only what the server surely did not do is
//! sent again: it was busy (429, 503), or no connection was made.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// The patience of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// The first wait where the server names none; each later one is twice as long.
    pub(super) first: Duration,
    /// The longest single wait. A server that asks for more is not waited for.
    pub(super) longest: Duration,
    /// How often one deletion waits for a busy server.
    pub(super) waits: u32,
    /// How often a deletion is tried where no connection can be made, and none was made before.
    pub(super) connections: u32,
    /// The same where the server was reached before: it may be starting again.
    pub(super) connections_later: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(120),
            waits: 6,
            connections: 3,
            connections_later: 7,
        }
    }
}

impl Patience {
    /// The wait number `count` (from 0) where nobody named one: 1, 2, 4 … s and up to a quarter more, so that several
    /// clients that were sent away together do not come back together.
    pub(super) fn back_off(&self, count: u32) -> Duration {
        let wait = self.first.saturating_mul(2_u32.saturating_pow(count)).min(self.longest);
        // A hasher of the standard library is seeded at random: good enough for this, and no package more.
        let random = RandomState::new().hash_one(count) % 250;
        wait + wait.mul_f64(random as f64 / 1000.0)
    }
}

/// How often in a row something went wrong. Of several calls that were under way at the same time one counts.
#[derive(Debug, Default)]
pub(super) struct Streak(Mutex<Times>);

#[derive(Clone, Copy, Debug, Default)]
struct Times {
    count: u32,
    latest: Option<Instant>,
}

impl Streak {
    /// It happened to a call that began then. Tells how often it had happened before.
    pub(super) fn add(&self, began: Instant) -> u32 {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if times.latest.is_none_or(|latest| began >= latest) {
            *times = Times { count: times.count + 1, latest: Some(Instant::now()) };
        }
        times.count - 1
    }

    /// It did not happen.
    pub(super) fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Times::default();
    }
}

/// The wait that a `Retry-After` header asks for: seconds, or a date (RFC 9110, 10.2.3). None where it is neither.
pub(super) fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit mean a very long time, too.
        return Some(Duration::from_secs(header.parse().unwrap_or(u64::MAX)));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(header).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_names_the_wait_in_seconds_or_as_a_date() {
        let now: Timestamp = "1994-11-06T08:49:00Z".parse().expect("a time");
        let wait = |header| retry_after(header, now);
        assert_eq!(wait("0"), Some(Duration::ZERO));
        assert_eq!(wait(" 17 "), Some(Duration::from_secs(17)));
        assert_eq!(wait("99999999999999999999999"), Some(Duration::from_secs(u64::MAX)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(37)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:48:37 GMT"), Some(Duration::ZERO));
        for odd in ["", "soon", "-1", "1.5", "Sunday, 06-Nov-94 08:49:37 GMT"] {
            assert_eq!(wait(odd), None, "{odd}");
        }
    }

    #[test]
    fn calls_under_way_together_count_as_one() {
        let streak = Streak::default();
        let (first, second) = (Instant::now(), Instant::now());
        assert_eq!((streak.add(first), streak.add(second)), (0, 0));
        assert_eq!(streak.add(Instant::now()), 1);
        streak.end();
        assert_eq!(streak.add(Instant::now()), 0);
    }

    #[test]
    fn waits_double_and_are_bounded() {
        let patience = Patience::default();
        for (count, seconds) in [(0, 1), (1, 2), (2, 4), (6, 64), (7, 120), (4_000_000_000, 120)] {
            let (wait, least) = (patience.back_off(count), Duration::from_secs(seconds));
            assert!(wait >= least && wait < least * 5 / 4, "{count}: {wait:?}");
        }
    }
}
