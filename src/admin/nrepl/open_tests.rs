//! Opening the way through an nREPL, and everything that can be wrong with it.

use std::error::Error as _;
use std::time::Duration;

use super::super::{AdminError, AdminPath, Answer, Freshness, Options, Target, Via};
use super::AdminFn;
use super::scripted::{DONE, FULL, Script, Server};
use crate::admin::Service;
use crate::admin::bencode::DecodeError;
use crate::build_url::BuildUrl;

async fn fails(server: &Server) -> AdminError {
    let options = Options { timeout: Duration::from_secs(1), ..Options::default() };
    AdminPath::connect(&server.via, options).await.expect_err("an admin path was opened")
}

fn named(name: &str) -> Options {
    let function: AdminFn = name.parse().expect("a function");
    Options { admin_fn: Some(function), ..Options::default() }
}

#[tokio::test]
async fn the_function_is_called_as_an_operator_types_it() {
    let server = Script::default().hello("s1").closes("s1").closed().start().await;
    let path = server.connect().await;
    assert_eq!(path.describe(), format!("{} admin/delete-build ({FULL})", server.via));
    assert!(
        path.caveat()
            .is_some_and(|caveat| caveat.starts_with("delete-build is documented for CircleCI Server 2.x only"))
    );
    path.close().await;
    server.finish().await;
}

