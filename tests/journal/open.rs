//! What is opened: a new file, one that was cut, and what is no journal.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;

use halfbuilt::deletion::journal::{DatabaseName, Journal, JournalError, Past, check, read_or_new};

use crate::samples::{HOST, a_run, add, database, intent, place, start, wait};

#[test]
fn a_file_that_is_not_there_is_a_new_journal() {
    let (_folder, file) = place();
    assert_eq!(read_or_new(&file).expect("nothing there"), Past::default());
    assert!(!file.exists(), "a look creates nothing");
    assert_eq!(add(&file, a_run()), Past::default());
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o137, 0, "only owner and group");
    assert_eq!(read_or_new(&file).expect("a journal").lines, 11);
}

#[test]
fn a_file_that_was_created_and_no_more_is_a_new_journal() {
    let (_folder, file) = place();
    fs::write(&file, "").expect("a file");
    assert_eq!(add(&file, a_run()), Past::default());
    let (journal, past) = Journal::open(&file).expect("a journal");
    drop(journal);
    assert_eq!(past.lines, 11);
    assert_eq!(read_or_new(&file).expect("a journal"), past, "nothing was written");
}

#[test]
fn a_last_line_that_was_cut_anywhere_is_repaired_and_the_run_goes_on() {
    let (_folder, file) = place();
    add(&file, a_run());
    add(&file, vec![start(), intent(3)]);
    let whole = fs::read(&file).expect("a file");
    let twelve: usize = whole.split_inclusive(|byte| *byte == b'\n').take(12).map(<[u8]>::len).sum();
    for end in twelve..whole.len() {
        fs::write(&file, &whole[..end]).expect("a write");
        let bytes = (end - twelve) as u64;
        let seen = read_or_new(&file).expect("a journal");
        assert_eq!(seen.cut.as_ref().map_or(0, |cut| cut.bytes), bytes);
        assert_eq!(fs::metadata(&file).expect("a file").len(), end as u64, "a look changes nothing");
        let past = add(&file, vec![start(), intent(4)]);
        assert_eq!(past.cut, seen.cut);
        let repairs = u64::from(bytes > 0);
        assert_eq!((past.lines, past.repairs), (12 + repairs, repairs));
        let now = read_or_new(&file).expect("a journal");
        assert_eq!((now.lines, now.repairs, now.cut, now.sessions.len()), (14 + repairs, repairs, None, 3));
        // What was written before is as it was.
        assert!(fs::read(&file).expect("a file").starts_with(&whole[..twelve]));
    }
}

#[test]
fn what_is_dropped_is_reported() {
    let (_folder, file) = place();
    add(&file, a_run());
    let mut whole = fs::read(&file).expect("a file");
    whole.extend(b"{\"seq\":12,\"at\":\"2026");
    fs::write(&file, &whole).expect("a write");
    add(&file, vec![start()]);
    let text = fs::read_to_string(&file).expect("a file");
    let repaired = text.lines().nth(11).expect("a line");
    let repaired: serde_json::Value = serde_json::from_str(repaired).expect("JSON");
    assert_eq!((&repaired["event"], &repaired["dropped"]), (&"repaired".into(), &20.into()));
    assert_eq!(repaired["text"], "{\"seq\":12,\"at\":\"2026");
    let sum = Command::new("bash").args(["-c", "printf %s '{\"seq\":12,\"at\":\"2026' | sha256sum"]).output();
    let sum = String::from_utf8(sum.expect("bash").stdout).expect("UTF-8");
    assert_eq!(repaired["sha256"], sum[..64]);
}

#[test]
fn a_long_rest_leaves_nothing_behind() {
    let (_folder, file) = place();
    add(&file, a_run());
    let mut whole = fs::read(&file).expect("a file");
    whole.extend(vec![0; 100_000]);
    fs::write(&file, &whole).expect("a write");
    assert_eq!(add(&file, vec![start()]).cut.expect("a cut").bytes, 100_000);
    assert_eq!(read_or_new(&file).expect("a journal").lines, 13);
    assert!(fs::metadata(&file).expect("a file").len() < 20_000);
}

#[test]
fn a_first_line_that_was_cut_is_repaired_too() {
    let (_folder, file) = place();
    add(&file, vec![start()]);
    let whole = fs::read(&file).expect("a file");
    for end in 1..whole.len() {
        fs::write(&file, &whole[..end]).expect("a write");
        let past = add(&file, a_run());
        assert_eq!((past.lines, past.sessions.len()), (1, 0), "cut at {end}");
        assert_eq!(read_or_new(&file).expect("a journal").lines, 12);
    }
}

