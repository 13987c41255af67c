//! A chain that is whole and records what cannot have happened is refused too.

use halfbuilt::admin::Answer;
use halfbuilt::deletion::journal::{AnswerWord, Archived, DatabaseName, End, Event, Kept, PastBuild, check};
use halfbuilt::state::State;

use crate::samples::{
    HOST, a_run, answer, answer_to_cancel, archived, bytes_of, cancel, database, deleted, end, intent, kept, start,
    start_on, url,
};

fn refused(events: Vec<Event>) -> String {
    check(bytes_of(events).as_slice()).expect_err("a fault").to_string()
}

fn left(events: Vec<Event>) -> Option<PastBuild> {
    check(bytes_of(events).as_slice()).expect("a journal").builds.remove(&url(1))
}

#[test]
fn what_cannot_have_happened() {
    let busy = || Event::answer(&url(1), &Answer::Busy(std::time::Duration::ZERO, "429".to_owned()));
    let unknown = || Event::result(&url(1), State::Unknown, "no answer");
    let looked = || Event::looked(&url(1), false, "still there");
    let elsewhere = DatabaseName { system_identifier: None, ..database() };
    for (line, why, events) in [
        (2, "it has the result of a deletion, and no intent announced one", vec![start(), deleted(1)]),
        (2, "it has the result of a deletion, and no intent announced one", vec![start(), unknown()]),
        (4, "it has the result of a deletion", vec![start(), intent(1), deleted(1), deleted(1)]),
        (4, "nobody looked it up in between", vec![start(), intent(1), answer(1), intent(1)]),
        // A run that continues after a kill has to look first.
        (4, "nobody looked it up in between", vec![start(), intent(1), start(), intent(1)]),
        (4, "two answers to one deletion", vec![start(), intent(1), answer(1), answer(1)]),
        (2, "no deletion waits for one", vec![start(), answer(1)]),
        (4, "no deletion waits for one", vec![start(), intent(1), looked(), busy()]),
        (2, "it was looked up, and no deletion of it was open", vec![start(), looked()]),
        (1, "before the start of the first session", vec![kept(1)]),
        (3, "after the end of its session", vec![start(), end(), kept(1)]),
        (2, "no cancel waits for one", vec![start(), answer_to_cancel(1)]),
        (4, "no cancel waits for one", vec![start(), cancel(1), answer_to_cancel(1), answer_to_cancel(1)]),
        (3, "no deletion waits for one", vec![start(), cancel(1), answer(1)]),
        (3, "it has the result of a deletion, and no intent", vec![start(), cancel(1), deleted(1)]),
        (2, "no cancel of it was announced", vec![start(), Event::result(&url(1), State::Cancelled, "409")]),
        (2, "it is the journal of a run on host ci.example.com, ", vec![start(), start_on("other", database())]),
        (2, "circle of system unknown, read as ", vec![start(), start_on(HOST, elsewhere)]),
    ] {
        let said = refused(events);
        assert!(said.starts_with(&format!("line {line} contradicts the lines before it: ")), "{why}: {said}");
        assert!(said.contains(why), "{why}: {said}");
    }
}

#[test]
fn what_may_happen() {
    let busy = || Event::answer(&url(1), &Answer::Busy(std::time::Duration::ZERO, "429".to_owned()));
    let looked = |gone| Event::looked(&url(1), gone, "");
    let result = |state| Event::result(&url(1), state, "");
    for (what, events) in [
        ("a server that was busy is asked again", vec![start(), intent(1), busy(), intent(1), answer(1), deleted(1)]),
        ("a killed run continues", vec![start(), intent(1), start(), looked(true), deleted(1)]),
        ("and sends again", vec![start(), intent(1), start(), looked(false), intent(1), answer(1), deleted(1)]),
        ("or cannot say", vec![start(), intent(1), answer(1), start(), result(State::Unknown)]),
        ("and tries once more", vec![start(), intent(1), result(State::Unknown), start(), intent(1), deleted(1)]),
        ("cancelled first", vec![start(), cancel(1), answer_to_cancel(1), intent(1), answer(1), deleted(1)]),
        ("cancelled twice", vec![start(), cancel(1), start(), cancel(1), answer_to_cancel(1), intent(1), deleted(1)]),
        ("and not deleted", vec![start(), cancel(1), answer_to_cancel(1), result(State::Cancelled)]),
        ("nothing had to be sent", vec![start(), result(State::AlreadyGone)]),
        ("nothing was sent", vec![start(), intent(1), busy(), result(State::NotAttempted)]),
        ("one run after the other", a_run().into_iter().chain([start(), result(State::AlreadyGone), end()]).collect()),
    ] {
        let left = left(events);
        assert!(left.as_ref().is_some_and(|build| !build.is_unsettled()), "{what}: {left:?}");
    }
}

