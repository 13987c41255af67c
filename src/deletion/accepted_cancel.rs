//! A cancel that the server accepted: the only one that may explain how a build has changed.

use jiff::{SignedDuration, Timestamp};

/// How long after the answer to its cancel a build may stop by it, besides the clock tolerance. What stops later has stopped by itself.
const STOPS_WITHIN: SignedDuration = SignedDuration::from_secs(30);

/// A cancel that the server accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedCancel {
    /// What a cancel leaves of the build as it is: the [`super::lasting_digest`] of just before.
    pub lasting: String,
    /// When it was put on record, just before it was sent.
    pub announced_at: Timestamp,
    /// When its answer came.
    pub accepted_at: Timestamp,
}

impl AcceptedCancel {
    /// Whether a build that stopped then may have stopped by this cancel. The CI's clock and this machine's may be apart by the tolerance.
    pub fn may_stop_at(&self, stop: Timestamp, clock_tolerance: SignedDuration) -> bool {
        let since_announced = stop.duration_since(self.announced_at);
        let since_accepted = stop.duration_since(self.accepted_at);
        since_announced >= -clock_tolerance && since_accepted <= STOPS_WITHIN.saturating_add(clock_tolerance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_before_a_cancel_or_long_after_its_answer_is_not_its_effect() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let cancel = AcceptedCancel {
            lasting: String::new(),
            announced_at: at("2026-11-20T09:00:00Z"),
            accepted_at: at("2026-11-20T09:01:00Z"),
        };
        for (stop, seconds, expected) in [
            ("2026-11-20T08:59:59.9Z", 0, false),
            ("2026-11-20T08:59:55Z", 5, true),
            ("2026-11-20T08:59:54Z", 5, false),
            ("2026-11-20T09:00:00Z", 0, true),
            ("2026-11-20T09:01:30Z", 0, true),
            ("2026-11-20T09:01:31Z", 0, false),
            ("2026-11-20T09:01:35Z", 5, true),
            ("2026-11-20T09:01:36Z", 5, false),
        ] {
            assert_eq!(cancel.may_stop_at(at(stop), SignedDuration::from_secs(seconds)), expected, "{stop} {seconds}");
        }
    }
}
