//! Names the commit that the program is built from: in `--version`, journals, report metadata and audit pages. Without git, or outside of a
//! checkout, the version stands alone.

#![allow(clippy::print_stdout, reason = "this is how cargo is told")]

use std::path::Path;
use std::process::Command;

/// What is compiled into the program. A change elsewhere makes no other program.
const SOURCES: [&str; 5] = ["src", "sql", "Cargo.toml", "Cargo.lock", "build.rs"];

fn main() {
    for source in SOURCES {
        println!("cargo:rerun-if-changed={source}");
    }
    // A development build names the commit at which its sources were last changed or checked out. It is not built anew for each commit.
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        watch("HEAD");
        watch("logs/HEAD");
    }
    let version = env!("CARGO_PKG_VERSION");
    let named = commit().map_or_else(|| version.to_owned(), |commit| format!("{version} ({commit})"));
    println!("cargo:rustc-env=BUILD_VERSION={named}");
}

/// The commit of this checkout, its date, and whether the sources differ from it.
fn commit() -> Option<String> {
    // An unpacked archive within another checkout is not part of that.
    if !Path::new(".git").exists() {
        return None;
    }
    let commit = git(&["log", "-1", "--abbrev=10", "--format=%h %cs", "HEAD"])?;
    let mut status = vec!["status", "--porcelain", "--"];
    status.extend(SOURCES);
    let changed = if git(&status)?.is_empty() { "" } else { ", changed since" };
    Some(format!("{commit}{changed}"))
}

fn watch(file: &str) {
    if let Some(path) = git(&["rev-parse", "--git-path", file]).filter(|path| Path::new(path).exists()) {
        println!("cargo:rerun-if-changed={path}");
    }
}

/// What git says; `None` if it fails or is not there.
fn git(arguments: &[&str]) -> Option<String> {
    // A status that writes the index would disturb whoever works in the checkout.
    let output = Command::new("git").env("GIT_OPTIONAL_LOCKS", "0").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