/// What was only cancelled was not deleted, and what is gone then was not deleted by this journal.
#[test]
fn a_cancel_is_no_deletion() {
    let past = |events| check(bytes_of(events).as_slice()).expect("a journal");
    let killed = past(vec![start(), cancel(1)]);
    assert!(!killed.may_be_sent(&url(1)) && killed.unsettled().is_empty(), "{killed:?}");
    // Without an answer nobody knows whether it did anything.
    assert_eq!(killed.cancels.accepted(&url(1)), None);
    let answered = past(vec![start(), cancel(1), answer_to_cancel(1)]);
    assert_eq!(answered.cancels.accepted(&url(1)).map(|cancel| cancel.lasting), Some("as it lasts".to_owned()));
    // Until it has ended, it may be cancelled, and is not deleted.
    assert_eq!([killed.cancels.open(), answered.cancels.open()], [[url(1)], [url(1)]]);
    let end = Event::result(&url(1), State::Cancelled, "");
    assert!(past(vec![start(), cancel(1), answer_to_cancel(1), end]).cancels.open().is_empty());
    let gone = left(vec![start(), cancel(1), answer_to_cancel(1), Event::result(&url(1), State::AlreadyGone, "")]);
    assert!(matches!(gone, Some(PastBuild::Ended { state: State::AlreadyGone, .. })), "{gone:?}");
}

/// That a build was kept, or not touched, does not say whether an earlier run cancelled it.
#[test]
fn a_cancel_without_an_answer_stays_open_until_its_end_is_known() {
    let kept = |state| match kept(1) {
        Event::Kept(kept) => Event::Kept(Kept { state, ..kept }),
        _ => unreachable!("it is one"),
    };
    let result = |state| Event::result(&url(1), state, "");
    let refused = || Event::answer_to_cancel(&url(1), &Answer::Refused("409".to_owned()));
    let is_open = |events: Vec<Event>| {
        let past = check(bytes_of(events).as_slice()).expect("a journal");
        assert!(past.cancels.open().is_empty() || past.cancels.open() == [url(1)]);
        assert_eq!(past.cancels.may_be_sent(&url(1)), !past.cancels.open().is_empty());
        !past.cancels.open().is_empty()
    };
    let untold = [State::Changed, State::Refused, State::Recovered, State::NotAttempted];
    for state in untold {
        for end in [kept(state), result(state)] {
            assert!(is_open(vec![start(), cancel(1), start(), end.clone()]), "{end:?}");
            assert!(is_open(vec![start(), cancel(1), answer_to_cancel(1), start(), end.clone(), start()]), "{end:?}");
            // Of a cancel that did nothing there is nothing to tell.
            assert!(!is_open(vec![start(), cancel(1), refused(), end.clone()]), "{end:?}");
        }
    }
    for state in [State::AlreadyGone, State::Cancelled] {
        for end in [kept(state), result(state)] {
            assert!(!is_open(vec![start(), cancel(1), start(), kept(State::Changed), start(), end.clone()]), "{end:?}");
        }
    }
    assert!(is_open(vec![start(), cancel(1), start(), kept(State::Unknown)]), "nobody could read it");
    assert!(!is_open(vec![
        start(),
        cancel(1),
        start(),
        cancel(1),
        answer_to_cancel(1),
        intent(1),
        answer(1),
        deleted(1)
    ]));
}

#[test]
fn what_is_left_of_a_run_that_was_killed() {
    assert!(matches!(left(vec![start(), intent(1)]), Some(PastBuild::Open { .. })));
    let answered = left(vec![start(), intent(1), answer(1)]);
    assert!(matches!(answered, Some(PastBuild::Answered { answer: AnswerWord::Accepted, .. })), "{answered:?}");
    let looked = left(vec![start(), intent(1), start(), Event::looked(&url(1), true, "no build has this URL")]);
    assert!(matches!(looked, Some(PastBuild::Looked { gone: true, .. })), "{looked:?}");
    let past =
        check(bytes_of(vec![start(), intent(3), intent(1), intent(2), deleted(3)]).as_slice()).expect("a journal");
    let urls: Vec<&str> = past.unsettled().into_iter().map(|(url, _)| url).collect();
    assert_eq!(urls, [url(1), url(2)]);
    assert_eq!(left(vec![start(), kept(1)]), None);
}

