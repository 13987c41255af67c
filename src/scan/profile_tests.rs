//! What is read of a profile, and what is refused.

use super::*;

const GOOD: &str = "-- profile: mine\n-- title: my own CI\n-- relation: build\nSELECT 1\n;\n-- relation: step\n\
                    -- the steps\nSELECT 2;\n";

#[test]
fn the_profiles_that_ship_are_sound() {
    for (name, _) in BUILT_IN {
        assert_eq!(Profile::load(name).expect(name).name, name);
    }
}

#[test]
fn a_profile_is_read() {
    let profile = Profile::parse("mine.sql", GOOD).expect("a profile");
    assert_eq!((profile.name.as_str(), profile.title.as_str()), ("mine", "my own CI"));
    assert_eq!(profile.relation(Relation::Build).map(|found| (found.sql.as_str(), found.line)), Some(("SELECT 1", 4)));
    assert!(profile.offers(Relation::Step));
    assert!(!profile.offers(Relation::Chunk));
}

#[test]
fn a_profile_says_how_its_ci_behaves() {
    let mine = Profile::parse("mine.sql", GOOD).expect("a profile");
    assert_eq!((mine.running, mine.queue, mine.rows), (Running::Resumed, None, RowOrigin::Here));
    assert_eq!((&mine.yields, mine.max_run_time), (&None, None));
    let circleci = Profile::load("circleci").expect("a profile");
    assert_eq!((circleci.running, circleci.queue), (Running::Lost, Some(Queue::Elsewhere)));
    assert_eq!(circleci.max_run_time, Some(SignedDuration::from_hours(5)));
    let buildbot = Profile::load("buildbot").expect("a profile");
    assert_eq!((buildbot.running, buildbot.queue), (Running::Lost, Some(Queue::InThisDatabase)));
    let api = Profile::load("circleci-api").expect("a profile");
    assert_eq!((api.rows, api.schema.as_deref()), (RowOrigin::Copies, Some("halfbuilt")));
    assert_eq!((circleci.schema.as_deref(), circleci.collection(), circleci.run_again()), (None, None, None));
    for section in [api.collection(), api.run_again()] {
        assert!(section.is_some_and(|found| found.name == "documents" && !found.sql.is_empty()), "{section:?}");
    }
    assert_eq!(buildbot.yields, Some(vec!["running".to_owned(), "finished".to_owned()]));
}

#[test]
fn a_profile_says_how_its_ci_deletes() {
    let headers = "-- delete: DELETE\n-- token: PRIVATE-TOKEN\n";
    let profile = Profile::parse("mine.sql", &format!("{headers}{GOOD}")).expect("a profile");
    let deletion = profile.deletion.expect("a deletion");
    assert_eq!(deletion.delete, crate::http_deletion::Method::Delete);
    assert_eq!(profile.admin_paths, Some(vec![AdminPath::Http]));
    assert_eq!(Profile::parse("mine.sql", GOOD).expect("a profile").deletion, None);
}

#[test]
fn a_profile_with_a_request_of_its_own_has_addresses_as_written_unless_it_says_otherwise() {
    for (headers, expected) in [
        ("", AddressForm::CircleCi),
        ("-- addresses: as written\n", AddressForm::AsWritten),
        ("-- delete: DELETE\n", AddressForm::AsWritten),
        ("-- delete: DELETE\n-- addresses: circleci\n", AddressForm::CircleCi),
    ] {
        let profile = Profile::parse("mine.sql", &format!("{headers}{GOOD}")).expect("a profile");
        assert_eq!(profile.addresses, expected, "{headers}");
    }
}

#[test]
fn the_tables_of_the_archive_are_read_in_their_order() {
    let text = format!("{GOOD}-- archive: my builds\nSELECT 3;\n\n-- archive: a_first\nSELECT 4\n");
    let profile = Profile::parse("mine.sql", &text).expect("a profile");
    assert_eq!(profile.archived_tables().collect::<Vec<_>>(), ["my builds", "a_first"]);
    assert_eq!(profile.archive().iter().map(|found| found.line).collect::<Vec<_>>(), [10, 13]);
    assert_eq!(profile.archive()[0].sql, "SELECT 3");
    assert_eq!(profile.relation(Relation::Step).map(|found| found.sql.as_str()), Some("-- the steps\nSELECT 2"));
}

