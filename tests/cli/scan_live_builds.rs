//! What an attack got past the checks of T, R, clocks and states: builds that live or are sound stay, whatever else is wrong with them.

use halfbuilt::exit::Exit;

use crate::support::{CUT, Ci, LOST, NOBODY, NULL, Report, Seen, TIMES, halfbuilt};
use crate::what_a_person_sees::{Says, shows};

/// A time as SQL writes it.
fn at(time: &str) -> String {
    format!("timestamptz '{time}'")
}

const WAITS: [&str; 3] = ["timestamptz '2026-11-20T01:50Z'", NULL, NULL];

#[test]
fn a_build_that_waits_is_kept_whatever_else_is_wrong_with_it() {
    let ci = Ci::new();
    ci.add(101, "'queued'", "'queued'", WAITS);
    ci.damage(101);
    ci.add(102, "'not_running'", "'x'", CUT);
    // It waits for its second attempt, and has the times of its first.
    ci.add(
        103,
        "'queued'",
        "'y'",
        ["timestamptz '2026-11-20T01:30Z'", "timestamptz '2026-11-20T01:31Z'", "timestamptz '2026-11-20T01:35Z'"],
    );
    for number in [101, 102, 103] {
        // It was not the backup that left the third one waiting.
        let moves = if number == 103 { "it had started or ended by the backup, and waits again" } else { "" };
        assert_eq!(ci.note(LOST, &[], number), moves, "the queue is elsewhere, and moves");
        let young = ci.note(LOST, &["--max-queue-time", "5000 days"], number);
        assert_eq!(young, "the queue has not been served for --max-queue-time yet");
        let here = ci.note("-- running: lost\n-- queue: in this database\n", &[], number);
        assert_eq!(here, "it waits, and what waits in this database starts by itself");
        let unknown = ci.note("-- running: lost\n", &[], number);
        assert_eq!(unknown, "the profile does not say where the queue is kept");
    }
}

#[test]
fn a_build_that_shows_no_start_may_have_waited_at_the_backup() {
    const UNKNOWN: &str = "no start since it was queued is on record: it may have waited at the backup";
    let ci = Ci::new();
    ci.add(101, "'running'", "'running'", WAITS);
    ci.add(102, "'running'", "'running'", [WAITS[0], "timestamptz '0001-01-01T00:00Z'", NULL]);
    // It ended after the restore: nothing shows that it had begun before.
    ci.add(103, "'finished'", "'success'", [WAITS[0], NULL, "timestamptz '2026-11-20T08:00Z'"]);
    ci.damage(103);
    let young = ["--max-run-time", "5000 days"];
    for number in [101, 102] {
        assert_eq!(ci.note(LOST, &young, number), UNKNOWN);
        assert_eq!(ci.note(LOST, &[], number), "", "the CI is back for longer than it may run");
        assert_eq!(ci.note("-- running: lost\n-- queue: in this database\n", &[], number), UNKNOWN);
    }
    assert_eq!(ci.note(LOST, &[], 103), UNKNOWN);
    // A step by T shows that it had begun.
    ci.database.run("INSERT INTO ci.step VALUES (101, '0', 'x', '2026-11-20T01:55Z', NULL, false, NULL, NULL)");
    assert_eq!(ci.note(LOST, &young, 101), "");
}

/// Clocks may be apart: a start just after T is one by T. What it is the tables do not show, so it is found and kept.
#[test]
fn what_began_within_the_tolerance_after_t_is_not_clean() {
    let ci = Ci::new();
    let [queued, just_after] = ["timestamptz '2026-11-20T01:59Z'", "timestamptz '2026-11-20T02:00:03Z'"];
    ci.add(101, "'running'", "'running'", [queued, just_after, NULL]);
    ci.add(102, "'finished'", "'timedout'", [queued, just_after, "timestamptz '2026-11-20T06:31Z'"]);
    ci.add(103, "'queued'", "'queued'", [just_after, NULL, NULL]);
    let report = ci.scan(LOST, &["--max-run-time", "5000 days"]);
    assert_eq!(report.column("reasons"), ["stuck-running", "closed-after-restore", "stuck-queued"]);
    assert_eq!(report.column("timing"), ["between"; 3]);
    assert_eq!(report.count("deletable", "no"), 3);
    assert_eq!(ci.scan(LOST, &["--max-run-time", "5000 days", "--clock-tolerance", "2s"]).rows.len(), 0);
}

