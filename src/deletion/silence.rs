//! A server that does not answer any more.

use tokio::time::Instant;

use crate::admin::Answer;

/// How often in a row deletions got no answer. Of several at the same time one counts.
#[derive(Default)]
pub(super) struct Silence {
    times: usize,
    latest: Option<Instant>,
}

impl Silence {
    /// What came of a deletion that was sent then.
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
