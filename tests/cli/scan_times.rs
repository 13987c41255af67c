//! What a scan makes of times: signs of life, T, R and the clocks, and the suggestion where no backup time is given.

use halfbuilt::exit::Exit;

use crate::support::{
    BACKUP_TIME, Done, NOBODY, RESTORED_AT, Report, Seen, TIMES, TestDatabase, expected_report, halfbuilt, scanned,
};
use crate::what_a_person_sees::{Says, shows};

/// Why nothing is deletable where R is not known.
const NO_R: &str = "R is not known: give --restored-at";
const TOO_CLOSE: &str = "R is too close to T for the clock tolerance";
const NOT_BACK_LONG: &str = "the queue has not been served for --max-queue-time yet";
const QUEUE_STANDS: &str = "no build that was queued after the restore has started yet";

fn scan(database: &TestDatabase, arguments: &[&str]) -> Done {
    halfbuilt(&["scan"]).args(arguments).on(database).run().exits(Exit::Clean)
}

fn report(database: &TestDatabase, arguments: &[&str]) -> Report {
    Report::parse(&scan(database, arguments).stdout)
}

/// A database with one build: its lifecycle, and when it was queued, started and stopped.
fn one_build(lifecycle: &str, times: [Option<&str>; 3]) -> TestDatabase {
    let database = TestDatabase::circleci(&[]);
    add(&database, 1, lifecycle, times);
    database
}

fn add(database: &TestDatabase, number: u32, lifecycle: &str, times: [Option<&str>; 3]) {
    let [queued, started, stopped] =
        times.map(|time| time.map_or_else(|| "NULL".to_owned(), |time| format!("timestamptz '{time}'")));
    database.run(&format!(
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time)
         VALUES ('github', 'acme', 'api', {number}, 'https://ci.acme.example/gh/acme/api/{number}', '{lifecycle}', 'x',
                 {queued}, {started}, {stopped})"
    ));
}

/// A time of the database's own clock, in RFC 3339.
fn time(database: &TestDatabase, expression: &str) -> String {
    database.run(&format!("SELECT to_char(({expression}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"))
}

#[test]
fn stored_output_is_a_sign_of_life() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let row =
        |url: &str| report(&database, &TIMES).rows.into_iter().find(|row| row["build_url"] == url).expect("the build");
    let stale = report(&database, &TIMES).rows.into_iter().find(|row| row["timing"] == "stale").expect("a stale build");
    let url = &stale["build_url"];
    let piece_at = |time: &str| {
        database.run(&format!(
            "INSERT INTO steps (build_id, step) SELECT build_id, 90 FROM builds WHERE build_url = '{url}' ON CONFLICT DO NOTHING;
             INSERT INTO actions (build_id, step, index, status, has_output)
               SELECT build_id, 90, 0, 'running', true FROM builds WHERE build_url = '{url}' ON CONFLICT DO NOTHING;
             INSERT INTO output (build_id, step, index, first_byte, type, time, message)
               SELECT build_id, 90, 0, 0, 'out', '{time}', 'hello' FROM builds WHERE build_url = '{url}'"
        ));
    };
    let judged = |url: &str| {
        let row = row(url);
        ["last_activity_at", "timing", "deletable", "note"].map(|column| row[column].clone())
    };
    piece_at("2026-11-20T01:59:00Z");
    assert_eq!(judged(url), ["2026-11-20T01:59:00Z", "in-flight", "yes", ""]);
    // What cannot be a time is not seen.
    piece_at("-infinity");
    piece_at("1970-01-01T00:00:00Z");
    assert_eq!(judged(url), ["2026-11-20T01:59:00Z", "in-flight", "yes", ""]);
    // Nor is one that lies in the future, but who knows which clock wrote it: such a build is not deletable.
    piece_at("infinity");
    assert_eq!(judged(url), ["2026-11-20T01:59:00Z", "in-flight", "no", "one of its times lies in the future"]);
    database.run("DELETE FROM output WHERE time = 'infinity'");
    // Output between T and R cannot be in a database that was restored from T.
    piece_at("2026-11-20T06:30:00Z");
    let between = "it did something between the backup and the restore: T, R or a clock is wrong: output stored at 2026-11-20T06:30:00Z";
    assert_eq!(judged(url), ["2026-11-20T06:30:00Z", "between", "no", between]);
    // A build that stored output after the restore was not cut by the backup.
    piece_at("2026-11-20T06:35:00Z");
    let silent = "it did something after the restore, and has been silent for longer than --max-run-time: is it alive?";
    assert_eq!(judged(url), ["2026-11-20T06:35:00Z", "after-restore", "no", silent]);
    let now = time(&database, "now() - interval '1 minute'");
    piece_at(&now);
    let alive = "it did something after the restore and may be alive";
    assert_eq!(judged(url)[1..], ["after-restore", "no", alive]);
}

