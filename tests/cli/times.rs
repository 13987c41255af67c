//! `times`, and `--backup-time @FILE`: what is known of T and R by files that a person saved.

use std::path::{Path, PathBuf};

use halfbuilt::exit::Exit;

use crate::support::{BACKUP_TIME, RESTORED_AT, Run, Seen, TIMES, TestDatabase, halfbuilt, repository};
use crate::what_a_person_sees::shows;

/// Nothing listens there.
const NOWHERE: &str = "postgres://nobody@127.0.0.1:1/nothing";

fn fixtures() -> PathBuf {
    repository("fixtures/times")
}

/// The program in the folder of the files.
fn times(arguments: &[&str]) -> Run {
    halfbuilt(&["times"]).args(arguments).at(&fixtures())
}

/// A file of one snapshot, taken at T of the fixtures.
fn snapshot(folder: &Path) -> String {
    let file = folder.join("snapshot.json");
    let text = format!(
        "{{\"Snapshots\":[{{\"SnapshotId\":\"snap-1\",\"VolumeId\":\"vol-1\",\"StartTime\":\"{BACKUP_TIME}\"}}]}}"
    );
    std::fs::write(&file, text).expect("a file");
    file.display().to_string()
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn each_kind_of_file_has_its_page() {
    let mut kinds = 0;
    for entry in std::fs::read_dir(fixtures()).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_str().expect("UTF-8").to_owned();
        if name.ends_with(".expected") || name == "README.md" {
            continue;
        }
        // Without a database that is named, none is looked for.
        let (exit, said) = match &*name {
            "restore.json" => (Exit::NothingInScope, "warning: nothing is known of T\n"),
            _ => (Exit::Clean, ""),
        };
        let page = times(&[&name]).run().exits(exit);
        assert_eq!(page.stderr, said, "{name}");
        let expected = fixtures().join(format!("{name}.expected"));
        if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
            std::fs::write(&expected, &page.stdout).expect("a file");
        }
        assert_eq!(page.stdout, std::fs::read_to_string(&expected).expect("the page of the file"), "{name}");
        kinds += 1;
    }
    assert_eq!(kinds, 14);
}

#[test]
fn one_of_several_backups_is_named() {
    let named = times(&["pgbackrest.json#20261201-070457F"]).run().exits(Exit::Clean);
    assert!(named.stdout.contains("flags to pass:\n  --backup-time 2026-12-01T07:05:04Z"), "{}", named.stdout);
    let several = times(&["pgbackrest.json"]).run().exits(Exit::Clean);
    assert!(several.stdout.contains("flags to pass: none yet"), "{}", several.stdout);
    assert!(
        several.stdout.contains("name one after a #, as in pgbackrest.json#20261201-070457F"),
        "{}",
        several.stdout
    );
    // Where T is given, nothing has to be named.
    let given = times(&["pgbackrest.json", "--backup-time", "2026-12-01T07:05:09Z"]).run().exits(Exit::Clean);
    given.prints("flags to pass:\n  --backup-time 2026-12-01T07:05:09Z");
}

#[test]
fn files_that_contradict_one_another_are_seen() {
    let done = times(&["base.backup", "velero.json", "waldump.txt", "crash.log"]).run().exits(Exit::Clean);
    done.prints("the last transaction was 2026-12-01T06:56:34.302683Z, 10s later: are the two of one backup?")
        .prints("flags to pass, once the contradictions are explained:\n  --backup-time 2026-12-01T06:56:24Z");
    let given = times(&["ebs.json#snap-01234567890abcdef", "--backup-time", "2026-11-20T06:00:00Z"]).run();
    given.exits(Exit::Clean).prints("it was 2026-11-20T02:00:00.384Z, 3h 59m 59s earlier");
}

