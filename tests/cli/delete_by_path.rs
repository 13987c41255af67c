//! Deletions by a request for the path of a build, as its profile describes it, against a server that really deletes.

use halfbuilt::exit::Exit;

use crate::support::{Done, LARCH_TOKEN, Larch, LarchServer, Report, answer, delete_job, psql};
use crate::what_a_person_sees::Says;

/// Deletes all that can be deleted, and gives back how the builds ended, in order.
fn deleted(larch: &Larch, server: &LarchServer, exit: Exit) -> (Done, Vec<(String, String)>) {
    let report = larch.scanned();
    let done = larch.deletes(&report, &server.http()).run().exits(exit);
    let results = Report::parse(&done.stdout);
    let ended = results.rows.iter().map(|row| (row["state"].clone(), row["reason"].clone())).collect();
    (done, ended)
}

/// The one build of a Larch ended so, and is there or not.
#[track_caller]
fn ends(larch: &Larch, server: &LarchServer, exit: Exit, (state, reason): (&str, &str), is_there: bool) -> Done {
    let (done, ended) = deleted(larch, server, exit);
    assert_eq!(ended, [(state.to_owned(), reason.to_owned())]);
    assert_eq!(larch.jobs().len(), usize::from(is_there));
    done
}

fn one() -> Larch {
    Larch::with_jobs(Larch::HEADERS, 1)
}

#[test]
fn each_build_is_deleted_by_its_own_path_and_all_others_are_there() {
    let larch = Larch::with_jobs(Larch::HEADERS, 6);
    larch.database.run("UPDATE jobs SET state = 'finished', ended = '2026-11-20T01:55:00Z' WHERE id > 4");
    let server = larch.server();
    let (done, ended) = deleted(&larch, &server, Exit::Clean);
    assert_eq!(ended, [("deleted", "read again and gone"); 4].map(|(state, why)| (state.to_owned(), why.to_owned())));
    assert_eq!(larch.jobs(), ["5", "6"]);
    let mut lines = server.lines();
    lines.sort();
    assert_eq!(lines, [1, 2, 3, 4].map(|id| format!("DELETE /api/jobs/{id}")));
    for sent in server.sent() {
        assert_eq!(sent.header("host"), Some(&server.host()));
        assert_eq!((sent.body.as_str(), sent.header("content-length")), ("", None));
    }
    done.says_all_of("delete_by_path");
}

#[test]
fn the_path_of_via_comes_before_that_of_the_build() {
    let larch = one();
    let database = larch.database.name.clone();
    let server = LarchServer::start(move |sent| match sent.target.strip_prefix("/base") {
        Some(path) if delete_job(&database, path) => answer(204, &[], ""),
        _ => answer(404, &[], ""),
    });
    let via = format!("{}/base/", server.http());
    larch.deletes(&larch.scanned(), &via).run().exits(Exit::Clean);
    assert_eq!(server.lines(), ["DELETE /base/api/jobs/1"]);
}

/// What a path cannot be is refused before anything is sent, whatever the report says.
#[test]
fn a_hostile_path_reaches_nobody() {
    for path in [
        "'https://evil.example/api/jobs/1'",
        "'//evil.example/api/jobs/1'",
        "'/api/jobs/2/../1'",
        "'/api/jobs/%2e%2e/jobs/1'",
        "'/api/jobs/..%2Fjobs%2F1'",
        r"E'/api/jobs/1 HTTP/1.1\r\nHost: evil.example\r\nX-More: 1'",
        r"E'/api/jobs/1\n'",
        "'/api/jobs/1?all=true'",
        "'@evil.example/api/jobs/1'",
        "NULL",
    ] {
        let larch = Larch::with_jobs(Larch::HEADERS, 2);
        let report = larch.scanned();
        // The report still calls both deletable, and a path is no part of what it knows of a build.
        larch.database.run(&format!("UPDATE jobs SET delete_path = {path} WHERE id = 1"));
        let server = larch.server();
        let done = larch.deletes(&report, &server.http()).run().exits(Exit::NotAllDeleted);
        let results = Report::parse(&done.stdout);
        assert_eq!(results.column("state"), ["refused", "deleted"], "{path}");
        assert_eq!(
            (server.lines(), larch.jobs()),
            (vec!["DELETE /api/jobs/2".to_owned()], vec!["1".to_owned()]),
            "{path}"
        );
    }
}

