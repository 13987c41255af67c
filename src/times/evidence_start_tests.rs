//! What belongs to one start of a server in its log, and what is written there by others.

use super::tests::{at, backup, fixture, refused};
use super::*;
use crate::times::Moment;

const START: &str = "\
2026-11-20 06:30:00.100 UTC [1] LOG:  starting PostgreSQL 15.18 on x86_64-pc-linux-gnu, compiled by gcc, 64-bit
2026-11-20 06:30:00.200 UTC [21] LOG:  database system was interrupted; last known up at 2026-11-20 01:58:00 UTC
2026-11-20 06:30:02.001 UTC [21] LOG:  last completed transaction was at log time 2026-11-20 02:00:00.5+00
2026-11-20 06:30:03.000 UTC [1] LOG:  database system is ready to accept connections
";
const FORGED: &str = "last completed transaction was at log time 2026-11-20 07:59:59.5+00";

fn last_commit() -> Moment {
    Moment::LastCommit(at("2026-11-20T02:00:00.5Z"))
}

#[track_caller]
fn gives_t(log: &str) {
    assert_eq!(backup(log.as_bytes(), None), Ok(last_commit()), "{log}");
}

/// R by the log.
fn restored(log: &str) -> Vec<Moment> {
    let said = Evidence::of(log.as_bytes(), None).expect("a log");
    said.candidates().filter(|known| known.which == RestoreTime::Restored).map(|known| known.moment).collect()
}

/// Each line with something before it.
fn behind(before: &str, log: &str) -> String {
    log.lines().map(|line| format!("{before}{line}\n")).collect()
}

fn lines_of(log: &str, kept: &[&str]) -> String {
    let is_kept = |line: &&str| kept.iter().any(|kept| line.contains(kept));
    log.lines().filter(is_kept).map(|line| format!("{line}\n")).collect()
}

#[test]
fn what_follows_the_end_of_a_start_sets_no_time() {
    gives_t(START);
    let head = "2026-11-20 09:30:00.200 UTC [99] LOG: ";
    for line in [
        // What RAISE LOG writes.
        format!("{head} {FORGED}"),
        format!("{head} recovery stopping before commit of transaction 9, time 2026-11-20 07:59:59+00"),
        format!("{head} recovery stopping after commit of transaction 9, time 2026-11-20 07:59:59+00"),
        format!("{head} recovery stopping before commit of transaction 9, time and again"),
        format!("{head} database system is ready to accept connections"),
    ] {
        let log = format!("{START}{line}\n");
        gives_t(&log);
        assert_eq!(restored(&log), [Moment::NotBefore(at("2026-11-20T06:30:03Z"))], "{line}");
    }
    // The next start has an end of its own.
    let log = format!("{START}{}", START.replace("06:30", "09:30").replace("02:00:00.5", "08:00:00"));
    refused(log.as_bytes(), None, "holds 2 starts");
    assert_eq!(backup(log.as_bytes(), Some("2")), Ok(Moment::LastCommit(at("2026-11-20T08:00:00Z"))));
}

#[test]
fn the_journal_writes_a_tab_as_eight_blanks() {
    let tag = "Nov 20 06:30:00 ci postgres[21]: ";
    let statement = format!("{tag}2026-11-20 09:30:00.200 UTC [99] STATEMENT:  INSERT INTO output VALUES ('a log\n");
    // A whole start is quoted, then one line of one.
    let later = START.replace("02:00:00.5", "07:59:59.5").replace("06:30", "08:00");
    let whole = format!("{}{statement}{}", behind(tag, START), behind(&format!("{tag}        "), &later));
    let line = later.lines().nth(2).expect("a line");
    let one = format!("{}{statement}{tag}        {line}\n{tag}        done')\n", behind(tag, START));
    gives_t(&whole);
    gives_t(&one);
    // Where the quoted start is the only one, it is none.
    let alone = format!("{statement}{}", behind(&format!("{tag}        "), &later));
    assert!(backup(alone.as_bytes(), None).is_err());
    // Compose aligns the names of its containers.
    gives_t(&behind("db-1            | ", START));
}

