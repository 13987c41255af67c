//! The flags of `times`.

use std::path::PathBuf;

use clap::Args;

use super::ReadingArgs;

/// The flags of `times`.
#[derive(Debug, Args)]
pub struct TimesArgs {
    /// Files that say when the backup was taken; FILE#NAME for one backup of several, or for the zone of a file's times
    ///
    /// `halfbuilt help find-times` lists the kinds, and how each is saved. With files, a database is asked only where a flag or a variable
    /// names one.
    #[arg(value_name = "FILE")]
    pub files: Vec<String>,
    /// Write what is known as JSON instead of a page, for programs; - is standard output
    ///
    /// The format is halfbuilt-times/1. Its main fields are backup_time, restored_at, flags, candidates (each with which, time, begin,
    /// exactness, source and trap), conflicts and contradictions.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    pub reading: ReadingArgs,
}
