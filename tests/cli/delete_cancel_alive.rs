//! Builds that are to be cancelled before they are deleted, and live all the same: the cancel got no answer, or was ignored, or the build
//! ended by itself meanwhile. Each is kept.

use halfbuilt::exit::Exit;

use crate::delete_cancel_first::{CANCEL, HEADERS, larch, server, states, usual};
use crate::support::{Larch, LarchServer, Report, answer, psql};

const PASSES: &str = "UPDATE jobs SET state = 'finished', status = 'passed', ended = now() WHERE id = 1";
const NOT_SEEN: &str = "an earlier run of this journal may have sent its cancel, and did not see what came of it";

/// A Larch of which nobody says what becomes of the builds that ran: it may go on with them. It has been back for long.
fn resuming() -> Larch {
    let larch = larch(1);
    larch.database.run(
        "INSERT INTO jobs (id, state, status, begun, ended)
         SELECT 200 + n, 'finished', 'passed', '2026-11-20T07:00:00Z', '2026-11-20T07:05:00Z' FROM generate_series(1, 2) AS n",
    );
    std::fs::write(&larch.profile, Larch::text(HEADERS).replace("-- running: lost\n", "")).expect("a file");
    larch
}

/// A Larch whose job has a step, which runs.
fn with_a_step() -> Larch {
    let larch = larch(1);
    larch.database.run(
        "CREATE TABLE steps (job bigint, nr bigint, begun timestamptz, ended timestamptz);
         INSERT INTO steps SELECT id, 1, begun, ended FROM jobs",
    );
    let steps = "
-- relation: step
SELECT job AS build_key, nr AS step_key, 'make' AS name, begun AS started_at, ended AS stopped_at, true AS has_output,
       NULL::bigint AS output_size, NULL::boolean AS output_closed
  FROM :\"schema\".steps;
";
    std::fs::write(&larch.profile, Larch::text(HEADERS) + steps).expect("a file");
    larch
}

/// A server that does this in the database when it is to cancel a job, and says that it will be done.
fn accepting(larch: &Larch, sql: &'static str) -> LarchServer {
    let database = larch.database.name.clone();
    LarchServer::start(move |sent| match sent.method.as_str() {
        "POST" => {
            psql(&database, &["-c", sql]);
            answer(202, &[], "")
        }
        _ => usual(&database, sent),
    })
}

/// Whether a run of the same command keeps the only job, and asks the server for nothing.
fn is_kept_unasked(larch: &Larch, report: &std::path::Path) -> (String, String) {
    let server = server(larch);
    let dry = larch.halfbuilt(&["delete"]).args(&[report]).run();
    assert!(
        !dry.stdout.contains("to be deleted") && !dry.stderr.contains("to be deleted"),
        "{}{}",
        dry.stdout,
        dry.stderr
    );
    let done = larch.deletes(report, &server.http()).run();
    assert!(larch.jobs().contains(&"1".to_owned()), "{}", done.stdout);
    assert_eq!(server.lines(), [""; 0]);
    let [kept] = states(&done.stdout).try_into().expect("one build");
    kept
}

#[test]
fn a_build_that_ended_after_a_cancel_without_an_answer_is_kept() {
    for ends in [PASSES, "UPDATE jobs SET state = 'finished', status = 'killed', ended = now() WHERE id = 1"] {
        let larch = resuming();
        let silent = LarchServer::answering(String::new());
        let report = larch.scanned();
        let done = larch.deletes(&report, &silent.http()).run().exits(Exit::NotAllDeleted);
        let [(state, reason)] = states(&done.stdout).try_into().expect("one build");
        assert!(
            state == "refused" && reason.starts_with("a cancel was sent, and nobody knows what came of it"),
            "{reason}"
        );
        larch.database.run(ends);
        let scanned = larch.halfbuilt(&["scan"]).run().exits(Exit::Clean);
        assert_eq!(Report::parse(&scanned.stdout).column("deletable"), ["no"]);
        let (state, reason) = is_kept_unasked(&larch, &report);
        assert!(state == "changed" && reason.ends_with(NOT_SEEN), "{state}: {reason}");
    }
}

/// The machine died after the announcement had reached the disk, and before the answer had: that the server refused is not known.
#[test]
fn a_build_that_ended_after_a_cancel_whose_answer_was_lost_is_kept() {
    let larch = resuming();
    let refusing = LarchServer::answering(answer(409, &[], "no"));
    let report = larch.scanned();
    larch.deletes(&report, &refusing.http()).run().exits(Exit::NotAllDeleted);
    let journal = larch.folder.path().join("report.csv.journal.jsonl");
    let whole = std::fs::read_to_string(&journal).expect("a journal");
    let end = whole.find("\"event\":\"answer\"").and_then(|answer| whole[..answer].rfind('\n')).expect("an answer");
    std::fs::write(&journal, &whole[..=end]).expect("a file");
    larch.database.run(PASSES);
    let (state, reason) = is_kept_unasked(&larch, &report);
    assert!(state == "changed" && reason.ends_with(NOT_SEEN), "{state}: {reason}");
}

