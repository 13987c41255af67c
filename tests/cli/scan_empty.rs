//! Relations that came back empty: as a whole, for one project, or for one stretch of time.

use halfbuilt::exit::Exit;

use crate::support::{Done, NOBODY, Report, TIMES, TestDatabase, halfbuilt};

/// The builds of healthy.sql that follow a pattern: one every 40 minutes, and each with steps and output but for a few.
const PATTERN: &str = "build_id BETWEEN 100001 AND 100300";
/// Builds since the restore, as sound as those before.
const NEW_BUILDS: &str = "INSERT INTO builds (build_id, vcs_type, username, reponame, build_num, build_url, lifecycle, outcome, status, queued_at, start_time, stop_time)
    OVERRIDING SYSTEM VALUE
    SELECT 700000 + n, 'github', 'acme', 'api', 7000 + n, 'https://ci.acme.example/gh/acme/api/' || 7000 + n, 'finished', 'success', 'success', at, at, at + interval '8 min'
      FROM generate_series(1, 20) AS n, LATERAL (SELECT timestamptz '2026-11-20T07:00Z' + n * interval '10 min') AS t (at);
    INSERT INTO steps SELECT build_id, 0, 'test' FROM builds WHERE build_id BETWEEN 700001 AND 700020;
    INSERT INTO actions (build_id, step, index, status, start_time, end_time, has_output, output_size)
    SELECT build_id, 0, 0, 'success', start_time, stop_time, true, 4 FROM builds WHERE build_id BETWEEN 700001 AND 700020;
    INSERT INTO output (build_id, step, index, first_byte, type, time, message) SELECT build_id, 0, 0, 0, 'out', start_time, 'good' FROM builds WHERE build_id BETWEEN 700001 AND 700020";

fn healthy(damage: &str) -> TestDatabase {
    let database = TestDatabase::circleci(&["healthy"]);
    database.run(damage);
    database
}

fn verify(database: &TestDatabase, more: &[&str]) -> Done {
    halfbuilt(&["verify"]).args(&TIMES).args(more).on(database).run()
}

fn scan(database: &TestDatabase, more: &[&str]) -> (Report, Done) {
    let done = halfbuilt(&["scan"]).args(&TIMES).args(more).on(database).run().exits(Exit::Clean);
    (Report::parse(&done.stdout), done)
}

/// The rows in which the rule fired.
fn lost(report: &Report) -> Vec<&std::collections::BTreeMap<String, String>> {
    report.rows.iter().filter(|row| row["reasons"].split(';').any(|rule| rule == "relation-empty")).collect()
}

#[test]
fn a_database_without_a_step_is_not_clean() {
    let database = healthy("TRUNCATE steps CASCADE");
    let done = verify(&database, &[]).exits(Exit::Found);
    let done = done.says("warning: no step at all is on record: was this table restored?");
    let done = done.says("warning: no piece of output is stored at all: was this table restored?");
    done.says("relation-empty 2)").says("not checked: step-unfinished,").does_not_say("clean");
    verify(&database, &["--allow", "relation-empty=1"]).exits(Exit::Found);
    verify(&database, &["--allow", "relation-empty=2"]).exits(Exit::Clean).says("no more than allowed");
    let (report, done) = scan(&database, &[]);
    assert_eq!(report.rows.len(), 0);
    done.says("orphan-step: no step at all is on record: was this table restored?");
    // A rule that reads builds only is checked as ever, and says nothing of what it does not read.
    let (_, done) = scan(&database, &["--rule", "stuck-running"]);
    done.does_not_say("restored?");
}

