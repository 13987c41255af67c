//! Says what is waited for, where nothing else is said for some time.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::database::BlockingSessions;
use crate::output::Printer;

/// After how long it is said for the first time that something is waited for, and how often from then on.
const FIRST: Duration = Duration::from_secs(5);
const EVERY: Duration = Duration::from_secs(30);

/// Says, as long as it lives, who holds the lock that the server waits for.
pub(super) struct Waiting(JoinHandle<()>);

impl Waiting {
    /// Begins to look.
    pub(super) fn watch(blocking: BlockingSessions, printer: Printer) -> Self {
        Self(tokio::spawn(async move {
            let mut said = Vec::new();
            loop {
                tokio::time::sleep(FIRST).await;
                // Who cannot look has nothing to say.
                let holders = blocking.find().await.unwrap_or_default();
                if holders != said && !holders.is_empty() {
                    let who: Vec<String> = holders.iter().map(ToString::to_string).collect();
                    printer.say(&format!("the database waits for a lock that somebody holds: {}", who.join(", ")));
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

/// Does something, and says that it is waited for where it takes long.
pub(super) async fn said_while<T>(what: &str, printer: Printer, work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let mut wait = FIRST;
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::sleep(wait) => {
                printer.say(&format!("{what}, for {} s", began.elapsed().as_secs()));
                wait = EVERY;
            }
        }
    }
}
