//! Databases that hold what nobody meant to store: the scan ends well, and says no more than it knows.

use halfbuilt::exit::Exit;

use crate::support::{Done, Report, TIMES, TestDatabase, admin, deletable, expected_report, halfbuilt, scanned};

/// Plain tables in a schema of their own, with the columns of the relations, no key, no index and no constraint.
const TABLES: &str = "
    CREATE SCHEMA \"My CI\"; SET search_path = \"My CI\";
    CREATE TABLE build (build_key bigint, build_url text, project text, build_num bigint, lifecycle text, status text,
                        queued_at timestamptz, started_at timestamptz, stopped_at timestamptz);
    CREATE TABLE step (build_key bigint, step_key text, name text, started_at timestamptz, stopped_at timestamptz,
                       has_output boolean, output_size bigint, output_closed boolean);
    CREATE TABLE chunk (build_key bigint, step_key text, first bigint, next bigint);";

const PROFILE: &str = "-- profile: plain\n-- title: plain tables\n\
    -- relation: build\nSELECT * FROM \"My CI\".build;\n\
    -- relation: step\nSELECT * FROM \"My CI\".step;\n\
    -- relation: chunk\nSELECT * FROM \"My CI\".chunk;\n";

fn plain(rows: &str) -> TestDatabase {
    let database = TestDatabase::empty();
    database.run(&format!("{TABLES} {rows}"));
    database
}

fn run(database: &TestDatabase, flags: &[&str]) -> Done {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = folder.path().join("plain.sql");
    std::fs::write(&profile, PROFILE).expect("a file");
    halfbuilt(&["scan", "--profile"]).args(&[profile]).args(&TIMES).args(flags).on(database).run()
}

#[track_caller]
fn scan(database: &TestDatabase) -> Report {
    Report::parse(&run(database, &["--format", "csv"]).exits(Exit::Clean).stdout)
}

/// The texts that break lines, cells, quotes and terminals, each as psql's E'...' writes it.
const TEXTS: [&str; 12] = [
    "two\\nlines",
    "two\\r\\nlines",
    "\\nfirst",
    "a\\ttab",
    "say \"hi\"",
    "it''s",
    "\\x1b[31mred\\x1b[0m",
    "csi\\u009b31m",
    "bell\\x07",
    "\\u202ethgir",
    "del\\x7f",
    "line\\u2028line",
];

fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{202e}')
}

/// A build of each text: its status, and the name of a step that has lost its output.
fn texts() -> TestDatabase {
    let values: Vec<String> = TEXTS.iter().enumerate().map(|(n, text)| format!("({n}, E'{text}')")).collect();
    plain(&format!(
        "CREATE TABLE given AS SELECT * FROM (VALUES {}) AS given (n, said);
         INSERT INTO build SELECT n, NULL, 'acme/api', n, 'finished', said, NULL, '2026-11-19', '2026-11-19' FROM given;
         INSERT INTO step SELECT n, said, said, '2026-11-19', '2026-11-19', true, 5, NULL FROM given",
        values.join(", ")
    ))
}

#[test]
fn a_status_comes_back_as_it_was() {
    let database = texts();
    // Told by the database in a form that has no control characters.
    let expected = database.run("SELECT to_json(status) FROM \"My CI\".build ORDER BY build_num");
    let expected: Vec<String> = expected.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(expected.len(), TEXTS.len());

    let csv = scan(&database);
    let cells = csv.column("status").into_iter().map(|cell| cell.strip_prefix('\'').unwrap_or(cell));
    assert_eq!(cells.collect::<Vec<_>>(), expected);

    let json = run(&database, &["--format", "json"]).exits(Exit::Clean).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let statuses = json["findings"].as_array().expect("findings").iter().map(|finding| finding["status"].as_str());
    assert_eq!(statuses.flatten().collect::<Vec<_>>(), expected);
}

#[test]
fn a_steps_key_and_name_are_escaped_where_they_are_evidence() {
    let database = texts();
    let report = scan(&database);
    assert_eq!(report.count("reasons", "output-missing"), TEXTS.len());
    for evidence in report.column("evidence") {
        assert!(!evidence.contains(is_control), "{evidence:?}");
    }
    let done = run(&database, &["--format", "table"]).exits(Exit::Clean);
    for text in [done.stdout, done.stderr] {
        assert!(!text.contains(|c| is_control(c) && c != '\n'), "{text:?}");
    }
}

#[test]
fn builds_without_any_value_are_no_finding() {
    let database = plain(
        "INSERT INTO build (build_key) SELECT generate_series(1, 3);
         INSERT INTO step (build_key) SELECT generate_series(1, 3)",
    );
    assert_eq!(scan(&database).rows, []);
}

