//! Asking the server's own store through an nREPL.

use super::super::{AdminPath, Answer, Freshness, StoreLook, Target};
use super::scripted::{DONE, Entries, Script};
use crate::build_url::BuildUrl;

fn build(number: u32) -> BuildUrl {
    BuildUrl::parse(&format!("https://ci.example.com/gh/acme/api/{number}")).expect("a build")
}

/// The question for build number 1.
fn asks(script: Script, session: &str) -> Script {
    script.eval(session, &format!("({})", crate::admin::store_look::question(&build(1))))
}

fn answers(script: Script, session: &str, word: &str) -> Script {
    asks(script, session).reply(&[&[("value", word)], DONE])
}

fn not_known(why: &str) -> StoreLook {
    StoreLook::NotKnown(why.to_owned())
}

async fn deletes(path: &AdminPath, number: u32) {
    let answer = path.delete(Target::at(&build(number)), &Freshness::for_ever()).await;
    assert_eq!(answer, Answer::Accepted("value nil".into()));
}

#[tokio::test]
async fn the_store_is_asked_between_deletions_on_one_session() {
    let script = answers(Script::default().hello("s1"), "s1", ":there");
    let script = answers(script.delete("s1", 1).reply(&[&[("value", "nil")], DONE]), "s1", ":nothing");
    let script = answers(script, "s1", ":no-function").closes("s1").closed();
    let server = script.start().await;
    let path = server.connect().await;
    assert_eq!(path.look_up(&build(1)).await, StoreLook::There);
    deletes(&path, 1).await;
    assert_eq!(path.look_up(&build(1)).await, StoreLook::Nothing);
    assert_eq!(path.look_up(&build(1)).await, StoreLook::NoFunction);
    path.close().await;
    server.finish().await;
}

#[tokio::test]
async fn what_is_no_answer_is_shown_bounded_and_without_keys() {
    let error: Entries = &[("ex", "class java.lang.Error"), ("status", "eval-error")];
    let address = "no: https://s3/b?X-Amz-Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n";
    let script = asks(Script::default().hello("s1"), "s1").reply(&[&[("err", address)], error, DONE]);
    let long = format!(":there {}", "x".repeat(3000));
    let script = answers(script, "s1", &long);
    let server = asks(script, "s1").reply(&[DONE]).closes("s1").closed().start().await;
    let path = server.connect().await;
    let StoreLook::NotKnown(thrown) = path.look_up(&build(1)).await else { panic!("an exception is an answer") };
    assert!(thrown.starts_with("exception java.lang.Error: no: https://s3/b?"), "{thrown}");
    assert!(!thrown.contains("0123456789abcdef"), "{thrown}");
    let StoreLook::NotKnown(odd) = path.look_up(&build(1)).await else { panic!("a document is an answer") };
    assert!(odd.starts_with("it answered :there x") && odd.len() < 600, "{odd}");
    assert_eq!(path.look_up(&build(1)).await, not_known("the server finished without a value"));
    path.close().await;
    server.finish().await;
}

/// Asks by what is left of the script, and deletes build 2 on a new connection, which must then have been made.
async fn then_connects_anew(script: Script) -> StoreLook {
    let script = script.hello("s2").delete("s2", 2).reply(&[&[("value", "nil")], DONE]).closes("s2");
    let server = script.start().await;
    let path = server.connect_impatiently().await;
    let look = path.look_up(&build(1)).await;
    deletes(&path, 2).await;
    path.close().await;
    server.finish().await;
    look
}

#[tokio::test]
async fn after_no_answer_the_session_is_not_used_again() {
    let late = asks(Script::default().hello("s1"), "s1").reply(&[&[("value", ":nothing")]]).closed();
    assert_eq!(then_connects_anew(late).await, not_known("timeout: no answer within 3s"));
    let lost = asks(Script::default().hello("s1"), "s1").reply(&[&[("value", ":nothing")]]).hang_up();
    assert_eq!(then_connects_anew(lost).await, not_known("lost connection: the server closed it"));
    let forgot: Entries = &[("status", "done error unknown-session")];
    let forgotten = asks(Script::default().hello("s1"), "s1").reply(&[forgot]).closed();
    assert_eq!(then_connects_anew(forgotten).await, not_known("unknown-session"));
    let input = asks(Script::default().hello("s1"), "s1").reply(&[&[("status", "need-input")]]);
    let interrupt: Entries = &[("op", "interrupt"), ("session", "s1"), ("interrupt-id", "3")];
    let input = input.expect(interrupt).reply(&[DONE]).closed();
    assert_eq!(then_connects_anew(input).await, not_known("need-input: the server waits for input"));
}

#[tokio::test]
async fn without_a_connection_nothing_is_known() {
    let server = Script::default().hello("s1").hang_up().start().await;
    let via = server.via.clone();
    let path = server.connect().await;
    server.finish().await;
    let StoreLook::NotKnown(why) = path.look_up(&build(1)).await else { panic!("nobody answered") };
    assert!(why.starts_with(&format!("cannot connect to {via}: ")), "{why}");
}

#[tokio::test]
async fn questions_count_towards_the_renewal_of_the_session() {
    let mut script = Script::default().hello("s1");
    for number in 1..=120 {
        script = if number == 100 { script.clones("s2").closes("s1") } else { script };
        script = answers(script, if number < 100 { "s1" } else { "s2" }, ":nothing");
    }
    let server = script.closes("s2").closed().start().await;
    let path = server.connect().await;
    for number in 1..=120 {
        assert_eq!(path.look_up(&build(1)).await, StoreLook::Nothing, "{number}");
    }
    path.close().await;
    server.finish().await;
}