/// Also of journals of older versions, which wrote down that it was gone already.
#[test]
fn what_was_announced_and_is_gone_was_deleted_by_this_journal() {
    let says = |answer: fn(String) -> Answer| Event::answer(&url(1), &answer("so it says".to_owned()));
    let looked = || Event::looked(&url(1), false, "still there");
    let gone = || Event::result(&url(1), State::AlreadyGone, "no such build; read again and gone");
    let untouched = || Event::result(&url(1), State::NotAttempted, "interrupted");
    let kept = || match kept(1) {
        Event::Kept(kept) => Event::Kept(Kept { state: State::AlreadyGone, ..kept }),
        _ => unreachable!("it is one"),
    };
    for (what, state, events) in [
        ("sent once", State::Deleted, vec![start(), intent(1), start(), looked(), gone()]),
        (
            "sent twice",
            State::Deleted,
            vec![start(), intent(1), start(), looked(), intent(1), says(Answer::Gone), gone()],
        ),
        ("kept later", State::Deleted, vec![start(), intent(1), start(), looked(), untouched(), start(), kept()]),
        ("no such build", State::AlreadyGone, vec![start(), intent(1), says(Answer::Gone), gone()]),
        ("nobody is let in", State::AlreadyGone, vec![start(), intent(1), says(Answer::Denied), gone()]),
        ("never announced", State::AlreadyGone, vec![start(), gone()]),
    ] {
        let mut past = check(bytes_of(events).as_slice()).expect("a journal");
        assert!(!past.may_be_sent(&url(1)), "{what}: {past:?}");
        assert_eq!(past.deleted(), u64::from(state == State::Deleted), "{what}");
        let left = past.builds.remove(&url(1));
        let Some(PastBuild::Ended { state: ended, reason, .. }) = left else { panic!("{what}: {left:?}") };
        assert_eq!(ended, state, "{what}");
        assert_eq!(reason.contains("sent by an earlier run"), state == State::Deleted, "{what}: {reason}");
    }
}

#[test]
fn builds_that_were_lost_stay_on_record() {
    let losing = |lost| match end() {
        Event::End(end) => Event::End(End { lost, ..end }),
        _ => unreachable!("it is one"),
    };
    let lost = |events| check(bytes_of(events).as_slice()).expect("a journal").lost();
    assert_eq!(lost(vec![start(), losing(Some(2)), start(), losing(None), start(), losing(Some(1))]), 3);
    assert_eq!(lost(vec![start(), losing(Some(u64::MAX)), start(), losing(Some(1))]), u64::MAX);
    // The lines of older versions, which do not have it, are written as ever.
    let older = String::from_utf8(bytes_of(vec![start(), end()])).expect("UTF-8");
    assert!(!older.contains("lost"), "{older}");
    assert_eq!(lost(vec![start(), end()]), 0);
}

#[test]
fn an_archive_is_named_with_all_that_was_put_into_it() {
    let file = |event: &Event| match event {
        Event::Archived(archived) => archived.file.clone(),
        _ => unreachable!("it is one"),
    };
    let opened = match archived(1) {
        Event::Archived(one) => Event::Archived(Archived { length: 0, builds: Vec::new(), ..one }),
        _ => unreachable!("it is one"),
    };
    let name = file(&opened);
    let first = [start(), opened.clone(), archived(1), archived(1), end()];
    let second = [start(), opened, archived(1), archived(2), archived(3), end()];
    let events = first.into_iter().chain(second).collect();
    let past = check(bytes_of(events).as_slice()).expect("a journal");
    let kept = &past.archives[&name];
    // A build that is archived again is one build.
    assert_eq!((kept.parts, kept.builds.len(), kept.last.builds.as_slice()), (5, 3, [url(3)].as_slice()));
    assert_eq!(past.sessions.iter().map(|session| session.archived).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn an_error_is_short_whatever_the_journal_holds() {
    let long = Event::result(&"x".repeat(100_000), State::Deleted, "");
    assert!(refused(vec![start(), long]).len() < 1000);
    let whole = String::from_utf8(bytes_of(vec![start()])).expect("UTF-8");
    let event = whole.replacen("\"start\"", &format!("\"{}\"", "x".repeat(100_000)), 1);
    assert!(check(event.as_bytes()).expect_err("no such event").to_string().len() < 1000);
}
