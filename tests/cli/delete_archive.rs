//! `delete --archive`: what comes out of the archive is what was in the database, and can be put back by psql alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use halfbuilt::exit::Exit;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    Done, Report, Seen, TIMES, TestDatabase, admin, deletable, halfbuilt, psql_pipe, repository, scanned, zcat,
};
use crate::what_a_person_sees::shows;

/// The tables of the reference database.
const TABLES: [&str; 5] = ["builds", "steps", "actions", "output", "artifacts"];

/// What no type but its own can be trusted with.
const HOSTILE: &str = r#"
    CREATE TYPE mood AS ENUM ('fine', 'it''s "bad", \ (really)');
    CREATE TYPE pair AS (a text, b numeric);
    ALTER TABLE builds ADD build_key text, ADD "select" jsonb, ADD raw json, ADD huge numeric, ADD real8 float8,
        ADD real4 float4, ADD ago interval, ADD day date, ADD bits bit(5), ADD list text[], ADD later int4[], ADD feel mood,
        ADD two pair, ADD padded char(6), ADD "Ünï ""c"" , \ " text, ADD gone text, ADD range tstzrange, ADD ip inet,
        ADD one "char", ADD doubled numeric GENERATED ALWAYS AS (build_num::numeric * 2) STORED, ADD money money, ADD found tsvector, ADD never timestamptz;
    ALTER TABLE builds DROP gone;
    UPDATE builds SET build_key = 'not the key', "select" = '{"a": [1e400, null, "\u0001\n"]}',
        raw = E'{"b" :\n  1,\t"b": 2.50}', huge = ('1' || repeat('0', 200) || '.' || repeat('7', 90))::numeric,
        real8 = 0.1::float8 + 0.2::float8, real4 = 'NaN', ago = '-1 year -2 days -03:04:05.000006', day = 'infinity',
        bits = B'10110', list = ARRAY['', NULL, 'NULL', 'a,b', '"q"', '\', E'\n', '{}'], later = '[-1:1]={1,NULL,3}', feel = 'it''s "bad", \ (really)',
        two = ROW('x,"y")', 'NaN'), padded = 'ab', "Ünï ""c"" , \ " = E'\u0001\u001b[31m\r\n\t  ''"\\ ( , ) ü \u2028 😀 ',
        range = '[2020-01-01 00:00:00+00,infinity)', ip = '::1/128', one = 'x', money = 12.34, found = 'a:1 ''b c'':2', never = 'infinity';
    UPDATE builds SET queued_at = '-infinity', subject = '', why = NULL, branch = 'NULL', vcs_tag = '\N',
        workflow_id = '00000000-0000-0000-0000-00000000000a', retry_of = 9223372036854775807;
    UPDATE builds SET start_time = '2026-11-20 01:50:00.123456+00' WHERE start_time = '2026-11-20 01:50:10+00';
    UPDATE output SET time = '-infinity', message = decode('00ff5c22280a2c29', 'hex') || message
     WHERE output_id % 2 = 0;
    UPDATE output SET message = ''  WHERE output_id % 5 = 0;
    DO $$ BEGIN
        EXECUTE format('ALTER DATABASE %I SET DateStyle = ''SQL, DMY''', current_database());
        EXECUTE format('ALTER DATABASE %I SET IntervalStyle = ''sql_standard''', current_database());
        EXECUTE format('ALTER DATABASE %I SET bytea_output = ''escape''', current_database());
        EXECUTE format('ALTER DATABASE %I SET extra_float_digits = -15', current_database());
        EXECUTE format('ALTER DATABASE %I SET TimeZone = ''Asia/Kathmandu''', current_database());
    END $$;
"#;

/// A session as it would be without what HOSTILE has settled.
const AS_USUAL: &str =
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex';
    SET extra_float_digits = 1;";

/// A run of `delete --execute --archive`.
pub(crate) struct Archived {
    folder: TempDir,
    pub(crate) file: PathBuf,
    report: PathBuf,
    /// The addresses that were to be deleted.
    urls: Vec<String>,
    pub(crate) done: Done,
}

pub(crate) fn archive(database: &TestDatabase, more: &[&str]) -> Archived {
    let (folder, report) = scanned(database);
    let file = folder.path().join("deleted.jsonl.gz");
    let urls = deletable(&Report::read(&report));
    let done = delete(database, &report, &file, more);
    Archived { folder, file, report, urls, done }
}

pub(crate) fn delete(database: &TestDatabase, report: &Path, file: &Path, more: &[&str]) -> Done {
    let confirmed = ["--execute", "--confirm", &database.host, "--archive"];
    let all = ["--max-percent", "100"];
    let run = halfbuilt(&["delete"]).args(&[report]).args(&TIMES).args(&all).args(more).args(&confirmed).args(&[file]);
    run.on(database).via_nrepl(&admin(database)).run()
}

pub(crate) fn lines(file: &Path) -> Vec<Value> {
    zcat(file).lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// All rows of a table, as text, each as JSON with every value as its type writes it.
fn rows(database: &TestDatabase, table: &str) -> Vec<String> {
    let sql = format!("SELECT t::text FROM {table} AS t ORDER BY t::text COLLATE \"C\"");
    database
        .run(&format!("{AS_USUAL} SELECT encode(convert_to(t, 'UTF8'), 'hex') FROM ({sql}) AS all_of_it (t)"))
        .lines()
        .map(str::to_owned)
        .collect()
}

pub(crate) fn everything(database: &TestDatabase) -> BTreeMap<&'static str, Vec<String>> {
    TABLES.into_iter().map(|table| (table, rows(database, table))).collect()
}

fn put_back(database: &TestDatabase, text: &str, url: &str) -> Output {
    put_back_with(database, text, &["-v", &format!("build_url={url}")])
}

fn put_back_with(database: &TestDatabase, text: &str, variables: &[&str]) -> Output {
    let script = repository("sql/restore-archived.sql");
    let script = ["-f", script.to_str().expect("a path")];
    let arguments = [&["-X", "-q", "-v", "ON_ERROR_STOP=1", "-1"], variables, &script].concat();
    psql_pipe(&database.name, &arguments, text)
}

#[track_caller]
fn succeeds(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_was_deleted_can_be_put_back_by_psql_and_nothing_differs() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running", "output-gap", "hostile"]);
    let plain = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running", "output-gap", "hostile"]);
    database.run(HOSTILE);
    for database in [plain, database] {
        database.run(
            "INSERT INTO artifacts (build_id, path, storage_key, size)
             SELECT build_id, E'a\\tb \"c\"', 'key' || build_id, NULL FROM builds",
        );
        let before = everything(&database);
        let urls = database.urls();
        let archived = archive(&database, &["--project", "acme/*", "--reason", "stuck-running"]);
        assert_ne!(everything(&database), before);
        let text = zcat(&archived.file);
        let left = database.urls();
        let gone: Vec<&String> = urls.iter().filter(|url| !left.contains(url)).collect();
        assert!(gone.len() > 10);
        for url in gone {
            succeeds(&put_back(&database, &text, url));
        }
        let after = everything(&database);
        for table in TABLES {
            assert!(before[table].len() > 3, "{table} holds too little to prove anything");
            assert_eq!(after[table], before[table], "{table}");
        }
    }
}

#[test]
fn the_rows_in_the_archive_are_those_that_were_in_the_database() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running", "output-gap", "hostile"]);
    database.run(HOSTILE);
    // Each value as the server itself writes it, by a way of its own.
    let values = |table: &str| {
        let columns = database.run(&format!(
            "SELECT string_agg(format('%L, CASE WHEN num_nulls(%I) = 0 THEN concat(%I) END', attname, attname, attname), ', ')
               FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped"
        ));
        let chosen = "SELECT build_id FROM builds WHERE build_url = ANY (:'urls'::text[])";
        format!("{AS_USUAL} SELECT json_build_object({columns}) FROM {table} WHERE build_id IN ({chosen})")
    };
    let statements: Vec<(&str, String)> = TABLES.into_iter().map(|table| (table, values(table))).collect();
    let urls = deletable(&Report::read(&scanned(&database).1));
    let list = format!("urls={{{}}}", urls.join(","));
    let mut expected: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (table, statement) in &statements {
        let output = psql_pipe(&database.name, &["-XqAt", "-v", "ON_ERROR_STOP=1", "-v", &list], statement);
        succeeds(&output);
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let mut rows: Vec<String> =
            text.lines().map(|line| canonical(&serde_json::from_str(line).expect(line))).collect();
        rows.sort();
        expected.insert(table, rows);
    }
    let archived = archive(&database, &[]);
    archived.done.exits(Exit::NotAllDeleted);
    let lines = lines(&archived.file);
    for table in TABLES {
        let found = lines.iter().filter(|line| line["kind"] == "row" && line["table"] == table);
        let mut found: Vec<String> = found.map(|line| canonical(&line["row"])).collect();
        found.sort();
        assert_eq!(found, expected[table], "{table}");
    }
    assert!(expected["output"].len() > 10);
}

