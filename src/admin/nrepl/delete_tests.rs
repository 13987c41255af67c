//! Deleting through an nREPL: each thing that a server may say or do, and the session afterwards.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::super::{AdminPath, Answer, Freshness, Moment, StoreLook, Target};
use super::connection::MAX_MESSAGE;
use super::scripted::{DONE, Entries, FULL, Script};
use crate::build_url::BuildUrl;

const NIL: Entries<'static> = &[("value", "nil")];

fn build(number: u32) -> BuildUrl {
    BuildUrl::parse(&format!("https://ci.example.com/gh/acme/api/{number}")).expect("a build")
}

fn accepted() -> Answer {
    Answer::Accepted("value nil".into())
}

/// Deletes a build, and tries again if the machine is slow.
async fn delete(path: &AdminPath, number: u32) -> Answer {
    match path.delete(Target::at(&build(number)), &Freshness::for_ever()).await {
        Answer::Busy(Duration::ZERO, _) => path.delete(Target::at(&build(number)), &Freshness::for_ever()).await,
        answer => answer,
    }
}

#[tokio::test]
async fn an_address_that_is_not_of_circlecis_form_is_never_evaluated() {
    let server = Script::default().hello("s1").closed().start().await;
    let path = server.connect().await;
    for address in ["https://ci.example.com/tests/1", "https://ci.example.com/gh/acme/api/1?(System/exit)"] {
        let url = BuildUrl::parse_as_written(address).expect("an address");
        let answer = path.delete(Target::at(&url), &Freshness::for_ever()).await;
        assert!(matches!(answer, Answer::Refused(_)), "{answer:?}");
        assert!(matches!(path.look_up(&url).await, StoreLook::NotKnown(_)));
    }
    drop(path);
    server.finish().await;
}

/// Deletes build 1 by what is left of the script, and build 2 on a new connection, which must then have been made.
async fn then_connects_anew(script: Script) -> Answer {
    let script = script.hello("s2").delete("s2", 2).reply(&[NIL, DONE]).closes("s2");
    let server = script.start().await;
    let path = server.connect_impatiently().await;
    let answer = delete(&path, 1).await;
    assert_eq!(delete(&path, 2).await, accepted());
    path.close().await;
    server.finish().await;
    answer
}

#[tokio::test]
async fn a_deletion_and_an_exception_on_one_session() {
    let error: Entries = &[("ex", "class clojure.lang.ExceptionInfo"), ("status", "eval-error")];
    let script = Script::default().hello("s1").delete("s1", 1).reply(&[&[("err", "no such build\n")], error, DONE]);
    let server = script.delete("s1", 2).reply(&[NIL, DONE]).closes("s1").closed().start().await;
    let path = server.connect().await;
    let failed = Answer::Failed("exception clojure.lang.ExceptionInfo: no such build".into());
    assert_eq!(delete(&path, 1).await, failed);
    assert_eq!(delete(&path, 2).await, accepted());
    path.close().await;
    server.finish().await;
}

#[tokio::test]
async fn late_answers_to_others_are_passed_over() {
    let script = Script::default().hello("s1").delete("s1", 1);
    let late: Entries = &[("id", "1"), ("value", ":late"), ("status", "done")];
    let server = script.reply(&[late, &[("value", ":mine")], late, DONE]).start().await;
    let path = server.connect().await;
    assert_eq!(delete(&path, 1).await, Answer::Accepted("value :mine".into()));
    drop(path);
    server.finish().await;
}

#[tokio::test]
async fn no_answer_in_time_is_unknown() {
    let answer = then_connects_anew(Script::default().hello("s1").delete("s1", 1).closed()).await;
    assert_eq!(answer, Answer::Unknown("timeout: no answer within 3s".into()));
    // A value does not end a response either.
    let answer = then_connects_anew(Script::default().hello("s1").delete("s1", 1).reply(&[NIL]).closed()).await;
    assert_eq!(answer, Answer::Unknown("timeout: no answer within 3s".into()));
    let answer = then_connects_anew(Script::default().hello("s1").delete("s1", 1).flood()).await;
    assert_eq!(answer, Answer::Unknown("timeout: no answer within 3s".into()));
}

#[tokio::test]
async fn a_lost_connection_is_unknown() {
    let answer = then_connects_anew(Script::default().hello("s1").delete("s1", 1).reply(&[NIL]).hang_up()).await;
    assert_eq!(answer, Answer::Unknown("lost connection: the server closed it".into()));
}

#[tokio::test]
async fn garbage_is_unknown() {
    let answer = then_connects_anew(Script::default().hello("s1").delete("s1", 1).send(b"i1e").closed()).await;
    assert_eq!(answer, Answer::Unknown("garbage: not a dictionary".into()));
    let answer = then_connects_anew(Script::default().hello("s1").delete("s1", 1).send(b"?").closed()).await;
    assert_eq!(answer, Answer::Unknown("garbage: unexpected byte 0x3f".into()));
    let large = format!("d5:value{MAX_MESSAGE}:");
    let answer =
        then_connects_anew(Script::default().hello("s1").delete("s1", 1).send(large.as_bytes()).closed()).await;
    assert_eq!(answer, Answer::Unknown("answer too large: more than 1048576 bytes".into()));
}