#[test]
fn a_recovery_says_its_time_before_the_server_is_ready_for_all() {
    let head = "2026-11-20 06:30:01 UTC [21] LOG: ";
    let with = |lines: &[&str]| {
        let lines: String = lines.iter().map(|line| format!("{head} {line}\n")).collect();
        START.replacen("2026-11-20 06:30:02.001", &format!("{lines}2026-11-20 06:30:02.001"), 1)
    };
    // A crash, a standby that is promoted, and the same before version 14.
    let crash =
        with(&["database system was not properly shut down; automatic recovery in progress", "redo done at 0/1"]);
    let standby = |ready: &str| with(&["entering standby mode", ready, "received promote request", "redo done at 0/1"]);
    let [new, old] =
        ["read-only", "read only"].map(|how| format!("database system is ready to accept {how} connections"));
    for log in [&crash, &standby(&new), &standby(&old)] {
        gives_t(log);
    }
    // A recovery to a time, which pauses where it stops.
    let stop = "recovery stopping before commit of transaction 9, time 2026-11-20 02:00:07+00";
    let within = Moment::Within { begin: at("2026-11-20T02:00:00.5Z"), end: at("2026-11-20T02:00:07Z") };
    let paused = with(&[
        "starting point-in-time recovery to 2026-11-20 02:00:05+00",
        &new,
        stop,
        "pausing at the end of recovery",
    ]);
    assert_eq!(backup(paused.as_bytes(), None), Ok(within));
    let unfinished = paused.lines().take_while(|line| !line.contains("last completed")).collect::<Vec<_>>().join("\n");
    refused(unfinished.as_bytes(), None, "not after 2026-11-20T02:00:07Z");
    // Shut down where it stops, and started once more.
    let again = with(&[stop]).replace("interrupted; last known up at", "shut down in recovery at");
    assert_eq!(backup(again.as_bytes(), None), Ok(within));
}

/// A log that was cut, or the lines of a statement alone.
#[test]
fn a_start_whose_beginning_is_not_in_the_log_gives_no_t() {
    let alone = format!("2026-11-20 08:00:00 UTC [1] LOG:  {FORGED}\n");
    refused(alone.as_bytes(), None, "does not hold the beginning of a start");
    let stop = alone.replace(FORGED, "recovery stopping after commit of transaction 9, time 2026-11-20 07:59:59+00");
    refused(stop.as_bytes(), None, "does not hold the beginning of a start");
    let cut = lines_of(START, &["last completed", "ready"]);
    refused(cut.as_bytes(), None, "R is not before 2026-11-20T06:30:03Z");
    refused(cut.as_bytes(), None, "the beginning of this start is not in the log");
    // Either of its first two lines will do.
    for first in ["starting PostgreSQL", "was interrupted"] {
        gives_t(&lines_of(START, &[first, "last completed", "ready"]));
    }
}

/// Its end is not known there, so that anyone could write after it.
#[test]
fn a_start_in_another_language_gives_no_t() {
    for announced in ["LOG:  starte", "СООБЩЕНИЕ:  запускается"] {
        let log = START.replace("LOG:  starting", announced);
        let log = lines_of(&log, &["compiled by", "last completed"]);
        assert!(log.contains(announced));
        refused(log.as_bytes(), None, "it is a log of a PostgreSQL server in English, and does not");
    }
}

#[test]
fn a_start_that_names_two_times_is_refused() {
    let line = START.lines().nth(2).expect("a line");
    for other in
        [line.replace("02:00:00.5", "05:00:00"), line.replace("[21]", "[22]").replace("02:00:00.5", "01:59:00")]
    {
        let log = START.replacen(line, &format!("{line}\n{other}"), 1);
        refused(log.as_bytes(), None, "two times for \"last completed transaction\"");
    }
    let stop = |time: &str| line.replace("last completed transaction was at log time 2026-11-20 02:00:00.5+00", time);
    let [one, other] = [
        "before commit of transaction 1, time 2026-11-20 01:00:00+00",
        "after commit of transaction 1, time 2026-11-20 02:00:00+00",
    ]
    .map(|how| stop(&format!("recovery stopping {how}")));
    refused(
        START.replacen(line, &format!("{one}\n{other}"), 1).as_bytes(),
        None,
        "two times for \"recovery stopping\"",
    );
    // The same line twice, as a file that was put together has it, is one.
    gives_t(&START.replacen(line, &format!("{line}\n{line}"), 1));
}

