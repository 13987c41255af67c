//! What was written after the restore, told by the versions of rows and not by a clock: on a PostgreSQL that was stopped at once, copied and
//! started, on one that was loaded from a dump, and where versions tell nothing.

use halfbuilt::exit::Exit;
use serde_json::Value;

use crate::support::{
    Report, Run, Server, TIMES, TestDatabase, halfbuilt, program, psql, psql_pipe, repository, socket_folder,
};

const AT_WORK: &str = "its row was written after the restore, though none of its times says so: it may be alive; wait for --max-run-time and \
     --max-queue-time";
const WRITTEN_AFTER: &str = "; its row was written after the restore";

/// Builds may run for so long that what was written since the restore may still live.
const LONG: [&str; 2] = ["--max-run-time", "1000000h"];

fn file(name: &str) -> String {
    repository(name).to_str().expect("UTF-8").to_owned()
}

/// A server that was restored from a copy of its disk.
fn restored(more: &[&str]) -> Server {
    let [schema, before] = ["sql/schema.sql", "fixtures/row-versions/before.sql"].map(file);
    let server =
        Server::start("restored.sh", &[&["--crash", "--with", &schema, "--with", &before], more].concat(), &[]);
    server.psql("postgres", &["-f", &file("fixtures/row-versions/after.sql")]);
    server
}

/// The builds in a database of the server of all tests, which no backup was taken of: each row is a transaction, as in the fixture.
fn loaded() -> TestDatabase {
    let database = TestDatabase::empty();
    for part in ["sql/schema.sql", "fixtures/row-versions/before.sql", "fixtures/row-versions/after.sql"] {
        psql(&database.name, &["-f", &file(part)]);
    }
    database
}

fn report_of(scan: Run) -> Report {
    Report::parse(&scan.args(&TIMES).args(&LONG).run().exits(Exit::Clean).stdout).without_fingerprints()
}

fn report(database: &TestDatabase) -> Report {
    report_of(halfbuilt(&["scan"]).on(database))
}

/// What `times` says of the versions.
fn told(run: Run) -> String {
    let done = run.args(&TIMES).args(&["--json", "-"]).run();
    let said: Value = serde_json::from_str(&done.stdout).unwrap_or_else(|why| panic!("{why}: {}", done.stderr));
    said["database"]["row_versions"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned()
}

fn told_of(database: &TestDatabase) -> String {
    told(halfbuilt(&["times"]).on(database))
}

fn cell<'a>(report: &'a Report, build: &str, column: &str) -> &'a str {
    &report.row("acme/api", build)[column]
}

fn expected() -> Report {
    Report::read(&repository("fixtures/row-versions/expected.csv"))
}

#[test]
fn a_disk_that_was_copied_at_once_tells_what_the_restored_server_wrote() {
    let server = restored(&[]);
    let variables = server.variables("postgres");
    assert_eq!(report_of(halfbuilt(&["scan"]).envs(&variables)), expected());
    let said = told(halfbuilt(&["times"]).envs(&variables));
    assert!(
        said.contains(
            "or a later one was written after the restore; 2 builds of before the backup were written since then"
        ),
        "{said}"
    );
    halfbuilt(&["scan"]).envs(&variables).args(&TIMES).run().exits(Exit::Clean).says(
        "1 build did something after the restore, the last at 2026-11-20T07:20:00Z, but the database wrote it before any of the last builds of \
         before the backup: T, R or a clock is wrong",
    );
}

#[test]
fn rows_of_a_dump_have_one_version_and_whatever_is_later_was_written_since() {
    let [whole, dumped] = [TestDatabase::empty(), TestDatabase::empty()];
    for part in ["sql/schema.sql", "fixtures/row-versions/before.sql"] {
        psql(&whole.name, &["-f", &file(part)]);
    }
    let dump = program("pg_dump", &whole.name, &["--no-owner"]);
    assert!(psql_pipe(&dumped.name, &["-Xq", "-v", "ON_ERROR_STOP=1"], &dump).status.success());
    psql(&dumped.name, &["-f", &file("fixtures/row-versions/after.sql")]);
    let found = report(&dumped);
    assert!(cell(&found, "52", "evidence").ends_with(WRITTEN_AFTER), "{found:?}");
    // No row of before is known to be older than another.
    assert_eq!((cell(&found, "55", "note"), cell(&found, "56", "deletable")), (AT_WORK, "yes"));
    assert!(told_of(&dumped).contains("or a later one was written after the restore"));
}

