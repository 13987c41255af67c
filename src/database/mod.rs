//! The build database: how it is reached, and the read-only snapshots through which it is seen.
//! The only module that knows the PostgreSQL client.

mod auth;
mod client_certificate;
mod columns;
mod connect;
mod connect_hint;
mod conninfo;
mod error;
pub(crate) mod fuzzing;
mod hosts;
mod identity;
mod keywords;
mod lock;
mod onlooker;
mod passfile;
mod route;
mod row;
mod server_name;
mod service;
mod session;
mod settings;
mod silence;
mod snapshot;
mod tls;
mod wire;

pub use columns::Column;
pub use error::DatabaseError;
pub use identity::{DatabaseIdentity, Position};
pub use lock::{Holder, Lock};
pub use onlooker::Onlooker;
pub use row::{Row, Rows};
pub use session::{Canceller, Database};
pub use settings::Settings;
pub use snapshot::{Parameter, Snapshot};
