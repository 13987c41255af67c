//! Bad input and bad answers of `collect`: one clear error each, and nothing of what was collected is lost.

use halfbuilt::exit::Exit;

use crate::support::{API_TOKEN, Collection, Done, Run, Seen, StandIn, TIMES, halfbuilt};
use crate::what_a_person_sees::shows;

/// The path of the list for administrators.
const LIST: &str = "admin-list";

fn small() -> Collection {
    Collection::of(StandIn::small())
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let mut seen = Seen::default();
    for arguments in [
        &["https://ci.example.com", "--all"][..],
        &["--into", "private", "--all"],
        &["https://ci.example.com", "--into", "private"],
        &["https://ci.example.com", "--into", "private", "--all", "--since", "2026-11-20T02:00:00Z"],
        &["https://ci.example.com", "--into", "private", "--all", "--jobs", "0"],
        &["https://ci.example.com", "--into", "private", "--all", "--rate", "0"],
        &["https://ci.example.com", "--into", "private", "--forget"],
        &["ci.example.com", "--into", "private", "--all"],
        &["https://ci.example.com/api/v1.1", "--into", "private", "--all"],
        &["https://me:hunter2@ci.example.com", "--into", "private", "--all"],
        &["https://ci.example.com?circle-token=hunter2", "--into", "private", "--all"],
        &["https://ci.example.com", "--into", "private", TIMES[0], TIMES[3], TIMES[2], TIMES[1]],
    ] {
        let done = halfbuilt(&["collect"]).args(arguments).env("HALFBUILT_TOKEN", API_TOKEN).run();
        let shown = format!("halfbuilt collect {}", arguments.join(" "));
        seen.add(&shown, &done.exits(Exit::Usage).says("error:"));
    }
    assert!(!seen.0.lines().filter(|line| !line.starts_with("$ ")).any(|line| line.contains("hunter2")), "{}", seen.0);
    shows(&seen, "collect_refused");
}

#[test]
fn what_keeps_it_from_asking_is_said_before_anything_is_asked() {
    let collection = small();
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).expect("it is written");
        file.to_str().expect("a path").to_owned()
    };
    let empty = file("empty", "");
    let two_lines = file("two-lines", "a\nb\n");
    let mut seen = Seen::default();
    let mut tries = |what: &str, run: Run| seen.add(what, &run.run().exits(Exit::Failed).fails_with("error:"));
    tries("no token", collection.collect(&TIMES).env("HALFBUILT_TOKEN", ""));
    tries("a file of two lines", collection.collect(&TIMES).args(&["--token-file", &two_lines]));
    tries("no certificate in the file", collection.collect(&TIMES).args(&["--ca-file", &empty]));
    tries("HTTP to another machine", collection.collect_from("http://ci.example.com", &TIMES));
    assert_eq!(collection.server.calls(), Vec::<String>::new());
    let https = collection.server.https();
    tries("a certificate that is not trusted", collection.collect_from(&https, &TIMES));
    tries("nobody listens", collection.collect_from("http://127.0.0.1:9", &TIMES));
    let nobody = halfbuilt(&["collect", &collection.server.http(), "--into", "dbname=nobody_has_it"]).args(&TIMES);
    let nobody = nobody.env("HALFBUILT_TOKEN", API_TOKEN).envs(&crate::support::server_variables("postgres"));
    tries("a database that is not there", nobody);
    let done = collection.collect(&TIMES).args(&["--token-file", &empty]).run().exits(Exit::Usage);
    seen.add("an empty file of a token", &done.fails_with(" is empty"));
    shows(&seen, "collect_cannot_ask");
}

