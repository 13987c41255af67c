//! Builds at work that are cancelled before they are deleted, against a server that refuses to delete what runs.

use std::sync::atomic::{AtomicBool, Ordering};

use halfbuilt::exit::Exit;

use crate::support::{LARCH_TOKEN, Larch, LarchServer, Report, Sent, answer, delete_job, halfbuilt, psql};
use crate::what_a_person_sees::Says;

pub const HEADERS: &str =
    "-- delete: DELETE\n-- cancel: POST\n-- token: Authorization Bearer\n-- addresses: as written\n";
pub const CANCEL: &str = "UPDATE jobs SET state = 'finished', status = 'killed', ended = now() WHERE cancel_path = ";

pub fn larch(jobs: u32) -> Larch {
    Larch::with_jobs(HEADERS, jobs)
}

/// Whether a job runs, by its path.
pub fn runs(database: &str, path: &str) -> bool {
    let sql = format!("SELECT 1 FROM jobs WHERE delete_path = '{path}' AND state = 'running'");
    !psql(database, &["-c", &sql]).is_empty()
}

/// What Larch does: it cancels what it is asked to, and deletes only what does not run.
pub fn usual(database: &str, sent: &Sent) -> String {
    match sent.method.as_str() {
        "POST" => {
            psql(database, &["-c", &format!("{CANCEL}'{}'", sent.target)]);
            answer(200, &[], "")
        }
        _ if runs(database, &sent.target) => answer(422, &[], "it runs"),
        _ => answer(if delete_job(database, &sent.target) { 204 } else { 404 }, &[], ""),
    }
}

pub fn server(larch: &Larch) -> LarchServer {
    let database = larch.database.name.clone();
    LarchServer::start(move |sent| usual(&database, sent))
}

pub fn states(stdout: &str) -> Vec<(String, String)> {
    let results = Report::parse(stdout);
    results.rows.iter().map(|row| (row["state"].clone(), row["reason"].clone())).collect()
}

#[test]
fn what_runs_is_cancelled_and_deleted() {
    let larch = larch(4);
    let server = server(&larch);
    let report = larch.scanned();
    let done = larch.deletes(&report, &server.http()).run().exits(Exit::Clean);
    assert_eq!(Report::parse(&done.stdout).count("state", "deleted"), 4);
    assert!(larch.jobs().is_empty());
    let lines = server.lines();
    for id in 1..=4 {
        let place = |line: String| lines.iter().position(|known| *known == line).expect("a request");
        let cancelled = place(format!("POST /api/jobs/{id}/cancel"));
        assert!(cancelled < place(format!("DELETE /api/jobs/{id}")), "{lines:?}");
    }
    // The first one is proved gone before another is cancelled.
    assert_eq!(lines[..2], ["POST /api/jobs/1/cancel", "DELETE /api/jobs/1"]);
    let cancels = server.sent().into_iter().filter(|sent| sent.method == "POST");
    assert!(cancels.map(|sent| sent.header("content-length").cloned()).all(|length| length.as_deref() == Some("0")));
    done.says_all_of("delete_cancel_first");
    // The journal announces each request as it was sent, and not the token.
    let journal = std::fs::read_to_string(larch.folder.path().join("report.csv.journal.jsonl")).expect("a journal");
    for line in &lines {
        assert!(journal.contains(&format!("\"request\":\"{line}\"")), "{line}: {journal}");
    }
    assert_eq!(journal.matches("\"request\":").count(), lines.len());
    assert!(!journal.contains(LARCH_TOKEN));
}

#[test]
fn the_plan_says_that_builds_are_cancelled() {
    let larch = larch(3);
    larch.database.run("UPDATE jobs SET cancel_path = NULL WHERE id = 3");
    let report = larch.scanned();
    let dry = larch.halfbuilt(&["delete"]).args(&[&report]).run().exits(Exit::Clean);
    dry.says("2 builds run or wait: they are cancelled first, and the server may report that to the forge");
}

