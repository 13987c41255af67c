//! Deletes the chosen builds: choose, plan, act, prove.

mod choose;
mod gate;
mod limits;
mod plan;
mod run;

pub use choose::choose;
pub use gate::{GateError, one_database, one_host};
pub use limits::{Age, Asked, Limits};
pub use plan::{Decision, Permit, Planned, Reading, Terms};
pub use run::{BuildReader, Deleter, Ending, Listener, Stop, run};
