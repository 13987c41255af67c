//! Waiting, ageing readings, and several deletions at once.

use super::*;

fn busy() -> Script {
    Script { answer: Answer::Busy(Duration::from_secs(60), "busy".to_owned()), gone_after: Some(0) }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_waited_for_is_not_asked_before_the_build_is_read_again() {
    let (log, ending) = carried_out(&world([done(), done(), busy()])).await;
    assert_eq!(
        log[4..],
        [
            "read 2 3",
            "send 2",
            "send 3",
            "read 2",
            "ended 2 deleted",
            "waits 60",
            "read 3",
            "send 3",
            "waits 60",
            "read 3",
            "send 3",
            "read 3",
            "ended 3 deleted",
            "read 1 2 3",
        ]
    );
    assert!(matches!(ending, Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_server_ends_with_an_interruption() {
    let world = world([busy()]);
    let (stop, begun) = (world.stop.clone(), Instant::now());
    tokio::task::LocalSet::new()
        .run_until(async {
            tokio::task::spawn_local(async move {
                sleep(Duration::from_secs(5)).await;
                stop.soon.cancel();
            });
            let (log, ending) = carried_out(&world).await;
            assert_eq!(states(&log), ["1 not-attempted"]);
            assert!(matches!(ending, Ending::Interrupted));
        })
        .await;
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_slow_database_slows_the_run_and_does_not_stop_it() {
    let mut world = world([done(), done(), done()]);
    world.slow = Duration::from_secs(8);
    let (log, ending) = carried_out(&world).await;
    assert_eq!(states(&log), ["1 deleted", "2 deleted", "3 deleted"]);
    // What has grown old while it was read is read again before it is sent.
    assert_eq!(log[4..8], ["read 2 3", "send 2", "read 2", "ended 2 deleted"]);
    assert!(matches!(ending, Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn what_grew_old_while_the_admin_path_got_ready_is_read_again_before_it_is_sent() {
    let world = world([done(), done()]);
    let late = READING_LASTS + Duration::from_millis(1);
    world.unready.replace(vec![late, Duration::ZERO, late, late]);
    let (log, ending) = carried_out(&world).await;
    let canary = ["read 1", "reads again", "read 1", "reads again", "read 1", "send 1", "read 1", "ended 1 deleted"];
    assert_eq!(log[..8], canary);
    assert_eq!(log[8..], ["read 2", "reads again", "read 2", "send 2", "read 2", "ended 2 deleted", "read 1 2"]);
    assert!(matches!(ending, Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn an_admin_path_that_is_never_ready_in_time_ends_the_run() {
    let world = world([done(), done()]);
    world.unready.replace(vec![READING_LASTS * 2; 100]);
    let (log, ending) = carried_out(&world).await;
    assert_eq!(states(&log), ["1 not-attempted", "2 not-attempted"]);
    assert_eq!(log.iter().filter(|entry| *entry == "read 1").count(), STALE_READINGS_IN_A_ROW);
    let Ending::Stopped(why) = ending else { panic!("{ending:?}") };
    assert_eq!(why, "the admin path is too slow: 3 times in a row it was not ready in time (too late)");
}

/// A slow database makes the first reading of a batch last longer; a slow admin path does not.
#[tokio::test(start_paused = true)]
async fn only_a_slow_database_makes_a_reading_last_longer() {
    for (slow, unready, sent) in
        [(0, 4, false), (1, 4, false), (3, 2, true), (3, 4, false), (6, 3, true), (6, 5, false)]
    {
        let mut world = world([done()]);
        world.slow = Duration::from_secs(slow);
        world.unready.replace(vec![Duration::from_secs(unready); 100]);
        let (log, _) = carried_out(&world).await;
        assert_eq!(log.contains(&"send 1".to_owned()), sent, "{slow} s to read, {unready} s to get ready");
    }
}

/// The topic `delete` says how old a reading may be.
#[test]
fn the_topic_names_these_limits() {
    let topic = include_str!("../cli/topics/delete.md");
    let text: Vec<&str> = topic.split_whitespace().collect();
    let (fresh, oldest) = (READING_LASTS.as_secs(), FIRST_READING_LASTS.as_secs());
    let sentence = format!(
        "{fresh} seconds; where the database or the journal's disk is slow, twice the time that they took, {oldest} at most"
    );
    assert!(text.join(" ").contains(&sentence), "the topic does not say: {sentence}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_by_what_was_read_long_ago() {
    let mut world = world([done(), done(), done()]);
    world.slow = Duration::from_secs(30);
    let (log, ending) = carried_out(&world).await;
    assert_eq!(states(&log), ["1 not-attempted", "2 not-attempted", "3 not-attempted"]);
    assert!(!log.iter().any(|entry| entry.starts_with("send")));
    assert!(matches!(ending, Ending::Stopped(why) if why.starts_with("it takes 30 s to read a build again")));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_everything_is_not_asked_for_ever() {
    for answer in [Answer::Failed as fn(String) -> Answer, Answer::Accepted] {
        let failing = std::iter::repeat_with(|| says(answer, None)).take(60);
        let mut world = world([done(), done()].into_iter().chain(failing));
        world.jobs = 4;
        let (log, ending) = carried_out(&world).await;
        assert!(matches!(ending, Ending::Stopped(why) if why == "10 deletions in a row have failed"));
        assert!(log.iter().filter(|entry| entry.starts_with("send")).count() <= 2 + FIRST_BATCH);
        assert_eq!(states(&log).len(), 62);
    }
}

#[tokio::test(start_paused = true)]
async fn who_cannot_wait_has_everything_on_record_all_the_same() {
    let silent = Script { answer: Answer::Failed("never answers".to_owned()), gone_after: None };
    let world = world([done(), done(), silent, done()]);
    let stop = world.stop.clone();
    tokio::task::LocalSet::new()
        .run_until(async {
            tokio::task::spawn_local(async move {
                sleep(Duration::from_secs(5)).await;
                stop.soon.cancel();
                sleep(Duration::from_secs(5)).await;
                stop.now.cancel();
            });
            let (log, ending) = carried_out(&world).await;
            assert_eq!(states(&log), ["1 deleted", "2 unknown", "3 unknown", "4 not-attempted"]);
            assert!(matches!(ending, Ending::Interrupted));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn several_are_under_way_at_once_and_the_canary_alone() {
    let mut world = world((0..9).map(|_| done()));
    (world.jobs, world.takes) = (4, Duration::from_millis(100));
    let begun = Instant::now();
    let (log, ending) = carried_out(&world).await;
    assert_eq!(log[..5], ["read 1", "send 1", "read 1", "ended 1 deleted", "read 2 3 4 5 6 7 8 9"]);
    assert_eq!(states(&log).len(), 9);
    assert_eq!(begun.elapsed(), Duration::from_millis(300));
    assert!(matches!(ending, Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_on_a_reading_that_is_old() {
    // Two at once, two seconds each: after four seconds the others have to be read again.
    let mut world = world((0..7).map(|_| done()));
    (world.jobs, world.takes) = (2, Duration::from_secs(2));
    let (log, ending) = carried_out(&world).await;
    assert_eq!(log[4..9], ["read 2 3 4 5 6 7", "send 2", "send 3", "send 4", "send 5"]);
    assert_eq!(log[9], "read 2 3 4 5");
    assert_eq!(log[14..17], ["read 6 7", "send 6", "send 7"]);
    assert!(matches!(ending, Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn what_takes_long_to_put_on_record_is_read_again_and_sent_once() {
    let mut world = world((0..4).map(|_| done()));
    world.slow_record = Duration::from_secs(5);
    let (log, ending) = carried_out(&world).await;
    assert_eq!(states(&log), ["1 deleted", "2 deleted", "3 deleted", "4 deleted"]);
    assert!((1..=4).all(|number| world.sends(number) == 1), "{log:?}");
    assert!(matches!(ending, Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept_and_what_is_sent_is_fresh() {
    let mut world = world((0..5).map(|_| done()));
    (world.jobs, world.rate) = (4, Some(0.1));
    let begun = Instant::now();
    let (log, ending) = carried_out(&world).await;
    assert_eq!(begun.elapsed().as_secs(), 40);
    for number in 1..=5 {
        let sent = log.iter().position(|entry| *entry == format!("send {number}")).expect("sent");
        assert_eq!(log[sent - 1], format!("read {number}"), "{log:?}");
    }
    assert!(matches!(ending, Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_comes_back_silences_no_run() {
    // Five at once lose their answers together: that is one silence, not five.
    let silent = || says(Answer::Unknown, Some(0));
    let mut world = world([done(), silent(), silent(), silent(), silent(), silent(), done()]);
    (world.jobs, world.takes) = (6, Duration::from_millis(10));
    let (log, ending) = carried_out(&world).await;
    assert_eq!(states(&log).len(), 7);
    assert!(states(&log).iter().all(|state| state.ends_with("deleted")), "{log:?}");
    assert!(matches!(ending, Ending::Complete));
}
