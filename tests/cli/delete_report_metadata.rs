//! Of which database a report is, and how old: what is acted on has to be of this one, and fresh.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use halfbuilt::exit::Exit;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::{
    Done, NOBODY, Report, Run, Seen, TIMES, TestDatabase, deletable, halfbuilt, scanned, seal, stable,
};
use crate::what_a_person_sees::{Says, shows};

fn beside(report: &Path) -> PathBuf {
    PathBuf::from(format!("{}.about.json", report.display()))
}

fn about(report: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(beside(report)).expect("a file")).expect("JSON")
}

fn delete(database: &TestDatabase, report: &Path) -> Run {
    halfbuilt(&["delete"]).args(&[report]).args(&TIMES).args(&NOBODY).on(database)
}

/// The dry run and the real run are stopped alike, before anything is read; gives back the dry run.
#[track_caller]
fn stopped(database: &TestDatabase, report: &Path, arguments: &[&str]) -> Done {
    let real = ["--execute", "--confirm", &database.host];
    let real = delete(database, report).args(arguments).args(&real).run().exits(Exit::Declined).fails_with("error:");
    let dry = delete(database, report).args(arguments).run().exits(Exit::Declined).fails_with("error:");
    let [real, planned] = [&real, &dry].map(|done| stable(&done.stderr));
    assert_eq!(planned, real);
    dry
}

/// Makes the file beside a report hold another time, as if the scan had been then.
fn scanned_at(report: &Path, hours_ago: i64) {
    let mut about = about(report);
    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours_ago);
    about["scanned_at"] = at.to_string().into();
    seal(&mut about);
    std::fs::write(beside(report), about.to_string()).expect("a file");
}

/// Makes a file look as if it had been written then.
fn written(report: &Path, hours_ago: u64) {
    let file = std::fs::File::options().append(true).open(report).expect("a file");
    file.set_modified(SystemTime::now() - Duration::from_secs(hours_ago * 3600)).expect("a time");
}

#[test]
fn a_report_in_a_file_has_a_file_beside_it_that_says_when_and_what_was_scanned() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    let folder = tempfile::tempdir().expect("a folder");
    let before = jiff::Timestamp::now();
    for command in ["scan", "verify"] {
        let report = folder.path().join(format!("{command}.csv"));
        halfbuilt(&[command, "-o"]).args(&[&report]).args(&TIMES).on(&database).run();
        let about = about(&report);
        assert_eq!(about["format"], "halfbuilt-about/1");
        assert_eq!(about["tool"], halfbuilt::version::TOOL);
        let at: jiff::Timestamp = about["scanned_at"].as_str().expect("a text").parse().expect("a time");
        assert!(before <= at && at <= jiff::Timestamp::now());
        assert_eq!(about["database"]["name"], database.name.as_str());
        let system = database.run("SELECT system_identifier FROM pg_control_system()");
        assert_eq!(about["database"]["system_identifier"], system.as_str());
        assert_eq!(about["profile"], "circleci");
        assert_eq!([&about["backup_time"], &about["restored_at"]], ["2026-11-20T02:00:00Z", "2026-11-20T06:30:00Z"]);
        assert_eq!(about["builds"], database.builds());
        assert_eq!(about["baseline"], Value::Null);
        let projects = about["projects"].as_object().expect("projects").values().filter_map(Value::as_u64);
        assert_eq!(projects.sum::<u64>(), database.builds());
        assert_eq!(about["findings"], Report::read(&report).rows.len());
        assert!(about["rules"].as_array().expect("a list").contains(&"stuck-running".into()));
        assert!(about["not_checked"].is_array());
        let digest = Sha256::digest(std::fs::read(&report).expect("a file"));
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(about["report_sha256"], digest);
    }
    let [one, other] = ["scan", "verify"].map(|name| std::fs::read(folder.path().join(format!("{name}.csv"))));
    assert_eq!(one.expect("a file"), other.expect("a file"), "two scans of one database are the same");
}

#[test]
fn what_is_no_report_file_has_nothing_beside_it() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let folder = tempfile::tempdir().expect("a folder");
    for format in ["json", "table"] {
        let file = folder.path().join(format);
        halfbuilt(&["scan", "--format", format, "-o"]).args(&[&file]).on(&database).run().exits(Exit::Clean);
        assert!(file.exists() && !beside(&file).exists(), "{format}");
    }
    halfbuilt(&["scan", "-o", "/dev/null"]).on(&database).run().exits(Exit::Clean);
    assert!(!Path::new("/dev/null.about.json").exists());
}