#[test]
fn what_answers_is_not_the_api() {
    let mut seen = Seen::default();
    for (what, trouble) in [
        ("a token that is wrong", &[("token_ends_after", "0")][..]),
        ("a page of a proxy", &[("answer", "html"), ("on", "me")]),
        ("Clojure's own notation", &[("answer", "edn"), ("on", "me")]),
        ("a text that is no object", &[("answer", "string"), ("on", "me")]),
        ("the host of the user interface", &[("answer", "404"), ("body", "html"), ("on", "me")]),
        ("a redirect to another host", &[("answer", "redirect"), ("on", "me")]),
        ("a redirect to the same host with TLS", &[("answer", "redirect-https"), ("on", "me")]),
        ("a redirect that leads nowhere", &[("answer", "redirect-loop"), ("on", "me")]),
        ("a list that is no list", &[("answer", "string"), ("on", LIST)]),
        ("a list that is cut", &[("answer", "garbage"), ("on", LIST)]),
        ("a list that may not be seen any more", &[("answer", "403"), ("on", LIST), ("skip", "2")]),
        ("a server that asks for an hour", &[("answer", "429"), ("retry_after", "3600"), ("on", LIST), ("skip", "1")]),
    ] {
        let collection = small();
        collection.server.behave(trouble);
        let done = collection.collect(&TIMES).run().exits(Exit::Failed).fails_with("error:");
        assert!(!done.stderr.contains(API_TOKEN), "{}", done.stderr);
        seen.add(what, &without_waits(done));
    }
    shows(&seen, "collect_not_the_api");
}

/// How long a program waits before it asks again is left to chance, within limits.
fn without_waits(done: Done) -> Done {
    let lines = done.stderr.lines().filter(|line| !line.starts_with("waiting "));
    Done { stderr: lines.map(|line| format!("{line}\n")).collect(), ..done }
}

#[test]
fn a_token_that_ends_in_the_middle_loses_nothing() {
    let collection = small();
    collection.server.behave(&[("token_ends_after", "60")]);
    let done = collection.collect(&["--all"]).run().exits(Exit::Failed).fails_with("cannot be had any more");
    done.says("401 Unauthorized").says("what was collected is kept, and the same command continues");
    let kept = collection.fetched().len();
    assert!(kept > 0 && collection.addresses("gone_at IS NOT NULL").is_empty());
    collection.server.reset();
    collection.collect(&["--all"]).run().exits(Exit::Clean).says("was interrupted, and continues");
    assert_eq!(collection.fetched(), collection.there());
}

#[test]
fn a_token_that_loses_its_right_makes_nothing_gone() {
    let collection = small();
    // From now on the server hides what it has: 404, as for a project that is not there.
    collection.server.behave(&[("token_ends_after", "40"), ("token_end_is", "404")]);
    let done = collection.collect(&["--all"]).run();
    assert_eq!(done.code, Some(Exit::Failed as i32), "{}", done.stderr);
    assert!(collection.addresses("gone_at IS NOT NULL").is_empty(), "{}", done.stderr);
    assert_eq!(collection.database.run("SELECT count(*) FROM halfbuilt.collection WHERE ended_at IS NOT NULL"), "0");
}

#[test]
fn a_server_that_is_busy_is_waited_for() {
    for (retry_after, body) in [("1", "text"), ("", "text"), ("Wed, 21 Oct 2015 07:28:00 GMT", "empty")] {
        let collection = small();
        let how = [("answer", "429"), ("body", body), ("on", "document"), ("every", "25"), ("times", "3")];
        let after = [("retry_after", retry_after)];
        let after = if retry_after.is_empty() { &[][..] } else { &after };
        collection.server.behave(&[&how[..], after].concat());
        collection.collect(&TIMES).run().exits(Exit::Clean).says("waiting ").says("429 Too Many Requests");
        assert!(collection.addresses("trouble IS NOT NULL").is_empty());
    }
}

