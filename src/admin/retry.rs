//! How long to wait before a deletion is sent again, and how often. Only a deletion that the server certainly did not do is sent
//! again: the server was busy (429, 503), or no connection was made.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// When to retry, and when to give up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryPolicy {
    /// The first wait, if the server names none. Each later wait is twice as long.
    pub(crate) first_wait: Duration,
    /// The longest single wait. If the server asks for more, the run gives up.
    pub(crate) longest_wait: Duration,
    /// How often in a row to wait for a busy server.
    pub(crate) busy_waits: u32,
    /// How often in a row to try to connect to a server that was never reached.
    pub(crate) first_connects: u32,
    /// How often in a row to try to connect to a server that was reached before: it may be restarting.
    pub(crate) reconnects: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(120),
            busy_waits: 6,
            first_connects: 3,
            reconnects: 7,
        }
    }
}

impl RetryPolicy {
    /// Wait number `count`, from 0: 1, 2, 4 … seconds and up to a quarter more, so that clients that were turned away together do not
    /// come back together.
    pub(crate) fn back_off(&self, count: u32) -> Duration {
        let wait = self.first_wait.saturating_mul(2_u32.saturating_pow(count)).min(self.longest_wait);
        // The standard library seeds this hasher at random: good enough here, without another package.
        let random = RandomState::new().hash_one(count) % 250;
        wait + wait.mul_f64(random as f64 / 1000.0)
    }
}

/// Counts how often in a row something went wrong. Calls that ran at the same time count as one.
#[derive(Debug, Default)]
pub(super) struct Streak(Mutex<StreakCount>);

#[derive(Clone, Copy, Debug, Default)]
struct StreakCount {
    count: u32,
    latest: Option<Instant>,
}

impl Streak {
    /// Counts a failure of a call that began then. Returns how often the call had failed before.
    pub(super) fn add(&self, began: Instant) -> u32 {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if times.latest.is_none_or(|latest| began >= latest) {
            *times = StreakCount { count: times.count + 1, latest: Some(Instant::now()) };
        }
        times.count - 1
    }

    /// Starts again at 0.
    pub(super) fn reset(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = StreakCount::default();
    }
}

/// Parses a `Retry-After` header: seconds, or a date (RFC 9110, 10.2.3). None if it is neither.
pub(crate) fn parse_retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit mean a very long time.
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
        let wait = |header| parse_retry_after(header, now);
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
        streak.reset();
        assert_eq!(streak.add(Instant::now()), 0);
    }

    #[test]
    fn waits_double_and_are_bounded() {
        let policy = RetryPolicy::default();
        for (count, seconds) in [(0, 1), (1, 2), (2, 4), (6, 64), (7, 120), (4_000_000_000, 120)] {
            let (wait, least) = (policy.back_off(count), Duration::from_secs(seconds));
            assert!(wait >= least && wait < least * 5 / 4, "{count}: {wait:?}");
        }
    }
}