#[test]
fn an_old_report_is_not_acted_on() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let mut seen = Seen::default();
    seen.add_talk("scanned just now", &delete(&database, &report).run().exits(Exit::Clean));
    scanned_at(&report, 25);
    seen.add("scanned 25 hours ago", &stopped(&database, &report, &[]));
    delete(&database, &report).args(&["--max-age", "26h"]).run().exits(Exit::Clean);
    scanned_at(&report, 2);
    delete(&database, &report).run().exits(Exit::Clean);
    seen.add("scanned 2 hours ago, --max-age 1h", &stopped(&database, &report, &["--max-age", "1h"]));
    scanned_at(&report, -1);
    seen.add("scanned in an hour", &stopped(&database, &report, &[]));
    shows(&seen, "delete_old_report");
}

#[test]
fn a_report_that_was_edited_is_as_old_as_its_scan() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let text = std::fs::read_to_string(&report).expect("a report");
    let mut rows: Vec<&str> = text.lines().collect();
    rows.pop();
    rows[1..].reverse();
    std::fs::write(&report, rows.join("\n")).expect("a file");
    let mut seen = Seen::default();
    seen.add_talk("edited after the scan", &delete(&database, &report).run().exits(Exit::Clean));
    // However new the file is.
    scanned_at(&report, 48);
    seen.add("edited now, scanned 48 hours ago", &stopped(&database, &report, &[]));
    // And no younger than the file itself: an old report that stands in a newer one's place.
    scanned_at(&report, 1);
    written(&report, 72);
    seen.add("written 72 hours ago, scanned an hour ago", &stopped(&database, &report, &[]));
    shows(&seen, "delete_edited_report");
}

/// An old report does not become young, nor do T and R move, by the file beside it alone.
#[test]
fn a_file_beside_a_report_that_was_edited_is_found_out() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (folder, report) = scanned(&database);
    let text = std::fs::read_to_string(beside(&report)).expect("a file");
    let page = folder.path().join("page.html");
    let mut seen = Seen::default();
    for (field, other) in [
        ("scanned_at", "2026-11-20T06:30:01Z"),
        ("backup_time", "2026-11-20T01:00:00Z"),
        ("report_sha256", "ab"),
        ("profile", "buildbot"),
    ] {
        let mut about = about(&report);
        about[field] = other.into();
        std::fs::write(beside(&report), about.to_string()).expect("a file");
        let done = delete(&database, &report).run().exits(Exit::Failed);
        seen.add(&format!("halfbuilt delete, {field} changed"), &done.fails_with("error:"));
        let done = halfbuilt(&["report", "--html"]).args(&[&page, &report]).run().exits(Exit::Failed);
        seen.add(&format!("halfbuilt report, {field} changed"), &done);
        std::fs::write(beside(&report), &text).expect("a file");
    }
    // Whoever computes that again has still to make the report itself younger.
    scanned_at(&report, 1);
    written(&report, 72);
    seen.add("written 72 hours ago, with a file beside it of an hour ago", &stopped(&database, &report, &[]));
    shows(&seen, "delete_edited_metadata");
}

#[test]
fn a_report_alone_is_taken_for_as_old_as_its_file() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (folder, report) = scanned(&database);
    let alone = folder.path().join("alone.csv");
    std::fs::copy(&report, &alone).expect("a copy");
    let mut seen = Seen::default();
    seen.add_talk("nothing beside it", &delete(&database, &alone).run().exits(Exit::Clean));
    written(&alone, 25);
    seen.add("nothing beside it, written 25 hours ago", &stopped(&database, &alone, &[]));
    // A file beside it that is of another database says nothing of this one.
    let mut of_another = about(&report);
    of_another["database"]["name"] = "elsewhere".into();
    seal(&mut of_another);
    std::fs::write(beside(&alone), of_another.to_string()).expect("a file");
    seen.add("a file of another database beside it, written 25 hours ago", &stopped(&database, &alone, &[]));
    shows(&seen, "delete_report_without_metadata");
}

#[test]
fn a_file_beside_a_report_that_cannot_be_read_stops_everything() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let mut seen = Seen::default();
    for text in ["", "{}", "{\"format\": \"halfbuilt-about/2\"}"] {
        std::fs::write(beside(&report), text).expect("a file");
        let done = delete(&database, &report).run().exits(Exit::Failed);
        seen.add(&format!("'{text}'"), &done.fails_with("error:"));
    }
    shows(&seen, "delete_metadata_that_cannot_be_read");
}

