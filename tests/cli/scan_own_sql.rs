//! Profiles and rules of an operator's own, and what is said of faults in them.

use std::path::PathBuf;

use halfbuilt::exit::Exit;
use tempfile::TempDir;

use crate::support::{Report, Run, Seen, TIMES, TestDatabase, halfbuilt, repository};
use crate::what_a_person_sees::{Says, shows};

const BUILD: &str = "-- relation: build
SELECT build_id AS build_key, build_url, username || '/' || reponame AS project, build_num, lifecycle, status,
       queued_at, start_time AS started_at, stop_time AS stopped_at
  FROM :\"schema\".builds";

fn file(name: &str, text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("a file");
    (folder, path)
}

fn scan(profile: &str, database: &TestDatabase) -> (TempDir, Run) {
    let (folder, path) = file("mine.sql", profile);
    (folder, halfbuilt(&["scan", "--profile"]).args(&[path]).args(&TIMES).on(database))
}

/// What is seen of a profile that does not work.
#[track_caller]
fn refused(fault: &str, profile: &str) -> Seen {
    let database = TestDatabase::circleci(&[]);
    let (_folder, run) = scan(profile, &database);
    Seen::of(fault, &run.run().exits(Exit::Failed).fails_with("error: "))
}

#[test]
fn what_a_profile_leaves_out_is_not_checked_and_never_clean() {
    let database = TestDatabase::circleci(&["stuck-running", "output-gap"]);
    let (_folder, run) = scan(&format!("-- profile: mine\n-- title: builds alone\n{BUILD}"), &database);
    let done = run.run().exits(Exit::Clean);
    let report = Report::parse(&done.stdout);
    assert!(!report.rows.is_empty());
    assert!(report.column("reasons").iter().all(|reasons| !reasons.contains("output")));
    for column in ["steps", "steps_unfinished", "output_expected", "output_stored"] {
        assert_eq!(report.count(column, ""), report.rows.len(), "{column}");
    }
    done.says_all_of("scan_own_sql_builds_alone");
}

#[test]
fn keys_of_other_types() {
    let database = TestDatabase::circleci(&["output-gap"]);
    let circleci = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("a file");
    let by_number = halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    for key in ["md5({}.build_id::text)::uuid", "{}.build_id::text", "{}.build_id::numeric"] {
        let mut profile = circleci.clone();
        for table in ["b", "a", "o", "f"] {
            profile = profile
                .replace(&format!("SELECT {table}.build_id  "), &format!("SELECT {}  ", key.replace("{}", table)));
        }
        assert_ne!(profile, circleci);
        let (_folder, run) = scan(&profile, &database);
        let done = run.run().exits(Exit::Clean);
        let parse = |text: &str| Report::parse(text).without_fingerprints();
        assert_eq!(parse(&done.stdout), parse(&by_number.stdout), "{key}");
    }
}

#[test]
fn a_profile_that_is_not_there() {
    let database = TestDatabase::circleci(&[]);
    let run = |name: &str| halfbuilt(&["scan", "--profile", name]).args(&TIMES).on(&database).run();
    let mut seen = Seen::default();
    for (name, exit) in [("circelci", Exit::Usage), ("./nowhere.sql", Exit::Failed)] {
        seen.add(&format!("scan --profile {name}"), &run(name).exits(exit));
    }
    shows(&seen, "scan_own_sql_profile_that_is_not_there");
}

#[test]
fn a_fault_in_its_header_is_named_by_line() {
    let relation = "-- profile: mine\n-- title: t\n-- relation: job\nSELECT 1";
    let seen = refused("an unknown relation", relation).then(refused("no header", "SELECT 1"));
    shows(&seen, "profile_with_a_fault_in_its_header");
}

#[test]
fn a_missing_column_is_named_with_its_relation() {
    let profile = format!("-- profile: mine\n-- title: t\n{}", BUILD.replace("build_num,", ""));
    shows(&refused("no build_num", &profile), "profile_without_a_column");
}

#[test]
fn a_column_of_a_wrong_type_is_named_with_its_relation() {
    let mut seen = Seen::default();
    for column in ["queued_at", "build_num"] {
        let text = BUILD.replace(&format!("{column},"), &format!("{column}::text,"));
        let profile = format!("-- profile: mine\n-- title: t\n{text}");
        seen = seen.then(refused(&format!("{column} is text"), &profile));
    }
    shows(&seen, "profile_with_columns_of_a_wrong_type");
}

#[test]
fn sql_that_the_server_does_not_take_is_named_by_line() {
    let profile = format!("-- profile: mine\n-- title: t\n{}", BUILD.replace(":\"schema\".builds", "bilds"));
    let seen = refused("no such table", &profile);
    let profile = format!("-- profile: mine\n-- title: t\n{}; DELETE FROM builds", BUILD);
    shows(&seen.then(refused("two statements", &profile)), "profile_with_sql_that_does_not_work");
}

