//! Starting a console: all that may come before it is ready, and all that may keep it from being so.

use std::time::Duration;

use tokio::time::Instant;

use super::scripted::{FULL, LONG, connect, delete, open};
use crate::admin::{AdminError, Answer, Options, Service};

/// Both ways to type into a program.
fn both() -> [Options; 2] {
    [Options::default(), Options { console_pty: true, ..Options::default() }]
}

/// Opens a console by this script and deletes one build through it.
async fn works(steps: &str) {
    let [pipes, terminal] = both().map(|options| async {
        let ways = format!("{steps} (terminal: {})", options.console_pty);
        let mut client = open(steps, options).await.unwrap_or_else(|error| panic!("{ways}: {error}"));
        assert_eq!(delete(&mut client, 1).await, Answer::Accepted("value nil".into()), "{ways}");
        client.close().await;
    });
    tokio::join!(pipes, terminal);
}

#[tokio::test]
async fn a_banner_and_warnings_and_any_prompt() {
    works(
        "printf '\\033]0;title\\007\\033[1mWelcome\\033[m\\nWARNING: abs already refers to clojure.core\\n'; echo warning >&2
         printf 'user=> '; ready; printf 'nil\\nuser=> '; echo noise >&2; next; say V nil; printf 'nil\\n\\033[32muser\\033[m=> '; next",
    )
    .await;
}

/// The greeting of `lein repl :connect 6005` at an old server, as CircleCI's old documentation shows it ("iOS Install"), and prompts, values and
/// line ends as REPL-y prints them.
#[tokio::test]
async fn the_greeting_of_an_old_client_and_the_exception_of_its_start() {
    works(
        "printf '%s\\n' 'Connecting to nREPL at 127.0.0.1:6005' 'REPL-y 0.3.7, nREPL 0.2.10' 'Clojure 1.7.0'
         echo 'CompilerException java.lang.RuntimeException: No such var: user/help, compiling:(/tmp/form-init1.clj:1:11088)'
         printf '%s\\n' '#object[clojure.lang.Namespace 0x1f2dc26d \"user\"]' 'Error loading namespace; falling back to user' nil
         printf 'user=> '; ready; printf 'nil\\nuser=> '; next; say V nil; printf 'nil\\nuser=> '; next; echo 'Bye for now!'",
    )
    .await;
}

#[tokio::test]
async fn a_console_that_throws_away_what_came_before_it_was_ready_is_asked_again() {
    works("any; ready; next; say V nil; next").await;
}

#[tokio::test]
async fn a_question_that_is_answered_late_and_often_does_no_harm() {
    // The question is asked again while the first waits; all are answered, the last ones when the deletion is asked for.
    works(
        "sleep 4; ready; any; while case $line in *mapv*) ;; *) false ;; esac; do say V \"$known\"; any; done
         say V nil; next",
    )
    .await;
}

#[tokio::test]
async fn answers_in_any_number_of_pieces_among_colours() {
    works(
        "drip() { printf %s \"$1\" | sed 's/./&\\n/g' | while IFS= read -r c; do printf '\\033[33m%s\\033[m' \"$c\"; sleep 0.002; done; }
         ready; next; echo; printf 'partial line '; drip \"$(answer V nil)\"; echo; next",
    )
    .await;
}

#[tokio::test]
async fn an_echo_of_the_form_is_no_answer() {
    // Plain, coloured, doubled, broken into short lines, and in the words of an error.
    works(
        "echoes() { printf '%s\\n' \"$line\" \"$line$line\"; printf '\\033[1;32m%s\\033[m\\n' \"$line\"; printf %s \"$line\" | fold -w 20
           printf \"\\nSyntax error reading '%s'\\n\" \"$line\"; }
         next; echoes; say V \"[#'a/b nil]\"; next; echoes; say V nil; next",
    )
    .await;
}

#[tokio::test]
async fn a_prompt_that_looks_like_a_mark_is_none() {
    works(
        "m=abcdefghijklmnopabcdefghijklmnop; printf '%sV004E%s=> ' $m $m; ready; printf '%sV004E%s=> ' $m $m
         next; printf '%sV004E%s=> ' $m $m; say V nil; next",
    )
    .await;
}

#[tokio::test]
async fn the_function_is_found_by_its_name() {
    let client = connect("ready; next").await;
    assert!(client.describe().ends_with(&format!("` admin/delete-build ({FULL})")), "{}", client.describe());
    client.close().await;
    let client = connect("next; say V \"[nil #'circle.http.api.admin-commands/delete-build]\"; next").await;
    assert!(client.describe().ends_with(&format!("` {FULL}")), "{}", client.describe());
    client.close().await;
    for (answer, service) in [
        ("say V '[\"contexts-service.\" \"circleci.\"]'; next", Some(Service::Contexts)),
        ("say V '[\"a-secret\"]'; next", None),
        ("say T '[]'; next", None),
        ("exit 1", None),
    ] {
        let none = open(&format!("next; say V '[nil nil]'; next; {answer}"), Options::default()).await;
        let none = none.expect_err("there is no function");
        assert!(matches!(&none, AdminError::NoFunction { service: found, .. } if *found == service), "{none}");
        assert!(!none.to_string().contains("a-secret"), "{none}");
    }
    for (kind, odd) in
        [("V", "nil"), ("V", "[nil nil nil]"), ("T", "[nil nil]"), ("T", "class java.lang.Error: no luck")]
    {
        match open(&format!("next; say {kind} '{odd}'; next"), Options::default()).await {
            Err(AdminError::Unresolved { said, .. }) => assert_eq!(said.as_str(), odd),
            other => panic!("{odd}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_program_that_prints_without_end_is_never_ready() {
    let [pipes, terminal] = both().map(|options| async move {
        let began = Instant::now();
        // Enough for it to have begun to print.
        let options = Options { start_timeout: Duration::from_secs(8), ..options };
        let error = open("exec yes 'user=> '", options).await.expect_err("it is not ready");
        assert!(error.to_string().contains("was not ready within 8s; it printed: …"), "{error}");
        // Where the last piece ends is for the system to choose.
        assert!(error.to_string().contains("user=> / user=> / us"), "{error}");
        assert!(error.to_string().len() < 700, "{error}");
        assert!(began.elapsed() < LONG, "{:?}", began.elapsed());
    });
    tokio::join!(pipes, terminal);
}

#[tokio::test]
async fn a_program_that_ends_is_not_waited_for() {
    for (steps, how) in [
        ("echo no; exit 3", "ended (exit status: 3) before it was ready; it printed: no"),
        ("exec true", "ended (exit status: 0) before it was ready and printed nothing"),
        ("kill -9 $$", "ended (signal: 9 (SIGKILL)) before it was ready and printed nothing"),
        ("exec >&- 2>&-; sleep 600", "closed its output before it was ready and printed nothing"),
    ] {
        // On a terminal, the output is open as long as any of the three streams is.
        for options in both().into_iter().filter(|options| !options.console_pty || !steps.contains(">&-")) {
            let began = Instant::now();
            let message = open(steps, options).await.expect_err("it is not ready").to_string();
            assert!(message.ends_with(how), "{message}");
            assert!(began.elapsed() < LONG, "{:?}", began.elapsed());
        }
    }
}

#[tokio::test]
async fn the_shell_says_what_it_could_not_start() {
    let error = open("exec /nonexistent/console", Options::default()).await.expect_err("there is no such program");
    assert!(error.to_string().contains("exit status: 127"), "{error}");
    assert!(error.to_string().contains("not found"), "{error}");
}