#[tokio::test]
async fn else_by_its_full_name() {
    let script = Script::default().accept().clones("s1").resolves("s1", "admin/delete-build", "nil");
    let form = format!(r#"({FULL} "https://ci.example.com/gh/acme/api/1")"#);
    let script =
        script.resolves("s1", FULL, &format!("#'{FULL}")).eval("s1", &form).reply(&[&[("value", "nil")], DONE]);
    let server = script.start().await;
    let path = server.connect().await;
    assert_eq!(path.describe(), format!("{} {FULL}", server.via));
    let build = BuildUrl::parse("https://ci.example.com/gh/acme/api/1").expect("a build");
    assert_eq!(path.delete(Target::at(&build), &Freshness::for_ever()).await, Answer::Accepted("value nil".into()));
    drop(path);
    server.finish().await;
}

#[tokio::test]
async fn a_function_that_is_named_is_the_only_one_tried() {
    let script = Script::default().accept().clones("s1").resolves("s1", "my.ops/purge!", "#'my.ops/purge!");
    let server = script.start().await;
    let path = AdminPath::connect(&server.via, named("my.ops/purge!")).await.expect("an admin path");
    assert_eq!(path.describe(), format!("{} my.ops/purge!", server.via));
    assert_eq!(path.caveat(), None);
    drop(path);
    server.finish().await;

    let script = Script::default().accept().clones("s1").resolves("s1", "my.ops/purge!", "nil");
    let server = asks_for_service(script).reply(&[DONE]).closed().start().await;
    let error = AdminPath::connect(&server.via, named("my.ops/purge!")).await.expect_err("no function");
    assert_eq!(error.to_string(), format!("{} has no function my.ops/purge!", server.via));
    server.finish().await;
}

/// The question which service it is.
fn asks_for_service(script: Script) -> Script {
    script.eval("s1", &format!("({})", crate::admin::service::question()))
}

#[tokio::test]
async fn no_function_is_there() {
    let script = Script::default().accept().clones("s1").resolves("s1", "admin/delete-build", "nil");
    let script = asks_for_service(script.resolves("s1", FULL, "nil")).reply(&[&[("value", "[]")], DONE]);
    let server = script.closed().start().await;
    let error = fails(&server).await;
    assert!(matches!(&error, AdminError::NoFunction { tried, .. } if *tried == AdminFn::defaults()));
    assert_eq!(
        error.to_string(),
        format!(
            "{} has no function admin/delete-build and no function {FULL}: it is a Clojure server without any namespace of CircleCI's",
            server.via
        )
    );
    assert!(error.hint().is_some_and(|hint| hint.contains("`halfbuilt help server-4`")));
    server.finish().await;
}

#[tokio::test]
async fn another_service_is_named_and_only_by_its_own_words() {
    let error = &[("ex", "class java.lang.Error"), ("status", "eval-error")][..];
    for (replies, service) in [
        (vec![&[("value", r#"["contexts-service."]"#)][..], DONE], Some(Service::Contexts)),
        (vec![&[("value", r#"["workflows-conductor." "circle." "circleci."]"#)], DONE], Some(Service::Conductor)),
        // Nothing but those words is shown.
        (vec![&[("value", r#"["contexts-service." "a-secret"]"#)], DONE], None),
        (vec![error, DONE], None),
        (vec![DONE], None),
    ] {
        let script = Script::default().accept().clones("s1").resolves("s1", "admin/delete-build", "nil");
        let script = asks_for_service(script.resolves("s1", FULL, "nil")).reply(&replies);
        let server = script.closed().start().await;
        let error = fails(&server).await;
        assert!(matches!(&error, AdminError::NoFunction { service: found, .. } if *found == service), "{error}");
        assert!(!error.to_string().contains("a-secret"), "{error}");
        let said = service.map_or_else(|| format!(" {FULL}"), |service| format!("{FULL}: {service}"));
        assert!(error.to_string().ends_with(&said), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains(if service.is_some() {
            "server-2"
        } else {
            "--admin-fn"
        })));
        server.finish().await;
    }
}

#[tokio::test]
async fn a_question_for_the_service_without_an_answer_changes_nothing() {
    let script = Script::default().accept().clones("s1").resolves("s1", "admin/delete-build", "nil");
    let server = asks_for_service(script.resolves("s1", FULL, "nil")).closed().start().await;
    let error = fails(&server).await;
    assert!(matches!(&error, AdminError::NoFunction { service: None, .. }), "{error}");
    server.finish().await;
}

#[tokio::test]
async fn the_question_for_the_function_is_not_answered() {
    let error = &[("ex", "class java.lang.Error"), ("status", "eval-error")][..];
    for (replies, said) in [
        (vec![error, DONE], "exception java.lang.Error"),
        (vec![&[("value", "\u{1b}[2Jtrue")][..], DONE], "\\u{1b}[2Jtrue"),
        (vec![DONE], "the server finished without a value"),
    ] {
        let script = Script::default().accept().clones("s1").eval("s1", "(ns-resolve 'user 'admin/delete-build)");
        let server = script.reply(&replies).closed().start().await;
        let error = fails(&server).await;
        assert!(matches!(error, AdminError::Unresolved { .. }), "{error}");
        assert!(error.to_string().ends_with(&format!("whether admin/delete-build exists: {said}")), "{error}");
        server.finish().await;
    }
}

#[tokio::test]
async fn nobody_listens() {
    let server = Script::default().start().await;
    let via = server.via.clone();
    server.finish().await;
    let error = AdminPath::connect(&via, Options::default()).await.expect_err("refused");
    assert_eq!(error.to_string(), format!("cannot connect to {via}"));
    assert!(error.source().is_some() && error.hint().is_some());

    let via = Via::Nrepl { host: "no-such-host.invalid".into(), port: 6005 };
    let error = AdminPath::connect(&via, Options::default()).await.expect_err("unknown");
    assert!(matches!(error, AdminError::Connect { .. }), "{error}");
}

#[tokio::test]
async fn the_server_is_silent_or_hangs_up() {
    let server = Script::default().accept().expect(&[("op", "clone")]).closed().start().await;
    let error = fails(&server).await;
    assert_eq!(error.to_string(), format!("{} gave no answer within 1s (opening a session)", server.via));
    assert!(matches!(error, AdminError::NoAnswer { .. }) && error.hint().is_some());
    server.finish().await;

    let server = Script::default().accept().clones("s1").hang_up().start().await;
    let error = fails(&server).await;
    assert_eq!(error.to_string(), format!("lost the connection to {} (looking for the function)", server.via));
    assert!(matches!(error, AdminError::Lost { .. }) && error.source().is_some());
    server.finish().await;
}

#[tokio::test]
async fn what_answers_is_no_nrepl() {
    let script = Script::default().accept().expect(&[("op", "clone")]);
    let server = script.send(b"HTTP/1.1 400 Bad Request\r\n\r\n").closed().start().await;
    let error = fails(&server).await;
    assert_eq!(error.to_string(), format!("{} is not an nREPL", server.via));
    assert!(matches!(error, AdminError::NotAnNrepl { source: DecodeError::Unexpected(b'H'), .. }));
    assert!(error.hint().is_some());
    server.finish().await;
}

#[tokio::test]
async fn no_session_is_opened() {
    let script = Script::default().accept().expect(&[("op", "clone")]);
    let server = script.reply(&[&[("status", "done unknown-op error")]]).closed().start().await;
    let error = fails(&server).await;
    assert_eq!(error.to_string(), format!("{} did not open a session: unknown-op", server.via));
    assert!(matches!(error, AdminError::NoSession { .. }));
    server.finish().await;
}
