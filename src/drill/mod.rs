//! Judges a restore: compares a scan with what is allowed, with what was expected, and with a manifest of the backup.

mod account;
mod allowance;
mod baseline;
mod check;
mod comparison;
mod difference;
mod expected;
mod judgement;
mod manifest;
mod sentence;
mod signature;
mod tally;
mod verdict;

pub use account::{Account, Backwards};
pub use allowance::{Allowance, BadAllowance, Ruled};
pub use baseline::{Baseline, BaselineComparison, MergedFindings};
pub use check::{Check, Count, Kind, Outcome, Seen};
pub use comparison::{Comparison, Differing, Missing, Present, Terms, Words};
pub use difference::Difference;
pub use expected::{ExpectedBuild, FoundAs};
pub use judgement::{Circumstances, ComparedWith, Fault, Judgement, Numbers};
pub use manifest::{
    CoveredTimes, CoveredTimesError, DatabaseNamed, Entry, FORMAT, Gatherer, Manifest, ManifestError, NotCovered,
    OutcomeCount, ProfileUsed, Project, Range,
};
pub use signature::{Key, KeyError};
pub use tally::Tally;
pub use verdict::Verdict;
