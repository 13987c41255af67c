//! Builds that are cancelled before they are deleted.

use super::*;
use jiff::Timestamp;

use crate::deletion::{AcceptedCancel, lasting_digest};

fn accepted() -> Answer {
    Answer::Accepted("204 No Content".to_owned())
}

/// A world in which these builds run, and the server says this when it is to cancel them.
fn at_work_in(scripts: impl IntoIterator<Item = Script>, cancels: impl IntoIterator<Item = (u64, Answer)>) -> World {
    World { cancels: cancels.into_iter().collect(), ..world(scripts) }
}

#[tokio::test(start_paused = true)]
async fn a_build_at_work_is_cancelled_read_again_and_deleted() {
    let (log, ending) = carried_out(&at_work_in([done()], [(1, accepted())])).await;
    let expected = [
        "read 1",
        "announce cancel 1",
        "cancel 1",
        // Until it has changed, and then as every build before it is sent.
        "read 1",
        "read 1",
        "send 1",
        "read 1",
        "ended 1 deleted",
        "read 1",
    ];
    assert_eq!(log, expected);
    assert!(matches!(ending, Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn the_others_of_a_batch_are_read_again_too() {
    let (log, _) = carried_out(&at_work_in([done(), done(), done()], [(3, accepted())])).await;
    let from_second = log.iter().position(|entry| entry == "read 2 3").expect("a batch");
    assert_eq!(
        log[from_second..][..7],
        ["read 2 3", "announce cancel 3", "cancel 3", "read 3", "read 3 2", "send 3", "send 2"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_build_that_is_not_cancelled_is_not_deleted() {
    let said = || "so it says".to_owned();
    for (answer, state) in [
        (Answer::Refused(said()), "refused"),
        (Answer::Gone(said()), "refused"),
        (Answer::Failed(said()), "refused"),
        (Answer::Unknown(said()), "refused"),
        (Answer::Denied(said()), "not-attempted"),
    ] {
        let (log, ending) = carried_out(&at_work_in([done(), done()], [(1, answer.clone())])).await;
        assert_eq!(states(&log), [format!("1 {state}"), "2 not-attempted".to_owned()], "{answer:?}");
        assert!(!log.iter().any(|entry| entry.starts_with("send")), "{log:?}");
        assert!(matches!(ending, Ending::CanaryFailed { .. } | Ending::Denied(_)), "{ending:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_cancelled_and_is_not_deleted_is_left_cancelled() {
    // The server refuses all the same.
    let (log, _) = carried_out(&at_work_in([says(Answer::Refused, None)], [(1, accepted())])).await;
    assert_eq!(states(&log), ["1 cancelled"]);
    // It has the last word on those too that it says it deleted.
    let (log, _) = carried_out(&at_work_in([says(Answer::Accepted, None)], [(1, accepted())])).await;
    assert_eq!(states(&log), ["1 failed"]);
    // The run is interrupted in between.
    let interrupted = World { interrupt_at: Some(1), ..at_work_in([done()], [(1, accepted())]) };
    let (log, ending) = carried_out(&interrupted).await;
    assert_eq!(states(&log), ["1 cancelled"]);
    assert!(matches!(ending, Ending::Interrupted) && interrupted.sends(1) == 0);
    // It differs by more than its cancel.
    let started = World { changed: [1].into(), ..at_work_in([done()], [(1, accepted())]) };
    let (log, _) = carried_out(&started).await;
    assert_eq!(states(&log), ["1 cancelled"]);
    assert_eq!(started.sends(1), 0);
    // The database is lost in between.
    let blind = World { blind_after: Some(2), ..at_work_in([done()], [(1, accepted())]) };
    let (log, ending) = carried_out(&blind).await;
    assert_eq!(states(&log), ["1 cancelled"]);
    assert!(matches!(ending, Ending::Blind(_)));
}

/// A server that says that it cancels, and does nothing: what is at work is not deleted, and no other build is cancelled.
#[tokio::test(start_paused = true)]
async fn after_the_first_build_whose_cancel_is_ignored_no_other_one_is_cancelled() {
    let world = World { ignores_cancels: true, ..at_work_in([done(), done()], [(1, accepted()), (2, accepted())]) };
    let (log, ending) = carried_out(&world).await;
    assert_eq!(states(&log), ["1 cancelled", "2 not-attempted"]);
    assert!(!log.iter().any(|entry| entry.starts_with("send") || entry == "cancel 2"), "{log:?}");
    assert!(matches!(ending, Ending::CanaryFailed { line: 1, .. }), "{ending:?}");
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_run_cancelled_is_deleted_and_not_cancelled_again() {
    let world = at_work_in([done()], [(1, accepted())]);
    world.cancelled.borrow_mut().insert(1);
    let paths = RequestPaths::of(&at_work(1, false));
    let (announced_at, accepted_at) = (Timestamp::now(), Timestamp::now());
    let cancel = AcceptedCancel { lasting: lasting_digest(&at_work(1, true)), announced_at, accepted_at };
    let plan = [Planned { cancelled: Some(cancel), paths, ..planned(1) }];
    let (mut reader, mut recorder) = (world.clone(), world.clone());
    let speed = Speed { jobs: 1, rate: None };
    run(&plan, Vec::new(), (speed, 1), (&mut reader, &world, &mut recorder), &Stop::default()).await;
    let log = world.log.borrow().clone();
    assert_eq!(log, ["read 1", "send 1", "read 1", "ended 1 deleted", "read 1"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_cancelled_is_archived_as_it_is_then() {
    let archives = Some([(1, "as it was")].into());
    let (log, _) = carried_out(&World { archives, ..at_work_in([done()], [(1, accepted())]) }).await;
    // Its archive is never that of the cancelled build: it is not deleted.
    assert_eq!(log.iter().filter(|entry| *entry == "archive 1").count(), 3);
    assert_eq!(states(&log), ["1 cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn a_build_with_another_path_than_when_the_plan_was_made_is_not_sent() {
    let world = at_work_in([done()], [(1, accepted())]);
    let paths = RequestPaths::of(&Finding { delete_path: Some("/delete/2".to_owned()), ..at_work(1, true) });
    let plan = [Planned { paths, ..planned(1) }];
    let (mut reader, mut recorder) = (world.clone(), world.clone());
    let speed = Speed { jobs: 1, rate: None };
    run(&plan, Vec::new(), (speed, 1), (&mut reader, &world, &mut recorder), &Stop::default()).await;
    assert_eq!(world.log.borrow().clone(), ["read 1", "ended 1 changed"]);
}
