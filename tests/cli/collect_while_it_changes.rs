//! `collect` while builds arrive, end and vanish, and while it is killed: nothing is lost, nothing is doubled.

use std::collections::BTreeSet;
use std::time::Duration;

use halfbuilt::exit::Exit;

use crate::support::{Collection, Hearing, Signal, StandIn, TIMES, signal};

fn server(builds: &str) -> Collection {
    Collection::of(StandIn::with(&[("builds", builds), ("large_mb", "1")]))
}

/// Those of the server that were there when it was asked, and are there still.
fn none_is_missing(collection: &Collection, before: &[String]) {
    let there: BTreeSet<String> = collection.there().into_iter().collect();
    let fetched: BTreeSet<String> = collection.fetched().into_iter().collect();
    let missing: Vec<_> = before.iter().filter(|build| there.contains(*build) && !fetched.contains(*build)).collect();
    assert!(missing.is_empty(), "{} of {} are missing: {missing:?}", missing.len(), before.len());
}

#[test]
fn builds_that_arrive_between_pages_are_neither_lost_nor_doubled() {
    let collection = server("700");
    let before = collection.there();
    collection.server.behave(&[("arrive", "9")]);
    collection.collect(&["--all"]).run().exits(Exit::Clean);
    collection.server.reset();
    none_is_missing(&collection, &before);
    assert!(collection.fetched().len() > before.len(), "those that came at the beginning are there too");
}

#[test]
fn builds_that_vanish_between_pages_hide_no_other() {
    let collection = server("700");
    let before = collection.there();
    collection.server.behave(&[("vanish", "9")]);
    let done = collection.collect(&["--all"]).run();
    assert!(matches!(done.code, Some(0 | 3)), "{}", done.stderr);
    collection.server.reset();
    none_is_missing(&collection, &before);
    // What was listed, and was gone when it was asked for, is proved gone and not a document.
    let gone = collection.addresses("gone_at IS NOT NULL");
    let there: BTreeSet<String> = collection.there().into_iter().collect();
    assert!(gone.iter().all(|build| !there.contains(build)), "{gone:?}");
}

#[test]
fn builds_that_end_between_pages_of_the_open_ones_hide_no_other() {
    let collection = Collection::of(StandIn::with(&[("builds", "2000"), ("large_mb", "1")]));
    let open: Vec<String> = collection
        .server
        .truth()
        .into_iter()
        .filter(|build| build.kind.starts_with("cut-"))
        .map(|build| build.build_url)
        .collect();
    collection.server.behave(&[("end", "3")]);
    collection.collect(&TIMES).run().exits(Exit::Clean);
    collection.server.reset();
    none_is_missing(&collection, &open);
}

#[test]
fn a_kill_at_any_instant_loses_nothing_and_the_same_command_continues() {
    let collection = Collection::of(StandIn::with(&[("builds", "400"), ("large_mb", "1"), ("delay_ms", "2")]));
    let mut kept = 0;
    let kills = std::env::var("HALFBUILT_TEST_KILLS").map_or(12, |kills| kills.parse().expect("a number"));
    // Each time a little later: while it connects, lists, fetches and stores.
    for pause in (1..=12_u64).cycle().take(kills) {
        let mut child = collection.collect(&["--all"]).start();
        let hearing = Hearing::of(&mut child);
        std::thread::sleep(Duration::from_millis(pause * pause * 6));
        // It may be done by now.
        let _ = child.kill();
        let _ = child.wait();
        drop(hearing);
        let is_there = collection.database.run("SELECT to_regnamespace('halfbuilt') IS NOT NULL") == "t";
        let now = if is_there { collection.fetched().len() } else { 0 };
        assert!(now >= kept, "{now} documents are left of {kept}");
        kept = now;
    }
    let done = collection.collect(&["--all"]).run().exits(Exit::Clean);
    assert_eq!(collection.fetched(), collection.there(), "{}", done.stderr);
    assert_eq!(collection.database.run("SELECT count(*) FROM halfbuilt.document WHERE steps IS NULL"), "0");
    assert_eq!(collection.database.run("SELECT count(*) FROM halfbuilt.collection WHERE ended_at IS NULL"), "0");
}

#[test]
fn an_interruption_is_said_and_the_same_command_continues() {
    let collection = Collection::of(StandIn::with(&[("builds", "300"), ("large_mb", "1"), ("delay_ms", "20")]));
    let mut child = collection.collect(&["--all", "--jobs", "1"]).start();
    let hearing = Hearing::of(&mut child);
    hearing.wait_for("listed to be fetched");
    signal(&child, Signal::SIGINT);
    let done = hearing.done(child).exits(Exit::Interrupted);
    done.says("what was collected is kept: the same command continues");
    assert_eq!(collection.database.run("SELECT count(*) FROM halfbuilt.collection WHERE ended_at IS NULL"), "1");
    collection.server.behave(&[("delay_ms", "0")]);
    collection.collect(&["--all"]).run().exits(Exit::Clean).says("collection 1 was interrupted, and continues");
    assert_eq!(collection.fetched(), collection.there());
}

#[test]
fn two_at_once_do_not_take_each_others_work_for_old() {
    let collection = Collection::of(StandIn::with(&[("builds", "300"), ("large_mb", "1"), ("delay_ms", "20")]));
    let mut child = collection.collect(&["--all", "--jobs", "1"]).start();
    let hearing = Hearing::of(&mut child);
    hearing.wait_for("begins");
    collection
        .collect(&TIMES)
        .run()
        .exits(Exit::Failed)
        .fails_with("another collect, delete or verify is at work on the documents of this database");
    signal(&child, Signal::SIGTERM);
    hearing.done(child).exits(Exit::Interrupted);
}
