//! Several clients of one admin path, of which each deletion has one to itself.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Mutex as Turn, MutexGuard};

/// Some clients of one admin path.
#[derive(Debug)]
pub(super) struct Pool<C> {
    clients: Vec<Turn<C>>,
    /// The places of those that are not in use, the one that was used last at the end: its connection is the warmest.
    idle: Mutex<Vec<usize>>,
}

/// A client that is in use. It goes back when it is dropped, even in the middle of a call: each client knows by itself
/// that a call of its own did not end.
pub(super) struct Taken<'a, C> {
    pool: &'a Pool<C>,
    place: usize,
    pub(super) client: MutexGuard<'a, C>,
}

impl<C> Pool<C> {
    pub(super) fn new(clients: Vec<C>) -> Self {
        let idle = (0..clients.len()).rev().collect();
        Self { clients: clients.into_iter().map(Turn::new).collect(), idle: Mutex::new(idle) }
    }

    /// How many clients there are.
    pub(super) fn size(&self) -> usize {
        self.clients.len()
    }

    /// Takes a client that is not in use; waits for the first one where all are.
    pub(super) async fn take(&self) -> Taken<'_, C> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let place = idle.unwrap_or_default();
        Taken { pool: self, place, client: self.clients[place].lock().await }
    }

    /// All clients.
    pub(super) fn into_clients(self) -> impl Iterator<Item = C> {
        self.clients.into_iter().map(Turn::into_inner)
    }
}

impl<C> Drop for Taken<'_, C> {
    fn drop(&mut self) {
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !idle.contains(&self.place) {
            idle.push(self.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_has_one_to_itself_and_gives_it_back() {
        let pool = Pool::new(vec!['a', 'b']);
        assert_eq!(pool.size(), 2);
        let (first, second) = (pool.take().await, pool.take().await);
        assert_eq!((*first.client, *second.client), ('a', 'b'));
        // A third one waits for somebody to be done.
        let mut third = Box::pin(pool.take());
        assert!(futures_util::poll!(&mut third).is_pending());
        drop(second);
        drop(first);
        assert_eq!(*third.await.client, 'a');
        assert_eq!(*pool.take().await.client, 'a');
        assert_eq!(pool.into_clients().count(), 2);
    }
}