#[test]
fn what_was_written_again_may_be_alive_only_as_long_as_builds_wait_and_run() {
    let database = loaded();
    assert_eq!(cell(&report(&database), "55", "note"), AT_WORK);
    let found = Report::parse(&halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean).stdout);
    assert_eq!((cell(&found, "55", "note"), cell(&found, "55", "deletable")), ("", "yes"));
}

#[test]
fn a_start_up_that_writes_sound_builds_again_contradicts_nothing() {
    for writes in [
        // All of the last day, at once; and one by one.
        "UPDATE builds SET subject = 'seen' WHERE stop_time < '2026-11-20 02:00Z' AND build_id > 30",
        "DO $$ BEGIN FOR n IN 1..40 LOOP UPDATE builds SET subject = 'seen' WHERE build_id = n; COMMIT; END LOOP; END $$",
        "DO $$ BEGIN FOR n IN 0..3 LOOP UPDATE builds SET subject = 'seen' WHERE build_id <= 40 AND build_id % 4 = n; COMMIT; END LOOP; END $$",
    ] {
        let database = TestDatabase::empty();
        for part in ["sql/schema.sql", "fixtures/row-versions/before.sql"] {
            psql(&database.name, &["-f", &file(part)]);
        }
        database
            .run("UPDATE builds SET lifecycle = 'finished', stop_time = '2026-11-20 06:30:40Z' WHERE build_id = 54");
        psql(&database.name, &["-c", writes]);
        psql(&database.name, &["-f", &file("fixtures/row-versions/after.sql")]);
        let found = report(&database);
        for build in ["51", "52", "53"] {
            assert_eq!(cell(&found, build, "deletable"), "yes", "{writes}: {found:?}");
        }
    }
}

#[test]
fn one_new_build_with_an_odd_clock_moves_nothing() {
    let database = TestDatabase::empty();
    for part in ["sql/schema.sql", "fixtures/row-versions/before.sql"] {
        psql(&database.name, &["-f", &file(part)]);
        // Written before anything else, with times of after R; and planned before the backup, for the next morning.
        let early = |number: u32, times: &str| {
            database.run(&format!(
                "INSERT INTO builds (build_id, vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time)
                 OVERRIDING SYSTEM VALUE
                 VALUES ({number} - 10, 'github', 'acme', 'web', {number}, 'https://ci.acme.example/gh/acme/web/{number}', {times})"
            ));
        };
        match part {
            "sql/schema.sql" => early(1, "'finished', 'success', NULL, '2026-11-20 06:50Z', '2026-11-20 06:55Z'"),
            _ => {
                early(2, "'queued', 'queued', '2026-11-20 08:00Z', NULL, NULL");
                database.run("UPDATE builds SET subject = 'a sign of life' WHERE build_id IN (52, 53, 54)");
            }
        }
    }
    psql(&database.name, &["-f", &file("fixtures/row-versions/after.sql")]);
    let found = report(&database);
    assert_eq!((cell(&found, "54", "deletable"), cell(&found, "55", "note")), ("yes", AT_WORK), "{found:?}");
}

/// What lives writes its own row: the more builds live, the more rows are written. Each of them is kept, however few builds are over.
#[test]
fn builds_that_live_are_kept_however_many_they_are() {
    for (over, alive) in [(40, 2), (15, 1), (15, 2), (1, 2)] {
        let database = loaded();
        database.run(&format!("DELETE FROM builds WHERE build_id <= 40 - {over}"));
        let living = &["54", "55"][2 - alive..];
        for build in living {
            database.run(&format!("UPDATE builds SET subject = 'still at work' WHERE build_id = {build}"));
        }
        let found = report(&database);
        for build in living {
            assert_eq!(cell(&found, build, "note"), AT_WORK, "{over} {alive}: {found:?}");
        }
        let dead = if alive == 1 { "yes" } else { "no" };
        assert_eq!(cell(&found, "54", "deletable"), dead, "{over} {alive}: {found:?}");
    }
}

/// One build that was over was written again, too, and there are few.
#[test]
fn one_old_row_that_was_written_again_makes_no_migration() {
    let database = loaded();
    database.run("DELETE FROM builds WHERE build_id <= 30; UPDATE builds SET subject = 'seen' WHERE build_id = 35");
    assert_eq!(cell(&report(&database), "55", "note"), AT_WORK);
}

