//! How each build ends, and why a run does.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_first_build_is_proved_gone_before_the_second_is_sent() {
    let (log, ending) = carried_out(&world([done(), done(), done()])).await;
    assert_eq!(
        log,
        [
            "read 1",
            "send 1",
            "read 1",
            "ended 1 deleted",
            "read 2 3",
            "send 2",
            "send 3",
            "read 2 3",
            "ended 2 deleted",
            "ended 3 deleted",
            // Once more at the end, all of them.
            "read 1 2 3",
        ]
    );
    assert!(matches!(ending, Ending::Complete));
}

/// The server was still at what a killed run had sent: the build goes after the plan was made, before it is sent again or after.
#[tokio::test(start_paused = true)]
async fn what_an_earlier_run_sent_and_is_gone_was_deleted_by_it() {
    let gone_before = says(Answer::Accepted, Some(0));
    for (sent_before, state) in [(true, "deleted"), (false, "already-gone")] {
        for script in [says(Answer::Gone, Some(0)), says(Answer::Refused, Some(0))] {
            let (log, ending) = carried_on(&world([script.clone()]), sent_before).await;
            assert_eq!(states(&log), [format!("1 {state}")], "{script:?}");
            assert!(matches!(ending, Ending::Complete));
        }
        let world = world([gone_before.clone()]);
        world.sent.borrow_mut().insert(1, 0);
        let (log, _) = carried_on(&world, sent_before).await;
        assert_eq!(log, ["read 1".to_owned(), format!("ended 1 {state}")]);
    }
    // It was not this run's doing, and proves nothing: the next one is the canary.
    let (log, _) = carried_on(&world([says(Answer::Gone, Some(0)), done(), done()]), true).await;
    assert!(log.contains(&"read 2".to_owned()), "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_is_still_there_stops_the_run() {
    for script in [
        says(Answer::Accepted, None),
        says(Answer::Gone, None),
        says(Answer::Refused, None),
        says(Answer::Failed, None),
        says(Answer::Unknown, None),
        says(Answer::Denied, None),
    ] {
        let (log, ending) = carried_out(&world([script.clone(), done(), done()])).await;
        assert!(!log.contains(&"send 2".to_owned()), "{script:?}: {log:?}");
        assert_eq!(states(&log)[1..], ["2 not-attempted", "3 not-attempted"], "{script:?}");
        assert!(matches!(ending, Ending::CanaryFailed { .. } | Ending::Denied(_)), "{script:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_build_that_is_kept_is_no_canary() {
    let mut world = world([done(), done(), done()]);
    world.changed.insert(1);
    let (log, _) = carried_out(&world).await;
    assert_eq!(log[..6], ["read 1", "ended 1 changed", "read 2", "send 2", "read 2", "ended 2 deleted"]);
}

#[tokio::test(start_paused = true)]
async fn a_first_build_that_was_gone_already_is_no_canary() {
    let (log, ending) = carried_out(&world([says(Answer::Gone, Some(0)), done(), done()])).await;
    assert_eq!(states(&log), ["1 already-gone", "2 deleted", "3 deleted"]);
    assert_eq!(log[4..7], ["read 2", "send 2", "read 2"]);
    assert!(matches!(ending, Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn the_database_has_the_last_word() {
    for (script, expected) in [
        (says(Answer::Accepted, Some(0)), "deleted"),
        (says(Answer::Accepted, Some(2)), "deleted"),
        (says(Answer::Accepted, None), "failed"),
        (says(Answer::Gone, Some(0)), "already-gone"),
        (says(Answer::Gone, None), "failed"),
        (says(Answer::Refused, Some(0)), "already-gone"),
        (says(Answer::Refused, None), "refused"),
        (says(Answer::Failed, Some(0)), "deleted"),
        (says(Answer::Failed, None), "failed"),
        (says(Answer::Unknown, Some(1)), "deleted"),
        (says(Answer::Unknown, None), "unknown"),
    ] {
        let (log, ending) = carried_out(&world([done(), script.clone()])).await;
        assert_eq!(states(&log)[1], format!("2 {expected}"), "{script:?}");
        assert!(matches!(ending, Ending::Complete), "{script:?}");
        assert_eq!(log.iter().filter(|entry| *entry == "send 2").count(), 1, "{script:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_three_times_in_a_row_stops_the_run() {
    let silent = || says(Answer::Unknown, None);
    let (log, ending) =
        carried_out(&world([done(), silent(), silent(), done(), silent(), silent(), silent(), done()])).await;
    assert!(log.contains(&"send 7".to_owned()));
    assert!(!log.contains(&"send 8".to_owned()));
    assert!(states(&log).contains(&"8 not-attempted"));
    assert!(matches!(ending, Ending::Stopped(_)));
}

#[tokio::test(start_paused = true)]
async fn where_the_server_lets_nobody_in_nothing_more_is_sent() {
    let (log, ending) = carried_out(&world([done(), says(Answer::Denied, None), done()])).await;
    assert_eq!(states(&log), ["1 deleted", "2 not-attempted", "3 not-attempted"]);
    assert!(matches!(ending, Ending::Denied(_)));
}

#[tokio::test(start_paused = true)]
async fn where_the_proof_cannot_be_read_the_outcome_is_unknown() {
    let mut world = world([done(), done(), done()]);
    world.blind_after = Some(3);
    let (log, ending) = carried_out(&world).await;
    assert_eq!(states(&log), ["1 deleted", "2 unknown", "3 unknown"]);
    assert!(matches!(ending, Ending::Blind(_)));
}

#[tokio::test(start_paused = true)]
async fn where_nothing_can_be_put_on_record_nothing_more_is_sent_and_everything_is_told() {
    for (full_after, sent) in [(0, 1), (1, 4)] {
        let mut world = world((0..4).map(|_| done()));
        world.full_after = Some(full_after);
        let (log, ending) = carried_out(&world).await;
        assert_eq!(log.iter().filter(|entry| entry.starts_with("send")).count(), sent);
        assert_eq!(states(&log).len(), world.scripts.len());
        assert!(matches!(ending, Ending::Unrecorded(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_interruption_lets_what_was_sent_be_proved() {
    let mut world = world([done(), done(), done(), done()]);
    world.interrupt_at = Some(3);
    let (log, ending) = carried_out(&world).await;
    assert_eq!(states(&log), ["1 deleted", "2 deleted", "3 deleted", "4 not-attempted"]);
    assert!(matches!(ending, Ending::Interrupted));
}

#[tokio::test(start_paused = true)]
async fn each_build_is_put_aside_before_it_is_sent() {
    let mut world = world([done(), done(), done(), done()]);
    // The third is archived as something else than what is read just before it would be sent.
    world.archives = Some([(1, "as it was"), (2, "as it was"), (3, "as it had been"), (4, "as it was")].into());
    let (log, ending) = carried_out(&world).await;
    assert_eq!(log[..3], ["archive 1", "read 1", "send 1"]);
    assert_eq!(log[5..9], ["archive 2 3 4", "read 2 3 4", "send 2", "send 4"]);
    assert_eq!(log.iter().filter(|entry| *entry == "archive 3").count(), ARCHIVED_AT_MOST - 1);
    assert_eq!(world.sends(3), 0);
    assert!(states(&log).contains(&"3 changed"));
    assert!(matches!(ending, Ending::Complete));
}

fn script() -> impl Strategy<Value = Script> {
    let answer = prop_oneof![
        4 => Just(Answer::Accepted as fn(String) -> Answer),
        1 => Just(Answer::Gone as fn(String) -> Answer),
        1 => Just(Answer::Refused as fn(String) -> Answer),
        1 => Just(Answer::Failed as fn(String) -> Answer),
        1 => Just(Answer::Unknown as fn(String) -> Answer),
        1 => Just(Answer::Denied as fn(String) -> Answer),
        1 => Just((|text| Answer::Busy(Duration::from_secs(1), text)) as fn(String) -> Answer),
    ];
    (answer, prop_oneof![3 => Just(Some(0)), 1 => Just(Some(2)), 1 => Just(None)])
        .prop_map(|(answer, gone_after)| says(answer, gone_after))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_happens_each_build_is_sent_once_at_most_and_ends_in_one_state(
        scripts in proptest::collection::vec(script(), 1..40),
        changed in proptest::collection::btree_set(1_u64..40, 0..10),
        interrupt_at in proptest::option::of(1_u64..40),
        blind_after in proptest::option::of(1_usize..8),
        full_after in proptest::option::of(0_usize..40),
        (jobs, takes) in (1_usize..9, 0_u64..4000),
        put_aside in proptest::option::of(proptest::collection::btree_set(1_u64..40, 0..40)),
    ) {
        let mut world = world(scripts);
        world.changed = changed.clone();
        world.interrupt_at = interrupt_at;
        world.blind_after = blind_after;
        world.full_after = full_after;
        (world.jobs, world.takes) = (jobs, Duration::from_millis(takes));
        world.archives = put_aside.map(|builds| builds.into_iter().map(|number| (number, "as it was")).collect());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let (log, _) = runtime.expect("a runtime").block_on(carried_out(&world));
        let ended = states(&log);
        prop_assert_eq!(ended.len(), world.scripts.len());
        for number in world.scripts.keys() {
            let sent = log.iter().filter(|entry| **entry == format!("send {number}")).count();
            let busy = matches!(world.scripts[number].answer, Answer::Busy(..));
            let most = if busy { 3 } else { 1 };
            prop_assert!(sent <= most);
            prop_assert!(sent == 0 || !changed.contains(number), "a changed build was sent");
            prop_assert_eq!(ended.iter().filter(|entry| entry.starts_with(&format!("{number} "))).count(), 1);
            let gone = world.sent.borrow().contains_key(number) && world.scripts[number].gone_after.is_some();
            let deleted = ended.contains(&format!("{number} deleted").as_str());
            prop_assert!(!deleted || gone, "deleted means gone");
            let aside = world.archives.as_ref().is_none_or(|aside| aside.contains_key(number));
            prop_assert!(sent == 0 || aside, "a build was sent that is not in the archive");
        }
        // Until one has been proved gone, each is waited for.
        let first_deleted = log.iter().position(|entry| entry.ends_with(" deleted")).unwrap_or(log.len());
        let mut under_way = BTreeSet::new();
        for entry in &log[..first_deleted] {
            match entry.split(' ').collect::<Vec<_>>()[..] {
                ["send", number] => drop(under_way.insert(number)),
                ["ended", number, _] => drop(under_way.remove(number)),
                _ => {}
            }
            prop_assert!(under_way.len() <= 1, "more than a canary was sent: {:?}", log);
        }
    }
}

/// A database that has gone back to an earlier state, by a failover or a restore, has again what was deleted.
#[tokio::test(start_paused = true)]
async fn what_is_there_again_at_the_end_was_not_deleted() {
    let mut world = world([done(), done(), done()]);
    world.back_after = BTreeMap::from([(1, 1), (3, 1)]);
    let (log, ending) = carried_out(&world).await;
    assert!(matches!(ending, Ending::Complete), "{ending:?}");
    assert_eq!(log[log.len() - 3..], ["read 1 2 3", "returned 1 failed", "returned 3 failed"]);
}

#[tokio::test(start_paused = true)]
async fn after_the_database_was_away_all_that_was_deleted_is_read_again_before_anything_more_is_sent() {
    let mut world = world([done(), done()]);
    world.been_away = true;
    world.back_after = BTreeMap::from([(1, 1)]);
    let (log, _) = carried_out(&world).await;
    let returned = log.iter().position(|entry| entry == "returned 1 failed").expect("it is recorded");
    let sent = log.iter().position(|entry| entry == "send 2").expect("it is sent");
    assert!(returned < sent, "{log:?}");
    // What is known to be there again is not read for ever.
    assert_eq!(log.last().map(String::as_str), Some("read 2"), "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn where_the_end_cannot_be_looked_at_the_run_is_blind() {
    let mut world = world([done()]);
    world.blind_after = Some(2);
    let (_, ending) = carried_out(&world).await;
    assert!(matches!(ending, Ending::Blind(_)), "{ending:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_once_the_lock_is_known_to_be_lost() {
    let mut world = world([done(), done(), done(), done()]);
    world.lock_lost_after = Some(2);
    let (log, _) = carried_out(&world).await;
    assert_eq!(log.iter().filter(|entry| entry.starts_with("send")).count(), 2, "{log:?}");
}
