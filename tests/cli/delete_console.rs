//! Deletions through real console programs: nREPL's own command-line client, and a plain Clojure prompt.

use std::path::{Path, PathBuf};

use halfbuilt::exit::Exit;
use tempfile::TempDir;

use crate::support::{
    Admin, Done, Gate, Hearing, Report, Run, Seen, Signal, TIMES, TestDatabase, admin, deletable, halfbuilt,
    repository, scanned, server_variables, signal, signal_group, wait_until,
};
use crate::what_a_person_sees::{Says, shows};

/// The command that starts `fixtures/servers/console.sh`.
pub(crate) fn command(arguments: &str) -> String {
    // The program runs with a clean environment; where things are installed is not for it to say.
    let places = ["PATH", "HOME", "XDG_CACHE_HOME", "HALFBUILT_SERVERS_ROOT", "HALFBUILT_IGNORE_SYSTEM"];
    let places = places.iter().filter_map(|name| Some(format!("{name}='{}' ", std::env::var(name).ok()?)));
    let script = repository("fixtures/servers/console.sh");
    format!("{}exec bash '{}' {arguments}", places.collect::<String>(), script.display())
}

/// The console that is connected to the admin server's nREPL.
fn connected(admin: &Admin) -> String {
    command(&format!("nrepl {}", admin.nrepl_port()))
}

/// Deletes what may be deleted of a report, through a console.
fn delete(database: &TestDatabase, report: &Path, console: &str) -> Run {
    let via = format!("console:{console}");
    let confirmed = ["--execute", "--confirm", &database.host, "--via", &via];
    halfbuilt(&["delete"]).args(&[report]).args(&TIMES).args(&confirmed).on(database)
}

/// The password of the database server.
fn password() -> String {
    let mut variables = server_variables("postgres").into_iter();
    variables.find(|(name, _)| name == "PGPASSWORD").expect("a password").1
}

/// Runs it, and once more where the console hangs as it starts: nREPL's own client does so before its first prompt, by hand too (in 1
/// of 36 starts, six at a time on two cores), because it opens its session while it still waits for a greeting. Nothing has been sent
/// then, whatever it has printed.
fn run(prepared: impl Fn() -> Run) -> Done {
    let start = || prepared().args(&["--start-timeout", "60s"]).run();
    let hung = |done: &Done| done.stderr.contains("was not ready within 60s");
    let done = start();
    let again = if hung(&done) { start() } else { done };
    if hung(&again) { start() } else { again }
}

/// A database with its report.
fn prepared(fixtures: &[&str]) -> (TestDatabase, TempDir, PathBuf) {
    let database = TestDatabase::circleci_on_own_host(fixtures);
    let (folder, report) = scanned(&database);
    (database, folder, report)
}

/// All that is deletable goes, and nothing else.
fn deletes_the_chosen(console: impl Fn(&TestDatabase) -> String, flags: &[&str]) {
    let (database, _folder, report) = prepared(&["healthy", "stuck-running"]);
    let (before, chosen) = (database.urls(), deletable(&Report::read(&report)));
    let console = console(&database);
    let password = password();
    let deletion = || delete(&database, &report, &console).args(flags).env("CONSOLE_PASSWORD", &password);
    let done = run(deletion).exits(Exit::Clean);
    let expected: Vec<String> = before.into_iter().filter(|url| !chosen.contains(url)).collect();
    assert_eq!(database.urls(), expected, "{flags:?}");
    assert_eq!(Report::parse(&done.stdout).count("state", "deleted"), chosen.len(), "{flags:?}");
    done.says("admin/delete-build (circle.http.api.admin-commands/delete-build)").does_not_say(&password);
}

#[test]
fn a_client_of_an_nrepl_over_pipes() {
    deletes_the_chosen(|database| connected(&admin(database)), &[]);
}

#[test]
fn a_client_of_an_nrepl_in_a_terminal() {
    deletes_the_chosen(|database| connected(&admin(database)), &["--console-pty"]);
}

#[test]
fn a_client_that_shows_colours() {
    let console = |database: &TestDatabase| format!("{} --color", connected(&admin(database)));
    deletes_the_chosen(console, &[]);
    deletes_the_chosen(console, &["--console-pty"]);
}