/// What runs and has no path to cancel it by is deleted as it is: the server has the last word.
#[test]
fn without_a_path_to_cancel_it_by_a_build_is_deleted_as_it_is() {
    let larch = larch(1);
    larch.database.run("UPDATE jobs SET cancel_path = NULL");
    let server = server(&larch);
    let done = larch.deletes(&larch.scanned(), &server.http()).run().exits(Exit::NotAllDeleted);
    assert_eq!(states(&done.stdout), [("refused".to_owned(), "422 Unprocessable Entity: it runs".to_owned())]);
    assert_eq!(server.lines(), ["DELETE /api/jobs/1"]);
}

#[test]
fn a_cancel_that_is_refused_ends_the_build_and_nothing_is_deleted() {
    for (status, said) in [(409, "409 Conflict"), (500, "500 Internal Server Error")] {
        let larch = larch(1);
        let server = LarchServer::answering(answer(status, &[], ""));
        let done = larch.deletes(&larch.scanned(), &server.http()).run().exits(Exit::NotAllDeleted);
        let reason = format!("it was not cancelled, and so not deleted: {said}; it is as it was when read again");
        assert_eq!(states(&done.stdout), [("refused".to_owned(), reason)]);
        assert_eq!(server.lines(), ["POST /api/jobs/1/cancel"]);
    }
}

#[test]
fn a_cancel_that_takes_its_time_is_waited_for() {
    let larch = larch(1);
    let database = larch.database.name.clone();
    let server = LarchServer::start(move |sent| {
        if sent.method == "POST" {
            let (database, target) = (database.clone(), sent.target.clone());
            std::thread::spawn(move || psql(&database, &["-c", &format!("{CANCEL}'{target}'")]));
            return answer(202, &[], "");
        }
        usual(&database, sent)
    });
    let done = larch.deletes(&larch.scanned(), &server.http()).run().exits(Exit::Clean);
    assert_eq!(states(&done.stdout), [("deleted".to_owned(), "read again and gone".to_owned())]);
}

/// Everything that says so: results, journal, page, and the exit code.
#[test]
fn what_is_cancelled_and_not_deleted_is_told_everywhere_and_goes_with_the_same_command() {
    let larch = larch(1);
    let database = larch.database.name.clone();
    let refuses = std::sync::Arc::new(AtomicBool::new(true));
    let still = std::sync::Arc::clone(&refuses);
    let server = LarchServer::start(move |sent| match sent.method.as_str() {
        "DELETE" if still.load(Ordering::Relaxed) => answer(409, &[], "later"),
        _ => usual(&database, sent),
    });
    let report = larch.scanned();
    let done = larch.deletes(&report, &server.http()).run().exits(Exit::NotAllDeleted);
    let reason = "it was cancelled, and not deleted: 409 Conflict: later";
    assert_eq!(states(&done.stdout), [("cancelled".to_owned(), reason.to_owned())]);
    assert!(done.stderr.contains("1 chosen: 1 cancelled"), "{}", done.stderr);
    assert!(done.stderr.contains("to continue: "), "{}", done.stderr);
    let journal = larch.folder.path().join("report.csv.journal.jsonl");
    let text = std::fs::read_to_string(&journal).expect("a journal");
    assert!(text.contains("\"state\":\"cancelled\"") && text.matches("\"event\":\"intent\"").count() == 2, "{text}");
    halfbuilt(&["journal", "verify"]).args(&[&journal]).run().exits(Exit::Clean);
    let page = larch.folder.path().join("page.html");
    let run = halfbuilt(&["report"]).args(&[&report]).args(&["--journal"]).args(&[&journal]).args(&["--html"]);
    run.args(&[&page]).run().exits(Exit::Clean);
    let page = std::fs::read_to_string(&page).expect("a page");
    assert!(page.contains("it was cancelled so that it can be deleted, and it was not deleted"), "{page}");

    refuses.store(false, Ordering::Relaxed);
    let again = larch.deletes(&report, &server.http()).run().exits(Exit::Clean);
    assert_eq!(states(&again.stdout), [("deleted".to_owned(), "read again and gone".to_owned())]);
    // It was not cancelled a second time.
    let deletes = ["DELETE /api/jobs/1"; 2];
    assert_eq!(server.lines(), [&["POST /api/jobs/1/cancel"][..], &deletes].concat());
    halfbuilt(&["journal", "verify"]).args(&[&journal]).run().exits(Exit::Clean);
}

