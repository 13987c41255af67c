//! The build database: how it is reached, and the read-only snapshots through which it is seen.
//! The only module that knows the PostgreSQL client.

mod conninfo;
mod error;
mod passfile;
mod row;
mod session;
mod settings;
mod tls;

pub use error::DatabaseError;
pub use row::{Row, Rows};
pub use session::{Canceller, Column, Database, Parameter, Snapshot};
pub use settings::Settings;
