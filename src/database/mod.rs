//! The build database: the read-only snapshots through which it is seen, and the locks of a deletion.
//! The only module that knows the PostgreSQL client, beside [`libpq`](crate::libpq), which connects.

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
