//! The verdict of `verify`, as the files and lines that a CI server reads.

mod annotations;
mod file;
mod json;
mod junit;
mod step_summary;

pub use annotations::annotations;
pub use file::{VerdictFile, VerdictFormat};
pub use step_summary::append as append_step_summary;
