//! Bad input: each gets one clear error and its exit code, before anything is done.

use halfbuilt::exit::Exit;

use crate::support::{NOBODY, Report, Run, Seen, TIMES, TestDatabase, halfbuilt, scanned};
use crate::what_a_person_sees::{Says, shows};

#[test]
fn flags_that_cannot_be_read() {
    let mut seen = Seen::default();
    for flags in [
        &["scan", "--backup-time", "2026-11-20T02:00:00"][..],
        &["scan", "--backup-time", "yesterday"],
        &["scan", "--max-run-time", "soon"],
        &["scan", "--format", "xml"],
        &["scan", "--base-url", "ci.example.com"],
        &["scan", "--frobnicate"],
        &["scan", "--project", "acme/["],
        &["scan", "--restored-at", "2026-11-20T06:30:00Z"],
        &["scan", "--backup-time", "2026-11-20T06:30:00Z", "--restored-at", "2026-11-20T02:00:00Z"],
        &["scan", "--backup-time", "2999-11-20T02:00:00Z"],
        &["delete"],
        &["delete", "report.csv", "--execute"],
        &["delete", "report.csv", "--execute", "--dry-run"],
        &["delete", "report.csv", "--via", "ftp://ci"],
        &["delete", "report.csv", "--via", "nrepl://ci:6005", "--admin-fn", "(exit)"],
        &["scan", "--rule", "stuck-runing"],
        &["undelete"],
    ] {
        let done = halfbuilt(flags).run().exits(Exit::Usage).says("error:");
        seen.add(&format!("halfbuilt {}", flags.join(" ")), &done);
    }
    shows(&seen, "flags_that_cannot_be_read");
    halfbuilt(&[]).run().exits(Exit::Usage).says("Usage");
}

#[test]
fn what_the_environment_gave_is_not_taken_for_what_was_typed() {
    for (flags, usage) in [
        (&["scan", "--format", "xml"][..], "halfbuilt scan [OPTIONS]"),
        (&["verify", "--retention", "1d"], "halfbuilt verify [OPTIONS]"),
        (&["manifest", "--settle"], "halfbuilt manifest [OPTIONS]"),
        (&["delete"], "halfbuilt delete [OPTIONS] <REPORT|URL>..."),
    ] {
        let help = halfbuilt(&flags[..1]).args(&["--help"]).run().exits(Exit::Clean).stdout;
        assert!(help.contains(&format!("Usage: {usage}\n")), "{help}");
        let run = halfbuilt(flags).env("HALFBUILT_DATABASE_URL", "host=x").env("HALFBUILT_BACKUP_TIME", TIMES[1]);
        run.run().exits(Exit::Usage).does_not_say("--database-url").does_not_say("--backup-time");
    }
    let run = halfbuilt(&["scan"]).env("HALFBUILT_RESTORED_AT", TIMES[3]).run().exits(Exit::Usage);
    run.fails_with("error:").says_all_of("input_errors_restored_at_of_the_environment");
    halfbuilt(&["scan", "--restored-at", TIMES[3]]).run().exits(Exit::Usage).does_not_say("HALFBUILT_");
}

#[test]
fn a_key_needs_the_baseline_that_it_is_for() {
    let nowhere = ["--database-url", "postgres://me@127.0.0.1:9/ci"];
    let run = |arguments: &[&str]| halfbuilt(&["verify"]).args(arguments).args(&TIMES).args(&nowhere);
    let mut seen = Seen::default();
    // A pipeline that lost its --baseline must not believe in a signature.
    for flags in [["--key-file", "/nonexistent/key"], ["--retention", "660d"]] {
        seen.add(&format!("halfbuilt verify {}", flags.join(" ")), &run(&flags).run().exits(Exit::Usage));
    }
    // A variable is for other runs too, and is in nobody's way.
    let by_variable = |run: Run| run.env("HALFBUILT_KEY_FILE", "/nonexistent/key").run().exits(Exit::Failed);
    seen.add("HALFBUILT_KEY_FILE, and no --baseline", &by_variable(run(&[])));
    let folder = tempfile::tempdir().expect("a folder");
    let manifest = folder.path().join("before.json");
    let database = TestDatabase::circleci(&["healthy"]);
    let made = halfbuilt(&["manifest", "--backup-time", TIMES[1], "-o"]).args(&[&manifest]).on(&database);
    made.run().exits(Exit::Clean);
    let manifest = manifest.to_str().expect("UTF-8");
    seen.add("HALFBUILT_KEY_FILE and --baseline", &by_variable(run(&["--baseline", manifest])));
    let done = by_variable(run(&["--baseline", manifest, "--key-file", "/nonexistent/own"]));
    seen.add("HALFBUILT_KEY_FILE, --baseline and --key-file", &done);
    shows(&seen, "input_errors_keys");
}

