//! Deletions through a real Clojure nREPL.

use halfbuilt::exit::Exit;

use crate::support::{
    ALL_TIMINGS, Done, Hearing, Report, Run, Signal, TIMES, TestDatabase, admin, deletable, halfbuilt, scanned, signal,
    wait_until,
};
use crate::what_a_person_sees::Says;

fn delete(database: &TestDatabase, report: &std::path::Path) -> Run {
    let confirmed = ["--execute", "--confirm", &database.host];
    halfbuilt(&["delete"]).args(&[report]).args(&TIMES).args(&confirmed).on(database)
}

#[test]
fn the_chosen_builds_are_gone_and_all_others_are_there() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running", "output-gap"]);
    let (folder, report) = scanned(&database);
    let results = folder.path().join("results.csv");
    let before = database.urls();
    let chosen = deletable(&Report::read(&report));
    let done = delete(&database, &report).via_nrepl(&admin(&database)).args(&["-o"]).args(&[&results]).run();
    // Rows that the report calls not deletable were not chosen: all that was chosen is gone.
    let done = done.exits(Exit::Clean);
    assert_eq!(done.stdout, "");

    let expected: Vec<String> = before.into_iter().filter(|url| !chosen.contains(url)).collect();
    assert_eq!(database.urls(), expected);
    assert_eq!(database.run("SELECT count(*) FROM output o LEFT JOIN builds b USING (build_id) WHERE b IS NULL"), "0");

    let results = Report::read(&results);
    let all = Report::read(&report);
    assert_eq!(results.rows.len(), chosen.len(), "the states add up to the rows chosen");
    assert_eq!(results.count("state", "deleted"), chosen.len());
    for row in &results.rows {
        assert_eq!(row["reason"], "read again and gone");
    }
    let left = all.count("deletable", "no");
    done.says(&format!("{} chosen: {} deleted", chosen.len(), chosen.len()))
        .says(&format!("left to a person: {left} builds that the report calls not deletable"));
}

#[test]
fn what_is_named_and_not_deletable_is_refused_and_the_run_has_not_deleted_all() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running", "output-gap"]);
    let (_folder, report) = scanned(&database);
    let before = database.urls();
    let (all, chosen) = (Report::read(&report), deletable(&Report::read(&report)));
    let done = delete(&database, &report).via_nrepl(&admin(&database)).args(&ALL_TIMINGS).run();
    let done = done.exits(Exit::NotAllDeleted).does_not_say("left to a person");
    let results = Report::parse(&done.stdout);
    assert_eq!(results.rows.len(), all.rows.len(), "the states add up to the rows chosen");
    assert_eq!(results.count("state", "deleted"), chosen.len());
    assert_eq!(results.count("state", "refused"), all.count("deletable", "no"));
    assert!(results.count("state", "refused") > 0);
    let expected: Vec<String> = before.into_iter().filter(|url| !chosen.contains(url)).collect();
    assert_eq!(database.urls(), expected);
    done.says(&format!("{} chosen: {} deleted", all.rows.len(), chosen.len()));
}

#[test]
fn rows_of_one_timing_are_deleted_and_no_others() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let all = Report::read(&report);
    let stale = all.rows.iter().filter(|row| row["timing"] == "stale").map(|row| row["build_url"].clone());
    let stale: Vec<String> = stale.collect();
    assert!(!stale.is_empty() && stale.len() < deletable(&all).len());
    let before = database.urls();
    let done = delete(&database, &report).via_nrepl(&admin(&database)).args(&["--timing", "stale"]).run();
    let results = Report::parse(&done.exits(Exit::Clean).stdout);
    assert_eq!(results.count("state", "deleted"), stale.len());
    assert_eq!(results.rows.len(), stale.len());
    let expected: Vec<String> = before.into_iter().filter(|url| !stale.contains(url)).collect();
    assert_eq!(database.urls(), expected);
}