#[test]
fn what_was_closed_after_the_restore_is_found_without_a_start_on_record() {
    let ci = Ci::new();
    let closed = "timestamptz '2026-11-20T06:31Z'";
    for number in [101, 102, 103] {
        ci.add(number, if number == 103 { "'running'" } else { "'finished'" }, "'failed'", [CUT[0], NULL, closed]);
    }
    ci.database
        .run("INSERT INTO ci.step VALUES (101, '0', 'x', '2026-11-20T01:52Z', '2026-11-20T06:31Z', false, NULL, NULL)");
    // The second was cancelled while it waited: nothing shows that it ever began.
    let report = ci.scan(LOST, &[]);
    assert_eq!(report.column("build_num"), ["101", "103"]);
    assert_eq!(report.column("reasons"), ["closed-after-restore"; 2]);
    assert!(report.column("evidence")[0].starts_with("at work at 2026-11-20T01:52:00Z, stopped 2026-11-20T06:31:00Z"));
    // Where no start is on record at all, nobody knows.
    ci.database.run("UPDATE ci.build SET started_at = NULL");
    let mut seen = Seen::default();
    seen.add("verify: two builds with steps", &ci.run(&["verify"], LOST, &TIMES).exits(Exit::Found));
    ci.database.run("DELETE FROM ci.build WHERE build_num IN (101, 103); DELETE FROM ci.step");
    seen.add("verify: no steps at all", &ci.run(&["verify"], LOST, &TIMES).exits(Exit::Clean));
    shows(&seen, "scan_live_builds_no_start_on_record");
}

/// What waited at T for its second attempt starts after R, and has the times of its first until its CI writes new ones.
#[test]
fn a_build_that_runs_its_second_attempt_is_kept() {
    const UNKNOWN: &str = "no start since it was queued is on record: it may have waited at the backup";
    let here = "-- running: lost\n-- queue: in this database\n";
    let ci = Ci::new();
    let [first, ended] = ["timestamptz '2026-11-20T01:01Z'", "timestamptz '2026-11-20T01:05Z'"];
    ci.add(101, "'running'", "'a'", [CUT[0], first, ended]);
    ci.add(102, "'running'", "'b'", [CUT[0], NULL, ended]);
    ci.add(103, "'running'", "'c'", [CUT[0], NULL, NULL]);
    let old = "INSERT INTO ci.step VALUES (103, '0', 'x', '2026-11-20T01:01Z', '2026-11-20T01:05Z', false, NULL, NULL)";
    ci.database.run(old);
    for number in [101, 102, 103] {
        assert_eq!(ci.note(here, &[], number), UNKNOWN, "{number}");
    }
    // Its first attempt has an end, and a step of it stopped a minute ago.
    ci.add(104, "'running'", "'d'", ["timestamptz '2026-11-20T01:00Z'", first, ended]);
    ci.database.run("INSERT INTO ci.step VALUES (104, '0', 'x', '2026-11-20T01:52Z', now() - interval '1 minute', false, NULL, NULL)");
    assert_eq!(ci.note(here, &[], 104), "one of its steps stopped after the restore: it may be alive");
}

#[test]
fn a_queue_is_served_from_its_first_start_on_and_a_ci_at_work_too() {
    let ci = Ci::new();
    ci.database.run("DELETE FROM ci.build WHERE queued_at > '2026-11-20T06:30Z'");
    ci.add(101, "'queued'", "'queued'", WAITS);
    ci.add(102, "'running'", "'running'", CUT);
    // Queued soon after R, by a web hook; nobody was there to start it.
    ci.add(103, "'queued'", "'queued'", ["timestamptz '2026-11-20T06:31Z'", NULL, NULL]);
    assert_eq!(ci.note(LOST, &[], 101), "no build that was queued after the restore has started yet");
    let wait = "this CI may resume what ran at the backup: wait for --max-run-time and --max-queue-time";
    assert_eq!(ci.note("-- queue: elsewhere\n", &[], 102), wait);
    ci.database.run(
        "UPDATE ci.build SET lifecycle = 'running', started_at = now() - interval '4 minutes' WHERE build_num = 103",
    );
    assert_eq!(ci.note(LOST, &[], 101), "the queue has not been served for --max-queue-time yet");
    assert_eq!(ci.note(LOST, &["--max-queue-time", "3m"], 101), "");
    let short = ["--max-run-time", "3m"];
    assert_eq!(ci.note("-- queue: elsewhere\n", &short, 102), wait, "it may wait as well before it continues");
    assert_eq!(ci.note("-- queue: elsewhere\n", &["--max-run-time", "2m", "--max-queue-time", "1m"], 102), "");
}

