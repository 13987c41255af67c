//! How many deletions are under way at once, and how fast they follow one another: never more than was asked for, and
//! fewer where the server is busy or slows down.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::admin::Answer;

/// An answer is late if it took so many times the usual time, and so much longer.
const LATE_FACTOR: f64 = 4.0;
const LATE_MARGIN: Duration = Duration::from_millis(300);
/// How many answers are ignored at first: they come from a server that has to warm up.
const WARM_UP_ANSWERS: u32 = 8;
/// The weight of the latest answer in the moving average.
const LATEST_WEIGHT: f64 = 0.25;
/// How fast the usual time follows a server that has become slower for good.
const USUAL_GROWTH: f64 = 1.02;

/// How fast a run may be.
#[derive(Clone, Copy, Debug)]
pub struct Speed {
    /// The most deletions at once, at least 1.
    pub jobs: usize,
    /// The most deletions a second; `None`: as fast as the server answers.
    pub rate: Option<f64>,
}

/// The pace of a run.
pub(super) struct Pace {
    speed: Speed,
    state: RefCell<State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    /// How many at once are good for the server; it grows slowly and shrinks fast.
    at_once: f64,
    /// How many answers there were.
    answers: u32,
    /// How long an answer usually takes, in seconds.
    usual: Option<f64>,
    /// How long an answer takes now, in seconds: a moving average.
    now: f64,
    /// How many answers have to come before the pace may be reduced again.
    answers_to_wait: f64,
    /// When the next one may be sent.
    next: Option<Instant>,
}

impl Pace {
    pub(super) fn new(speed: Speed) -> Self {
        let state =
            State { at_once: speed.jobs as f64, answers: 0, usual: None, now: 0.0, answers_to_wait: 0.0, next: None };
        Self { speed, state: RefCell::new(state) }
    }

    /// How many may be under way at once.
    pub(super) fn at_once(&self) -> usize {
        (self.state.borrow().at_once as usize).clamp(1, self.speed.jobs.max(1))
    }

    /// Waits until one more may be sent.
    pub(super) async fn turn(&self) {
        let Some(rate) = self.speed.rate else { return };
        let now = Instant::now();
        let turn = self.state.borrow().next.map_or(now, |next| next.max(now));
        self.state.borrow_mut().next = Some(turn + Duration::from_secs_f64(1.0 / rate));
        sleep_until(turn).await;
    }

    /// Waits until the next one may be sent, without taking its turn.
    pub(super) async fn ready(&self) {
        let next = self.state.borrow().next;
        if let Some(next) = next {
            sleep_until(next).await;
        }
    }

    /// How many of so many can be sent within a time, by the rate alone; at least one.
    pub(super) fn fitting(&self, count: usize, time: Duration) -> usize {
        let fitting = self.speed.rate.map_or(f64::INFINITY, |rate| rate * time.as_secs_f64());
        count.min(fitting as usize).max(1)
    }

    /// Takes in how long an answer took. Returns why the pace is reduced, if it is.
    pub(super) fn answered(&self, took: Duration) -> Option<String> {
        let took = took.as_secs_f64();
        let mut state = self.state.borrow_mut();
        state.answers = state.answers.saturating_add(1);
        if state.answers <= WARM_UP_ANSWERS {
            return None;
        }
        let usual = state.usual.map_or(took, |usual| (usual * USUAL_GROWTH).min(took));
        state.usual = Some(usual);
        state.now = if state.now == 0.0 { took } else { state.now + LATEST_WEIGHT * (took - state.now) };
        state.answers_to_wait = (state.answers_to_wait - 1.0).max(0.0);
        let is_late = state.now > usual * LATE_FACTOR && state.now > usual + LATE_MARGIN.as_secs_f64();
        if !is_late {
            let more = state.at_once + 1.0 / state.at_once.max(1.0);
            state.at_once = more.min(self.speed.jobs as f64);
            return None;
        }
        if state.answers_to_wait > 0.0 || state.at_once < 2.0 {
            return None;
        }
        let now = state.now;
        self.reduce(&mut state, 0.7);
        Some(format!(
            "it answers more and more slowly: after {:.0} ms, and at best after {:.0} ms",
            now * 1000.0,
            usual * 1000.0
        ))
    }

    /// The server says that it is busy.
    pub(super) fn busy(&self) {
        self.reduce(&mut self.state.borrow_mut(), 0.5);
    }

    fn reduce(&self, state: &mut State, by: f64) {
        state.answers_to_wait = state.at_once.ceil();
        state.at_once = (state.at_once * by).max(1.0);
    }
}

/// How often in a row deletions got no answer. Of several at the same time one counts.
#[derive(Default)]
pub(super) struct Silence {
    times: usize,
    latest: Option<Instant>,
}

impl Silence {
    /// Takes in the answer to a deletion that was sent at `began`.
    pub(super) fn hear(&mut self, answer: &Answer, began: Instant) {
        if !matches!(answer, Answer::Unknown(_)) {
            self.times = 0;
        } else if self.latest.is_none_or(|latest| began >= latest) {
            self.times += 1;
            self.latest = Some(Instant::now());
        }
    }

    /// How often in a row.
    pub(super) fn times(&self) -> usize {
        self.times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(jobs: usize) -> Pace {
        Pace::new(Speed { jobs, rate: None })
    }

    const QUICK: Duration = Duration::from_millis(50);
    const LATER: Duration = Duration::from_secs(2);

    #[test]
    fn a_server_that_answers_ever_later_gets_less_at_once() {
        let pace = pace(8);
        (0..50).for_each(|_| assert_eq!(pace.answered(QUICK), None));
        assert_eq!(pace.at_once(), 8);
        let reductions = (0..40).filter_map(|_| pace.answered(LATER)).count();
        assert!(pace.at_once() <= 3, "{}", pace.at_once());
        assert!((1..10).contains(&reductions), "{reductions}");
        // It recovers, and so does the pace.
        (0..100).for_each(|_| drop(pace.answered(QUICK)));
        assert_eq!(pace.at_once(), 8);
    }

    #[test]
    fn a_server_that_is_slow_from_the_start_is_not_late() {
        let pace = pace(4);
        assert!((0..100).all(|_| pace.answered(LATER).is_none()));
        assert_eq!(pace.at_once(), 4);
    }

    #[test]
    fn a_few_milliseconds_more_are_nothing() {
        let pace = pace(4);
        (0..20).for_each(|_| drop(pace.answered(Duration::from_millis(1))));
        assert!((0..100).all(|_| pace.answered(Duration::from_millis(40)).is_none()));
    }

    #[test]
    fn a_busy_server_gets_half_and_never_nothing() {
        let pace = pace(8);
        pace.busy();
        assert_eq!(pace.at_once(), 4);
        (0..10).for_each(|_| pace.busy());
        assert_eq!(pace.at_once(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept_however_many_ask_at_once() {
        let pace = Pace::new(Speed { jobs: 8, rate: Some(5.0) });
        let began = Instant::now();
        futures_util::future::join_all((0..11).map(|_| pace.turn())).await;
        assert_eq!(began.elapsed().as_millis() / 10, 200);
        // Time in which nothing was sent is not made up for.
        tokio::time::sleep(Duration::from_secs(60)).await;
        let began = Instant::now();
        futures_util::future::join_all((0..6).map(|_| pace.turn())).await;
        assert_eq!(began.elapsed().as_millis() / 10, 100);
    }
}
