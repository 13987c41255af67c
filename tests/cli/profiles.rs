//! `halfbuilt profiles`: what ships, each as it stands, and what is said of a profile of one's own.

use std::path::{Path, PathBuf};

use halfbuilt::exit::Exit;
use tempfile::TempDir;

use crate::support::{Done, Run, Seen, TestDatabase, halfbuilt, repository, server_variables};
use crate::what_a_person_sees::{Says, shows};

/// Presents builds alone.
const ALONE: &str = "-- profile: mine
-- title: my own CI
-- relation: build
SELECT build_id AS build_key, build_url, username || '/' || reponame AS project, build_num, lifecycle, status,
       queued_at, start_time AS started_at, stop_time AS stopped_at
  FROM :\"schema\".builds;
";

fn own(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.sql");
    std::fs::write(&path, text).expect("a file");
    (folder, path)
}

fn check(path: &Path) -> Run {
    halfbuilt(&["profiles", "--check"]).args(&[path])
}

/// Checks a profile on the CircleCI schema.
fn checked(profile: &str) -> Done {
    let (_folder, path) = own(profile);
    check(&path).on(&TestDatabase::circleci(&[])).run()
}

/// The row of a listing, its columns apart.
#[track_caller]
fn row<'a>(done: &'a Done, name: &str) -> Vec<&'a str> {
    let row = done.stdout.lines().find(|line| line.split_whitespace().next() == Some(name));
    let row = row.unwrap_or_else(|| panic!("no row of {name}: {}", done.stdout));
    row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

#[test]
fn every_profile_is_listed_with_what_it_offers() {
    let done = halfbuilt(&["profiles"]).run().exits(Exit::Clean);
    assert_eq!(done.stderr, "");
    assert_eq!(row(&done, "circleci")[1], "build, step, chunk, object");
    assert!(row(&done, "circleci")[4].ends_with("(the default)"));
    assert_eq!(row(&done, "buildbot")[1..], ["build, step, chunk", "nothing", "dump", "Buildbot 4 master database"]);
    assert_eq!(row(&done, "conductor")[1..4], ["build", "nothing", "public facts"]);
    assert_eq!(row(&done, "circleci-api")[1..4], ["build, step, object", "nREPL, console, HTTP", "stand-in"]);
    assert_eq!(row(&done, "openqa")[1..4], ["build, step", "HTTP", "real server"]);
    assert_eq!(row(&done, "lava")[1..4], ["build, step", "HTTP", "real server"]);
    assert_eq!(row(&done, "circleci")[2..4], ["nREPL, console, HTTP", "own schema"]);
    let files = std::fs::read_dir(repository("sql/profiles")).expect("a folder").count();
    assert_eq!(done.stdout.lines().count(), files + 1);
}

#[test]
fn every_profile_is_printed_as_it_stands() {
    for name in ["circleci", "buildbot", "conductor", "circleci-api", "openqa", "lava"] {
        let done = halfbuilt(&["profiles", name]).run().exits(Exit::Clean);
        let file = repository("sql/profiles").join(format!("{name}.sql"));
        assert_eq!(done.stdout, std::fs::read_to_string(file).expect("a file"));
    }
}

#[test]
fn a_profile_that_there_is_not() {
    let mut seen = Seen::default();
    let (_folder, path) = own(ALONE);
    let path = path.to_str().expect("a path");
    for name in ["jenkins", path] {
        let done = halfbuilt(&["profiles", name]).run().exits(Exit::Usage);
        seen.add(&format!("halfbuilt profiles {name}"), &done);
    }
    for (name, exit) in [("jenkins", Exit::Usage), ("./nowhere.sql", Exit::Failed)] {
        let done = halfbuilt(&["profiles", "--check", name]).run().exits(exit);
        seen.add(&format!("halfbuilt profiles --check {name}"), &done);
    }
    shows(&seen, "profiles_that_there_are_not");
}

#[test]
fn flags_that_do_not_go_together() {
    let mut seen = Seen::default();
    for flags in [
        &["profiles", "circleci", "--check", "buildbot"][..],
        &["profiles", "--database-url", "postgres://127.0.0.1:9/ci"],
        &["profiles", "circleci", "--rules", "."],
        &["profiles", "--check"],
    ] {
        seen.add(&format!("halfbuilt {}", flags.join(" ")), &halfbuilt(flags).run().exits(Exit::Usage));
    }
    shows(&seen, "profiles_flags_that_do_not_go_together");
    // A variable that is set for other commands is in nobody's way.
    let run = halfbuilt(&["profiles"]).env("HALFBUILT_DATABASE_URL", "postgres://127.0.0.1:9/ci");
    run.run().exits(Exit::Clean);
}