#[test]
fn steps_and_pieces_without_any_value_do_not_end_the_scan() {
    let database = plain(
        "INSERT INTO build VALUES (1, NULL, NULL, NULL, 'running', NULL, NULL, '2026-11-20T01:50:00Z', NULL);
         INSERT INTO step (build_key) VALUES (1), (NULL);
         INSERT INTO chunk (build_key) VALUES (1), (NULL)",
    );
    let report = scan(&database);
    let found = report.rows.iter().find(|row| row["reasons"].contains("stuck-running")).expect("the build");
    assert_eq!((found["build_url"].as_str(), found["build_num"].as_str(), found["deletable"].as_str()), ("", "", "no"));
    assert_eq!((found["steps"].as_str(), found["steps_unfinished"].as_str()), ("1", "0"));
}

#[test]
fn infinite_and_ancient_times_count_as_not_known() {
    for time in ["infinity", "-infinity", "20000-01-01", "0044-03-15 BC"] {
        let database = plain(&format!(
            "INSERT INTO build VALUES
                 (1, NULL, 'acme/api', 1, 'running', NULL, '{time}', '2026-11-20T01:50:00Z', NULL),
                 (2, NULL, 'acme/api', 2, 'finished', NULL, NULL, '2026-11-20T01:50:00Z', '{time}'),
                 (3, NULL, 'acme/api', 3, 'finished', NULL, NULL, NULL, NULL);
             INSERT INTO step SELECT build_key, 'a', NULL, NULL, '{time}', true, 5, NULL FROM build;
             INSERT INTO step SELECT build_key, 'b', NULL, '{time}', NULL, true, 5, NULL FROM build"
        ));
        let report = scan(&database);
        assert_eq!(report.rows.len(), 3, "{time}");
        assert_eq!(report.column("queued_at"), ["", "", ""], "{time}");
        assert_eq!(report.column("stopped_at"), ["", "", ""], "{time}");
        let last = "2026-11-20T01:50:00Z";
        assert_eq!(report.column("last_activity_at"), [last, last, ""], "{time}");
        assert_eq!(report.column("timing"), ["in-flight", "in-flight", "unknown"], "{time}");
    }
}

#[test]
fn numbers_up_to_the_last_one_that_there_is() {
    let database = plain(
        "INSERT INTO build
         SELECT row_number() OVER (), 'https://ci.acme.example/gh/acme/api/' || n, 'acme/api', n, 'running', NULL, NULL,
                '2026-11-20T01:50:00Z', NULL
           FROM unnest('{9223372036854775807, 9223372036854775806, 1, 0, -1, -9223372036854775808}'::bigint[]) AS n;
         -- The CI has been at work since the restore: what ran at the backup is not taken up any more.
         INSERT INTO build VALUES (7, 'https://ci.acme.example/gh/acme/api/7', 'acme/api', 7, 'finished', NULL,
                '2026-11-20T06:40:00Z', '2026-11-20T06:41:00Z', '2026-11-20T06:45:00Z')",
    );
    let report = scan(&database);
    let numbers = ["-9223372036854775808", "-1", "0", "1", "9223372036854775806", "9223372036854775807"];
    assert_eq!(report.column("build_num"), numbers);
    // There is no build 0, and none below.
    assert_eq!(report.column("deletable"), ["no", "no", "no", "yes", "yes", "yes"]);
}

#[test]
fn sizes_that_do_not_add_up_in_64_bits_do_not_end_the_scan() {
    let database = plain(
        "INSERT INTO build VALUES (1, NULL, 'acme/api', 1, 'running', NULL, NULL, '2026-11-20T01:50:00Z', NULL),
                                  (2, NULL, 'acme/api', 2, 'running', NULL, NULL, '2026-11-20T01:50:00Z', NULL);
         INSERT INTO step SELECT 1, n, NULL, NULL, NULL, true, 9223372036854775807, NULL FROM generate_series(1, 3) AS n;
         INSERT INTO chunk SELECT 1, n, 0, 9223372036854775807 FROM generate_series(1, 3) AS n;
         INSERT INTO chunk VALUES (1, '4', -9223372036854775808, 9223372036854775807)",
    );
    assert_eq!(scan(&database).column("build_num"), ["1", "2"]);
}

#[test]
fn keys_of_text_with_quotes_and_line_ends() {
    let database = plain(
        "ALTER TABLE build ALTER build_key TYPE text; ALTER TABLE step ALTER build_key TYPE text;
         ALTER TABLE chunk ALTER build_key TYPE text;
         INSERT INTO build SELECT key, NULL, 'acme/api', n, 'running', NULL, NULL, '2026-11-20T01:50:00Z', NULL
           FROM (VALUES (1, ''), (2, 'it''s'), (3, E'two\\nlines'), (4, 'a;b'), (5, 'A'), (6, 'a')) AS key (n, key);
         INSERT INTO step SELECT build_key, build_key, NULL, NULL, NULL, true, build_num, NULL FROM build;
         INSERT INTO chunk SELECT build_key, build_key, 0, build_num FROM build",
    );
    let report = scan(&database);
    assert_eq!(report.column("build_num"), ["1", "2", "3", "4", "5", "6"]);
    for column in ["output_expected", "output_stored"] {
        assert_eq!(report.column(column), ["1", "2", "3", "4", "5", "6"], "{column}");
    }
    assert_eq!(report.count("steps", "1"), 6);
}

