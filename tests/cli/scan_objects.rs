//! `--objects`: whether the files of builds are stored, by a folder, a saved listing or a bucket.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use halfbuilt::exit::Exit;
use tempfile::TempDir;

use crate::support::{BACKUP_TIME, Done, Report, Run, TIMES, TestDatabase, halfbuilt, repository};

/// A database of sound builds, and a folder with each file that they name.
pub(crate) struct Stored {
    pub(crate) database: TestDatabase,
    pub(crate) folder: TempDir,
    /// Keys, and the numbers of their builds.
    pub(crate) files: BTreeMap<String, String>,
}

impl Stored {
    pub(crate) fn new() -> Self {
        Self::of(TestDatabase::circleci(&["healthy"]))
    }

    fn of(database: TestDatabase) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // Those of builds that were over long before.
        database.run(&format!(
            "DELETE FROM artifacts a USING builds b WHERE a.build_id = b.build_id
                AND (b.stop_time > timestamptz '{BACKUP_TIME}' - interval '10 minutes') IS NOT FALSE"
        ));
        let rows = database.run(
            "SELECT a.storage_key, a.size, b.build_num FROM artifacts a JOIN builds b USING (build_id) ORDER BY 1",
        );
        let mut files = BTreeMap::new();
        for row in rows.lines() {
            let [key, size, number] = row.split('|').collect::<Vec<_>>().try_into().expect("three columns");
            let path = folder.path().join(key);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            // As long as it says, and taking no room.
            File::create(path).and_then(|file| file.set_len(size.parse().expect("a size"))).expect("a file");
            files.insert(key.to_owned(), number.to_owned());
        }
        assert!(files.len() > 80, "{} files", files.len());
        Self { database, folder, files }
    }

    pub(crate) fn path(&self, key: &str) -> PathBuf {
        self.folder.path().join(key)
    }

    fn place(&self) -> String {
        format!("file://{}", self.folder.path().display())
    }

    pub(crate) fn scan(&self, arguments: &[&str]) -> Run {
        halfbuilt(&["scan", "--format", "csv"]).args(&TIMES).args(arguments).on(&self.database)
    }

    /// The n-th key.
    pub(crate) fn key(&self, nth: usize) -> &str {
        self.files.keys().nth(nth).expect("a key")
    }
}

/// What a report says of files: the reason, the number and the evidence.
#[track_caller]
fn found(done: &Done) -> Vec<(String, String, String)> {
    let report = Report::parse(&done.stdout);
    let rows = report.rows.iter().filter(|row| row["reasons"].contains("object-"));
    let mut rows: Vec<_> = rows
        .map(|row| {
            assert_eq!(row["deletable"], "no", "{row:?}");
            (row["reasons"].clone(), row["build_num"].clone(), row["evidence"].clone())
        })
        .collect();
    rows.sort();
    rows
}

#[test]
fn where_every_file_is_there_nothing_is_found() {
    let stored = Stored::new();
    let done = stored.scan(&["--objects", &stored.place()]).run().exits(Exit::Clean);
    assert_eq!(found(&done), []);
    let files = stored.files.len();
    done.says(&format!(": {files} objects stored")).says(&format!("kind artifact: {files} of {files} files are there"));
    // Without the flag nobody speaks of it.
    stored.scan(&[]).run().exits(Exit::Clean).does_not_say("object-missing");
}

#[test]
fn each_file_that_is_gone_or_cut_is_found_and_no_other() {
    let stored = Stored::new();
    let (gone, cut, longer) = (stored.key(3), stored.key(50), stored.key(71));
    std::fs::remove_file(stored.path(gone)).expect("it was there");
    File::create(stored.path(cut)).and_then(|file| file.set_len(7)).expect("a file");
    File::create(stored.path(longer)).and_then(|file| file.set_len(1 << 20)).expect("a file");
    // What the records do not name is nobody's loss.
    File::create(stored.path("artifacts/unknown")).expect("a file");
    let done = stored.scan(&["--objects", &stored.place()]).run().exits(Exit::Clean);
    let [missing, short] = found(&done).try_into().expect("two builds");
    assert_eq!((missing.0.as_str(), &missing.1), ("object-missing", &stored.files[gone]));
    assert!(
        missing.2.ends_with(&format!(": {gone}")) && missing.2.starts_with("1 file not in file://"),
        "{}",
        missing.2
    );
    assert_eq!((short.0.as_str(), &short.1), ("object-short", &stored.files[cut]));
    assert!(short.2.contains(&format!(": {cut} (7 of ")), "{}", short.2);
}