#[test]
fn without_a_database_it_says_what_it_did_not_check() {
    let (_folder, path) = own(ALONE);
    let done = check(&path).run().exits(Exit::Clean).says_all_of("profiles_check_without_a_database");
    // What the headers leave unsaid is taken for what makes the least deletable.
    let unsaid = "profile mine: my own CI\n\
                  on what it has been tried is not said (-- known:)\n\
                  how its builds can be deleted is not said (-- admin-paths:)\n\
                  what ran at the backup may be resumed: it is deletable only once --max-run-time has passed\n\
                  where what waits is kept is not said (-- queue:): what is stuck-queued is not deletable\n\
                  lifecycles that it gives: any\n\nrelation ";
    assert!(done.stdout.starts_with(unsaid), "{}", done.stdout);
    assert_eq!(row(&done, "build"), ["build", "yes", "not tried"]);
    assert_eq!(row(&done, "step"), ["step", "no", "-"]);
    assert_eq!(row(&done, "stuck-running"), ["stuck-running", "runs", "not tried"]);
    assert_eq!(row(&done, "closed-after-restore")[1], "runs, with --backup-time");
    assert_eq!(
        row(&done, "output-gap"),
        ["output-gap", "not checked", "-", "profile mine has no relation step, chunk"]
    );
    // Neither is a database named by what only says how to reach one.
    check(&path).env("PGUSER", "auditor").env("PGPORT", "9").run().exits(Exit::Clean).says("no database was asked");
}

#[test]
fn what_its_headers_mean_is_said() {
    let headers = "-- title: my own CI\n-- queue: in this database\n-- running: lost\n-- max-run-time: 90m\n\
                   -- yields: running, finished\n-- known: real server\n-- admin-paths: nREPL, HTTP\n";
    let (_folder, path) = own(&ALONE.replace("-- title: my own CI\n", headers));
    let done = check(&path).run().exits(Exit::Clean);
    let said = "profile mine: my own CI\n\
                it has been tried on a real server\n\
                its builds can be deleted by nREPL, HTTP\n\
                what ran at the backup is lost\n\
                what waits stands in this database, and starts: stuck-queued is not needed\n\
                a build runs for 1h 30m at most\n\
                lifecycles that it gives: running, finished\n\nrelation ";
    assert!(done.stdout.starts_with(said), "{}", done.stdout);
    let needless = "profile mine keeps its queue in the database: what waits starts";
    assert_eq!(row(&done, "stuck-queued"), ["stuck-queued", "not needed", "not tried", needless]);
    let ships = halfbuilt(&["profiles", "--check", "circleci"]).run().exits(Exit::Clean);
    for line in ["what ran at the backup is lost", "what waits is kept elsewhere", "a build runs for 5h at most"] {
        assert!(ships.stdout.contains(&format!("\n{line}\n")), "{line}: {}", ships.stdout);
    }
    // A word that is none is a fault.
    let mut seen = Seen::default();
    for wrong in [
        "-- queue: somewhere",
        "-- running: perhaps",
        "-- max-run-time: long",
        "-- yields: runing",
        "-- rows: there",
        "-- known: rumour",
        "-- admin-paths: nREPL, ssh",
    ] {
        let (_folder, path) = own(&ALONE.replace("-- title: my own CI\n", &format!("-- title: t\n{wrong}\n")));
        seen.add(wrong, &check(&path).run().exits(Exit::Failed));
    }
    shows(&seen, "profiles_headers_that_cannot_be_read");
}

#[test]
fn a_fault_in_its_form_is_reported_as_scan_reports_it() {
    let mut seen = Seen::default();
    for (fault, text) in [
        ("an unknown relation", "-- profile: mine\n-- title: t\n-- relation: job\nSELECT 1"),
        ("no relation build", "-- profile: mine\n-- title: t\n-- relation: step\nSELECT 1"),
        ("an empty file", ""),
    ] {
        let (_folder, path) = own(text);
        let scan = halfbuilt(&["scan", "--profile"]).args(&[&path]).run().exits(Exit::Failed);
        let done = check(&path).run().exits(Exit::Failed);
        assert_eq!(done.stderr, scan.stderr);
        seen.add(fault, &done);
    }
    shows(&seen, "profiles_faults_in_the_form");
}

#[test]
fn a_profile_that_fits() {
    let database = TestDatabase::circleci(&[]);
    let done = halfbuilt(&["profiles", "--check", "circleci"]).on(&database).run().exits(Exit::Clean);
    assert_eq!(done.stderr, "");
    for name in ["build", "step", "chunk", "object", "stuck-running", "closed-after-restore", "output-truncated"] {
        assert_eq!(row(&done, name).last(), Some(&"ok"), "{name}");
    }
    assert!(done.stdout.contains("\n18 rules run, 0 not checked, 0 not needed\n"), "{}", done.stdout);
    for word in ["not tried", "fault"] {
        assert!(!done.stdout.contains(word), "{}", done.stdout);
    }
    assert!(done.stdout.contains("\nits output is counted in bytes\n"), "{}", done.stdout);
    assert_eq!(row(&checked(ALONE).exits(Exit::Clean), "build"), ["build", "yes", "ok"]);
}

