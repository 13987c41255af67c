//! Deletes the chosen builds: choose, plan, act, prove.

pub mod archive;
mod choose;
mod gate;
mod plan;
mod run;

pub use choose::choose;
pub use gate::{GateError, one_host};
pub use plan::{Decision, Planned, Reading, plan};
pub use run::{BuildReader, Deleter, Ending, Listener, Stop, run};