#[test]
fn a_profile_cannot_write() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    database.run("CREATE FUNCTION zap() RETURNS bigint LANGUAGE sql AS 'DELETE FROM public.builds; SELECT 1::bigint'");
    let profile =
        format!("-- profile: mine\n-- title: t\n{}", BUILD.replace("build_num,", "public.zap() AS build_num,"));
    let before = database.urls();
    let (_folder, run) = scan(&profile, &database);
    run.run().exits(Exit::Failed).says_all_of("scan_own_sql_profile_that_writes");
    assert_eq!(database.urls(), before);
}

#[test]
fn an_own_rule() {
    let database = TestDatabase::circleci(&["healthy", "output-gap"]);
    let rule = "-- rule: retried\n-- title: the build was retried\n-- needs: build\n\
                SELECT build_key, 'it was retried' AS evidence FROM build WHERE status = 'retried';\n";
    let (folder, _path) = file("retried.sql", rule);
    let folder = folder.path().to_str().expect("a path");
    let run = |more: &[&str]| halfbuilt(&["scan", "--rules", folder]).args(&TIMES).args(more).on(&database).run();
    let report = Report::parse(&run(&["--rule", "retried"]).exits(Exit::Clean).stdout);
    assert!(!report.rows.is_empty());
    assert_eq!(report.count("evidence", "it was retried"), report.rows.len());
    assert_eq!(report.count("status", "retried"), report.rows.len());
}

#[test]
fn a_fault_in_an_own_rule_is_named_by_line() {
    let database = TestDatabase::circleci(&[]);
    let mut seen = Seen::default();
    for (fault, rule) in [
        ("no such column", "-- rule: r\n-- title: t\n-- needs: build\n\nSELECT build_key, evidnce FROM build"),
        ("no evidence", "-- rule: r\n-- title: t\n-- needs: build\nSELECT build_key FROM build"),
        ("a name in capitals", "-- rule: R\n"),
        ("the name of a rule that ships", "-- rule: output-gap\n-- title: t\n-- needs: build\nSELECT 1"),
    ] {
        let (folder, _path) = file("r.sql", rule);
        let folder = folder.path().to_str().expect("a path");
        let done = halfbuilt(&["scan", "--rules", folder]).args(&TIMES).on(&database).run();
        seen.add(fault, &done.exits(Exit::Failed).fails_with("r.sql"));
    }
    shows(&seen, "rules_that_do_not_work");
    let empty = tempfile::tempdir().expect("a folder");
    let done = halfbuilt(&["scan", "--rules"]).args(&[empty.path()]).args(&TIMES).on(&database).run();
    done.exits(Exit::Failed).fails_with("no *.sql file in");
}

#[test]
fn a_rule_sees_one_moment_and_may_not_write() {
    let database = TestDatabase::circleci(&["output-gap"]);
    let rule = "-- rule: session\n-- title: what the session is like\n-- needs: build\n\
                SELECT build_key, concat_ws(', ', current_setting('transaction_isolation'),
                       current_setting('transaction_read_only'), current_setting('TimeZone'),
                       current_setting('application_name'), current_setting('row_security')) AS evidence FROM build";
    let (folder, _path) = file("session.sql", rule);
    let folder = folder.path().to_str().expect("a path");
    let done = halfbuilt(&["scan", "--rule", "session", "--rules", folder]).args(&TIMES).on(&database).run();
    let report = Report::parse(&done.exits(Exit::Clean).stdout);
    assert!(!report.rows.is_empty());
    assert_eq!(report.count("evidence", "repeatable read, on, UTC, halfbuilt, off"), report.rows.len());
}

#[test]
fn a_finding_without_its_build_does_not_vanish() {
    let database = TestDatabase::circleci(&["healthy"]);
    let rule = "-- rule: lost\n-- title: nobody knows the build\n-- needs: build\n\
                SELECT 424242::bigint AS build_key, 'hangs in the air' AS evidence
                 UNION ALL SELECT NULL, 'has no key at all'";
    let (folder, _path) = file("lost.sql", rule);
    let folder = folder.path().to_str().expect("a path");
    let run = |command: &str, more: &[&str]| {
        halfbuilt(&[command, "--rules", folder]).args(&TIMES).args(more).on(&database).run()
    };
    let report = Report::parse(&run("scan", &[]).exits(Exit::Clean).stdout);
    let mut evidence = report.column("evidence");
    evidence.sort_unstable();
    assert_eq!(evidence, ["hangs in the air", "has no key at all"]);
    assert_eq!((report.count("deletable", "no"), report.count("timing", "unknown")), (2, 2));
    run("verify", &[]).exits(Exit::Found).says("lost 2");
    // They belong to no project.
    assert_eq!(Report::parse(&run("scan", &["--project", "acme/*"]).exits(Exit::Clean).stdout).rows, []);
}