#[test]
fn a_database_may_be_named_by_any_variable_or_by_the_flag() {
    let database = TestDatabase::circleci(&[]);
    let variables = server_variables(&database.name);
    let pairs = ["host", "port", "user", "password", "dbname"].into_iter().zip(&variables);
    let pairs: Vec<String> = pairs.map(|(key, (_, value))| format!("{key}={value}")).collect();
    let url = pairs.join(" ");
    let asked = |run: Run| run.run().exits(Exit::Clean).does_not_say("no database was asked");
    asked(halfbuilt(&["profiles", "--check", "circleci"]).env("HALFBUILT_DATABASE_URL", &url)).does_not_say("warning");
    let by_flag = halfbuilt(&["profiles", "--check", "circleci", "--database-url", &url]);
    asked(by_flag).says("warning: a password in --database-url");
    for (name, value) in [("PGHOST", "127.0.0.1"), ("PGHOSTADDR", "127.0.0.1"), ("PGDATABASE", "ci")] {
        let run = halfbuilt(&["profiles", "--check", "circleci"]).env(name, value).env("PGPORT", "9").run();
        run.exits(Exit::Failed).fails_with("cannot connect to the build database");
    }
}

#[test]
fn all_faults_are_reported_not_only_the_first() {
    let wrong = ALONE.replace("queued_at,", "queued_at::text,").replace("build_num,", "");
    let done =
        checked(&format!("{wrong}-- relation: step\nSELECT * FROM stepps;\n-- relation: object\nSELECT 1 AS size;\n"));
    let done = done.exits(Exit::Failed);
    shows(&Seen::of("profiles --check, of a profile with many faults", &done), "profiles_all_faults");
    assert_eq!(row(&done, "build"), ["build", "yes", "fault"]);
    // Each rule would only repeat it.
    assert_eq!(row(&done, "stuck-running"), ["stuck-running", "runs", "not tried"]);
}

#[test]
fn keys_that_cannot_be_compared_are_found_though_each_relation_is_sound() {
    let step = "-- relation: step
SELECT build_id::text AS build_key, step AS step_key, name, start_time AS started_at, end_time AS stopped_at,
       has_output, output_size, NULL::boolean AS output_closed
  FROM :\"schema\".actions;
";
    let done = checked(&format!("{ALONE}{step}")).exits(Exit::Failed).says("does not fit this database");
    assert_eq!(row(&done, "step"), ["step", "yes", "ok"]);
    assert!(done.stdout.contains("operator does not exist"), "{}", done.stdout);
    let done = checked(&format!("{ALONE}{}", step.replace("::text", ""))).exits(Exit::Clean);
    assert_eq!(row(&done, "all"), ["all in one scan", "-", "ok"]);
}

#[test]
fn an_own_rule_is_checked_too() {
    let database = TestDatabase::circleci(&[]);
    let folder = tempfile::tempdir().expect("a folder");
    let rule = |name: &str, sql: &str| {
        let text = format!("-- rule: {name}\n-- title: t\n-- needs: build\n\n{sql};\n");
        std::fs::write(folder.path().join(format!("{name}.sql")), text).expect("a file");
    };
    rule("first", "SELECT build_key, evidnce FROM build");
    rule("second", "SELECT build_key, 1 AS evidence FROM build");
    rule("third", "SELECT build_key, 'seen' AS evidence FROM build");
    let run = halfbuilt(&["profiles", "--check", "circleci", "--rules"]).args(&[folder.path()]).on(&database).run();
    let done = run.exits(Exit::Failed);
    shows(&Seen::of("profiles --check circleci --rules, two of three with a fault", &done), "profiles_own_rules");
    assert_eq!(row(&done, "third"), ["third", "runs", "ok"]);
}

#[test]
fn nothing_in_a_file_or_from_a_server_drives_a_terminal() {
    let hostile = ALONE
        .replace("my own CI", "my \u{1b}]0;own\u{7} CI\r")
        .replace("FROM :\"schema\".builds", "FROM \"bu\u{1b}[2Jilds\"");
    let done = checked(&hostile).exits(Exit::Failed);
    assert!(done.stdout.contains("my \\u{1b}]0;own\\u{7} CI"), "{}", done.stdout);
    for text in [done.stdout, done.stderr] {
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }
}

#[test]
fn it_writes_nothing() {
    let database = TestDatabase::circleci(&["healthy"]);
    database.run("CREATE FUNCTION zap() RETURNS bigint LANGUAGE sql AS 'DELETE FROM public.builds; SELECT 1::bigint'");
    let (_folder, path) = own(&ALONE.replace("build_num,", "public.zap() / 0 AS build_num,"));
    let before = database.urls();
    let done = check(&path).on(&database).run().exits(Exit::Failed);
    done.says("cannot execute DELETE in a read-only transaction");
    assert_eq!(database.urls(), before);
}

#[test]
fn a_rule_that_asks_for_what_the_profile_never_gives_is_not_checked() {
    let done = halfbuilt(&["profiles", "--check", "conductor"]).run().exits(Exit::Clean);
    let why = "profile conductor never gives a build that is queued or not_running";
    assert_eq!(row(&done, "stuck-queued"), ["stuck-queued", "not checked", "not tried", why]);
    let copies = halfbuilt(&["profiles", "--check", "circleci-api"]).run().exits(Exit::Clean);
    let why = "profile circleci-api presents copies: the CI's own indexes are elsewhere";
    assert_eq!(row(&copies, "collation-version"), ["collation-version", "not needed", "-", why]);
}