#[test]
fn of_many_files_of_one_build_some_are_named() {
    let stored = Stored::new();
    let number = stored.files[stored.key(0)].clone();
    stored.database.run(&format!(
        "INSERT INTO artifacts (build_id, path, storage_key, size)
         SELECT build_id, 'more/' || n, 'more/' || n, 1 FROM builds, generate_series(1, 9) AS n WHERE build_num = {number} ORDER BY build_id LIMIT 9"
    ));
    let done = stored.scan(&["--objects", &stored.place()]).run().exits(Exit::Clean);
    let [missing] = found(&done).try_into().expect("one build");
    assert!(
        missing.2.starts_with("9 files not in ") && missing.2.ends_with(": more/1, more/2, more/3 and 6 more"),
        "{}",
        missing.2
    );
}

#[test]
fn builds_that_stopped_near_the_backup_or_later_are_not_judged() {
    let stored = Stored::new();
    let key = stored.key(3);
    std::fs::remove_file(stored.path(key)).expect("it was there");
    let stops = |at: &str| {
        let build = "(SELECT build_id FROM artifacts WHERE storage_key = '".to_owned() + key + "')";
        stored.database.run(&format!("UPDATE builds SET stop_time = {at} WHERE build_id = {build}"));
        let done = stored.scan(&["--objects", &stored.place(), "--rule", "object-missing"]).run().exits(Exit::Clean);
        found(&done).len()
    };
    let before = |length: &str| format!("timestamptz '{BACKUP_TIME}' - interval '{length}'");
    assert_eq!(stops(&before("10 minutes")), 1);
    assert_eq!(stops(&before("9 minutes 59 seconds")), 0);
    assert_eq!(stops(&before("-1 hour")), 0);
    assert_eq!(stops("NULL"), 0);
}

#[test]
fn what_may_have_been_deleted_on_purpose_is_not_missing() {
    let stored = Stored::new();
    std::fs::remove_file(stored.path(stored.key(3))).expect("it was there");
    let scan = |flags: &[&str]| stored.scan(&[&["--objects", &stored.place()], flags].concat()).run();
    let done = scan(&["--objects-retention", "artifact=1m"]).exits(Exit::Clean);
    assert_eq!(found(&done), []);
    done.says("1 not there, and may have been deleted on purpose");
    assert_eq!(found(&scan(&["--objects-retention", "artifact=10000d,output=1m"]).exits(Exit::Clean)).len(), 1);
    // The record itself may say so.
    let profile = stored.folder.path().join("mine.sql");
    let text = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("a file");
    for (at, missing) in [
        ("now() - interval '1 second'", 0),
        ("now() + interval '1 day'", 1),
        ("'infinity'::timestamptz", 1),
        ("NULL::timestamptz", 1),
    ] {
        let column = format!("AS kind, {at} AS expires_at,");
        let text = text.replace("AS kind,", &column);
        assert!(text.contains(&column));
        std::fs::write(&profile, text).expect("a file");
        let done = scan(&["--profile", profile.to_str().expect("a path")]).exits(Exit::Clean);
        assert_eq!(found(&done).len(), missing, "{at}");
    }
}

#[test]
fn where_nothing_of_a_kind_is_stored_the_place_is_asked_for_and_no_build_is_named() {
    let stored = Stored::new();
    let empty = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(empty.path().join("lost+found")).expect("a folder");
    let place = format!("file://{}", empty.path().display());
    let done = stored.scan(&["--objects", &place]).run().exits(Exit::Failed);
    assert_eq!(found(&done), []);
    let files = stored.files.len();
    let done = done.says(&format!(
        "could not look at object-missing: none of {files} files of kind artifact is in {place}: is the volume mounted?"
    ));
    // What could not be looked at is not counted as nothing.
    done.says(" 0  object-short").does_not_say(" 0  object-missing");
}