#[test]
fn help_and_version_are_no_errors() {
    for flags in [&["--help"][..], &["--version"], &["scan", "--help"], &["delete", "--help"], &["verify", "--help"]] {
        let done = halfbuilt(flags).run().exits(Exit::Clean);
        assert!(!done.stdout.is_empty());
        assert_eq!(done.stderr, "");
    }
    assert!(halfbuilt(&["--help"]).run().stdout.contains("130  interrupted"));
    // A manifest is not a scan: without a time it has one all the same.
    let without =
        "Without it nobody can know which builds the backup cut: every timing is unknown, and nothing is deletable.";
    let help = |command| halfbuilt(&[command, "--help"]).run().stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let (manifest, scan) = (help("manifest"), help("scan"));
    assert!(manifest.contains("[default: the database's present]"), "{manifest}");
    assert!(scan.contains(without) && !manifest.contains(without), "{manifest}");
}

#[test]
fn an_output_that_cannot_be_written_is_found_before_the_scan_starts() {
    // Nobody listens at the database either: what is complained of is what was looked at first.
    let nowhere = ["--database-url", "postgres://127.0.0.1:9/ci"];
    for command in ["scan", "verify"] {
        let done = halfbuilt(&[command, "-o", "/nonexistent/report.csv"]).args(&TIMES).args(&nowhere).run();
        done.exits(Exit::Failed)
            .fails_with("cannot write /nonexistent/report.csv")
            .says("there is no folder /nonexistent");
    }
}

#[test]
fn a_report_that_cannot_be_written_to_the_end_is_an_error() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let done = halfbuilt(&["scan", "-o", "/dev/full"]).args(&TIMES).on(&database).run();
    done.exits(Exit::Failed).says_all_of("input_errors_no_space_left");
}

#[test]
fn a_report_that_is_not_there() {
    let done = halfbuilt(&["delete", "/nonexistent/report.csv"]).args(&NOBODY).run();
    done.exits(Exit::Failed).fails_with("error:").says_all_of("input_errors_report_that_is_not_there");
}

#[test]
fn a_report_that_cannot_be_trusted() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (folder, report) = scanned(&database);
    let good = std::fs::read_to_string(&report).expect("a report");
    let rows: Vec<&str> = good.split_inclusive("\r\n").collect();
    let without_column = good.replacen("fingerprint", "finger", 1);
    let doubled = format!("{good}{}", rows[1]);
    let fingerprint = Report::read(&report).rows[0]["fingerprint"].clone();
    let cut_inside = good.replacen(&fingerprint, &fingerprint[..fingerprint.len() - 10], 1);
    let in_a_row = good[..good.len() - 60].to_owned();
    let hostile = good.replacen("https://ci.acme.example/gh/acme/api/", "\"\"\")(System/exit 0)(\"\"\"", 1);
    let mut seen = Seen::default();
    for (fault, text) in [
        ("a column is missing", without_column.into_bytes()),
        ("a row is cut", in_a_row.into_bytes()),
        ("the last row is cut", good.as_bytes()[..good.len() - 10].to_vec()),
        ("a fingerprint is cut", cut_inside.into_bytes()),
        ("it is not UTF-8", [good.as_bytes(), b"\xff\xfe\r\n"].concat()),
        ("a row is there twice", doubled.into_bytes()),
        ("an address is code", hostile.into_bytes()),
        ("its cells are separated by semicolons", good.replace(',', ";").into_bytes()),
        ("it is no report", b"dear diary\n".to_vec()),
        ("it is empty", Vec::new()),
    ] {
        let path = folder.path().join("bad.csv");
        std::fs::write(&path, &text).expect("a file");
        let done = halfbuilt(&["delete"]).args(&[&path]).args(&NOBODY).args(&TIMES).on(&database).run();
        seen.add(fault, &done.exits(Exit::Failed).fails_with("bad.csv is not a report that can be acted on"));
    }
    shows(&seen, "reports_that_cannot_be_trusted");
}

#[test]
fn a_mark_of_order_and_unix_line_ends_are_no_fault() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (folder, report) = scanned(&database);
    let text = std::fs::read_to_string(&report).expect("a report");
    let path = folder.path().join("edited.csv");
    std::fs::write(&path, format!("\u{feff}{}", text.replace("\r\n", "\n"))).expect("a file");
    halfbuilt(&["delete"]).args(&[&path]).args(&NOBODY).args(&TIMES).on(&database).run().exits(Exit::Clean);
}