#[test]
fn a_choice_that_is_deleted_whole_ends_well_and_a_second_run_finds_all_gone() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let list = deletable(&Report::read(&report)).join("\n");
    let run = || {
        let run = halfbuilt(&["delete", "-", "--execute", "--confirm", &database.host]).args(&TIMES).on(&database);
        run.via_nrepl(&admin(&database)).input(&list).run().exits(Exit::Clean)
    };
    let first = Report::parse(&run().stdout);
    assert_eq!(first.count("state", "deleted"), first.rows.len());
    let second = Report::parse(&run().stdout);
    assert_eq!(second.count("state", "already-gone"), first.rows.len());
    let verified = halfbuilt(&["scan"]).args(&TIMES).on(&database).run();
    let left = Report::parse(&verified.stdout);
    assert_eq!(left.count("deletable", "yes"), 0);
}

#[test]
fn a_server_that_says_done_and_did_nothing_is_found_out_at_the_first_build() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let admin = admin(&database);
    admin.behaves(&database, "pretend");
    let before = database.urls();
    let done = delete(&database, &report).via_nrepl(&admin).run().exits(Exit::NotAllDeleted);
    let results = Report::parse(&done.stdout);
    assert_eq!(results.count("state", "failed"), 1);
    assert_eq!(results.count("state", "deleted"), 0);
    assert!(results.count("state", "not-attempted") > 1);
    done.says_all_of("delete_nrepl_that_pretends");
    assert_eq!(database.urls(), before);
}

#[test]
fn an_exception_is_reported_and_stops_the_canary() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let admin = admin(&database);
    admin.behaves(&database, "throw");
    let done = delete(&database, &report).via_nrepl(&admin).run().exits(Exit::NotAllDeleted);
    assert_eq!(Report::parse(&done.stdout).count("state", "failed"), 1);
    done.says("told to fail by the fixture");
}

#[test]
fn a_server_that_talks_much_is_listened_to() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let admin = admin(&database);
    admin.behaves(&database, "print");
    let done = delete(&database, &report).via_nrepl(&admin).run();
    let results = Report::parse(&done.stdout);
    assert_eq!(results.count("state", "deleted"), deletable(&Report::read(&report)).len());
}

#[test]
fn no_answer_is_unknown_and_is_never_sent_again() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let admin = admin(&database);
    admin.behaves(&database, "sleep");
    let done = delete(&database, &report).via_nrepl(&admin).args(&["--timeout", "5s"]).run();
    let done = done.exits(Exit::NotAllDeleted);
    let results = Report::parse(&done.stdout);
    assert_eq!(results.count("state", "unknown"), 1);
    assert_eq!(results.count("state", "deleted"), 0);
    done.says_all_of("delete_nrepl_without_an_answer");
}

#[test]
fn a_change_between_the_plan_and_the_deletion_is_seen() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let urls: Vec<String> = Report::read(&report)
        .rows
        .iter()
        .filter(|row| row["deletable"] == "yes")
        .map(|row| row["build_url"].clone())
        .collect();
    // Deleting the first build changes the last one: the plan said "delete", the reading just before says "changed".
    database.run(&format!(
        "CREATE FUNCTION alive() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           UPDATE builds SET status = 'fixed' WHERE build_url = '{last}'; RETURN NULL; END $$;
         CREATE TRIGGER alive AFTER DELETE ON builds FOR EACH ROW WHEN (OLD.build_url = '{first}') EXECUTE FUNCTION alive()",
        first = urls[0],
        last = urls[urls.len() - 1],
    ));
    let done = delete(&database, &report).via_nrepl(&admin(&database)).run().exits(Exit::NotAllDeleted);
    let results = Report::parse(&done.stdout);
    let last = results.rows.iter().find(|row| row["build_url"] == urls[urls.len() - 1]).expect("the last build");
    assert_eq!((last["decision"].as_str(), last["state"].as_str()), ("delete", "changed"));
    assert!(database.urls().contains(&urls[urls.len() - 1]));
    assert_eq!(results.count("state", "deleted"), urls.len() - 1);
}

