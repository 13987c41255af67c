//! Databases that hold text which is no UTF-8: one without an encoding, one that is damaged, and some in other encodings.

use halfbuilt::exit::Exit;

use crate::support::{
    NOBODY, Report, TIMES, TestDatabase, admin, deletable, halfbuilt, psql, psql_pipe, repository, scanned, zcat,
};

const WITHOUT_ENCODING: &str = "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0";

/// A database of this encoding, with the fixtures that hold ASCII alone.
fn of_encoding(options: &str, fixtures: &[&str]) -> TestDatabase {
    let database = TestDatabase::with(options);
    database.load("sql/schema.sql");
    fixtures.iter().for_each(|fixture| database.load(&format!("fixtures/circleci/{fixture}.sql")));
    database
}

/// Runs SQL in a database as if it had no encoding, so that it takes any bytes: what a damaged page or a careless tool leaves behind.
fn damage(database: &TestDatabase, sql: &str) {
    let name = &database.name;
    let encoding = psql("postgres", &["-c", &format!("SELECT encoding FROM pg_database WHERE datname = '{name}'")]);
    let set = |to: &str| {
        psql("postgres", &["-c", &format!("UPDATE pg_database SET encoding = {to} WHERE datname = '{name}'")])
    };
    set("0");
    database.run(sql);
    set(&encoding);
}

/// Two builds that were cut, one of them with a letter of Latin-1 in the name of a step.
const CUT: &str = r"
    INSERT INTO builds (build_id, vcs_type, username, reponame, build_num, build_url, lifecycle, outcome, status, queued_at, start_time, stop_time)
    OVERRIDING SYSTEM VALUE VALUES
     (920801,'github','acme','bytes',10801,'https://ci.acme.example/gh/acme/bytes/10801','running',NULL,'running','2026-11-20 01:50Z','2026-11-20 01:51Z',NULL),
     (920802,'github','acme','bytes',10802,'https://ci.acme.example/gh/acme/bytes/10802','running',NULL,'running','2026-11-20 01:50Z','2026-11-20 01:51Z',NULL);
    INSERT INTO steps VALUES (920801,0,E'd\xe9ploiement');
    INSERT INTO actions (build_id,step,index,status,start_time,has_output) VALUES (920801,0,0,'running','2026-11-20 01:52Z',true);";

/// A letter of Latin-1 in every kind of text of a build that was cut, and of one that has a double.
const EVERYWHERE: &str = r"
    ALTER TABLE builds DROP CONSTRAINT builds_number;
    INSERT INTO builds (build_id, vcs_type, username, reponame, build_num, build_url, lifecycle, outcome, status, queued_at, start_time, stop_time, subject)
    OVERRIDING SYSTEM VALUE VALUES
     (920803,'github','acme',E'd\xe9p',10801,E'https://ci.acme.example/gh/acme/d\xe9p/10801','running',NULL,E'runn\xe9','2026-11-20 01:50Z','2026-11-20 01:51Z',NULL,E'\xe9'),
     (920804,'github','acme',E'd\xe9p',10804,E'https://ci.acme.example/gh/acme/d\xe9p/10804','finished','success',repeat('x', 5000) || E'\xe9','2026-11-20 01:50Z','2026-11-20 01:51Z','2026-11-20 01:52Z',NULL),
     (920805,'github','acme',E'd\xe9p',10804,E'https://ci.acme.example/gh/acme/d\xe9p/10804','finished','success','success','2026-11-20 01:50Z','2026-11-20 01:51Z','2026-11-20 01:52Z',NULL);";

#[track_caller]
fn scan(database: &TestDatabase, flags: &[&str]) -> Report {
    Report::parse(&halfbuilt(&["scan"]).args(&TIMES).args(flags).on(database).run().exits(Exit::Clean).stdout)
}

