//! Deletes the chosen builds: choose, plan, act, prove.

mod choose;
mod gate;
mod pace;
mod plan;
mod roles;
mod run;
mod send;
mod sent;

pub use choose::choose;
pub use gate::{GateError, one_host};
pub use pace::Limits;
pub use plan::{Decision, Planned, Reading, plan};
pub use roles::{ArchiveFailure, BuildReader, Deleter, Ended, Recorder, Stop};
pub use run::{Ending, run};
