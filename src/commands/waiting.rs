//! Says what a command waits for when it has said nothing for some time.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::database::BlockingSessions;
use crate::output::Printer;

/// After how long a wait is announced, and how often after that.
const ANNOUNCED_AFTER: Duration = Duration::from_secs(5);
const ANNOUNCED_EVERY: Duration = Duration::from_secs(30);

/// Says who holds the lock that the server waits for, as long as this value lives.
pub(super) struct Waiting(JoinHandle<()>);

impl Waiting {
    pub(super) fn watch(blocking: BlockingSessions, printer: Printer) -> Self {
        Self(tokio::spawn(async move {
            let mut said = Vec::new();
            loop {
                tokio::time::sleep(ANNOUNCED_AFTER).await;
                // A role that may not look has nothing to say.
                let holders = blocking.find().await.unwrap_or_default();
                if holders != said && !holders.is_empty() {
                    let who: Vec<String> = holders.iter().map(ToString::to_string).collect();
                    printer.say(&format!("the database waits for a lock, which is held by {}", who.join(", ")));
                }
                said = holders;
            }
        }))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs some work, and says what the command waits for where it takes long.
pub(super) async fn announce_wait<T>(what: &str, printer: Printer, work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let mut wait = ANNOUNCED_AFTER;
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::sleep(wait) => {
                printer.say(&format!("{what}, for {} s", began.elapsed().as_secs()));
                wait = ANNOUNCED_EVERY;
            }
        }
    }
}