#[test]
fn signs_of_life_are_looked_up_whatever_rule_is_asked_for() {
    let database = TestDatabase::circleci(&["stuck-queued"]);
    let some = report(&database, &[&TIMES[..], &["--rule", "stuck-queued"]].concat());
    let all = expected_report("stuck-queued");
    assert!(some.rows.iter().any(|row| row["timing"] == "after-restore"));
    assert!(some.rows.iter().any(|row| row["timing"] == "between"));
    for row in &some.rows {
        let whole = all.row(&row["project"], &row["build_num"]);
        for column in ["timing", "deletable", "note", "last_activity_at"] {
            assert_eq!(row[column], whole[column], "{row:?}");
        }
    }
    let found = all.column("reasons").iter().filter(|reasons| reasons.starts_with("stuck-queued")).count();
    assert_eq!(some.rows.len(), found);
}

#[test]
fn whatever_a_sound_build_did_between_t_and_r_contradicts_them() {
    let database = TestDatabase::circleci(&["healthy"]);
    scan(&database, &TIMES).does_not_say("between the backup and the restore");
    // A piece of output of a build that had stopped before T.
    database.run(
        "INSERT INTO output (build_id, step, index, first_byte, type, time, message)
         SELECT build_id, step, index, first_byte, type, '2026-11-20T04:00:00Z', message
           FROM output WHERE build_id = 200019 ORDER BY output_id LIMIT 1",
    );
    scan(&database, &TIMES).says_all_of("scan_times_contradicted_by_output");
}

#[test]
fn a_build_that_was_long_over_contradicts_t_and_r_as_well() {
    let database = TestDatabase::circleci(&["healthy"]);
    // A step of one that had stopped two days before.
    database.run("UPDATE actions SET start_time = '2026-11-20T04:30:00Z' WHERE build_id = 200004");
    scan(&database, &TIMES).says_all_of("scan_times_contradicted_by_a_step");
}

#[test]
fn clocks_may_be_apart_by_the_tolerance() {
    let database = TestDatabase::circleci(&["closed-after-restore"]);
    let tolerance = |time: &'static str| [&TIMES[..], &["--clock-tolerance", time]].concat();
    let mut seen = Seen::default();
    seen.add_talk("scan", &scan(&database, &TIMES));
    for time in ["0s", "15m"] {
        seen.add_talk(&format!("scan --clock-tolerance {time}"), &scan(&database, &tolerance(time)));
    }
    shows(&seen, "scan_times_clock_tolerance");
    let run = halfbuilt(&["scan"]).args(&TIMES).env("HALFBUILT_CLOCK_TOLERANCE", "15m").on(&database).run();
    run.exits(Exit::Clean).does_not_say("did something between the backup and the restore");
}

#[test]
fn a_stop_within_the_tolerance_after_t_counts_as_by_t() {
    let mut seen = Seen::default();
    // The second, a moment later, contradicts T.
    for stop in ["2026-11-20T02:00:05Z", "2026-11-20T02:00:05.000001Z"] {
        let database = one_build("finished", [Some("2026-11-20T01:40Z"), Some("2026-11-20T01:41Z"), Some(stop)]);
        let done = scan(&database, &TIMES);
        assert_eq!(Report::parse(&done.stdout).rows, []);
        seen.add_talk(&format!("scan, where a build stopped at {stop}"), &done);
    }
    shows(&seen, "scan_times_stop_just_after_t");
}

