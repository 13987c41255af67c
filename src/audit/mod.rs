//! What a report, the file beside it and the journals of its deletions come to: numbers, times, and whether they agree.
//! Pure: files are read elsewhere, pages are written elsewhere.

mod agreement;
mod archive_state;
mod chosen_from;
mod conclusion;
mod fate;
mod file_check;
mod findings;
mod hosts;
mod lengths;
mod named;
mod next_step;
mod reconciliation;
mod remaining;
mod span;
mod sums;
mod timeline;

pub use agreement::NamedJournal;
pub use archive_state::ArchiveState;
pub use conclusion::{Conclusion, Tone};
pub use fate::{Fate, FateGroup};
pub use file_check::{Agreement, FileCheck};
pub use findings::FindingCounts;
pub use next_step::NextStep;
pub use reconciliation::Reconciliation;
pub use remaining::{LeftBuild, LeftGroup};
pub use span::RunEnd;
pub use sums::{Audit, TimesSource};
pub use timeline::{CHARTED, Lane, Picture, Timeline};
