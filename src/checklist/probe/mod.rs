//! The five kinds of probe.

mod certificate;
pub(super) mod command;
pub(super) mod disk;
pub(super) mod file;
#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
pub(super) mod host;
pub(super) mod kubernetes;
mod moments;
pub(super) mod mount;
pub(super) mod object;
pub(super) mod objects;
mod pods;
pub(super) mod text;
pub(super) mod time;
pub(super) mod url;
mod velero;
