//! What a CI does by habit is no damage: states, steps and output that it always leaves so.

use halfbuilt::exit::Exit;

use crate::support::{CUT, Ci, LOST, NOBODY, NULL, Report, Seen, TIMES};
use crate::what_a_person_sees::shows;

#[test]
fn what_a_ci_writes_by_habit_is_no_damage_with_or_without_a_word() {
    let ci = Ci::new();
    for number in 101..=110 {
        ci.add(number, "'finished'", NULL, CUT);
    }
    assert_eq!(ci.note(LOST, &[], 101), "most builds without a status are so: a habit of this CI?");
    // Each with a word of its own: then it is a habit of the lifecycle, where most are so.
    ci.database.run("UPDATE ci.build SET status = 'exit ' || build_num WHERE build_num > 100");
    assert_eq!(ci.note(LOST, &[], 101), "", "few of many");
    ci.database.run("UPDATE ci.build SET stopped_at = NULL WHERE build_num <= 40");
    assert_eq!(ci.note(LOST, &[], 101), "most builds that are finished are so: a habit of this CI?");
    let habit = ci.note(LOST, &[], 1);
    assert_eq!(habit, "most builds of status \"success\" are so: a habit of this CI?");
    // It is reported as it was when the run began, and no text of it leaves the cell.
    ci.database.run("UPDATE ci.build SET status = E'evil\\x1b[31m\\nx'");
    assert!(!ci.note(LOST, &[], 1).contains(['\u{1b}', '\n']));
}

/// What a step lacks says nothing where most steps of its name lack it.
#[test]
fn steps_that_never_end_by_habit_are_no_damage() {
    let ci = Ci::new();
    // All of these are whole, output and all.
    ci.database.run(
        "INSERT INTO ci.step SELECT build_key, kind, kind, started_at, CASE WHEN kind <> 'service' THEN stopped_at END, true, 100, true
           FROM ci.build, unnest(ARRAY['lint', 'test', 'service']) AS kind;
         INSERT INTO ci.chunk SELECT build_key, step_key, 0, 100, started_at FROM ci.step",
    );
    let found = ci.scan(LOST, &[]);
    assert_eq!(found.rows.len(), 50);
    let why = "most steps \"service\" never stop: a habit of this CI?; that no end is on record: a habit of this CI?";
    assert!(found.rows.iter().all(|row| row["deletable"] == "no" && row["reasons"].starts_with("step-unfinished")));
    assert_eq!(found.row("acme/api", "1")["note"], why);
    // A step of another name is damage as ever, and so is output that ends early, habit or not.
    ci.database.run(
        "UPDATE ci.step SET stopped_at = NULL WHERE build_key = 7 AND step_key = 'test';
         DELETE FROM ci.chunk WHERE build_key = 8 AND step_key = 'service';
         INSERT INTO ci.chunk VALUES (8, 'service', 0, 50, NULL)",
    );
    assert_eq!([7, 8].map(|number| ci.note(LOST, &[], number)), ["", ""]);
    let kept = ci.scan(LOST, &[]).rows.iter().filter(|row| row["deletable"] == "no").count();
    assert_eq!(kept, 48);
    // None of any name ends: then that of build 7 is nothing special either.
    ci.database.run("UPDATE ci.step SET stopped_at = NULL, name = build_key || step_key");
    assert!(
        ci.note(LOST, &[], 7).starts_with("most builds of status \"success\" leave steps open: a habit of this CI?")
    );
    // Output that is never closed is another habit.
    ci.database.run("UPDATE ci.step SET stopped_at = started_at, output_closed = false, name = NULL");
    assert_eq!(ci.note(LOST, &[], 7), "that no end is on record: a habit of this CI?");
    // What the backup may have cut is no witness: a CI of three builds that it cut has no habit.
    ci.database.run("DELETE FROM ci.build WHERE build_key > 3; UPDATE ci.build SET stopped_at = '2026-11-20T08:00Z'");
    ci.database.run("UPDATE ci.step SET stopped_at = NULL, name = 'service'");
    ci.add(55, "'finished'", "'success'", ["timestamptz '2026-11-20T08:00Z'"; 3]);
    assert_eq!([1, 2, 3].map(|number| ci.note(LOST, &[], number)), ["", "", ""]);
}

