//! What a scan makes of times: signs of life in output, and the suggestion where no backup time is given.

use halfbuilt::exit::Exit;

use crate::support::{Report, TIMES, TestDatabase, halfbuilt};

#[test]
fn stored_output_is_a_sign_of_life() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let row = |url: &str| {
        let done = halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
        Report::parse(&done.stdout).rows.into_iter().find(|row| row["build_url"] == url).expect("the build")
    };
    let done = halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    let stale =
        Report::parse(&done.stdout).rows.into_iter().find(|row| row["timing"] == "stale").expect("a stale build");
    let url = &stale["build_url"];
    let piece_at = |time: &str| {
        database.run(&format!(
            "INSERT INTO steps (build_id, step) SELECT build_id, 90 FROM builds WHERE build_url = '{url}' ON CONFLICT DO NOTHING;
             INSERT INTO actions (build_id, step, index, status, has_output)
               SELECT build_id, 90, 0, 'running', true FROM builds WHERE build_url = '{url}' ON CONFLICT DO NOTHING;
             INSERT INTO output (build_id, step, index, first_byte, type, time, message)
               SELECT build_id, 90, 0, 0, 'out', '{time}', 'hello' FROM builds WHERE build_url = '{url}'"
        ));
    };
    piece_at("2026-11-20T01:59:00Z");
    let alive = row(url);
    assert_eq!((alive["last_activity_at"].as_str(), alive["timing"].as_str()), ("2026-11-20T01:59:00Z", "in-flight"));
    // Output between T and R is seen, but says nothing about what the backup holds; what cannot be a time is not seen.
    piece_at("2026-11-20T06:30:00Z");
    piece_at("infinity");
    piece_at("-infinity");
    let later = row(url);
    assert_eq!((later["last_activity_at"].as_str(), later["timing"].as_str()), ("2026-11-20T06:30:00Z", "in-flight"));
    // A build that stores output after the restore is alive.
    piece_at("2026-11-20T06:35:00Z");
    let alive = row(url);
    assert_eq!((alive["timing"].as_str(), alive["deletable"].as_str()), ("after-restore", "no"));
}

#[test]
fn without_a_backup_time_the_database_suggests_one() {
    let database = TestDatabase::circleci(&["healthy"]);
    // A clock that was wrong once makes no quiet time.
    database.run("UPDATE builds SET queued_at = '1970-01-01T00:00:00Z' WHERE build_num = 1");
    let done = halfbuilt(&["scan"]).on(&database).run().exits(Exit::Clean);
    done.says("the longest quiet time in the database begins after 2026-11-20T02:00:00Z and ends 4h 30m 20s later")
        .says("--backup-time 2026-11-20T02:00:00Z");
}

#[test]
fn a_database_in_which_nothing_was_written_since_suggests_its_last_write() {
    let database = TestDatabase::empty();
    database.load("sql/schema.sql");
    database.run(
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time)
         SELECT 'github', 'a', 'b', n, 'https://ci.example/gh/a/b/' || n, 'running', 'running', at, at
           FROM generate_series(1, 20) AS n, LATERAL (SELECT timestamptz '2026-11-20T01:00:00Z' + n * interval '1 minute') AS t (at)",
    );
    let done = halfbuilt(&["scan"]).on(&database).run().exits(Exit::Clean);
    done.says("nothing was written since 2026-11-20T01:20:00Z")
        .says("20 builds were running then")
        .says("--backup-time 2026-11-20T01:20:00Z");
}

#[test]
fn a_database_without_a_time_suggests_nothing() {
    let database = TestDatabase::circleci(&[]);
    halfbuilt(&["scan"]).on(&database).run().exits(Exit::NothingInScope).does_not_say("hint:");
}

#[test]
fn with_a_backup_time_nothing_is_suggested() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean).does_not_say("quiet time");
}