#[test]
fn keys_without_a_folder_hide_nothing_of_others() {
    let stored = Stored::new();
    stored.database.run(
        "INSERT INTO artifacts (build_id, path, storage_key, size)
         SELECT build_id, 'x', 'flat-' || build_id, 1 FROM builds WHERE has_artifacts AND stop_time IS NOT NULL ORDER BY build_id LIMIT 20",
    );
    std::fs::remove_file(stored.path(stored.key(3))).expect("it was there");
    let done = stored.scan(&["--objects", &stored.place()]).run().exits(Exit::Failed);
    let [missing] = found(&done).try_into().expect("one build");
    assert!(missing.2.contains(stored.key(3)), "{}", missing.2);
    done.says("none of 20 files of kind artifact below no folder is in ");
    // All of them may have been deleted on purpose: nothing is known of the place.
    let empty = tempfile::tempdir().expect("a folder");
    let place = format!("file://{}", empty.path().display());
    let done = stored.scan(&["--objects", &place, "--objects-retention", "artifact=1m"]).run().exits(Exit::Clean);
    done.says("each file that is not there may have been deleted on purpose, and none is there");
}

#[test]
fn a_folder_of_which_nothing_is_left_is_named_once() {
    let stored = Stored::new();
    stored.database.run(
        "INSERT INTO artifacts (build_id, path, storage_key, size)
         SELECT build_id, 'x', 'old/' || build_id, 1 FROM builds WHERE has_artifacts AND stop_time IS NOT NULL ORDER BY build_id LIMIT 25",
    );
    std::fs::remove_file(stored.path(stored.key(3))).expect("it was there");
    let done = stored.scan(&["--objects", &stored.place()]).run().exits(Exit::Failed);
    let [missing] = found(&done).try_into().expect("one build");
    assert!(missing.2.contains(stored.key(3)), "{}", missing.2);
    done.says("none of 25 files of kind artifact below old/ is in ");
}

#[test]
fn kinds_may_be_kept_apart() {
    let stored = Stored::new();
    std::fs::remove_file(stored.path(stored.key(3))).expect("it was there");
    let empty = tempfile::tempdir().expect("a folder");
    let elsewhere = format!("output=file://{}", empty.path().display());
    let here = format!("artifact={}", stored.place());
    for places in [[&elsewhere, &here], [&here, &elsewhere], [&elsewhere, &stored.place()]] {
        let done = stored.scan(&["--objects", places[0], "--objects", places[1]]).run().exits(Exit::Clean);
        assert_eq!(found(&done).len(), 1, "{places:?}");
    }
    // Only what a place is for is looked for in it.
    stored.scan(&["--objects", &elsewhere]).run().exits(Exit::Clean).says("names a file");
}

#[test]
fn a_verdict_counts_them() {
    let stored = Stored::new();
    std::fs::remove_file(stored.path(stored.key(3))).expect("it was there");
    let verify = |flags: &[&str]| {
        halfbuilt(&["verify", "--objects", &stored.place()]).args(&TIMES).args(flags).on(&stored.database).run()
    };
    verify(&[]).exits(Exit::Found).says("object-missing");
    verify(&["--allow", "object-missing=1"]).exits(Exit::Clean);
    let empty = tempfile::tempdir().expect("a folder");
    let place = format!("file://{}", empty.path().display());
    // What could not be looked at is no find, and never clean.
    let done = halfbuilt(&["verify", "--objects", &place]).args(&TIMES).on(&stored.database).run();
    done.exits(Exit::Failed).says("is the volume mounted?");
}

