//! A deletion that ended early, and the same command once more.

use std::path::{Path, PathBuf};

use halfbuilt::exit::Exit;

use crate::support::{Done, Report, Seen, TIMES, TestDatabase, admin, deletable, halfbuilt, scanned};
use crate::what_a_person_sees::{Says, shows};

struct Run {
    database: TestDatabase,
    report: PathBuf,
    results: PathBuf,
    journal: PathBuf,
    folder: tempfile::TempDir,
}

fn prepared() -> Run {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let (folder, report) = scanned(&database);
    // Only rows that may be deleted, so that a whole run ends with exit code 0.
    let chosen = std::fs::read_to_string(&report).expect("a report");
    let kept: Vec<&str> = chosen.split_inclusive("\r\n").filter(|line| !line.contains(",no,")).collect();
    std::fs::write(&report, kept.concat()).expect("a report");
    let (results, journal) = (folder.path().join("results.csv"), folder.path().join("report.csv.journal.jsonl"));
    Run { database, report, results, journal, folder }
}

impl Run {
    fn delete(&self, more: &[&str]) -> Done {
        let confirmed = ["--execute", "--confirm", &self.database.host];
        let run = halfbuilt(&["delete"]).args(&[&self.report]).args(&TIMES).args(&confirmed).args(more);
        run.args(&["-o"]).args(&[&self.results]).on(&self.database).via_nrepl(&admin(&self.database)).run()
    }

    /// The same where the server does not answer, which is not waited for as long as usual.
    fn delete_in_vain(&self) -> Done {
        self.delete(&["--timeout", "5s"]).exits(Exit::NotAllDeleted)
    }

    fn states(&self) -> Vec<(String, String)> {
        let results = Report::read(&self.results);
        results.rows.iter().map(|row| (row["build_url"].clone(), row["state"].clone())).collect()
    }

    fn journal(&self) -> String {
        std::fs::read_to_string(&self.journal).expect("a journal")
    }

    fn verifies(&self) -> Done {
        halfbuilt(&["journal", "verify"]).args(&[&self.journal]).run().exits(Exit::Clean)
    }
}

#[test]
fn the_same_command_continues_and_reports_all_of_it() {
    let run = prepared();
    let chosen = deletable(&Report::read(&run.report));
    let admin = admin(&run.database);
    admin.behaves(&run.database, "sleep");
    let mut seen = Seen::default();
    seen.add("the server does not answer", &run.delete_in_vain());
    assert_eq!(run.states().iter().filter(|(_, state)| state == "unknown").count(), 1);
    assert!(run.verifies().stdout.contains("1 unknown"));

    admin.behaves(&run.database, "normal");
    seen.add("the same command, and it answers", &run.delete(&[]).exits(Exit::Clean));
    assert_eq!(run.states().len(), chosen.len());
    assert!(run.states().iter().all(|(_, state)| state == "deleted"), "{:?}", run.states());
    assert!(run.verifies().stdout.contains("2 sessions"));

    // Nothing is left to be done, and the same is reported.
    let before = run.journal();
    seen.add("the same command, and nothing is left", &run.delete(&[]).exits(Exit::Clean));
    assert!(run.states().iter().all(|(_, state)| state == "deleted"), "{:?}", run.states());
    assert_eq!(run.journal(), before, "nothing happened");
    shows(&seen, "delete_continued");
}