#[test]
fn without_any_output_nothing_is_deletable_because_of_output() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running", "step-unfinished"]);
    let (before, _) = scan(&database, &[]);
    database.run("TRUNCATE output");
    // What the restored server has written since hides nothing.
    for new in ["SELECT", NEW_BUILDS] {
        database.run(new);
        verify(&database, &[]).exits(Exit::Found).says("warning: no piece of output");
        for flags in [&[][..], &["--rule", "output-missing"]] {
            let (report, _) = scan(&database, flags);
            let missing = report.rows.iter().filter(|row| row["reasons"].contains("output-missing"));
            assert!(missing.clone().count() > 290);
            let deletable: Vec<_> =
                missing.filter(|row| row["deletable"] == "yes").map(|row| &row["reasons"]).collect();
            // These do not read output.
            let others = |reasons: &&&String| {
                !["stuck-running", "step-unfinished", "impossible-state"].iter().any(|rule| reasons.contains(rule))
            };
            assert_eq!(deletable.iter().filter(others).count(), 0, "{deletable:?}");
        }
        // What is cut is cut, whatever came back of its output.
        let (report, _) = scan(&database, &[]);
        for row in before.rows.iter().filter(|row| row["deletable"] == "yes") {
            let now = report.row(&row["project"], &row["build_num"]);
            assert_eq!(now["deletable"], "yes", "{now:?}");
        }
    }
    let (report, done) = scan(&database, &[]);
    done.says("warning: no piece of output is stored of 308 builds from before the backup: was this table restored?");
    let note = &report.row("acme/api", "2")["note"];
    assert!(note.starts_with("no piece of output is stored of 308"), "{note}");
}

#[test]
fn tables_without_their_builds_are_not_restored() {
    let database = healthy("SET session_replication_role = replica; TRUNCATE artifacts; DELETE FROM builds");
    let done = verify(&database, &[]).exits(Exit::Found);
    done.says("no build at all is on record, though steps or output are: was this table restored?");
}

#[test]
fn a_project_that_lost_its_steps_is_shown_and_kept() {
    let database = healthy("DELETE FROM steps WHERE build_id IN (SELECT build_id FROM builds WHERE reponame = 'web')");
    verify(&database, &[]).exits(Exit::Found).says("relation-empty 4");
    let (report, _) = scan(&database, &[]);
    let found = lost(&report);
    assert!(found.len() > 40, "{}", found.len());
    for row in found {
        assert_eq!((&*row["project"], &*row["deletable"]), ("acme/web", "no"), "{row:?}");
        assert_eq!(row["evidence"], "no step is on record, as in no other build of its project");
    }
    // All builds are asked, whatever is in scope.
    let (of_one, _) = scan(&database, &["--project", "acme/web"]);
    assert_eq!(lost(&of_one).len(), lost(&report).len());
    let (of_another, _) = scan(&database, &["--project", "acme/api"]);
    assert_eq!(of_another.rows.len(), 0);
}

#[test]
fn a_project_that_lost_its_output_is_shown_and_kept() {
    let database = healthy("DELETE FROM output WHERE build_id IN (SELECT build_id FROM builds WHERE reponame = 'web')");
    for flags in [&[][..], &["--rule", "output-missing"], &["--project", "*/web"]] {
        let (report, _) = scan(&database, flags);
        let missing: Vec<_> = report.rows.iter().filter(|row| row["reasons"].contains("output-missing")).collect();
        assert!(missing.len() > 40, "{flags:?}");
        assert_eq!(missing.iter().filter(|row| row["deletable"] == "yes").count(), 0, "{flags:?}");
    }
    let (report, _) = scan(&database, &[]);
    let row = report.row("acme/web", "3");
    assert!(row["evidence"].ends_with("no piece of output is stored, as in no other build of its project"), "{row:?}");
    assert_eq!(row["note"], "what it lacks is lost of other builds too (relation-empty): was it restored?");
    // A delete by addresses, without a report, sees the same.
    let list = row["build_url"].clone() + "\n";
    let done =
        halfbuilt(&["delete", "-"]).args(&TIMES).args(&NOBODY).args(&["-o", "-"]).input(&list).on(&database).run();
    assert!(done.stdout.contains("what it lacks is lost of other builds too"), "{done:?}");
}