#[test]
fn where_r_is_too_close_to_t_nothing_is_deletable() {
    let database = one_build("running", [Some("2026-11-20T01:40Z"), Some("2026-11-20T01:41Z"), None]);
    let judged = |restored: &str| {
        let report = report(&database, &["--backup-time", BACKUP_TIME, "--restored-at", restored]);
        (report.rows[0]["timing"].clone(), report.rows[0]["deletable"].clone(), report.rows[0]["note"].clone())
    };
    let judged = |restored| {
        let (timing, deletable, note) = judged(restored);
        assert_eq!(timing, "in-flight");
        (deletable, note)
    };
    assert_eq!(judged("2026-11-20T02:00:10Z"), ("no".to_owned(), TOO_CLOSE.to_owned()));
    assert_eq!(judged("2026-11-20T02:00:11Z"), ("yes".to_owned(), String::new()));
}

#[test]
fn without_r_nothing_is_deletable_where_the_server_has_no_record_of_it() {
    // Builds that did something since T say that the server's last crash was not the restore.
    let database = TestDatabase::circleci(&["stuck-running"]);
    let report = report(&database, &["--backup-time", BACKUP_TIME]);
    assert_eq!(report.count("deletable", "no"), report.rows.len());
    for row in &report.rows {
        let notes: Vec<&str> = row["note"].split("; ").collect();
        assert!(notes.contains(&NO_R), "{row:?}");
        let alone = ["in-flight", "stale", "ended"].contains(&row["timing"].as_str());
        assert_eq!(alone, notes == [NO_R], "{row:?}");
    }
    // Everything goes as if R were T: nothing lies between them.
    assert_eq!(report.count("timing", "between"), 0);
    assert_eq!(report.count("timing", "after-restore"), 2);
    let run = halfbuilt(&["verify", "--backup-time", BACKUP_TIME]).on(&database).run().exits(Exit::Found);
    run.does_not_say("verdict: clean");
}

#[test]
fn without_r_the_server_s_own_record_of_its_recovery_is_taken() {
    let database = one_build("running", [Some("2026-11-20T01:40Z"), Some("2026-11-20T01:41Z"), None]);
    let agree = database.run(
        "SELECT abs(extract(epoch FROM b.stats_reset - a.stats_reset)) <= 10 FROM pg_stat_bgwriter AS b, pg_stat_archiver AS a",
    );
    assert_eq!(agree, "t", "the server of the tests was made after T, and nobody has reset its statistics");
    let done = scan(&database, &["--backup-time", BACKUP_TIME]);
    let found = Report::parse(&done.stdout);
    assert_eq!((found.rows[0]["timing"].as_str(), found.rows[0]["deletable"].as_str()), ("in-flight", "yes"));
    let recovered = time(&database, "(SELECT date_trunc('second', stats_reset) FROM pg_stat_bgwriter)");
    done.says(recovered.split('.').next().expect("a time"));
    // A build that did something since says that the restore was before.
    add(&database, 2, "finished", [Some("2026-11-21T01:40Z"), Some("2026-11-21T01:41Z"), Some("2026-11-21T01:50Z")]);
    let found = report(&database, &["--backup-time", BACKUP_TIME]);
    assert_eq!(found.column("note"), [NO_R]);
}

