//! What each kind of file says, and what is refused of it.

use super::*;
use crate::times::Moment;
use crate::times::kind::BACKUPS_READ;

pub(super) fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/fixtures/times/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(super) fn at(text: &str) -> jiff::Timestamp {
    text.parse().expect("a time")
}

pub(super) fn backup(bytes: &[u8], choice: Option<&str>) -> Result<Moment, String> {
    let said = Evidence::of(bytes, choice).map_err(|error| error.to_string())?;
    said.backup().map(|known| known.moment).map_err(|error| error.to_string())
}

#[track_caller]
pub(super) fn refused(bytes: &[u8], choice: Option<&str>, expected: &str) {
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
    refused(gcp.replace("READY", "FAILED").as_bytes(), None, "its status is FAILED, not READY");
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

/// Nothing can have been restored from it, or it never became whole.
#[test]
fn a_snapshot_that_is_not_whole_gives_no_exact_t() {
    let text = |name: &str| String::from_utf8(fixture(name)).expect("UTF-8");
    let [ebs, rds, gcp, volume] = ["ebs.json", "rds.json", "gcp.json", "volumesnapshot.json"].map(text);
    for state in ["pending", "error", "new"] {
        let ebs = ebs.replacen("\"completed\"", &format!("\"{state}\""), 1);
        refused(ebs.as_bytes(), Some("snap-01234567890abcdef"), &format!("its State is {state}"));
    }
    for state in ["creating", "failed", "new"] {
        let rds = rds.replace("\"available\"", &format!("\"{state}\""));
        refused(rds.as_bytes(), None, &format!("its Status is {state}"));
    }
    for state in ["FAILED", "CREATING", "UPLOADING", "NEW"] {
        refused(gcp.replace("READY", state).as_bytes(), None, &format!("its status is {state}"));
    }
    let unready = volume.replace("\"readyToUse\": true", "\"readyToUse\": false");
    refused(unready.as_bytes(), Some("ci-data-nightly"), "its readyToUse is false");
    // One that waits in the recycle bin is whole, and a file may lack the state.
    for state in ["\"recoverable\"", "\"recovering\"", "null"] {
        let ebs = ebs.replacen("\"completed\"", state, 1);
        assert!(matches!(backup(ebs.as_bytes(), Some("snap-01234567890abcdef")), Ok(Moment::At(_))), "{state}");
    }
    for (whole, word) in [(rds, "available"), (gcp, "READY")] {
        assert!(
            matches!(backup(whole.replace(&format!("\"{word}\""), "null").as_bytes(), None), Ok(Moment::At(_))),
            "{word}"
        );
    }
}

/// Its time may be that of the snapshot that it was made from, or later.
#[test]
fn a_snapshot_of_a_snapshot_only_bounds_t() {
    let gcp = String::from_utf8(fixture("gcp.json")).expect("UTF-8");
    for field in ["sourceInstantSnapshot", "sourceInstantSnapshotId"] {
        let instant =
            gcp.replace("\"status\"", &format!("\"{field}\": \"projects/acme/instantSnapshots/i\", \"status\""));
        refused(instant.as_bytes(), None, "T is not after 2026-11-20T02:00:00.384Z");
    }
    let volume = String::from_utf8(fixture("volumesnapshot.json")).expect("UTF-8");
    let claim = "\"persistentVolumeClaimName\": \"data-postgresql-0\"";
    let metadata = "\"name\": \"ci-data-nightly\"";
    for (from, to) in [
        (claim, "\"volumeSnapshotContentName\": \"velero-content\"".to_owned()),
        (claim, format!("{claim}, \"volumeSnapshotContentName\": \"velero-content\"")),
        (claim, String::new()),
        (metadata, format!("{metadata}, \"labels\": {{\"velero.io/restore-name\": \"r1\"}}")),
    ] {
        let restored = volume.replace(from, &to);
        assert!(restored != volume);
        refused(restored.as_bytes(), Some("ci-data-nightly"), "T is not after 2026-11-20T02:00:00Z");
    }
    let labelled =
        volume.replace(metadata, &format!("{metadata}, \"labels\": {{\"velero.io/backup-name\": \"nightly\"}}"));
    assert!(matches!(backup(labelled.as_bytes(), None), Ok(Moment::At(_))));
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