/// The run is killed while the server is at the cancel. Of what is as it was the same command cancels it again; of what has changed nobody
/// knows why.
#[test]
fn after_a_cancel_without_an_answer_only_what_is_as_it_was_is_deleted() {
    for took_effect in [true, false] {
        let larch = larch(1);
        let database = larch.database.name.clone();
        let held = std::sync::Arc::new(AtomicBool::new(true));
        let holds = std::sync::Arc::clone(&held);
        let server = LarchServer::start(move |sent| {
            if sent.method == "POST" && holds.swap(false, Ordering::Relaxed) {
                if took_effect {
                    usual(&database, sent);
                }
                std::thread::sleep(std::time::Duration::from_secs(600));
            }
            usual(&database, sent)
        });
        let report = larch.scanned();
        let mut child = larch.deletes(&report, &server.http()).start();
        crate::support::wait_until(|| {
            server.lines().len() == 1 && (!took_effect || !runs(&larch.database.name, "/api/jobs/1"))
        });
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        let journal = larch.folder.path().join("report.csv.journal.jsonl");
        let verified = || halfbuilt(&["journal", "verify"]).args(&[&journal]).run().exits(Exit::Clean);
        verified().prints("a cancel may have been sent, and nothing says what came of it: 1 build\n  https://larch.example/gh/acme/web/1\n");
        let done =
            larch.deletes(&report, &server.http()).run().says("an earlier run was ended while it cancelled 1 build");
        if took_effect {
            let [(state, reason)] = states(&done.stdout).try_into().expect("one build");
            assert!(state == "changed" && reason.ends_with("did not see what came of it"), "{state}: {reason}");
            assert_eq!(
                (larch.jobs(), server.lines()),
                (vec!["1".to_owned()], vec!["POST /api/jobs/1/cancel".to_owned()])
            );
            verified().prints("a cancel may have been sent");
        } else {
            assert_eq!(Report::parse(&done.exits(Exit::Clean).stdout).column("state"), ["deleted"]);
            let twice = ["POST /api/jobs/1/cancel"; 2];
            assert_eq!(server.lines(), [&twice[..], &["DELETE /api/jobs/1"]].concat());
            verified().does_not_print("a cancel may have been sent");
        }
    }
}

/// The run is killed between the success of the cancel and the end of the deletion: the same command goes on with the deletion.
#[test]
fn a_run_that_was_killed_after_its_cancel_was_accepted_goes_on() {
    let larch = larch(1);
    let database = larch.database.name.clone();
    let holds = AtomicBool::new(true);
    let server = LarchServer::start(move |sent| {
        if sent.method == "DELETE" && holds.swap(false, Ordering::Relaxed) {
            std::thread::sleep(std::time::Duration::from_secs(600));
        }
        usual(&database, sent)
    });
    let report = larch.scanned();
    let mut child = larch.deletes(&report, &server.http()).start();
    crate::support::wait_until(|| server.lines().len() == 2);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let done = larch.deletes(&report, &server.http()).run().exits(Exit::Clean);
    assert_eq!(states(&done.stdout), [("deleted".to_owned(), "read again and gone".to_owned())]);
    assert_eq!(server.lines(), ["POST /api/jobs/1/cancel", "DELETE /api/jobs/1", "DELETE /api/jobs/1"]);
}