/// A copy of the backup may be read on a machine of another day: few builds by T say that it is not the right one.
#[test]
fn a_t_before_nearly_everything_is_questioned() {
    let database =
        one_build("finished", [Some("2026-11-18T01:40Z"), Some("2026-11-18T01:41Z"), Some("2026-11-18T01:45Z")]);
    for number in 2..=11 {
        add(
            &database,
            number,
            "finished",
            [Some("2026-11-25T01:40Z"), Some("2026-11-25T01:41Z"), Some("2026-11-25T01:45Z")],
        );
    }
    let mut seen = Seen::default();
    seen.add_talk("scan, 1 of 11 builds by T", &scan(&database, &TIMES));
    for number in 12..=21 {
        add(
            &database,
            number,
            "finished",
            [Some("2026-11-26T01:40Z"), Some("2026-11-26T01:41Z"), Some("2026-11-26T01:45Z")],
        );
    }
    seen.add_talk("scan, 1 of 21 builds by T", &scan(&database, &TIMES));
    let done = halfbuilt(&["verify"]).args(&TIMES).on(&database).run().exits(Exit::Clean);
    seen.add("verify, 1 of 21 builds by T", &done);
    shows(&seen, "scan_times_few_builds_by_t");
}

#[test]
fn a_piece_that_was_stored_at_no_time_is_counted() {
    let database = TestDatabase::circleci(&["healthy"]);
    scan(&database, &TIMES).does_not_say("with a time that is not on record");
    let mut seen = Seen::default();
    database.run("UPDATE output SET time = '1970-01-01Z' WHERE ctid = (SELECT min(ctid) FROM output)");
    seen.add_talk("scan, one piece", &scan(&database, &TIMES));
    // Where so many are off that every bucket has one, each is counted once, and nothing is damaged.
    let pieces = database.run("UPDATE output SET time = '0001-01-01Z'; SELECT count(*) FROM output");
    let done = scan(&database, &TIMES).says(&format!("\n{pieces} pieces with a time that is not on record"));
    assert!(Report::parse(&done.stdout).rows.is_empty());
    seen.add_talk("scan, all pieces", &done);
    shows(&seen, "scan_times_pieces_without_a_time");
}

#[test]
fn what_waits_is_deletable_once_the_queue_is_seen_to_move() {
    let database = one_build("queued", [Some("2026-11-20T01:40Z"), None, None]);
    let restored = time(&database, "now() - interval '30 minutes'");
    let note = |more: &[&str]| {
        let times = ["--backup-time", BACKUP_TIME, "--restored-at", &restored];
        let report = report(&database, &[&times[..], more].concat());
        assert_eq!(report.row("acme/api", "1")["deletable"] == "yes", report.row("acme/api", "1")["note"].is_empty());
        report.row("acme/api", "1")["note"].clone()
    };
    assert_eq!(note(&[]), NOT_BACK_LONG);
    assert_eq!(note(&["--max-queue-time", "10m"]), QUEUE_STANDS);
    // One that was queued before R, and one that has not started, prove nothing.
    let since = time(&database, "now() - interval '20 minutes'");
    add(&database, 2, "finished", [Some("2026-11-20T01:50Z"), Some(&since), Some(&since)]);
    add(&database, 3, "queued", [Some(&since), None, None]);
    assert_eq!(note(&["--max-queue-time", "10m"]), QUEUE_STANDS);
    add(&database, 4, "finished", [Some(&since), Some(&since), Some(&since)]);
    assert_eq!(note(&[]), NOT_BACK_LONG);
    assert_eq!(note(&["--max-queue-time", "10m"]), "");
    let run = halfbuilt(&["scan", "--backup-time", BACKUP_TIME, "--restored-at", &restored]);
    let done = run.env("HALFBUILT_MAX_QUEUE_TIME", "10m").on(&database).run().exits(Exit::Clean);
    assert_eq!(Report::parse(&done.stdout).row("acme/api", "1")["deletable"], "yes");
}

#[test]
fn a_deletion_may_choose_by_timing() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, file) = scanned(&database);
    let all = Report::read(&file);
    let plan = |more: &[&str]| {
        let done =
            halfbuilt(&["delete"]).args(&[&file]).args(&NOBODY).args(more).on(&database).run().exits(Exit::Clean);
        Report::parse(&done.stdout)
    };
    for timing in ["stale", "in-flight", "ended"] {
        let some = plan(&["--timing", timing]);
        assert_eq!(some.count("decision", "delete"), all.count("timing", timing), "{timing}");
        assert_eq!(some.rows.len(), all.count("timing", timing), "{timing}");
    }
}