/// The path is read together with the state of the build, just before the request: that of the report may be another's by now.
#[test]
fn the_path_that_is_sent_is_the_one_of_the_last_reading() {
    let larch = one();
    let report = larch.scanned();
    larch.database.run("UPDATE jobs SET delete_path = '/api/jobs/moved-to-7'");
    let server = larch.server();
    larch.deletes(&report, &server.http()).run().exits(Exit::Clean);
    assert_eq!(server.lines(), ["DELETE /api/jobs/moved-to-7"]);
}

#[test]
fn a_server_that_says_done_and_did_nothing_is_found_out() {
    for (status, said) in [(200, "200 OK"), (204, "204 No Content")] {
        let reason = format!("the server says that it is deleted ({said}), and it is still there");
        ends(&one(), &LarchServer::answering(answer(status, &[], "")), Exit::NotAllDeleted, ("failed", &reason), true);
    }
}

#[test]
fn a_redirect_to_a_login_page_is_not_followed() {
    let elsewhere = LarchServer::answering(answer(200, &[], ""));
    let login = format!("{}/login", elsewhere.http());
    let server = LarchServer::answering(answer(302, &[("Location", &login)], ""));
    let reason = format!("302 Found to {login}, which is not followed");
    ends(&one(), &server, Exit::NotAllDeleted, ("failed", &reason), true);
    assert_eq!((server.lines().len(), elsewhere.lines().len()), (1, 0));
}

#[test]
fn a_page_with_200_is_no_success_but_the_database_decides() {
    let page = answer(200, &[("Content-Type", "text/html; charset=utf-8")], "<html>Log in</html>");
    let reason = "200 OK, answered with a page: is this a login page?";
    ends(&one(), &LarchServer::answering(page.clone()), Exit::NotAllDeleted, ("failed", reason), true);
    let larch = one();
    let database = larch.database.name.clone();
    let server = LarchServer::start(move |sent| {
        delete_job(&database, &sent.target);
        page.clone()
    });
    ends(&larch, &server, Exit::Clean, ("deleted", &format!("{reason}; read again and gone all the same")), false);
}

#[test]
fn a_token_without_the_right_stops_everything() {
    for (status, said) in [(403, "403 Forbidden: no right"), (401, "401 Unauthorized: no right")] {
        let larch = Larch::with_jobs(Larch::HEADERS, 3);
        let server = LarchServer::answering(answer(status, &[], "no right"));
        let (done, ended) = deleted(&larch, &server, Exit::Failed);
        assert_eq!((server.lines().len(), larch.jobs().len()), (1, 3));
        assert_eq!(ended[0], ("not-attempted".to_owned(), said.to_owned()));
        assert!(ended[1..].iter().all(|(state, _)| state == "not-attempted"), "{ended:?}");
        assert!(done.stderr.contains(said), "{}", done.stderr);
    }
    // Another user's token, at a server that knows its own.
    let larch = one();
    let server = larch.server();
    let run = larch.deletes(&larch.scanned(), &server.http()).env("HALFBUILT_TOKEN", "of-a-guest");
    run.run().exits(Exit::Failed);
    assert_eq!(server.sent()[0].header("authorization"), Some(&"Bearer of-a-guest".to_owned()));
}

