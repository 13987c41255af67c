//! Databases of which a part cannot be read: what can be read is reported, and what cannot is named.

use std::collections::BTreeSet;

use halfbuilt::exit::Exit;

use crate::support::{Done, NOBODY, Report, Run, TIMES, TestDatabase, halfbuilt};

/// A page of the actions, in the middle of the healthy history.
const A_PAGE: u64 = 10;
/// The rules that read no step and no output, but for signs of life.
const OF_BUILDS: [&str; 5] =
    ["stuck-running", "closed-after-restore", "stuck-queued", "impossible-state", "duplicate-number"];

fn sound() -> TestDatabase {
    TestDatabase::circleci(&["healthy", "stuck-running", "output-gap", "duplicate-number"])
}

fn scan(database: &TestDatabase, rules: &[&str]) -> Run {
    let rules: Vec<&str> = rules.iter().flat_map(|rule| ["--rule", rule]).collect();
    halfbuilt(&["scan"]).args(&TIMES).args(&rules).on(database)
}

/// A report as it would be of any copy of the database.
fn report(done: &Done) -> Report {
    Report::parse(&done.stdout).without_fingerprints()
}

/// The report of the same database while it was whole.
fn whole(rules: &[&str]) -> Report {
    report(&scan(&sound(), rules).run().exits(Exit::Clean))
}

/// The rows of a report that one of these rules found, with the reasons of these rules alone.
fn found_by(of: &Report, rules: &[&str]) -> BTreeSet<(String, String, String)> {
    let rows = of.rows.iter().map(|row| {
        let reasons: Vec<&str> = row["reasons"].split(';').filter(|reason| rules.contains(reason)).collect();
        (row["build_url"].clone(), reasons.join(";"), row["timing"].clone())
    });
    rows.filter(|(_, reasons, _)| !reasons.is_empty()).collect()
}

/// Case 19 of the public reports: the builds are there, and a page of their steps is not.
#[test]
fn a_damaged_page_of_the_steps_hides_no_build_that_shows_as_running() {
    let database = sound().with_a_damaged_page("actions", A_PAGE);
    let one = scan(&database, &["stuck-running"]).run().exits(Exit::Clean);
    assert_eq!(report(&one), whole(&["stuck-running"]));
    one.says("relation step: invalid page in block 10 of relation base/");
    let all = scan(&database, &[]).run().exits(Exit::Failed);
    assert_eq!(found_by(&report(&all), &OF_BUILDS), found_by(&whole(&[]), &OF_BUILDS));
    assert!(found_by(&report(&all), &["output-gap", "step-unfinished"]).is_empty());
    let all = all.says("could not look at").says("output-gap").says("invalid page in block 10");
    all.says("zero_damaged_pages").says("--rule stuck-running");
}

/// Signs of life that stand on the damaged page are not known, and what may be alive is kept.
#[test]
fn a_build_whose_own_steps_are_on_the_damaged_page_is_reported_and_kept() {
    let sound = sound();
    // Each on a page of its own.
    sound.run(
        "ALTER TABLE actions ALTER bash_command SET STORAGE PLAIN; \
         UPDATE actions SET bash_command = repeat('x', 7000) FROM builds WHERE actions.build_id = builds.build_id AND build_num = 9101",
    );
    let place = "SELECT max((actions.ctid::text::point)[0]::bigint) FROM actions, builds WHERE actions.build_id = builds.build_id AND build_num = 9101";
    let page = sound.run(place).parse().expect("a page");
    let database = sound.with_a_damaged_page("actions", page);
    let found = report(&scan(&database, &["stuck-running"]).run().exits(Exit::Clean));
    let row = found.row("acme/api", "9101");
    assert_eq!([&row["deletable"], &row["steps"], &row["output_stored"]], ["no", "", ""]);
    assert_eq!(row["note"], "its steps or its output cannot be read: it may be alive");
    // Of what started later, and whose steps are on that page too, nobody knows whether it is silent.
    let builds = |of: &Report| of.column("build_url").into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    assert!(builds(&found).is_superset(&builds(&whole(&["stuck-running"]))));
    for row in found.rows.iter().filter(|row| row["steps"].is_empty()) {
        assert_eq!(row["deletable"], "no", "{row:?}");
    }
    assert!(found.count("deletable", "yes") > 3, "{found:#?}");
}

/// The sums read the index alone; the rules then read the pieces themselves.
#[test]
fn a_damaged_page_of_the_output_leaves_steps_and_builds_checked() {
    let sound = TestDatabase::circleci(&["healthy", "stuck-running", "step-unfinished"]);
    let before = report(&scan(&sound, &["stuck-running", "step-unfinished"]).run().exits(Exit::Clean));
    let database = sound.with_a_damaged_page("output", 3);
    let done = scan(&database, &[]).run().exits(Exit::Failed).says("relation chunk");
    let rules = ["stuck-running", "step-unfinished"];
    assert_eq!(found_by(&report(&done), &rules), found_by(&before, &rules));
}

