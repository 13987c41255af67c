//! A scan that meets the limits of a server, or is given some.

use halfbuilt::exit::Exit;

use crate::support::{Hearing, Run, Seen, TIMES, TestDatabase, halfbuilt, psql_meanwhile, wait_until};
use crate::what_a_person_sees::shows;

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
    let mut seen = Seen::default();
    for limit in ["0s", "soon"] {
        let done = halfbuilt(&["scan", "--statement-timeout", limit]).on(&database).run().exits(Exit::Usage);
        seen.add(&format!("halfbuilt scan --statement-timeout {limit}"), &done);
    }
    shows(&seen, "scan_server_limits_that_are_no_time");
}

#[test]
fn a_server_without_room_for_temporary_files_is_an_error() {
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

/// Nobody can even look at a table that somebody is changing: who that is can be said.
#[test]
fn who_holds_a_lock_that_is_waited_for_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("list.txt");
    let list = list.to_str().expect("a path");
    for command in [&["scan"][..], &["verify"], &["manifest"], &["delete", list, "--via", "nrepl://127.0.0.1:9"]] {
        let database = TestDatabase::circleci(&["stuck-running"]);
        let url = database.run("SELECT build_url FROM builds WHERE lifecycle = 'running' LIMIT 1");
        std::fs::write(list, url + "\n").expect("a file");
        let mut holder = psql_meanwhile(
            &database.name,
            "BEGIN; SET application_name = 'a migration'; LOCK TABLE builds IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)",
        );
        let locks = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'builds'::regclass";
        wait_until(|| database.run(locks) == "1");
        let mut child = halfbuilt(command).args(&TIMES[..2]).on(&database).start();
        let hearing = Hearing::of(&mut child);
        hearing.wait_for("the database waits for a lock, which is held by \"a migration\", since 20");
        holder.kill().and_then(|()| holder.wait()).expect("it ends");
        // The server notices when it has slept.
        database.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'a migration'");
        let done = hearing.done(child);
        // Without R nothing is deletable.
        assert!(matches!(done.code, Some(0 | 1 | 4)), "{command:?}: {}", done.stderr);
    }
}

#[test]
fn a_server_that_lets_nobody_in_is_not_waited_for_in_silence() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port().to_string();
    let run = halfbuilt(&["scan"]).env("PGHOST", "127.0.0.1").env("PGPORT", &port).env("PGUSER", "x");
    let mut child = run.env("PGSSLMODE", "disable").start();
    let (client, _) = listener.accept().expect("it connects");
    let hearing = Hearing::of(&mut child);
    hearing.wait_for("still connecting to 127.0.0.1");
    drop(client);
    hearing.done(child).exits(Exit::Failed).fails_with("cannot connect to the build database");
}