#[tokio::test]
async fn a_form_that_waits_for_input_is_interrupted() {
    // The deletion is the third request: clone, the question for the function, and this.
    let script = Script::default().hello("s1").delete("s1", 1).reply(&[&[("status", "need-input")]]);
    let interrupt: Entries = &[("op", "interrupt"), ("session", "s1"), ("interrupt-id", "3")];
    let script = script.expect(interrupt).reply(&[&[("id", "3"), ("status", "done interrupted")], DONE]).closed();
    assert_eq!(then_connects_anew(script).await, Answer::Failed("need-input: the server waits for input".into()));
}

#[tokio::test]
async fn interrupted_by_somebody_else() {
    let script = Script::default().hello("s1").delete("s1", 1).reply(&[&[("status", "done interrupted")]]);
    let server = script.start().await;
    let path = server.connect().await;
    assert_eq!(delete(&path, 1).await, Answer::Failed("interrupted".into()));
    drop(path);
    server.finish().await;
}

#[tokio::test]
async fn a_session_that_the_server_forgot_is_replaced() {
    let forgot: Entries = &[("status", "done error unknown-session")];
    let script = Script::default().hello("s1").delete("s1", 1).reply(&[forgot]).closed();
    assert_eq!(then_connects_anew(script).await, Answer::Failed("unknown-session".into()));
}

#[tokio::test]
async fn a_connection_that_ended_between_two_deletions_costs_nothing() {
    let script = Script::default().hello("s1").delete("s1", 1).reply(&[NIL, DONE]).hang_up();
    assert_eq!(then_connects_anew(script).await, accepted());
}

#[tokio::test]
async fn what_has_grown_old_is_not_sent_and_the_new_session_is_kept_for_the_next_time() {
    let script = Script::default().hello("s1").delete("s1", 1).reply(&[NIL, DONE]).hang_up();
    let script = script.hello("s2").delete("s2", 3).reply(&[NIL, DONE]);
    let server = script.closes("s2").start().await;
    let path = server.connect().await;
    assert_eq!(delete(&path, 1).await, accepted());
    let before = Freshness::new(Moment::now().suspended_for(Duration::from_secs(60)), Duration::from_secs(3));
    for _ in 0..2 {
        let answer = path.delete(Target::at(&build(2)), &before).await;
        assert!(matches!(&answer, Answer::Stale(why) if why.starts_with("not sent: ")), "{answer:?}");
    }
    assert_eq!(delete(&path, 3).await, accepted());
    path.close().await;
    server.finish().await;
}

#[tokio::test]
async fn without_a_connection_nothing_is_sent() {
    let server = Script::default().hello("s1").delete("s1", 1).hang_up().start().await;
    let via = server.via.clone();
    let path = server.connect().await;
    assert!(matches!(delete(&path, 1).await, Answer::Unknown(_)));
    server.finish().await;
    // It may be starting again: it is waited for, longer each time, and not for ever.
    let mut waits = Vec::new();
    let denied = loop {
        match path.delete(Target::at(&build(2)), &Freshness::for_ever()).await {
            Answer::Busy(wait, _) => waits.push(wait.as_secs()),
            answer => break answer,
        }
    };
    assert!(waits.is_sorted() && (20..120).contains(&waits.iter().sum::<u64>()), "{waits:?}");
    assert!(
        matches!(&denied, Answer::Denied(text) if text.starts_with(&format!("cannot connect to {via}: "))),
        "{denied:?}"
    );
}

#[tokio::test]
async fn the_function_has_to_stay_the_same() {
    let script = Script::default().hello("s1").hang_up().accept().clones("s2");
    let server = script.resolves("s2", "admin/delete-build", "#'other/thing").closed().start().await;
    let path = server.connect().await;
    let text = format!(
        "{} now deletes with admin/delete-build (other/thing), not with admin/delete-build ({FULL})",
        server.via
    );
    assert_eq!(delete(&path, 1).await, Answer::Denied(text));
    server.finish().await;
}

#[tokio::test]
async fn a_session_is_renewed_about_every_hundred_evaluations() {
    // The question for the function is the first session's first evaluation.
    let mut script = Script::default().hello("s1");
    for number in 1..=250 {
        script = match number {
            100 => script.clones("s2").closes("s1"),
            200 => script.clones("s3").closes("s2"),
            _ => script,
        };
        let session = ["s1", "s2", "s3"][number as usize / 100];
        script = script.delete(session, number).reply(&[NIL, DONE]);
    }
    let server = script.closes("s3").closed().start().await;
    let path = server.connect().await;
    for number in 1..=250 {
        assert_eq!(delete(&path, number).await, accepted(), "{number}");
    }
    path.close().await;
    server.finish().await;
}

#[tokio::test]
async fn a_deletion_whose_future_is_dropped_does_not_mix_with_the_next() {
    let sent = Arc::new(Notify::new());
    let script = Script::default().hello("s1").delete("s1", 1).notify(&sent).closed().hello("s2").delete("s2", 2);
    let server = script.reply(&[NIL, DONE]).start().await;
    let path = server.connect().await;
    tokio::select! {
        answer = delete(&path, 1) => panic!("{answer:?}"),
        () = sent.notified() => {}
    }
    assert_eq!(delete(&path, 2).await, accepted());
    drop(path);
    server.finish().await;
}

#[tokio::test]
async fn closing_does_not_wait_for_ever() {
    let server = Script::default().hello("s1").expect(&[("op", "close"), ("session", "s1")]).closed().start().await;
    let path = server.connect().await;
    path.close().await;
    server.finish().await;
}
