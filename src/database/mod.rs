//! The build database: the read-only snapshots through which it is seen, and the locks of a deletion.
//! The only module that knows the PostgreSQL client, beside [`libpq`](crate::libpq), which connects.

mod columns;
mod error;
mod identity;
mod lock;
mod onlooker;
mod row;
mod session;
mod silence;
mod snapshot;

pub use crate::libpq::Settings;
pub use columns::Column;
pub use error::DatabaseError;
pub use identity::{DatabaseIdentity, Position};
pub use lock::{Holder, Lock};
pub use onlooker::Onlooker;
pub use row::{Row, Rows};
pub use session::{Canceller, Database};
pub use snapshot::{Parameter, Snapshot};
