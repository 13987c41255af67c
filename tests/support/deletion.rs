//! What the tests of `halfbuilt delete` begin with.

use std::path::{Path, PathBuf};
use std::process::Command;

use halfbuilt::exit::Exit;
use tempfile::TempDir;

use super::{Report, TIMES, TestDatabase, halfbuilt};

/// An admin path at which nobody listens: whoever sends something there fails.
pub const NOBODY: [&str; 2] = ["--via", "nrepl://127.0.0.1:9"];

/// Chooses every row of a report, those too that it calls not deletable.
pub const ALL_TIMINGS: [&str; 12] = [
    "--timing",
    "in-flight",
    "--timing",
    "stale",
    "--timing",
    "ended",
    "--timing",
    "after-restore",
    "--timing",
    "between",
    "--timing",
    "unknown",
];

/// Scans a database into a file.
pub fn scanned(database: &TestDatabase) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.csv");
    halfbuilt(&["scan", "-o"]).args(&[&path]).args(&TIMES).on(database).run().exits(Exit::Clean);
    (folder, path)
}

/// The addresses that a report calls deletable, sorted.
pub fn deletable(report: &Report) -> Vec<String> {
    let rows = report.rows.iter().filter(|row| row["deletable"] == "yes");
    let mut urls: Vec<String> = rows.map(|row| row["build_url"].clone()).collect();
    urls.sort();
    urls
}

/// Unpacks an archive by the machine's own tool.
pub fn zcat(file: &Path) -> String {
    let output = Command::new("zcat").arg(file).output().expect("zcat starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}
