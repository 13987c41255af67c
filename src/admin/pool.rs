//! A pool of clients of one admin path. Each deletion uses one client alone.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, MutexGuard};

#[derive(Debug)]
pub(super) struct Pool<C> {
    clients: Vec<AsyncMutex<C>>,
    /// The places of the idle clients. The last one was used last: its connection is most likely still open.
    idle: Mutex<Vec<usize>>,
}

/// A client in use. It returns to the pool when dropped, even in the middle of a call: each client notices that its last call did
/// not end.
pub(super) struct PooledClient<'a, C> {
    pool: &'a Pool<C>,
    place: usize,
    pub(super) client: MutexGuard<'a, C>,
}

impl<C> Pool<C> {
    pub(super) fn new(clients: Vec<C>) -> Self {
        let idle = (0..clients.len()).rev().collect();
        Self { clients: clients.into_iter().map(AsyncMutex::new).collect(), idle: Mutex::new(idle) }
    }

    pub(super) fn size(&self) -> usize {
        self.clients.len()
    }

    /// Takes an idle client. If all are in use, waits for the first one.
    pub(super) async fn take(&self) -> PooledClient<'_, C> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let place = idle.unwrap_or_default();
        PooledClient { pool: self, place, client: self.clients[place].lock().await }
    }

    pub(super) fn into_clients(self) -> impl Iterator<Item = C> {
        self.clients.into_iter().map(AsyncMutex::into_inner)
    }
}

impl<C> Drop for PooledClient<'_, C> {
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
    async fn each_caller_has_one_client_alone_and_gives_it_back() {
        let pool = Pool::new(vec!['a', 'b']);
        assert_eq!(pool.size(), 2);
        let (first, second) = (pool.take().await, pool.take().await);
        assert_eq!((*first.client, *second.client), ('a', 'b'));
        // A third call waits for an idle client.
        let mut third = Box::pin(pool.take());
        assert!(futures_util::poll!(&mut third).is_pending());
        drop(second);
        drop(first);
        assert_eq!(*third.await.client, 'a');
        assert_eq!(*pool.take().await.client, 'a');
        assert_eq!(pool.into_clients().count(), 2);
    }
}