/// The run is killed while the server is at the first cancel, and a later one keeps that build for another reason.
#[test]
fn a_build_that_is_kept_after_a_cancel_without_an_answer_stays_named() {
    let larch = larch(2);
    larch.database.run("UPDATE jobs SET begun = '2026-11-20T09:00:00Z' WHERE id = 1");
    let report = larch.folder.path().join("report.csv");
    let program = |words: &[&str]| halfbuilt(words).args(&["--profile"]).args(&[&larch.profile]).on(&larch.database);
    let wrong = ["--backup-time", "2026-11-20T12:00:00Z", "--restored-at", "2026-11-20T14:00:00Z"];
    program(&["scan"]).args(&wrong).args(&["-o"]).args(&[&report]).run().exits(Exit::Clean);
    let database = larch.database.name.clone();
    let holds = AtomicBool::new(true);
    let server = LarchServer::start(move |sent| {
        let said = usual(&database, sent);
        if sent.method == "POST" && holds.swap(false, Ordering::Relaxed) {
            std::thread::sleep(std::time::Duration::from_secs(600));
        }
        said
    });
    let deletes = |times: &[&str]| {
        let run = program(&["delete"]).args(&[&report]).args(times).args(&["--execute", "--confirm", "larch.example"]);
        run.args(&["--via", &server.http()]).env("HALFBUILT_TOKEN", LARCH_TOKEN)
    };
    let mut child = deletes(&wrong).start();
    crate::support::wait_until(|| server.lines().len() == 1 && !runs(&larch.database.name, "/api/jobs/1"));
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    // By the right times the first build may never have been cut: what its cancel changed is not explained by it.
    let right = ["--backup-time", "2026-11-20T02:00:00Z", "--restored-at", "2026-11-20T06:30:00Z"];
    let done = deletes(&right).run().exits(Exit::NotAllDeleted);
    let [kept, deleted] = states(&done.stdout).try_into().expect("two builds");
    assert_eq!((kept.0.as_str(), deleted.0.as_str()), ("recovered", "deleted"), "{}", done.stdout);
    let said = "an earlier run of this journal may have sent its cancel, and did not see what came of it";
    assert!(kept.1.ends_with(said), "{}", kept.1);
    // Later runs, the journal's check and the page name it.
    let journal = larch.folder.path().join("report.csv.journal.jsonl");
    let named = "nothing says what came of it: 1 build\n  https://larch.example/gh/acme/web/1\n";
    halfbuilt(&["journal", "verify"]).args(&[&journal]).run().exits(Exit::Clean).prints(named);
    // By the times of the last run alone the cancel explains nothing either.
    let again = deletes(&right).run();
    assert_eq!(larch.jobs(), ["1"], "{}", again.stderr);
    assert!(again.stdout.contains(said) && again.stderr.contains("while it cancelled 1 build"), "{}", again.stderr);
    halfbuilt(&["journal", "verify"]).args(&[&journal]).run().exits(Exit::Clean).prints(named);
    let page = larch.folder.path().join("page.html");
    let run = halfbuilt(&["report"]).args(&[&report]).args(&["--journal"]).args(&[&journal]).args(&["--html"]);
    run.args(&[&page]).run().exits(Exit::Clean);
    let page = std::fs::read_to_string(&page).expect("a page");
    let (_, list) = page.split_once("A cancel may have been sent, and nothing says what came of it:").expect("a list");
    assert!(list.split("</ul>").next().is_some_and(|list| list.contains("/gh/acme/web/1")), "{list}");
}

/// Somebody starts it once more while it is cancelled: what is there now is not what was chosen.
#[test]
fn a_build_that_differs_by_more_than_its_cancel_is_not_deleted() {
    for (what, change) in [("started again", "begun = now()"), ("another path", "delete_path = '/api/jobs/7'")] {
        let larch = larch(1);
        let database = larch.database.name.clone();
        let server = LarchServer::start(move |sent| {
            let said = usual(&database, sent);
            psql(&database, &["-c", &format!("UPDATE jobs SET {change}")]);
            said
        });
        let report = larch.scanned();
        for _ in 0..2 {
            let done = larch.deletes(&report, &server.http()).run().exits(Exit::NotAllDeleted);
            assert_eq!(Report::parse(&done.stdout).column("state"), ["cancelled"], "{what}");
        }
        assert_eq!(server.lines(), ["POST /api/jobs/1/cancel"], "{what}");
    }
}