#[test]
fn a_stretch_of_time_that_lost_its_rows_is_shown_and_kept() {
    for table in ["steps", "output"] {
        let range = format!("DELETE FROM {table} WHERE build_id BETWEEN 100100 AND 100140");
        let database = healthy(&range);
        verify(&database, &[]).exits(Exit::Found).says("relation-empty");
        let (report, _) = scan(&database, &[]);
        let found = lost(&report);
        assert!((35..=41).contains(&found.len()), "{table}: {}", found.len());
        assert_eq!(report.count("deletable", "yes"), 0, "{table}");
        assert!(found.iter().all(|row| row["evidence"].contains(", as in none of ")), "{found:?}");
    }
    // A single build with rows in the midst of it makes two stretches of one.
    let database = healthy("DELETE FROM output WHERE build_id BETWEEN 100102 AND 100118 AND build_id <> 100110");
    let (report, _) = scan(&database, &[]);
    assert_eq!(lost(&report).len(), 0, "two of fewer than ten");
    assert!(report.count("deletable", "yes") > 10);
}

#[test]
fn what_is_lost_just_before_the_backup_is_no_retention() {
    for (until, is_lost) in [("2026-11-18T22:00Z", false), ("2026-11-20T01:00Z", true)] {
        let database = healthy(&format!(
            "DELETE FROM output WHERE build_id IN (SELECT build_id FROM builds WHERE stop_time < '{until}')"
        ));
        let (report, _) = scan(&database, &[]);
        assert_eq!((lost(&report).len() > 200, report.rows.is_empty()), (is_lost, !is_lost), "{until}");
        assert_eq!(report.count("deletable", "yes"), 0, "{until}");
    }
}

#[test]
fn what_the_ci_expires_by_age_is_said_once_and_no_finding() {
    for table in ["steps", "output"] {
        let database = healthy(&format!(
            "DELETE FROM {table} WHERE build_id IN (SELECT build_id FROM builds WHERE stop_time < '2026-11-15T00:00Z')"
        ));
        let done = verify(&database, &[]).exits(Exit::Clean).says("verdict: clean");
        done.says(&format!("{table} {} kept since 2026-11-1", if table == "steps" { "are" } else { "is" }))
            .says("by this CI's own retention?");
    }
    // Fewer than ten builds are none.
    let database = healthy("DELETE FROM output WHERE build_id < 100009");
    let (report, done) = scan(&database, &[]);
    done.does_not_say("retention");
    assert!(report.count("deletable", "yes") > 3);
}

#[test]
fn a_success_that_ran_for_minutes_and_has_no_step_is_shown() {
    let database = healthy("DELETE FROM steps WHERE build_id = 100170");
    verify(&database, &[]).exits(Exit::Found).says("(relation-empty 1)");
    let (report, _) = scan(&database, &[]);
    assert_eq!(report.rows.len(), 1);
    let row = &report.rows[0];
    assert_eq!((&*row["deletable"], &*row["timing"]), ("no", "ended"));
    assert!(row["evidence"].starts_with("no step is on record, though it ran for "), "{row:?}");
    assert!(row["evidence"].ends_with("most builds of status \"success\" have some"), "{row:?}");
    assert_eq!(row["note"], "relation-empty never makes a build deletable");
}

#[test]
fn builds_that_have_no_steps_by_habit_are_sound() {
    let database = healthy(
        "DELETE FROM steps WHERE build_id IN (SELECT build_id FROM builds WHERE status = 'infrastructure_fail')",
    );
    verify(&database, &[]).exits(Exit::Clean).says("verdict: clean");
    // Many of them in a row, as in an outage.
    database.run(&format!("DELETE FROM steps WHERE build_id BETWEEN 100100 AND 100112; UPDATE builds SET status = 'infrastructure_fail' WHERE build_id BETWEEN 100100 AND 100112 AND {PATTERN}"));
    verify(&database, &[]).exits(Exit::Clean).says("verdict: clean");
}

#[test]
fn the_fixtures_lost_no_relation() {
    let faults = [
        "healthy",
        "stuck-running",
        "closed-after-restore",
        "stuck-queued",
        "step-unfinished",
        "output-truncated",
        "output-gap",
        "output-missing",
        "orphan-step",
        "orphan-output",
        "duplicate-number",
        "impossible-times",
    ];
    let (report, _) = scan(&TestDatabase::circleci(&faults), &[]);
    assert_eq!(lost(&report).len(), 0);
}
