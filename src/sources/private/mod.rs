//! The private PostgreSQL: a cluster of halfbuilt's own on this machine, which runs while a command needs it.
//!
//! It is kept in the folder `private` of halfbuilt's data. Its server listens on a socket alone, in a folder that nobody but its owner and
//! root can enter; so it asks for no password. It is started by the command that needs it, and ended with it, however that ends.

mod cluster;
mod error;
mod forget;
mod holder;
mod lock;
mod new_cluster;
mod place;
mod process;
mod programs;
mod read;
mod server;
mod socket;

pub use cluster::{PRIVATE, PrivateCluster, heeds};
pub use error::PrivateError;
pub use forget::Forgotten;
pub use holder::Holder;
