//! Damage that a sum could hide: what is missing here is there too often elsewhere, or lies where numbers wrap around.

use halfbuilt::exit::Exit;

use crate::support::{Report, TIMES, TestDatabase, halfbuilt};

/// Four sound builds of four steps in two containers, a step's output being four pieces of 100 bytes.
fn sound() -> TestDatabase {
    let database = TestDatabase::circleci(&[]);
    database.run(
        "INSERT INTO builds (build_id, vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time)
         OVERRIDING SYSTEM VALUE
         SELECT n, 'github', 'a', 'b', n, 'https://ci.example/gh/a/b/' || n, 'finished', 'success', t, t, t + interval '1 minute'
           FROM generate_series(1, 4) AS n, (SELECT timestamptz '2026-11-19T00:00:00Z') AS x (t);
         INSERT INTO steps (build_id, step) SELECT n, step FROM generate_series(1, 4) AS n, generate_series(0, 3) AS step;
         INSERT INTO actions (build_id, step, index, status, start_time, end_time, has_output, output_size)
         SELECT build_id, step, index, 'success', '2026-11-19T00:00:00Z', '2026-11-19T00:01:00Z', true, 400
           FROM steps, generate_series(0, 1) AS index;
         INSERT INTO output (build_id, step, index, first_byte, type, message)
         SELECT build_id, step, index, piece * 100, 'out', convert_to(repeat('x', 100), 'UTF8')
           FROM actions, generate_series(0, 3) AS piece",
    );
    assert_eq!(found(&database), []);
    database
}

fn found(database: &TestDatabase) -> Vec<(String, String)> {
    let done = halfbuilt(&["scan"]).args(&TIMES).on(database).run().exits(Exit::Clean);
    let rows = Report::parse(&done.stdout).rows;
    rows.into_iter().map(|row| (row["build_num"].clone(), row["reasons"].clone())).collect()
}

fn one(build: &str, reasons: &str) -> [(String, String); 1] {
    [(build.to_owned(), reasons.to_owned())]
}

#[test]
fn a_gap_that_is_made_up_by_the_same_piece_twice_in_another_step_is_found_in_whichever_two_steps() {
    // The first two steps of both containers with every other, in build 2.
    for missing in 0..4 {
        for doubled in (0..8).filter(|doubled| *doubled != missing) {
            let database = sound();
            let (step, index, other_step, other_index) = (missing / 2, missing % 2, doubled / 2, doubled % 2);
            database.run(&format!(
                "UPDATE output SET step = {other_step}, index = {other_index}
                  WHERE build_id = 2 AND step = {step} AND index = {index} AND first_byte = 100"
            ));
            assert_eq!(found(&database), one("2", "output-gap"), "{step}.{index} and {other_step}.{other_index}");
        }
    }
}

#[test]
fn a_step_whose_output_is_stored_under_another_is_missing() {
    let database = sound();
    database.run("UPDATE output SET step = 0, index = 1 WHERE build_id = 3 AND step = 2 AND index = 0");
    assert_eq!(found(&database), one("3", "output-missing"));
}

#[test]
fn a_gap_that_is_made_up_in_another_build_is_found() {
    let database = sound();
    database.run("UPDATE output SET build_id = 4 WHERE build_id = 1 AND step = 1 AND index = 0 AND first_byte = 200");
    assert_eq!(found(&database), one("1", "output-gap"));
}

#[test]
fn a_piece_that_is_stored_twice_is_no_damage() {
    let database = sound();
    database.run(
        "INSERT INTO output (build_id, step, index, first_byte, type, message)
         SELECT build_id, step, index, first_byte, type, message FROM output WHERE build_id = 2 AND first_byte = 100",
    );
    assert_eq!(found(&database), []);
}

#[test]
fn places_that_a_hash_cannot_distinguish_are_looked_at_one_by_one() {
    // 2^32 and 1 have one hash, 2^32 + 1 and 0 too.
    for (size, stored, reasons) in [
        (4_294_967_296_u64, "SELECT 0, 1", "output-truncated"),
        (4_294_967_297, "SELECT 0, 1 WHERE false", "output-missing"),
        (9_223_372_036_854_775_807, "SELECT 0, 1", "output-truncated"),
    ] {
        let database = TestDatabase::empty();
        database.run(&format!(
            "CREATE TABLE b AS SELECT 7::bigint AS build_key, NULL::text AS build_url, 'a/b'::text AS project, 7::bigint AS build_num,
                    'finished'::text AS lifecycle, 'success'::text AS status, t AS queued_at, t AS started_at, t AS stopped_at
               FROM (SELECT timestamptz '2026-11-19T00:00:00Z') AS x (t);
             CREATE TABLE s AS SELECT build_key, 0::bigint AS step_key, 'run'::text AS name, started_at, stopped_at, true AS has_output,
                    {size}::bigint AS output_size, NULL::boolean AS output_closed FROM b;
             CREATE TABLE c AS SELECT 7::bigint AS build_key, 0::bigint AS step_key, x.first::bigint, x.next::bigint
               FROM ({stored}) AS x (first, next)"
        ));
        let folder = tempfile::tempdir().expect("a folder");
        let profile = folder.path().join("mine.sql");
        let text = "-- profile: mine\n-- title: t\n-- relation: build\nSELECT * FROM :\"schema\".b;\n-- relation: step\nSELECT * FROM :\"schema\".s;\n\
             -- relation: chunk\nSELECT * FROM :\"schema\".c;\n";
        std::fs::write(&profile, text).expect("a file");
        let done =
            halfbuilt(&["scan", "--profile"]).args(&[&profile]).args(&TIMES).on(&database).run().exits(Exit::Clean);
        assert_eq!(Report::parse(&done.stdout).column("reasons"), [reasons], "{size}");
    }
}

#[test]
fn numbers_of_steps_that_collide_when_folded_are_distinguished() {
    // As bigint keys, 2^32 and 1 have one hash.
    let database = TestDatabase::empty();
    database.run(
        "CREATE TABLE b AS SELECT 7::bigint AS build_key, NULL::text AS build_url, 'a/b'::text AS project, 7::bigint AS build_num,
                'finished'::text AS lifecycle, 'success'::text AS status, t AS queued_at, t AS started_at, t AS stopped_at
           FROM (SELECT timestamptz '2026-11-19T00:00:00Z') AS x (t);
         CREATE TABLE s AS SELECT build_key, k AS step_key, 'run'::text AS name, started_at, stopped_at, true AS has_output,
                10::bigint AS output_size, NULL::boolean AS output_closed FROM b, unnest(ARRAY[1, 4294967296]::bigint[]) AS k;
         CREATE TABLE c AS SELECT 7::bigint AS build_key, 1::bigint AS step_key, 0::bigint AS first, 10::bigint AS next
           FROM generate_series(1, 2)",
    );
    let folder = tempfile::tempdir().expect("a folder");
    let profile = folder.path().join("mine.sql");
    let text = "-- profile: mine\n-- title: t\n-- relation: build\nSELECT * FROM :\"schema\".b;\n-- relation: step\nSELECT * FROM :\"schema\".s;\n\
         -- relation: chunk\nSELECT * FROM :\"schema\".c;\n";
    std::fs::write(&profile, text).expect("a file");
    let done = halfbuilt(&["scan", "--profile"]).args(&[&profile]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    assert_eq!(Report::parse(&done.stdout).column("reasons"), ["output-missing"]);
}