#[test]
fn no_index_makes_a_difference() {
    let faults =
        ["stuck-running", "closed-after-restore", "output-truncated", "output-gap", "output-missing", "hostile"];
    let database = TestDatabase::circleci(&[&["healthy"], &faults[..]].concat());
    let scan = || {
        let done = halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
        Report::parse(&done.stdout)
    };
    let before = scan();
    database.run(
        "DO $$ DECLARE name regclass; BEGIN
             ALTER TABLE steps DROP CONSTRAINT steps_pkey CASCADE; ALTER TABLE actions DROP CONSTRAINT actions_pkey CASCADE;
             ALTER TABLE builds DROP CONSTRAINT builds_pkey CASCADE; ALTER TABLE builds DROP CONSTRAINT builds_number;
             ALTER TABLE output DROP CONSTRAINT output_pkey; ALTER TABLE artifacts DROP CONSTRAINT artifacts_pkey;
             FOR name IN SELECT indexrelid::regclass FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
                          WHERE relnamespace = 'public'::regnamespace LOOP
                 EXECUTE format('DROP INDEX %s', name);
             END LOOP;
         END $$",
    );
    assert_eq!(database.run("SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'"), "0");
    assert_eq!(scan(), before);
    assert!(before.rows.len() >= expected_report("output-gap").rows.len());
}

/// So much of a text is enough to know it by, whatever a database holds.
#[test]
fn a_text_without_measure_does_not_cross_the_wire() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let (folder, before) = scanned(&database);
    let few = deletable(&Report::read(&before));
    let list = few.iter().map(|url| format!("'{url}'")).collect::<Vec<_>>().join(", ");
    // 25 MB each.
    database
        .run(&format!("UPDATE builds SET status = repeat('long ', 5000000) || build_id WHERE build_url IN ({list})"));
    let memory = "ulimit -v 300000";
    let report = folder.path().join("long.csv");
    halfbuilt(&["scan", "-o"]).args(&[&report]).args(&TIMES).on(&database).under(memory).run().exits(Exit::Clean);
    let found = Report::read(&report);
    let long: Vec<_> = found.rows.iter().filter(|row| few.contains(&row["build_url"])).collect();
    assert_eq!(long.len(), few.len());
    for row in &long {
        let status = &row["status"];
        assert!(status.starts_with("long long ") && status.len() < 400, "{status}");
        assert!(status.contains("... (25000006 bytes, SHA-256 "), "{status}");
    }
    let different: std::collections::BTreeSet<_> = long.iter().map(|row| &row["status"]).collect();
    assert_eq!(different.len(), few.len(), "the end counts too");
    // A change at the very end is one.
    database.run(&format!("UPDATE builds SET status = status || '!' WHERE build_url = '{}'", few[0]));
    let confirmed = ["--execute", "--confirm", &database.host, "--max-percent", "100"];
    let delete = halfbuilt(&["delete"]).args(&[&report]).args(&TIMES).args(&confirmed).on(&database);
    let done = delete.via_nrepl(&admin(&database)).under(memory).run().exits(Exit::NotAllDeleted);
    let results = Report::parse(&done.stdout);
    let of_first = results.rows.iter().find(|row| row["build_url"] == few[0]).expect("a row");
    assert_eq!(of_first["state"], "changed");
    assert_eq!(results.count("state", "deleted"), few.len() - 1);
}

/// What is left of an address is none.
#[test]
fn an_address_without_measure_is_never_matched_by_its_beginning() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let (folder, before) = scanned(&database);
    let url = deletable(&Report::read(&before))[0].clone();
    // A query is left out of an address, wherever it is cut.
    database
        .run(&format!("UPDATE builds SET build_url = build_url || '?' || repeat('q', 5000) WHERE build_url = '{url}'"));
    let report = folder.path().join("long.csv");
    halfbuilt(&["scan", "-o"]).args(&[&report]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    let found = Report::read(&report);
    let row = found.rows.iter().find(|row| row["build_url"].starts_with("cut: ")).expect("a row");
    assert_eq!(row["deletable"], "no", "{row:?}");
    assert!(row["build_url"].contains(&format!("cut: {url}?qqq")), "{row:?}");
    let whole = format!("{url}?{}", "q".repeat(5000));
    for (text, exit, said) in [
        (whole, Exit::Failed, "it has more than 4096 bytes"),
        (row["build_url"].clone(), Exit::Failed, "is not a report that can be acted on"),
        (url, Exit::NothingInScope, "the database knows this build as cut: "),
    ] {
        let confirmed = ["--execute", "--confirm", &database.host, "--max-percent", "100"];
        let delete = halfbuilt(&["delete", "-"]).args(&TIMES).args(&confirmed).on(&database).input(&text);
        delete.via_nrepl(&admin(&database)).run().exits(exit).says(said);
    }
    let left = database.run("SELECT count(*) FROM builds WHERE octet_length(build_url) > 5000");
    assert_eq!(left.trim(), "1");
}
