//! Output, every way it can be wrong; and numbers and times up to the last ones that a column can hold.

use std::collections::BTreeSet;

use crate::support::{ALL_TIMINGS, Done, NOBODY, Report, TIMES, TestDatabase, halfbuilt, repository, scanned};
use halfbuilt::exit::Exit;

fn run(database: &TestDatabase, arguments: &[&str]) -> Done {
    halfbuilt(&["scan"]).args(&TIMES).args(arguments).on(database).run().exits(Exit::Clean)
}

fn scan(database: &TestDatabase, arguments: &[&str]) -> Report {
    Report::parse(&run(database, &[&["--format", "csv"], arguments].concat()).stdout)
}

/// What the shape of a public bug report gives is what stands beside it.
#[track_caller]
fn finds(name: &str, arguments: &[&str]) -> TestDatabase {
    let database = TestDatabase::empty();
    database.load("sql/schema.sql");
    database.load(&format!("fixtures/cases/{name}.sql"));
    let expected = Report::read(&repository(&format!("fixtures/cases/{name}.expected.csv")));
    assert_eq!(scan(&database, arguments).without_fingerprints(), expected);
    database
}

/// Builds and their reasons.
fn reasons(report: &Report) -> Vec<(String, String)> {
    report.rows.iter().map(|row| (row["build_num"].clone(), row["reasons"].clone())).collect()
}

#[test]
fn case_07_output_whose_step_is_gone() {
    let database = finds("07-output-without-its-step", &[]);
    // A project in scope is one whose builds are looked at; what has no build is in none, and that is said.
    let some = run(&database, &["--project", "acme/nostep"]);
    let found = reasons(&Report::parse(&some.stdout));
    assert!(found.len() == 3 && found.iter().all(|(_, reasons)| reasons.contains("orphan-output")), "{found:?}");
    some.says("orphan-output of builds that are not there").says("left out by --project: what belongs to no build");
    // Alone too, which needs no other rule's sums.
    assert_eq!(scan(&database, &["--rule", "orphan-output"]).rows.len(), 3);
}

#[test]
fn case_07_where_no_step_is_on_record_nothing_is_known_of_steps() {
    let database = finds("07-output-without-its-step", &[]);
    database.run("SET session_replication_role = replica; DELETE FROM actions; DELETE FROM steps");
    let report = scan(&database, &[]);
    assert!(report.column("reasons").iter().all(|reasons| !reasons.contains("orphan-output")), "{report:?}");
}

#[test]
fn a_build_without_any_step_is_read_again_as_it_was_found() {
    let database = finds("07-output-without-its-step", &[]);
    let (_folder, report) = scanned(&database);
    let delete = halfbuilt(&["delete"]).args(&[&report]).args(&TIMES).args(&NOBODY).args(&ALL_TIMINGS);
    let results = Report::parse(&delete.args(&["--max-percent", "100", "-o", "-"]).on(&database).run().stdout);
    // Only one has lost something else than steps.
    assert_eq!(results.column("decision"), ["keep", "keep", "delete"]);
    for row in &results.rows[..2] {
        assert!(row["reason"].contains("orphan-output"), "{row:?}");
    }
}

#[test]
fn where_steps_cannot_be_read_no_output_passes_for_that_of_a_lost_step() {
    let database = TestDatabase::circleci(&["healthy", "orphan-output"]).with_a_damaged_page("actions", 10);
    for rules in [&[][..], &["--rule", "orphan-output"]] {
        let done = halfbuilt(&["scan"]).args(&TIMES).args(rules).on(&database).run();
        let report = Report::parse(&done.stdout);
        done.says("orphan-output of steps that are not there: relation step cannot be read");
        let orphans = report.rows.iter().filter(|row| row["reasons"].contains("orphan-output"));
        let names: BTreeSet<&str> = orphans.map(|row| row["project"].as_str()).collect();
        // What has no build is found all the same.
        assert_eq!(names, BTreeSet::from([""]), "{rules:?}");
    }
}

#[test]
fn case_09_one_impossible_offset_hides_nothing() {
    finds("09-one-impossible-offset", &[]);
}

#[test]
fn case_14_two_runs_in_one_log() {
    finds("14-two-runs-in-one-log", &[]);
}

#[test]
fn case_25_pieces_in_places_that_cannot_be() {
    let profile = repository("fixtures/cases/25-odd-pieces.profile.sql");
    finds("25-odd-pieces", &["--profile", profile.to_str().expect("a path")]);
}