#[test]
fn a_client_that_looks_as_of_old_and_fails_as_it_starts() {
    let console = |database: &TestDatabase| command(&format!("reply {}", admin(database).nrepl_port()));
    deletes_the_chosen(console, &[]);
    deletes_the_chosen(console, &["--console-pty"]);
}

#[test]
fn a_plain_clojure_prompt_over_pipes() {
    deletes_the_chosen(|_| command("local"), &[]);
}

#[test]
fn a_plain_clojure_prompt_in_a_terminal() {
    deletes_the_chosen(|_| command("local"), &["--console-pty"]);
}

#[test]
fn a_line_editor_that_draws_what_is_typed() {
    // readline, as bash has it, on a terminal so narrow that each form takes many of its lines.
    let editor = "bash -c 'stty cols 40; export TERM=xterm
        while IFS= read -e -r -p \"user=> \" line; do printf \"%s\\n\" \"$line\"; done'"
        .replace("\n        ", "; ");
    deletes_the_chosen(|_| format!("{editor} | {{ {}; }}", command("local")), &["--console-pty"]);
}

#[test]
fn a_prompt_in_another_namespace_calls_the_function_by_its_full_name() {
    let (database, _folder, report) = prepared(&["stuck-running"]);
    let before = database.builds();
    // What is typed first leaves for a namespace without names of its own; then the console is given over.
    let console = format!("{{ echo \"(in-ns 'nowhere)\"; exec cat; }} | {{ {}; }}", connected(&admin(&database)));
    let done = run(|| delete(&database, &report, &console)).exits(Exit::Clean);
    let done = done.says("circle.http.api.admin-commands/delete-build").does_not_say("admin/delete-build (");
    assert_eq!(Report::parse(&done.stdout).count("state", "deleted") as u64, before - database.builds());
}

#[test]
fn an_exception_with_hostile_text_is_reported_and_stops_the_canary() {
    for flags in [&[][..], &["--console-pty"]] {
        let (database, _folder, report) = prepared(&["stuck-running"]);
        let admin = admin(&database);
        admin.fails_with(
            &database,
            "no\n\u{1b}[31mluck\u{1b}]0;title\u{7} \"quoted\" \\ \u{e9}\u{1f600} V004E user=> nil",
        );
        let done = run(|| delete(&database, &report, &connected(&admin)).args(flags)).exits(Exit::NotAllDeleted);
        let results = Report::parse(&done.stdout);
        assert_eq!(results.count("state", "failed"), 1, "{flags:?}");
        done.says("exception clojure.lang.ExceptionInfo: no\\n\\u{1b}[31mluck\\u{1b}]0;title\\u{7} \"quoted\" \\ é😀");
    }
}

#[test]
fn values_that_throw_or_never_end_are_reported_as_what_they_are() {
    let (database, _folder, report) = prepared(&["stuck-running"]);
    let console = connected(&admin(&database));
    // Each takes any text: the keys of one are found out to be none when they are printed, and repeat has no end.
    for (function, message) in [
        ("clojure.core/keys", "exception java.lang.ClassCastException: "),
        ("clojure.core/repeat", "it is deleted (value (\"https://"),
        ("clojure.core/name", "it is deleted (value \"https://"),
    ] {
        let done = run(|| delete(&database, &report, &console).args(&["--admin-fn", function]));
        let done = done.exits(Exit::NotAllDeleted).says(message).says("the first build ended as failed");
        assert!(done.stderr.len() < 5000, "{}", done.stderr);
    }
}

#[test]
fn a_server_that_says_done_and_did_nothing_is_found_out_at_the_first_build() {
    let (database, _folder, report) = prepared(&["stuck-running"]);
    let admin = admin(&database);
    admin.behaves(&database, "pretend");
    let before = database.urls();
    let done = run(|| delete(&database, &report, &connected(&admin))).exits(Exit::NotAllDeleted);
    let results = Report::parse(&done.stdout);
    assert_eq!((results.count("state", "failed"), results.count("state", "deleted")), (1, 0));
    assert_eq!(database.urls(), before);
}

#[test]
fn a_server_that_talks_much_is_listened_to() {
    for flags in [&[][..], &["--console-pty"]] {
        let (database, _folder, report) = prepared(&["stuck-running"]);
        let admin = admin(&database);
        admin.behaves(&database, "print");
        let done = run(|| delete(&database, &report, &connected(&admin)).args(flags)).exits(Exit::Clean);
        let results = Report::parse(&done.stdout);
        assert_eq!(results.count("state", "deleted"), deletable(&Report::read(&report)).len(), "{flags:?}");
    }
}