#[test]
fn times_that_contradict_themselves_are_seen() {
    // R before T, and before the server was ready.
    let given = |backup: &str, restored: &str| {
        times(&["pitr.log", "--backup-time", backup, "--restored-at", restored]).run().exits(Exit::Clean)
    };
    given("2026-12-01T06:56:33Z", "2026-12-01T06:00:00Z")
        .prints("R is 2026-12-01T06:00:00Z, which is not after T, 2026-12-01T06:56:33Z")
        .prints("once the contradictions are explained");
    given("2026-12-01T06:56:33Z", "2026-12-01T06:56:35Z")
        .prints("it was not before 2026-12-01T06:56:44.664Z, 9s later");
    given("2026-12-01T06:56:33Z", "2026-12-01T06:56:45Z").prints("flags to pass:\n");
    // T that has not come yet.
    given("2226-12-01T06:56:33Z", "2226-12-01T06:56:45Z")
        .prints("T is 2226-12-01T06:56:33Z, which is in the future")
        .prints("flags to pass: none yet");
}

#[test]
fn programs_read_the_same_as_json() {
    let done = times(&["pitr.log", "--json", "-"]).run().exits(Exit::Clean);
    let known = json(&done.stdout);
    assert_eq!(known["format"], "halfbuilt-times/1");
    assert_eq!(known["backup_time"], "2026-12-01T06:56:33.219054Z");
    assert_eq!(known["restored_at"], "2026-12-01T06:56:44.664Z");
    let exactness = known["candidates"].as_array().expect("a list").iter().map(|known| known["exactness"].clone());
    assert_eq!(exactness.collect::<Vec<_>>(), ["interval", "not-before", "not-before"]);
    assert_eq!(known["candidates"][0]["begin"], "2026-12-01T06:56:30.967065Z");
    // A file beside the page.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("times.json").display().to_string();
    times(&["pitr.log", "--json", &file]).run().exits(Exit::Clean).prints("T, when the backup was taken");
    assert_eq!(json(&std::fs::read_to_string(&file).expect("a file")), known);
    let one = times(&["pitr.log", "--json", "pitr.log"]).run().exits(Exit::Usage);
    one.fails_with("--json and FILE are one file");
}

#[test]
fn what_cannot_be_used_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    write("snapshot.json", "{\"Snapshots\":[{\"SnapshotId\":\"a\\u001b[31m\",\"StartTime\":\"never\"}]}");
    write("zone.log", "2026-11-20 02:00:00 CET [1] LOG:  database system was shut down at 2026-11-20 01:00:00 CET\n");
    write("notes.txt", "the backup was at two\n");
    std::fs::copy(fixtures().join("ebs.json"), folder.path().join("ebs.json")).expect("a file");
    let label = std::fs::read_to_string(fixtures().join("backup_label")).expect("a file");
    write("backup_label", &label.replace("2026-12-01", "2026-11-20"));
    let mut seen = Seen::default();
    for (file, exit) in [
        ("nothing.json", Exit::Failed),
        ("notes.txt", Exit::Failed),
        ("snapshot.json", Exit::Failed),
        ("zone.log", Exit::Usage),
        ("ebs.json", Exit::Usage),
        ("ebs.json#snap-1", Exit::Usage),
        ("ebs.json#snap-0fedcba9876543210", Exit::Failed),
        ("backup_label", Exit::Failed),
    ] {
        let flag = format!("@{file}");
        let done = halfbuilt(&["scan", "--backup-time", &flag]).at(folder.path()).run().exits(exit);
        seen.add(&format!("halfbuilt scan --backup-time {flag}"), &done);
    }
    let done = halfbuilt(&["times", "notes.txt"]).at(folder.path()).run().exits(Exit::Failed);
    seen.add("halfbuilt times notes.txt", &done);
    shows(&seen, "times_files_that_cannot_be_used");
}

