//! What a build database holds at T, small enough to be kept beside a backup: written by `manifest`, compared by `verify --baseline`.

mod check;
pub(super) mod document;
mod error;
mod file;
mod gather;
mod numbers;
mod take;

pub use document::{CountedMoment, Manifest};
pub(crate) use document::{Entry, NotCovered, ProfileUsed, Project, Range};
pub use error::ManifestError;
pub(super) use gather::ManifestBuilder;
pub use take::{CoveredTimes, CoveredTimesError};
