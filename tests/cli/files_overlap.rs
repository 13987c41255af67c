//! What a command reads and writes: no file has two meanings, and `-` is standard output.

use std::path::Path;

use halfbuilt::exit::Exit;

use crate::support::{
    NOBODY, Report, Seen, TIMES, TestDatabase, admin, expected_report, halfbuilt, repository, scanned,
};
use crate::what_a_person_sees::shows;

/// No database is there: what is wrong with the files is found before one is looked for.
const NOWHERE: [&str; 2] = ["--database-url", "postgres://127.0.0.1:9/ci"];

#[test]
fn nothing_that_is_read_is_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (taken, link, round_about) = (file("taken"), file("link"), file("../.").replace("../.", "./taken"));
    std::os::unix::fs::symlink(&taken, &link).expect("a link");
    std::fs::create_dir(file("rules")).expect("a folder");
    let rule = file("rules/own.sql");
    for (read, written) in [
        (&["manifest", "--key-file", &taken][..], &["-o"][..]),
        (&["manifest", "--profile", &taken], &["-o"]),
        (&["scan", "--profile", &taken], &["-o"]),
        (&["scan", "--rules", &file("rules")], &["-o"]),
        (&["verify", "--baseline", &taken], &["-o", "--json", "--junit"]),
        (&["verify", "--baseline", "b", "--key-file", &taken], &["-o", "--json", "--junit"]),
        (&["verify", "--policy", &taken], &["-o", "--json", "--junit"]),
        (&["verify", "--expect-file", &taken], &["-o", "--json", "--junit"]),
        (&["verify", "--rules", &file("rules")], &["-o", "--json", "--junit"]),
        (&["delete", "-", "--policy", &taken], &["-o", "--archive", "--journal"]),
        (&["delete", "-", "--token-file", &taken], &["-o", "--archive", "--journal"]),
        (&["delete", "-", "--ca-file", &taken], &["-o", "--archive", "--journal"]),
        (&["delete", "-", "--profile", &taken], &["-o", "--archive", "--journal"]),
    ] {
        // The least that each is.
        let there = match read.contains(&"--profile") {
            true => std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("a profile"),
            false => "# what was there\n".to_owned(),
        };
        let over: &[&String] = if read.contains(&"--rules") { &[&rule] } else { &[&taken, &link, &round_about] };
        for (flag, over) in written.iter().flat_map(|flag| over.iter().map(move |over| (flag, over))) {
            for text in [&taken, &rule] {
                std::fs::write(text, &there).expect("a file");
            }
            let via: &[&str] = if read[0] == "delete" { &NOBODY } else { &[] };
            let run =
                halfbuilt(read).args(&[flag, over.as_str()]).args(via).args(&NOWHERE).input("https://ci.x/gh/a/b/1\n");
            run.run().exits(Exit::Usage).fails_with(&format!("{flag} and ")).says("are one file");
            for text in [&taken, &rule] {
                assert_eq!(std::fs::read_to_string(text).expect("a file"), there, "{read:?} {flag}");
            }
        }
    }
}

#[test]
fn two_outputs_are_two_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("x.out");
    let whole = whole.to_str().expect("UTF-8");
    let mut seen = Seen::default();
    for arguments in [
        &["--json", "x.out", "--junit", "./x.out"][..],
        &["-o", whole, "--json", "x.out"],
        // The report has another file beside it.
        &["-o", "x.out", "--json", "x.out.about.json"],
        &["--json", "-", "-o", "-"],
    ] {
        let run = halfbuilt(&["verify"]).args(arguments).args(&NOWHERE);
        let done = run.under(&format!("cd {}", folder.path().display())).run().exits(Exit::Usage);
        seen.add(&format!("halfbuilt verify {}", arguments.join(" ")), &done.fails_with("error:"));
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
    shows(&seen, "files_overlap_two_outputs");
    // What is no file keeps nothing, so nothing is lost.
    let run = halfbuilt(&["verify", "-o", "/dev/null", "--json", "/dev/null"]).args(&NOWHERE).run();
    run.exits(Exit::Failed).does_not_say("are one file");
}

