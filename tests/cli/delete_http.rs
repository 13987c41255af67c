//! Deletions through an HTTP endpoint.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use halfbuilt::exit::Exit;

use crate::delete::{deletable, scanned};
use crate::support::{Report, Run, TIMES, TOKEN, TestDatabase, admin, halfbuilt, psql, wait_until};

fn delete(database: &TestDatabase, report: &std::path::Path, via: &str) -> Run {
    let confirmed = ["--execute", "--confirm", &database.host, "--via", via];
    halfbuilt(&["delete"]).args(&[report]).args(&TIMES).args(&confirmed).on(database)
}

#[test]
fn the_chosen_builds_are_gone_and_all_others_are_there() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let (_folder, report) = scanned(&database);
    let before = database.urls();
    let chosen = deletable(&Report::read(&report));
    let done = delete(&database, &report, &admin(&database).http()).env("HALFBUILT_TOKEN", TOKEN).run();
    assert_eq!(Report::parse(&done.stdout).count("state", "deleted"), chosen.len());
    assert_eq!(database.urls(), before.into_iter().filter(|url| !chosen.contains(url)).collect::<Vec<_>>());
    assert!(!done.stderr.contains(TOKEN) && !done.stdout.contains(TOKEN), "the token was shown");
}

#[test]
fn with_tls_by_a_certificate_of_ones_own_and_a_token_from_a_file() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (folder, report) = scanned(&database);
    let admin = admin(&database);
    let token = folder.path().join("token");
    std::fs::write(&token, format!("{TOKEN}\n")).expect("a file");
    let run = || delete(&database, &report, &admin.https()).args(&["--token-file"]).args(&[&token]);
    let untrusted = run().run().exits(Exit::Failed);
    assert_eq!(Report::parse(&untrusted.stdout).count("state", "deleted"), 0);
    untrusted.says("certificate");
    let trusted = run().args(&["--ca-file", admin.ca_file()]).run();
    assert_eq!(Report::parse(&trusted.stdout).count("state", "deleted"), deletable(&Report::read(&report)).len());
}

#[test]
fn a_wrong_token_stops_everything() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let before = database.urls();
    let done = delete(&database, &report, &admin(&database).http()).env("HALFBUILT_TOKEN", "wrong").run();
    let done = done.exits(Exit::Failed).says("error: nothing was deleted: 403");
    let results = Report::parse(&done.stdout);
    assert_eq!(results.count("state", "not-attempted"), deletable(&Report::read(&report)).len());
    assert_eq!(database.urls(), before);
}

#[test]
fn where_nothing_is_found_the_path_is_suspected_too() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let wrong = format!("{}-of-another-name", admin(&database).http());
    let done = delete(&database, &report, &wrong).env("HALFBUILT_TOKEN", TOKEN).run().exits(Exit::NotAllDeleted);
    done.says("404").says("and it is still there: is the path of --via right?").says("if it is this build alone");
}

#[test]
fn without_a_token_nothing_is_sent() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let done = delete(&database, &report, &admin(&database).http()).run();
    done.exits(Exit::Failed).says("token").says("--token-file");
}

#[test]
fn a_token_does_not_cross_the_network_in_the_clear() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let done = delete(&database, &report, "http://ci.acme.example/admin").env("HALFBUILT_TOKEN", TOKEN).run();
    done.exits(Exit::Failed).says("--allow-plain-http");
}

#[test]
fn a_server_that_says_done_and_did_nothing_is_found_out() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let admin = admin(&database);
    admin.behaves(&database, "pretend");
    let done = delete(&database, &report, &admin.http()).env("HALFBUILT_TOKEN", TOKEN).run();
    let results = Report::parse(&done.exits(Exit::NotAllDeleted).stdout);
    assert_eq!((results.count("state", "failed"), results.count("state", "deleted")), (1, 0));
}

#[test]
fn a_deletion_whose_answer_never_came_is_looked_up() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let admin = admin(&database);
    admin.behaves(&database, "sleep");
    // The build goes while nobody answers: what counts is what the database says.
    let url = &deletable(&Report::read(&report))[0];
    let list = format!("{url}\n");
    let run = halfbuilt(&["delete", "-", "--execute", "--confirm", &database.host, "--timeout", "10s"]).args(&TIMES);
    let run = run.args(&["--via", &admin.http()]).env("HALFBUILT_TOKEN", TOKEN).on(&database).input(&list);
    let meanwhile = std::thread::spawn(move || run.run());
    // It is on its way: from now on the answer is waited for.
    wait_until(|| std::fs::read_to_string(admin.calls_file()).is_ok_and(|calls| calls.contains(url.as_str())));
    database.run(&format!("DELETE FROM builds WHERE build_url = '{url}'"));
    let done = meanwhile.join().expect("it ends").exits(Exit::Clean);
    let results = Report::parse(&done.stdout);
    assert_eq!(results.rows[0]["state"], "deleted");
    assert!(results.rows[0]["reason"].ends_with("read again and gone"), "{:?}", results.rows[0]);
}

#[test]
fn a_build_that_recovers_while_the_server_is_busy_is_kept() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let url = &deletable(&Report::read(&report))[0];
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let via = format!("http://{}/admin", listener.local_addr().expect("an address"));
    let recover = format!(
        "UPDATE builds SET lifecycle = 'finished', stop_time = '2026-11-20T01:59:59Z' WHERE build_url = '{url}';
         UPDATE actions SET end_time = '2026-11-20T01:59:59Z', output_size = NULL
          WHERE build_id = (SELECT build_id FROM builds WHERE build_url = '{url}')"
    );
    let requests = Arc::new(AtomicU32::new(0));
    let (name, counted) = (database.name.clone(), Arc::clone(&requests));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let _ = stream.read(&mut [0; 4096]);
            counted.fetch_add(1, Ordering::Relaxed);
            let busy =
                "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            // While the client waits, the build comes to its end.
            psql(&name, &["-c", &recover]);
            stream.write_all(busy.as_bytes()).expect("a client that listens");
        }
    });
    let run = halfbuilt(&["delete", "-", "--execute", "--confirm", &database.host, "--via", &via]).args(&TIMES);
    let done = run.env("HALFBUILT_TOKEN", TOKEN).on(&database).input(&format!("{url}\n")).run();
    let results = Report::parse(&done.exits(Exit::NotAllDeleted).stdout);
    assert_eq!(results.column("state"), ["recovered"]);
    assert_eq!(requests.load(Ordering::Relaxed), 1);
    assert!(database.urls().contains(url));
}
