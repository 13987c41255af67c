//! Judges a restore: is what the scan found more than is allowed, and was what had to be found found?

mod allowance;
mod check;
mod expected;
mod judgement;
mod sentence;
mod tally;
mod verdict;

pub use allowance::{Allowance, BadAllowance, Ruled};
pub use check::{Check, Count, Kind, Outcome, Seen};
pub use expected::{ExpectedBuild, FoundAs};
pub use judgement::{Circumstances, Fault, Judgement, Numbers};
pub use tally::Tally;
pub use verdict::Verdict;