#[test]
fn what_was_sent_and_has_no_known_end_is_looked_up_first() {
    let run = prepared();
    let chosen = deletable(&Report::read(&run.report));
    run.delete(&[]).exits(Exit::Clean);
    // As a kill leaves it between the answer and the proof: the intent is there, and what came after it is not.
    let whole = run.journal();
    let last = whole.lines().position(|line| line.contains(r#""event":"result""#)).expect("a result");
    let cut: String = whole.split_inclusive('\n').take(last).collect();
    std::fs::write(&run.journal, &cut).expect("a journal");
    run.delete(&[]).exits(Exit::Clean).says_all_of("delete_continued_after_a_kill");
    let states = run.states();
    assert_eq!(states.iter().filter(|(_, state)| state == "deleted").count(), 1);
    assert_eq!(states.iter().filter(|(_, state)| state == "already-gone").count(), chosen.len() - 1);
    assert!(run.journal().contains(r#""event":"looked""#));
    run.verifies();
}

#[test]
fn what_was_sent_and_is_not_chosen_any_more_is_looked_up_too() {
    let run = prepared();
    let admin = admin(&run.database);
    admin.behaves(&run.database, "sleep");
    run.delete_in_vain();
    // The result is lost, and the build is taken out of the report.
    let whole = run.journal();
    let result = whole.lines().position(|line| line.contains(r#""event":"result""#)).expect("a result");
    std::fs::write(&run.journal, whole.split_inclusive('\n').take(result).collect::<String>()).expect("a journal");
    let report = std::fs::read_to_string(&run.report).expect("a report");
    let mut lines: Vec<&str> = report.split_inclusive("\r\n").collect();
    let first = lines.remove(1).split(',').next().expect("a URL").to_owned();
    std::fs::write(&run.report, lines.concat()).expect("a report");
    admin.behaves(&run.database, "normal");
    let mut seen = Seen::default();
    seen.add("with its results", &run.delete(&[]).exits(Exit::Usage));
    std::fs::remove_file(&run.results).expect("results");
    let done = run.delete(&[]).exits(Exit::Clean).says(&first);
    seen.add("without its results", &done);
    shows(&seen, "delete_continued_without_a_build_that_was_sent");
    assert!(run.database.urls().contains(&first));
    run.verifies();
}

#[test]
fn a_build_that_is_back_is_not_deleted_once_more() {
    let run = prepared();
    run.delete(&[]).exits(Exit::Clean);
    let back = TestDatabase::circleci(&["healthy", "stuck-running"]);
    let update = "UPDATE builds SET build_url = replace(build_url, 'ci.acme.example', '";
    back.run(&format!("{update}{}')", run.database.host));
    // Another database of the same name: as after one more restore.
    crate::support::psql("postgres", &["-c", &format!("DROP DATABASE {} WITH (FORCE)", run.database.name)]);
    let rename = format!("ALTER DATABASE {} RENAME TO {}", back.name, run.database.name);
    crate::support::psql("postgres", &["-c", &rename]);
    let done = run.delete(&[]).exits(Exit::NotAllDeleted);
    let done = done.does_not_say("to continue").says("to look at them again: ");
    done.says_all_of("delete_continued_after_another_restore");
    let ticket = run.folder.path().join("ticket.md");
    halfbuilt(&["report"]).args(&[&run.report]).args(&["--markdown"]).args(&[&ticket]).run();
    let ticket = std::fs::read_to_string(&ticket).expect("a ticket");
    assert!(ticket.contains("with a new journal") && !ticket.contains("Run the same delete"), "{ticket}");
    assert!(run.states().into_iter().all(|(_, state)| state == "failed" || state == "refused"));
    let journal = run.folder.path().join("new.jsonl");
    std::fs::remove_file(&run.results).expect("results");
    run.delete(&["--journal", journal.to_str().expect("a path")]).exits(Exit::Clean);
}

#[test]
fn a_copy_of_a_report_is_told_of_the_journal_that_has_its_builds() {
    let run = prepared();
    run.delete(&["--project", "acme/api"]).exits(Exit::Clean);
    let copy = run.folder.path().join("copy.csv");
    std::fs::copy(&run.report, &copy).expect("a copy");
    let of_copy = |more: &[&str]| {
        let dry = halfbuilt(&["delete"]).args(&[&copy]).args(&TIMES).args(more).on(&run.database);
        dry.via_nrepl(&admin(&run.database)).run()
    };
    let name = run.journal.display().to_string();
    let hint = format!("hint: {name} holds ");
    let done = of_copy(&[]).exits(Exit::Clean).says(&hint);
    drop(done.says(&format!("of these builds: --journal {name} continues it")));
    drop(of_copy(&["--journal", &name]).exits(Exit::Clean).does_not_say(&hint));
    // What is no journal is no reason to fail.
    std::fs::write(&run.journal, "no journal").expect("a file");
    drop(of_copy(&[]).exits(Exit::Clean).does_not_say(&hint));
}

#[test]
fn a_journal_of_another_database_or_a_damaged_one_is_refused_and_left_as_it_is() {
    let (one, other) = (prepared(), prepared());
    one.delete(&[]).exits(Exit::Clean);
    let before = one.journal();
    let of = |journal: &Path| ["--journal".to_owned(), journal.to_str().expect("a path").to_owned()];
    let theirs = of(&one.journal);
    let theirs: Vec<&str> = theirs.iter().map(String::as_str).collect();
    let gone = other.database.urls();
    // Both databases are shown under one name.
    let done = other.delete(&theirs).exits(Exit::Failed).says(&format!("database {} of system", one.database.name));
    let mut seen = Seen::default();
    seen.add("the journal of another database", &done);
    assert_eq!(other.database.urls(), gone);
    assert_eq!(one.journal(), before);

    let damaged = before.replacen("\"deleted\"", "\"refused\"", 1);
    std::fs::write(&one.journal, &damaged).expect("a journal");
    seen.add("a damaged journal", &one.delete(&[]).exits(Exit::Failed));
    shows(&seen, "delete_journals_that_are_not_continued");
    assert_eq!(one.journal(), damaged);
}

#[test]
fn results_of_another_run_are_never_written_over() {
    let run = prepared();
    std::fs::write(&run.results, "build_url,project,line,reasons,decision,state,reason\r\n").expect("a file");
    run.delete(&[]).exits(Exit::Usage).says_all_of("delete_results_of_another_run");
}

#[test]
fn a_run_that_goes_on_reads_the_same_tables_as_before_or_nothing() {
    let run = prepared();
    let admin = admin(&run.database);
    admin.behaves(&run.database, "sleep");
    run.delete_in_vain();
    admin.behaves(&run.database, "normal");
    let (before, urls) = (run.journal(), run.database.urls());
    // Another schema of the same database, where nothing is: what is not there was not deleted.
    run.database.run("CREATE SCHEMA other");
    crate::support::psql(&run.database.name, &["-c", "SET search_path = other", "-f", "sql/schema.sql"]);
    let confirmed = ["--execute", "--confirm", &run.database.host, "-o"];
    let mut seen = Seen::default();
    for dry in [true, false] {
        let elsewhere =
            halfbuilt(&["delete"]).args(&[&run.report]).args(&TIMES).args(&confirmed[if dry { 3 } else { 0 }..]);
        let results = run.folder.path().join("elsewhere.csv");
        let elsewhere = elsewhere.args(&[&results]).on(&run.database).env("PGOPTIONS", "-c search_path=other");
        let done = elsewhere.via_nrepl(&admin).run().exits(Exit::Declined).fails_with("error:");
        seen.add(if dry { "other tables, a dry run" } else { "other tables" }, &done);
    }
    // Where nothing says of which tables the report is, the journal does.
    std::fs::remove_file(run.folder.path().join("report.csv.about.json")).expect("it is there");
    let elsewhere =
        halfbuilt(&["delete"]).args(&[&run.report]).args(&TIMES).args(&["--schema", "other"]).on(&run.database);
    seen.add("other tables, nothing beside the report", &elsewhere.via_nrepl(&admin).run().exits(Exit::Failed));
    // An empty database of another name.
    let empty = TestDatabase::circleci(&[]);
    let elsewhere = halfbuilt(&["delete"]).args(&[&run.report]).args(&TIMES).on(&empty).via_nrepl(&admin);
    seen.add("another database", &elsewhere.run().exits(Exit::Declined));
    shows(&seen, "delete_continued_elsewhere");
    assert_eq!((run.journal(), run.database.urls()), (before, urls));
}

#[test]
fn what_took_effect_late_is_reported_as_deleted() {
    let run = prepared();
    let admin = admin(&run.database);
    admin.behaves(&run.database, "sleep");
    run.delete_in_vain();
    let unknown = run.states().into_iter().find(|(_, state)| state == "unknown").expect("one").0;
    // The server was only slow.
    run.database.run(&format!("DELETE FROM builds WHERE build_url = '{unknown}'"));
    admin.behaves(&run.database, "normal");
    run.delete(&[]).exits(Exit::Clean);
    assert!(run.states().iter().all(|(_, state)| state == "deleted"), "{:?}", run.states());
    assert!(run.verifies().stdout.contains("builds by their last result: 11 deleted"));
}

#[test]
fn a_build_that_stands_in_two_rows_does_not_spoil_the_journal() {
    let run = prepared();
    run.delete(&[]).exits(Exit::Clean);
    let whole = run.journal();
    let last = whole.lines().position(|line| line.contains(r#""event":"result""#)).expect("a result");
    std::fs::write(&run.journal, whole.split_inclusive('\n').take(last).collect::<String>()).expect("a journal");
    // The row of an older scan, under another fingerprint.
    let report = std::fs::read_to_string(&run.report).expect("a report");
    let rows: Vec<&str> = report.split_inclusive("\r\n").collect();
    let fingerprint = Report::read(&run.report).rows[0]["fingerprint"].clone();
    let older = rows[1].replace(&fingerprint, &format!("{}{}", "0".repeat(24), &fingerprint[24..]));
    assert_ne!(older, rows[1]);
    std::fs::write(&run.report, report.clone() + &older).expect("a report");
    run.delete(&[]).exits(Exit::Clean);
    run.verifies();
}

#[test]
fn no_file_has_two_meanings() {
    let run = prepared();
    let journal = run.folder.path().join("one.jsonl");
    let journal = journal.to_str().expect("a path");
    let mut seen = Seen::default();
    let mut fails = |line: &str, flags: &[&str]| seen.add(line, &run.delete(flags).exits(Exit::Usage));
    fails("--journal one.jsonl --archive one.jsonl", &["--journal", journal, "--archive", journal]);
    let results = run.results.to_str().expect("a path");
    fails("--journal results.csv -o results.csv", &["--journal", results]);
    fails("--archive report.csv", &["--archive", run.report.to_str().expect("a path")]);
    let about = format!("{}.about.json", run.report.display());
    fails("--archive report.csv.about.json", &["--archive", &about]);
    shows(&seen, "delete_files_with_two_meanings");
}

#[test]
fn what_earlier_runs_of_the_journal_deleted_counts() {
    let run = prepared();
    let whole = std::fs::read_to_string(&run.report).expect("a report");
    let rows: Vec<&str> = whole.split_inclusive("\r\n").collect();
    std::fs::write(&run.report, rows[..6].concat()).expect("a report");
    run.delete(&["--max", "5"]).exits(Exit::Clean);
    std::fs::write(&run.report, [&rows[..1], &rows[6..]].concat().concat()).expect("a report");
    std::fs::remove_file(&run.results).expect("results");
    run.delete(&["--max", "5"]).exits(Exit::Declined).says_all_of("delete_max_counts_earlier_runs");
}

#[test]
fn what_a_killed_run_sent_and_is_gone_counts_whether_it_is_chosen_now_or_not() {
    let run = prepared();
    let whole = std::fs::read_to_string(&run.report).expect("a report");
    let rows: Vec<&str> = whole.split_inclusive("\r\n").collect();
    std::fs::write(&run.report, rows[..2].concat()).expect("a report");
    run.delete(&[]).exits(Exit::Clean);
    // As a kill leaves it: announced, and nothing says what came of it.
    let journal = run.journal();
    let intent = journal.lines().position(|line| line.contains(r#""event":"intent""#)).expect("an intent");
    std::fs::write(&run.journal, journal.split_inclusive('\n').take(intent + 1).collect::<String>())
        .expect("a journal");
    let mut seen = Seen::default();
    for (chosen, which) in
        [(whole.clone(), "chosen again"), ([&rows[..1], &rows[2..]].concat().concat(), "not chosen now")]
    {
        std::fs::write(&run.report, chosen).expect("a report");
        let _ = std::fs::remove_file(&run.results);
        for execute in [true, false] {
            let host = if execute { run.database.host.as_str() } else { "" };
            let confirmed = if execute { vec!["--execute", "--confirm", host] } else { Vec::new() };
            let delete = halfbuilt(&["delete", "--max", "10"]).args(&[&run.report]).args(&TIMES).args(&confirmed);
            let done = delete.on(&run.database).via_nrepl(&admin(&run.database)).run().exits(Exit::Declined);
            let how = if execute { "" } else { ", a dry run" };
            seen.add_talk(&format!("the build that was sent is {which}{how}"), &done);
        }
    }
    shows(&seen, "delete_max_counts_what_a_killed_run_sent");
    run.delete(&["--max", "11"]).exits(Exit::Clean);
    run.verifies().prints("builds by their last result: 11 deleted");
}

#[test]
fn results_of_builds_that_are_not_chosen_now_are_kept() {
    let run = prepared();
    run.delete(&["--project", "acme/api"]).exits(Exit::Clean);
    let before = std::fs::read(&run.results).expect("results");
    run.delete(&["--project", "acme/web"]).exits(Exit::Usage).says_all_of("delete_results_of_builds_not_chosen_now");
    assert_eq!(std::fs::read(&run.results).expect("results"), before);
    // All of them together may be written again.
    run.delete(&[]).exits(Exit::Clean);
    assert_eq!(run.states().len(), 11);
}

#[test]
fn what_took_effect_late_is_on_record_though_nothing_is_left_to_be_sent() {
    let run = prepared();
    let whole = std::fs::read_to_string(&run.report).expect("a report");
    let rows: Vec<&str> = whole.split_inclusive("\r\n").collect();
    std::fs::write(&run.report, rows[..2].concat()).expect("a report");
    let admin = admin(&run.database);
    admin.behaves(&run.database, "sleep");
    run.delete(&["--timeout", "5s"]).exits(Exit::NotAllDeleted);
    let unknown = run.states().into_iter().find(|(_, state)| state == "unknown").expect("one").0;
    // The server was only slow.
    run.database.run(&format!("DELETE FROM builds WHERE build_url = '{unknown}'"));
    admin.behaves(&run.database, "normal");
    run.delete(&[]).exits(Exit::Clean);
    assert!(run.states().iter().all(|(_, state)| state == "deleted"), "{:?}", run.states());
    run.verifies().prints("builds by their last result: 1 deleted");
}

/// What an older program wrote: it looked for its tables on the whole search path, and did not say which they were.
const OLDER_READS: &str = "abe4a8b22eb6eda264048d3d";

/// The journal as an older program would have written it, with a new chain.
fn as_older(journal: &str) -> String {
    use sha2::{Digest, Sha256};

    let without = |line: &str, field: &str| match line.split_once(&format!("\"{field}\":\"")) {
        None => line.to_owned(),
        // None of these texts holds a quotation mark.
        Some((before, rest)) => before.to_owned() + rest.split_once("\",").expect("an end").1,
    };
    let mut prev: Option<String> = None;
    let mut older = String::new();
    for line in journal.lines() {
        let mut line = ["tables", "key", "queued_at"].iter().fold(line.to_owned(), |line, field| without(&line, field));
        if let Some((before, rest)) = line.clone().split_once("\"reads\":\"") {
            line = format!("{before}\"reads\":\"{OLDER_READS}{}", &rest[OLDER_READS.len()..]);
        }
        if let Some(prev) = &prev {
            let at = line.rfind("\"prev\":\"").expect("a chain") + 8;
            line.replace_range(at..at + 64, prev);
        }
        prev = Some(Sha256::digest(&line).iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        older += &line;
        older.push('\n');
    }
    older
}

#[test]
fn a_journal_of_an_older_program_is_continued() {
    let run = prepared();
    let admin = admin(&run.database);
    admin.behaves(&run.database, "sleep");
    run.delete_in_vain();
    admin.behaves(&run.database, "normal");
    std::fs::write(&run.journal, as_older(&run.journal())).expect("a file");
    run.verifies();
    assert!(run.journal().contains(OLDER_READS) && !run.journal().contains("\"tables\""));
    run.delete(&[]).exits(Exit::Clean);
    assert!(run.states().into_iter().all(|(_, state)| state == "deleted"));
    run.verifies();
    // It remains the journal of that one schema.
    run.database.run("CREATE SCHEMA other");
    crate::support::psql(&run.database.name, &["-c", "SET search_path = other", "-f", "sql/schema.sql"]);
    std::fs::remove_file(run.folder.path().join("report.csv.about.json")).expect("it is there");
    let elsewhere = halfbuilt(&["delete"]).args(&[&run.report]).args(&TIMES).args(&["--schema", "other"]);
    let done = elsewhere.on(&run.database).via_nrepl(&admin).run().exits(Exit::Failed);
    done.says_all_of("delete_journal_of_an_older_program_elsewhere");
}