#[test]
fn no_right_for_one_project_is_a_refusal_where_the_profile_says_so() {
    let larch = Larch::with_jobs(&format!("{}-- refused: 403 409 422\n-- denied: 401\n", Larch::HEADERS), 2);
    larch.database.run("UPDATE jobs SET delete_path = '/api/own/2' WHERE id = 2");
    let database = larch.database.name.clone();
    let server = LarchServer::start(move |sent| match sent.target.starts_with("/api/own") {
        true => answer(if delete_job(&database, &sent.target) { 204 } else { 404 }, &[], ""),
        false => answer(403, &[], ""),
    });
    let (_, ended) = deleted(&larch, &server, Exit::NotAllDeleted);
    assert_eq!(ended[0], ("refused".to_owned(), "403 Forbidden".to_owned()));
}

#[test]
fn a_build_that_the_server_does_not_find_is_not_called_gone_while_it_is_there() {
    let reason = "404 Not Found, and it is still there: is the path of --via right?";
    ends(&one(), &LarchServer::answering(answer(404, &[], "")), Exit::NotAllDeleted, ("failed", reason), true);
}

#[test]
fn a_server_that_refuses_one_build_is_believed() {
    for (status, said) in [(409, "409 Conflict: it runs"), (422, "422 Unprocessable Entity: it runs")] {
        let server = LarchServer::answering(answer(status, &[], "it runs"));
        ends(&one(), &server, Exit::NotAllDeleted, ("refused", said), true);
    }
}

#[test]
fn a_busy_server_is_waited_for_and_the_build_is_read_again_before_the_next_try() {
    let larch = one();
    let database = larch.database.name.clone();
    let asked = std::sync::atomic::AtomicU32::new(0);
    let server = LarchServer::start(move |sent| {
        if asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
            return answer(429, &[("Retry-After", "1")], "");
        }
        answer(if delete_job(&database, &sent.target) { 204 } else { 404 }, &[], "")
    });
    ends(&larch, &server, Exit::Clean, ("deleted", "read again and gone"), false);
    assert_eq!(server.lines(), ["DELETE /api/jobs/1", "DELETE /api/jobs/1"]);
}

#[test]
fn a_token_for_the_scheme_basic_needs_a_colon() {
    let larch = Larch::with_jobs("-- delete: DELETE\n-- token: Basic\n", 1);
    let (report, server) = (larch.scanned(), larch.server());
    let done = larch.deletes(&report, &server.http()).run().exits(Exit::Failed);
    done.says_all_of("delete_by_path_basic_without_colon");
    assert!(server.sent().is_empty());
    let done = larch.deletes(&report, &server.http()).env("HALFBUILT_TOKEN", "demo:key:s3cret").run();
    let basic = format!("Basic {}", openssl::base64::encode_block(b"demo:key:s3cret"));
    assert_eq!(server.sent()[0].header("authorization"), Some(&basic));
    for secret in ["s3cret", &basic[6..]] {
        assert!(!done.stderr.contains(secret) && !done.stdout.contains(secret), "{}", done.stderr);
    }
}

#[test]
fn a_header_on_the_command_line_wins() {
    let larch = one();
    let server = LarchServer::answering(answer(403, &[], ""));
    larch.deletes(&larch.scanned(), &server.http()).args(&["--token-header", "X-Mine"]).run().exits(Exit::Failed);
    let sent = &server.sent()[0];
    assert_eq!((sent.header("x-mine").map(String::as_str), sent.header("authorization")), (Some(LARCH_TOKEN), None));
}

#[test]
fn no_token_is_sent_that_could_not_be_hidden_or_in_a_header_of_http() {
    let larch = Larch::with_jobs("-- delete: DELETE\n-- token: Basic\n", 1);
    let (report, server) = (larch.scanned(), larch.server());
    let done = larch.deletes(&report, &server.http()).env("HALFBUILT_TOKEN", "u:pässwörd").run().exits(Exit::Failed);
    assert!(done.stderr.contains("a character that is not printable ASCII"), "{}", done.stderr);
    assert!(!done.stderr.contains("pässwörd"), "{}", done.stderr);
    for name in ["Host", "content-LENGTH"] {
        let done = larch.deletes(&report, &server.http()).args(&["--token-header", name]).run().exits(Exit::Failed);
        assert!(done.stderr.contains(&format!("no token is sent in the header {name:?}")), "{}", done.stderr);
    }
    assert!(server.sent().is_empty());
}