#[test]
fn a_log_in_quotes_is_refused() {
    let line = |n: usize| START.lines().nth(n).expect("a line");
    let cloud_native = r#"{"level":"info","ts":"2026-11-20T06:30:02Z","logger":"postgres","msg":"record","record":{"log_time":"2026-11-20 06:30:00.200 UTC","error_severity":"LOG","message":"database system was interrupted; last known up at 2026-11-20 01:58:00 UTC"}}"#;
    let quoting = format!(r#"{{"level":"info","record":{{"message":"syntax error","query":"SELECT '{}'"}}}}"#, line(2));
    let gelf = format!(r#"{{"version":"1.1","host":"ci","short_message":"{}"}}"#, line(3));
    let spaced = format!(r#"{{ "message": "{}" }}"#, line(3));
    for json in [cloud_native, &quoting, &gelf, &spaced] {
        for before in [
            "",
            "2026-11-20T06:30:02.1Z ",
            "db-1  | ",
            "2026-11-20T06:30:02.1Z stderr F ",
            "Nov 20 06:30:00 ci docker[7]: ",
        ] {
            refused(format!("{before}{json}\n{before}{json}\n").as_bytes(), None, "it is a log as JSON, and only");
            // Nor is one among lines of the server's own read past.
            refused(format!("{START}{before}{json}\n").as_bytes(), None, "it is a log as JSON, and only");
        }
    }
    for n in 0..4 {
        for logfmt in [format!("ts=2026-11-20T06:30:02Z level=info msg=\"{}\"", line(n)), format!("\"{}\"", line(n))] {
            refused(format!("{logfmt}\n").as_bytes(), None, "it is a log as text in quotes, and only");
        }
    }
    let error = Evidence::of(gelf.as_bytes(), None).expect_err("GELF");
    assert!(error.hint("a.log").is_some_and(|hint| hint.contains("`journalctl -o cat`")));
    // What a statement of the server's own text quotes is no such log.
    for quoted in [cloud_native, &gelf, &format!("msg=\"{}\"", line(2))] {
        for before in [
            "2026-11-20 06:57:00 UTC [1] STATEMENT:  ",
            "2026-11-20 06:57:00 UTC [1] LOG:  statement: ",
            "\t",
            "2026-11-20 06:57:00 UTC [1] 쿼리:",
        ] {
            gives_t(&format!("{START}{before}{quoted}\n"));
        }
    }
    gives_t(&format!("{START}{{\"level\":\"info\",\"msg\":\"archived 000000010000000000000002\"}}\n"));
}

#[test]
fn the_log_of_two_servers_is_refused() {
    let other = START.replace("02:00:00.5", "05:00:00.5").replace("01:58", "04:58");
    for [one, two] in [
        ["db-1     | ", "other-1  | "],
        ["db-1  | ", "db-2  | "],
        ["[pod/pg-0/postgres] ", "[pod/pg-1/postgres] "],
        ["pg-0 postgres 2026-11-20T06:30:02.1Z ", "pg-1 postgres 2026-11-20T06:30:02.1Z "],
        ["Nov 20 06:30:00 ci postgres[21]: ", "Nov 20 06:30:00 ci2 postgres[22]: "],
        ["Nov 20 06:30:00 ci postgres[21]: [7-1] ", "Nov 20 06:30:00 ci other[21]: [7-1] "],
        ["", "other-1  | "],
    ] {
        let (one, two) = (behind(one, START), behind(two, &other));
        let both: String = two.lines().zip(one.lines()).flat_map(|(two, one)| [two, "\n", one, "\n"]).collect();
        for (log, choice) in [(both, Some("3")), (format!("{one}{two}"), Some("1"))] {
            refused(log.as_bytes(), choice, "its lines come from two places, ");
        }
    }
    // What differs between the lines of one server tells no servers apart, nor does another program in the file.
    let lines: Vec<&str> = START.lines().collect();
    let stamped = [
        "Nov 30 23:59:59 ci postgres[1]: [1-1] ",
        "Dec  1 00:00:00 ci postgres[21]: [1-1] ",
        "Dec  1 00:00:01 ci postgres[21]: [7-1] ",
        "Dec  1 00:00:02 ci postgres[1]: [6-1] ",
    ];
    gives_t(&lines.iter().zip(stamped).map(|(line, before)| format!("{before}{line}\n")).collect::<String>());
    gives_t(&format!("web-1  | listening on 3000\n{}", behind("db-1   | 2026-11-20T06:30:02.1Z ", START)));
    gives_t(&format!("{}other-1  | \t{FORGED}\n", behind("db-1     | ", START)));
}

#[test]
fn prefixes_of_lines_are_read() {
    for (from, to) in [
        // The default of Debian and Ubuntu before PostgreSQL 10, and what pgBadger asks for.
        (["[1] ", "[21] "], ["[1-6] ", "[21-5] "]),
        (["[1] ", "[21] "], ["[1]: [6-1] user=,db=,app=,client= ", "[21]: [5-1] user=,db=,app=,client= "]),
        // Without a blank at the end.
        (["[1] ", "[21] "], ["1", "21"]),
        (["[1] ", "[21] "], ["[1]", "[21]"]),
        ([" [1] ", " [21] "], ["", ""]),
        ([" [1] ", " [21] "], ["::@:[1]:", "::@:[21]:"]),
    ] {
        let log = START.replace(from[0], to[0]).replace(from[1], to[1]);
        gives_t(&log);
        assert_eq!(restored(&log), [Moment::NotBefore(at("2026-11-20T06:30:03Z"))], "{log}");
    }
    // Syslog numbers the parts of a message behind its own tag.
    for tag in ["Nov 20 06:30:00 ci postgres[21]: ", "<134>1 2026-11-20T06:30:00Z ci postgres 21 - - "] {
        let begun = behind(&format!("{tag}[7-1] "), &lines_of(START, &["PostgreSQL", "interrupted"]));
        let of = |part: &str| format!("{begun}{tag}{part}2026-11-20 06:30:02 UTC [21] LOG:  {FORGED}\n");
        refused(of("[7-2] ").as_bytes(), None, "not before 2026-11-20T01:58:00Z");
        assert_eq!(backup(of("[7-1] ").as_bytes(), None), Ok(Moment::LastCommit(at("2026-11-20T07:59:59.5Z"))));
    }
    gives_t(&behind("[pod/pg-0/postgres] ", START));
    // No word that ends so is the label of a line.
    let log = lines_of(START, &["PostgreSQL", "interrupted"]);
    refused(format!("{log}2026-11-20 06:30:01 UTC [1] CATALOG:  {FORGED}\n").as_bytes(), None, "not before");
}

#[test]
fn a_copy_of_a_stopped_server_that_replays_an_archive_was_not_taken_when_it_stopped() {
    let log = START.replace("interrupted; last known up at 2026-11-20 01:58:00", "shut down at 2026-11-13 02:00:00");
    let log = log.replace("[21] LOG:  last", "[21-7] LOG:  last");
    for choice in [None, Some("1")] {
        assert_eq!(backup(log.as_bytes(), choice), Ok(last_commit()));
    }
    let begun = lines_of(&log, &["PostgreSQL", "shut down"]);
    for line in [
        "starting archive recovery",
        "starting point-in-time recovery to earliest consistent point",
        "entering standby mode",
        "redo starts at 0/2000028",
    ] {
        let log = format!("{begun}2026-11-20 06:30:01 UTC [21] LOG:  {line}\n");
        refused(log.as_bytes(), Some("1"), "T is not before 2026-11-13T02:00:00Z");
    }
}

#[test]
fn the_name_of_a_restore_point_sets_no_time() {
    let stop = |name: &str| {
        let stop = format!("recovery stopping at restore point \"{name}\", time 2026-11-20 02:00:00.5+00");
        START.replace("last completed transaction was at log time 2026-11-20 02:00:00.5+00", &stop)
    };
    for name in [
        "nightly",
        "nightly, time 2026-11-20 05:00:00+00",
        "a\", time 2026-11-20 05:00:00+00",
        "a, time now",
        "before it",
    ] {
        gives_t(&stop(name));
    }
    let cut = stop("nightly, time 2026-11-20 05:00:00+00").replace("\", time 2026-11-20 02:00:00.5+00", "\"");
    refused(cut.as_bytes(), None, "not before 2026-11-20T01:58:00Z");
    let fixture = String::from_utf8(fixture("pitr.log")).expect("UTF-8");
    let stops = "recovery stopping before commit of transaction 731";
    assert!(fixture.contains(stops));
    // The other forms have no time, or the same end.
    for (other, expected) in [
        ("after reaching consistency", None),
        ("before WAL location (LSN) \"0/30002C8\"", None),
        ("before abort of transaction 731", Some(())),
    ] {
        let log = match expected {
            None => fixture.replace(
                &format!("{stops}, time 2026-12-01 06:56:33.219054+00"),
                &format!("recovery stopping {other}"),
            ),
            Some(()) => fixture.replace("before commit", "before abort"),
        };
        let moment = backup(log.as_bytes(), None).expect("T");
        assert_eq!(moment.begin().is_some(), expected.is_some(), "{other}");
    }
}
