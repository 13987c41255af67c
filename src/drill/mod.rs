//! Judges a restore: compares a scan with what is allowed, with what was expected, and with a manifest of the backup.

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
mod totals;
mod verdict;

pub use allowance::{Allowance, BadAllowance, PolicyAllowance};
pub use baseline::{Baseline, BaselineComparison};
pub use check::{Check, CheckKind, Count, Outcome, Seen};
pub use difference::Difference;
pub use expected::ExpectedBuild;
pub use judgement::{Circumstances, ComparedWith, Failure, Judgement, ScanNumbers};
pub use manifest::{CountedMoment, CoveredTimes, CoveredTimesError, Manifest, ManifestError};
pub use signature::{Key, KeyError};
pub use tally::Tally;
pub use totals::{Backwards, ComparisonTotals};
pub use verdict::Verdict;