/// The builds are on one server, and the requests would go to another.
#[test]
fn a_policy_names_the_hosts_to_which_requests_go() {
    let larch = one();
    let (report, server) = (larch.scanned(), larch.server());
    let policy = larch.folder.path().join("halfbuilt.toml");
    let deletes = |hosts: &str, execute: bool| {
        std::fs::write(&policy, format!("[delete]\nhosts = [{hosts}]\n")).expect("a file");
        let run = match execute {
            true => larch.deletes(&report, &server.http()),
            false => larch.halfbuilt(&["delete"]).args(&[&report]).args(&["--via", &server.http()]),
        };
        run.args(&["--policy"]).args(&[&policy]).run()
    };
    for execute in [false, true] {
        let done = deletes("'larch.example'", execute).exits(Exit::Declined);
        let said = format!(
            "--via names the host {:?}, and hosts in {} allows only larch.example",
            server.host(),
            policy.display()
        );
        assert!(done.stderr.contains(&said), "{}", done.stderr);
    }
    assert!(server.sent().is_empty());
    deletes(&format!("'larch.example', '{}'", server.host()), true).exits(Exit::Clean);
    assert_eq!(server.lines(), ["DELETE /api/jobs/1"]);
}

#[test]
fn without_a_server_the_hint_names_the_form_that_the_profile_needs() {
    let larch = one();
    let run = larch.halfbuilt(&["delete"]).args(&[&larch.scanned()]).args(&["--execute", "--confirm", "larch.example"]);
    let done = run.run().exits(Exit::Usage);
    assert!(done.stderr.contains("hint: --via https://HOST,") && !done.stderr.contains("nrepl"), "{}", done.stderr);
}

#[test]
fn an_address_that_is_none_is_explained_by_the_form_of_the_profile() {
    for (form, hint) in [
        ("", "hint: expected an http or https address"),
        ("-- addresses: circleci\n", "hint: expected https://HOST/VCS/ORG"),
    ] {
        let larch = Larch::with_jobs(&format!("{}{form}", Larch::HEADERS), 1);
        let run = larch.deletes(std::path::Path::new("-"), "http://127.0.0.1:9").input("https://larch.example/a b\n");
        let done = run.run();
        assert!(done.stderr.contains(hint), "{}", done.stderr);
    }
}

#[test]
fn a_console_is_no_way_to_delete_by_a_request() {
    let larch = one();
    let report = larch.scanned();
    for (via, name) in [("nrepl://127.0.0.1:9", "delete_by_path_nrepl"), ("console:true", "delete_by_path_console")] {
        larch.deletes(&report, via).run().exits(Exit::Usage).says_all_of(name);
    }
}

