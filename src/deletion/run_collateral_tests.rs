//! Servers that delete more than they are asked to.

use super::*;

/// How many deletions were sent.
fn sends(log: &[String]) -> usize {
    log.iter().filter(|entry| entry.starts_with("send ")).count()
}

/// What a run says of the builds that are gone; `None` where it ends in another way.
fn said(ending: &Ending<Gone>) -> Option<String> {
    match ending {
        Ending::Collateral { loss, .. } => Some(loss.to_string()),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_takes_others_along_is_the_last_that_is_sent() {
    let world = World { takes_along: [(1, (vec![], 2))].into(), ..world([done(), done(), done()]) };
    let (log, ending) = carried_out(&world).await;
    assert_eq!(sends(&log), 1);
    assert_eq!(states(&log), ["1 deleted", "2 not-attempted", "3 not-attempted"]);
    let said = said(&ending).expect("a loss");
    assert!(said.starts_with("3 builds of acme/api are gone and only 1 deletion was sent: "), "{said}");
}

#[tokio::test(start_paused = true)]
async fn the_builds_are_counted_before_after_the_first_after_each_thousand_and_at_the_end() {
    let world = World { jobs: 4, ..world((0..2500).map(|_| done())) };
    let (_, ending) = carried_out(&world).await;
    assert!(matches!(ending, Ending::Complete), "{ending:?}");
    assert_eq!(*world.counts.borrow(), [0, 1, 1000, 2000, 2500]);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_taken_along_later_stops_the_run_at_the_next_thousand() {
    let world = World { takes_along: [(1500, (vec![], 1))].into(), ..world((0..2500).map(|_| done())) };
    let (log, ending) = carried_out(&world).await;
    assert_eq!(sends(&log), 2000);
    let said = said(&ending).expect("a loss");
    assert!(said.starts_with("2001 builds of acme/api are gone and only 2000 deletions were sent: "), "{said}");
    assert_eq!(log.iter().filter(|entry| entry.ends_with(" not-attempted")).count(), 500);
}

#[tokio::test(start_paused = true)]
async fn what_the_last_one_takes_along_is_seen_at_the_end() {
    let world = World { takes_along: [(3, (vec![], 1))].into(), ..world([done(), done(), done()]) };
    let (log, ending) = carried_out(&world).await;
    assert_eq!(states(&log), ["1 deleted", "2 deleted", "3 deleted"]);
    assert!(said(&ending).is_some(), "{ending:?}");
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_deleted_counts_as_sent_and_nothing_else_does() {
    for script in [says(Answer::Unknown, Some(1)), says(Answer::Failed, Some(0)), says(Answer::Accepted, Some(2))] {
        let (_, ending) = carried_out(&world([done(), script.clone(), done()])).await;
        assert!(matches!(ending, Ending::Complete), "{script:?}: {ending:?}");
    }
    // Refused, and another one is gone all the same.
    let world = World { takes_along: [(2, (vec![], 1))].into(), ..world([done(), says(Answer::Refused, None)]) };
    let (_, ending) = carried_out(&world).await;
    let said = said(&ending).expect("a loss");
    let expected = "1 build of acme/api is gone that was not sent, and 1 that was sent is still there: ";
    assert!(said.starts_with(expected), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_deletes_another_build_than_it_is_asked_for_is_noticed() {
    // Whatever it says, and whether or not that is how the run would have ended.
    for answer in [Answer::Accepted, Answer::Gone, Answer::Refused, Answer::Failed] {
        let world = World { takes_along: [(1, (vec![], 1))].into(), ..world([says(answer, None), done()]) };
        let (log, ending) = carried_out(&world).await;
        assert_eq!(sends(&log), 1);
        let said = said(&ending).expect("a loss");
        let expected = "1 build of acme/api is gone that was not sent, and 1 that was sent is still there: ";
        assert!(said.starts_with(expected), "{said}");
        let Ending::Collateral { why: Some(why), .. } = ending else { panic!("{ending:?}") };
        assert!(why.starts_with("the first build ended as ") && !why.contains("without line"), "{why}");
        assert!(log.contains(&"lost 1".to_owned()), "{log:?}");
    }
    // Later on, too. Where nobody knows what came of a deletion, that build may be the one that is gone.
    let later = |answer| World { takes_along: [(2, (vec![], 1))].into(), ..world([done(), says(answer, None)]) };
    for (answer, is_lost) in [(Answer::Accepted as fn(String) -> Answer, true), (Answer::Unknown, false)] {
        let (_, ending) = carried_out(&later(answer)).await;
        assert_eq!(said(&ending).is_some(), is_lost, "{ending:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_build_that_goes_later_than_it_was_waited_for_is_no_loss() {
    let (_, ending) = carried_out(&world([done(), says(Answer::Accepted, Some(4)), done()])).await;
    assert!(matches!(ending, Ending::Complete), "{ending:?}");
}

#[tokio::test(start_paused = true)]
async fn a_build_that_is_there_again_stands_for_no_other() {
    let mut world = world([done(), done()]);
    world.takes_along = [(2, (vec![], 1))].into();
    world.back_after = [(1, 1)].into();
    let (log, ending) = carried_out(&world).await;
    assert!(log.contains(&"returned 1 failed".to_owned()), "{log:?}");
    let said = said(&ending).expect("a loss");
    assert!(said.starts_with("1 build of acme/api is gone that was not sent, and 1 that was sent is still"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn builds_that_go_along_are_missed_whatever_the_server_says() {
    let busy = |text| Answer::Busy(Duration::from_secs(1), text);
    for answer in [Answer::Gone as fn(String) -> Answer, Answer::Refused, Answer::Denied, busy] {
        for gone_after in [Some(0), None] {
            let script = says(answer, gone_after);
            let world = World { takes_along: [(1, (vec![], 2))].into(), ..world([script.clone(), done(), done()]) };
            let (log, ending) = carried_out(&world).await;
            assert!(said(&ending).is_some(), "{script:?}: {ending:?}");
            assert_eq!(sends(&log), 1, "{script:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_build_of_the_plan_that_is_taken_along_was_chosen_and_is_no_loss() {
    let scripts = [done(), done(), done()];
    let world = World { takes_along: [(1, (vec![3], 0))].into(), ..world(scripts.clone()) };
    let (log, ending) = carried_out(&world).await;
    assert_eq!(states(&log), ["1 deleted", "3 already-gone", "2 deleted"]);
    assert!(matches!(ending, Ending::Complete), "{ending:?}");
    // It stands for no other.
    let world = World { takes_along: [(1, (vec![3], 1))].into(), ..super::world(scripts) };
    let (log, ending) = carried_out(&world).await;
    assert_eq!(sends(&log), 1);
    let said = said(&ending).expect("a loss");
    assert!(said.starts_with("2 builds of acme/api are gone and only 1 deletion was sent: "), "{said}");
}

#[tokio::test(start_paused = true)]
async fn so_many_as_are_allowed_stop_nothing() {
    let lossy = |allowed| World { allowed, takes_along: [(1, (vec![], 2))].into(), ..world([done(), done()]) };
    let (log, ending) = carried_out(&lossy(2)).await;
    assert!(matches!(ending, Ending::Complete), "{ending:?}");
    assert_eq!(states(&log), ["1 deleted", "2 deleted"]);
    assert_eq!(log.last().map(String::as_str), Some("lost 2, a warning"));
    let (log, ending) = carried_out(&lossy(1)).await;
    assert!(said(&ending).is_some(), "{ending:?}");
    assert_eq!(sends(&log), 1);
}

#[tokio::test(start_paused = true)]
async fn builds_that_cannot_be_counted_are_said_once_and_the_run_goes_on() {
    let uncounted = World { uncounted: true, ..world((0..1500).map(|_| done())) };
    let (log, ending) = carried_out(&uncounted).await;
    assert!(matches!(ending, Ending::Complete), "{ending:?}");
    assert_eq!(sends(&log), 1500);
    assert_eq!(log.iter().filter(|entry| entry.starts_with("not counted")).count(), 1);
    assert_eq!(*uncounted.counts.borrow(), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_loss_is_seen_too_where_the_run_ended_for_another_reason() {
    let mut interrupted = world([done(), done(), done()]);
    interrupted.interrupt_at = Some(2);
    interrupted.takes_along = [(2, (vec![], 1))].into();
    let (log, ending) = carried_out(&interrupted).await;
    assert!(said(&ending).is_some(), "{ending:?}");
    assert_eq!(sends(&log), 2);

    let refuses = says(Answer::Denied, None);
    let world = World { takes_along: [(2, (vec![], 1))].into(), ..world([done(), done(), refuses]) };
    let (_, ending) = carried_out(&world).await;
    let Ending::Collateral { why: Some(why), .. } = ending else { panic!("{ending:?}") };
    assert_eq!(why, "so it says");
}

#[tokio::test(start_paused = true)]
async fn builds_are_compared_wherever_something_was_sent() {
    let answered = world([says(Answer::Gone, Some(0))]);
    let (_, ending) = carried_out(&answered).await;
    assert!(matches!(ending, Ending::Complete), "{ending:?}");
    assert_eq!(*answered.counts.borrow(), [0, 1, 1]);

    let mut changed = world([done()]);
    changed.changed = [1].into();
    let (_, ending) = carried_out(&changed).await;
    assert!(matches!(ending, Ending::Complete), "{ending:?}");
    assert_eq!(*changed.counts.borrow(), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_loss_is_said_too_where_the_results_cannot_be_written() {
    let mut full = world([done(), done(), done()]);
    full.takes_along = [(1, (vec![], 1))].into();
    full.full_after = Some(0);
    let (log, ending) = carried_out(&full).await;
    assert!(matches!(ending, Ending::Unrecorded(_)), "{ending:?}");
    assert!(log.contains(&"lost 1, a warning".to_owned()), "{log:?}");
}