#[test]
fn what_was_resumed_and_ended_is_kept_without_a_start_too() {
    let ci = Ci::new();
    for (number, start) in [(101, NULL), (102, CUT[1])] {
        ci.add(number, "'finished'", "'failed'", [CUT[0], start, "timestamptz '2026-11-20T07:30Z'"]);
        let step = "'0', 'x', '2026-11-20T01:52Z', '2026-11-20T07:30Z', true, 100, NULL";
        ci.database.run(&format!("INSERT INTO ci.step VALUES ({number}, {step})"));
        let note = ci.note("-- queue: elsewhere\n", &[], number);
        assert!(note.starts_with("this CI may resume what ran at the backup"), "{number}: {note}");
    }
}

#[test]
fn what_may_have_waited_on_purpose_is_kept() {
    let ci = Ci::new();
    ci.add(101, "'queued'", "'queued'", WAITS);
    assert_eq!(ci.note(LOST, &[], 101), "");
    let holds = format!("{LOST}-- yields: queued, held, not_run, running, finished\n");
    assert_eq!(ci.note(&holds, &[], 101), "it may have waited on purpose, and been released since");
    // A moment later it runs.
    ci.database.run("UPDATE ci.build SET lifecycle = 'running' WHERE build_num = 101");
    let unknown = "no start since it was queued is on record: it may have waited at the backup";
    assert_eq!(ci.note(&holds, &[], 101), unknown);
    // One that waits on purpose shows that such are there, whatever the profile says.
    assert_eq!(ci.note(LOST, &[], 101), "");
    ci.add(102, "'held'", "'on_hold'", WAITS);
    assert_eq!(ci.note(LOST, &[], 101), unknown);
    ci.database.run("UPDATE ci.build SET lifecycle = 'queued' WHERE build_num = 101");
    assert_eq!(ci.note(LOST, &[], 101), "it may have waited on purpose, and been released since");
}

#[test]
fn a_stop_just_before_r_is_found_beside_a_contradiction_too() {
    let ci = Ci::new();
    ci.add(101, "'finished'", "'failed'", [CUT[0], CUT[1], "timestamptz '2026-11-20T06:29:57Z'"]);
    let late = "timestamptz '2026-11-20T06:20Z'";
    ci.add(102, "'finished'", "'success'", [late, late, late]);
    let report = ci.scan(LOST, &[]);
    assert_eq!((report.column("build_num"), report.column("reasons")), (vec!["101"], vec!["closed-after-restore"]));
    // Where something else was done just before R, no stop then is a start-up's.
    assert_eq!((report.column("timing"), report.count("deletable", "no")), (vec!["between"], 1));
    ci.database.run("INSERT INTO ci.step VALUES (101, '0', 'x', '2026-11-20T01:52Z', NULL, false, NULL, NULL)");
    assert_eq!(ci.scan(LOST, &[]).count("deletable", "no"), 1);
}

/// It waited at T for its second attempt, and was cancelled while it waited: what its first did is no sign of it.
#[test]
fn what_was_cancelled_while_it_waited_for_its_second_attempt_is_not_found() {
    let ci = Ci::new();
    ci.add(
        101,
        "'finished'",
        "'canceled'",
        ["timestamptz '2026-11-20T01:30Z'", NULL, "timestamptz '2026-11-20T07:30Z'"],
    );
    let step =
        "INSERT INTO ci.step VALUES (101, '0', 'x', '2026-11-20T01:01Z', '2026-11-20T01:05Z', false, NULL, NULL)";
    ci.database.run(step);
    assert!(ci.scan(LOST, &[]).rows.is_empty());
}