#[test]
fn times_that_cannot_be_used_are_one_clear_error() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let mut seen = Seen::default();
    for flags in [
        &["--backup-time", "2026-11-20T02:00:00"][..],
        &["--backup-time", RESTORED_AT, "--restored-at", BACKUP_TIME],
        &["--backup-time", BACKUP_TIME, "--restored-at", BACKUP_TIME],
        &[&TIMES[..], &["--clock-tolerance", "5h"]].concat(),
        &[&TIMES[..], &["--clock-tolerance", "soon"]].concat(),
        &[&TIMES[..], &["--max-queue-time", "soon"]].concat(),
    ] {
        for command in ["scan", "verify"] {
            let done = halfbuilt(&[command]).args(flags).on(&database).run().exits(Exit::Usage).fails_with("error:");
            seen.add(&format!("halfbuilt {command} {}", flags.join(" ")), &done);
        }
        let delete = halfbuilt(&["delete"]).args(&[&report]).args(&NOBODY).args(flags).on(&database).run();
        let line = format!("halfbuilt delete report.csv {}", flags.join(" "));
        seen.add(&line, &delete.exits(Exit::Usage).fails_with("error:"));
    }
    shows(&seen, "times_that_cannot_be_used");
    // As long as the time between them is not longer.
    scan(&database, &[&TIMES[..], &["--clock-tolerance", "4h 30m"]].concat());
}

#[test]
fn a_zone_in_brackets_is_a_zone() {
    let database = one_build("running", [Some("2026-11-20T00:30Z"), Some("2026-11-20T00:59:59Z"), None]);
    let judged = |time: &str| {
        let report = report(&database, &["--backup-time", time, "--restored-at", RESTORED_AT]);
        report.rows[0]["timing"].clone()
    };
    assert_eq!(judged("2026-11-20T02:00:00[Europe/Berlin]"), "in-flight");
    // An hour east of it, that build had not started.
    assert_eq!(judged("2026-11-20T02:00:00[Europe/Helsinki]"), "between");
}

#[test]
fn without_a_backup_time_the_database_suggests_one() {
    let database = TestDatabase::circleci(&["healthy"]);
    // Nobody has scanned it for days, and what was alive by then is not there yet.
    database.run("DELETE FROM builds WHERE greatest(queued_at, start_time) > '2026-11-21T00:00:00Z'");
    // A clock that was wrong once makes no quiet time.
    database.run("UPDATE builds SET queued_at = '1970-01-01T00:00:00Z' WHERE build_num = 1");
    let done = halfbuilt(&["scan"]).on(&database).run().exits(Exit::Clean);
    done.says("the longest quiet time in the database begins after 2026-11-20T02:00:00Z and ends 4h 30m 30s later")
        .says("--backup-time 2026-11-20T02:00:00Z")
        .says("--restored-at 2026-11-20T06:");
}

#[test]
fn a_database_in_which_nothing_was_written_since_suggests_its_last_write() {
    let database = TestDatabase::empty();
    database.load("sql/schema.sql");
    database.run(
        "INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time)
         SELECT 'github', 'a', 'b', n, 'https://ci.example/gh/a/b/' || n, 'running', 'running', at, at
           FROM generate_series(1, 20) AS n, LATERAL (SELECT timestamptz '2026-11-20T01:00:00Z' + n * interval '1 minute') AS t (at)",
    );
    let done = halfbuilt(&["scan"]).on(&database).run().exits(Exit::Clean);
    done.says("nothing was written since 2026-11-20T01:20:00Z")
        .says("20 builds were running then")
        .says("--backup-time 2026-11-20T01:20:00Z");
}

#[test]
fn a_database_without_a_time_suggests_nothing() {
    let database = TestDatabase::circleci(&[]);
    halfbuilt(&["scan"]).on(&database).run().exits(Exit::NothingInScope).does_not_say("hint:");
}

#[test]
fn with_a_backup_time_nothing_is_suggested() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean).does_not_say("quiet time");
}