#[test]
fn lava_cancels_by_get() {
    let larch = Larch::with_jobs(&HEADERS.replace("cancel: POST", "cancel: GET"), 1);
    let database = larch.database.name.clone();
    let server = LarchServer::start(move |sent| match sent.method.as_str() {
        "GET" => usual(&database, &Sent { method: "POST".to_owned(), ..sent.clone() }),
        _ => usual(&database, sent),
    });
    larch.deletes(&larch.scanned(), &server.http()).run().exits(Exit::Clean);
    assert_eq!(server.lines(), ["GET /api/jobs/1/cancel", "DELETE /api/jobs/1"]);
}

/// What passes by itself after a cancel that the server refused was not stopped by it.
#[test]
fn a_cancel_that_was_refused_explains_no_change() {
    let larch = larch(1);
    let refusing = LarchServer::answering(answer(409, &[], ""));
    let report = larch.scanned();
    larch.deletes(&report, &refusing.http()).run().exits(Exit::NotAllDeleted);
    larch.database.run("UPDATE jobs SET state = 'finished', status = 'passed', ended = now()");
    let server = server(&larch);
    let done = larch.deletes(&report, &server.http()).run();
    assert_eq!(states(&done.stdout)[0].0, "changed", "{}", done.stdout);
    assert!(server.sent().is_empty());
    assert_eq!(larch.jobs(), ["1"]);
}

/// By other times the same build may never have been cut at all.
#[test]
fn a_cancel_explains_nothing_under_other_times() {
    let larch = larch(1);
    larch.database.run("UPDATE jobs SET begun = '2026-11-20T09:00:00Z'");
    let wrong = ["--backup-time", "2026-11-20T12:00:00Z", "--restored-at", "2026-11-20T14:00:00Z"];
    let report = larch.folder.path().join("report.csv");
    let program = |words: &[&str]| halfbuilt(words).args(&["--profile"]).args(&[&larch.profile]).on(&larch.database);
    program(&["scan"]).args(&wrong).args(&["-o"]).args(&[&report]).run().exits(Exit::Clean);
    // It is cancelled, and the server does not delete it.
    let database = larch.database.name.clone();
    let half = LarchServer::start(move |sent| match sent.method.as_str() {
        "POST" => usual(&database, sent),
        _ => answer(422, &[], "not now"),
    });
    let deletes = |times: &[&str], via: &str| {
        let run = program(&["delete"]).args(&[&report]).args(times).args(&["--execute", "--confirm", "larch.example"]);
        run.args(&["--via", via]).env("HALFBUILT_TOKEN", LARCH_TOKEN).run()
    };
    deletes(&wrong, &half.http()).exits(Exit::NotAllDeleted);
    let server = server(&larch);
    let right = ["--backup-time", "2026-11-20T02:00:00Z", "--restored-at", "2026-11-20T06:30:00Z"];
    let done = deletes(&right, &server.http());
    assert!(server.sent().is_empty(), "{}", done.stderr);
    assert_eq!(larch.jobs(), ["1"]);
    // By the times of the cancel the same command goes on.
    deletes(&wrong, &server.http()).exits(Exit::Clean);
    assert!(larch.jobs().is_empty());
}

/// To cancel one build must not delete another.
#[test]
fn a_path_that_cancels_one_build_and_deletes_another_is_not_sent() {
    let larch = larch(3);
    larch.database.run("UPDATE jobs SET cancel_path = '/api/jobs/3/' WHERE id = 1");
    let report = Report::read(&larch.scanned());
    assert_eq!(report.column("deletable"), ["no", "yes", "no"], "{report:?}");
}

/// The database has the last word of a cancel, too.
#[test]
fn what_a_cancel_has_done_is_read_again_whatever_the_server_says() {
    for (sql, status, state) in
        [("DELETE FROM jobs WHERE cancel_path = ", 404, "already-gone"), (CANCEL, 500, "cancelled")]
    {
        let larch = larch(1);
        let database = larch.database.name.clone();
        let server = LarchServer::start(move |sent| {
            psql(&database, &["-c", &format!("{sql}'{}'", sent.target)]);
            answer(status, &[], "so it says")
        });
        let done = larch.deletes(&larch.scanned(), &server.http()).run();
        assert_eq!(states(&done.stdout)[0].0, state, "{}", done.stdout);
        assert_eq!(server.lines(), ["POST /api/jobs/1/cancel"]);
    }
}