#[test]
fn each_fault_names_its_line_and_what_was_expected() {
    for (text, expected) in [
        ("", "f, line 1: expected \"-- profile: NAME\""),
        (
            "-- profile: Mine!\n-- title: t\n-- relation: build\nSELECT 1",
            "f, line 1: profile \"Mine!\": expected a name of a-z, 0-9, - and _",
        ),
        ("-- profile: mine\n-- relation: build\nSELECT 1", "f, line 1: expected \"-- title: TEXT\""),
        ("-- profile: mine\n-- title:\n", "f, line 2: expected a text after \"-- title:\""),
        ("-- profile: mine\n-- title: t\nSELECT 1", "f, line 3: expected \"-- relation: NAME\" before the first SQL"),
        (
            "-- profile: mine\n-- title: t\n-- relation: job\n",
            "f, line 3: relation \"job\": expected build, step, chunk or object",
        ),
        (
            "-- profile: mine\n-- title: t\n-- relation: step\nSELECT 1",
            "f, line 1: expected \"-- relation: build\": without it nothing can be found",
        ),
        (
            "-- profile: mine\n-- title: t\n-- relation: build\n-- relation: build\n",
            "f, line 4: relation build appears a second time",
        ),
        (
            "-- profile: mine\n-- title: t\n-- relation: build\n-- none yet\n",
            "f, line 3: relation build: expected a SELECT below it",
        ),
        (
            "-- profile: mine\n-- title: t\n-- relation: build\nSELECT 1;\n-- archive:\n",
            "f, line 5: expected the name of a table after \"-- archive:\"",
        ),
        (
            "-- profile: mine\n-- title: t\n-- relation: build\nSELECT 1;\n-- archive: jobs\n-- nothing\n",
            "f, line 5: archive jobs: expected a SELECT below it",
        ),
        (
            "-- profile: mine\n-- title: t\n-- archive: jobs\nSELECT 1;\n-- archive: jobs\nSELECT 1;",
            "f, line 5: archive jobs appears a second time",
        ),
        (
            "-- profile: mine\n-- title: t\n-- yields: running, asleep\n-- relation: build\nSELECT 1",
            "f, line 3: lifecycle \"asleep\": expected queued, held, not_run, not_running, running, finished",
        ),
        (
            "-- profile: mine\n-- title: t\n-- queue: somewhere\n-- relation: build\nSELECT 1",
            "f, line 3: queue \"somewhere\": expected \"in this database\" or \"elsewhere\"",
        ),
        (
            "-- profile: mine\n-- title: t\n-- running: gone\n-- relation: build\nSELECT 1",
            "f, line 3: running \"gone\": expected \"lost\" or \"resumed\"",
        ),
        (
            "-- profile: mine\n-- title: t\n-- rows: there\n-- relation: build\nSELECT 1",
            "f, line 3: rows \"there\": expected \"here\" or \"copies\"",
        ),
        (
            "-- profile: mine\n-- title: t\n-- relation: build\nSELECT 1;\n-- collection:\nSELECT 2",
            "f, line 5: expected what is collected after \"-- collection:\"",
        ),
        (
            "-- profile: mine\n-- title: t\n-- relation: build\nSELECT 1;\n-- collection: pages\n-- none",
            "f, line 5: collection pages: expected a SELECT below it",
        ),
        (
            "-- profile: mine\n-- title: t\n-- collection: a\nSELECT 1;\n-- collection: b\nSELECT 2;",
            "f, line 5: a second collection: expected one at most",
        ),
        (
            "-- profile: mine\n-- title: t\n-- relation: build\nSELECT 1;\n-- run-again:\nSELECT 2",
            "f, line 5: expected what it is read from after \"-- run-again:\"",
        ),
        (
            "-- profile: mine\n-- title: t\n-- run-again: a\nSELECT 1;\n-- run-again: b\nSELECT 2;",
            "f, line 5: a second run-again: expected one at most",
        ),
        (
            "-- profile: mine\n-- title: t\n-- delete: GET\n-- relation: build\nSELECT 1",
            "f, line 3: delete \"GET\": expected one of DELETE, POST, PUT, PATCH",
        ),
        (
            "-- profile: mine\n-- title: t\n-- cancel: POST\n-- relation: build\nSELECT 1",
            "f, line 3: cancel \"POST\": expected the header \"-- delete: METHOD\" beside it",
        ),
        (
            "-- profile: mine\n-- title: t\n-- delete: DELETE\n-- gone: 404 204\n-- relation: build\nSELECT 1",
            "f, line 4: gone \"404 204\": 204: expected a code from 400 to 599",
        ),
        (
            "-- profile: mine\n-- title: t\n-- delete: DELETE\n-- admin-paths: nREPL, HTTP\n-- relation: build\nSELECT 1",
            "f, line 4: a profile with the header \"-- delete:\" is deleted by HTTP alone: expected \"-- admin-paths: HTTP\"",
        ),
    ] {
        assert_eq!(Profile::parse("f", text).expect_err(text).to_string(), expected);
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(-- (profile|title|relation|unit|archive): ?[a-z]{0,6}\n|SELECT 1;?\n|.*\n){0,8}") {
        let _ = Profile::parse("f", &text);
    }
}