#[test]
fn the_results_of_a_run_are_never_written_over() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (folder, report) = scanned(&database);
    let results = folder.path().join("results.csv");
    std::fs::write(&results, "the results of an earlier run").expect("a file");
    let before = database.urls();
    let done = delete(&database, &report).via_nrepl(&admin(&database)).args(&["-o"]).args(&[&results]).run();
    done.exits(Exit::Usage).fails_with("error:").says_all_of("delete_nrepl_results_exist");
    assert_eq!(std::fs::read_to_string(&results).expect("a file"), "the results of an earlier run");
    assert_eq!(database.urls(), before);
}

#[test]
fn a_missing_function_is_an_error_before_anything_is_deleted() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let before = database.urls();
    let done = delete(&database, &report).via_nrepl(&admin(&database)).args(&["--admin-fn", "my.admin/zap"]).run();
    done.exits(Exit::Failed).says_all_of("delete_nrepl_without_the_function");
    assert_eq!(database.urls(), before);
    let named = "circle.http.api.admin-commands/delete-build";
    let done = delete(&database, &report).via_nrepl(&admin(&database)).args(&["--admin-fn", named]).run();
    assert!(Report::parse(&done.stdout).count("state", "deleted") > 0);
}

#[test]
fn nobody_listens() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let done = delete(&database, &report).args(&["--via", "nrepl://127.0.0.1:9"]).run();
    done.exits(Exit::Failed).says_all_of("delete_nrepl_nobody_listens");
}

/// Runs a deletion, sends it these signals in the middle, and checks that what is on record is what happened.
fn interrupted(signals: &[Signal]) -> Report {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (folder, report) = scanned(&database);
    let results = folder.path().join("results.csv");
    let before = database.builds();
    let gate = database.gate(3);
    let run = delete(&database, &report).via_nrepl(&admin(&database)).args(&["-o"]).args(&[&results]);
    // Whoever runs the tests by nohup has them all ignore SIGHUP.
    let mut child = run.under("exec env --default-signal=HUP \"$0\" \"$@\"").start();
    let hearing = Hearing::of(&mut child);
    // The canary and some more are gone, and the next ones are on their way.
    gate.wait_for(1);
    for (number, words) in signals.iter().zip(["interrupted: ", "interrupted again: "]) {
        signal(&child, *number);
        hearing.wait_for(words);
    }
    // Who interrupts once waits for what is on its way; who does so twice does not.
    let mut gate = Some(gate);
    if signals.len() == 1 {
        gate = None;
    }
    hearing.done(child).exits(Exit::Interrupted);
    drop(gate);
    let results = Report::read(&results);
    assert_eq!(results.rows.len(), deletable(&Report::read(&report)).len());
    // A deletion that was on its way when nobody waited any more ends on the server a little later.
    let gone = || (before - database.builds()) as usize;
    wait_until(|| {
        let (deleted, unknown) = (results.count("state", "deleted"), results.count("state", "unknown"));
        (deleted..=deleted + unknown).contains(&gone())
    });
    assert!(results.count("state", "not-attempted") > 0);
    results
}

#[test]
fn an_interrupted_run_puts_everything_on_record() {
    for signal in [Signal::SIGINT, Signal::SIGHUP] {
        assert_eq!(interrupted(&[signal]).count("state", "unknown"), 0, "{signal}");
    }
}

#[test]
fn who_interrupts_twice_has_everything_on_record_all_the_same() {
    let results = interrupted(&[Signal::SIGINT, Signal::SIGTERM]);
    assert!(results.count("state", "unknown") > 0);
}

#[test]
fn a_run_under_nohup_outlives_its_terminal() {
    let database = TestDatabase::circleci_on_own_host(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let gate = database.gate(1);
    let child = delete(&database, &report).via_nrepl(&admin(&database)).under("trap '' HUP").start();
    gate.wait_for(1);
    for _ in 0..2 {
        signal(&child, Signal::SIGHUP);
    }
    gate.open();
    let done = Done::new(child.wait_with_output().expect("it ends")).exits(Exit::Clean);
    let results = Report::parse(&done.stdout);
    assert_eq!(results.count("state", "deleted"), deletable(&Report::read(&report)).len());
}