/// The command of the topic keeps what shows whose a line is: the first lines of a file in another shape, and the beginning of a start.
#[test]
fn the_part_of_a_log_that_the_topic_keeps_says_no_more_than_the_log() {
    let topic = halfbuilt(&["help", "find-times"]).run().exits(Exit::Clean).stdout;
    let (_, command) = topic.split_once("\n    awk ").expect("the command");
    let (command, _) = command.split_once("\n\n").expect("its end");
    let folder = tempfile::tempdir().expect("a folder");
    let times_of = |log: &str| {
        std::fs::write(folder.path().join("postgresql.log"), log).expect("a file");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("awk {command}")]).current_dir(folder.path());
        assert!(shell.status().expect("a shell").success());
        halfbuilt(&["times", "start.log"]).at(folder.path()).run()
    };
    let quoted = "2026-11-20 08:00:00 UTC [1] LOG:  starting PostgreSQL 15.18 on x86_64-pc-linux-gnu, compiled by gcc, 64-bit\n\
                  2026-11-20 08:00:00 UTC [1] LOG:  last completed transaction was at log time 2026-11-20 07:59:59.5+00\n";
    let csv = |severity: &str, text: &str| {
        format!(
            "2026-11-20 06:30:00.200 UTC,,,21,,655afc38.15,1,,2026-11-20 06:30:00 UTC,,0,{severity},00000,\"{text}\",,,,,,,,,\"\"\n"
        )
    };
    let text = format!("INSERT INTO output VALUES ('{}{quoted}')", "\n".repeat(200));
    let log = csv("LOG", "checkpoint starting: time") + &csv("ERROR", &text);
    times_of(&log).exits(Exit::Failed).says("it is a log as CSV, and only the server's own text is read");
    let json = |text: &str| format!("{{\"timestamp\":\"2026-11-20 06:30:00.200 UTC\",\"message\":\"{text}\"}}\n");
    times_of(&(json("a") + &json(&quoted.replace('\n', "\\n")))).exits(Exit::Failed).says("it is a log as JSON");
    // Lines without their start.
    let alone = format!("{}{}\n", "\n".repeat(200), quoted.lines().nth(1).expect("a line"));
    times_of(&alone).exits(Exit::Failed).says("does not hold the beginning of a start");
    // The same T as the whole log gives, though a statement quotes another.
    let whole = std::fs::read_to_string(fixtures().join("pitr.log")).expect("a file");
    let quoting: String = quoted.lines().map(|line| format!("\t{line}\n")).collect();
    let head = "2026-12-01 06:56:40 UTC [7] STATEMENT:  SELECT '\n";
    let log = format!("{}{head}{quoting}{whole}{head}{quoting}", "2026-12-01 06:56:39 UTC [7] LOG:  a\n".repeat(200));
    let kept = times_of(&log).exits(Exit::Clean);
    kept.prints("--backup-time 2026-12-01T06:56:33.219054Z --restored-at 2026-12-01T06:56:44.664Z");
    let length = |name: &str| std::fs::metadata(folder.path().join(name)).expect("a file").len();
    assert!(length("start.log") < length("postgresql.log"));
}

#[test]
fn a_file_that_cannot_be_read_does_not_hide_another_one() {
    let done = times(&["nothing.json", "base.backup"]).run().exits(Exit::Failed);
    done.says("nothing.json cannot be used as evidence")
        .prints("--backup-time 2026-12-01T06:56:24Z")
        .prints("could not be read:");
}

#[test]
fn a_database_is_asked_where_one_is_named() {
    let named = times(&["base.backup", "--database-url", NOWHERE]).run().exits(Exit::Failed);
    named.prints("--backup-time 2026-12-01T06:56:24Z").prints("cannot connect to the build database");
    let by_variable = times(&["base.backup"]).env("HALFBUILT_DATABASE_URL", NOWHERE).run().exits(Exit::Failed);
    by_variable.says("cannot connect");
    // Without a file there is nothing else to ask.
    times(&["--database-url", NOWHERE]).run().exits(Exit::Failed).fails_with("cannot connect to the build database");
}

