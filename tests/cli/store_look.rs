//! What the server's own store says of a build, asked through a real nREPL and a real console.

use halfbuilt::admin::{AdminPath, Answer, Freshness, Moment, Options, StoreLook, Target, Via};
use halfbuilt::build_url::BuildUrl;

use crate::delete_console::command;
use crate::support::StandIn;

const FUNCTION: &str = "circle.model.build/find-one-by-circle-url";

pub(crate) async fn connect(via: &str) -> AdminPath {
    let via: Via = via.parse().expect("an admin path");
    // nREPL's own client sometimes hangs as it starts.
    let options = Options { start_timeout: std::time::Duration::from_secs(60), ..Options::default() };
    match AdminPath::connect(&via, options.clone()).await {
        Ok(path) => path,
        Err(_) => AdminPath::connect(&via, options).await.expect("it is open"),
    }
}

/// The nREPL, a console that is nREPL's own client, and one that looks as of old.
pub(crate) fn ways(server: &StandIn) -> [String; 3] {
    let nrepl = server.nrepl();
    let port = nrepl.rsplit_once(':').expect("a port").1.to_owned();
    let console = |client: &str| format!("console:{}", command(&format!("{client} {port}")));
    [nrepl, console("nrepl"), console("reply")]
}

#[tokio::test]
async fn a_build_is_there_and_after_its_deletion_it_is_not() {
    let server = StandIn::small();
    for (via, build) in ways(&server).iter().zip(server.truth()) {
        let build = BuildUrl::parse(&build.build_url).expect("a build");
        let path = connect(via).await;
        assert_eq!(path.look_up(&build).await, StoreLook::There, "{via}");
        let fresh = Freshness::new(Moment::now(), std::time::Duration::from_secs(60));
        assert!(matches!(path.delete(Target::at(&build), &fresh).await, Answer::Accepted(_)), "{via}");
        assert_eq!(path.look_up(&build).await, StoreLook::Nothing, "{via}");
        path.close().await;
    }
}

#[tokio::test]
async fn a_store_that_is_absent_keeps_or_throws() {
    let server = StandIn::small();
    for via in &ways(&server) {
        let build = BuildUrl::parse(&server.truth()[0].build_url).expect("a build");
        let path = connect(via).await;
        server.behave(&[("store", "absent")]);
        assert_eq!(path.look_up(&build).await, StoreLook::NoFunction, "{via}");
        server.behave(&[("store", "throws")]);
        let StoreLook::NotKnown(why) = path.look_up(&build).await else { panic!("{via}: it threw") };
        assert!(why.starts_with("exception clojure.lang.ExceptionInfo: "), "{why}");
        assert!(why.contains("the fixture's store was set to fail"), "{why}");
        server.behave(&[("store", "keeps")]);
        let gone = BuildUrl::parse(&format!("{}/gh/acme/api/99999999", server.http())).expect("a build");
        assert_eq!(path.look_up(&gone).await, StoreLook::There, "{via}");
        server.reset();
        assert_eq!(path.look_up(&gone).await, StoreLook::Nothing, "{via}");
        path.close().await;
    }
}

/// The function of the store becomes another for each question, in a server of its own.
#[tokio::test]
async fn whatever_the_function_returns_only_a_word_is_answered() {
    let server = crate::support::Server::start("circleci.sh", &["--builds", "188"], &[]);
    let port: u16 = server.variable("NREPL_PORT").parse().expect("a port");
    let build = BuildUrl::parse("https://ci.example.com/gh/acme/api/1").expect("a build");
    for via in [format!("nrepl://127.0.0.1:{port}"), format!("console:{}", command(&format!("nrepl {port}")))] {
        let path = connect(&via).await;
        for (returns, expected) in [
            ("nil", StoreLook::Nothing),
            ("false", StoreLook::Nothing),
            ("(map identity [])", StoreLook::Nothing),
            ("{}", StoreLook::Nothing),
            ("(delay nil)", StoreLook::Nothing),
            ("(delay {:a 1})", StoreLook::There),
            ("(map identity [{:a 1}])", StoreLook::There),
            // Without end.
            ("(repeat {:a 1})", StoreLook::There),
            ("(apply str (repeat 2000000 \"x\"))", StoreLook::There),
            // What cannot be printed.
            ("(reify Object (toString [_] (throw (Error. \"printed\"))))", StoreLook::There),
        ] {
            let code = format!("(alter-var-root #'{FUNCTION} (constantly (fn [_] {returns})))");
            let said = crate::support::evaluate(port, &code);
            assert!(!said.contains("eval-error"), "{said}");
            assert_eq!(path.look_up(&build).await, expected, "{returns} by {via}");
        }
        for throws in [
            "(map (fn [_] (throw (Error. \"no luck\"))) [1])",
            "(delay (throw (Error. \"no luck\")))",
            "(throw (Error. \"no luck\"))",
            "(throw (ex-info \"no luck\" {:secret 42} (ex-info \"inner\" {:secret 42})))",
        ] {
            crate::support::evaluate(port, &format!("(alter-var-root #'{FUNCTION} (constantly (fn [_] {throws})))"));
            let look = path.look_up(&build).await;
            let StoreLook::NotKnown(why) = &look else { panic!("{throws} by {via}: {look:?}") };
            assert!(why.starts_with("exception ") && why.contains("no luck") || why.contains("inner"), "{why}");
            assert!(!why.contains("42"), "{why}");
        }
        path.close().await;
    }
    crate::support::evaluate(port, "(ns-unmap 'circle.model.build 'find-one-by-circle-url)");
    let path = connect(&format!("nrepl://127.0.0.1:{port}")).await;
    assert_eq!(path.look_up(&build).await, StoreLook::NoFunction);
    crate::support::evaluate(port, "(remove-ns 'circle.model.build)");
    assert_eq!(path.look_up(&build).await, StoreLook::NoFunction);
    path.close().await;
}

#[tokio::test]
async fn an_http_path_cannot_ask_the_store_and_sends_nothing() {
    let server = StandIn::small();
    let via: Via = format!("http://127.0.0.1:{}/admin/delete-build", server.port()).parse().expect("an admin path");
    let token = Some(crate::support::API_TOKEN.to_owned().into());
    let path = AdminPath::connect(&via, Options { token, ..Options::default() }).await.expect("it is open");
    let build = BuildUrl::parse(&server.truth()[0].build_url).expect("a build");
    let before = server.calls();
    assert_eq!(path.look_up(&build).await, StoreLook::NoFunction);
    assert_eq!(path.caveat(), None);
    assert_eq!(server.calls(), before);
}