#[test]
fn an_address_that_tries_to_leave_the_string() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let mut seen = Seen::default();
    for hostile in [
        "https://ci.acme.example/gh/acme/api/1\")(System/exit 0)(\"",
        "https://ci.acme.example/gh/acme/\")(System/exit 0)(\"/1",
        "\")(System/exit 0)(\"",
    ] {
        let list = format!("https://ci.acme.example/gh/acme/api/9101\n{hostile}\n");
        let done = halfbuilt(&["delete", "-"]).args(&NOBODY).args(&TIMES).on(&database).input(&list).run();
        seen.add(hostile, &done.exits(Exit::Failed).fails_with("- is not a report that can be acted on"));
    }
    shows(&seen, "input_errors_hostile_addresses");
}

#[test]
fn a_secret_in_the_wrong_place_is_refused_and_not_repeated() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let mut seen = Seen::default();
    for (flag, value) in [
        ("--via", "nrepl://me:hunter2@ci.acme.example:6005"),
        ("--via", "https://me:hunter2@ci.acme.example/admin"),
        ("--via", "https://ci.acme.example/admin?circle-token=hunter2"),
        ("--base-url", "https://me:hunter2@ci.acme.example"),
    ] {
        let run = halfbuilt(&["delete", flag, value]).args(&[&report]).on(&database);
        let run = if flag == "--via" { run } else { run.args(&NOBODY) };
        let done = run.run().exits(Exit::Usage).fails_with(flag).does_not_say("hunter2");
        seen.add(&format!("{flag} {value}"), &done);
    }
    shows(&seen, "input_errors_secrets_in_the_wrong_place");
}

#[test]
fn a_run_that_did_not_begin_leaves_no_results_in_the_way_of_the_next() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (folder, report) = scanned(&database);
    let results = folder.path().join("results.csv");
    let run = |more: &[&str]| {
        let run = halfbuilt(&["delete", "--execute"]).args(&[&report]).args(&NOBODY).args(&TIMES).args(&["-o"]);
        run.args(&[&results]).args(more).on(&database).run()
    };
    run(&[]).exits(Exit::Declined);
    assert!(!results.exists());
    run(&["--confirm", "ci.acme.example"]).exits(Exit::Failed).says("127.0.0.1:9");
    assert!(!results.exists());
}

#[test]
fn a_plan_is_not_written_over_the_report_that_it_is_made_from() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let before = std::fs::read(&report).expect("a report");
    let run = halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).args(&["-o"]).args(&[&report]).on(&database);
    run.run().exits(Exit::Usage).fails_with("error:").says_all_of("input_errors_plan_over_its_report");
    assert_eq!(std::fs::read(&report).expect("a report"), before);
}

#[test]
fn a_reader_that_has_enough_is_no_fault_of_the_database() {
    // More than what is kept in memory before it is written.
    let database = TestDatabase::circleci(&["healthy", "stuck-running", "output-truncated", "output-missing"]);
    let (_folder, report) = scanned(&database);
    assert!(std::fs::metadata(&report).expect("a report").len() > 8192);
    let report = report.to_str().expect("UTF-8");
    // Standard output is a pipe that nobody reads any more.
    let unread = "exec 3> >(:); wait $!; exec 1>&3";
    for arguments in [
        &["scan"][..],
        &["scan", "--format", "json"],
        &["scan", "--format", "table"],
        &["manifest"],
        &["verify", "-o", "-"],
        &["verify", "--json", "-"],
        &["verify", "--junit", "-"],
        &["delete", report, "--via", "nrepl://127.0.0.1:9"],
        &["rules"],
        &["report", report, "--markdown", "-"],
    ] {
        let times = if ["rules", "report"].contains(&arguments[0]) { &[][..] } else { &TIMES[..] };
        let done = halfbuilt(arguments).args(times).on(&database).under(unread).run();
        let done = match arguments[0] {
            // A verdict is not lost in silence.
            "verify" => done
                .exits(Exit::Failed)
                .fails_with("error: nobody reads standard output any more: the rest was not written\n"),
            _ => done.exits(Exit::OutputClosed).does_not_say("error"),
        };
        done.does_not_say("caused by").does_not_say("Broken pipe");
    }
}

#[test]
fn a_report_is_no_journal() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let done = halfbuilt(&["journal", "verify"]).args(&[&report]).run().exits(Exit::Failed);
    let mut seen = Seen::default();
    seen.add("a report", &done.fails_with("error:"));
    // What is nothing that is known is not to be replaced either.
    seen.add("/etc/hosts", &halfbuilt(&["journal", "verify", "/etc/hosts"]).run().exits(Exit::Failed));
    shows(&seen, "input_errors_what_is_no_journal");
}