#[test]
fn what_no_rule_that_runs_explains_is_unexplained() {
    let database =
        TestDatabase::circleci(&["healthy", "output-gap", "output-missing", "output-excess", "orphan-output"]);
    let all = scan(&database, &[]);
    assert_eq!(all.count("reasons", "unexplained"), 0);
    // Alone it finds all that differs from what was recorded, whatever the fault; and nothing where output was expired on purpose.
    let alone: BTreeSet<(String, String)> = reasons(&scan(&database, &["--rule", "unexplained"])).into_iter().collect();
    assert!(alone.len() > 25, "{alone:?}");
    let of_output =
        |reasons: &str| reasons.split(';').any(|rule| rule.starts_with("output-") || rule == "orphan-output");
    let by_rules: BTreeSet<String> =
        reasons(&all).into_iter().filter(|(_, found)| of_output(found)).map(|(number, _)| number).collect();
    let strange: Vec<_> = alone.iter().filter(|(number, _)| !by_rules.contains(number)).collect();
    assert!(strange.is_empty(), "{strange:?}");
    // What another rule explains is its alone.
    for rule in ["output-gap", "output-missing", "output-excess", "orphan-output"] {
        let both = scan(&database, &["--rule", "unexplained", "--rule", rule]);
        let explained = both.rows.iter().filter(|row| row["reasons"] == rule).count();
        assert!(explained > 5, "{rule}");
        assert_eq!(explained + both.count("reasons", "unexplained"), both.rows.len(), "{rule}");
        assert!(both.count("reasons", "unexplained") < alone.len(), "{rule}");
    }
    // And is not deletable by it.
    assert_eq!(scan(&database, &["--rule", "unexplained"]).count("deletable", "yes"), 0);
}

/// Places and sizes up to the last ones that there are, in each combination: a build for each.
#[test]
fn every_place_that_is_not_what_was_recorded_is_found() {
    const NUMBERS: [Option<i64>; 9] = [
        None,
        Some(i64::MIN),
        Some(-100),
        Some(0),
        Some(50),
        Some(100),
        Some(1 << 32),
        Some(i64::MAX - 1),
        Some(i64::MAX),
    ];
    let number = |number: Option<i64>| number.map_or("NULL".to_owned(), |number| format!("'{number}'"));
    let (mut values, mut expected, mut gaps) = (Vec::new(), BTreeSet::new(), 0);
    for first in NUMBERS {
        for next in NUMBERS {
            for size in NUMBERS {
                let build = values.len();
                values.push(format!("({build}, {}, {}, {})", number(first), number(next), number(size)));
                let joins_up = first.zip(next).is_some_and(|(first, next)| first == 0 && next >= 0);
                if !joins_up || size.is_some() && size != next {
                    expected.insert(build.to_string());
                }
                gaps += usize::from(first.zip(next).is_some_and(|(first, next)| 0 < first && first <= next));
            }
        }
    }
    let database = TestDatabase::empty();
    database.run(&format!(
        "CREATE TABLE given (n bigint, first bigint, next bigint, size bigint); INSERT INTO given VALUES {};
         CREATE TABLE b AS SELECT n AS build_key, NULL::text AS build_url, 'acme/api'::text AS project, n AS build_num,
                'finished'::text AS lifecycle, 'success'::text AS status, t AS queued_at, t AS started_at, t AS stopped_at
           FROM given, (SELECT timestamptz '2026-11-19T00:00:00Z') AS x (t);
         CREATE TABLE s AS SELECT n AS build_key, 'a'::text AS step_key, NULL::text AS name, t AS started_at, t AS stopped_at, true AS has_output,
                size AS output_size, NULL::boolean AS output_closed FROM given, (SELECT timestamptz '2026-11-19T00:00:00Z') AS x (t);
         CREATE TABLE c AS SELECT n AS build_key, 'a'::text AS step_key, first, next FROM given;
         -- One step has them all.
         INSERT INTO b SELECT 9999, NULL, 'acme/all', 9999, 'finished', 'success', queued_at, queued_at, queued_at FROM b LIMIT 1;
         INSERT INTO s SELECT 9999, 'a', NULL, started_at, started_at, true, output_size, NULL FROM s;
         INSERT INTO c SELECT 9999, 'a', first, next FROM given",
        values.join(", ")
    ));
    let folder = tempfile::tempdir().expect("a folder");
    let profile = folder.path().join("mine.sql");
    let text = "-- profile: mine\n-- title: t\n-- relation: build\nSELECT * FROM :\"schema\".b;\n-- relation: step\nSELECT * FROM :\"schema\".s;\n\
         -- relation: chunk\nSELECT * FROM :\"schema\".c;\n";
    std::fs::write(&profile, text).expect("a file");
    let profile = profile.to_str().expect("a path");
    let report = scan(&database, &["--profile", profile]);
    let found: BTreeSet<String> =
        report.rows.iter().filter(|row| row["project"] == "acme/api").map(|row| row["build_num"].clone()).collect();
    assert_eq!(found, expected);
    let has_gap = |row: &&std::collections::BTreeMap<String, String>| {
        row["project"] == "acme/api" && row["reasons"].split(';').any(|rule| rule == "output-gap")
    };
    assert_eq!(report.rows.iter().filter(has_gap).count(), gaps);
    for row in &report.rows {
        let stored: i64 = row["output_stored"].parse().expect("a number");
        assert!(stored >= 0, "{row:?}");
        assert_ne!(row["reasons"], "unexplained", "{row:?}");
    }
    assert_eq!(report.row("acme/all", "9999")["output_stored"], i64::MAX.to_string());
    // The check of the lengths agrees, but for what an empty piece shows, and what has no size.
    let alone = scan(&database, &["--profile", profile, "--rule", "unexplained"]);
    for row in &alone.rows {
        assert!(row["project"] == "acme/all" || expected.contains(&row["build_num"]), "{row:?}");
    }
    assert!(alone.rows.len() > 500, "{}", alone.rows.len());
}

