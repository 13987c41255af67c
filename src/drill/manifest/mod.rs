//! What a build database holds at T, small enough to be kept beside a backup: written by `manifest`, compared by `verify --baseline`.

mod check;
mod document;
mod error;
mod file;
mod gather;
mod numbers;
mod take;

pub use document::{DatabaseNamed, Entry, FORMAT, Manifest, NotCovered, OutcomeCount, ProfileUsed, Project, Range};
pub use error::ManifestError;
pub use gather::ManifestBuilder;
pub use take::{CoveredTimes, CoveredTimesError};