#[test]
fn one_key_for_two_builds_of_different_numbers_is_a_finding() {
    let ci = Ci::new();
    ci.add(101, "'running'", "'running'", CUT);
    ci.database.run("UPDATE ci.build SET build_key = 101 WHERE build_num = 5");
    let found = |more: &[&str]| {
        let report = ci.scan(LOST, more);
        assert_eq!(report.rows.len(), 1, "{report:?}");
        assert_eq!(report.column("deletable"), ["no"]);
        report.rows[0]["evidence"].clone()
    };
    let differ = "2 rows have the key 101, and differ in build_url, build_num, lifecycle, status, queued_at, started_at, stopped_at";
    assert!(found(&[]).ends_with(differ), "{}", found(&[]));
    // Steps and output are found by keys alone, whatever is in scope.
    ci.database.run("UPDATE ci.build SET project = 'acme/web' WHERE build_num = 5");
    let one = found(&["--project", "acme/api"]);
    assert!(one.contains("2 rows have the key 101, and differ in build_url, project"), "{one}");
    // delete does not look at all builds; what has another's key is two builds to it.
    let list = ci.folder.path().join("list.txt");
    let urls = [101, 5].map(|number| format!("https://ci.acme.example/gh/acme/api/{number}\n"));
    std::fs::write(&list, urls.concat()).expect("a file");
    ci.database.run("UPDATE ci.build SET project = 'acme/api'");
    let delete = ["delete", list.to_str().expect("a path")];
    let more = [&NOBODY[..], &TIMES, &["--max-percent", "100"]].concat();
    let plan = ci.run(&delete, LOST, &more).exits(Exit::NothingInScope);
    assert_eq!(Report::parse(&plan.stdout).count("decision", "delete"), 0);
}

#[test]
fn a_lifecycle_that_is_not_known_may_be_one_that_waits_on_purpose() {
    let ci = Ci::new();
    for (number, lifecycle) in [(101, "'paused'"), (102, NULL), (103, "'Running'"), (104, "''")] {
        ci.add(number, lifecycle, "'x'", CUT);
        ci.damage(number);
        assert_eq!(ci.note(LOST, &[], number), "its lifecycle is not known");
    }
    // The word for it: nothing fires.
    ci.database.run("UPDATE ci.build SET lifecycle = 'held' WHERE build_num > 100");
    assert!(ci.scan(LOST, &[]).rows.is_empty());
}

#[test]
fn a_build_that_was_taken_up_again_in_place_may_be_resumed() {
    let ci = Ci::new();
    ci.add(
        101,
        "'running'",
        "'running'",
        ["timestamptz '2026-11-20T01:30Z'", "timestamptz '2026-11-20T01:31Z'", "timestamptz '2026-11-20T01:35Z'"],
    );
    ci.add(102, "'running'", "'running'", CUT);
    const WAIT: &str = "this CI may resume what ran at the backup: wait for --max-run-time and --max-queue-time";
    for number in [101, 102] {
        assert_eq!(ci.note("", &["--max-run-time", "5000 days"], number), WAIT);
        assert_eq!(ci.note("", &[], number), "");
    }
    // However long its database has been back: the CI has not done anything yet.
    ci.database.run("DELETE FROM ci.build WHERE queued_at > '2026-11-20T06:30Z'");
    for number in [101, 102] {
        assert_eq!(ci.note("", &[], number), WAIT);
    }
}

/// Housekeeping closes steps, too: a build that was over by T, or of which nobody knows when it ended, is not clean where it did.
#[test]
fn a_step_that_was_closed_after_the_restore_shows() {
    let ci = Ci::new();
    let step = |number: u32| {
        let times = "'2026-11-20T01:51Z', '2026-11-20T06:30:30Z'";
        ci.database.run(&format!("INSERT INTO ci.step VALUES ({number}, '0', 'x', {times}, false, NULL, NULL)"));
    };
    ci.add(101, "'finished'", "'failed'", [CUT[0], CUT[1], "timestamptz '2026-11-20T01:59Z'"]);
    ci.add(102, "'finished'", "'failed'", WAITS);
    [101, 102].into_iter().for_each(step);
    let report = ci.scan(LOST, &[]);
    for number in ["101", "102"] {
        let row = report.row("acme/api", number);
        let shown = "a step started 2026-11-20T01:51:00Z, stopped 2026-11-20T06:30:30Z, after the backup";
        assert_eq!((row["reasons"].as_str(), row["evidence"].as_str()), ("closed-after-restore", shown), "{row:?}");
    }
    // Its own record may be whole.
    let why = "only one of its steps is known to have been closed after the restore";
    assert_eq!([101, 102].map(|number| ci.note(LOST, &[], number)), [why, why]);
    // A habit of the CI is not overruled by it.
    for number in 103..=112 {
        ci.add(number, "'finished'", "'timedout'", CUT);
        step(number);
    }
    let note = ci.note(LOST, &[], 103);
    assert_eq!(note, format!("{why}; most builds of status \"timedout\" are so: a habit of this CI?"));
}