#[test]
fn what_a_migration_wrote_again_tells_nothing() {
    let database = loaded();
    assert_eq!(report(&database), expected());
    // A few of them in a batch: they are counted. What was closed was still written after the restore, but that says nothing any more of
    // one that shows as open.
    database.run("UPDATE builds SET subject = 'migrated' WHERE build_id <= 10");
    let found = report(&database);
    assert_eq!(cell(&found, "55", "deletable"), "yes");
    let but_one = |report: Report| report.rows.into_iter().filter(|row| row["build_num"] != "55").collect::<Vec<_>>();
    assert_eq!(but_one(found), but_one(expected()));
    assert!(
        told_of(&database).contains("12 builds of before the backup were written since then"),
        "{}",
        told_of(&database)
    );
    let unheeded = |builds: u32| {
        format!(
            "2 builds of before the backup that never stopped were written after the restore, and may be alive; but so were {builds} builds that \
             were over, as by a migration: none of them is kept for it"
        )
    };
    let scan = || halfbuilt(&["scan"]).args(&TIMES).on(&database);
    scan().args(&LONG).run().exits(Exit::Clean).says(&unheeded(10));
    // More than half of them.
    database.run("UPDATE builds SET subject = 'migrated' WHERE build_id <= 25");
    nothing_is_told(&database, "again by a migration");
    scan().args(&LONG).run().exits(Exit::Clean).says(&unheeded(25));
    // By now nothing can have lived so long.
    scan().run().exits(Exit::Clean).does_not_say("that never stopped");
}

/// Without versions the report is as times alone make it.
fn nothing_is_told(database: &TestDatabase, why: &str) {
    let said = told_of(database);
    assert!(said.starts_with("row versions are not used: ") && said.contains(why), "{said}");
    let found = report(database);
    for build in ["52", "53"] {
        assert!(!cell(&found, build, "evidence").contains(WRITTEN_AFTER), "{found:?}");
    }
    for build in ["51", "52", "53", "54", "55", "56"] {
        assert_eq!(cell(&found, build, "deletable"), "yes", "{found:?}");
    }
}

#[test]
fn a_migration_before_the_first_new_build_tells_nothing_wrong() {
    let database = TestDatabase::empty();
    for part in ["sql/schema.sql", "fixtures/row-versions/before.sql"] {
        psql(&database.name, &["-f", &file(part)]);
    }
    database.run("UPDATE builds SET lifecycle = 'finished', stop_time = '2026-11-20 06:30:40Z' WHERE build_id = 54");
    database.run("UPDATE builds SET subject = 'migrated'");
    psql(&database.name, &["-f", &file("fixtures/row-versions/after.sql")]);
    let found = report(&database);
    for build in ["51", "52", "53", "54", "56"] {
        assert_eq!(cell(&found, build, "deletable"), "yes", "{found:?}");
    }
    assert_eq!(cell(&found, "55", "note"), AT_WORK);
}

#[test]
fn a_view_has_no_versions_and_all_else_is_read() {
    let database = loaded();
    database.run("ALTER TABLE builds RENAME TO kept; CREATE VIEW builds AS SELECT * FROM kept");
    nothing_is_told(&database, "xmin does not exist");
    let checked = halfbuilt(&["profiles", "--check", "circleci"]).on(&database).run().exits(Exit::Clean);
    checked.prints("the versions of builds' rows are not read: ");
    // A view of one's own may show them, and a profile of one's own may read them.
    database.run("CREATE OR REPLACE VIEW builds AS SELECT *, xmin AS written_by FROM kept");
    let own = tempfile::tempdir().expect("a folder");
    let profile = own.path().join("own.sql");
    let shipped = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("the profile");
    std::fs::write(&profile, shipped.replace("b.xmin", "b.written_by")).expect("a file");
    let scan = halfbuilt(&["scan", "--profile", profile.to_str().expect("UTF-8")]).on(&database);
    assert_eq!(report_of(scan), expected());
}

#[test]
fn a_foreign_table_has_no_versions() {
    let database = loaded();
    let far = TestDatabase::empty();
    let import = format!(
        "CREATE EXTENSION postgres_fdw;
         CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{}', port '{}', dbname '{}');
         CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user 'halfbuilt', password_required 'false');
         IMPORT FOREIGN SCHEMA public FROM SERVER far INTO public",
        socket_folder(),
        psql(&database.name, &["-c", "SHOW port"]),
        database.name
    );
    far.run(&import);
    nothing_is_told(&far, "is a foreign table");
}