#[test]
fn places_that_are_none_are_refused() {
    let stored = Stored::new();
    let place = stored.place();
    let missing = format!("{place}/nowhere");
    let file = format!("{place}/{}", stored.key(0));
    let secret = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(secret.path(), "hello, world\n").expect("a file");
    let empty = tempfile::NamedTempFile::new().expect("a file");
    let (listing, nothing) = (secret.path().to_str().expect("a path"), empty.path().to_str().expect("a path"));
    for (arguments, exit, words) in [
        (&["--objects", "gs://builds"][..], Exit::Usage, "gs:// is not read"),
        (&["--objects", "azure://builds"], Exit::Usage, "azure:// is not read"),
        (&["--objects", "s3://"], Exit::Usage, "expected the name of a bucket"),
        (&["--objects", "file://data"], Exit::Usage, "expected an absolute path"),
        (&["--objects", ""], Exit::Usage, "expected s3://BUCKET/PREFIX"),
        (&["--objects", &place, "--objects", &place], Exit::Usage, "names two places for files of any kind"),
        (&["--objects-retention", "artifact=1d"], Exit::Usage, "--objects"),
        (&["--objects", &place, "--objects-retention", "1d"], Exit::Usage, "KIND=DURATION"),
        (&["--objects", &place, "--objects-retention", "a=1d,a=2d"], Exit::Usage, "names kind a twice"),
        (&["--objects", &missing], Exit::Failed, "cannot list "),
        (&["--objects", &file], Exit::Failed, "cannot list "),
        (&["--objects", listing], Exit::Failed, "it is no listing"),
        (&["--objects", nothing], Exit::Failed, "it is empty"),
        (&["--objects", "/nowhere/listing.json"], Exit::Failed, "cannot read the listing"),
        (&["--objects", stored.folder.path().to_str().expect("a path")], Exit::Failed, "give file:// and its path"),
    ] {
        stored.scan(arguments).run().exits(exit).fails_with(words);
    }
}

#[test]
fn without_t_or_without_files_on_record_nothing_is_judged() {
    let stored = Stored::new();
    std::fs::remove_file(stored.path(stored.key(3))).expect("it was there");
    let scan = halfbuilt(&["scan", "--format", "csv", "--objects", &stored.place()]).on(&stored.database).run();
    assert_eq!(found(&scan.exits(Exit::Clean).says("object-missing, object-short")), []);
    // Who names such a rule has to give a place.
    stored.scan(&["--rule", "object-missing"]).run().exits(Exit::NothingInScope).says("it needs --objects");
    stored.database.run("DELETE FROM artifacts");
    stored.scan(&["--objects", &stored.place()]).run().exits(Exit::Clean).says("names a file");
}

#[test]
fn a_listing_that_was_saved_is_as_good_as_the_place() {
    let stored = Stored::new();
    std::fs::remove_file(stored.path(stored.key(3))).expect("it was there");
    let expected = [("object-missing".to_owned(), stored.files[stored.key(3)].clone())];
    let saved = tempfile::tempdir().expect("a folder");
    let listing = |name: &str, bytes: &[u8]| {
        let path = saved.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        let done = stored.scan(&["--objects", path.to_str().expect("a path")]).run().exits(Exit::Clean);
        let found: Vec<_> = found(&done).into_iter().map(|(reason, number, _)| (reason, number)).collect();
        assert_eq!(found, expected, "{name}");
    };
    let root = stored.folder.path().to_str().expect("a path");
    let by_find = |format: &str| {
        let find = std::process::Command::new("find").args([root, "-type", "f", "-printf", format]).output();
        find.expect("find runs").stdout
    };
    let lines = by_find("%s %T@ %P\\n");
    listing("find", &lines);
    listing("find-0", &by_find("%s %T@ %P\\0"));
    let text = String::from_utf8(lines.clone()).expect("UTF-8");
    let files = || text.lines().map(|line| line.splitn(3, ' ').collect::<Vec<_>>());
    let objects = files().map(|file| serde_json::json!({"Key": file[2], "Size": file[0].parse::<u64>().expect("a size"), "LastModified": "2026-11-19T00:00:00+00:00"}));
    let objects: Vec<_> = objects.collect();
    let json = serde_json::json!({"Contents": objects, "RequestCharged": null}).to_string();
    listing("json", json.as_bytes());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, json.as_bytes()).expect("memory");
    listing("json.gz", &gzip.finish().expect("memory"));
    let inventory = files().map(|file| {
        format!(
            "\"builds\",\"{}\",\"{}\",\"2026-11-19T00:00:00.000Z\",\"STANDARD\"\n",
            file[2].replace('/', "%2F"),
            file[0]
        )
    });
    listing("inventory.csv", inventory.collect::<String>().as_bytes());
    // A file that was cut says less than is there.
    for (name, bytes) in [("cut.json", &json.as_bytes()[..json.len() - 40]), ("cut.txt", &lines[..lines.len() - 5])] {
        let path = saved.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        stored.scan(&["--objects", path.to_str().expect("a path")]).run().exits(Exit::Failed).fails_with("cut.");
    }
    let twice = [lines.as_slice(), text.lines().next().expect("a line").as_bytes(), b"\n"].concat();
    let path = saved.path().join("twice");
    std::fs::write(&path, twice).expect("a file");
    stored.scan(&["--objects", path.to_str().expect("a path")]).run().exits(Exit::Failed).fails_with("names twice");
}

