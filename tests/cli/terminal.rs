//! What is written to a terminal: how much, in which colours, how wide, and through which pager.

use crate::support::{Done, Person, TestDatabase, admin, halfbuilt};
use halfbuilt::exit::Exit;

const SCAN: &str =
    "halfbuilt scan --backup-time 2026-11-20T02:00:00Z --restored-at 2026-11-20T06:30:00Z --format table";

fn person() -> Person {
    Person::with(TestDatabase::circleci(&["healthy", "output-gap"]))
}

fn lines_of_builds(done: &Done) -> Vec<&str> {
    done.stdout.lines().take_while(|line| !line.contains("abnormal builds,")).collect()
}

#[test]
fn on_a_narrow_terminal_a_build_takes_one_line() {
    let person = person();
    for columns in [80, 100, 119] {
        let done = person.run(SCAN).env("COLUMNS", &columns.to_string()).run().exits(Exit::Clean);
        let lines = lines_of_builds(&done);
        assert_eq!(lines.len(), 12, "{lines:?}");
        assert!(lines.iter().all(|line| line.chars().count() <= columns), "{columns}: {lines:?}");
        assert!(lines[0].starts_with("build "), "{lines:?}");
        let stuck = lines.iter().find(|line| line.starts_with("acme/api/9405 ")).expect("a line");
        assert!(stuck.contains("  in-flight      yes     stuck-running") && stuck.contains("  stuck "), "{stuck}");
        // A time is whole or not there.
        assert!(
            lines.iter().all(|line| !line.contains("T01:20") || line.contains("2026-11-20T01:20:10Z")),
            "{lines:?}"
        );
    }
    let wide = person.run(SCAN).env("COLUMNS", "120").run().exits(Exit::Clean);
    wide.prints("┌──").prints("output-truncated").prints("after-restore").prints(" 2026-11-20T01:20:10Z");
}

#[test]
fn colours_are_for_terminals_and_for_those_who_ask() {
    let person = person();
    let (green, red) = ("\u{1b}[32myes\u{1b}[0m", "\u{1b}[31mno\u{1b}[0m");
    for columns in ["80", "160"] {
        let run = |line: &str| person.run(line).env("COLUMNS", columns).env("TERM", "xterm");
        run(&format!("{SCAN} --color always")).run().exits(Exit::Clean).prints(green).prints(red);
        run(SCAN).env("CLICOLOR_FORCE", "1").run().exits(Exit::Clean).prints(green);
        run(SCAN).on_a_terminal().run().exits(Exit::Clean).prints(green).prints(red);
        for plain in [
            run(SCAN),
            run(SCAN).env("NO_COLOR", "1").on_a_terminal(),
            run(&format!("{SCAN} --color never")).on_a_terminal(),
        ] {
            plain.run().exits(Exit::Clean).does_not_print("\u{1b}[3").prints("yes");
        }
    }
    // A file has none.
    person.run(&format!("{SCAN} -o table.txt")).on_a_terminal().run().exits(Exit::Clean);
    let table = std::fs::read_to_string(person.file("table.txt")).expect("a table");
    assert!(table.contains("yes") && !table.contains('\u{1b}'), "{table}");
}

#[test]
fn messages_have_colours() {
    let wrong = |flags: &[&str]| halfbuilt(&["delete", "no-such-report.csv"]).args(flags);
    let error = "\u{1b}[31m\u{1b}[1merror:\u{1b}[0m";
    wrong(&["--via", "nrepl://127.0.0.1:1", "--color", "always"]).run().says(error);
    wrong(&["--via", "nrepl://127.0.0.1:1"]).run().does_not_say("\u{1b}");
    // Before the command line is parsed too.
    wrong(&["--no-such-flag", "--color=always"]).run().exits(Exit::Usage).says(error);
    wrong(&["--no-such-flag"]).run().exits(Exit::Usage).does_not_say("\u{1b}");
    wrong(&["--color", "purple"]).run().exits(Exit::Usage).says("[possible values: auto, always, never]");
    halfbuilt(&["--help", "--color", "always"]).run().exits(Exit::Clean).prints("\u{1b}[1m");
    halfbuilt(&["--help"]).run().exits(Exit::Clean).does_not_print("\u{1b}");
}

