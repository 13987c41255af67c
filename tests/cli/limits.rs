//! A scan that meets the limits of a server, or is given some.

use halfbuilt::exit::Exit;

use crate::support::{Run, TIMES, TestDatabase, halfbuilt};

/// A profile whose builds take their time.
const SLOW: &str = "-- profile: slow\n-- title: t\n-- relation: build\n\
    SELECT 1::bigint AS build_key, NULL::text AS build_url, 'a/b'::text AS project, 1::bigint AS build_num, \
    'running'::text AS lifecycle, 'running'::text AS status, NULL::timestamptz AS queued_at, \
    now() - interval '1 day' AS started_at, NULL::timestamptz AS stopped_at FROM (SELECT pg_sleep(SECONDS)) AS slept;";

fn slow_scan(database: &TestDatabase, seconds: &str) -> (tempfile::TempDir, Run) {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = folder.path().join("slow.sql");
    std::fs::write(&profile, SLOW.replace("SECONDS", seconds)).expect("a file");
    let run = halfbuilt(&["scan", "--profile"]).args(&[profile]).on(database);
    (folder, run)
}

#[test]
fn a_statement_that_takes_too_long_is_given_up_and_the_flag_is_named() {
    let database = TestDatabase::circleci(&[]);
    let (folder, run) = slow_scan(&database, "600");
    let report = folder.path().join("report.csv");
    let done = run.args(&["--statement-timeout", "3s", "-o"]).args(&[&report]).run().exits(Exit::Failed);
    done.fails_with("looking for habits of the CI failed")
        .says("canceling statement due to statement timeout")
        .says("--statement-timeout");
    assert!(!report.exists());
}

#[test]
fn a_limit_that_is_no_time_is_a_usage_error() {
    let database = TestDatabase::circleci(&[]);
    for limit in ["0s", "soon"] {
        halfbuilt(&["scan", "--statement-timeout", limit])
            .on(&database)
            .run()
            .exits(Exit::Usage)
            .says("--statement-timeout");
    }
}

#[test]
fn a_server_without_room_for_temporary_files_is_told_of() {
    let database = TestDatabase::circleci(&[]);
    database.run(
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at)
         SELECT 'github', 'a', 'b', n, 'https://ci.example/gh/a/b/' || n, 'finished', 'success', now()
           FROM generate_series(1, 100000) AS n",
    );
    let limits = "-c work_mem=64kB -c temp_file_limit=64kB -c max_parallel_workers_per_gather=0";
    let done = halfbuilt(&["scan"]).args(&TIMES).on(&database).env("PGOPTIONS", limits).run().exits(Exit::Failed);
    done.says("temporary file size exceeds temp_file_limit")
        .says("hint: the server has no more room for temporary files");
}

#[test]
fn where_no_terminal_is_a_line_now_and_then_says_what_the_scan_is_busy_with() {
    let database = TestDatabase::circleci(&[]);
    // Longer than from one line to the next.
    let (_folder, run) = slow_scan(&database, "12");
    let done = run.args(&["--rule", "stuck-running"]).run().exits(Exit::Clean);
    let line = done.stderr.lines().find_map(|line| line.strip_prefix("counting builds; abnormal builds found: 0, "));
    let seconds = line.and_then(|line| line.strip_suffix(" s")).and_then(|seconds| seconds.parse::<u32>().ok());
    // A busy machine may be late with it.
    assert!(seconds.is_some_and(|seconds| seconds >= 5), "{}", done.stderr);
}