#[test]
fn one_foreign_byte_in_a_database_without_an_encoding_hides_nothing() {
    let database = of_encoding(WITHOUT_ENCODING, &["healthy"]);
    database.run(CUT);
    let report = scan(&database, &[]);
    let urls = [10801, 10802].map(|number| format!("https://ci.acme.example/gh/acme/bytes/{number}"));
    assert_eq!(report.column("build_url"), urls);
    assert_eq!(deletable(&report), urls);
    assert_eq!(report.column("timing"), ["in-flight"; 2]);
    assert!(report.rows[0]["evidence"].contains(r#"step 0 "d\xe9ploiement""#), "{report:?}");
    let done = halfbuilt(&["verify"]).args(&TIMES).on(&database).run().exits(Exit::Found);
    done.says("stuck-running 2").does_not_say("not checked");
}

#[test]
fn so_it_is_where_damage_left_bytes_that_are_no_utf8_and_in_every_column() {
    let damaged = of_encoding("", &["healthy"]);
    damage(&damaged, &format!("{CUT}{EVERYWHERE}"));
    let without = of_encoding(WITHOUT_ENCODING, &["healthy"]);
    without.run(&format!("{CUT}{EVERYWHERE}"));
    let reports = [&damaged, &without].map(|database| scan(database, &[]).without_fingerprints());
    assert_eq!(reports[0], reports[1]);
    let report = &reports[0];
    let row = report.row(r"acme/d\xe9p", "10801");
    assert_eq!((row["status"].as_str(), row["deletable"].as_str()), (r"runn\xe9", "no"));
    assert_eq!(report.count("reasons", "duplicate-number"), 2);

    for database in [&damaged, &without] {
        // By name, by a part of it, and left out.
        assert_eq!(scan(database, &["--project", "acme/d*"]).rows.len(), 3);
        assert_eq!(scan(database, &["--project", "acme/d?p", "--project", "acme/bytes"]).rows.len(), 5);
        let done = halfbuilt(&["scan", "--project", "acme/bytes"]).args(&TIMES).on(database).run().exits(Exit::Clean);
        done.says("3 builds of a project whose name is no UTF-8: left out by --project");
        // As JSON and for a person.
        for format in ["json", "table"] {
            let done = halfbuilt(&["scan", "--format", format]).args(&TIMES).on(database).run().exits(Exit::Clean);
            done.prints(if format == "json" { r"acme/d\\xe9p" } else { r"acme/d\xe9p" });
        }
        // What it holds is what it held.
        let folder = tempfile::tempdir().expect("a folder");
        let manifest = folder.path().join("before.json");
        halfbuilt(&["manifest", "-o"]).args(&[&manifest]).args(&TIMES[..2]).on(database).run().exits(Exit::Clean);
        let done = halfbuilt(&["verify", "--baseline"]).args(&[&manifest]).args(&TIMES).on(database).run();
        done.exits(Exit::Found).does_not_say("baseline-");
        // A build that has an ordinary address can be deleted, whatever its neighbours are called.
        let (_folder, report) = scanned(database);
        let limits = ["--max-percent", "100", "-o", "-"];
        let done = halfbuilt(&["delete"]).args(&[report]).args(&TIMES).args(&NOBODY).args(&limits).on(database).run();
        let plan = Report::parse(&done.exits(Exit::Clean).stdout);
        assert_eq!(plan.column("decision"), ["delete"; 2]);
    }
}

#[test]
fn letters_of_another_encoding_are_what_they_are() {
    let database = of_encoding("ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0", &["healthy"]);
    damage(&database, &format!("{CUT}{EVERYWHERE}"));
    let report = scan(&database, &["--project", "acme/dé*", "--project", "acme/bytes"]);
    assert_eq!(report.rows.len(), 5);
    assert_eq!(report.row("acme/dép", "10801")["status"], "runné");
    assert!(report.row("acme/bytes", "10801")["evidence"].contains("déploiement"));
}

/// A byte that is no letter in the database's own encoding: all is read as it is stored, and said to be.
#[test]
fn a_byte_that_the_server_cannot_translate_hides_nothing() {
    let database = of_encoding("ENCODING 'WIN1252' LOCALE 'C' TEMPLATE template0", &["healthy"]);
    damage(&database, &format!("{CUT}{EVERYWHERE}"));
    let whole = halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    assert!(whole.stdout.contains("déploiement") && !whole.stderr.contains("read as it is stored"), "{}", whole.stderr);

    damage(&database, r"UPDATE steps SET name = E'd\x81ploiement' WHERE build_id = 920801");
    let done = halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    let done = done.says("text is read as it is stored, and each letter that is not ASCII is shown by its bytes");
    let report = Report::parse(&done.stdout);
    assert!(report.row("acme/bytes", "10801")["evidence"].contains(r"d\x81ploiement"), "{report:?}");
    assert_eq!(report.row(r"acme/d\xe9p", "10801")["reasons"], "stuck-running");
    assert_eq!(deletable(&report), deletable(&Report::parse(&whole.stdout)));
    let (_folder, report) = scanned(&database);
    let limits = ["--max-percent", "100", "-o", "-"];
    let done = halfbuilt(&["delete"]).args(&[report]).args(&TIMES).args(&NOBODY).args(&limits).on(&database).run();
    assert_eq!(Report::parse(&done.exits(Exit::Clean).stdout).column("decision"), ["delete"; 2]);
    let done = halfbuilt(&["verify"]).args(&TIMES).on(&database).run().exits(Exit::Found);
    done.does_not_say("not checked");

    // A profile with a letter of its own would mean another one then.
    let profile = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("a file");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("circleci.sql");
    std::fs::write(&file, profile.replacen("'queued'", "'queued' /* é */", 1)).expect("a file");
    let done = halfbuilt(&["scan", "--profile"]).args(&[&file]).args(&TIMES).on(&database).run().exits(Exit::Failed);
    done.says("SQLSTATE 22P05");
}

/// Keys are handed back to the server: one that it would not take must not narrow what is looked at.
#[test]
fn keys_that_are_no_utf8_are_found_by_every_rule() {
    let rows = r"CREATE TABLE build (build_key text, num bigint, stopped_at timestamptz);
        CREATE TABLE step (build_key text, step_key text, size bigint); CREATE TABLE chunk (build_key text, step_key text, first bigint, next bigint);
        INSERT INTO build SELECT 'k' || n, n, '2026-11-19' FROM generate_series(1, 50) AS n;
        INSERT INTO build VALUES (E'k\xe9', 51, '2026-11-19'), (E'k\xe8', 52, '2026-11-19');
        INSERT INTO step SELECT build_key, E's\xe9', 10 FROM build;
        INSERT INTO chunk SELECT build_key, E's\xe9', 0, CASE num WHEN 7 THEN 5 WHEN 51 THEN 5 ELSE 10 END FROM build;";
    let profile = "-- profile: keys\n-- title: t\n-- relation: build\n\
        SELECT build_key, NULL::text AS build_url, 'a/b'::text AS project, num AS build_num, 'finished'::text AS lifecycle, \
        'success'::text AS status, stopped_at AS queued_at, stopped_at AS started_at, stopped_at FROM public.build;\n\
        -- relation: step\nSELECT build_key, step_key, step_key AS name, NULL::timestamptz AS started_at, NULL::timestamptz AS stopped_at, \
        true AS has_output, size AS output_size, NULL::boolean AS output_closed FROM public.step;\n\
        -- relation: chunk\nSELECT build_key, step_key, first, next FROM public.chunk;\n";
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys.sql");
    std::fs::write(&file, profile).expect("a file");
    let without = TestDatabase::with(WITHOUT_ENCODING);
    without.run(rows);
    let damaged = TestDatabase::empty();
    damage(&damaged, rows);
    for database in [without, damaged] {
        let done = halfbuilt(&["scan", "--profile"]).args(&[&file]).args(&TIMES).on(&database).run().exits(Exit::Clean);
        let report = Report::parse(&done.stdout);
        assert_eq!(report.column("build_num"), ["7", "51"], "{report:?}");
        assert_eq!(report.column("reasons"), ["output-truncated"; 2]);
    }
}

#[test]
fn an_archive_gives_every_byte_back_or_is_declined() {
    let archive = |database: &mut TestDatabase| {
        database.host = format!("{}.example", database.name.replace('_', "-"));
        database
            .run(&format!("UPDATE builds SET build_url = replace(build_url, 'ci.acme.example', '{}')", database.host));
        let (folder, report) = scanned(database);
        let file = folder.path().join("archive.gz");
        let (admin, host) = (admin(database), database.host.clone());
        let execute = ["--execute", "--confirm", &host, "--max-percent", "100", "-o", "-", "--archive"];
        let run = halfbuilt(&["delete"]).args(&[report]).args(&TIMES).args(&execute).args(&[&file]).on(database);
        (run.via_nrepl(&admin).run(), folder, file)
    };
    let mut database = of_encoding(WITHOUT_ENCODING, &["healthy"]);
    database.run(CUT);
    let rows = "SELECT md5(string_agg(textsend(steps::text)::text, ',' ORDER BY build_id)) FROM steps";
    let rows = format!("SET client_encoding = 'SQL_ASCII'; {rows}");
    let before = database.run(&rows);
    let (done, _folder, file) = archive(&mut database);
    done.exits(Exit::Clean);
    assert_ne!(database.run(&rows), before);
    let url = format!("build_url=https://{}/gh/acme/bytes/10801", database.host);
    let script = repository("sql/restore-archived.sql");
    let script = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-1", "-v", &url, "-f", script.to_str().expect("a path")];
    let put_back = psql_pipe(&database.name, &script, &zcat(&file));
    assert!(put_back.status.success(), "{}", String::from_utf8_lossy(&put_back.stderr));
    assert_eq!(database.run(&rows), before);

    let mut damaged = of_encoding("", &["healthy"]);
    damage(&damaged, CUT);
    let (done, _folder, _) = archive(&mut damaged);
    done.exits(Exit::Failed).says("text that is no UTF-8, which could not be put back");
    assert_eq!(damaged.run("SELECT count(*) FROM steps WHERE build_id = 920801"), "1");
}
