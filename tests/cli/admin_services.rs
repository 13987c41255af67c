//! An nREPL that belongs to another service of the server: said before anything is sent.

use halfbuilt::exit::Exit;

use crate::delete_console::command;
use crate::support::{Run, Server, TIMES, TestDatabase, evaluate, halfbuilt, scanned};

fn delete(database: &TestDatabase, report: &std::path::Path, via: &str) -> Run {
    let confirmed = ["--execute", "--confirm", &database.host, "--start-timeout", "60s", "--via", via];
    halfbuilt(&["delete"]).args(&[report]).args(&TIMES).args(&confirmed).on(database)
}

#[test]
fn what_has_no_such_function_is_named_by_its_namespaces() {
    let server = Server::start("circleci.sh", &["--builds", "188"], &[]);
    let port: u16 = server.variable("NREPL_PORT").parse().expect("a port");
    let nrepl = format!("nrepl://127.0.0.1:{port}");
    let console = format!("console:{}", command(&format!("nrepl {port}")));
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let before = database.urls();
    let circle = "(filter #(re-find #\"^(circle|circleci)[.]\" (str (ns-name %))) (all-ns))";
    for (becomes, vias, said, hint) in [
        (
            "(ns-unmap 'circle.http.api.admin-commands 'delete-build)".to_owned(),
            &[&nrepl, &console][..],
            "it looks like the frontend of a CircleCI Server, where it may have another name",
            "delete-build is documented for CircleCI Server 2.x only: see `halfbuilt help server-4`",
        ),
        (
            "(do (ns-unalias 'user 'admin) (remove-ns 'circle.http.api.admin-commands))".to_owned(),
            &[&nrepl],
            "it looks like a service of a CircleCI Server, but not like its frontend",
            "see `halfbuilt help server-2` and `halfbuilt help server-4`",
        ),
        (
            "(create-ns 'contexts-service.db)".to_owned(),
            &[&nrepl, &console],
            "it looks like contexts-service, which is another service of a CircleCI Server",
            "several services of a CircleCI Server have an nREPL on port 6005",
        ),
        (
            "(do (remove-ns 'contexts-service.db) (create-ns 'contexts-service-client.context)
               (create-ns 'workflows-conductor.entities.uuid))"
                .to_owned(),
            &[&nrepl],
            "it looks like workflows-conductor, which is another service of a CircleCI Server",
            "builds are deleted through the frontend's",
        ),
        (
            format!("(do (remove-ns 'workflows-conductor.entities.uuid) (run! #(remove-ns (ns-name %)) {circle}))"),
            &[&nrepl, &console],
            "it is a Clojure server without any namespace of CircleCI's",
            "check that --via leads to the frontend",
        ),
    ] {
        let answer = evaluate(port, &becomes.replace('\n', " "));
        assert!(!answer.contains("eval-error"), "{becomes}: {answer}");
        for via in vias {
            let done = delete(&database, &report, via).run().exits(Exit::Failed);
            done.says("no function circle.http.api.admin-commands/delete-build: ").says(said).says(hint);
        }
    }
    assert_eq!(database.urls(), before);
}
