//! How fast the server is asked: never faster than was wished, and not at all while it asks for a pause.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// The pace of all requests together.
pub(super) struct Pace {
    /// The time between two requests.
    gap: Duration,
    state: Mutex<State>,
}

struct State {
    /// When the next request may be sent.
    next: Instant,
}

impl Pace {
    /// So many requests a second, at most.
    pub(super) fn new(rate: f64) -> Self {
        Self { gap: Duration::from_secs_f64(1.0 / rate), state: Mutex::new(State { next: Instant::now() }) }
    }

    /// Returns when the next request may be sent.
    pub(super) async fn turn(&self) {
        let at = {
            let mut state = self.state.lock().await;
            let at = state.next.max(Instant::now());
            state.next = at + self.gap;
            at
        };
        sleep_until(at).await;
    }

    /// Nothing more is sent for so long.
    pub(super) async fn pause(&self, length: Duration) {
        let mut state = self.state.lock().await;
        state.next = state.next.max(Instant::now() + length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn requests_keep_their_distance_and_wait_for_a_pause() {
        let (pace, began) = (Pace::new(10.0), Instant::now());
        for _ in 0..11 {
            pace.turn().await;
        }
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        pace.pause(Duration::from_secs(5)).await;
        pace.turn().await;
        assert_eq!(began.elapsed(), Duration::from_secs(6));
    }
}