#[test]
fn one_foreign_part_of_a_partitioned_table_is_enough() {
    let [database, far] = [loaded(), loaded()];
    database.run(&format!(
        "CREATE EXTENSION postgres_fdw;
         CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{}', port '{}', dbname '{}');
         CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user 'halfbuilt', password_required 'false');
         ALTER TABLE builds RENAME TO kept;
         CREATE TABLE builds (LIKE kept) PARTITION BY LIST (reponame);
         CREATE TABLE near_builds PARTITION OF builds DEFAULT;
         CREATE FOREIGN TABLE far_builds PARTITION OF builds FOR VALUES IN ('web') SERVER far OPTIONS (table_name 'builds');
         INSERT INTO near_builds SELECT * FROM kept",
        socket_folder(),
        psql(&far.name, &["-c", "SHOW port"]),
        far.name
    ));
    let said = told_of(&database);
    assert_eq!(said, "row versions are not used: far_builds is a foreign table, whose rows have none");
    report(&database);
}

#[test]
fn a_role_that_may_not_read_versions_scans_without_them() {
    let database = loaded();
    let role = format!("{}_columns", database.name);
    let columns = database.run(
        "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute WHERE attrelid = 'builds'::regclass AND attnum > 0",
    );
    database.run(&format!(
        "CREATE ROLE {role} LOGIN; GRANT SELECT ({columns}) ON builds TO {role}; GRANT SELECT ON steps, actions, output, artifacts TO {role}"
    ));
    let as_role = [("PGHOST", socket_folder()), ("PGUSER", &role)];
    let as_role = |run: Run| run.on(&database).envs(&as_role.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let said = told(as_role(halfbuilt(&["times"])));
    assert!(said.contains("row versions are not used: permission denied for table builds"), "{said}");
    let found = report_of(as_role(halfbuilt(&["scan"])));
    assert_eq!(cell(&found, "55", "deletable"), "yes", "{found:?}");
}

#[test]
fn what_cannot_be_asked_ends_no_scan() {
    let database = loaded();
    // Functions belong to a database.
    database.run("REVOKE EXECUTE ON FUNCTION txid_current_snapshot() FROM PUBLIC");
    let role = format!("{}_reader", database.name);
    database.run(&format!("CREATE ROLE {role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"));
    let as_role =
        [("PGHOST", socket_folder()), ("PGUSER", &role)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let found = report_of(halfbuilt(&["scan"]).on(&database).envs(&as_role));
    assert_eq!(cell(&found, "55", "deletable"), "yes", "{found:?}");
    // What a profile of one's own says is no version.
    let own = tempfile::tempdir().expect("a folder");
    let profile = own.path().join("own.sql");
    let shipped = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("the profile");
    for expression in ["b.subject", "b.build_id", "b.xmni"] {
        std::fs::write(&profile, shipped.replace("b.xmin", expression)).expect("a file");
        let flags = ["--profile", profile.to_str().expect("UTF-8")];
        let said = told(halfbuilt(&["times"]).args(&flags).on(&database));
        assert!(said.starts_with("row versions are not used: "), "{said}");
        report_of(halfbuilt(&["scan"]).args(&flags).on(&database));
    }
}

#[test]
fn numbers_that_may_have_begun_again_tell_nothing() {
    let server = restored(&["--next-epoch"]);
    let said = told(halfbuilt(&["times"]).envs(&server.variables("postgres")));
    assert!(said.contains("more than 2,147,483,648 transactions"), "{said}");
}

#[test]
fn nothing_is_deleted_that_something_wrote_since() {
    let database = loaded();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.csv");
    let path = path.to_str().expect("UTF-8");
    // It is written between the scan and the deletion.
    database.run("UPDATE builds SET build_num = build_num WHERE build_id = 101");
    halfbuilt(&["scan", "-o", path]).args(&TIMES).args(&LONG).on(&database).run().exits(Exit::Clean);
    database.run("UPDATE builds SET subject = 'still at work' WHERE build_id = 54");
    let planned = halfbuilt(&["delete", path]).args(&LONG).on(&database).run();
    assert!(
        planned.stdout.contains(AT_WORK) || planned.stderr.contains(AT_WORK),
        "{}{}",
        planned.stdout,
        planned.stderr
    );
}
