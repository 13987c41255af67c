//! Which program this is: its version and the commit that it was built from, where that is known.

/// The version, such as `0.1.0 (3d564f6a12 2026-11-28)`. A build of sources that differ from the commit says `changed since`.
pub const VERSION: &str = env!("BUILD_VERSION");
/// The program with its version, as journals, reports and pages name it.
pub const TOOL: &str = concat!("halfbuilt ", env!("BUILD_VERSION"));