#[test]
fn a_folder_that_cannot_be_read_says_nothing_of_any_file() {
    let stored = Stored::new();
    std::fs::remove_file(stored.path(stored.key(3))).expect("it was there");
    let closed = stored.folder.path().join("artifacts/closed");
    std::fs::create_dir(&closed).expect("a folder");
    // Not even root reads what is no folder any more: a link to itself.
    std::os::unix::fs::symlink("loop", closed.join("loop")).expect("a link");
    let done = stored.scan(&["--objects", &stored.place()]).run();
    done.exits(Exit::Failed).fails_with("cannot list ");
    // A link that leads nowhere, or to a folder, is no file.
    std::fs::remove_file(closed.join("loop")).expect("it was there");
    std::os::unix::fs::symlink("/nowhere", closed.join("nowhere")).expect("a link");
    std::os::unix::fs::symlink(stored.folder.path(), closed.join("up")).expect("a link");
    assert_eq!(found(&stored.scan(&["--objects", &stored.place()]).run().exits(Exit::Clean)).len(), 1);
}

#[test]
fn what_is_found_stands_beside_other_reasons_and_changes_none() {
    let database = TestDatabase::circleci(&["healthy", "output-missing"]);
    let stored = Stored::of(database);
    let plain = Report::parse(&stored.scan(&[]).run().exits(Exit::Clean).stdout);
    let lost = plain.rows.iter().find(|row| row["deletable"] == "yes").expect("a deletable build").clone();
    stored.database.run(&format!(
        "INSERT INTO artifacts (build_id, path, storage_key, size) SELECT build_id, 'x', 'artifacts/=x\"\u{1b}[31m', 1 FROM builds WHERE build_url = '{}'",
        lost["build_url"]
    ));
    let done = stored.scan(&["--objects", &stored.place()]).run().exits(Exit::Clean);
    let report = Report::parse(&done.stdout);
    let row = report.rows.iter().find(|row| row["build_url"] == lost["build_url"]).expect("the same build");
    assert_eq!(row["reasons"], format!("{};object-missing", lost["reasons"]));
    assert_eq!((&row["deletable"], &row["note"]), (&lost["deletable"], &lost["note"]));
    assert!(!done.stdout.contains('\u{1b}'), "{}", done.stdout);
    assert!(row["evidence"].contains("\\u{1b}[31m"), "{}", row["evidence"]);
}

#[test]
fn the_flags_are_explained() {
    let done = halfbuilt(&["scan", "--help"]).run().exits(Exit::Clean);
    done.prints("--objects <[KIND=]URI>").prints("--objects-retention <KIND=DURATION>");
    let rules = halfbuilt(&["rules", "object-missing"]).run().exits(Exit::Clean);
    rules.prints("-- rule: object-missing");
    halfbuilt(&["rules", "--composed", "object-short"]).run().exits(Exit::Clean).prints("held AS MATERIALIZED");
}