fn canonical(row: &Value) -> String {
    let row: BTreeMap<&String, &Value> = row.as_object().expect("an object").iter().collect();
    serde_json::to_string(&row).expect("JSON")
}

#[test]
fn an_archive_says_what_it_is_and_whether_it_is_whole() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let archived = archive(&database, &[]);
    archived.done.exits(Exit::Clean).does_not_say("not in the archive");
    let lines = lines(&archived.file);
    let head = &lines[0];
    assert_eq!((&head["kind"], &head["format"]), (&"archive".into(), &"halfbuilt-archive/1".into()));
    assert_eq!((&head["profile"], &head["rows_of"]), (&"circleci".into(), &"tables".into()));
    assert_eq!(head["tables"], serde_json::json!(TABLES));
    assert_eq!(head["backup_time"], "2026-11-20T02:00:00Z");
    let of_kind = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).cloned().collect::<Vec<_>>();
    let mut builds: Vec<String> =
        of_kind("build").iter().map(|line| line["build_url"].as_str().unwrap_or_default().to_owned()).collect();
    builds.sort();
    assert_eq!(builds, archived.urls);
    let report = Report::read(&archived.report);
    for build in of_kind("build") {
        let row = report.rows.iter().find(|row| build["build_url"] == row["build_url"].as_str()).expect("a row");
        assert_eq!(build["fingerprint"], row["fingerprint"].as_str());
        assert_eq!(build["evidence"], row["evidence"].as_str());
        assert_eq!(build["timing"], row["timing"].as_str());
    }
    for counts in of_kind("counts") {
        for table in TABLES {
            let rows = of_kind("row");
            let rows = rows.iter().filter(|row| row["build_url"] == counts["build_url"] && row["table"] == table);
            assert_eq!(counts["rows"][table], rows.count(), "{table} of {}", counts["build_url"]);
        }
    }
    let ends = of_kind("end");
    assert_eq!(ends.iter().filter_map(|end| end["rows"].as_u64()).sum::<u64>(), of_kind("row").len() as u64);
    assert_eq!(lines.last().expect("a line")["kind"], "end");
    drop(archived.folder);
}

