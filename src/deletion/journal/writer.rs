//! The thread that writes the journal: takes all waiting events, writes them, syncs once, and wakes the callers that wait.

use std::io;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::event::Event;
use super::line::Tail;

/// How many orders are written together at most.
const ORDERS_AT_ONCE: usize = 4096;

/// Where lines go.
pub(super) trait Store: Send + 'static {
    /// Writes lines at the end.
    fn write(&mut self, lines: &[u8]) -> io::Result<()>;

    /// Makes all that was written durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// Events to be written, in order.
pub(super) struct Order {
    pub(super) events: Vec<(Timestamp, Event)>,
    /// Wakes the caller when they are durable; `None` for a note.
    pub(super) done: Option<oneshot::Sender<Result<(), Broken>>>,
}

/// Why nothing more is written. After a failed write or sync the content of the disk is not known, and a second sync may succeed
/// without having written anything.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the journal cannot be {doing}")]
pub(super) struct Broken {
    doing: &'static str,
    source: Arc<io::Error>,
}

impl From<Broken> for io::Error {
    fn from(broken: Broken) -> Self {
        Self::new(broken.source.kind(), broken)
    }
}

/// The digest of the last line that is on disk.
pub(super) type Last = Arc<Mutex<Option<String>>>;

/// Writes orders to a store.
pub(super) struct Writer<S> {
    store: S,
    tail: Tail,
    /// Whether something was written since the last sync.
    unsynced: bool,
    broken: Option<Broken>,
    last: Last,
}

impl<S: Store> Writer<S> {
    pub(super) fn new(store: S, tail: Tail, last: Last) -> Self {
        Self { store, tail, unsynced: false, broken: None, last }
    }

    /// Writes until nobody can send orders any more.
    pub(super) fn run(mut self, orders: &Receiver<Order>) {
        while let Ok(first) = orders.recv() {
            let mut together = vec![first];
            together.extend(orders.try_iter().take(ORDERS_AT_ONCE));
            let outcome = self.commit(&together);
            for waits in together.into_iter().filter_map(|order| order.done) {
                // The caller may have stopped waiting.
                let _ = waits.send(outcome.clone());
            }
        }
        // Notes, for which no caller waits: nobody is left to hear of a failure.
        let _ = self.sync();
    }

    fn commit(&mut self, orders: &[Order]) -> Result<(), Broken> {
        self.write(orders)?;
        // A note is with the operating system, where it outlives this process; it is synced with what comes next.
        if orders.iter().any(|order| order.done.is_some()) { self.sync() } else { Ok(()) }
    }

    fn write(&mut self, orders: &[Order]) -> Result<(), Broken> {
        self.intact()?;
        let mut lines = Vec::new();
        for (at, event) in orders.iter().flat_map(|order| &order.events) {
            let written = self.tail.write(*at, event, &mut lines);
            written.or_else(|fault| self.fail("written", io::Error::other(format!("a line {fault}"))))?;
        }
        if lines.is_empty() {
            return Ok(());
        }
        self.unsynced = true;
        self.store.write(&lines).or_else(|error| self.fail("written", error))
    }

    fn sync(&mut self) -> Result<(), Broken> {
        self.intact()?;
        if !self.unsynced {
            return Ok(());
        }
        self.store.sync().or_else(|error| self.fail("synced", error))?;
        self.unsynced = false;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.tail.prev.clone());
        Ok(())
    }

    fn intact(&self) -> Result<(), Broken> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    fn fail(&mut self, doing: &'static str, error: io::Error) -> Result<(), Broken> {
        let broken = Broken { doing, source: Arc::new(error) };
        self.broken = Some(broken.clone());
        Err(broken)
    }
}