#[test]
fn steps_that_do_not_say_whether_they_have_output_are_not_called_clean() {
    let database = TestDatabase::circleci(&["healthy"]);
    database.run("DELETE FROM builds WHERE lifecycle = 'running'");
    let circleci = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("a file");
    let silent = circleci.replace("a.has_output  ", "NULL::boolean").replace("a.output_size  ", "NULL::bigint");
    assert_ne!(silent, circleci);
    let (folder, path) = file("silent.sql", &silent);
    let done = halfbuilt(&["verify", "--profile"]).args(&[path]).args(&TIMES).on(&database).run();
    drop(folder);
    done.exits(Exit::Clean).says_all_of("scan_own_sql_output_of_steps_unsaid");
}

#[test]
fn a_profile_that_gives_a_build_twice_is_refused() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let circleci = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("a file");
    let doubled =
        circleci.replace("  FROM :\"schema\".builds AS b;", "  FROM :\"schema\".builds AS b, generate_series(1, 2);");
    assert_ne!(doubled, circleci);
    let (_folder, run) = scan(&doubled, &database);
    let done = run.run().exits(Exit::Failed);
    done.fails_with("error: ").says_all_of("scan_own_sql_each_build_twice");
}

#[test]
fn a_rule_whose_key_is_of_another_type_is_named() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (folder, _path) = file(
        "own.sql",
        "-- rule: own\n-- title: t\n-- needs: build\nSELECT build_url AS build_key, 'x' AS evidence FROM build;",
    );
    let done = halfbuilt(&["scan", "--rules"]).args(&[folder.path()]).args(&TIMES).on(&database).run();
    done.exits(Exit::Failed).fails_with("error: ").says_all_of("scan_own_sql_rule_with_another_key");
}

#[test]
fn a_lifecycle_that_no_rule_knows_and_a_build_without_times_are_not_clean() {
    let database = TestDatabase::circleci(&["healthy"]);
    let circleci = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("a file");
    let other = circleci.replace("ELSE b.lifecycle END", "WHEN 'finished' THEN 'done' ELSE b.lifecycle END");
    assert_ne!(other, circleci);
    database.run("UPDATE builds SET queued_at = NULL, start_time = NULL WHERE lifecycle = 'running'");
    let (_folder, run) = scan(&other, &database);
    let done = run.run().exits(Exit::Clean);
    done.says_all_of("scan_own_sql_unknown_lifecycle");
}

#[test]
fn an_own_rule_with_a_prefilter_looks_where_it_says_and_nowhere_is_only_where_that_is_known() {
    let database = TestDatabase::circleci(&["healthy", "output-gap"]);
    let folder = tempfile::tempdir().expect("a folder");
    let own = |name: &str, needs: &str, prefilter: &str, sql: &str| {
        // The header has had another name, which is still read.
        let word = if needs.contains("step") { "prefilter" } else { "sieve" };
        let text = format!("-- rule: {name}\n-- title: t\n-- needs: {needs}\n-- {word}: {prefilter}\n{sql};\n");
        std::fs::write(folder.path().join(format!("{name}.sql")), text).expect("a file");
    };
    // It claims never to fire on a whole build, so it sees the others alone.
    own("sees", "build, step", "whole", "SELECT build_key, 'seen' AS evidence FROM build");
    // Files without a build are nothing that steps and output belong to.
    database.run("ALTER TABLE artifacts DROP CONSTRAINT artifacts_build_id_fkey");
    database.run("INSERT INTO artifacts (build_id, path, storage_key) VALUES (987654, 'a', 'b')");
    let lost = "SELECT object.build_key, 'lost ' || object.key AS evidence FROM object \
                WHERE NOT EXISTS (SELECT FROM build WHERE build.build_key = object.build_key)";
    own("lost-file", "build, object", "parents", lost);
    let done =
        halfbuilt(&["scan", "--rules"]).args(&[folder.path()]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    let report = Report::parse(&done.stdout);
    assert_eq!(report.count("reasons", "lost-file"), 1);
    let seen = report.column("reasons").iter().filter(|reasons| reasons.contains("sees")).count();
    let gaps = report.column("reasons").iter().filter(|reasons| reasons.contains("output-gap")).count();
    assert!(gaps > 0 && seen >= gaps && seen < 50, "{seen} of {gaps}");
}