#[test]
fn nothing_is_put_back_twice_nor_by_halves() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let archived = archive(&database, &[]);
    let (text, url) = (zcat(&archived.file), &archived.urls[0]);
    let refused = |text: &str, url: &str, why: &str| {
        let before = everything(&database);
        let output = put_back(&database, text, url);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(why), "{why}: {said}");
        assert_eq!(everything(&database), before);
    };
    let own = |kind: &str| format!("{{\"kind\":\"{kind}\",\"build_url\":\"{url}\"");
    refused(&text, "https://ci.acme.example/gh/acme/api/1", "the archive does not hold");
    let output = put_back_with(&database, &text, &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("which build is to be put back?"), "{said}");
    let without = |start: &str| text.lines().filter(|line| !line.starts_with(start)).collect::<Vec<_>>().join("\n");
    refused(&without(&own("counts")), url, "or not all of it");
    refused(&without(&own("row")), url, "rows of");
    refused(&text.replace("\"branch\":", "\"twig\":"), url, "has no column twig any more");
    // What an archive says is not where its rows go.
    database.run("CREATE TABLE secrets (LIKE actions); CREATE SCHEMA other; CREATE TABLE other.actions (LIKE actions)");
    let to = |table: &str| {
        let edited = text.replace("\"table\":\"actions\"", &format!("\"table\":\"{table}\""));
        edited.replace("\"actions\":", &format!("\"{table}\":"))
    };
    for table in ["secrets", "other.actions", "pg_catalog.pg_class"] {
        refused(
            &to(table),
            url,
            &format!("the archive has rows of {table}, and nobody named that table: builds, steps"),
        );
    }
    assert_eq!(database.run("SELECT count(*) FROM secrets").trim(), "0");
    // But where somebody looked, and names it.
    database.run("ALTER TABLE output DROP CONSTRAINT output_build_id_step_index_fkey");
    let other = format!("build_url={}", archived.urls[1]);
    let named = ["-v", &other, "-v", "tables=builds, steps,secrets,output,artifacts"];
    succeeds(&put_back_with(&database, &to("secrets"), &named));
    assert_ne!(database.run("SELECT count(*) FROM secrets").trim(), "0");
    // Only the lines of this build, twice over, as a run that was interrupted leaves them.
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(&format!("\"build_url\":\"{url}\""))).collect();
    succeeds(&put_back(&database, &[lines.clone(), lines].concat().join("\n"), url));
    assert!(database.urls().contains(url));
    refused(&text, url, "is there, or another build in its place");
}