#[test]
fn what_comes_by_standard_input_has_no_age() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let text = std::fs::read_to_string(&report).expect("a report");
    let run = |input: &str| halfbuilt(&["delete", "-"]).args(&TIMES).args(&NOBODY).on(&database).input(input).run();
    run(&text).exits(Exit::Clean).says_all_of("delete_report_from_stdin");
    // A list is judged afresh: it has none to check.
    let list = deletable(&Report::read(&report)).join("\n");
    run(&list).exits(Exit::Clean).does_not_say("--max-age");
    // Who sets a limit does not want it to be passed over.
    let asked =
        halfbuilt(&["delete", "-", "--max-age", "48h"]).args(&TIMES).args(&NOBODY).on(&database).input(&text).run();
    asked.exits(Exit::Declined).fails_with("error:").says_all_of("delete_max_age_of_stdin");
    let listed = report.with_extension("txt");
    std::fs::write(&listed, list).expect("a file");
    written(&listed, 1000);
    delete(&database, &listed).run().exits(Exit::Clean);
}

#[test]
fn a_report_of_another_database_is_not_acted_on() {
    let (database, other) = (TestDatabase::circleci(&["stuck-running"]), TestDatabase::circleci(&["stuck-running"]));
    let (_folder, report) = scanned(&database);
    let error = format!("the report is from another database; connected is {:?} of the server with", other.name);
    let mut seen = Seen::default();
    let done = stopped(&other, &report, &[]).says(&error);
    seen.add("of another database", &done);
    done.says(&format!("hint: the report is from {:?} of the server with", database.name));
    // Only the rows say it, and they do.
    std::fs::remove_file(beside(&report)).expect("it is there");
    seen.add("of another database, nothing beside it", &stopped(&other, &report, &[]).says(&error));
    delete(&database, &report).run().exits(Exit::Clean);
    let input = std::fs::read_to_string(&report).expect("a report");
    let run = halfbuilt(&["delete", "-"]).args(&TIMES).args(&NOBODY).on(&other).input(&input).run();
    seen.add("of another database, from standard input", &run.exits(Exit::Declined).fails_with(&error));
    shows(&seen, "delete_report_of_another_database");
}

#[test]
fn a_spreadsheet_does_not_lose_the_database() {
    let (database, other) = (TestDatabase::circleci(&["stuck-running"]), TestDatabase::circleci(&["stuck-running"]));
    let (folder, report) = scanned(&database);
    let rows = Report::read(&report);
    // Sorted by another column, half of the rows, every cell in quotes, another order of columns, capitals, LF.
    let mut header = rows.header.clone();
    header.reverse();
    let mut lines: Vec<String> = rows
        .rows
        .iter()
        .map(|row| {
            let cell = |column: &String| match column.as_str() {
                "fingerprint" => format!("\"{}\"", row[column].to_uppercase()),
                _ => format!("\"{}\"", row[column].replace('"', "\"\"")),
            };
            header.iter().map(cell).collect::<Vec<_>>().join(",")
        })
        .collect();
    lines.sort();
    lines.truncate(rows.rows.len() / 2);
    let edited = folder.path().join("edited.csv");
    std::fs::write(&edited, format!("\u{feff}{}\n{}\n", header.join(","), lines.join("\n"))).expect("a file");
    let done = delete(&database, &edited).run().exits(Exit::Clean);
    assert_eq!(Report::parse(&done.stdout).count("state", "changed"), 0);
    assert!(Report::parse(&done.stdout).count("decision", "delete") > 0);
    stopped(&other, &edited, &[]).says("the report is from another database");
}

#[test]
fn rows_of_two_databases_do_not_go_together() {
    let (database, other) = (TestDatabase::circleci(&["stuck-running"]), TestDatabase::circleci(&["stuck-running"]));
    let (folder, report) = scanned(&database);
    let (_other_folder, of_other) = scanned(&other);
    let [one, two] = [&report, &of_other].map(|file| std::fs::read_to_string(file).expect("a report"));
    let mixed = folder.path().join("mixed.csv");
    let last = two.lines().last().expect("a row");
    let first = one.lines().take(3).collect::<Vec<_>>().join("\n");
    std::fs::write(&mixed, format!("{first}\n{last}\n")).expect("a file");
    let mut seen = Seen::default();
    seen.add("halfbuilt delete mixed.csv", &stopped(&database, &mixed, &[]));
    // Nor where the choice leaves one of them out.
    let choice = ["--reason", "stuck-running"];
    seen.add("halfbuilt delete mixed.csv --reason stuck-running", &stopped(&database, &mixed, &choice));
    shows(&seen, "delete_rows_of_two_databases");
}

#[test]
fn a_role_that_may_not_ask_for_the_system_identifier_scans_and_deletes_by_the_name() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    database.run(
        "CREATE ROLE unasked LOGIN PASSWORD 'x'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO unasked;
         REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC",
    );
    let as_role = |run: Run| run.env("PGUSER", "unasked").env("PGPASSWORD", "x");
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.csv");
    as_role(halfbuilt(&["scan", "-o"]).args(&[&report]).args(&TIMES).on(&database)).run().exits(Exit::Clean);
    assert_eq!(about(&report)["database"]["system_identifier"], Value::Null);
    as_role(delete(&database, &report)).run().exits(Exit::Clean);
    // Whoever knows more does not know whether it is the same.
    let done = delete(&database, &report).run().exits(Exit::Declined);
    let mut seen = Seen::default();
    seen.add("scanned by the role without the right", &done.fails_with("error:"));
    let (_folder, by_owner) = scanned(&database);
    let done = as_role(delete(&database, &by_owner)).run().exits(Exit::Declined);
    seen.add("deleted by the role without the right", &done.fails_with("error:"));
    shows(&seen, "delete_without_the_system_identifier");
}