#[test]
fn the_builds_suggest_times_and_are_held_against_them() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let suggested = halfbuilt(&["times"]).on(&database).run().exits(Exit::Clean);
    suggested.prints("a guess").prints("a quiet time among the builds").prints("flags to pass: none yet");
    let folder = tempfile::tempdir().expect("a folder");
    let file = snapshot(folder.path());
    let found = halfbuilt(&["times", &file, "--restored-at", RESTORED_AT]).on(&database).run().exits(Exit::Clean);
    found
        .prints("nothing, and no build either")
        .prints(&format!("--backup-time {BACKUP_TIME} --restored-at {RESTORED_AT}"));
    database.run(
        "UPDATE builds SET queued_at = '2026-11-20T03:00:00Z' WHERE build_id = (SELECT min(build_id) FROM builds)",
    );
    let found = halfbuilt(&["times", &file, "--restored-at", RESTORED_AT]).on(&database).run().exits(Exit::Clean);
    found
        .prints("1 build did something between the backup and the restore")
        .prints("once the contradictions are explained");
}

#[test]
fn where_nothing_is_known_of_t_that_is_the_outcome() {
    let database = TestDatabase::circleci(&[]);
    halfbuilt(&["times"]).on(&database).run().exits(Exit::NothingInScope).says("nothing is known of T");
}

#[test]
fn copies_say_nothing_by_their_server() {
    let database = TestDatabase::circleci(&["healthy"]);
    let own = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("a profile");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("copies.sql");
    std::fs::write(&file, own.replacen("-- profile: circleci\n", "-- profile: copies\n-- rows: copies\n", 1))
        .expect("a file");
    let done = halfbuilt(&["times", "--profile", &file.display().to_string()]).on(&database).run().exits(Exit::Clean);
    done.prints("the builds are copies")
        .does_not_print("database server's own record")
        .does_not_print("the last start");
}

#[test]
fn t_from_a_file_is_the_same_as_t() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let folder = tempfile::tempdir().expect("a folder");
    let flag = format!("@{}", snapshot(folder.path()));
    let by_time = halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    let scan = halfbuilt(&["scan", "--backup-time", &flag, "--restored-at", RESTORED_AT, "-o", "report.csv"]);
    let by_file = scan.on(&database).at(folder.path()).run().exits(Exit::Clean);
    let report = std::fs::read_to_string(folder.path().join("report.csv")).expect("a report");
    assert_eq!(report, by_time.stdout);
    let by_variable =
        halfbuilt(&["scan", "--restored-at", RESTORED_AT]).env("HALFBUILT_BACKUP_TIME", &flag).on(&database);
    assert_eq!(by_variable.run().exits(Exit::Clean).stdout, by_time.stdout);
    // The next command has the time itself: the file may be another one by then.
    let said = format!("T is {BACKUP_TIME}, by EBS snapshot snap-1 of volume vol-1, StartTime in ");
    by_file
        .says(&said)
        .says("a copied snapshot would have the time of its copy")
        .says(&format!("--backup-time {BACKUP_TIME}"));
    let again = halfbuilt(&["delete", "report.csv", "--restored-at", RESTORED_AT, "--backup-time", &flag]);
    let plan = again.on(&database).at(folder.path()).run().exits(Exit::Clean).says(&said);
    let next = plan.stderr.lines().find(|line| line.starts_with("next: ")).expect("the next command");
    assert!(next.contains(&format!("--backup-time {BACKUP_TIME}")) && !next.contains('@'), "{next}");
}

#[test]
fn the_file_is_never_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = snapshot(folder.path());
    let done = halfbuilt(&["scan", "--backup-time", &format!("@{file}"), "-o", &file]).run().exits(Exit::Usage);
    done.says("-o and --backup-time are one file");
}

#[test]
fn every_command_that_takes_t_takes_it_from_a_file() {
    for command in [
        &["scan"][..],
        &["verify"],
        &["manifest"],
        &["times"],
        &["delete", "https://ci.acme.example/gh/acme/api/1"],
        &["collect", "https://ci.acme.example", "--into", NOWHERE],
    ] {
        let done = halfbuilt(command).args(&["--backup-time", "@nothing.json"]).run().exits(Exit::Failed);
        done.fails_with("nothing.json cannot be used as evidence");
    }
}