#[test]
fn what_is_no_journal_is_refused_and_left_as_it_is() {
    let (folder, file) = place();
    for bytes in ["build_url,project\nhttps://ci.example.com/gh/a/b/1,a/b\n", "{\n}\n", "\n", "x"] {
        fs::write(&file, bytes).expect("a file");
        assert!(matches!(Journal::open(&file), Err(JournalError::NotAJournal)), "{bytes:?}");
        assert!(matches!(read_or_new(&file), Err(JournalError::NotAJournal)), "{bytes:?}");
        assert_eq!(fs::read_to_string(&file).expect("a file"), bytes);
    }
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let link = folder.path().join("link");
    symlink(&pipe, &link).expect("a link");
    for (path, kind) in [
        (folder.path(), "a folder"),
        (pipe.as_path(), "a pipe"),
        (link.as_path(), "a pipe"),
        ("/dev/full".as_ref(), "a device"),
    ] {
        for refused in [Journal::open(path).map(drop), read_or_new(path).map(drop)] {
            assert_eq!(refused.expect_err("refused").to_string(), format!("it is {kind}, not a file"));
        }
    }
}

#[test]
fn a_damaged_journal_is_refused_and_left_as_it_is() {
    let (_folder, file) = place();
    add(&file, a_run());
    let mut bytes = fs::read(&file).expect("a file");
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    bytes.extend(b"{\"seq\"");
    fs::write(&file, &bytes).expect("a write");
    let error = Journal::open(&file).expect_err("damaged");
    assert!(matches!(error, JournalError::Damaged { .. }), "{error:?}");
    assert_eq!(fs::read(&file).expect("a file"), bytes);
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let (folder, _) = place();
    let error = Journal::open(&folder.path().join("no/run.journal")).expect_err("no folder");
    assert_eq!(error.to_string(), "it cannot be opened");
    // A dry run meets no journal there.
    assert!(read_or_new(&folder.path().join("no/run.journal")).is_ok());
}

#[test]
fn a_link_leads_to_the_journal() {
    let (folder, file) = place();
    let link = folder.path().join("latest");
    symlink(&file, &link).expect("a link");
    // One that leads nowhere yet is a mistake, or somebody else's doing.
    assert!(matches!(Journal::open(&link), Err(JournalError::Open(_))));
    assert!(!file.exists());
    fs::write(&file, "").expect("a file");
    add(&link, a_run());
    assert!(link.is_symlink());
    assert_eq!(check(fs::read(&file).expect("a file").as_slice()).expect("a journal").lines, 11);
    assert_eq!(fs::metadata(&link).expect("a file").ino(), fs::metadata(&file).expect("a file").ino());
}

#[test]
fn a_journal_belongs_to_one_host_and_one_database() {
    let (_folder, file) = place();
    let new = add(&file, a_run());
    assert!(new.check_run("anything", &database()).is_ok());
    let past = read_or_new(&file).expect("a journal");
    assert!(past.check_run(HOST, &database()).is_ok());
    let other = DatabaseName { name: "circle_old".to_owned(), ..database() };
    for error in [past.check_run("ci.example.org", &database()), past.check_run(HOST, &other)] {
        assert!(matches!(error, Err(JournalError::OtherRun { .. })), "{error:?}");
    }
}

#[test]
fn a_journal_that_is_removed_stops_the_run() {
    let (_folder, file) = place();
    let (journal, _) = Journal::open(&file).expect("a journal");
    wait(async {
        journal.append(vec![start()]).await.expect("an append");
        fs::remove_file(&file).expect("a file");
        let error = journal.append(vec![intent(1)]).await.expect_err("nowhere");
        assert_eq!(error.to_string(), "the journal cannot be synced");
        assert!(journal.append(vec![]).await.is_err());
    });
}

#[test]
fn the_digest_of_the_last_line_is_at_hand() {
    let (_folder, file) = place();
    let (journal, _) = Journal::open(&file).expect("a journal");
    assert_eq!(journal.last(), None);
    wait(journal.append(a_run())).expect("an append");
    let last = journal.last();
    assert!(last.is_some() && last == read_or_new(&file).expect("a journal").last);
    drop(journal);
    assert_eq!(Journal::open(&file).expect("a journal").0.last(), last);
}