/// An index that cannot be read is no reason to see less: the tables have it all. With statistics, the server looks at the ends of an index
/// even for a plan that does not use it.
#[test]
fn a_damaged_index_hides_nothing_and_is_said() {
    let sound = sound();
    sound.run("VACUUM ANALYZE");
    let whole = whole(&[]);
    for index in ["builds_pkey", "builds_build_num", "actions_pkey", "steps_pkey", "output_place"] {
        let database = sound.with_a_damaged_page(index, 1);
        let done = scan(&database, &[]).run().exits(Exit::Clean);
        assert_eq!(report(&done), whole, "{index}");
        let is_used = done.stderr.contains("warning: an index cannot be read: invalid page in block 1 of relation");
        assert_eq!(is_used, done.stderr.contains("indexes: invalid page"), "{index}: {}", done.stderr);
        assert!(!is_used || done.stderr.contains(", of index public."), "{index}: {}", done.stderr);
        let verdict = halfbuilt(&["verify"]).args(&TIMES).on(&database).run();
        verdict.does_not_say("verdict: clean");
        if index == "output_place" {
            assert!(is_used, "{}", done.stderr);
        }
    }
}

/// Without builds there is nothing to report.
#[test]
fn a_damaged_page_of_the_builds_is_one_clear_error() {
    let database = sound().with_a_damaged_page("builds", 2);
    let done = scan(&database, &[]).run().exits(Exit::Failed);
    done.fails_with("relation build cannot be read: damaged is table public.builds")
        .says("invalid page in block 2")
        .says("pg_amcheck");
}

/// The first page of an index is read whatever is asked of its table: then its name is what an operator needs.
#[test]
fn a_damaged_index_that_hides_its_table_is_named() {
    let database = sound().with_a_damaged_page("builds_start_time", 0);
    let done = scan(&database, &[]).run().exits(Exit::Failed);
    done.fails_with("relation build cannot be read: damaged is index public.builds_start_time of table public.builds");
    let database = sound().with_a_damaged_page("output_pkey", 0);
    let done = scan(&database, &[]).run().exits(Exit::Failed);
    done.says("of index public.output_pkey of table public.output");
}

/// A file of a table is gone, as where a table space was not backed up.
#[test]
fn a_table_whose_file_is_missing_leaves_the_rest_checked() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    let before = report(&scan(&database, &["stuck-running"]).run().exits(Exit::Clean));
    let database = database.without_the_file_of("output");
    let done =
        scan(&database, &[]).run().exits(Exit::Failed).says("relation chunk cannot be read: could not open file");
    let found = report(&done);
    // Without the times of output nobody knows which of them was silent at the backup.
    let builds = |of: &Report| -> BTreeSet<String> {
        found_by(of, &["stuck-running"]).into_iter().map(|(url, ..)| url).collect()
    };
    assert_eq!(builds(&found), builds(&before));
    assert_eq!((found.count("deletable", "yes"), found.count("timing", "stale")), (0, 0));
    done.says("step-unfinished").says("--rule stuck-running");
}

/// A restore that did not refresh what it has to: the view is there, and cannot be read.
#[test]
fn a_materialized_view_without_data_leaves_the_rest_checked() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    let before = report(&scan(&database, &["stuck-running"]).run().exits(Exit::Clean));
    database.run(
        "ALTER TABLE output RENAME TO pieces; CREATE MATERIALIZED VIEW output AS SELECT * FROM pieces WITH NO DATA",
    );
    let done = scan(&database, &[]).run().exits(Exit::Failed);
    let found =
        report(&done.says("relation chunk cannot be read: materialized view \"output\" has not been populated"));
    let builds = |of: &Report| -> BTreeSet<String> {
        found_by(of, &["stuck-running"]).into_iter().map(|(url, ..)| url).collect()
    };
    assert_eq!(builds(&found), builds(&before));
    assert_eq!(found.count("deletable", "yes"), 0);
}

/// A rule of one's own that fails on a value hides nothing that the others find.
#[test]
fn a_rule_that_fails_alone_is_left_out_alone() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    let folder = tempfile::tempdir().expect("a folder");
    let rule = "-- rule: by-zero\n-- title: t\n-- needs: build\n\
                SELECT build_key, 'x' AS evidence FROM build WHERE 1 / (build_num - 9101) > 5;\n";
    std::fs::write(folder.path().join("by-zero.sql"), rule).expect("a file");
    let run = halfbuilt(&["scan", "--rules"]).args(&[folder.path()]).args(&TIMES).on(&database);
    let done = run.run().exits(Exit::Failed).says("could not look at by-zero: division by zero");
    let done = done.does_not_say("index");
    let without = report(&scan(&database, &[]).run().exits(Exit::Clean));
    assert_eq!(report(&done), without);
}