/// Asked for again in place, with its old times cleared: its steps show that it was at work before.
#[test]
fn what_waits_and_had_begun_is_kept() {
    let ci = Ci::new();
    ci.add(101, "'queued'", "'queued'", WAITS);
    assert_eq!(ci.note(LOST, &[], 101), "");
    ci.database
        .run("INSERT INTO ci.step VALUES (101, '0', 'x', '2026-11-20T01:52Z', '2026-11-20T01:53Z', false, NULL, NULL)");
    assert_eq!(ci.note(LOST, &[], 101), "it had started or ended by the backup, and waits again");
}

#[test]
fn what_was_over_and_runs_is_kept_where_nothing_would_show_a_second_run() {
    let ci = Ci::new();
    let over = CUT.map(|time| if time == NULL { "timestamptz '2026-11-20T01:55Z'" } else { time });
    ci.add(101, "'running'", "'r'", over);
    ci.database
        .run("INSERT INTO ci.step VALUES (7, '0', 'x', '2026-11-19T01:10Z', '2026-11-19T01:10Z', false, NULL, NULL)");
    assert_eq!(ci.note(LOST, &[], 101), "");
    let builds = ci.folder.path().join("builds.sql");
    let text = format!("-- profile: builds\n-- title: a CI\n{LOST}-- relation: build\nSELECT * FROM ci.build;\n");
    std::fs::write(&builds, text).expect("a file");
    let run = halfbuilt(&["scan", "--profile"]).args(&[builds]).args(&TIMES).on(&ci.database).run();
    let report = Report::parse(&run.exits(Exit::Clean).stdout);
    let why = "it had ended by the backup, and without steps and output nothing shows whether it runs again";
    assert_eq!(report.row("acme/api", "101")["note"], why);
    // Steps without a time show nothing either.
    ci.database.run("UPDATE ci.step SET started_at = NULL");
    assert_eq!(ci.note(LOST, &[], 101), why);
}

#[test]
fn the_first_instant_of_2000_is_no_time() {
    let ci = Ci::new();
    ci.add(101, "'running'", "'r'", [WAITS[0], "timestamptz '2000-01-01T00:00Z'", NULL]);
    let row = ci.scan("-- running: lost\n-- queue: in this database\n", &[]).row("acme/api", "101").clone();
    assert_eq!((row["started_at"].as_str(), row["deletable"].as_str()), ("", "no"));
}

#[test]
fn what_may_have_been_cancelled_while_it_waited_is_said() {
    let ci = Ci::new();
    ci.add(101, "'finished'", "'canceled'", [WAITS[0], NULL, "timestamptz '2026-11-20T08:00Z'"]);
    let mut seen = Seen::default();
    seen.add("verify: one build", &ci.run(&["verify"], LOST, &TIMES).exits(Exit::Clean));
    // Nor is any of these called sound without a word.
    let late = "timestamptz '2026-11-20T08:00Z'";
    for (number, times) in
        [(102, WAITS), (103, [NULL, NULL, late]), (104, ["timestamptz '2026-11-20T02:00:03Z'", NULL, late])]
    {
        ci.add(number, "'finished'", "'failed'", times);
    }
    seen.add("verify: four builds", &ci.run(&["verify"], LOST, &TIMES).exits(Exit::Clean));
    shows(&seen, "scan_live_builds_cancelled_or_cut");
}

