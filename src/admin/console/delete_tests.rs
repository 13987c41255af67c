//! Deleting through a console: each thing that it may say or do, and what is left of it afterwards.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::ConsoleClient;
use super::scripted::{LONG, SHORT, build, connect, delete};
use crate::admin::{Answer, Freshness, Moment};
use crate::build_url::BuildUrl;

fn accepted(value: &str) -> Answer {
    Answer::Accepted(format!("value {value}"))
}

fn unknown(why: &str) -> Answer {
    Answer::Unknown(why.to_owned())
}

/// Whether the process whose number stands in a file is there; one that has ended and was not waited for is.
fn is_there(file: &Path) -> bool {
    let number = std::fs::read_to_string(file).expect("a number");
    Path::new(&format!("/proc/{}", number.trim())).exists()
}

/// Whether that process has ended, waited for or not.
fn has_ended(file: &Path) -> bool {
    let number = std::fs::read_to_string(file).expect("a number");
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", number.trim())).unwrap_or_default();
    stat.is_empty() || stat.contains(") Z ")
}

/// Waits for what has to come, on however busy a machine.
async fn until(come_true: impl Fn() -> bool) {
    let waiting = async {
        while !come_true() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LONG, waiting).await.expect("it did not come true");
}

/// Deletes build 1 by a script that runs once and has `limit` to answer, and build 2 by a new console. No process of either is left.
async fn then_restarts(first: &str, limit: Duration) -> Answer {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| -> PathBuf { folder.path().join(name) };
    let (used, pid, child) = (file("used"), file("pid"), file("child"));
    let numbers = format!("echo $$ > {}; sleep 600 & echo $! > {}", pid.display(), child.display());
    let steps =
        format!("if [ -e {0} ]; then ready; next; say V second; next; fi; : > {0}; {numbers}; {first}", used.display());
    let mut client = connect(&steps).await;
    client.launch.timeout = limit;
    let answer = delete(&mut client, 1).await;
    client.launch.timeout = LONG;
    if matches!(answer, Answer::Accepted(_)) {
        // It ends by itself, and that has to be known by now.
        until(|| has_ended(&pid)).await;
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(delete(&mut client, 2).await, accepted("second"));
    let began = Instant::now();
    client.close().await;
    assert!(began.elapsed() < LONG, "{:?}", began.elapsed());
    assert!(!is_there(&pid), "the console is left");
    // The system reaps an orphaned child.
    assert!(has_ended(&child), "a child is left");
    answer
}

#[tokio::test]
async fn values_and_exceptions_in_one_console() {
    let steps =
        "ready; next; say V '{:deleted true}'; next; say T 'class java.lang.Error: no luck'; next; say V nil; next";
    let mut client = connect(steps).await;
    assert_eq!(delete(&mut client, 1).await, accepted("{:deleted true}"));
    assert_eq!(delete(&mut client, 2).await, Answer::Failed("exception java.lang.Error: no luck".into()));
    assert_eq!(delete(&mut client, 3).await, accepted("nil"));
    client.close().await;
}

#[tokio::test]
async fn what_is_typed_is_the_operators_form_and_each_has_its_own_mark() {
    let folder = tempfile::tempdir().expect("a folder");
    let typed = folder.path().join("typed");
    let keep = format!("next; printf '%s\\n' \"$line\" >> {}", typed.display());
    let mut client = connect(&format!("ready; {keep}; say V 1; {keep}; say V 2; next")).await;
    for number in [1, 2] {
        assert_eq!(delete(&mut client, number).await, accepted(&number.to_string()));
    }
    client.close().await;
    let typed = std::fs::read_to_string(typed).expect("lines");
    let lines: Vec<&str> = typed.lines().collect();
    assert_eq!(lines.len(), 2);
    for (line, number) in lines.iter().zip(1..) {
        assert!(
            line.contains(&format!(r#"'(admin/delete-build "https://ci.example.com/gh/acme/api/{number}")"#)),
            "{line}"
        );
    }
    assert_ne!(lines[0].split('"').nth(1), lines[1].split('"').nth(1));
}

#[tokio::test]
async fn the_answer_to_another_form_is_none() {
    // The answer to the first deletion comes again, and late, in place of that to the second.
    let steps =
        "ready; next; first=$(answer V first); echo \"$first\"; next; echo \"$first\"; sleep 0.1; say V second; next";
    let mut client = connect(steps).await;
    assert_eq!(delete(&mut client, 1).await, accepted("first"));
    assert_eq!(delete(&mut client, 2).await, accepted("second"));
    client.close().await;
}

#[tokio::test]
async fn no_answer_in_time_is_unknown() {
    let no_answer = unknown("timeout: no answer within 4s");
    let answers = tokio::join!(
        then_restarts("ready; next; sleep 600", SHORT),
        // One that ignores SIGTERM.
        then_restarts("trap '' TERM HUP; ready; next; while :; do sleep 600; done", SHORT),
        then_restarts("ready; next; answer V nil | head -c 40; sleep 600", SHORT),
    );
    assert_eq!(answers, (no_answer.clone(), no_answer.clone(), no_answer));
}

#[tokio::test]
async fn output_without_end_is_unknown() {
    let answers = tokio::join!(
        then_restarts("ready; next; exec yes", SHORT),
        then_restarts("ready; next; exec cat /dev/zero", SHORT)
    );
    let no_answer = unknown("timeout: no answer within 4s");
    assert_eq!(answers, (no_answer.clone(), no_answer));
}

#[tokio::test]
async fn a_console_that_dies_in_the_middle_is_unknown() {
    let answer = then_restarts("ready; next; echo 'command terminated' >&2; exit 137", LONG).await;
    assert_eq!(answer, unknown("the console ended (exit status: 137); it printed: command terminated"));
    let answer = then_restarts("ready; next; kill -9 $$", LONG).await;
    assert!(matches!(&answer, Answer::Unknown(text) if text.contains("(signal: 9 (SIGKILL))")), "{answer:?}");
}

#[tokio::test]
async fn something_else_in_the_middle_of_an_answer_is_unknown() {
    let garbage = unknown("garbage: other output interrupts the answer");
    let answers = tokio::join!(
        then_restarts("ready; next; answer V nil | sed 's/V00/V00 log: started 00/'; next", LONG),
        then_restarts("ready; next; mark; yes 00 | tr -d '\\n'", LONG),
        then_restarts("ready; next; answer X nil; next", LONG),
    );
    assert_eq!(answers, (garbage.clone(), garbage.clone(), garbage));
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    let (used, pid, asked) = (file("used"), file("pid"), file("asked"));
    let steps = format!(
        "if [ -e {0} ]; then ready; next; say V second; next; fi
         : > {0}; echo $$ > {1}; ready; next; : > {2}; sleep 600; say V first; next",
        used.display(),
        pid.display(),
        asked.display()
    );
    let mut client = connect(&steps).await;
    tokio::select! {
        answer = delete(&mut client, 1) => panic!("{answer:?}"),
        () = until(|| asked.exists()) => {}
    }
    assert_eq!(delete(&mut client, 2).await, accepted("second"));
    client.close().await;
    assert!(!is_there(&pid), "the console is left");
}

#[tokio::test]
async fn a_console_that_ended_between_two_deletions_costs_nothing() {
    assert_eq!(then_restarts("ready; next; say V first", LONG).await, accepted("first"));
}

#[tokio::test]
async fn noise_between_two_deletions_is_passed_over() {
    let mut client = connect("ready; next; say V first; yes noise | head -n 20000; next; say V second; next").await;
    assert_eq!(delete(&mut client, 1).await, accepted("first"));
    sleep(Duration::from_millis(200)).await;
    assert_eq!(delete(&mut client, 2).await, accepted("second"));
    client.close().await;
}

/// What was read before the machine was suspended for longer than it stays fresh.
fn from_before() -> Freshness {
    Freshness::new(Moment::now().suspended_for(LONG), Duration::from_secs(3))
}

#[tokio::test]
async fn what_has_grown_old_is_not_typed_and_the_console_is_kept_for_the_next_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let used = folder.path().join("used");
    let again = "ready; next; say V second; next";
    let mut client =
        connect(&format!("if [ -e {0} ]; then {again}; fi; : > {0}; ready; next; exit", used.display())).await;
    assert!(matches!(delete(&mut client, 1).await, Answer::Unknown(_)));
    // The console was restarted, and nothing was typed. Otherwise the next line would be the third, which has no answer.
    for _ in 0..2 {
        let answer = client.delete(&build(2), &from_before()).await;
        assert!(matches!(&answer, Answer::Stale(why) if why.starts_with("not sent: ")), "{answer:?}");
    }
    assert_eq!(delete(&mut client, 3).await, accepted("second"));
    client.close().await;
}

/// A console that reads nothing any more: its pipe is full, and what is typed would wait in it.
#[tokio::test]
async fn what_would_wait_for_a_console_that_does_not_read_is_not_typed() {
    let mut client = connect("ready; sleep 600").await;
    let session = client.session.as_mut().expect("a session");
    let moment = || Freshness::new(Moment::now(), Duration::from_millis(200));
    let filler = "x".repeat(3999);
    // A pipe of 64 KiB, or of whatever size: it is full when nothing more goes in.
    while session.process.type_while_fresh(&filler, &moment()).await {}
    let answer = client.delete(&build(1), &moment()).await;
    assert!(matches!(answer, Answer::Stale(_)), "{answer:?}");
    client.close().await;
}

/// Deletes build 1 and then build 2, for which a new console follows these steps.
async fn the_second_time(steps: &str) -> (ConsoleClient, Answer) {
    let folder = tempfile::tempdir().expect("a folder");
    let used = folder.path().join("used");
    let first = format!("if [ -e {0} ]; then {steps}; fi; : > {0}; ready; next; exit", used.display());
    let mut client = connect(&first).await;
    assert!(matches!(delete(&mut client, 1).await, Answer::Unknown(_)));
    let answer = delete(&mut client, 2).await;
    (client, answer)
}

#[tokio::test]
async fn without_a_console_nothing_is_sent() {
    let (mut client, answer) = the_second_time("echo gone; exit 1").await;
    assert!(
        matches!(&answer, Answer::Denied(text) if text.contains("before it was ready; it printed: gone")),
        "{answer:?}"
    );
    assert!(matches!(delete(&mut client, 3).await, Answer::Denied(_) | Answer::Unknown(_)));
    client.close().await;
}

#[tokio::test]
async fn a_console_that_hangs_as_it_is_started_anew_is_started_still_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (first, second) = (file("first"), file("second"));
    let steps = format!(
        "if [ -e {second} ]; then ready; next; say V third; next; fi
         if [ -e {first} ]; then : > {second}; sleep 600; fi
         : > {first}; ready; next; exit"
    );
    let mut client = connect(&steps).await;
    // The second start takes all of it, and the third has to be done in it.
    client.launch.start_timeout = Duration::from_secs(10);
    assert!(matches!(delete(&mut client, 1).await, Answer::Unknown(_)));
    assert_eq!(delete(&mut client, 2).await, accepted("third"));
    client.close().await;
}

#[tokio::test]
async fn the_function_has_to_stay_the_same() {
    let (client, answer) = the_second_time("ready \"#'other/thing\"; next; say V 1; next").await;
    assert!(matches!(&answer, Answer::Denied(text) if text.contains("now deletes with")), "{answer:?}");
    client.close().await;
}

#[tokio::test]
async fn what_is_too_long_to_be_typed_is_refused() {
    let mut client = connect("ready; next; say V nil; next").await;
    let long = BuildUrl::parse(&format!("https://ci.example.com/gh/acme/{}/1", "a".repeat(4000))).expect("a build");
    assert!(matches!(client.delete(&long, &Freshness::for_ever()).await, Answer::Refused(_)));
    assert_eq!(delete(&mut client, 1).await, accepted("nil"));
    client.close().await;
}

#[tokio::test]
async fn a_value_is_shown_bounded_and_escaped() {
    let mut client = connect("ready; next; say V \"$(printf 'a\\033[31mb\\nc%0300d' 0)\"; next").await;
    let Answer::Accepted(text) = delete(&mut client, 1).await else { panic!("not accepted") };
    assert!(text.starts_with("value a\\u{1b}[31mb\\nc000"), "{text}");
    assert!(text.is_ascii() && text.len() <= 510, "{text}");
    client.close().await;
}
