//! halfbuilt finds the builds that a restore from a snapshot left half finished on a CI server, reports them, deletes the chosen
//! ones, and proves that they are gone.
//!
//! Arrows run one way: `main` -> [`commands`] -> [`output`] -> [`audit`] -> {[`checklist`], [`deletion`], [`drill`], [`objects`]} -> [`scan`] -> {`database`,
//! [`admin`], [`report`]} -> `libpq` -> the domain (the files beside this one). `tests/layers.rs` holds the code to it.

// In Cargo.toml it would also apply to the tests, whose crates export nothing.
#![warn(unreachable_pub)]

pub mod admin;
pub mod alive;
pub mod audit;
pub(crate) mod baseline_reason;
pub mod build_url;
pub mod causes;
pub(crate) mod census;
pub mod checklist;
// Its comments are the help that a terminal shows.
#[allow(rustdoc::bare_urls, rustdoc::invalid_html_tags)]
pub mod cli;
pub(crate) mod collation;
pub mod collection;
pub mod commands;
pub mod core_dumps;
pub(crate) mod database;
pub mod deletion;
pub mod drill;
pub mod duration;
pub mod exit;
pub(crate) mod file_access;
pub mod finding;
#[doc(hidden)]
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod http_deletion;
pub(crate) mod libpq;
pub(crate) mod losses;
pub(crate) mod not_checked;
pub mod objects;
pub mod obstacle;
pub mod output;
pub mod percent;
pub mod policy;
pub(crate) mod premise;
pub mod project_glob;
pub mod report;
pub mod request_path;
pub(crate) mod row_versions;
pub mod scan;
pub(crate) mod server_moment;
pub mod sources;
pub(crate) mod sql;
pub mod state;
pub mod table;
#[cfg(test)]
mod testing;
pub mod text;
pub mod times;
pub mod timing;
pub mod version;
