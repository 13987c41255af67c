//! The build database: read-only snapshots of it, and the deletion lock; and the one connection that writes, to the tables of documents.
//! Only this module and [`libpq`](crate::libpq), which connects, know the PostgreSQL client.

mod blocking_sessions;
mod columns;
mod connection;
mod encoding;
mod error;
mod identity;
mod lock;
mod row;
mod snapshot;
mod time_limit;
mod writer;

pub(crate) use crate::libpq::{Notice, NoticeListener, Settings};
pub(crate) use blocking_sessions::BlockingSessions;
pub(crate) use columns::Column;
pub(crate) use connection::{Canceller, Database};
pub(crate) use encoding::Encoding;
pub(crate) use error::DatabaseError;
pub(crate) use identity::{DatabaseIdentity, Position};
pub(crate) use lock::{LockAttempt, LockHolder};
pub(crate) use row::{Row, Rows};
pub(crate) use snapshot::{Parameter, Snapshot};
pub(crate) use writer::{Value, Writer};