#[test]
fn an_archive_that_cannot_be_written_stops_the_first_deletion() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let (folder, report) = scanned(&database);
    let file = folder.path().join("deleted.jsonl.gz");
    std::fs::write(&file, "a letter").expect("a file");
    let done = delete(&database, &report, &file, &[]).exits(Exit::Failed);
    let mut seen = Seen::default();
    seen.add("--archive names a letter", &done.fails_with("error:"));
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), "a letter");
    let done = delete(&database, &report, &folder.path().join("no/folder.gz"), &[]).exits(Exit::Failed);
    seen.add_talk("--archive is in a folder that does not exist", &done);
    shows(&seen, "delete_archive_that_cannot_be_written");
    // The largest file that may be written has 8 blocks: the journal needs fewer, a build with a long subject more.
    database.run(
        "UPDATE builds SET subject = (SELECT string_agg(md5(random()::text || n), '') FROM generate_series(1, 3000) AS n)",
    );
    let before = everything(&database);
    let full = folder.path().join("full.jsonl.gz");
    let confirmed = ["--execute", "--confirm", &database.host, "--archive"];
    let run = halfbuilt(&["delete"]).args(&[&report]).args(&TIMES).args(&confirmed).args(&[&full]).on(&database);
    let done = run.via_nrepl(&admin(&database)).under("trap '' XFSZ; ulimit -f 8").run().exits(Exit::Failed);
    done.says("error: the run stopped: the archive cannot be written");
    assert!(!full.exists());
    assert_eq!(everything(&database), before);
}

#[test]
fn keys_of_any_type_are_distinguished() {
    for (type_name, key) in [
        ("text", "E'it''s \"{a,b}\" \\\\ NULL ' || b.build_id"),
        ("numeric", "b.build_id + 0.50"),
        ("uuid", "lpad(b.build_id::text, 32, '0')::uuid"),
        ("char(12)", "b.build_id::char(12)"),
        ("\"Odd type\"", "b.build_id::text::\"Odd type\""),
    ] {
        let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
        database.run("CREATE TYPE \"Odd type\" AS ENUM (); ");
        let every = "SELECT format('ALTER TYPE \"Odd type\" ADD VALUE %L;', build_id) FROM builds";
        let values = database.run(every);
        succeeds(&psql_pipe(&database.name, &["-XqAt", "-v", "ON_ERROR_STOP=1"], &values));
        database.run(&format!("ALTER TABLE builds ADD k {type_name}"));
        database.run(&format!("UPDATE builds AS b SET k = ({key})::{type_name}"));
        let (folder, _) = scanned(&database);
        let profile = folder.path().join("own.sql");
        let text = "-- profile: own\n-- title: t\n-- relation: build\nSELECT k AS build_key, build_url, username || '/' || reponame AS project,
            build_num, lifecycle, status, queued_at, start_time AS started_at, stop_time AS stopped_at FROM :\"schema\".builds;
            \n-- archive: public.builds\nSELECT k AS build_key, b AS whole FROM :\"schema\".builds AS b;
            \n-- archive: steps\nSELECT k AS build_key, s AS whole FROM :\"schema\".steps AS s JOIN :\"schema\".builds USING (build_id);
            \n-- archive: actions\nSELECT k AS build_key, s AS whole FROM :\"schema\".actions AS s JOIN :\"schema\".builds USING (build_id);
            \n-- archive: output\nSELECT k AS build_key, s AS whole FROM :\"schema\".output AS s JOIN :\"schema\".builds USING (build_id);
            \n-- archive: artifacts\nSELECT k AS build_key, s AS whole FROM :\"schema\".artifacts AS s JOIN :\"schema\".builds USING (build_id);\n";
        std::fs::write(&profile, text).expect("a file");
        let profile = profile.to_str().expect("a path");
        let own_report = folder.path().join("own.csv");
        halfbuilt(&["scan", "--profile", profile, "-o"]).args(&[&own_report]).args(&TIMES).on(&database).run();
        let urls = deletable(&Report::read(&own_report));
        assert!(urls.len() > 3, "{type_name}");
        let before = everything(&database);
        let file = folder.path().join("deleted.jsonl.gz");
        delete(&database, &own_report, &file, &["--profile", profile]).says(&format!("{} deleted", urls.len()));
        let text = zcat(&file);
        // Where keys were taken for one another, rows would be missing, or there would be too many.
        urls.iter().for_each(|url| succeeds(&put_back(&database, &text, url)));
        assert_eq!(everything(&database), before, "{type_name}");
    }
}

#[test]
fn it_is_read_with_jq() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let archived = archive(&database, &[]);
    let jq = "select(.kind == \"row\" and .table == \"builds\") | .row.build_num";
    let text = zcat(&archived.file);
    let mut child = Command::new("jq")
        .args(["-r", jq])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("jq starts: tests/run.sh brings it");
    let mut stdin = child.stdin.take().expect("its standard input");
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, text.as_bytes()));
    let output = child.wait_with_output().expect("jq ends");
    writer.join().expect("a thread").expect("a write");
    let mut found: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    let mut expected: Vec<String> =
        archived.urls.iter().filter_map(|url| url.rsplit('/').next()).map(str::to_owned).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}