/// A habit may go by what became of the build, or by its project, and a step may have a name of its own in each build.
#[test]
fn steps_that_never_end_in_most_builds_of_a_word_or_project_are_no_damage() {
    let ci = Ci::new();
    let step = |name: &str, stopped: &str, builds: &str| {
        ci.database.run(&format!(
            "INSERT INTO ci.step SELECT build_key, '0', {name}, started_at, {stopped}, true, 100, true FROM ci.build WHERE {builds};
             INSERT INTO ci.chunk SELECT build_key, step_key, 0, 100, started_at FROM ci.step WHERE build_key NOT IN (SELECT build_key FROM ci.chunk)"
        ));
    };
    step("'test'", "stopped_at", "build_key > 8");
    step("'test'", "NULL", "build_key <= 8");
    let kept = || ci.scan(LOST, &[]).rows.iter().filter(|row| row["deletable"] == "no").count();
    assert_eq!(kept(), 0, "a few of many");
    ci.database.run("UPDATE ci.build SET status = 'canceled' WHERE build_key <= 8");
    assert_eq!(kept(), 8);
    // What was skipped never had a step to leave open.
    ci.database.run("INSERT INTO ci.build SELECT 200 + n, NULL, 'acme/api', 200 + n, 'not_run', 'canceled', '2026-11-19T00:00Z', NULL, NULL FROM generate_series(1, 20) AS n");
    assert_eq!(kept(), 8);
    let note = ci.note(LOST, &[], 1);
    assert!(note.starts_with("most builds of status \"canceled\" leave steps open: a habit of this CI?"), "{note}");
    ci.database.run("UPDATE ci.build SET status = 'success'");
    ci.database.run("UPDATE ci.build SET project = 'acme/web', build_url = NULL WHERE build_key <= 8");
    let report = ci.scan(LOST, &[]);
    assert!(report.row("acme/web", "1")["note"].contains("most builds of its project leave steps open"));
    ci.database.run(
        "UPDATE ci.build SET project = 'acme/api', build_url = 'https://ci.acme.example/gh/acme/api/' || build_num",
    );
    assert_eq!(kept(), 0);
    // Each build has one that ends, and one with a name of its own that does not.
    ci.database.run("UPDATE ci.step SET stopped_at = started_at");
    ci.database.run("INSERT INTO ci.step SELECT build_key, '1', 'background ' || build_key, started_at, NULL, false, NULL, NULL FROM ci.build");
    assert_eq!(kept(), 50);
    // More than ten names, each of them a habit by itself.
    ci.database.run("UPDATE ci.step SET name = 'background ' || build_key % 12 WHERE step_key = '1'");
    assert_eq!(kept(), 50);
    assert!(ci.note(LOST, &[], 1).starts_with("most steps \"background 1\" never stop"));
    // Two spellings are two names, under any collation.
    ci.database.run(
        "CREATE COLLATION ci.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         ALTER TABLE ci.step ALTER name TYPE text COLLATE ci.loose;
         UPDATE ci.step SET name = CASE build_key % 2 WHEN 0 THEN 'Service' ELSE 'service' END WHERE step_key = '1'",
    );
    assert_eq!(kept(), 50);
}

#[test]
fn a_delete_knows_the_habits_of_steps_as_well() {
    let ci = Ci::new();
    ci.database.run(
        "INSERT INTO ci.step SELECT build_key, '0', 'service', started_at, NULL, true, 100, true FROM ci.build;
         INSERT INTO ci.chunk SELECT build_key, '0', 0, 100, started_at FROM ci.step",
    );
    let report = ci.folder.path().join("report.csv");
    ci.run(&["scan"], LOST, &[&["-o", report.to_str().expect("a path")], &TIMES[..]].concat()).exits(Exit::Clean);
    // Somebody edits the report.
    let text = std::fs::read_to_string(&report).expect("a report");
    std::fs::write(&report, text.replace(",no,", ",yes,")).expect("a file");
    let flags = [&NOBODY[..], &["--max-percent", "100", "-o", "-"]].concat();
    let done = ci.run(&["delete", report.to_str().expect("a path")], LOST, &flags);
    let rows = Report::parse(&done.exits(Exit::NothingInScope).stdout).rows;
    assert!(rows.len() == 50 && rows.iter().all(|row| row["decision"] == "keep"), "{rows:?}");
}

/// A step that never began has no output that could be cut.
#[test]
fn output_that_was_never_begun_is_not_cut() {
    let ci = Ci::new();
    let over = ["timestamptz '2026-11-19T01:00Z'", NULL, "timestamptz '2026-11-19T01:05Z'"];
    ci.add(101, "'not_run'", "'skipped'", over);
    ci.database.run(
        "INSERT INTO ci.step VALUES (101, '0', 'test', NULL, NULL, false, NULL, false), (7, '0', 'test', NULL, NULL, false, NULL, false)",
    );
    let mut seen = Seen::default();
    seen.add("verify: a build without output", &ci.run(&["verify"], LOST, &TIMES).exits(Exit::Clean));
    for shows in [
        "has_output = true",
        "has_output = NULL, output_size = 5",
        "output_size = NULL, stopped_at = '2026-11-19T01:20Z'",
    ] {
        ci.database.run(&format!("UPDATE ci.step SET {shows} WHERE build_key = 7"));
        assert!(ci.scan(LOST, &[]).row("acme/api", "7")["reasons"].contains("output-truncated"), "{shows}");
    }
    // Where nothing at all is known of it, that is said.
    ci.database.run("UPDATE ci.step SET stopped_at = NULL WHERE build_key = 7");
    seen.add("verify: nothing is known of its output", &ci.run(&["verify"], LOST, &TIMES));
    shows(&seen, "scan_habits_output_never_begun");
}