/// The numbers and times of the tables that a profile reads, each set to the ends of its type.
struct Columns {
    table: String,
    name: String,
    values: &'static [&'static str],
    is_key: bool,
}

fn columns(database: &TestDatabase, tables: &[&str]) -> Vec<Columns> {
    let listed = database.run(&format!(
        "SELECT t.relname, c.attname, format_type(c.atttypid, NULL),
                EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = t.oid AND i.indisprimary AND c.attnum = ANY (i.indkey))
           FROM pg_attribute AS c JOIN pg_class AS t ON t.oid = c.attrelid
          WHERE t.relnamespace = 'public'::regnamespace AND t.relname = ANY ('{{{}}}') AND c.attnum > 0 AND NOT c.attisdropped
          ORDER BY 1, c.attnum",
        tables.join(",")
    ));
    let column = |line: &str| {
        let [table, name, type_name, is_key] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let values: &[&str] = match type_name {
            "smallint" => &["-32768", "32767"],
            "integer" => &["-2147483648", "2147483647"],
            "bigint" => &["-9223372036854775808", "9223372036854775807"],
            "timestamp with time zone" | "timestamp without time zone" => {
                &["4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999", "-infinity", "infinity"]
            }
            _ => return None,
        };
        Some(Columns { table: table.to_owned(), name: name.to_owned(), values, is_key: is_key == "t" })
    };
    listed.lines().filter_map(column).collect()
}

/// Scans with each column at each end of its type, and with all of them at once: nothing that a column can hold ends a scan.
#[track_caller]
fn holds_at_the_ends(database: &TestDatabase, profile: &str, tables: &[&str], at_least: usize) {
    let columns = columns(database, tables);
    assert!(columns.len() >= at_least, "{} columns", columns.len());
    // Copies without constraints, defaults and generated columns.
    let copies = tables.iter().map(|table| {
        format!("CREATE TABLE saved.{table} AS TABLE public.{table}; DROP TABLE public.{table} CASCADE; CREATE TABLE public.{table} AS TABLE saved.{table};")
    });
    database.run(&format!("SET client_min_messages = warning; CREATE SCHEMA saved; {}", copies.collect::<String>()));
    let again = |table: &str| format!("TRUNCATE public.{table}; INSERT INTO public.{table} TABLE saved.{table};");
    let set = |column: &Columns, value: &str| {
        // A key is one row's alone.
        let one = format!(" WHERE ctid = (SELECT min(ctid) FROM public.{})", column.table);
        let which = if column.is_key { one.as_str() } else { "" };
        format!("UPDATE public.{} SET {} = '{value}'{which};", column.table, column.name)
    };
    let scans = |what: &str, times: &[&str]| {
        let done = halfbuilt(&["scan", "--profile", profile]).args(times).on(database).run();
        assert_eq!(done.code, Some(Exit::Clean as i32), "{what}: {}", done.stderr);
    };
    for column in &columns {
        for value in column.values {
            database.run(&format!("{} {}", again(&column.table), set(column, value)));
            scans(&format!("{}.{} = {value}", column.table, column.name), &TIMES);
        }
        database.run(&again(&column.table));
    }
    for end in [0, 1, 2, 3] {
        let others = columns.iter().filter(|column| !column.is_key);
        database.run(&others.map(|column| set(column, column.values[end % column.values.len()])).collect::<String>());
        scans(&format!("all at {end}"), &TIMES);
        scans(&format!("all at {end}, without T"), &[]);
    }
}

#[test]
fn no_value_of_the_reference_tables_ends_a_scan() {
    let database = TestDatabase::circleci(&["stuck-running", "closed-after-restore", "output-truncated", "output-gap"]);
    holds_at_the_ends(&database, "circleci", &["builds", "steps", "actions", "output", "artifacts"], 25);
}

#[test]
fn no_value_of_a_buildbot_ends_a_scan() {
    let database = TestDatabase::buildbot("restored.dump");
    holds_at_the_ends(
        &database,
        "buildbot",
        &["builds", "buildrequests", "builders", "steps", "logs", "logchunks"],
        25,
    );
}

#[test]
fn no_value_of_a_conductor_ends_a_scan() {
    let database = TestDatabase::empty();
    database.load("fixtures/conductor/jobs.sql");
    holds_at_the_ends(&database, "conductor", &["job_started_events", "job_ended_events"], 2);
}
