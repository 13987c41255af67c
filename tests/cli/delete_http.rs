//! Deletions through an HTTP endpoint.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use halfbuilt::exit::Exit;

use crate::support::{Report, Run, TIMES, TOKEN, TestDatabase, admin, deletable, halfbuilt, psql, scanned, wait_until};
use crate::what_a_person_sees::Says;

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
    let done = done.exits(Exit::Failed).says_all_of("delete_http_wrong_token");
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
    done.says_all_of("delete_http_nothing_is_found");
}

#[test]
fn without_a_token_nothing_is_sent() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let done = delete(&database, &report, &admin(&database).http()).run();
    done.exits(Exit::Failed).says_all_of("delete_http_without_a_token");
}

#[test]
fn a_token_does_not_cross_the_network_in_the_clear() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let done = delete(&database, &report, "http://ci.acme.example/admin").env("HALFBUILT_TOKEN", TOKEN).run();
    done.exits(Exit::Failed).says_all_of("delete_http_in_the_clear");
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

/// A server that fails each deletion, with these words.
fn failing_with(words: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let via = format!("http://{}/admin", listener.local_addr().expect("an address"));
    let head = format!("HTTP/1.1 500 Oops\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", words.len());
    let answer = head + words;
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let _ = stream.read(&mut [0; 4096]);
            // A client that has gone needs no answer.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    via
}

/// Neither in what is said, nor in the results, the journal or the page.
#[test]
fn neither_the_token_nor_a_presigned_address_is_shown_however_a_server_writes_it() {
    let token = "s3cret/Token+<\"&7>";
    let base64 = |text: &str| openssl::base64::encode_block(text.as_bytes());
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (folder, report) = scanned(&database);
    let signed = "https://s3.example/bucket/key?X-Amz-Credential=AKIA0123&X-Amz-Signature=0123abcdef&x=y";
    for (number, spelled) in [
        token.to_owned(),
        token.to_uppercase(),
        serde_json::to_string(token).expect("JSON").trim_matches('"').to_owned(),
        token.chars().map(|c| format!("\\u{:04X}", c as u32)).collect(),
        token.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        "s3cret%2FToken%2B%3C%22%267%3E".to_owned(),
        "s3cret/Token+&lt;&quot;&amp;7&gt;".to_owned(),
        token.bytes().map(|byte| format!("&#{byte};")).collect(),
        token.bytes().map(|byte| format!("&#x{byte:X};")).collect(),
        base64(token),
        base64(&format!("x{token}")),
        base64(&format!("xx{token}")).replace('+', "-").replace('/', "_"),
        signed.to_owned(),
        signed.replace('&', "\\u0026"),
        signed.replace('&', "&amp;"),
        "https://s3.example/key?AWSAccessKeyId=AKIA0123&Expires=1&Signature=0123abcdef".to_owned(),
        "https://a.blob.example/key?sv=1&sig=0123abcdef".to_owned(),
        "https://storage.example/key?X-Goog-Signature=0123abcdef".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        let secret = spelled.find('?').map_or(spelled.as_str(), |query| &spelled[query + 1..]);
        let journal = folder.path().join(format!("{number}.jsonl"));
        let page = folder.path().join(format!("{number}.html"));
        let via = failing_with(&format!("no luck with {spelled} today"));
        let run = delete(&database, &report, &via).args(&["--journal"]).args(&[&journal]);
        let done = run.env("HALFBUILT_TOKEN", token).run().exits(Exit::NotAllDeleted).says("no luck with");
        let run = halfbuilt(&["report"]).args(&[&report]).args(&["--journal"]).args(&[&journal]);
        run.args(&["--html"]).args(&[&page]).run().exits(Exit::Clean);
        let journal = std::fs::read_to_string(&journal).expect("a journal");
        let page = std::fs::read_to_string(&page).expect("a page");
        for (what, text) in
            [("stderr", &done.stderr), ("results", &done.stdout), ("journal", &journal), ("page", &page)]
        {
            assert!(text.contains("no luck with") && text.contains("(redacted)"), "{spelled} in {what}: {text}");
            // A file escapes it once more.
            let unescaped = [text.replace("\\\\", "\\").replace("\\\"", "\""), text.replace("&quot;", "\"")];
            for text in unescaped.iter().chain([text]) {
                assert!(!text.contains(secret), "{spelled} in {what}: {text}");
            }
        }
    }
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
