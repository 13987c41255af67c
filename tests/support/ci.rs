//! A CI whose tables hold whatever a test puts there, and a profile that reads them.

use std::path::PathBuf;

use halfbuilt::exit::Exit;
use tempfile::TempDir;

use super::{Done, Report, TIMES, TestDatabase, halfbuilt};

/// The tables of a CI that keeps whatever it likes: no constraint says what a lifecycle is.
const TABLES: &str = "CREATE SCHEMA ci;
    CREATE TABLE ci.build (build_key bigint, build_url text, project text, build_num bigint, lifecycle text, status text,
                           queued_at timestamptz, started_at timestamptz, stopped_at timestamptz);
    CREATE TABLE ci.step (build_key bigint, step_key text, name text, started_at timestamptz, stopped_at timestamptz,
                          has_output boolean, output_size bigint, output_closed boolean);
    CREATE TABLE ci.chunk (build_key bigint, step_key text, first bigint, next bigint, stored_at timestamptz)";

/// A history: sound builds before T and, where `is_back`, after R, the last of them just now.
const BEFORE: &str = "INSERT INTO ci.build SELECT n, 'https://ci.acme.example/gh/acme/api/' || n, 'acme/api', n, 'finished', 'success', at, at, at
      FROM generate_series(1, 40) AS n, LATERAL (SELECT timestamptz '2026-11-19T00:00Z' + n * interval '10 minutes') AS t (at)";
const AFTER: &str = "INSERT INTO ci.build SELECT n, 'https://ci.acme.example/gh/acme/api/' || n, 'acme/api', n, 'finished', 'success', at, at, at
      FROM generate_series(51, 60) AS n, LATERAL (SELECT timestamptz '2026-11-20T06:40Z' + n * interval '1 second') AS t (at)";

pub const NULL: &str = "NULL";
/// The times of a build that the backup cut.
pub const CUT: [&str; 3] = ["timestamptz '2026-11-20T01:50Z'", "timestamptz '2026-11-20T01:51Z'", NULL];

/// What a CI says of itself that loses what ran and keeps its queue elsewhere.
pub const LOST: &str = "-- running: lost\n-- queue: elsewhere\n";

/// A database of such a CI, and a profile that reads it.
pub struct Ci {
    pub database: TestDatabase,
    pub folder: TempDir,
}

impl Ci {
    pub fn new() -> Self {
        let database = TestDatabase::empty();
        database.run(TABLES);
        database.run(BEFORE);
        database.run(AFTER);
        Self { database, folder: tempfile::tempdir().expect("a folder") }
    }

    /// Adds a build; times are SQL.
    pub fn add(&self, number: u32, lifecycle: &str, status: &str, [queued, started, stopped]: [&str; 3]) {
        self.database.run(&format!(
            "INSERT INTO ci.build VALUES ({number}, 'https://ci.acme.example/gh/acme/api/{number}', 'acme/api', {number}, {lifecycle},
                                          {status}, {queued}, {started}, {stopped})"
        ));
    }

    /// Gives a build a step that never ended and has output of which none is stored: two more rules fire on it.
    pub fn damage(&self, number: u32) {
        self.database.run(&format!("INSERT INTO ci.step VALUES ({number}, '0', 'x', NULL, NULL, true, 100, false)"));
    }

    pub fn profile(&self, headers: &str) -> PathBuf {
        let file = self.folder.path().join("ci.sql");
        let relations =
            ["build", "step", "chunk"].map(|name| format!("-- relation: {name}\nSELECT * FROM ci.{name};\n"));
        let text = format!("-- profile: ci\n-- title: a CI\n{headers}{}", relations.concat());
        std::fs::write(&file, text).expect("a file");
        file
    }

    pub fn run(&self, command: &[&str], headers: &str, more: &[&str]) -> Done {
        let run = halfbuilt(command).args(&["--profile"]).args(&[self.profile(headers)]).args(more);
        run.on(&self.database).run()
    }

    pub fn scan(&self, headers: &str, more: &[&str]) -> Report {
        Report::parse(&self.run(&["scan"], headers, &[&TIMES[..], more].concat()).exits(Exit::Clean).stdout)
    }

    /// Why a build is kept; empty where it is deletable.
    pub fn note(&self, headers: &str, more: &[&str], number: u32) -> String {
        let report = self.scan(headers, more);
        let row = report.row("acme/api", &number.to_string());
        assert_eq!(row["deletable"] == "yes", row["note"].is_empty(), "{row:?}");
        row["note"].clone()
    }
}
