//! Judges a restore: is what the scan found more than is allowed?

mod allowance;
mod verdict;

pub use allowance::{Allowance, BadAllowance};
pub use verdict::{Verdict, verdict};