#[test]
fn other_times_than_those_of_the_scan_are_warned_of() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let run = |times: &[&str]| halfbuilt(&["delete"]).args(&[&report]).args(times).args(&NOBODY).on(&database).run();
    run(&TIMES).exits(Exit::Clean).does_not_say(" of the scan was ");
    // What a run is not given it takes from the scan.
    let mut seen = Seen::default();
    let line = |more: &[&str]| [&["halfbuilt delete report.csv"], more].concat().join(" ");
    for some in [&[][..], &TIMES[..2]] {
        seen.add_talk(&line(some), &run(some).exits(Exit::Clean));
    }
    let later = ["--backup-time", "2026-11-20T02:00:01Z", "--restored-at", "2026-11-20T06:30:01Z"];
    seen.add_talk(&line(&later), &run(&later).exits(Exit::Clean));
    // R of the scan is that of another T. What is said of the server's own record of its start differs.
    let done = run(&later[..2]).exits(Exit::NothingInScope).says("it is not known when the server came back");
    done.says("R is not known: give --restored-at");
    shows(&seen, "delete_with_the_times_of_the_scan_or_others");
    // A scan that was given none lends none.
    let untold = halfbuilt(&["scan", "-o"]).args(&[&report]).on(&database).run();
    untold.exits(Exit::Clean);
    let named = ["--timing", "unknown"];
    let with_times = [&TIMES[..], &named].concat();
    let mut seen = Seen::default();
    seen.add_talk(&line(&with_times), &run(&with_times).exits(Exit::NothingInScope));
    seen.add_talk(&line(&named), &run(&named).exits(Exit::NothingInScope));
    shows(&seen, "delete_after_a_scan_without_times");
}

#[test]
fn the_other_flags_of_the_scan_are_taken_from_it_too() {
    // With ten minutes the stop of its one build between T and R counts as one by T.
    let database = TestDatabase::circleci(&["closed-after-restore"]);
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.csv");
    let tolerance = ["--clock-tolerance", "10m"];
    halfbuilt(&["scan", "-o"]).args(&[&report]).args(&TIMES).args(&tolerance).on(&database).run().exits(Exit::Clean);
    let run = |more: &[&str]| halfbuilt(&["delete"]).args(&[&report]).args(more).args(&NOBODY).on(&database).run();
    run(&[]).exits(Exit::Clean).does_not_say("did something between");
    run(&tolerance).exits(Exit::Clean).does_not_say("did something between");
    run(&["--clock-tolerance", "5s"]).exits(Exit::Declined).says("1 build did something between");
}

#[test]
fn a_plan_is_no_obstacle_and_evidence_is_never_written_over() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (folder, report) = scanned(&database);
    let plan = folder.path().join("plan.csv");
    let planned = || delete(&database, &report).args(&["-o"]).args(&[&plan]).run().exits(Exit::Clean);
    planned();
    let first = std::fs::read(&plan).expect("a plan");
    planned();
    assert_eq!(std::fs::read(&plan).expect("a plan"), first);
    // What was done is another matter.
    let done = String::from_utf8(first).expect("UTF-8").replacen("not-attempted,\"dry run; ", "deleted,\"", 1);
    std::fs::write(&plan, &done).expect("a file");
    let refused = delete(&database, &report).args(&["-o"]).args(&[&plan]).run();
    let mut seen = Seen::default();
    seen.add("halfbuilt delete report.csv -o plan.csv", &refused.exits(Exit::Usage).fails_with("error:"));

    let manifest = folder.path().join("before.json");
    let write = || halfbuilt(&["manifest", "-o"]).args(&[&manifest]).on(&database).run();
    write().exits(Exit::Clean);
    let before = std::fs::read(&manifest).expect("a manifest");
    // A newer manifest replaces an older one; a report that is named by mistake does not.
    let mistake = halfbuilt(&["scan", "-o"]).args(&[&manifest]).args(&TIMES).on(&database).run();
    seen.add("halfbuilt scan -o before.json", &mistake.exits(Exit::Failed));
    shows(&seen, "delete_evidence_is_never_overwritten");
    assert_eq!(std::fs::read(&manifest).expect("a manifest"), before);
    write().exits(Exit::Clean);
}