#[test]
fn answers_that_break_off_are_asked_for_again() {
    for answer in ["cut", "close", "500", "502", "503", "504", "html"] {
        let collection = small();
        collection.server.behave(&[("answer", answer), ("on", "document"), ("skip", "5"), ("times", "2")]);
        collection.collect(&TIMES).run().exits(Exit::Clean);
        assert!(collection.addresses("trouble IS NOT NULL OR fetched_at IS NULL").is_empty(), "{answer}");
    }
}

#[test]
fn a_document_that_cannot_be_had_is_named_and_the_rest_is_collected() {
    let mut seen = Seen::default();
    for answer in ["array", "string", "null", "empty", "garbage", "403", "404", "github-404", "edn"] {
        let collection = small();
        let build = collection.server.one("cut-running");
        let path = collection.server.document_path(&build);
        // The path of one build may begin that of another.
        collection.server.behave(&[("answer", answer), ("on", "document"), ("path", &path)]);
        let done = collection.collect(&TIMES).run().exits(Exit::Failed);
        done.does_not_say("error:");
        let troubled = collection.addresses("trouble IS NOT NULL");
        assert!(troubled.contains(&build), "{answer}: {troubled:?}");
        assert!(collection.addresses("gone_at IS NOT NULL").is_empty(), "{answer}");
        assert!(collection.fetched().len() > 50);
        let why =
            collection.database.run(&format!("SELECT trouble FROM halfbuilt.document WHERE build_url = '{build}'"));
        seen.0 += &format!("{answer}: {why}\n");
        // Nobody may take what is missing for sound.
        let scan = collection.reads(&["verify"]).run();
        assert_ne!(scan.code, Some(Exit::Clean as i32), "{answer}: {}", scan.stderr);
        collection.server.reset();
        collection.collect(&TIMES).run().exits(Exit::Clean);
        assert!(collection.addresses("trouble IS NOT NULL").is_empty());
    }
    shows(&Seen(crate::support::stable(&seen.0)), "collect_troubles");
}

#[test]
fn a_server_that_fails_every_time_is_not_asked_for_ever() {
    let collection = small();
    collection.server.behave(&[("answer", "400"), ("on", "document")]);
    // What says something of each build alone is noted of each.
    collection.collect(&TIMES).run().exits(Exit::Failed).says("more documents could not be had");
    assert!(collection.fetched().is_empty());
}

#[test]
fn a_database_that_is_full_is_one_clear_error_and_loses_nothing() {
    let collection = small();
    collection.collect(&TIMES).run().exits(Exit::Clean);
    let before = collection.fetched().len();
    // As a server says it whose disk is full.
    collection.database.run(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full',
         MESSAGE = 'could not extend file: No space left on device'; END $$;
         CREATE TRIGGER full_disk BEFORE UPDATE ON halfbuilt.document FOR EACH ROW WHEN (new.body IS NOT NULL) EXECUTE FUNCTION full_disk()",
    );
    let done = collection.collect(&["--all"]).run().exits(Exit::Failed).fails_with("No space left on device");
    assert_eq!(done.stderr.matches("No space left").count(), 1, "{}", done.stderr);
    collection.database.run("DROP TRIGGER full_disk ON halfbuilt.document");
    assert_eq!(collection.fetched().len(), before);
    collection.collect(&["--all"]).run().exits(Exit::Clean);
    assert_eq!(collection.fetched(), collection.there());
}

#[test]
fn one_database_holds_the_documents_of_one_server() {
    let collection = small();
    collection.collect(&TIMES).run().exits(Exit::Clean);
    let other = StandIn::small();
    let done = collection.collect_from(&other.http(), &TIMES).run().exits(Exit::Failed);
    done.fails_with("this database holds the documents of http://127.0.0.1:").says("hint: one database holds");
}

#[test]
fn a_database_of_another_encoding_is_refused() {
    let server = StandIn::small();
    let database = crate::support::TestDatabase::with("ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    let collection = Collection { server, database };
    collection.collect(&TIMES).run().exits(Exit::Failed).fails_with("is encoded in LATIN1: documents need UTF8");
}
