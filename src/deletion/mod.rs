//! Deletes the chosen builds: choose, plan, act, prove.

mod accepted_cancel;
pub mod archive;
mod cancel;
mod choose;
mod collateral;
mod decision;
mod digest;
mod gate;
mod identity;
pub mod journal;
mod limits;
mod pace;
mod plan;
mod reader;
mod resume;
mod roles;
mod run;
mod send;
mod still_gone;

pub use accepted_cancel::AcceptedCancel;
pub use archive::ArchiverError;
pub use cancel::{decide_after_cancel, is_to_be_cancelled, lasting_digest, say_that_it_may_be_cancelled};
pub use choose::Choice;
pub use collateral::{Count, Loss};
pub use decision::{Decision, KeepReason};
pub use digest::digest;
pub use gate::{GateError, one_database, one_host};
pub use identity::Identity;
pub use limits::{Age, Limits, RequestedLimits};
pub use pace::Speed;
pub use plan::{Permit, Planned, Reading, RequestPaths};
pub use reader::{CopyState, FIRST_SILENCE, Freshened, Freshener, LiveBuilds, ReaderEvent, ReaderOptions};
pub use resume::revise_by_journal;
pub use roles::{BuildReader, Deed, Deleter, Ended, Recorder, Stop};
pub use run::{Ending, run};
pub use still_gone::Deleted;
