//! The journal as a run holds it.

use std::io;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::error::JournalError;
use super::event::Event;
use super::file::JournalFile;
use super::line::Tail;
use super::past::Past;
use super::writer::{Broken, Last, Order, Store, Writer};

/// An open journal. Cheap to clone: all clones write to one file, which is locked until the last one is gone.
///
/// As soon as a line could not be written or synced, nothing is written any more, and every [`append`](Self::append)
/// fails with that cause.
#[derive(Clone, Debug)]
pub struct Journal {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// There until it is dropped.
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    last: Last,
}

impl Journal {
    /// Creates a journal, readable by its owner and group as far as the umask allows, or opens one to continue it. A
    /// file of length 0 is a new journal. A last line that was cut is dropped; a `repaired` line records it, and
    /// [`Past::cut`].
    ///
    /// The caller asks [`Past::check_run`] before it writes a `start`.
    ///
    /// # Errors
    /// Another run holds it; it is no journal, or damaged: then it is left as it is. Or it cannot be opened, read,
    /// locked or repaired.
    pub fn open(path: &Path) -> Result<(Self, Past), JournalError> {
        let (file, tail, past) = JournalFile::open(path)?;
        Ok((Self::over(file, tail).map_err(JournalError::Write)?, past))
    }

    /// A journal over any store.
    pub(super) fn over(store: impl Store, tail: Tail) -> io::Result<Self> {
        let (sender, orders) = channel();
        let known = (tail.seq > 1).then(|| tail.prev.clone());
        let last = Arc::new(Mutex::new(known));
        let writer = Writer::new(store, tail, Arc::clone(&last));
        let thread = Builder::new().name("journal".to_owned()).spawn(move || writer.run(&orders))?;
        Ok(Self { shared: Arc::new(Shared { orders: Some(sender), thread: Some(thread), last }) })
    }

    /// Writes events one after the other and waits until they are on disk. Several calls at once share one sync. The events
    /// are written also where the caller does not wait to the end.
    ///
    /// # Errors
    /// These events or earlier ones could not be written or synced. Some of them may be on disk all the same.
    pub async fn append(&self, events: Vec<Event>) -> io::Result<()> {
        let (done, durable) = oneshot::channel();
        self.send(events, Some(done));
        match durable.await {
            Ok(outcome) => outcome.map_err(Into::into),
            Err(_) => Err(io::Error::other("the thread that writes the journal has ended")),
        }
    }

    /// Writes an event without waiting. It outlives a kill of this process as soon as the thread has passed it on to the
    /// operating system, and is on disk with the next [`append`](Self::append), which also reports a failure.
    pub fn note(&self, event: Event) {
        self.send(vec![event], None);
    }

    /// The SHA-256 of the last line that is on disk, in lower-case hexadecimal: what an auditor keeps.
    pub fn last(&self) -> Option<String> {
        self.shared.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until everything is on disk and lets go of this clone; with the last one the lock goes too.
    ///
    /// # Errors
    /// As of [`append`](Self::append).
    pub async fn finish(self) -> io::Result<()> {
        self.append(Vec::new()).await
    }

    fn send(&self, events: Vec<Event>, done: Option<oneshot::Sender<Result<(), Broken>>>) {
        let now = Timestamp::now();
        let events = events.into_iter().map(|event| (now, event)).collect();
        if let Some(orders) = &self.shared.orders {
            // The thread is gone only after a panic: then `done` is dropped, and the waiting caller gets an error.
            let _ = orders.send(Order { events, done });
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The thread writes what is left and ends when nobody can send any more.
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