#[test]
fn no_answer_is_unknown_and_is_never_sent_again() {
    let (database, folder, report) = prepared(&["stuck-running"]);
    let admin = admin(&database);
    admin.behaves(&database, "sleep");
    let pid = folder.path().join("pid");
    let console = format!("echo $$ > '{}'; {}", pid.display(), connected(&admin));
    let done = run(|| delete(&database, &report, &console).args(&["--timeout", "5s"])).exits(Exit::NotAllDeleted);
    let results = Report::parse(&done.stdout);
    assert_eq!((results.count("state", "unknown"), results.count("state", "deleted")), (1, 0));
    done.says("still there when read again");
    assert!(!lives(&pid), "the console is left");
}

#[test]
fn a_missing_function_is_an_error_before_anything_is_deleted() {
    let (database, _folder, report) = prepared(&["stuck-running"]);
    let before = database.urls();
    let console = connected(&admin(&database));
    let done = run(|| delete(&database, &report, &console).args(&["--admin-fn", "my.admin/zap"]));
    done.exits(Exit::Failed).says("has no function my.admin/zap").says("hint:");
    assert_eq!(database.urls(), before);
    let named = "circle.http.api.admin-commands/delete-build";
    let done = run(|| delete(&database, &report, &console).args(&["--admin-fn", named])).exits(Exit::Clean);
    assert!(Report::parse(&done.stdout).count("state", "deleted") > 0);
}

/// Runs a deletion that fails before anything is sent.
fn fails(console: &str, flags: &[&str]) -> Done {
    let (database, _folder, report) = prepared(&["stuck-running"]);
    let before = database.urls();
    let done =
        delete(&database, &report, console).args(flags).env("HALFBUILT_TOKEN", "hunter2").run().exits(Exit::Failed);
    assert_eq!(database.urls(), before);
    assert!(!done.stderr.contains("hunter2"), "{}", done.stderr);
    done
}

#[test]
fn a_console_that_ends_early_is_an_error_with_its_last_words() {
    let done = fails("echo Welcome; sleep 0.2; echo 'no such container: frontend' >&2; exit 7", &[]);
    let mut seen = Seen::default();
    seen.add_talk("the container is not there", &done);
    let done = fails("test -t 0 || { echo 'the input device is not a TTY'; exit 1; }", &[]);
    seen.add_talk("it needs a terminal", &done);
    shows(&seen, "delete_console_that_ends_early");
}

/// Under nohup the signal of a lost terminal is ignored, and by all that is started; but that signal is what ends a console's children,
/// which hold its output open.
#[test]
fn a_console_that_ends_is_known_to_have_ended_under_nohup_too() {
    let (database, _folder, report) = prepared(&["stuck-running"]);
    let run = delete(&database, &report, "sleep 600 & echo gone; exit 7").under("trap '' HUP");
    run.run().exits(Exit::Failed).says("ended (exit status: 7) before it was ready; it printed: gone");
}

#[test]
fn a_console_that_is_never_ready_is_an_error_with_what_it_prints() {
    // The limit is what is waited for here, and the words have to come before it.
    std::thread::scope(|scope| {
        for flags in [&["--start-timeout", "10s"][..], &["--start-timeout", "10s", "--console-pty"]] {
            scope.spawn(move || {
                let done = fails("echo 'Loading system ...'; sleep 600", flags);
                done.says("was not ready within 10s; it printed: Loading system ...").says("--start-timeout");
            });
        }
    });
    // What was typed is not worth repeating.
    fails("cat", &["--start-timeout", "1s"]).says("was not ready within 1s and printed nothing");
}

#[test]
fn a_shell_in_place_of_a_clojure_prompt_is_an_error() {
    fails("exec bash", &["--start-timeout", "10s"]).says("syntax error near unexpected token").says("Clojure prompt");
}

#[test]
fn a_password_is_never_typed_for_the_operator() {
    // Both ask on the controlling terminal, with pipes too.
    let asks =
        "stty -echo < /dev/tty; printf 'password for root: ' > /dev/tty; read -r it < /dev/tty; echo \"got $it\"";
    for flags in [&[][..], &["--console-pty"]] {
        let done = fails(asks, flags);
        done.says("asks for a password; it printed: password for root:").says("hint:").does_not_say("got (let");
    }
}

