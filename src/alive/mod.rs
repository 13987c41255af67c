//! Lists of what is alive, from the operator: what a scheduler runs, or builds that somebody wrote down.
//!
//! A build that is on one is never deletable. That a build is on none proves nothing. So a name means every build that it may mean: too many
//! cost a build that is kept, too few would be a lie.

#[cfg(test)]
mod alive_tests;
mod error;
mod kubernetes;
mod list;
mod names;
mod nomad;
mod plain;

pub use error::AliveError;
pub use list::{AliveKind, AliveList};
pub use names::{AliveNames, BuildName, LookedUp};
