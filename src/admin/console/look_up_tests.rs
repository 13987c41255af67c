//! Asking the server's own store through a console.

use std::time::Duration;

use super::scripted::{LONG, SHORT, build, connect, delete};
use super::{ConsoleClient, RENEW_AFTER};
use crate::admin::{Answer, StoreLook};
use crate::build_url::BuildUrl;

fn not_known(why: &str) -> StoreLook {
    StoreLook::NotKnown(why.to_owned())
}

#[tokio::test]
async fn the_store_is_asked_between_deletions_in_one_console() {
    let steps = "ready; next; say V :there; next; say V nil; next; say V :nothing; next; say V :no-function; next";
    let mut client = connect(steps).await;
    assert_eq!(client.look_up(&build(1)).await, StoreLook::There);
    assert_eq!(delete(&mut client, 1).await, Answer::Accepted("value nil".into()));
    assert_eq!(client.look_up(&build(1)).await, StoreLook::Nothing);
    assert_eq!(client.look_up(&build(1)).await, StoreLook::NoFunction);
    assert_eq!(client.session.as_ref().map(|session| session.forms), Some(4));
    client.close().await;
}

#[tokio::test]
async fn exceptions_and_odd_answers_are_shown_and_keep_the_console() {
    let steps =
        "ready; next; say T 'class java.lang.Error: no luck'; next; say V '{:build_num 1}'; next; say V nil; next";
    let mut client = connect(steps).await;
    assert_eq!(client.look_up(&build(1)).await, not_known("exception java.lang.Error: no luck"));
    assert_eq!(client.look_up(&build(1)).await, not_known("it answered {:build_num 1}"));
    assert_eq!(delete(&mut client, 1).await, Answer::Accepted("value nil".into()));
    let long = BuildUrl::parse(&format!("https://ci.example.com/gh/acme/{}/1", "a".repeat(4000))).expect("a build");
    assert_eq!(client.look_up(&long).await, not_known("the build's URL is too long to type"));
    client.close().await;
}

/// Asks by a script that runs once, and deletes build 2 by a new console.
async fn then_restarts(first: &str, limit: Duration) -> StoreLook {
    let folder = tempfile::tempdir().expect("a folder");
    let used = folder.path().join("used");
    let steps =
        format!("if [ -e {0} ]; then ready; next; say V nil; next; fi; : > {0}; ready; {first}", used.display());
    let mut client: ConsoleClient = connect(&steps).await;
    client.launch.timeout = limit;
    let look = client.look_up(&build(1)).await;
    client.launch.timeout = LONG;
    assert_eq!(delete(&mut client, 2).await, Answer::Accepted("value nil".into()));
    client.close().await;
    look
}

#[tokio::test]
async fn after_no_answer_the_console_is_not_used_again() {
    let looks = tokio::join!(
        then_restarts("next; sleep 600", SHORT),
        then_restarts("next; echo gone; exit 3", LONG),
        then_restarts("next; answer V :nothing | sed 's/V00/V00 log 00/'; next", LONG),
    );
    assert_eq!(looks.0, not_known("timeout: no answer within 4s"));
    assert_eq!(looks.1, not_known("the console ended (exit status: 3); it printed: gone"));
    assert_eq!(looks.2, not_known("garbage: other output interrupts the answer"));
}

#[tokio::test]
async fn questions_count_towards_the_renewal_of_the_console() {
    let mut client = connect("ready; next; say V :nothing; next").await;
    client.session.as_mut().expect("a session").forms = RENEW_AFTER;
    // The console that is asked is a new one: the old one would answer only once.
    for _ in 0..2 {
        assert_eq!(client.look_up(&build(1)).await, StoreLook::Nothing);
        client.session.as_mut().expect("a session").forms = RENEW_AFTER;
    }
    client.close().await;
}