#[test]
fn no_secret_of_ours_is_in_the_environment_of_a_console() {
    let done = fails(
        "echo leaked: $(env | grep -c -e ^PGPASSWORD= -e ^HALFBUILT_); echo host: $(env | grep -c ^PGHOST=); exit 1",
        &[],
    );
    done.says("leaked: 0 / host: 1");
}

/// Whether the process whose number stands in a file is there.
fn lives(pid: &Path) -> bool {
    let pid = std::fs::read_to_string(pid).expect("a number");
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    // A zombie has ended; who should take note of it is for `scripts` to say.
    !stat.is_empty() && !stat.contains(") Z ")
}

/// A deletion through a console that says its number and that of a child: three builds have gone, and the fourth stands before a gate.
struct UnderWay {
    database: TestDatabase,
    gate: Gate,
    folder: TempDir,
    halfbuilt: std::process::Child,
    before: u64,
}

impl UnderWay {
    fn start() -> Self {
        let (database, folder, report) = prepared(&["stuck-running"]);
        let before = database.builds();
        let gate = database.gate(3);
        let (pid, child) = (folder.path().join("pid"), folder.path().join("child"));
        let numbers = format!("echo $$ > '{}'; sleep 600 & echo $! > '{}'", pid.display(), child.display());
        let console = format!("{numbers}; {}", command("local"));
        let results = folder.path().join("results.csv");
        let run = delete(&database, &report, &console).args(&["-o"]).args(&[&results]);
        let run = run.env("CONSOLE_PASSWORD", &password());
        let halfbuilt = run.in_a_group_of_its_own().start();
        gate.wait_for(1);
        Self { database, gate, folder, halfbuilt, before }
    }

    fn console_lives(&self) -> bool {
        ["pid", "child"].iter().any(|name| lives(&self.folder.path().join(name)))
    }
}

#[test]
fn ctrl_c_does_not_reach_the_console_in_the_middle_of_a_deletion() {
    let mut under_way = UnderWay::start();
    assert!(under_way.console_lives());
    let hearing = Hearing::of(&mut under_way.halfbuilt);
    signal_group(&under_way.halfbuilt, Signal::SIGINT);
    hearing.wait_for("interrupted: ");
    assert!(under_way.console_lives());
    let UnderWay { database, gate, folder, halfbuilt, before } = under_way;
    gate.open();
    hearing.done(halfbuilt).exits(Exit::Interrupted);
    let results = Report::read(&folder.path().join("results.csv"));
    let gone = before - database.builds();
    assert_eq!((results.count("state", "deleted") as u64, results.count("state", "unknown")), (gone, 0));
    assert!(results.count("state", "not-attempted") > 0);
    for name in ["pid", "child"] {
        assert!(!lives(&folder.path().join(name)), "{name} is left");
    }
}

#[test]
fn who_interrupts_the_start_leaves_no_console() {
    let (database, folder, report) = prepared(&["stuck-running"]);
    let pid = folder.path().join("pid");
    let console = format!("echo $$ > '{}'; sleep 600", pid.display());
    let child = delete(&database, &report, &console).start();
    wait_until(|| std::fs::read_to_string(&pid).is_ok_and(|number| number.ends_with('\n')));
    signal(&child, Signal::SIGINT);
    Done::new(child.wait_with_output().expect("it ends")).exits(Exit::Interrupted);
    wait_until(|| !lives(&pid));
}

#[test]
fn a_console_does_not_outlive_a_run_that_is_killed() {
    let mut under_way = UnderWay::start();
    signal(&under_way.halfbuilt, Signal::SIGKILL);
    under_way.halfbuilt.wait().expect("it ends");
    // The console ends when it has done what it is at.
    let UnderWay { gate, folder, .. } = under_way;
    gate.open();
    wait_until(|| !["pid", "child"].iter().any(|name| lives(&folder.path().join(name))));
}

#[test]
fn what_is_no_console_is_a_usage_error() {
    let (database, _folder, report) = prepared(&["stuck-running"]);
    let done = delete(&database, &report, " ").run().exits(Exit::Usage).fails_with("error:");
    done.says_all_of("delete_console_without_a_command");
}