/// The server says that it cancels it, and does nothing: the build ends by itself, before or while it is to be cancelled.
#[test]
fn a_build_that_ends_by_itself_while_it_is_cancelled_is_kept() {
    for (ends, why) in [
        (PASSES, "its status is passed, so it passed by itself"),
        (
            "UPDATE jobs SET state = 'finished', status = 'killed', ended = now() - interval '10 minutes' WHERE id = 1",
            "which is not of its cancel: that was accepted at",
        ),
    ] {
        for larch in [resuming(), larch(1)] {
            let server = accepting(&larch, ends);
            let report = larch.scanned();
            let done = larch.deletes(&report, &server.http()).run().exits(Exit::NotAllDeleted);
            let [(state, reason)] = states(&done.stdout).try_into().expect("one build");
            assert!(state == "cancelled" && reason.contains(why), "{state}: {reason}");
            assert_eq!(server.lines(), ["POST /api/jobs/1/cancel"]);
            // Nor does the same command delete it later.
            let (state, reason) = is_kept_unasked(&larch, &report);
            assert!(state == "cancelled" && reason.contains(why), "{state}: {reason}");
        }
    }
}

#[test]
fn a_build_whose_cancel_is_ignored_is_kept_as_long_as_it_has_not_stopped() {
    let larch = with_a_step();
    let ignoring = accepting(&larch, "SELECT");
    let report = larch.scanned();
    let ends = |times: usize| {
        let done = larch.deletes(&report, &ignoring.http()).run().exits(Exit::NotAllDeleted);
        let reason = "its cancel was accepted, and it is not deleted: it has not stopped, so it may be alive";
        assert_eq!(states(&done.stdout), [("cancelled".to_owned(), reason.to_owned())]);
        // What is as it was is cancelled once more.
        assert_eq!(ignoring.lines(), vec!["POST /api/jobs/1/cancel"; times]);
    };
    ends(1);
    ends(2);
    // Its runner begins the step again.
    larch.database.run("UPDATE steps SET begun = now()");
    let scanned = larch.halfbuilt(&["scan"]).run().exits(Exit::Clean);
    assert_eq!(Report::parse(&scanned.stdout).column("deletable"), ["no"]);
    let (state, reason) = is_kept_unasked(&larch, &report);
    assert!(state == "cancelled" && reason.ends_with("it has not stopped, so it may be alive"), "{state}: {reason}");
    // Even a flag that allows what did something after the restore does not make it one that stopped.
    let server = server(&larch);
    let run = larch.deletes(&report, &server.http()).args(&["--allow-timing", "after-restore"]).run();
    assert_eq!((larch.jobs(), server.lines()), (vec!["1".to_owned()], vec![]), "{}", run.stdout);
}

/// The number of its steps is as it was, and one of them began again before it stopped.
#[test]
fn a_build_that_began_a_step_again_before_it_stopped_is_kept() {
    let larch = with_a_step();
    let server = accepting(
        &larch,
        "UPDATE steps SET begun = now(), ended = now(); UPDATE jobs SET state = 'finished', status = 'killed', ended = now() WHERE id = 1",
    );
    let done = larch.deletes(&larch.scanned(), &server.http()).run().exits(Exit::NotAllDeleted);
    let [(state, reason)] = states(&done.stdout).try_into().expect("one build");
    assert!(state == "cancelled" && reason.contains("it did more than stop since then"), "{state}: {reason}");
    assert_eq!(server.lines(), ["POST /api/jobs/1/cancel"]);
}

/// A cancel closes a build and its steps, and the CI calls it by any word: that is its effect.
#[test]
fn a_build_that_a_cancel_stopped_with_its_steps_is_deleted() {
    let larch = with_a_step();
    let database = larch.database.name.clone();
    let server = LarchServer::start(move |sent| {
        if sent.method == "POST" {
            psql(&database, &["-c", "UPDATE steps SET ended = now()"]);
            psql(&database, &["-c", &format!("{CANCEL}'{}'", sent.target)]);
            return answer(202, &[], "");
        }
        usual(&database, sent)
    });
    larch.deletes(&larch.scanned(), &server.http()).run().exits(Exit::Clean);
    assert!(larch.jobs().is_empty());
}