#[test]
fn stops_of_a_server_at_work_are_no_start_up() {
    let ci = Ci::new();
    // The backup ended at 02:08, and T is given as its beginning; the server is back at 02:14.
    for number in 101..=105 {
        let stop = format!("timestamptz '2026-11-20T02:00Z' + {} * interval '80 seconds'", number - 100);
        ci.add(number, "'finished'", "'success'", [CUT[0], CUT[1], &stop]);
    }
    let times = ["--backup-time", "2026-11-20T02:00:00Z", "--restored-at", "2026-11-20T02:14:00Z"];
    // A start-up's look the same.
    let scan = |times: &[&str]| Report::parse(&ci.run(&["scan"], LOST, times).exits(Exit::Clean).stdout);
    ci.run(&["scan"], LOST, &times).says_all_of("scan_live_builds_stops_shortly_before_r");
    assert_eq!(scan(&times).count("reasons", "closed-after-restore"), 5);
    for note in scan(&times).column("note") {
        assert!(note.starts_with("it stopped just before R"), "{note}");
    }
    assert_eq!(scan(&times).count("deletable", "no"), 5);
    // A second reason shows that one was cut; or who knows that the server was up by then says so.
    ci.database.run("INSERT INTO ci.step VALUES (103, '0', 'x', '2026-11-20T01:59Z', NULL, false, NULL, NULL)");
    assert_eq!(scan(&times).count("deletable", "yes"), 1);
    ci.database.run("UPDATE ci.build SET stopped_at = '2026-11-20T02:13:30Z' WHERE build_num > 100");
    let up = ["--backup-time", "2026-11-20T02:00:00Z", "--restored-at", "2026-11-20T02:13:20Z"];
    assert_eq!(scan(&up).count("deletable", "yes"), 5);
}

#[test]
fn what_belongs_to_no_build_contradicts_t_and_r_as_well() {
    let ci = Ci::new();
    ci.database.run("INSERT INTO ci.step VALUES (9999, '0', 'x', '2026-11-20T03:00Z', NULL, false, NULL, NULL)");
    let mut seen = Seen::default();
    seen.add_talk("scan: a step", &ci.run(&["scan"], LOST, &TIMES).exits(Exit::Clean));
    // A verdict and a deletion read every piece, however long its build has been over.
    ci.database.run("TRUNCATE ci.step; INSERT INTO ci.chunk VALUES (1, '0', 0, 1, '2026-11-20T04:00Z')");
    seen.add("verify: a piece of output", &ci.run(&["verify"], LOST, &TIMES).exits(Exit::Found));
    ci.add(101, "'running'", "'running'", CUT);
    let list = ci.folder.path().join("list.txt");
    std::fs::write(&list, "https://ci.acme.example/gh/acme/api/101\n").expect("a file");
    let delete = ["delete", list.to_str().expect("a path")];
    let plan = |more: &[&str]| ci.run(&delete, LOST, &[&NOBODY[..], &TIMES, &["--max-percent", "100"], more].concat());
    seen.add_talk("delete: a piece of output", &plan(&[]).exits(Exit::Declined));
    let allow = ["--allow", "times-contradicted=1"];
    seen.add_talk("delete --allow times-contradicted=1", &plan(&allow).exits(Exit::Clean));
    shows(&seen, "scan_live_builds_contradicted_by_what_has_no_build");
}

#[test]
fn what_has_no_time_is_not_clean() {
    let ci = Ci::new();
    ci.database.run("UPDATE ci.build SET queued_at = NULL, started_at = '1970-01-01Z', stopped_at = NULL");
    let done = ci.run(&["verify"], "-- running: lost\n-- queue: in this database\n", &TIMES).exits(Exit::Clean);
    done.says_all_of("scan_live_builds_no_time_on_record");
}

#[test]
fn what_a_profile_says_that_it_never_gives_is_counted_all_the_same() {
    let ci = Ci::new();
    ci.add(101, "'running'", "'running'", CUT);
    let done = ci.run(&["verify"], &format!("-- yields: queued, finished\n{LOST}"), &TIMES).exits(Exit::Clean);
    done.says_all_of("scan_live_builds_lifecycle_not_in_yields");
}

