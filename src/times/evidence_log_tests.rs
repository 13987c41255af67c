//! What the log of a server says, and what it only quotes.

use super::tests::{at, backup, fixture, refused};
use super::*;
use crate::times::Moment;

/// A log until its server is shut down.
fn first_start(log: &str) -> String {
    log.lines().take_while(|line| !line.contains("received fast shutdown")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_log_of_a_start_after_a_crash_gives_bounds() {
    let file = fixture("crash.log");
    refused(&file, None, "holds 2 starts: 2026-12-01T06:56:37.888Z, 2026-12-01T06:56:41.185Z");
    refused(&file, Some("1"), "not before 2026-12-01T06:56:22Z");
    let said = Evidence::of(&file, Some("1")).expect("a log");
    let moments: Vec<Moment> = said.candidates().map(|known| known.moment).collect();
    assert_eq!(
        moments,
        [Moment::NotBefore(at("2026-12-01T06:56:22Z")), Moment::NotBefore(at("2026-12-01T06:56:40.863Z"))]
    );
}

#[test]
fn a_clean_start_gives_t_once_it_is_named() {
    let text = String::from_utf8(fixture("crash.log")).expect("UTF-8");
    let clean: Vec<&str> = text.lines().skip_while(|line| !line.contains("was shut down at")).collect();
    let clean = clean.join("\n");
    refused(clean.as_bytes(), None, "perhaps 2026-12-01T06:56:41Z, a guess");
    let hint = |text: &str, choice| {
        let said = Evidence::of(text.as_bytes(), choice).expect("a log");
        said.backup().expect_err("a guess").hint("a.log").expect("a hint")
    };
    assert!(hint(&clean, None).ends_with("was down, name it: a.log#2026-12-01T06:56:41.185Z"));
    for name in ["1", "2026-12-01T06:56:41.185Z"] {
        assert_eq!(backup(clean.as_bytes(), Some(name)), Ok(Moment::At(at("2026-12-01T06:56:41Z"))), "{name}");
    }
    // A zone and a start cannot both be named.
    let berlin = clean.replace(" UTC", " CET");
    assert!(!hint(&berlin, Some("Europe/Berlin")).contains('#'));
}

/// A copy of the folder of a server that was down, the log in it, looks the same as a restart.
#[test]
fn a_clean_start_after_an_old_recovery_is_one_of_two() {
    let log = "2026-11-05 03:00:00.100 UTC [1] LOG:  starting PostgreSQL 15.18 on x86_64\n\
               2026-11-05 03:00:00.200 UTC [2] LOG:  database system was interrupted; last known up at 2026-11-05 02:55:00 UTC\n\
               2026-11-05 03:00:02.001 UTC [2] LOG:  last completed transaction was at log time 2026-11-05 02:58:00.5+00\n\
               2026-11-05 03:00:03.000 UTC [1] LOG:  database system is ready to accept connections\n\
               2026-11-20 02:00:00.000 UTC [1] LOG:  received fast shutdown request\n\
               2026-11-20 02:00:01.000 UTC [1] LOG:  database system is shut down\n\
               2026-11-20 06:30:00.100 UTC [1] LOG:  starting PostgreSQL 15.18 on x86_64\n\
               2026-11-20 06:30:00.200 UTC [2] LOG:  database system was shut down at 2026-11-20 02:00:01 UTC\n\
               2026-11-20 06:30:00.300 UTC [1] LOG:  database system is ready to accept connections\n";
    refused(log.as_bytes(), None, "holds 2 starts: 2026-11-05T03:00:00.2Z, 2026-11-20T06:30:00.2Z");
    let several = Evidence::of(log.as_bytes(), None).expect("a log").is_of_one_backup();
    let hint = several.expect_err("two starts").hint("a.log");
    assert_eq!(hint.as_deref(), Some("name one after a #, as in a.log#2026-11-05T03:00:00.2Z"));
    let of = |name| backup(log.as_bytes(), Some(name));
    assert_eq!(of("1"), Ok(Moment::LastCommit(at("2026-11-05T02:58:00.5Z"))));
    assert_eq!(of("2"), Ok(Moment::At(at("2026-11-20T02:00:01Z"))));
    // Nor is a start left out of which nothing is known but that there was one.
    let cut = log.lines().take(7).collect::<Vec<_>>().join("\n");
    refused(cut.as_bytes(), None, "holds 2 starts: 2026-11-05T03:00:00.2Z, 2026-11-20T06:30:00.1Z");
    for announced in [
        "LOG:  starte PostgreSQL 15.18 on x86_64-pc-linux-gnu, compiled by gcc, 64-bit",
        "СООБЩЕНИЕ:  запускается PostgreSQL 15.18 on x86_64-pc-linux-gnu, compiled by gcc, 64-bit",
        "LOG:  database system was interrupted while in recovery at 2026-11-20 02:00:01 UTC",
    ] {
        let first = log.lines().take(4).collect::<Vec<_>>().join("\n");
        let log = format!("{first}\n2026-11-20 06:30:00.1 UTC [1] {announced}\n");
        refused(log.as_bytes(), None, "holds 2 starts: 2026-11-05T03:00:00.2Z, 2026-11-20T06:30:00.1Z");
    }
}

#[test]
fn a_log_with_several_recoveries_decides_nothing_until_one_is_named() {
    let [restore, crash] = ["pitr.log", "crash.log"].map(|name| String::from_utf8(fixture(name)).expect("UTF-8"));
    // The server of the restore crashed on the next day.
    let crash = first_start(&crash.replace("2026-12-01 ", "2026-12-02 "));
    let completed =
        "2026-12-02 06:56:40.742 UTC [1] LOG:  last completed transaction was at log time 2026-12-02 06:50:00+00\n";
    let crash = crash.replacen("2026-12-02 06:56:40.758", &format!("{completed}2026-12-02 06:56:40.758"), 1);
    let log = format!("{restore}{crash}");
    refused(log.as_bytes(), None, "holds 2 starts: 2026-12-01T06:56:41.458Z, 2026-12-02T06:56:37.888Z");
    let of_restore =
        Moment::Within { begin: at("2026-12-01T06:56:30.967065Z"), end: at("2026-12-01T06:56:33.219054Z") };
    let of_crash = Moment::LastCommit(at("2026-12-02T06:50:00Z"));
    for (name, expected) in [
        ("2026-12-01T06:56:41.458Z", of_restore),
        ("1", of_restore),
        ("2026-12-02T06:56:37.888Z", of_crash),
        ("2", of_crash),
    ] {
        assert_eq!(backup(log.as_bytes(), Some(name)), Ok(expected), "{name}");
    }
    refused(log.as_bytes(), Some("3"), "holds no start \"3\", but 2026-12-01T06:56:41.458Z");
    let said = Evidence::of(log.as_bytes(), None).expect("a log");
    let sources: Vec<&str> = said.candidates().map(|known| known.source.as_str()).collect();
    assert!(sources[0].contains(" of its start 1, at 2026-12-01T06:56:41.458Z: "), "{sources:?}");
    let several = said.is_of_one_backup().expect_err("two starts").hint("a.log");
    assert_eq!(several.as_deref(), Some("name one after a #, as in a.log#2026-12-01T06:56:41.458Z"));
    // A start and a zone cannot both be named.
    let berlin = log.replace(" UTC", " CET").replace("+00", "+01");
    let several = Evidence::of(berlin.as_bytes(), Some("Europe/Berlin")).expect("a log").is_of_one_backup();
    let several = several.expect_err("two starts");
    assert!(several.to_string().contains("holds 2 starts: 2026-12-01T05:56:41.458Z"), "{several}");
    let hint = several.hint("a.log");
    assert_eq!(hint.as_deref(), Some("cut the file to the start that is meant: none can be named where the zone is"));
}

#[test]
fn a_crash_after_a_clean_start_is_not_taken_for_the_restore() {
    let crash = first_start(&String::from_utf8(fixture("crash.log")).expect("UTF-8"));
    let clean = "2026-12-01 05:00:00.100 UTC [1] LOG:  database system was shut down at 2026-12-01 04:00:00 UTC\n\
                 2026-12-01 05:00:00.200 UTC [1] LOG:  database system is ready to accept connections\n";
    refused(
        format!("{clean}{crash}").as_bytes(),
        None,
        "holds 2 starts: 2026-12-01T05:00:00.1Z, 2026-12-01T06:56:37.888Z",
    );
    // What ended a recovery is no part of the start before.
    for begin in [
        "shutdown was interrupted; last known up at 2026-12-02 01:00:00 UTC",
        "was shut down in recovery at 2026-12-02 01:00:00 UTC",
        "was interrupted while in recovery at log time 2026-12-02 01:00:00 UTC",
    ] {
        let log = format!(
            "{crash}2026-12-02 05:00:00 UTC [1] LOG:  database system {begin}\n\
             2026-12-02 05:00:01 UTC [1] LOG:  last completed transaction was at log time 2026-12-02 01:00:00 UTC\n"
        );
        refused(log.as_bytes(), Some("2026-12-01T06:56:37.888Z"), "not before 2026-12-01T06:56:22Z");
        refused(log.as_bytes(), None, "holds 2 starts");
    }
}

#[test]
fn the_log_of_a_recovery_to_a_time_gives_t() {
    let file = fixture("pitr.log");
    let expected = Moment::Within { begin: at("2026-12-01T06:56:30.967065Z"), end: at("2026-12-01T06:56:33.219054Z") };
    assert_eq!(backup(&file, None), Ok(expected));
    let text = String::from_utf8(file).expect("UTF-8");
    let after = text.replace("stopping before", "stopping after");
    assert_eq!(backup(after.as_bytes(), None), Ok(Moment::LastCommit(at("2026-12-01T06:56:33.219054Z"))));
    let whole: Vec<&str> = text.lines().filter(|line| !line.contains("recovery stopping")).collect();
    assert_eq!(backup(whole.join("\n").as_bytes(), None), Ok(Moment::LastCommit(at("2026-12-01T06:56:30.967065Z"))));
}

#[test]
fn what_a_log_quotes_is_no_message_of_the_server() {
    let quoted = "2026-12-01 06:56:40 UTC [1] LOG:  statement: SELECT 'LOG:  last completed transaction was at log time 2026-12-01 06:00:00 UTC'\n\
                  2026-12-01 06:56:40 UTC [1] STATEMENT:  SELECT 'database system was shut down at 2026-12-01 06:00:00 UTC'\n";
    refused(quoted.as_bytes(), None, "none of the kinds that are known");
    let log = first_start(&String::from_utf8(fixture("crash.log")).expect("UTF-8"));
    let forged = "LOG:  last completed transaction was at log time 2026-12-01 06:30:00 UTC";
    let head = "2026-12-01 06:56:40 UTC [1]";
    for line in [
        format!("\t{forged}"),
        format!("{head} STATEMENT:  SELECT 1; -- {forged}"),
        format!("{head} ERROR:  invalid input syntax: \"{forged}"),
        format!("{head} LOG:  statement: SELECT '{forged}"),
        format!("{head} {forged} LOG:  connection received"),
        format!("{head} DEBUG1:  {forged}"),
        // What a collector puts before a line hides neither a tab nor the part of a message.
        format!("2026-12-01T06:56:40.123456789Z \t{forged}"),
        format!("db-1  | \t{forged}"),
        format!("2026-12-01T06:56:40.123456789Z stderr F \t{forged}"),
        format!("Dec  1 06:56:40 ci postgres[77]: #011{forged}"),
        format!("Dec  1 06:56:40 ci postgres[77]: [7-2] {forged}"),
        // Labels in other languages.
        format!("{head} ANWEISUNG:  SELECT 1; -- {forged}"),
        format!("{head} INSTRUCTION : SELECT 1; -- {forged}"),
        format!("{head} ОПЕРАТОР:  SELECT 1; -- {forged}"),
        format!("{head} 语句:  SELECT 1; -- {forged}"),
        format!("{head} 쿼리:SELECT 1; -- {forged}"),
        // What a label in small letters announces.
        format!("{head} duration: 3 ms  SELECT '{forged}"),
        format!("{head} duration: 3 ms  SELECT 1 -- {forged}"),
        format!("{head} statement: SELECT 1 -- {forged}"),
        format!("{head} SELECT '{forged}"),
        format!("{head} 語句：SELECT 1; -- {forged}"),
        format!("{head} app={forged} FEHLER:  Syntaxfehler"),
        format!("{head} app={forged} 오류:  x"),
    ] {
        let log = log.replacen('\n', &format!("\n{line}\n"), 2);
        refused(log.as_bytes(), None, "not before 2026-12-01T06:56:22Z");
        assert!(!log.is_empty() && log.contains(forged));
    }
    // Nor is what a collector puts before a message of the server in its way.
    for before in [
        "db-1  | ",
        "2026-12-01T06:56:40.123456789Z ",
        "Dec  1 06:56:40 ci postgres[77]: [7-1] ",
        "Dec  1 06:56:40 ci postgresql: ",
    ] {
        let log = log.replacen("2026-12-01 06:56:40.758", &format!("{head} {forged}\n2026-12-01 06:56:40.758"), 1);
        let log: String = log.lines().map(|line| format!("{before}{line}\n")).collect();
        assert_eq!(backup(log.as_bytes(), None), Ok(Moment::LastCommit(at("2026-12-01T06:30:00Z"))), "{before}");
    }
    let said = log.replace("redo done at 0/4000068", &forged[6..]);
    assert_eq!(backup(said.as_bytes(), None), Ok(Moment::LastCommit(at("2026-12-01T06:30:00Z"))));
}

#[test]
fn logs_as_csv_and_json_are_refused_as_such() {
    let csv = "2026-12-01 06:56:37.888 UTC,,,21,,6a2,1,,2026-12-01 06:56:37 UTC,,0,LOG,00000,\"database system was interrupted; \
               last known up at 2026-12-01 06:56:22 UTC\",,,,,,,,,\"\",\"startup\",,0\n";
    let quoting = "2026-12-01 07:56:37.888 UTC,\"ci\",\"ci, the second\",22,,6a2,1,,2026-12-01 06:56:37 UTC,,0,FEHLER,42601,\"x\",,,,,,\
                   \"SELECT 1 -- LOG:  last completed transaction was at log time 2026-12-01 06:30:00 UTC\",,,\"\",\"client backend\",,0\n";
    let broken = quoting.replace("SELECT 1 -- ", "SELECT 1 --\nrmgr: x, desc: COMMIT \n");
    for csv in [csv.to_owned(), quoting.to_owned(), format!("{csv}{quoting}"), broken] {
        refused(csv.as_bytes(), None, "it is a log as CSV, and only the server's own text is read");
    }
    let json = r#"{"timestamp":"2026-12-01 06:56:37.888 UTC","pid":21,"error_severity":"LOG","message":"database system is ready"}"#;
    let docker = r#"{"log":"2026-12-01 06:56:37.880 UTC [1] LOG:  database system is ready to accept connections\n","stream":"stderr"}"#;
    let collected = format!("2026-12-01T06:56:40.1Z {json}");
    for line in [json, docker, &collected] {
        for lines in [line.to_owned(), format!("{line}\n{line}\n")] {
            refused(lines.as_bytes(), None, "it is a log as JSON, and only the server's own text is read");
        }
    }
    let error = Evidence::of(csv.as_bytes(), None).expect_err("CSV");
    assert!(error.hint("a.csv").is_some_and(|hint| hint.starts_with("save the server's own text")));
    // What a statement quotes makes no text a CSV or JSON.
    let log = first_start(&String::from_utf8(fixture("crash.log")).expect("UTF-8"));
    for quoted in [csv.trim_end(), json] {
        let log = format!("{log}2026-12-01 06:57:00 UTC [1] STATEMENT:  {quoted}\n\t{quoted}\n");
        refused(log.as_bytes(), None, "not before 2026-12-01T06:56:22Z");
    }
}

/// Of a start a person says which it is; of a snapshot that failed nobody can say that it is whole.
#[test]
fn a_name_makes_a_guess_certain_in_logs_only() {
    let failed = br#"{"Snapshots":[{"SnapshotId":"snap-1","State":"error","StartTime":"2026-11-20T02:00:00Z"}]}"#;
    for choice in [None, Some("snap-1")] {
        refused(failed, choice, "a guess");
        let error = Evidence::of(failed, choice).expect("a snapshot").backup().map(|_| ()).expect_err("a guess");
        assert!(error.hint("a.json").is_some_and(|hint| !hint.contains("name it")));
    }
}