#[test]
fn quiet_says_less_and_verbose_more() {
    let person = person();
    let scan = "halfbuilt scan --backup-time 2026-11-20T02:00:00Z --restored-at 2026-11-20T06:30:00Z -o report.csv";
    let run = |line: &str| person.run(line).run().exits(Exit::Clean);
    let quiet = run(&format!("{scan} -q"));
    let (headline, rest) = quiet.stderr.split_once('\n').expect("a line");
    assert!(headline.contains(" abnormal builds, ") && headline.contains(" deletable; checked "), "{headline}");
    // What was not checked is never left out.
    assert!(rest.lines().all(|line| line.starts_with("not checked: ")) && !rest.is_empty(), "{rest}");
    // What warns and what helps stays.
    let without = run("halfbuilt -q scan -o report.csv");
    without.says("warning: no --backup-time").says("hint: the longest quiet time").does_not_say("by rule");
    let verbose = run(&format!("{scan} --verbose"));
    let verbose = verbose
        .says("connected to ")
        .says("rules stuck-running, closed-after-restore, ")
        .says("halfbuilt rules --composed");
    let verbose = verbose.says("counting builds took 0.").says("abnormal builds,");
    assert!(!verbose.stderr.contains("password"), "{}", verbose.stderr);
    halfbuilt(&["scan", "-q", "-v"]).run().exits(Exit::Usage).says("cannot be used with");
}

#[test]
fn a_verdict_is_given_quietly_too() {
    let person = person();
    let times = "--backup-time 2026-11-20T02:00:00Z --restored-at 2026-11-20T06:30:00Z";
    let done = person.run(&format!("halfbuilt verify {times} -q")).run().exits(Exit::Found);
    assert!(done.stderr.starts_with("verdict: failed"), "{}", done.stderr);
}

#[test]
fn a_long_table_goes_through_the_pager() {
    let person = person();
    let run = |lines: &str, pager: &str| {
        let run = person.run(SCAN).env("COLUMNS", "80").env("LINES", lines).env("TERM", "xterm");
        run.env("HALFBUILT_PAGER", pager).on_a_terminal().run().exits(Exit::Clean)
    };
    let paged = run("20", "sed s/^/paged:/");
    assert!(paged.stdout.contains("paged:\u{1b}[1macme/api/9405"), "{}", paged.stdout);
    assert!(paged.stdout.contains("paged:by timing:"), "{}", paged.stdout);
    // What fits needs none.
    run("500", "sed s/^/paged:/").does_not_print("paged:").prints("acme/api/9405");
    run("20", "").prints("acme/api/9405");
    run("20", "cat").prints("acme/api/9405");
    // Who has seen enough quits: that is no error.
    run("20", "head -1").does_not_print("acme/api/9405").does_not_print("error");
    run("20", "true").does_not_print("error").does_not_print("acme/api/9405");
    // A pager that is not installed hides nothing.
    run("20", "no-such-pager -x").prints("acme/api/9405");
    // A program that reads the output gets it at once.
    let piped = person.run(SCAN).env("LINES", "5").env("COLUMNS", "80").env("PAGER", "sed s/^/paged:/").run();
    piped.exits(Exit::Clean).does_not_print("paged:");
}

#[test]
fn less_is_the_pager_where_none_is_named() {
    let person = person();
    let run = person.run(SCAN).env("COLUMNS", "80").env("LINES", "20").env("TERM", "xterm");
    let done = run.on_a_terminal().input("q").run().exits(Exit::Clean);
    done.prints("acme/api/9405").does_not_print("error");
}

/// A run whose output nobody reads.
fn unread(run: crate::support::Run) -> Done {
    let mut child = run.start();
    drop(child.stdout.take());
    Done::new(child.wait_with_output().expect("it ends"))
}

#[test]
fn who_has_seen_enough_needs_no_error() {
    let person = person();
    let times = "--backup-time 2026-11-20T02:00:00Z --restored-at 2026-11-20T06:30:00Z";
    for format in ["csv", "json", "table"] {
        let done = unread(person.run(&format!("halfbuilt scan {times} --format {format}")));
        done.exits(Exit::OutputClosed).does_not_say("error").does_not_say("Broken pipe");
    }
    // A verdict that rests on a report is no less than before, nor is a record of what was deleted.
    let done = unread(person.run(&format!("halfbuilt verify {times} -o -")));
    done.exits(Exit::Failed).says("error: nobody reads standard output any more");
    person.types(&format!("halfbuilt scan {times} -o report.csv"));
    let delete =
        format!("halfbuilt delete report.csv {times} --max-percent 100 --via {}", admin(&person.database).nrepl());
    unread(person.run(&delete)).exits(Exit::OutputClosed).does_not_say("error");
    let done = unread(person.run(&format!("{delete} --execute --confirm ci.acme.example -o -")));
    done.exits(Exit::Failed).says("error: ");
}
