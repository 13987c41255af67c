//! A server with an nREPL of before 2018 (tools.nrepl 0.2), as old versions of CircleCI Server have it.

use halfbuilt::admin::{AdminError, AdminPath, Answer, Freshness, Moment, Options, Service, StoreLook, Target, Via};
use halfbuilt::build_url::BuildUrl;
use halfbuilt::exit::Exit;

use crate::store_look::{connect, ways};
use crate::support::{API_TOKEN, Collection, Report, Run, StandIn};

/// Collected and scanned builds, and a folder with their report.
struct Case {
    collection: Collection,
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let collection = Collection::of(StandIn::behind_old_nrepl());
        let folder = tempfile::tempdir().expect("a folder");
        collection.collect(&["--all"]).run().exits(Exit::Clean);
        collection.reads(&["scan", "-o", "report.csv"]).at(folder.path()).run().exits(Exit::Clean);
        Self { collection, folder }
    }

    fn delete(&self, via: &str) -> Run {
        let host = format!("127.0.0.1:{}", self.collection.server.port());
        let run = self.collection.reads(&["delete", "report.csv", "--via", via, "--max-percent", "100"]);
        let run = run.args(&["--execute", "--confirm", &host, "-o", "results.csv", "--start-timeout", "60s"]);
        run.env("HALFBUILT_TOKEN", API_TOKEN).at(self.folder.path())
    }
}

#[test]
fn the_chosen_builds_are_deleted_and_proved_gone() {
    let case = Case::new();
    let report = Report::read(&case.folder.path().join("report.csv"));
    let before = case.collection.there().len();
    let done = case.delete(&case.collection.server.nrepl()).run().exits(Exit::Clean);
    done.says("admin/delete-build (circle.http.api.admin-commands/delete-build)")
        .says("delete-build is documented for CircleCI Server 2.x only");
    assert!(report.count("deletable", "yes") > 20);
    assert_eq!(before - case.collection.there().len(), report.count("deletable", "yes"));
}

#[test]
fn an_exception_is_said_with_its_message_and_stops_the_canary() {
    let case = Case::new();
    case.collection.server.behave(&[("deletion", "throw")]);
    let before = case.collection.there();
    let [nrepl, _, console] = ways(&case.collection.server);
    for via in [nrepl, console] {
        let done = case.delete(&via).run().exits(Exit::NotAllDeleted);
        done.says("the first build ended as failed: exception clojure.lang.ExceptionInfo")
            .says("the fixture was set to fail");
        assert_eq!(case.collection.there(), before);
        std::fs::remove_file(case.folder.path().join("results.csv")).expect("it was written");
        std::fs::remove_file(case.folder.path().join("report.csv.journal.jsonl")).expect("it was written");
    }
}

#[tokio::test]
async fn a_function_that_is_not_there_is_not_called() {
    let server = StandIn::behind_old_nrepl();
    for via in &ways(&server) {
        let via: Via = via.parse().expect("an admin path");
        let options = Options { admin_fn: "my.ops/purge".parse().ok(), ..Options::default() };
        let error = AdminPath::connect(&via, options).await.expect_err("there is no function");
        assert!(matches!(&error, AdminError::NoFunction { service: Some(Service::Frontend), .. }), "{error}");
    }
}

#[tokio::test]
async fn the_servers_own_store_is_asked() {
    let server = StandIn::behind_old_nrepl();
    let builds: Vec<String> = server.truth().into_iter().map(|build| build.build_url).collect();
    for (via, build) in ways(&server).iter().zip(&builds) {
        let build = BuildUrl::parse(build).expect("a build");
        let path = connect(via).await;
        assert_eq!(path.look_up(&build).await, StoreLook::There, "{via}");
        let fresh = Freshness::new(Moment::now(), std::time::Duration::from_secs(60));
        assert!(matches!(path.delete(Target::at(&build), &fresh).await, Answer::Accepted(_)), "{via}");
        assert_eq!(path.look_up(&build).await, StoreLook::Nothing, "{via}");
        server.behave(&[("store", "throws")]);
        let StoreLook::NotKnown(why) = path.look_up(&build).await else { panic!("{via}: it threw") };
        assert!(why.starts_with("exception clojure.lang.ExceptionInfo: "), "{why}");
        assert!(why.contains("the fixture's store was set to fail"), "{why}");
        server.behave(&[("store", "absent")]);
        assert_eq!(path.look_up(&build).await, StoreLook::NoFunction, "{via}");
        server.reset();
        path.close().await;
    }
}

#[tokio::test]
async fn more_than_two_hundred_deletions_through_one_connection() {
    let server = StandIn::behind_old_nrepl();
    let builds: Vec<String> = server.truth().into_iter().map(|build| build.build_url).take(250).collect();
    let path = connect(&server.nrepl()).await;
    for build in &builds {
        let fresh = Freshness::new(Moment::now(), std::time::Duration::from_secs(60));
        let answer = path.delete(Target::at(&BuildUrl::parse(build).expect("a build")), &fresh).await;
        assert!(matches!(answer, Answer::Accepted(_)), "{build}: {answer:?}");
    }
    path.close().await;
    let left: Vec<String> = server.truth().into_iter().map(|build| build.build_url).collect();
    assert!(builds.len() == 250 && !builds.iter().any(|build| left.contains(build)));
}
