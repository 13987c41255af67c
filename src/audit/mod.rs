//! What a report, the file beside it and the journals of its deletions come to: numbers, times, and whether they agree.
//! Pure: files are read elsewhere, pages are written elsewhere.

mod agreement;
mod conclusion;
mod fate;
mod findings;
mod lengths;
mod reconciliation;
mod remaining;
mod span;
mod sums;
mod timeline;

pub use agreement::{Agreement, FileCheck, NamedJournal};
pub use conclusion::{Conclusion, Tone};
pub use fate::{Fate, FateGroup};
pub use findings::FindingCounts;
pub use span::RunEnd;
pub use sums::{Audit, TimesSource};
pub use timeline::{CHARTED, Lane, Picture, Timeline};