#[test]
fn the_verdict_on_a_damaged_database_says_what_could_not_be_looked_at() {
    let database = TestDatabase::circleci(&["healthy"]).with_a_damaged_page("actions", A_PAGE);
    let folder = tempfile::tempdir().expect("a folder");
    let [junit, json, report] = ["v.xml", "v.json", "r.csv"].map(|name| folder.path().join(name));
    let run = halfbuilt(&["verify", "--junit"]).args(&[&junit]).args(&["--json"]).args(&[&json]).args(&["-o"]);
    let done = run.args(&[&report]).args(&TIMES).on(&database).run().exits(Exit::Failed);
    done.says("verdict: could not look at times-contradicted, step-unfinished")
        .says("as far as it could be read, none of 326 builds is abnormal");
    let junit = std::fs::read_to_string(junit).expect("JUnit");
    let case = |name: &str| {
        let from = junit.find(&format!("name=\"{name}\"")).unwrap_or_else(|| panic!("{name}: {junit}"));
        let rest = &junit[from..];
        rest[..rest[1..].find("<testcase").unwrap_or(rest.len() - 1)].to_owned()
    };
    for name in ["output-gap", "step", "times-contradicted"] {
        assert!(case(name).contains("type=\"could-not-look\""), "{name}: {junit}");
    }
    assert!(!case("stuck-running").contains("<error"), "{junit}");
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(json).expect("JSON")).expect("JSON");
    assert_eq!((json["verdict"].as_str(), json["exit_code"].as_u64()), (Some("could-not-look"), Some(3)));
    let check = |name: &str| {
        json["checks"].as_array().expect("checks").iter().find(|check| check["name"] == name).expect(name).clone()
    };
    assert_eq!([&check("output-gap")["failed"], &check("stuck-running")["failed"]], [true, false]);
    assert!(Report::read(&report).rows.is_empty());
}

/// What was found in a database that is damaged elsewhere can be deleted, and what cannot be read again is kept.
#[test]
fn delete_goes_by_what_can_be_read() {
    let sound = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let database = sound.with_a_damaged_page("actions", A_PAGE);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.csv");
    halfbuilt(&["scan", "-o"]).args(&[&path]).args(&TIMES).on(&database).run().exits(Exit::Failed);
    let run =
        halfbuilt(&["delete"]).args(&[&path]).args(&TIMES).args(&NOBODY).args(&["--max-percent", "100", "-o", "-"]);
    let done = run.on(&database).run().exits(Exit::Clean);
    let plan = Report::parse(&done.stdout);
    assert_eq!(plan.count("decision", "delete"), 11, "{}\n{}", done.stderr, done.stdout);
}

/// Pages that a repair has emptied: the indexes still vouch for what was on them, and a verdict must not believe them.
#[test]
fn a_verdict_goes_by_the_tables_where_indexes_vouch_for_rows_that_are_lost() {
    let sound = TestDatabase::circleci(&["healthy"]);
    sound.run("VACUUM (ANALYZE)");
    for (table, page) in [("builds", 3), ("output", 20), ("actions", A_PAGE)] {
        let database = sound.with_an_empty_page(table, page);
        let done = halfbuilt(&["verify"]).args(&TIMES).on(&database).run().exits(Exit::Found);
        done.says("verdict: failed");
    }
}

/// An index that lacks entries gives no error: what seems to be lost is there, and is not deleted.
#[test]
fn a_build_that_only_an_index_does_not_show_whole_is_not_deleted() {
    let database = TestDatabase::circleci_on_own_host(&["healthy"]);
    let ready = |ready: bool| {
        database.run(&format!("UPDATE pg_index SET indisready = {ready} WHERE indexrelid = 'output_place'::regclass"));
    };
    ready(false);
    database.run(
        "CREATE TABLE again AS SELECT * FROM output WHERE build_id = 200004 AND first_byte > 0;
         DELETE FROM output WHERE build_id = 200004 AND first_byte > 0;
         INSERT INTO output (build_id, step, index, first_byte, type, time, message)
         SELECT build_id, step, index, first_byte, type, time, message FROM again",
    );
    ready(true);
    database.run("VACUUM (ANALYZE) output");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.csv");
    let by_index = "-c enable_seqscan=off -c enable_bitmapscan=off";
    let scan = halfbuilt(&["scan", "-o"]).args(&[&path]).args(&TIMES).on(&database).env("PGOPTIONS", by_index);
    scan.run().exits(Exit::Clean);
    let found = Report::read(&path);
    assert_eq!((found.rows.len(), found.column("deletable")), (1, vec!["yes"]), "{found:#?}");
    let delete =
        halfbuilt(&["delete"]).args(&[&path]).args(&TIMES).args(&NOBODY).args(&["--max-percent", "100", "-o", "-"]);
    let done = delete.on(&database).env("PGOPTIONS", by_index).run().exits(Exit::NothingInScope);
    assert_eq!(Report::parse(&done.stdout).column("decision"), ["keep"], "{}", done.stderr);
}