#[test]
fn the_record_of_an_earlier_recovery_is_said() {
    let ci = Ci::new();
    let time = |expression: &str| {
        ci.database
            .run(&format!("SELECT to_char(({expression}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"))
    };
    // The server of the tests has just been made: its record is of now, after T.
    let recovered = "(SELECT greatest(b.stats_reset, a.stats_reset) FROM pg_stat_bgwriter AS b, pg_stat_archiver AS a)";
    ci.add(101, "'finished'", "'x'", [&at("2026-11-21T00:00Z"), &at("2026-11-21T00:00Z"), &at("2026-11-21T00:01Z")]);
    let done = ci.run(&["scan", "--backup-time", "2026-11-20T02:00:00Z"], LOST, &[]).exits(Exit::Clean);
    done.says("the database server recovered from a crash at")
        .says("11 builds did something between the backup and then");
    // T and R after it, and builds on both sides.
    let after = format!("{recovered} + interval '1 microsecond'");
    ci.add(102, "'finished'", "'x'", [&after, &after, &after]);
    let (backup, restored) =
        (time(&format!("{recovered} + interval '1 second'")), time(&format!("{recovered} + interval '1 minute'")));
    let done = ci.run(&["scan", "--backup-time", &backup, "--restored-at", &restored], LOST, &[]).exits(Exit::Clean);
    done.says("before the backup time, with builds on both sides of it");
    // R is the caller's to say.
    ci.add(103, "'running'", "'running'", CUT);
    let done = ci.run(&["scan", "--backup-time", &backup], LOST, &[]).exits(Exit::Clean);
    let report = Report::parse(&done.stdout);
    let note = &report.row("acme/api", "103")["note"];
    assert!(note.contains("R is not known"), "{note}");
    // Without T: the quiet time that has the recovery in it, and one that has not.
    ci.run(&["scan"], LOST, &[])
        .exits(Exit::Clean)
        .says("the longest quiet time in the database begins after")
        .says("(the database server recovered from a crash in it, at")
        .says("the second longest quiet time in the database begins after")
        .says("(in doubt, since the database server recovered from a crash at");
}

#[test]
fn a_plain_list_keeps_to_the_timings_that_are_named_and_to_t() {
    let ci = Ci::new();
    ci.add(101, "'running'", "'running'", CUT);
    let list = ci.folder.path().join("list.txt");
    std::fs::write(&list, "https://ci.acme.example/gh/acme/api/101\n").expect("a file");
    let delete = ["delete", list.to_str().expect("a path")];
    let plan = |more: &[&str]| ci.run(&delete, LOST, &[&NOBODY[..], &["--max-percent", "100"], more].concat());
    let mut seen = Seen::default();
    seen.add_talk("delete, with T and R", &plan(&TIMES).exits(Exit::Clean));
    let ended = plan(&[&TIMES[..], &["--timing", "ended"]].concat()).exits(Exit::NothingInScope);
    seen.add_talk("delete --timing ended, with T and R", &ended);
    // Without T nothing shows what lives, and no flag allows that.
    let unknown = plan(&["--allow-timing", "unknown"]).exits(Exit::NothingInScope);
    seen.add_talk("delete --allow-timing unknown", &unknown);
    shows(&seen, "scan_live_builds_plain_list");
}

#[test]
fn a_larger_tolerance_is_no_way_round_the_gate() {
    let ci = Ci::new();
    ci.add(101, "'running'", "'running'", CUT);
    ci.add(
        102,
        "'finished'",
        "'success'",
        [&at("2026-11-20T06:22Z"), &at("2026-11-20T06:22Z"), &at("2026-11-20T06:23Z")],
    );
    let report = ci.folder.path().join("report.csv");
    let file = report.to_str().expect("a path");
    ci.run(&["scan", "-o", file], LOST, &[&TIMES[..], &["--clock-tolerance", "7s"]].concat()).exits(Exit::Clean);
    let plan = |more: &[&str]| ci.run(&["delete", file], LOST, &[&NOBODY[..], more].concat());
    let mut seen = Seen::default();
    seen.add_talk("delete", &plan(&[]).exits(Exit::Declined));
    seen.add_talk("delete --clock-tolerance 10m", &plan(&["--clock-tolerance", "10m"]).exits(Exit::Clean));
    let too_large = plan(&["--clock-tolerance", "3000000 days"]).exits(Exit::Usage);
    seen.add("delete --clock-tolerance '3000000 days'", &too_large);
    let policy = ci.folder.path().join("halfbuilt.toml");
    std::fs::write(&policy, "[delete]\ntimes_contradicted = 0\n").expect("a file");
    let policy = ["--policy", policy.to_str().expect("a path")];
    for flags in [["--clock-tolerance", "10m"], ["--allow", "times-contradicted=1"]] {
        let declined = plan(&[&policy[..], &flags].concat()).exits(Exit::Declined);
        seen.add_talk(&format!("delete --policy halfbuilt.toml {}", flags.join(" ")), &declined);
    }
    shows(&seen, "scan_live_builds_larger_tolerance");
}
