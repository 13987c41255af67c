//! The build database: read-only snapshots of it, and the deletion lock.
//! Only this module and [`libpq`](crate::libpq), which connects, know the PostgreSQL client.

mod blocking_sessions;
mod columns;
mod connection;
mod error;
mod identity;
mod lock;
mod row;
mod snapshot;
mod time_limit;

pub use crate::libpq::Settings;
pub use blocking_sessions::BlockingSessions;
pub use columns::Column;
pub use connection::{Canceller, Database};
pub use error::DatabaseError;
pub use identity::{DatabaseIdentity, Position};
pub use lock::{LockAttempt, LockHolder};
pub use row::{Row, Rows};
pub use snapshot::{Parameter, Snapshot};