/// Builds of a list have no report in which it could stand that they share a path.
#[test]
fn a_profile_without_the_header_deletes_by_address_as_before() {
    let larch = Larch::with_jobs("", 1);
    let server = LarchServer::answering(answer(403, &[], ""));
    larch.deletes(&larch.scanned(), &format!("{}/admin", server.http())).run().exits(Exit::Failed);
    let sent = &server.sent()[0];
    assert_eq!((sent.method.as_str(), sent.target.as_str()), ("POST", "/admin"));
    assert_eq!(sent.body, r#"{"url":"https://larch.example/gh/acme/web/1"}"#);
    assert_eq!(sent.header("circle-token").map(String::as_str), Some(LARCH_TOKEN));
}

/// A list says nothing of paths: the plan looks at all builds.
#[test]
fn a_build_of_a_list_that_shares_its_path_is_refused_in_either_form_of_addresses() {
    for form in ["-- addresses: circleci\n", ""] {
        let larch = Larch::with_jobs(&format!("{}{form}", Larch::HEADERS), 3);
        larch.database.run(
            "UPDATE jobs SET delete_path = '/api/jobs/1', state = 'finished', ended = '2026-11-20T01:55:00Z' WHERE id = 3",
        );
        let server = larch.server();
        let list = "https://larch.example/gh/acme/web/1\nhttps://larch.example/gh/acme/web/2\n";
        let run = larch.deletes(std::path::Path::new("-"), &server.http()).input(list);
        let results = Report::parse(&run.run().exits(Exit::NotAllDeleted).stdout);
        assert_eq!(results.column("state"), ["refused", "deleted"], "{form}");
        assert!(results.rows[0]["reason"].contains("2 builds have the delete path /api/jobs/1"), "{results:?}");
        assert_eq!(server.lines(), ["DELETE /api/jobs/2"]);
    }
}

#[test]
fn a_profile_that_counts_addresses_by_letters_and_says_no_request_cannot_delete() {
    let larch = Larch::with_jobs("-- addresses: as written\n", 1);
    let report = Report::read(&larch.scanned());
    assert_eq!(report.rows[0]["note"], "the profile does not say how this CI deletes a build");
}

#[test]
fn a_dry_run_sends_nothing_and_needs_no_token() {
    let larch = one();
    let (report, server) = (larch.scanned(), larch.server());
    let run = larch.halfbuilt(&["delete"]).args(&[&report]).args(&["--via", &server.http()]);
    run.run().exits(Exit::Clean).says("1 of 1 chosen builds would be deleted on larch.example");
    assert!(server.sent().is_empty());
}

/// Whether another build has a path is seen while the plan is made, and not before each request.
#[test]
fn a_path_that_changes_after_the_plan_is_not_sent() {
    let larch = Larch::with_jobs(Larch::HEADERS, 4);
    larch.database.run("UPDATE jobs SET state = 'finished', ended = '2026-11-20T01:55:00Z' WHERE id = 4");
    let database = larch.database.name.clone();
    let server = LarchServer::start(move |sent| {
        psql(&database, &["-c", "UPDATE jobs SET delete_path = '/api/jobs/4' WHERE id = 2"]);
        if delete_job(&database, &sent.target) { answer(204, &[], "") } else { answer(404, &[], "") }
    });
    let (_, ended) = deleted(&larch, &server, Exit::NotAllDeleted);
    let states: Vec<&str> = ended.iter().map(|(state, _)| state.as_str()).collect();
    assert_eq!(states, ["deleted", "changed", "deleted"]);
    assert_eq!(larch.jobs(), ["2", "4"]);
}

/// A key that the server changes is no proof: the build is there.
#[test]
fn a_build_that_goes_on_under_another_key_is_not_deleted() {
    // Without a queue time nothing shows that it is the same.
    for queued in ["begun AS queued_at", "NULL::timestamptz AS queued_at"] {
        let larch = Larch::with_jobs(&format!("-- addresses: as written\n{}", Larch::HEADERS), 2);
        let text = std::fs::read_to_string(&larch.profile).expect("a profile");
        std::fs::write(
            &larch.profile,
            text.replace("project || '/' || id AS", "delete_path AS").replace("begun AS queued_at", queued),
        )
        .expect("a file");
        let database = larch.database.name.clone();
        let server = LarchServer::start(move |sent| {
            psql(&database, &["-c", &format!("UPDATE jobs SET id = id + 1000 WHERE delete_path = '{}'", sent.target)]);
            answer(204, &[], "")
        });
        let (done, ended) = deleted(&larch, &server, Exit::NotAllDeleted);
        assert_eq!(ended[0].0, "failed", "{queued}: {ended:?}");
        assert_eq!(larch.jobs().len(), 2);
        assert_eq!(server.sent().len(), 1, "{}", done.stderr);
    }
}