#[test]
fn a_dash_is_standard_output() {
    let folder = tempfile::tempdir().expect("a folder");
    let there = format!("cd {}", folder.path().display());
    let database = TestDatabase::circleci(&["stuck-running"]);
    let run = |arguments: &[&str]| halfbuilt(arguments).args(&TIMES).on(&database).under(&there).run();
    for command in ["scan", "verify"] {
        let done = run(&[command, "-o", "-"]).does_not_say("written to");
        assert_eq!(Report::parse(&done.stdout).without_fingerprints(), expected_report("stuck-running"));
    }
    let done = run(&["verify", "--json", "-"]).exits(Exit::Found);
    assert!(done.stdout.starts_with("{") && done.stdout.contains("halfbuilt-verdict/1"), "{}", done.stdout);
    let done = run(&["verify", "--junit", "-"]).exits(Exit::Found);
    assert!(done.stdout.starts_with("<?xml"), "{}", done.stdout);
    let report = repository("fixtures/circleci/stuck-running.expected.csv");
    let list = Report::read(&report).row("acme/api", "9101")["build_url"].clone();
    std::fs::write(folder.path().join("list"), list).expect("a file");
    let done = run(&["delete", "list", "-o", "-", "--via", "nrepl://127.0.0.1:9"]).exits(Exit::Clean);
    assert_eq!(Report::parse(&done.stdout).column("decision"), ["delete"]);
    assert!(!folder.path().join("-").exists() && !Path::new("-.about.json").exists());
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn what_has_to_be_kept_goes_to_no_pipe() {
    let mut seen = Seen::default();
    for flag in ["--journal", "--archive"] {
        let run = halfbuilt(&["delete", "-", flag, "-"]).args(&NOBODY).args(&NOWHERE).input("https://ci.x/gh/a/b/1\n");
        let done = run.run().exits(Exit::Usage);
        seen.add(&format!("halfbuilt delete - {flag} -"), &done.fails_with("error:"));
    }
    shows(&seen, "files_overlap_what_has_to_be_kept");
}

/// Whoever has no output has no results either: that is found out before anything is deleted.
#[test]
fn results_that_would_be_nowhere_are_an_error_before_anything_is_deleted() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let (_folder, report) = scanned(&database);
    let before = database.urls();
    let admin = admin(&database);
    let delete = |more: &[&str]| {
        let run = halfbuilt(&["delete"]).args(&[&report]).args(&TIMES).args(more).args(&["--max-percent", "100"]);
        run.on(&database).via_nrepl(&admin)
    };
    let execute = ["--execute", "--confirm", database.host.as_str()];
    let mut seen = Seen::default();
    for (command, arguments) in [("delete --execute", &execute[..]), ("delete", &[])] {
        let done = delete(arguments).under("exec >&-").run().exits(Exit::Failed);
        seen.add(command, &done.fails_with("error:"));
    }
    for command in ["scan", "manifest"] {
        let done = halfbuilt(&[command]).args(&TIMES).on(&database).under("exec >&-").run().exits(Exit::Failed);
        seen.add(command, &done);
    }
    shows(&seen, "files_overlap_without_standard_output");
    assert_eq!(database.urls(), before);
    // Who throws them away on purpose may do so, and where nothing is printed nothing gets lost.
    halfbuilt(&["scan"]).args(&TIMES).on(&database).under("exec >/dev/null").run().exits(Exit::Clean);
    halfbuilt(&["verify"]).args(&TIMES).on(&database).under("exec >&-").run().exits(Exit::Found);
    halfbuilt(&["rules"]).under("exec >&-").run().exits(Exit::Clean);
    delete(&execute).under("exec >/dev/null").run().exits(Exit::Clean);
}

#[test]
fn a_report_by_which_builds_were_deleted_is_kept() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let (folder, report) = scanned(&database);
    let before = std::fs::read(&report).expect("the report");
    let journal = folder.path().join("report.csv.journal.jsonl");
    std::fs::write(&journal, "").expect("a journal");
    std::os::unix::fs::symlink(&report, folder.path().join("link.csv")).expect("a link");
    let mut seen = Seen::default();
    for words in [
        &["scan", "-o", "report.csv"][..],
        &["scan", "-o", "./link.csv"],
        &["scan", "--format", "json", "-o", "report.csv"],
        &["verify", "-o", "report.csv"],
    ] {
        let run = halfbuilt(words).args(&TIMES).args(&NOWHERE).at(folder.path());
        seen.add(&format!("halfbuilt {}", words.join(" ")), &run.run().exits(Exit::Usage));
        assert_eq!(std::fs::read(&report).expect("the report"), before);
    }
    shows(&seen, "files_overlap_report_of_a_deletion");
    let again = halfbuilt(&["scan", "--overwrite", "--rule", "output-gap", "-o", "report.csv"]).args(&TIMES);
    again.on(&database).at(folder.path()).run().exits(Exit::Clean);
    assert_ne!(std::fs::read(&report).expect("the report"), before);
    // A report without a journal is written over, as any file is.
    std::fs::remove_file(&journal).expect("a journal");
    halfbuilt(&["scan", "-o", "report.csv"]).args(&TIMES).on(&database).at(folder.path()).run().exits(Exit::Clean);
}
