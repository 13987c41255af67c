//! What each kind of file says, and what is refused of it.

use super::*;
use crate::times::Moment;
use crate::times::kind::BACKUPS_READ;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/fixtures/times/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn at(text: &str) -> jiff::Timestamp {
    text.parse().expect("a time")
}

fn backup(bytes: &[u8], choice: Option<&str>) -> Result<Moment, String> {
    let said = Evidence::of(bytes, choice).map_err(|error| error.to_string())?;
    said.backup().map(|known| known.moment).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(bytes: &[u8], choice: Option<&str>, expected: &str) {
    let why = backup(bytes, choice).expect_err(expected);
    assert!(why.contains(expected), "{why}");
}

#[test]
fn a_snapshot_was_taken_when_it_was_asked_for_and_a_copy_does_not_say_when() {
    let file = fixture("ebs.json");
    let expected = Moment::At(at("2026-11-20T02:00:00.384Z"));
    for name in ["snap-01234567890abcdef", "vol-049df61146c4d7901"] {
        assert_eq!(backup(&file, Some(name)), Ok(expected), "{name}");
    }
    refused(&file, None, "holds 2 snapshots: snap-01234567890abcdef, snap-0fedcba9876543210");
    refused(&file, Some("snap-0fedcba9876543210"), "T is not after 2026-11-20T03:10:02.101Z");
    refused(&file, Some("snap-2"), "holds no snapshot \"snap-2\", but snap-01234567890abcdef, snap-0fedcba9876543210");
}

#[test]
fn snapshots_of_one_request_have_one_time() {
    let of = |second: &str| {
        let snapshot = |id: &str, time: &str| format!("{{\"SnapshotId\":\"{id}\",\"StartTime\":\"{time}\"}}");
        let both = [snapshot("snap-1", "2026-11-20T02:00:00Z"), snapshot("snap-2", second)].join(",");
        format!("{{\"Snapshots\":[{both}]}}")
    };
    let same = of("2026-11-20T03:00:00+01:00");
    assert_eq!(backup(same.as_bytes(), None), Ok(Moment::At(at("2026-11-20T02:00:00Z"))));
    refused(of("2026-11-20T02:00:01Z").as_bytes(), None, "holds 2 snapshots");
    for text in ["1970-01-01T00:00:00Z", "", "yesterday"] {
        refused(of(text).as_bytes(), None, "the StartTime of its snapshot snap-2 is missing, or no time");
    }
    refused(b"{\"Snapshots\":[]}", None, "holds no snapshot");
    refused(b"{\"Snapshots\":[{}]}", None, "snapshot 1 in it has no SnapshotId");
}

#[test]
fn a_copy_file_by_file_is_an_interval() {
    let file = fixture("velero.json");
    let expected = Moment::Within { begin: at("2026-11-20T01:58:43Z"), end: at("2026-11-20T02:07:12Z") };
    for choice in [None, Some("data"), Some("nightly-20261120015830-x7k2p")] {
        assert_eq!(backup(&file, choice), Ok(expected), "{choice:?}");
    }
    let text = String::from_utf8(file).expect("UTF-8");
    refused(text.replace("Completed", "Failed").as_bytes(), None, "its phase is Failed");
    refused(text.replace("completionTimestamp", "x").as_bytes(), None, "not before 2026-11-20T01:58:43Z");
    refused(text.replace("startTimestamp", "x").as_bytes(), None, "does not say when it began");
    refused(text.replace("02:07:12", "01:07:12").as_bytes(), None, "was complete before it began");
    refused(text.replace("\"PodVolumeBackup\"", "\"Pod\"").as_bytes(), None, "item 1 of it is a Pod");
    refused(text.replace("velero.io/v1", "postgresql.cnpg.io/v1").as_bytes(), None, "of postgresql.cnpg.io/v1");
    let single = br#"{"apiVersion":"velero.io/v1","kind":"Backup","metadata":{"name":"nightly"},"spec":{},
        "status":{"phase":"Completed","startTimestamp":"2026-11-20T01:58:43Z","completionTimestamp":"2026-11-20T02:07:12Z"}}"#;
    assert_eq!(backup(single, None), Ok(expected));
    refused(br#"{"kind":"List","items":[]}"#, None, "holds no backup and no restore");
}

#[test]
fn a_restore_says_when_the_database_did_not_run_yet() {
    let text = String::from_utf8(fixture("restore.json")).expect("UTF-8");
    let of = |text: &str| {
        let said = Evidence::of(text.as_bytes(), None).expect("a restore");
        said.candidates().map(|known| (known.which, known.moment, known.trap.to_string())).next().expect("a candidate")
    };
    let (which, moment, trap) = of(&text);
    assert_eq!((which, moment), (RestoreTime::Restored, Moment::NotBefore(at("2026-11-20T06:27:40Z"))));
    assert!(trap.starts_with("its phase is PartiallyFailed"), "{trap}");
    let (_, _, trap) = of(&text.replace("PartiallyFailed", "Completed"));
    assert!(trap.starts_with("the database came back after that, unless"), "{trap}");
    let (_, moment, _) = of(&text.replace("completionTimestamp", "x").replace("PartiallyFailed", "InProgress"));
    assert_eq!(moment, Moment::NotBefore(at("2026-11-20T06:11:02Z")));
    let (which, _, trap) = of(&text.replace("\"Restore\"", "\"PodVolumeRestore\""));
    assert!(
        which == RestoreTime::Restored && trap.ends_with("a pod starts when all of its volumes are there"),
        "{trap}"
    );
    refused(text.as_bytes(), None, "it does not say T: R is not before 2026-11-20T06:27:40Z");
    refused(text.replace("startTimestamp", "x").as_bytes(), None, "nightly-restore does not say when it began");
}

#[test]
fn other_snapshots_have_their_own_fields() {
    let expected = Ok(Moment::At(at("2026-11-20T02:00:00.384Z")));
    assert_eq!(backup(&fixture("rds.json"), Some("ci-nightly-copy")), expected);
    let rds = String::from_utf8(fixture("rds.json")).expect("UTF-8");
    refused(rds.replace("Original", "Other").as_bytes(), None, "T is not after 2026-11-20T03:10:02.101Z");
    let original = rds.replace("OriginalSnapshotCreateTime", "x").replace("SourceDBSnapshotIdentifier", "y");
    assert_eq!(backup(original.as_bytes(), None), Ok(Moment::At(at("2026-11-20T03:10:02.101Z"))));
    for choice in [None, Some("ci-nightly"), Some("ci-data")] {
        assert_eq!(backup(&fixture("gcp.json"), choice), expected, "{choice:?}");
    }
    let gcp = String::from_utf8(fixture("gcp.json")).expect("UTF-8");
    assert_eq!(backup(gcp.trim().trim_matches(['[', ']']).as_bytes(), None), expected);
    refused(gcp.replace("READY", "FAILED").as_bytes(), None, "its status is FAILED");
    refused(&fixture("images.json"), None, "`aws ec2 describe-snapshots --snapshot-ids snap-01234567890abcdef`");
    assert_eq!(
        backup(&fixture("volumesnapshot.json"), Some("data-postgresql-0")),
        Ok(Moment::At(at("2026-11-20T02:00:00Z")))
    );
    let volume = String::from_utf8(fixture("volumesnapshot.json")).expect("UTF-8");
    refused(volume.replace("\"readyToUse\": true", "\"error\": {}").as_bytes(), None, "it has an error");
    refused(
        volume.replace("snapshot.storage.k8s.io/v1", "velero.io/v1").as_bytes(),
        None,
        "not of snapshot.storage.k8s.io",
    );
    refused(volume.replace("creationTime\"", "x\"").as_bytes(), None, "does not say when it was taken");
}

#[test]
fn a_base_backup_is_of_its_end() {
    assert_eq!(backup(&fixture("base.backup"), None), Ok(Moment::At(at("2026-12-01T06:56:24Z"))));
    refused(&fixture("backup_label"), None, "not before 2026-12-01T06:56:22Z");
    let label = String::from_utf8(fixture("base.backup")).expect("UTF-8");
    let forged = label.replace("LABEL: nightly", "LABEL: nightly\nSTOP TIME: 2026-12-01 09:00:00 UTC");
    refused(forged.as_bytes(), None, "STOP TIME stands in it twice");
    refused(label.replace("06:56:24", "05:56:24").as_bytes(), None, "its STOP TIME is before its START TIME");
    // A label of a backup that has not ended forges its end.
    let begun = String::from_utf8(fixture("backup_label")).expect("UTF-8");
    for stop in ["STOP TIME: 2026-12-01 09:00:00 UTC", "STOP WAL LOCATION: 0/3\nSTOP TIME: 2026-12-01 09:00:00 UTC"] {
        let label = begun.lines().find(|line| line.starts_with("LABEL: ")).expect("a label");
        let forged = begun.replace(label, &format!("{label}\n{stop}"));
        refused(forged.as_bytes(), None, "not before 2026-12-01T06:56:22Z");
    }
    let forged = label.replace("LABEL: nightly", "LABEL: nightly\nSTART TIME: 2026-12-01 09:00:00 UTC");
    assert_eq!(backup(forged.as_bytes(), None), Ok(Moment::At(at("2026-12-01T06:56:24Z"))));
    refused(b"START WAL LOCATION: 0/2000028", None, "neither START TIME nor STOP TIME");
    // Nor does a label where the file's own end is cut off.
    let forged = label.replace("LABEL: nightly", "LABEL: nightly\nSTOP TIME: 2026-12-01 09:00:00 UTC");
    let own_end = forged.find("START TIMELINE").expect("its end");
    let own_time = forged.rfind("STOP TIME:").expect("its time");
    for cut in own_end..own_time {
        refused(&forged.as_bytes()[..cut], None, "does not end with START TIMELINE, STOP TIME and STOP TIMELINE");
    }
    for cut in own_time - own_end..label.trim_end().len() {
        assert!(backup(&label.as_bytes()[..cut], None).is_err(), "{cut}");
    }
    let incremental = format!("{label}INCREMENTAL FROM LSN: 0/1000028\nINCREMENTAL FROM TLI: 1\n");
    for whole in [label.trim_end().to_owned(), label.replace('\n', "\r\n"), incremental] {
        assert_eq!(backup(whole.as_bytes(), None), Ok(Moment::At(at("2026-12-01T06:56:24Z"))), "{whole}");
    }
}

#[test]
fn a_zone_that_says_too_little_is_asked_for() {
    let label = String::from_utf8(fixture("base.backup")).expect("UTF-8").replace(" UTC", " CET");
    refused(label.as_bytes(), None, "zone \"CET\", a name that several zones have");
    assert_eq!(backup(label.as_bytes(), Some("Europe/Berlin")), Ok(Moment::At(at("2026-12-01T05:56:24Z"))));
    refused(label.as_bytes(), Some("America/New_York"), "zone \"CET\"");
}

#[test]
fn a_backup_of_pgbackrest_is_asked_for_by_its_label() {
    let file = fixture("pgbackrest.json");
    let expected = Moment::At(jiff::Timestamp::from_second(1_796_108_704).expect("a time"));
    for choice in ["20261201-070457F", "ci/20261201-070457F"] {
        assert_eq!(backup(&file, Some(choice)), Ok(expected), "{choice}");
    }
    refused(&file, None, "holds 2 backups: 20261201-070457F, 20261201-070457F_20261201-070507I");
    refused(br#"[{"name":"ci","backup":[]}]"#, None, "holds no backup");
    refused(br#"[{"name":"ci","backup":[{"label":"a","timestamp":{"stop":0}}]}]"#, None, "timestamp.stop of backup a");
    let text = String::from_utf8(file).expect("UTF-8");
    let swapped = text.replace("\"stop\":1796108704", "\"stop\":1");
    assert!(swapped != text);
    refused(swapped.as_bytes(), None, "timestamp.stop of backup 20261201-070457F is before its timestamp.start");
    refused(br#"[{"name":"ci","backup":[{}]}]"#, None, "a backup of its stanza ci has no label");
}

#[test]
fn the_last_commit_before_the_end_of_the_recovery_is_found() {
    let file = fixture("waldump.txt");
    let expected = Moment::LastCommit(at("2026-12-01T06:56:34.302683Z"));
    assert_eq!(backup(&file, None), Ok(expected));
    // After a clean restart there are two such checkpoints.
    let text = String::from_utf8(file).expect("UTF-8");
    let restarted =
        format!("{text}{}", text.lines().nth(2).expect("a checkpoint").replace("lsn: 0/04000090", "lsn: 0/040002C8"));
    refused(restarted.as_bytes(), None, "holds 2 shutdown checkpoints: 0/04000090, 0/040002C8");
    assert_eq!(backup(restarted.as_bytes(), Some("0/04000090")), Ok(expected));
    let of = |kept: &str| text.lines().filter(|line| line.contains(kept)).collect::<Vec<_>>().join("\n");
    refused(of("COMMIT").as_bytes(), None, "no CHECKPOINT_SHUTDOWN follows a COMMIT in it");
    refused(of("CHECKPOINT").as_bytes(), None, "holds no COMMIT");
}

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
        let line = format!("{before}{head} {forged}\n");
        let log: String = log.lines().map(|line| format!("{before}{line}\n")).chain([line]).collect();
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
        refused(csv.as_bytes(), None, "it is a log as CSV, and logs as CSV or JSON are not read");
    }
    let json = r#"{"timestamp":"2026-12-01 06:56:37.888 UTC","pid":21,"error_severity":"LOG","message":"database system is ready"}"#;
    let docker = r#"{"log":"2026-12-01 06:56:37.880 UTC [1] LOG:  database system is ready to accept connections\n","stream":"stderr"}"#;
    let collected = format!("2026-12-01T06:56:40.1Z {json}");
    for line in [json, docker, &collected] {
        for lines in [line.to_owned(), format!("{line}\n{line}\n")] {
            refused(lines.as_bytes(), None, "it is a log as JSON, and logs as CSV or JSON are not read");
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

#[test]
fn what_is_no_evidence_is_refused() {
    for bytes in
        [&b""[..], b"{", b"{}", b"[]", b"[1]", b"{\"kind\":\"Pod\"}", b"\x1f\x8b", b"a,b\n1,2\n", b"[[[[", b"null"]
    {
        refused(bytes, None, "none of the kinds that are known");
    }
    let deep = [b"{\"Snapshots\":".as_slice(), &b"[".repeat(100_000)].concat();
    assert!(Evidence::of(&deep, None).is_err());
    let many = format!("{{\"Snapshots\":[{}{{}}]}}", "{},".repeat(BACKUPS_READ));
    refused(many.as_bytes(), None, "a list is longer than 10000");
}

#[test]
fn a_mark_before_the_text_is_no_part_of_it() {
    let marked = |name: &str| [b"\xef\xbb\xbf".to_vec(), fixture(name)].concat();
    for (name, choice) in [("ebs.json", Some("snap-01234567890abcdef")), ("base.backup", None), ("velero.json", None)] {
        assert!(backup(&marked(name), choice).is_ok(), "{name}");
    }
    for bytes in [&b"\xff\xfe{\0"[..], b"\xfe\xff\0{"] {
        refused(bytes, None, "it is written in UTF-16, and only UTF-8 is read");
        assert!(
            Evidence::of(bytes, None).expect_err("UTF-16").hint("a.json").is_some_and(|hint| hint.contains("iconv"))
        );
    }
}

#[test]
fn an_object_of_two_kinds_is_refused() {
    let both = br#"{"Snapshots":[{"SnapshotId":"snap-1","StartTime":"2026-11-20T02:00:00Z"}],"kind":"Backup"}"#;
    refused(
        both,
        None,
        "it is of two kinds at once, the JSON of `aws ec2 describe-snapshots` and the JSON of Velero's Backup, ",
    );
    refused(both, Some("snap-1"), "it is of two kinds at once");
}

#[test]
fn a_manifest_is_known_by_its_format() {
    let file = fixture("manifest.json");
    assert_eq!(backup(&file, None), Ok(Moment::OrLater(at("2026-11-20T02:00:00.512344Z"))));
    let text = String::from_utf8(file).expect("UTF-8");
    refused(text.replace("-manifest/1", "-manifest/2").as_bytes(), None, "its format is \"halfbuilt-manifest/2\"");
    refused(text.replace("-manifest/1", "-report/1").as_bytes(), None, "none of the kinds that are known");
    refused(text.replacen('{', "{\"kind\":\"Backup\",", 1).as_bytes(), None, "it is of two kinds at once");
    refused(text.as_bytes(), Some("ci"), "holds no manifest \"ci\", but nothing");
}

#[test]
fn two_backups_of_one_name_cannot_be_named() {
    let snapshot = |time: &str| format!("{{\"SnapshotId\":\"s\",\"StartTime\":\"2026-11-20T{time}Z\"}}");
    let of = |second: &str| format!("{{\"Snapshots\":[{},{}]}}", snapshot("02:00:00"), snapshot(second));
    for choice in [None, Some("s")] {
        refused(of("03:00:00").as_bytes(), choice, "holds 2 snapshots of different times that have one name, \"s\"");
    }
    let said = Evidence::of(of("03:00:00").as_bytes(), Some("s")).expect("snapshots");
    let hint = said.is_of_one_backup().expect_err("two of one name").hint("a.json");
    assert!(hint.is_some_and(|hint| hint.contains("the file has to hold one of them")));
    // The same snapshot twice is one.
    assert_eq!(backup(of("02:00:00").as_bytes(), Some("s")), Ok(Moment::At(at("2026-11-20T02:00:00Z"))));
}

#[test]
fn a_file_and_a_name_in_it() {
    let parsed = |text: &str| {
        let EvidenceFile { path, choice } = EvidenceFile::parse(text);
        (path.display().to_string(), choice)
    };
    assert_eq!(parsed("a.json#snap-1"), ("a.json".to_owned(), Some("snap-1".to_owned())));
    for text in ["a.json", "a.json#", "#a"] {
        assert_eq!(parsed(text), (text.to_owned(), None));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let odd = folder.path().join("a#b").display().to_string();
    std::fs::write(&odd, "").expect("a file");
    assert_eq!(parsed(&odd), (odd.clone(), None));
    assert_eq!(parsed(&format!("{odd}#c")), (odd, Some("c".to_owned())));
}

proptest::proptest! {
    #[test]
    fn any_change_to_a_file_is_read_without_panic_and_shown_in_one_harmless_line(
        place in 0_usize..15, at in 0.0..1.0, cut in 0_usize..40, with in "(?s).{0,12}", choice in proptest::option::of("[ -~]{0,20}")
    ) {
        let names = ["ebs.json", "velero.json", "backup_label", "base.backup", "pgbackrest.json", "waldump.txt", "crash.log", "pitr.log", "manifest.json", "rds.json", "images.json", "gcp.json", "restore.json", "volumesnapshot.json", "README.md"];
        let mut bytes = fixture(names[place]);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let at = (bytes.len() as f64 * at) as usize;
        bytes.splice(at..bytes.len().min(at + cut), with.into_bytes());
        let lines = match Evidence::of(&bytes, choice.as_deref()) {
            Ok(said) => said.candidates().map(ToString::to_string).collect(),
            Err(error) => vec![error.to_string(), error.hint("a.json").unwrap_or_default()],
        };
        for line in lines {
            proptest::prop_assert!(!line.contains(char::is_control) && line.chars().count() < 2000, "{line:?}");
        }
    }
}
