//! Judges a restore: is what the scan found more than is allowed? Is everything there that was there at the backup?

mod allowance;
mod comparison;
mod manifest;
mod signature;
mod verdict;

pub use allowance::{Allowance, BadAllowance};
pub use comparison::{Comparison, Difference, Differing, Missing, Present, Terms};
pub use manifest::{
    DatabaseNamed, Entry, FORMAT, Gatherer, Manifest, ManifestError, NotCovered, Outcome, ProfileUsed, Project, Range,
};
pub use signature::{Key, KeyError};
pub use verdict::{Verdict, verdict};
